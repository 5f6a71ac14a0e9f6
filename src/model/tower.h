/* tower.h: sums over any run of chunks of one process from few digests.
 *
 * Promise: equals the sum of the chunks' digests; what was added up once is kept, in at most
 * about 32 MiB, so that a run of n chunks costs the order of 64 digests.
 * Vocabulary: block = the merged digest of 16, 256 or 4096 chunks that begin at a multiple of that.
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_TOWER_H
#define MM_MODEL_TOWER_H

#include <stddef.h>
#include <stdint.h>

#include "trace/digest.h"
#include "trace/reader.h"

enum { MM_TOWER_LEVELS = 3, MM_TOWER_CHUNKS = 16 };

struct mm_tower_block {
	struct mm_digest sums;
	uint8_t state; /* 0 = not made; 1 = made; 2 = cannot be: a digest in it is lost */
};

struct mm_tower { /* zero-initialised = empty */
	struct mm_tower_block *blocks[MM_TOWER_LEVELS];
	size_t cap[MM_TOWER_LEVELS];
	size_t bytes;
};

void mm_tower_deinit(struct mm_tower *t);

/* Calls fn with digests that together are those of chunks first .. end, as far as they can be
 * had: in *ret_at the chunk whose own cannot, or end. 0 or MM_ENOMEM. Sites and threads in
 * them are below those of the reader, or MM_NO_THREAD, for blocks; a single chunk's may be
 * anything. */
int mm_tower_sum(struct mm_tower *t, struct mm_reader *r, uint32_t process, uint32_t first,
		 uint32_t end, void (*fn)(void *arg, const struct mm_digest *d), void *arg,
		 uint32_t *ret_at);

#endif
