/* account.h: where the bytes of a heap are.
 *
 * The law of fragmentation, exact at every moment at which no call is under way:
 *   committed = requested + internal + cached + slab_external + tail + retained + metadata
 * Each term is counted where it arises, none is the rest of a subtraction.
 */
#ifndef MM_ALLOC_ACCOUNT_H
#define MM_ALLOC_ACCOUNT_H

#include <stdint.h>

struct mm_account {
	uint64_t committed;     /* obtained from the system: pages of slices, and metadata */
	uint64_t requested;     /* by blocks that are live */
	uint64_t internal;      /* granted to them beyond that */
	uint64_t cached;        /* blocks in magazines */
	uint64_t slab_external; /* free blocks of slabs */
	uint64_t tail;          /* of slabs, behind the last block */
	uint64_t retained;      /* pages kept that are not in use */
	uint64_t metadata;
	uint64_t live;          /* blocks */
	uint64_t slabs;
};

/* What the terms add up to. */
static inline uint64_t mm_account_sum(const struct mm_account *a)
{
	return a->requested + a->internal + a->cached + a->slab_external + a->tail +
	       a->retained + a->metadata;
}

#endif
