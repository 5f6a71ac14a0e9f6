/* heapmap.h: every slab of a replayed heap, as rows of the outcome (model/outcome.h).
 *
 * Promise: the bytes of all rows are the pages in use, and what is in blocks that are not out is
 * the account's slab-external and cached bytes at that moment.
 */
#ifndef MM_REPLAY_HEAPMAP_H
#define MM_REPLAY_HEAPMAP_H

#include "model/outcome.h"
#include "model/report_store.h"
#include "replay/dest.h"

/* Of destinations that nobody is in, by destination, kind, size of block and address; rows are
 * the store's. MM_ENOMEM. */
int mm_heapmap_take(struct mm_dest *dests, size_t count, struct mm_report_store *store,
		    struct mm_outcome *out);

#endif
