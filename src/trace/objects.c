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
#include "base/pages.h"
#include "core/error.h"
#include "trace/event.h"
#include "trace/objects_state.h"

int mm_objects_create(struct mm_objects **ret, uint64_t tick_ns)
{
	struct mm_objects *o = calloc(1, sizeof *o);

	if (!o)
		return MM_ENOMEM;
	o->tick_ns = tick_ns ? tick_ns : 1;
	*ret = o;
	return MM_OK;
}

void mm_objects_destroy(struct mm_objects *o)
{
	if (!o)
		return;
	MM_PAGES_FREE(o->objects, o->object_cap);
	MM_PAGES_FREE(o->stack, o->stack_cap);
	free(o->latest);
	free(o->wide);
	mm_map_deinit(&o->where);
	mm_map_deinit(&o->far_latest);
	mm_map_deinit(&o->wide_where);
	free(o);
}

void mm_objects_reset(struct mm_objects *o)
{
	mm_pages_clear(&o->objects, o->object_cap, sizeof *o->objects);
	if (o->latest)
		memset(o->latest, 0, o->latest_cap * sizeof *o->latest);
	mm_map_deinit(&o->where);
	mm_map_deinit(&o->far_latest);
	mm_map_deinit(&o->wide_where);
	o->wide_count = 0;
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

/* --- latest births of threads ------------------------------------------------------- */

uint32_t mm_objects_latest(const struct mm_objects *o, uint32_t thread)
{
	if (thread < o->latest_cap)
		return o->latest[thread];
	const struct mm_map_place *p = mm_map_find(&o->far_latest, (uint64_t)thread + 1);
	return p ? p->value : 0;
}

int mm_objects_set_latest(struct mm_objects *o, uint32_t thread, uint32_t latest)
{
	if (thread >= MM_NEAR_THREADS)
		return mm_map_set(&o->far_latest, (uint64_t)thread + 1, latest);
	if (thread >= o->latest_cap && MM_GROW(o->latest, o->latest_cap, (size_t)thread + 1))
		return MM_ENOMEM;
	o->latest[thread] = latest;
	return MM_OK;
}

/* --- places ------------------------------------------------------------------------- */

static struct mm_kept *place_of(const struct mm_objects *o, uint32_t slot)
{
	if (!o->gap)
		return slot < o->high ? &o->objects[slot] : NULL;
	const struct mm_map_place *p = mm_map_find(&o->where, (uint64_t)slot + 1);
	return p ? &o->objects[p->value] : NULL;
}

static struct mm_kept *make_place(struct mm_objects *o, uint32_t slot)
{
	if (!o->gap) {
		if (slot >= o->object_cap &&
		    MM_PAGES_GROW(o->objects, o->object_cap, (size_t)slot + 1))
			return NULL;
		return &o->objects[slot];
	}
	struct mm_kept *known = place_of(o, slot);
	if (known)
		return known;
	if ((o->pool_len >= o->object_cap &&
	     MM_PAGES_GROW(o->objects, o->object_cap, (size_t)o->pool_len + 1)) ||
	    mm_map_set(&o->where, (uint64_t)slot + 1, o->pool_len))
		return NULL;
	return &o->objects[o->pool_len++];
}

static int push_free(struct mm_objects *o, uint32_t slot)
{
	if (o->stack_len >= o->stack_cap &&
	    MM_PAGES_GROW(o->stack, o->stack_cap, (size_t)o->stack_len + 1))
		return MM_ENOMEM;
	o->stack[o->stack_len++] = slot;
	return MM_OK;
}

/* --- objects in their places ----------------------------------------------------------- */

static uint64_t wide_key(const struct mm_objects *o, const struct mm_kept *k)
{
	return (uint64_t)(k - o->objects) + 1;
}

/* Where the wide object of a place goes; NULL = no memory. */
static struct mm_object *make_wide(struct mm_objects *o, const struct mm_kept *k)
{
	const struct mm_map_place *p = mm_map_find(&o->wide_where, wide_key(o, k));

	if (p)
		return &o->wide[p->value];
	if (MM_GROW(o->wide, o->wide_cap, o->wide_count + 1) ||
	    mm_map_set(&o->wide_where, wide_key(o, k), (uint32_t)o->wide_count))
		return NULL;
	return &o->wide[o->wide_count++];
}

/* Keeps an object in its place: 0 when a number does not fit. */
static int squeeze(const struct mm_objects *o, struct mm_kept *k, const struct mm_object *obj,
		   uint32_t order)
{
	int unknown = obj->size == MM_UNKNOWN && obj->time == MM_UNKNOWN;
	int nobody = obj->thread == MM_NO_THREAD;
	uint64_t size = unknown ? 0 : obj->size, tick = unknown ? 0 : obj->time / o->tick_ns;
	uint32_t thread = nobody ? 0 : obj->thread;

	if (!mm_kept_fits(obj->addr, size, tick, obj->site, thread, obj->align_log2) ||
	    (!unknown && tick * o->tick_ns != obj->time))
		return 0;
	mm_kept_set(k, obj->addr, obj->kind, obj->align_log2, nobody ? MM_KEPT_THREADS : thread,
		    unknown ? MM_KEPT_TICKS : tick, obj->site, unknown ? MM_KEPT_SIZES : size,
		    order);
	return 1;
}

static int put(struct mm_objects *o, struct mm_kept *k, const struct mm_object *obj,
	       uint32_t order)
{
	if (squeeze(o, k, obj, order))
		return MM_OK;
	struct mm_object *wide = make_wide(o, k);
	if (!wide)
		return MM_ENOMEM;
	*wide = *obj;
	wide->order = order;
	*k = (struct mm_kept){ .where = (uint64_t)obj->kind << 44,
			       .order = MM_KEPT_LIVE | MM_KEPT_WIDE };
	return MM_OK;
}

static void get(const struct mm_objects *o, const struct mm_kept *k, struct mm_object *ret)
{
	const struct mm_map_place *p = NULL;

	if (k->order & MM_KEPT_WIDE)
		p = mm_map_find(&o->wide_where, wide_key(o, k));
	if (p)
		*ret = o->wide[p->value];
	else
		mm_kept_get(k, o->tick_ns, ret);
}

int mm_objects_get(const struct mm_objects *o, uint32_t slot, struct mm_object *ret)
{
	const struct mm_kept *k = place_of(o, slot);

	if (!k || !(k->order & MM_KEPT_LIVE))
		return 0;
	get(o, k, ret);
	return 1;
}

int mm_objects_next(const struct mm_objects *o, size_t *at, uint32_t *ret_slot,
		    struct mm_object *ret)
{
	size_t end = !o->gap ? o->high : o->where.places ? o->where.mask + 1 : 0;

	while (*at < end) {
		size_t i = (*at)++;
		uint64_t slot = o->gap ? o->where.places[i].key - 1 : i; /* a map has no key 0 */
		if (!o->gap || o->where.places[i].key) {
			*ret_slot = (uint32_t)slot;
			if (mm_objects_get(o, *ret_slot, ret))
				return 1;
		}
	}
	return 0;
}

int mm_objects_readdress(struct mm_objects *o, uint32_t slot, uint64_t addr)
{
	struct mm_object obj;

	if (!mm_objects_get(o, slot, &obj))
		return MM_OK;
	obj.addr = addr;
	return put(o, place_of(o, slot), &obj, obj.order);
}

static int is_live(const struct mm_objects *o, uint32_t slot)
{
	const struct mm_kept *k = place_of(o, slot);

	return k && (k->order & MM_KEPT_LIVE);
}

/* --- birth and death ------------------------------------------------------------------ */

/* Puts obj at its slot once the slot is taken from the stack or the high water. */
static int settle(struct mm_objects *o, const struct mm_object *obj, uint32_t slot)
{
	uint32_t order = (uint32_t)o->totals.allocs;
	struct mm_kept *k = make_place(o, slot);

	if (!k || mm_objects_set_latest(o, obj->thread, order + 1) || put(o, k, obj, order))
		return MM_ENOMEM;
	mm_objects_count_birth(&o->totals, obj->kind, obj->size == MM_UNKNOWN ? 0 : obj->size,
			       obj->time);
	o->totals.unknown_count += obj->size == MM_UNKNOWN;
	return MM_OK;
}

int mm_objects_birth(struct mm_objects *o, const struct mm_object *obj, uint32_t *ret)
{
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
	if (is_live(o, slot) || slot == MM_NO_SLOT)
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
		     struct mm_object *ret, int *ret_temporary)
{
	struct mm_kept *k = place_of(o, slot);
	struct mm_object obj;

	if (!k || !(k->order & MM_KEPT_LIVE))
		return unknown_death(o, slot, ret, ret_temporary);
	if (push_free(o, slot))
		return MM_ENOMEM;
	get(o, k, &obj);
	k->order = 0;
	*ret_temporary = mm_objects_count_death(&o->totals, &obj, thread,
						mm_objects_latest(o, thread), realloc);
	*ret = obj;
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
	if (slot == MM_NO_SLOT || is_live(o, slot))
		return MM_ECORRUPT;
	struct mm_kept *k = make_place(o, slot);
	if (!k || put(o, k, obj, obj->order))
		return MM_ENOMEM;
	o->totals.unknown_count += obj->size == MM_UNKNOWN;
	o->totals.live_bytes += obj->size == MM_UNKNOWN ? 0 : obj->size;
	if (slot >= o->high)
		o->high = slot + 1;
	return MM_OK;
}

int mm_objects_restore_free(struct mm_objects *o, uint32_t slot)
{
	if (slot == MM_NO_SLOT || is_live(o, slot))
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
	return mm_objects_depth(o);
}

static int stack_is_sound(const struct mm_objects *o)
{
	uint8_t *seen = calloc(1, (size_t)o->high / 8 + 1);
	int sound = seen != NULL;

	for (uint32_t i = 0; sound && i < o->stack_len; i++) {
		uint32_t slot = o->stack[i];
		sound = slot < o->high && !is_live(o, slot) &&
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
		struct mm_object obj;
		if (!mm_objects_get(o, i, &obj))
			continue;
		count++;
		unknown += obj.size == MM_UNKNOWN;
		bytes += obj.size == MM_UNKNOWN ? 0 : obj.size;
	}
	if (!stack_is_sound(o) || count + o->stack_len != o->high ||
	    count != o->totals.live_count || unknown != o->totals.unknown_count)
		return MM_ECORRUPT;
	if (!unknown && bytes != o->totals.live_bytes)
		return MM_ECORRUPT;
	return MM_OK;
}
