/* checked.c: checked blocks by the shortest way (checked.h). */
#include "alloc/checked.h"

#include "alloc/fast.h"
#include "alloc/guard_records.h"

static uint32_t class_for(uint64_t size)
{
	return size <= MM_FAST_TABLE ? mm_fast_class[(size + MM_CLASS_STEP - 1) / MM_CLASS_STEP]
				     : mm_class_of(size);
}

uint64_t mm_checked_take(struct mm_heap *h, struct mm_context *c, uint64_t size)
{
	if (__builtin_expect(size >= c->checked_below, 0))
		return 0;
	uint32_t class = class_for(size);
	struct mm_cache_seat *seat = &c->seat[class];
	if (__builtin_expect(seat->top == seat->floor, 0))
		return 0;
	uint64_t addr = mm_cache_lift(seat);
	mm_guard_hand_out(h, &h->pool[class], addr, size);
	return addr;
}

/* Whoever is to be told of damage finds the block still live: nothing changes before it has been
 * looked at. */
static inline int is_sound(struct mm_heap *h, const struct mm_guard_found *f)
{
	uint32_t granted = f->pool->block_bytes;
	uint16_t record;

	mm_content_canary_soon(&h->content, f->addr, granted);
	record = mm_guard_record(f);
	return mm_guard_is_live(record) &&
	       mm_content_canary_whole(&h->content, f->addr, granted - (record - 1u), granted);
}

int mm_checked_give(struct mm_heap *h, struct mm_context *c, uint64_t addr)
{
	uint64_t at = addr - h->vspace.base;
	uint16_t record;

	if (__builtin_expect(!c->checked_below || at >= h->vspace.bytes, 0))
		return 0;
	uint64_t word = atomic_load_explicit(&h->vspace.owner[at >> MM_SLICE_SHIFT],
					     memory_order_relaxed);
	uint32_t mark = (uint32_t)(word >> 32), class = (mark & MM_MARK_DEPOT) - 1;
	if (__builtin_expect(class >= MM_CLASSES, 0) ||
	    (mark > MM_CLASSES && mark >> MM_MARK_CONTEXT_SHIFT != c->number))
		return 0;
	struct mm_cache_seat *seat = &c->seat[class];
	struct mm_slab *s = mm_slab_at(&h->slabs, (uint32_t)word);
	struct mm_guard_found f = mm_guard_block_in(&h->pool[class], s, addr);
	if (__builtin_expect(seat->top == seat->ceiling || addr != f.addr ||
			     f.number >= s->blocks || !is_sound(h, &f) ||
			     !mm_guard_take_back(h, &f, &record), 0))
		return 0;
	mm_cache_push(seat, addr);
	return 1;
}
