/* range_table.c: nodes of ranges, and tables from addresses to them (range.h). */
#include "alloc/range.h"

#include <string.h>

#include "core/error.h"

enum { FIRST_NODES = 1024, FIRST_TABLE = 4096, MORE = 4 };

/* --- nodes ------------------------------------------------------------------------------- */

/* Twice as many: the old ones are returned for other records. */
static int grow_nodes(struct mm_ordered *o)
{
	uint32_t want = o->nodes_cap ? 2 * o->nodes_cap : FIRST_NODES;
	uint64_t bytes = (uint64_t)want * sizeof *o->node;
	struct mm_range *grown = mm_meta_borrow(o->ground->meta, bytes);

	if (!grown)
		return MM_ENOMEM;
	if (o->node) {
		memcpy(grown, o->node, o->nodes_cap * sizeof *grown);
		mm_meta_return(o->ground->meta, o->node, o->node_bytes);
	}
	o->node = grown;
	o->nodes_cap = want;
	o->node_bytes = bytes;
	return MM_OK;
}

/* Room for n more nodes, so that what follows cannot fail. */
static int reserve_nodes(struct mm_ordered *o, uint32_t n)
{
	return o->nodes + n < o->nodes_cap ? MM_OK : grow_nodes(o);
}

uint32_t mm_range_new(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
{
	uint32_t n = o->vacant;

	if (n)
		o->vacant = o->node[n].live;
	else
		n = ++o->nodes;
	o->node[n] = (struct mm_range){ .addr = addr,
					.units = (uint32_t)(bytes / MM_ORDERED_UNIT) };
	return n;
}

void mm_range_drop(struct mm_ordered *o, uint32_t n)
{
	o->node[n].live = o->vacant;
	o->vacant = n;
}

/* --- tables -------------------------------------------------------------------------------- */

/* An entry is the low half of the address in units, and the node's number: so that a node is
 * looked at only when it is the one. */
static uint64_t entry_of(uint64_t addr, uint32_t n)
{
	return addr / MM_ORDERED_UNIT << 32 | n;
}

static uint32_t home_of(const struct mm_range_table *t, uint64_t entry)
{
	return (uint32_t)((entry >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> t->shift);
}

static uint64_t key_of(const struct mm_ordered *o, const struct mm_range_table *t, uint32_t n)
{
	const struct mm_range *r = &o->node[n];

	return t == &o->ends ? r->addr + mm_range_bytes(r) : r->addr;
}

/* Where the address stands, or where it would. */
static uint32_t place_in(const struct mm_ordered *o, const struct mm_range_table *t, uint64_t addr)
{
	uint64_t want = entry_of(addr, 0), e;
	uint32_t at = home_of(t, want);

	while ((e = t->entry[at]) != 0 &&
	       ((e ^ want) >> 32 || key_of(o, t, (uint32_t)e) != addr))
		at = (at + 1) & t->mask;
	return at;
}

void mm_range_bring(const struct mm_range_table *t, uint64_t addr)
{
	__builtin_prefetch(&t->entry[home_of(t, entry_of(addr, 0))], 1);
}

uint32_t mm_range_lookup(const struct mm_ordered *o, const struct mm_range_table *t, uint64_t addr)
{
	return (uint32_t)t->entry[place_in(o, t, addr)];
}

static int make_table(struct mm_ordered *o, struct mm_range_table *t, uint32_t places)
{
	struct mm_range_table fresh = { .mask = places - 1, .count = t->count,
		.shift = 64 - (uint32_t)__builtin_ctz(places),
		.bytes = (uint64_t)places * sizeof(uint64_t) };

	if (!(fresh.entry = mm_meta_borrow(o->ground->meta, fresh.bytes)))
		return MM_ENOMEM;
	for (uint32_t i = 0; t->entry && i <= t->mask; i++) {
		uint32_t at = home_of(&fresh, t->entry[i]);
		if (!t->entry[i])
			continue;
		while (fresh.entry[at])
			at = (at + 1) & fresh.mask;
		fresh.entry[at] = t->entry[i];
	}
	if (t->entry)
		mm_meta_return(o->ground->meta, t->entry, t->bytes);
	*t = fresh;
	return MM_OK;
}

/* Room for n more, at most half full. */
static int reserve_places(struct mm_ordered *o, struct mm_range_table *t, uint32_t n)
{
	if (!t->entry)
		return make_table(o, t, FIRST_TABLE);
	return (t->count + n) * 2 <= t->mask ? MM_OK : make_table(o, t, 2 * (t->mask + 1));
}

void mm_range_enter(struct mm_ordered *o, struct mm_range_table *t, uint32_t n)
{
	uint64_t addr = key_of(o, t, n);
	uint32_t at = place_in(o, t, addr);

	t->count += t->entry[at] == 0;
	t->entry[at] = entry_of(addr, n);
}

/* Those behind it move up: no marks are left. */
void mm_range_leave(struct mm_ordered *o, struct mm_range_table *t, uint64_t addr)
{
	uint32_t hole = place_in(o, t, addr), at = hole;

	if (!t->entry[hole])
		return;
	for (;;) {
		at = (at + 1) & t->mask;
		if (!t->entry[at])
			break;
		uint32_t home = home_of(t, t->entry[at]);
		if (((at - home) & t->mask) >= ((at - hole) & t->mask)) {
			t->entry[hole] = t->entry[at];
			hole = at;
		}
	}
	t->entry[hole] = 0;
	t->count--;
}

int mm_range_reserve(struct mm_ordered *o)
{
	int err = reserve_nodes(o, MORE);

	if (!err)
		err = reserve_places(o, &o->starts, MORE);
	return err ? err : reserve_places(o, &o->ends, MORE);
}

/* The block's node and its place among the starts become the free range's; tables that are
 * more than half full are slow, and right. */
int mm_range_can_free(const struct mm_ordered *o)
{
	return o->ends.entry && o->ends.count + 2 < o->ends.mask;
}
