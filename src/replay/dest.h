/* dest.h: one place that blocks come from: a heap or a set of pools.
 *
 * Promise: the law of alloc/account.h holds for each; what mm_dest_* say is what the heap's or
 * the set's own functions say.
 * One thread at a time.
 */
#ifndef MM_REPLAY_DEST_H
#define MM_REPLAY_DEST_H

#include <stdint.h>

#include "alloc/heap.h"
#include "replay/poolset.h"

struct mm_dest { /* one of both is NULL */
	struct mm_heap *heap;
	struct mm_poolset *pool;
	/* The driver's count: */
	uint64_t live_bytes, live_count;
	uint64_t allocs, frees;   /* halves of reallocs too */
	uint64_t misfits;         /* objects that no block takes: they went to destination 0 */
	uint64_t came, went;      /* by realloc, from and to other destinations */
	uint64_t committed;       /* when it was last used */
	uint64_t peak_committed, peak_requested, peak_count; /* its own, whenever it was */
};

int mm_dest_context(struct mm_dest *d, uint32_t node, struct mm_context **ret);
void mm_dest_leave(struct mm_dest *d, struct mm_context *c);
void mm_dest_close(struct mm_dest *d);

/* MM_ELIMIT: a set that has no block for it; else as mm_heap_alloc. */
int mm_dest_alloc(struct mm_dest *d, struct mm_context *c, uint64_t size, uint64_t align,
		  uint64_t *ret_addr);
/* size: as it was allocated. */
int mm_dest_free(struct mm_dest *d, struct mm_context *c, uint64_t addr, uint64_t size);

/* mm_heap_soon. */
static inline void mm_dest_soon(const struct mm_dest *d, uint64_t addr)
{
	if (d->heap)
		mm_heap_soon(d->heap, addr);
}

void mm_dest_account(const struct mm_dest *d, struct mm_account *ret);
uint64_t mm_dest_committed(const struct mm_dest *d);
void mm_dest_pages(const struct mm_dest *d, uint64_t *ret_committed, uint64_t *ret_purged);
void mm_dest_slabs(const struct mm_dest *d, void (*fn)(void *arg, const struct mm_slab_view *v),
		   void *arg);
uint32_t mm_dest_slab_of(const struct mm_dest *d, uint64_t addr);
uint64_t mm_dest_slab_free(const struct mm_dest *d, uint32_t number);
int mm_dest_check(const struct mm_dest *d);

#endif
