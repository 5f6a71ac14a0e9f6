/* objects.c: live objects, their slots and the running totals (objects.h).
 *
 * Normally objects is an array indexed by slot. After a gap a trace may name any slot,
 * so objects becomes a dense pool and `where` maps slot to place: memory stays bounded by
 * the events read, whatever the file claims. */
#include "trace/objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"
#include "trace/event.h"
#include "trace/objects_state.h"

int mm_objects_create(struct mm_objects **ret)
{
	struct mm_objects *o = calloc(1, sizeof *o);

	if (!o)
		return MM_ENOMEM;
	*ret = o;
	return MM_OK;
}

void mm_objects_destroy(struct mm_objects *o)
{
	if (!o)
		return;
	free(o->objects);
	free(o->stack);
	free(o->births);
	mm_map_deinit(&o->where);
	mm_map_deinit(&o->far_births);
	free(o);
}

void mm_objects_reset(struct mm_objects *o)
{
	if (o->objects)
		memset(o->objects, 0, o->object_cap * sizeof *o->objects);
	if (o->births)
		memset(o->births, 0, o->births_cap * sizeof *o->births);
	mm_map_deinit(&o->where);
	mm_map_deinit(&o->far_births);
	o->stack_len = o->hidden = o->high = o->pool_len = 0;
	o->gap = 0;
	memset(&o->totals, 0, sizeof o->totals);
}

void mm_objects_set_totals(struct mm_objects *o, const struct mm_totals *t)
{
	uint64_t unknown = o->totals.unknown_count;

	o->totals = *t;
	o->totals.unknown_count = unknown;
}

void mm_objects_gap(struct mm_objects *o, uint32_t high_water, uint32_t free_depth,
		    const struct mm_totals *t)
{
	mm_objects_reset(o);
	o->gap = 1;
	o->high = high_water;
	o->hidden = free_depth < high_water ? free_depth : high_water;
	o->totals = *t;
	o->totals.unknown_count = t->live_count;
}

/* --- births of threads ------------------------------------------------------------ */

uint32_t mm_objects_births(const struct mm_objects *o, uint32_t thread)
{
	if (thread < o->births_cap)
		return o->births[thread];
	const struct mm_map_place *p = mm_map_find(&o->far_births, (uint64_t)thread + 1);
	return p ? p->value : 0;
}

int mm_objects_set_births(struct mm_objects *o, uint32_t thread, uint32_t births)
{
	if (thread >= NEAR_THREADS)
		return mm_map_set(&o->far_births, (uint64_t)thread + 1, births);
	if (thread >= o->births_cap && MM_GROW(o->births, o->births_cap, (size_t)thread + 1))
		return MM_ENOMEM;
	o->births[thread] = births;
	return MM_OK;
}

/* --- places ------------------------------------------------------------------------- */

static struct mm_object *place_of(const struct mm_objects *o, uint32_t slot)
{
	if (!o->gap)
		return slot < o->high ? &o->objects[slot] : NULL;
	const struct mm_map_place *p = mm_map_find(&o->where, (uint64_t)slot + 1);
	return p ? &o->objects[p->value] : NULL;
}

static struct mm_object *make_place(struct mm_objects *o, uint32_t slot)
{
	if (!o->gap) {
		if (slot >= o->object_cap &&
		    MM_GROW(o->objects, o->object_cap, (size_t)slot + 1))
			return NULL;
		return &o->objects[slot];
	}
	struct mm_object *known = place_of(o, slot);
	if (known)
		return known;
	if (MM_GROW(o->objects, o->object_cap, (size_t)o->pool_len + 1) ||
	    mm_map_set(&o->where, (uint64_t)slot + 1, o->pool_len))
		return NULL;
	return &o->objects[o->pool_len++];
}

static int push_free(struct mm_objects *o, uint32_t slot)
{
	if (o->stack_len >= o->stack_cap &&
	    MM_GROW(o->stack, o->stack_cap, (size_t)o->stack_len + 1))
		return MM_ENOMEM;
	o->stack[o->stack_len++] = slot;
	return MM_OK;
}

const struct mm_object *mm_objects_get(const struct mm_objects *o, uint32_t slot)
{
	const struct mm_object *obj = place_of(o, slot);

	return obj && obj->live ? obj : NULL;
}

/* --- birth and death ------------------------------------------------------------------ */

/* Puts obj at its slot once the slot is taken from the stack or the high water. */
static int settle(struct mm_objects *o, const struct mm_object *obj, uint32_t slot)
{
	uint32_t order = mm_objects_births(o, obj->thread);
	struct mm_object *p = make_place(o, slot);

	if (!p)
		return MM_ENOMEM;
	if (obj->thread < o->births_cap)
		o->births[obj->thread] = order + 1;
	else if (mm_objects_set_births(o, obj->thread, order + 1))
		return MM_ENOMEM;
	*p = *obj;
	p->order = order;
	p->live = 1;
	mm_objects_count_birth(&o->totals, obj);
	return MM_OK;
}

int mm_objects_birth(struct mm_objects *o, const struct mm_object *obj, uint32_t *ret)
{
	if (mm_objects_fast_birth(o, obj, ret))
		return MM_OK;
	uint32_t slot = o->stack_len ? o->stack[o->stack_len - 1] : o->high;
	if (slot == MM_NO_SLOT)
		return MM_ELIMIT;
	int err = settle(o, obj, slot);
	if (err)
		return err;
	if (o->stack_len)
		o->stack_len--;
	else
		o->high++;
	*ret = slot;
	return MM_OK;
}

int mm_objects_birth_at(struct mm_objects *o, const struct mm_object *obj, uint32_t slot)
{
	if (o->stack_len ? o->stack[o->stack_len - 1] != slot :
	    !o->hidden && o->high != slot)
		return MM_ECORRUPT;
	if (mm_objects_get(o, slot) || slot == MM_NO_SLOT)
		return MM_ECORRUPT;
	int err = settle(o, obj, slot);
	if (err)
		return err;
	if (o->stack_len)
		o->stack_len--;
	else if (o->hidden)
		o->hidden--;
	else
		o->high++;
	return MM_OK;
}

static int unknown_death(struct mm_objects *o, uint32_t slot, struct mm_object *ret,
			 int *ret_temporary)
{
	if (!o->gap || slot >= o->high || !o->totals.unknown_count || place_of(o, slot))
		return MM_ENOENT;
	if (!make_place(o, slot) || push_free(o, slot))
		return MM_ENOMEM;
	o->totals.frees++;
	o->totals.live_count--;
	o->totals.unknown_count--;
	*ret = (struct mm_object){ .size = MM_UNKNOWN, .time = MM_UNKNOWN,
				   .thread = MM_NO_THREAD };
	*ret_temporary = 0;
	return MM_OK;
}

int mm_objects_death(struct mm_objects *o, uint32_t slot, uint32_t thread, int realloc,
		     uint64_t time, struct mm_object *ret, int *ret_temporary)
{
	struct mm_object *obj = place_of(o, slot);

	(void)time;
	if (!obj || !obj->live)
		return unknown_death(o, slot, ret, ret_temporary);
	if (push_free(o, slot))
		return MM_ENOMEM;
	*ret_temporary = mm_objects_end(o, obj, thread, mm_objects_births(o, thread), realloc);
	*ret = *obj;
	return MM_OK;
}

void mm_objects_note(struct mm_objects *o, unsigned kind)
{
	o->totals.implied += kind == MM_EV_IMPLIED;
	o->totals.inherited += kind == MM_EV_INHERITED;
	o->totals.failed += kind == MM_EV_FAILED;
}

/* --- checkpoints ------------------------------------------------------------------------ */

int mm_objects_restore(struct mm_objects *o, const struct mm_object *obj, uint32_t slot)
{
	if (slot == MM_NO_SLOT || (slot < o->high && o->objects[slot].live))
		return MM_ECORRUPT;
	struct mm_object *p = make_place(o, slot);
	if (!p)
		return MM_ENOMEM;
	*p = *obj;
	p->live = 1;
	o->totals.unknown_count += obj->size == MM_UNKNOWN;
	if (slot >= o->high)
		o->high = slot + 1;
	return MM_OK;
}

int mm_objects_restore_free(struct mm_objects *o, uint32_t slot)
{
	if (slot == MM_NO_SLOT || (slot < o->high && o->objects[slot].live))
		return MM_ECORRUPT;
	if (!make_place(o, slot) || push_free(o, slot))
		return MM_ENOMEM;
	if (slot >= o->high)
		o->high = slot + 1;
	return MM_OK;
}

/* --- reading ------------------------------------------------------------------------------ */

uint32_t mm_objects_high_water(const struct mm_objects *o)
{
	return o->high;
}

const struct mm_totals *mm_objects_totals(const struct mm_objects *o)
{
	return &o->totals;
}

const uint32_t *mm_objects_free(const struct mm_objects *o, uint32_t *ret_count)
{
	*ret_count = o->stack_len;
	return o->stack;
}

uint32_t mm_objects_free_depth(const struct mm_objects *o)
{
	return o->stack_len + o->hidden;
}

static int stack_is_sound(const struct mm_objects *o)
{
	uint8_t *seen = calloc(1, (size_t)o->high / 8 + 1);
	int sound = seen != NULL;

	for (uint32_t i = 0; sound && i < o->stack_len; i++) {
		uint32_t slot = o->stack[i];
		sound = slot < o->high && !o->objects[slot].live &&
			!(seen[slot / 8] >> slot % 8 & 1);
		if (sound)
			seen[slot / 8] |= (uint8_t)(1u << slot % 8);
	}
	free(seen);
	return sound;
}

int mm_objects_check(const struct mm_objects *o)
{
	uint64_t bytes = 0, count = 0, unknown = 0;

	if (o->gap)
		return o->hidden <= o->high ? MM_OK : MM_ECORRUPT;
	for (uint32_t i = 0; i < o->high; i++) {
		if (!o->objects[i].live)
			continue;
		count++;
		unknown += o->objects[i].size == MM_UNKNOWN;
		bytes += o->objects[i].size == MM_UNKNOWN ? 0 : o->objects[i].size;
	}
	if (!stack_is_sound(o) || count + o->stack_len != o->high ||
	    count != o->totals.live_count || unknown != o->totals.unknown_count)
		return MM_ECORRUPT;
	if (!unknown && bytes != o->totals.live_bytes)
		return MM_ECORRUPT;
	return MM_OK;
}
