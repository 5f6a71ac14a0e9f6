/* fast.h: the way of a call that has nothing to do but to hand a block over.
 *
 * Promise: what is done here is what heap.c would do, on three cache lines of this thread's
 * own and the word of a slice; what it declines (returns 0) heap.c does.
 * Vocabulary as in cache.h; mark: depot.h.
 * It must never look at a slab, or take a lock.
 */
#ifndef MM_ALLOC_FAST_H
#define MM_ALLOC_FAST_H

#include "alloc/cache.h"
#include "alloc/classes.h"

/* A block of `size` bytes at a multiple of 16, or 0: the rest of the heap is to be asked. */
static inline uint64_t mm_fast_alloc(struct mm_context *c, uint64_t size)
{
	struct mm_cache_seat *s;

	if (__builtin_expect(size - 1 >= c->most, 0))
		return 0;
	s = &c->seat[mm_class_of(size)];
	if (__builtin_expect(s->top == s->floor, 0))
		return 0;
	if (__builtin_expect(c->counting, 0) && c->until_drawn-- == 1) {
		c->until_drawn = 1;
		return 0;
	}
	return mm_cache_pop(s);
}

/* The mark of a block's slice, 0 = none, or the heap has no fast way. */
static inline uint32_t mm_fast_mark(const struct mm_context *c, uint64_t addr)
{
	uint64_t at = addr - c->base;

	return at < c->bytes ? (uint32_t)(atomic_load_explicit(&c->owner[at >> MM_SLICE_SHIFT],
							       memory_order_relaxed) >> 32) : 0;
}

/* 1: the block is back. */
static inline int mm_fast_free(struct mm_context *c, uint64_t addr)
{
	uint32_t mark = mm_fast_mark(c, addr), depot = (mark & MM_MARK_DEPOT) - 1;
	uint32_t context = mark >> MM_MARK_CONTEXT_SHIFT;
	struct mm_cache_seat *s;

	if (__builtin_expect(depot >= MM_CLASSES || addr & (MM_CLASS_STEP - 1), 0))
		return 0;
	if (__builtin_expect(context && context != c->number, 0))
		return 0;
	s = &c->seat[depot];
	if (__builtin_expect(s->top == s->ceiling, 0))
		return 0;
	*s->top++ = addr;
	return 1;
}

/* What the block at addr may use, 0 = the rest of the heap knows. */
static inline uint64_t mm_fast_granted(const struct mm_context *c, uint64_t addr)
{
	uint32_t depot = (mm_fast_mark(c, addr) & MM_MARK_DEPOT) - 1;

	return depot < MM_CLASSES ? mm_class_bytes(depot) : 0;
}

#endif
