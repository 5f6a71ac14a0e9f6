/* objects_state.h: the inside of objects.c, and the common case of a birth and a death for
 * callers in a loop: no gap, a thread seen before, a slot that has its place already.
 * Private to objects.c, stream.c and cursor.c.
 */
#ifndef MM_TRACE_OBJECTS_STATE_H
#define MM_TRACE_OBJECTS_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "trace/event.h"
#include "trace/objects.h"

enum { NEAR_THREADS = 65536 }; /* threads counted in an array, the rest in a map */

struct mm_objects {
	struct mm_object *objects;
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
	uint32_t *births;     /* by thread */
	size_t births_cap;
	struct mm_map far_births;
};

static inline void mm_objects_count_birth(struct mm_totals *t, const struct mm_object *obj)
{
	uint64_t size = obj->size == MM_UNKNOWN ? 0 : obj->size;

	t->allocs++;
	t->reallocs += obj->kind == MM_EV_REALLOC_IN;
	t->alloc_bytes += size;
	t->live_bytes += size;
	t->live_count++;
	t->unknown_count += obj->size == MM_UNKNOWN;
	if (t->live_bytes > t->peak_bytes) {
		t->peak_bytes = t->live_bytes;
		t->peak_time = obj->time;
	}
}

/* A hint that the object of a slot, any number, is wanted soon. */
static inline void mm_objects_approach(const struct mm_objects *o, uint32_t slot)
{
	if (!o->gap && slot < o->high)
		__builtin_prefetch(&o->objects[slot], 1);
}

/* 1 when done, with the slot in *ret; 0 = go the long way. */
static inline int mm_objects_fast_birth(struct mm_objects *o, const struct mm_object *obj,
					uint32_t *ret)
{
	if (!o->stack_len || o->gap || obj->thread >= o->births_cap)
		return 0;
	uint32_t slot = o->stack[--o->stack_len];
	struct mm_object *p = &o->objects[slot];
	*p = *obj;
	p->order = o->births[obj->thread]++;
	p->live = 1;
	mm_objects_count_birth(&o->totals, obj);
	*ret = slot;
	return 1;
}

/* Takes a live object off the books: whether it was temporary. */
static inline int mm_objects_end(struct mm_objects *o, struct mm_object *obj, uint32_t thread,
				 uint32_t births, int realloc)
{
	int temporary = !realloc && obj->thread == thread && obj->order + 1 == births;

	obj->live = 0;
	o->totals.frees++;
	o->totals.live_count--;
	if (obj->size == MM_UNKNOWN) {
		o->totals.unknown_count--;
	} else {
		o->totals.free_bytes += obj->size;
		o->totals.live_bytes -= obj->size;
	}
	o->totals.temporaries += (uint64_t)temporary;
	return temporary;
}

/* The object that died, as it was, until its slot is born again; NULL = go the long way. */
static inline const struct mm_object *
mm_objects_fast_death(struct mm_objects *o, uint32_t slot, uint32_t thread, int realloc,
		      int *ret_temporary)
{
	if (o->gap || slot >= o->high || !o->objects[slot].live ||
	    o->stack_len >= o->stack_cap || thread >= o->births_cap)
		return NULL;
	o->stack[o->stack_len++] = slot;
	*ret_temporary = mm_objects_end(o, &o->objects[slot], thread, o->births[thread], realloc);
	return &o->objects[slot];
}

#endif
