/* ordered.c: regions, and blocks cut from free ranges (ordered.h). */
#include "alloc/ordered.h"

#include <string.h>

#include "alloc/lock_order.h"
#include "alloc/range.h"
#include "alloc/tell.h"
#include "core/error.h"

/* --- ranges --------------------------------------------------------------------------------- */

static void count_free(struct mm_ordered *o, uint64_t addr, uint64_t bytes, int sign)
{
	o->free_bytes += sign > 0 ? bytes : -bytes;
	while (bytes) {
		struct mm_slab *s = mm_slab_at(o->ground->slabs,
					       mm_vspace_owner(o->ground->vspace, addr));
		uint64_t part = s->addr + MM_ORDERED_REGION - addr;
		part = part < bytes ? part : bytes;
		o->whole -= s->free == s->blocks;
		s->free += (uint32_t)(part / MM_ORDERED_UNIT) * (uint32_t)sign;
		o->whole += s->free == s->blocks;
		addr += part;
		bytes -= part;
	}
}

/* Pages of a region are in use up to the last byte that was ever handed out. */
static void reach_to(struct mm_ordered *o, uint64_t addr, uint64_t end)
{
	uint64_t page = o->ground->vspace->o.page_bytes;

	while (addr < end) {
		struct mm_slab *s = mm_slab_at(o->ground->slabs,
					       mm_vspace_owner(o->ground->vspace, addr));
		uint64_t last = s->addr + MM_ORDERED_REGION < end ? s->addr + MM_ORDERED_REGION : end;
		uint64_t reach = (last - s->addr + page - 1) & ~(page - 1);
		if (reach > s->bytes) {
			mm_vspace_resize(o->ground->vspace, s->addr, s->slices, reach);
			uint64_t before = s->bytes;
			o->untouched -= reach - before;
			s->bytes = reach;
			mm_tell_slab_size(o->ground->told, s, before);
		}
		addr = s->addr + MM_ORDERED_REGION;
	}
}

static uint32_t add_free(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
{
	if (!bytes)
		return 0;
	uint32_t n = mm_range_new(o, addr, bytes);
	mm_range_enter(o, &o->starts, n);
	mm_range_enter(o, &o->ends, n);
	mm_range_index(o, n);
	return n;
}

static void remove_free(struct mm_ordered *o, uint32_t n)
{
	struct mm_range *r = &o->node[n];

	mm_range_unindex(o, n);
	mm_range_leave(o, &o->ends, r->addr + mm_range_bytes(r));
	mm_range_leave(o, &o->starts, r->addr);
	mm_range_drop(o, n);
}

/* Joins [addr, addr + bytes), which nobody holds now, with what is free on both sides. */
static uint32_t join(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
{
	uint32_t before = mm_range_lookup(o, &o->ends, addr);
	uint32_t behind = mm_range_lookup(o, &o->starts, addr + bytes);

	if (before) {
		bytes += mm_range_bytes(&o->node[before]);
		addr = o->node[before].addr;
		remove_free(o, before);
	}
	if (behind && !o->node[behind].live) {
		bytes += mm_range_bytes(&o->node[behind]);
		remove_free(o, behind);
	}
	return add_free(o, addr, bytes);
}

/* --- regions --------------------------------------------------------------------------------- */

static int add_region(struct mm_ordered *o)
{
	struct mm_slab *s;
	int err = mm_slabs_new(o->ground->slabs, &s);

	if (err)
		return err;
	s->pool = MM_SLAB_ORDERED;
	s->slices = MM_ORDERED_REGION / MM_SLICE_BYTES;
	s->blocks = MM_ORDERED_REGION / MM_ORDERED_UNIT;
	err = mm_vspace_take(o->ground->vspace, s->slices, s->slices, 0, s->number,
			     &s->addr);
	if (err) {
		mm_slabs_drop(o->ground->slabs, s);
		return MM_ENOMEM;
	}
	o->regions++;
	s->bytes = mm_vspace_adopt(o->ground->vspace, s->addr, s->slices);
	mm_tell_slab(o->ground->told, s);
	o->untouched += MM_ORDERED_REGION - s->bytes;
	count_free(o, s->addr, MM_ORDERED_REGION, 1);
	join(o, s->addr, MM_ORDERED_REGION);
	return MM_OK;
}

/* The region is cut out of the free range that holds it: what is left of that behind it. */
static uint32_t drop_region(struct mm_ordered *o, struct mm_slab *s, uint32_t range)
{
	uint64_t from = o->node[range].addr, to = from + mm_range_bytes(&o->node[range]);
	uint64_t end = s->addr + MM_ORDERED_REGION;

	remove_free(o, range);
	add_free(o, from, s->addr - from);
	o->whole--;
	o->free_bytes -= MM_ORDERED_REGION;
	o->untouched -= MM_ORDERED_REGION - s->bytes;
	o->regions--;
	mm_tell_slab_end(o->ground->told, s);
	mm_vspace_give(o->ground->vspace, s->addr, s->slices);
	mm_slabs_drop(o->ground->slabs, s);
	return add_free(o, end, to - end);
}

/* While there is another, the lowest region that is whole in a free range goes. */
static void let_regions_go(struct mm_ordered *o, uint32_t range)
{
	while (range && o->whole > 1) {
		const struct mm_range *r = &o->node[range];
		uint64_t from = mm_range_start(r, MM_ORDERED_REGION);
		if (from + MM_ORDERED_REGION > r->addr + mm_range_bytes(r))
			return;
		range = drop_region(o, mm_slab_at(o->ground->slabs,
						  mm_vspace_owner(o->ground->vspace, from)), range);
	}
}

/* --- blocks ------------------------------------------------------------------------------------ */

int mm_ordered_init(struct mm_ordered *o, struct mm_ground *ground, int best)
{
	mm_lock_is(&o->lock, MM_RANK_ORDERED);
	o->ground = ground;
	o->best = best;
	return mm_range_index_init(o);
}

static void set_requested(struct mm_ordered *o, struct mm_range *r, uint64_t size)
{
	r->left = (uint32_t)size;
	r->right = (uint32_t)(size >> 32);
	o->granted += mm_range_bytes(r);
	o->requested += size;
}

static void drop_requested(struct mm_ordered *o, const struct mm_range *r)
{
	o->granted -= mm_range_bytes(r);
	o->requested -= (uint64_t)r->right << 32 | r->left;
}

static uint64_t place_block(struct mm_ordered *o, uint32_t range, uint32_t units, uint64_t align,
			    uint64_t size)
{
	struct mm_range was = o->node[range];
	uint64_t start = mm_range_start(&was, align), bytes = (uint64_t)units * MM_ORDERED_UNIT;
	uint32_t n;

	mm_range_bring(&o->starts, was.addr);
	mm_range_bring(&o->starts, start + bytes);
	mm_range_bring(&o->ends, was.addr + mm_range_bytes(&was));
	remove_free(o, range);
	add_free(o, was.addr, start - was.addr);
	add_free(o, start + bytes, was.addr + mm_range_bytes(&was) - (start + bytes));
	n = mm_range_new(o, start, bytes);
	o->node[n].live = 1;
	mm_range_enter(o, &o->starts, n);
	set_requested(o, &o->node[n], size);
	count_free(o, start, bytes, -1);
	reach_to(o, start, start + bytes);
	o->live++;
	return start;
}

static uint32_t units_for(uint64_t size)
{
	return (uint32_t)(((size ? size : 1) + MM_ORDERED_UNIT - 1) / MM_ORDERED_UNIT);
}

int mm_ordered_take(struct mm_ordered *o, uint64_t size, uint64_t align, uint64_t *ret_addr)
{
	uint32_t units = units_for(size), range = 0;

	mm_lock_take(&o->lock);
	int err = mm_range_reserve(o);
	while (!err && !(range = mm_range_find(o, units, align)))
		err = add_region(o);
	if (!err)
		*ret_addr = place_block(o, range, units, align, size);
	mm_lock_give(&o->lock);
	return err;
}

static uint32_t live_at(const struct mm_ordered *o, uint64_t addr)
{
	uint32_t n = mm_range_lookup(o, &o->starts, addr);

	return n && o->node[n].live ? n : 0;
}

void mm_ordered_soon(const struct mm_ordered *o, uint64_t addr)
{
	mm_range_bring(&o->starts, addr);
	mm_range_bring(&o->ends, addr);
}

int mm_ordered_give(struct mm_ordered *o, uint64_t addr)
{
	mm_lock_take(&o->lock);
	mm_range_bring(&o->ends, addr);
	int is_tight = mm_range_reserve(o) != 0;
	int err = is_tight && !mm_range_can_free(o) ? MM_ENOMEM : MM_OK;
	uint32_t n = err ? 0 : live_at(o, addr), range;
	if (n) {
		uint64_t bytes = mm_range_bytes(&o->node[n]);
		mm_range_bring(&o->starts, addr + bytes);
		drop_requested(o, &o->node[n]);
		mm_range_leave(o, &o->starts, addr);
		mm_range_drop(o, n);
		o->live--;
		count_free(o, addr, bytes, 1);
		range = join(o, addr, bytes);
		if (!is_tight) /* else there may be no node for what is left of it */
			let_regions_go(o, range);
	}
	mm_lock_give(&o->lock);
	return err ? err : n ? MM_OK : MM_EINVAL;
}

int mm_ordered_granted(struct mm_ordered *o, uint64_t addr, uint64_t *ret_bytes)
{
	mm_lock_take(&o->lock);
	uint32_t n = live_at(o, addr);
	uint64_t bytes = n ? mm_range_bytes(&o->node[n]) : 0;
	mm_lock_give(&o->lock);
	if (!n)
		return MM_EINVAL;
	*ret_bytes = bytes;
	return MM_OK;
}

/* How many bytes of what is behind a block can be its own. */
static int grow_block(struct mm_ordered *o, uint32_t n, uint32_t units)
{
	uint64_t end = o->node[n].addr + mm_range_bytes(&o->node[n]);
	uint64_t more = (uint64_t)(units - o->node[n].units) * MM_ORDERED_UNIT;
	uint32_t behind = mm_range_lookup(o, &o->starts, end);

	if (!behind || o->node[behind].live || mm_range_bytes(&o->node[behind]) < more)
		return 0;
	uint64_t rest = mm_range_bytes(&o->node[behind]) - more;
	remove_free(o, behind);
	add_free(o, end + more, rest);
	count_free(o, end, more, -1);
	reach_to(o, end, end + more);
	o->node[n].units = units;
	return 1;
}

static void shrink_block(struct mm_ordered *o, uint32_t n, uint32_t units)
{
	uint64_t end = o->node[n].addr + mm_range_bytes(&o->node[n]);
	uint64_t less = (uint64_t)(o->node[n].units - units) * MM_ORDERED_UNIT;

	o->node[n].units = units;
	if (!less)
		return;
	count_free(o, end - less, less, 1);
	let_regions_go(o, join(o, end - less, less));
}

int mm_ordered_resize(struct mm_ordered *o, uint64_t addr, uint64_t size, uint64_t align)
{
	uint32_t units = units_for(size), n;
	int done = 0;

	if (size > MM_ORDERED_MOST || addr & (align - 1))
		return 0;
	mm_lock_take(&o->lock);
	if (!mm_range_reserve(o) && (n = live_at(o, addr))) {
		struct mm_range was = o->node[n];
		done = 1;
		if (units > was.units)
			done = grow_block(o, n, units);
		else
			shrink_block(o, n, units);
		if (done) {
			drop_requested(o, &was);
			set_requested(o, &o->node[n], size);
		}
	}
	mm_lock_give(&o->lock);
	return done;
}

/* --- each ------------------------------------------------------------------------------------ */

/* The range's parts in regions' pages in use, joined where they adjoin. */
static void each_used_part(const struct mm_ordered *o, const struct mm_range *r,
			   void (*fn)(void *arg, uint64_t addr, uint64_t bytes), void *arg)
{
	uint64_t at = r->addr, end = r->addr + mm_range_bytes(r), from = at, to = at;

	while (at < end) {
		const struct mm_slab *s = mm_slab_at(o->ground->slabs,
						     mm_vspace_owner(o->ground->vspace, at));
		uint64_t used = s->addr + s->bytes, next = s->addr + MM_ORDERED_REGION;
		if (to != at) {
			if (to > from)
				fn(arg, from, to - from);
			from = at;
		}
		to = used < at ? at : used < end ? used : end;
		to = to > next ? next : to;
		at = next;
	}
	if (to > from)
		fn(arg, from, to - from);
}

void mm_ordered_each_free(const struct mm_ordered *o,
			  void (*fn)(void *arg, uint64_t addr, uint64_t bytes), void *arg)
{
	for (uint32_t i = 0; o->ends.entry && i <= o->ends.mask; i++)
		if ((uint32_t)o->ends.entry[i])
			each_used_part(o, &o->node[(uint32_t)o->ends.entry[i]], fn, arg);
}

/* --- checking ------------------------------------------------------------------------------ */

/* Every free range is found by both its ends, and adjoins no other. */
static int check_tables(const struct mm_ordered *o)
{
	for (uint32_t i = 0; o->ends.entry && i <= o->ends.mask; i++) {
		uint32_t n = (uint32_t)o->ends.entry[i];
		if (n && (mm_range_lookup(o, &o->starts, o->node[n].addr) != n ||
			  mm_range_lookup(o, &o->ends, o->node[n].addr)))
			return 4;
	}
	return 0;
}

int mm_ordered_check(struct mm_ordered *o)
{
	struct mm_range_tally t = { 0 };
	int rule;

	mm_range_check(o, &t);
	if (t.rule)
		return t.rule;
	if ((rule = check_tables(o)))
		return rule;
	if (t.bytes != o->free_bytes || t.nodes != o->ends.count)
		return 5;
	if (o->starts.count != t.nodes + o->live)
		return 6;
	return o->granted + o->free_bytes == (uint64_t)o->regions * MM_ORDERED_REGION ? 0 : 7;
}
