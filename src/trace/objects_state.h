/* objects_state.h: the inside of objects.c, and the common case of a birth and a death for
 * callers in a loop: no gap, a thread seen before, a slot that has its place already.
 *
 * Vocabulary
 *   kept   an object as it is kept, in 24 bytes
 *   wide   an object with a number that does not fit there: kept aside, whole
 *   tick   a time as it is kept: a multiple of the resolution that the objects were made with
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

/* First numbers that do not fit. The largest size and tick stand for MM_UNKNOWN, the largest
 * thread for MM_NO_THREAD. */
#define MM_KEPT_ADDRS (UINT64_C(1) << 47)
#define MM_KEPT_SIZES UINT64_C(0xffffffff)
#define MM_KEPT_TICKS ((UINT64_C(1) << 40) - 1)
#define MM_KEPT_SITES (UINT32_C(1) << 24)
#define MM_KEPT_THREADS 0xfffu

/* Words put together by hand: compilers write bit fields one by one. */
struct mm_kept {
	uint64_t where; /* bits 0-43 address / 8, 44-46 kind, 47-51 log2 of the alignment,
			   52-63 thread */
	uint64_t when;  /* bits 0-39 tick of birth, 40-63 site */
	uint32_t size;
	uint32_t order; /* bits 0-29, and the two below */
};

#define MM_KEPT_LIVE (UINT32_C(1) << 30) /* in `order` */
#define MM_KEPT_WIDE (UINT32_C(1) << 31)
/* Births are numbered in as many bits: those of one tick, and of one chunk, are far fewer, and
 * an object that outlives so many is taken for its thread's latest once in as many times. */
#define MM_KEPT_ORDERS MM_ORDER_BITS
_Static_assert(MM_KEPT_ORDERS == MM_KEPT_LIVE - 1, "an order and a flag share a word");
_Static_assert(sizeof(struct mm_kept) == 24, "what the collector needs for a live object");

struct mm_objects {
	struct mm_kept *objects;
	size_t object_cap;
	uint64_t tick_ns;
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

static inline int mm_kept_fits(uint64_t addr, uint64_t size, uint64_t tick, uint32_t site,
			       uint32_t thread, unsigned align_log2)
{
	return addr < MM_KEPT_ADDRS && addr % 8 == 0 && size < MM_KEPT_SIZES &&
	       tick < MM_KEPT_TICKS && site < MM_KEPT_SITES && thread < MM_KEPT_THREADS &&
	       align_log2 < 32;
}

static inline uint8_t mm_kept_kind(const struct mm_kept *k)
{
	return (uint8_t)(k->where >> 44 & 7);
}

static inline uint64_t mm_kept_addr(const struct mm_kept *k)
{
	return k->where << 20 >> 17;
}

/* The numbers fit. */
static inline void mm_kept_set(struct mm_kept *k, uint64_t addr, unsigned kind,
			       unsigned align_log2, uint32_t thread, uint64_t tick, uint32_t site,
			       uint64_t size, uint32_t order)
{
	k->where = addr >> 3 | (uint64_t)kind << 44 | (uint64_t)align_log2 << 47 |
		   (uint64_t)thread << 52;
	k->when = tick | (uint64_t)site << 40;
	k->size = (uint32_t)size;
	k->order = (order & MM_KEPT_ORDERS) | MM_KEPT_LIVE;
}

/* An object that is not wide. */
static inline void mm_kept_get(const struct mm_kept *k, uint64_t tick_ns, struct mm_object *ret)
{
	uint64_t tick = k->when & MM_KEPT_TICKS;
	uint32_t thread = (uint32_t)(k->where >> 52);

	ret->addr = mm_kept_addr(k);
	ret->size = k->size == MM_KEPT_SIZES ? MM_UNKNOWN : k->size;
	ret->time = tick == MM_KEPT_TICKS ? MM_UNKNOWN : tick * tick_ns;
	ret->site = (uint32_t)(k->when >> 40);
	ret->thread = thread == MM_KEPT_THREADS ? MM_NO_THREAD : thread;
	ret->order = k->order & MM_KEPT_ORDERS;
	ret->kind = mm_kept_kind(k);
	ret->align_log2 = (uint8_t)(k->where >> 47 & 31);
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

/* The live object of a slot, if there is one, is at another address now: 0 or MM_ENOMEM. */
int mm_objects_readdress(struct mm_objects *o, uint32_t slot, uint64_t addr);

/* True when an object born at addr lives at slot, one that the program's own allocator
 * gave (note) or one of the heap. Never after a gap. */
static inline int mm_objects_lives_at(const struct mm_objects *o, uint32_t slot, uint64_t addr,
				      int note)
{
	if (slot >= o->high)
		return 0;
	const struct mm_kept *k = &o->objects[slot];
	if (!(k->order & MM_KEPT_LIVE) ||
	    (mm_kept_kind(k) == MM_EV_NOTE_ALLOC) != (note != 0))
		return 0;
	if (!(k->order & MM_KEPT_WIDE))
		return mm_kept_addr(k) == addr;
	struct mm_object obj;
	return mm_objects_get(o, slot, &obj) && obj.addr == addr;
}

/* A birth, at `tick` (ev's own time is not looked at): 1 when done, with the slot in *ret;
 * 0 = go the long way. */
static inline int mm_objects_fast_birth(struct mm_objects *o, const struct mm_event *ev,
					uint64_t tick, uint32_t *ret)
{
	uint32_t order = (uint32_t)o->totals.allocs;

	if (!o->stack_len || o->gap || ev->thread >= o->latest_cap ||
	    !mm_kept_fits(ev->addr, ev->size, tick, ev->site, ev->thread, ev->align_log2))
		return 0;
	uint32_t slot = o->stack[--o->stack_len];
	mm_kept_set(&o->objects[slot], ev->addr, ev->kind, ev->align_log2, ev->thread, tick,
		    ev->site, ev->size, order);
	o->latest[ev->thread] = order + 1;
	mm_objects_count_birth(&o->totals, ev->kind, ev->size, tick * o->tick_ns);
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
	int temporary = !realloc && obj->thread == thread && latest &&
			mm_order_is_latest(obj->order, latest);

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
	if ((k->order & (MM_KEPT_LIVE | MM_KEPT_WIDE)) != MM_KEPT_LIVE)
		return 0;
	mm_kept_get(k, o->tick_ns, ret);
	k->order = 0;
	o->stack[o->stack_len++] = slot;
	*ret_temporary = mm_objects_count_death(&o->totals, ret, thread, o->latest[thread],
						realloc);
	return 1;
}

#endif
