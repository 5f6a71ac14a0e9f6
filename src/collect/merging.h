/* merging.h: many threads' entries become one order.
 *
 * Promise: entries leave by stamp, of equal stamps the deaths first; nothing above the
 * bound leaves; each queue's own order is kept.
 * Vocabulary: bound = a stamp below which no queue will get another entry.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_MERGING_H
#define MM_COLLECT_MERGING_H

#include <stddef.h>
#include <stdint.h>

#include "collect/entries.h"

enum { MM_MERGE_BATCH = 1024 };

struct mm_merged {
	const struct mm_entry *entry;
	void *owner; /* of its queue */
};

/* Gets up to MM_MERGE_BATCH entries in order; nonzero ends the merge with that code,
 * these entries being taken. */
typedef int mm_merge_sink(void *ctx, const struct mm_merged *batch, size_t count);

/* Scratch memory, kept from call to call; zero-initialised. */
struct mm_merge {
	struct mm_entries **heap;
	size_t cap;
};

void mm_merge_deinit(struct mm_merge *m);

/* Takes all entries with stamps up to and including bound. 0, MM_ENOMEM, or what the
 * sink gave. */
int mm_merge_run(struct mm_merge *m, struct mm_entries *const *queues, size_t count,
		 uint64_t bound, mm_merge_sink *sink, void *ctx);

#endif
