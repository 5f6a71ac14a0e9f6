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

enum { MM_FAST_TABLE = 1024 };

/* Classes of sizes up to 1 KiB, by steps of 16. */
static const uint8_t mm_fast_class[MM_FAST_TABLE / MM_CLASS_STEP + 1] = {
	0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23,
	24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27,
	28, 28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31, 31,
};

/* The allocation that is to be watched is left to the rest of the heap, and to count. */
static inline int mm_fast_is_drawn(struct mm_context *c)
{
	if (c->until_drawn == 1)
		return 1;
	c->until_drawn--;
	return 0;
}

/* Where a block of `size` bytes at a multiple of 16 is ready; NULL: the rest of the heap is to
 * be asked. */
static inline struct mm_cache_seat *mm_fast_seat(struct mm_context *c, uint64_t size)
{
	struct mm_cache_seat *s;

	if (__builtin_expect(size < c->table_below, 1))
		s = &c->seat[mm_fast_class[(size + MM_CLASS_STEP - 1) / MM_CLASS_STEP]];
	else if (__builtin_expect(size < c->below, 1))
		s = &c->seat[mm_class_of(size)];
	else
		return NULL;
	if (__builtin_expect(s->top == s->floor, 0) ||
	    __builtin_expect(c->counting && mm_fast_is_drawn(c), 0))
		return NULL;
	return s;
}

/* The mark of a block's slice, 0 = none, or the heap has no fast way for frees. */
static inline uint32_t mm_fast_mark(const struct mm_context *c, uint64_t addr)
{
	uint64_t at = addr - c->base;

	if (__builtin_expect(at >= c->bytes, 0))
		return 0;
	return (uint32_t)(atomic_load_explicit(&c->owner[at >> MM_SLICE_SHIFT],
					       memory_order_relaxed) >> 32);
}

/* 1: the block is back. */
static inline int mm_fast_free(struct mm_context *c, uint64_t addr)
{
	uint32_t mark = mm_fast_mark(c, addr), depot = (mark & MM_MARK_DEPOT) - 1;
	struct mm_cache_seat *s;

	if (__builtin_expect(depot >= MM_CLASSES || addr & (MM_CLASS_STEP - 1), 0))
		return 0;
	if (mark > MM_CLASSES && mark >> MM_MARK_CONTEXT_SHIFT != c->number)
		return 0;
	s = &c->seat[depot];
	if (__builtin_expect(s->top == s->ceiling, 0))
		return 0;
	mm_cache_push(s, addr);
	return 1;
}

/* What the block at addr may use, 0 = the rest of the heap knows. */
static inline uint64_t mm_fast_granted(const struct mm_context *c, uint64_t addr)
{
	uint32_t depot = (mm_fast_mark(c, addr) & MM_MARK_DEPOT) - 1;

	return depot < MM_CLASSES ? mm_class_bytes(depot) : 0;
}

#endif
