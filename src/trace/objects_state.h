/* objects_state.h: the inside of objects.c, and the common case of a birth and a death for
 * callers in a loop: no gap, a thread seen before, a slot that has its place already.
 *
 * Vocabulary
 *   kept   an object as it is kept, in half a cache line
 *   wide   an object with a number that does not fit there: kept aside, whole
 * For objects.c, stream.c, cursor.c and the collector's table of addresses.
 */
#ifndef MM_TRACE_OBJECTS_STATE_H
#define MM_TRACE_OBJECTS_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "trace/event.h"
#include "trace/objects.h"

enum { MM_NEAR_THREADS = 65536 }; /* threads counted in an array, the rest in a map */

/* The largest size and time stand for MM_UNKNOWN. */
#define MM_KEPT_ADDRS (UINT64_C(1) << 48)
#define MM_KEPT_SIZES ((UINT64_C(1) << 40) - 1)
#define MM_KEPT_TIMES ((UINT64_C(1) << 56) - 1)

/* Words put together by hand: compilers write bit fields one by one. */
struct mm_kept {
	uint64_t what; /* bits 0-47 address, 48-55 kind, 56-61 log2 of the alignment */
	uint64_t when; /* bits 0-55 time of birth, 56-63 bits 32-39 of the size */
	uint32_t size; /* bits 0-31 */
	uint32_t site, thread, order;
};

#define MM_KEPT_LIVE (UINT64_C(1) << 62) /* in `what` */
#define MM_KEPT_WIDE (UINT64_C(1) << 63)
_Static_assert(sizeof(struct mm_kept) == 32, "two to a cache line");

struct mm_objects {
	struct mm_kept *objects;
	size_t object_cap;
	uint32_t *stack; /* free slots, bottom first */
	size_t stack_cap;
	uint32_t stack_len;
	uint32_t hidden;      /* free slots below the stack that a gap hid */
	uint32_t high;        /* slots ever used */
	uint32_t pool_len;    /* after a gap: places used in objects */
	int gap;
	struct mm_map where;  /* after a gap: slot + 1 -> place */
	struct mm_totals totals;
	uint32_t *latest;     /* by thread: order of its latest birth + 1 */
	size_t latest_cap;
	struct mm_map far_latest;
	struct mm_object *wide;   /* those of wide places */
	size_t wide_cap, wide_count;
	struct mm_map wide_where; /* place + 1 -> index, for good */
};

static inline int mm_kept_fits(uint64_t addr, uint64_t size, uint64_t time, unsigned align_log2)
{
	return addr < MM_KEPT_ADDRS && size < MM_KEPT_SIZES && time < MM_KEPT_TIMES &&
	       align_log2 < 64;
}

static inline uint8_t mm_kept_kind(const struct mm_kept *k)
{
	return (uint8_t)(k->what >> 48);
}

/* The numbers fit. */
static inline void mm_kept_set(struct mm_kept *k, uint64_t addr, unsigned kind,
			       unsigned align_log2, uint64_t time, uint64_t size)
{
	k->what = addr | (uint64_t)kind << 48 | (uint64_t)align_log2 << 56 | MM_KEPT_LIVE;
	k->when = time | size >> 32 << 56;
	k->size = (uint32_t)size;
}

/* An object that is not wide. */
static inline void mm_kept_get(const struct mm_kept *k, struct mm_object *ret)
{
	uint64_t size = k->when >> 56 << 32 | k->size, time = k->when & MM_KEPT_TIMES;

	ret->addr = k->what & (MM_KEPT_ADDRS - 1);
	ret->size = size == MM_KEPT_SIZES ? MM_UNKNOWN : size;
	ret->time = time == MM_KEPT_TIMES ? MM_UNKNOWN : time;
	ret->site = k->site;
	ret->thread = k->thread;
	ret->order = k->order;
	ret->kind = mm_kept_kind(k);
	ret->align_log2 = (uint8_t)(k->what >> 56 & 63);
}

static inline void mm_objects_count_birth(struct mm_totals *t, unsigned kind, uint64_t size,
					  uint64_t time)
{
	t->allocs++;
	t->reallocs += kind == MM_EV_REALLOC_IN;
	t->alloc_bytes += size;
	t->live_bytes += size;
	t->live_count++;
	if (t->live_bytes > t->peak_bytes) {
		t->peak_bytes = t->live_bytes;
		t->peak_time = time;
	}
}

static inline uint32_t mm_objects_depth(const struct mm_objects *o)
{
	return o->stack_len + o->hidden;
}

/* A hint that the object of a slot, any number, is wanted soon. Always inlined: gcc 12
 * takes a function that only prefetches for one without effect and leaves its calls out. */
__attribute__((always_inline)) static inline void
mm_objects_approach(const struct mm_objects *o, uint32_t slot)
{
	if (!o->gap && slot < o->high)
		__builtin_prefetch(&o->objects[slot], 1);
}

/* True when an object born at addr lives at slot, one that the program's own allocator
 * gave (note) or one of the heap. Never after a gap. */
static inline int mm_objects_lives_at(const struct mm_objects *o, uint32_t slot, uint64_t addr,
				      int note)
{
	if (slot >= o->high)
		return 0;
	const struct mm_kept *k = &o->objects[slot];
	if (!(k->what & MM_KEPT_LIVE) ||
	    (mm_kept_kind(k) == MM_EV_NOTE_ALLOC) != (note != 0))
		return 0;
	if (!(k->what & MM_KEPT_WIDE))
		return (k->what & (MM_KEPT_ADDRS - 1)) == addr;
	struct mm_object obj;
	return mm_objects_get(o, slot, &obj) && obj.addr == addr;
}

/* A birth, at `time` (ev's own is not looked at): 1 when done, with the slot in *ret; 0 =
 * go the long way. */
static inline int mm_objects_fast_birth(struct mm_objects *o, const struct mm_event *ev,
					uint64_t time, uint32_t *ret)
{
	uint32_t order = (uint32_t)o->totals.allocs;

	if (!o->stack_len || o->gap || ev->thread >= o->latest_cap ||
	    !mm_kept_fits(ev->addr, ev->size, time, ev->align_log2))
		return 0;
	uint32_t slot = o->stack[--o->stack_len];
	struct mm_kept *k = &o->objects[slot];
	mm_kept_set(k, ev->addr, ev->kind, ev->align_log2, time, ev->size);
	k->site = ev->site;
	k->thread = ev->thread;
	k->order = order;
	o->latest[ev->thread] = order + 1;
	mm_objects_count_birth(&o->totals, ev->kind, ev->size, time);
	*ret = slot;
	return 1;
}

/* What a birth makes, but for its order. */
static inline struct mm_object mm_object_born(const struct mm_event *ev, uint64_t time)
{
	return (struct mm_object){ .addr = ev->addr, .size = ev->size, .time = time,
		.site = ev->site, .thread = ev->thread, .kind = ev->kind,
		.align_log2 = ev->align_log2 };
}

/* Takes a live object off the books: whether it was temporary for a death by a thread
 * whose latest birth has the order `latest` - 1. */
static inline int mm_objects_count_death(struct mm_totals *t, const struct mm_object *obj,
					 uint32_t thread, uint32_t latest, int realloc)
{
	int temporary = !realloc && obj->thread == thread && obj->order + 1 == latest;

	t->frees++;
	t->live_count--;
	if (obj->size == MM_UNKNOWN) {
		t->unknown_count--;
	} else {
		t->free_bytes += obj->size;
		t->live_bytes -= obj->size;
	}
	t->temporaries += (uint64_t)temporary;
	return temporary;
}

/* 1 when done, with the object as it was; 0 = go the long way. */
static inline int mm_objects_fast_death(struct mm_objects *o, uint32_t slot, uint32_t thread,
					int realloc, struct mm_object *ret, int *ret_temporary)
{
	if (o->gap || slot >= o->high || o->stack_len >= o->stack_cap || thread >= o->latest_cap)
		return 0;
	struct mm_kept *k = &o->objects[slot];
	if ((k->what & (MM_KEPT_LIVE | MM_KEPT_WIDE)) != MM_KEPT_LIVE)
		return 0;
	mm_kept_get(k, ret);
	k->what = 0;
	o->stack[o->stack_len++] = slot;
	*ret_temporary = mm_objects_count_death(&o->totals, ret, thread, o->latest[thread],
						realloc);
	return 1;
}

#endif
