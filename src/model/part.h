/* part.h: the events of one chunk from its start on, with what died in it known, without a walk
 * from a checkpoint.
 *
 * Promise: gives the same events as the reader's cursor (but for addresses), or says that it
 * cannot. The birth of an object that is older than the chunk is looked up where its slot was
 * last born, going back chunk by chunk, or in a checkpoint on the way where that is cheaper.
 * Vocabulary: older = born before the chunk.
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_PART_H
#define MM_MODEL_PART_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "model/visit.h"
#include "trace/codec.h"
#include "trace/reader.h"

struct mm_learnt;

struct mm_part_birth { /* of an older object */
	uint64_t size, time;
	uint32_t site, thread;
	uint8_t temporary; /* its death is */
};

struct mm_part { /* zero-initialised = empty */
	uint32_t chunk;
	uint32_t count;   /* events from the chunk's start that are known; 0 = empty */
	uint32_t used;    /* when, for who keeps several */
	struct mm_rows rows;
	uint32_t *birth_rows; /* row of each birth of the chunk */
	size_t birth_cap;
	struct mm_part_birth *older;
	size_t older_count, older_cap;
	uint8_t *temporary;   /* by row, for deaths of births in the chunk */
	size_t temporary_cap;
};

void mm_part_deinit(struct mm_part *p);

/* Makes the first `count` events of the chunk known, going back at most `most` chunks: 0,
 * 1 = cannot, or MM_ENOMEM. */
int mm_part_read(struct mm_part *p, struct mm_reader *r, struct mm_learnt *l, uint32_t chunk,
		 uint32_t count, uint32_t most);

/* Calls fn for events from .. to of the chunk, which are known. */
void mm_part_walk(const struct mm_part *p, struct mm_reader *r, const struct mm_learnt *l,
		  uint32_t from, uint32_t to, mm_visit_fn fn, void *arg);

#endif
