/* ordered.c: ranges, their tree and their tables (ordered.h). */
#include "alloc/ordered.h"

#include <string.h>

#include "core/error.h"

enum { FIRST_NODES = 1024, FIRST_TABLE = 4096 };

struct mm_range {
	uint64_t addr;
	uint32_t units;
	uint32_t left, right;  /* free: in the tree. live: requested bytes, low and high */
	uint32_t left_most, right_most; /* free, by address: units of the largest range there.
	                          Kept here so that whoever changes one side leaves the other
	                          alone: it would be a miss */
	uint32_t live;         /* vacant: the next one */
};

static uint64_t bytes_of(const struct mm_range *n)
{
	return (uint64_t)n->units * MM_ORDERED_UNIT;
}

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

static uint32_t new_node(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
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

static void drop_node(struct mm_ordered *o, uint32_t n)
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

	return t == &o->ends ? r->addr + bytes_of(r) : r->addr;
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

static void bring(const struct mm_range_table *t, uint64_t addr)
{
	__builtin_prefetch(&t->entry[home_of(t, entry_of(addr, 0))], 1);
}

static uint32_t lookup(const struct mm_ordered *o, const struct mm_range_table *t, uint64_t addr)
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
	return (t->count + n) * 2 <= t->mask ? MM_OK : make_table(o, t, 2 * (t->mask + 1));
}

static void enter(struct mm_ordered *o, struct mm_range_table *t, uint32_t n)
{
	uint64_t addr = key_of(o, t, n);
	uint32_t at = place_in(o, t, addr);

	t->count += t->entry[at] == 0;
	t->entry[at] = entry_of(addr, n);
}

/* Those behind it move up: no marks are left. */
static void leave(struct mm_ordered *o, struct mm_range_table *t, uint64_t addr)
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

/* --- tree ---------------------------------------------------------------------------------- */

static uint32_t priority(uint32_t n)
{
	n *= 0x9e3779b1u;
	n ^= n >> 15;
	return n * 0x85ebca77u;
}

static int is_before(const struct mm_ordered *o, uint32_t a, uint32_t b)
{
	const struct mm_range *x = &o->node[a], *y = &o->node[b];

	if (o->best && x->units != y->units)
		return x->units < y->units;
	return x->addr < y->addr;
}

/* Units of the largest range in a tree. */
static uint32_t most_in(const struct mm_ordered *o, uint32_t tree)
{
	const struct mm_range *r = &o->node[tree];
	uint32_t below = r->left_most > r->right_most ? r->left_most : r->right_most;

	return !tree ? 0 : r->units > below ? r->units : below;
}

static void set_left(struct mm_ordered *o, uint32_t tree, uint32_t left)
{
	o->node[tree].left = left;
	if (!o->best)
		o->node[tree].left_most = most_in(o, left);
}

static void set_right(struct mm_ordered *o, uint32_t tree, uint32_t right)
{
	o->node[tree].right = right;
	if (!o->best)
		o->node[tree].right_most = most_in(o, right);
}

/* Those before n and those behind it. */
static void split(struct mm_ordered *o, uint32_t tree, uint32_t n, uint32_t *left, uint32_t *right)
{
	uint32_t half;

	if (!tree) {
		*left = *right = 0;
	} else if (is_before(o, tree, n)) {
		split(o, o->node[tree].right, n, &half, right);
		set_right(o, tree, half);
		*left = tree;
	} else {
		split(o, o->node[tree].left, n, left, &half);
		set_left(o, tree, half);
		*right = tree;
	}
}

static uint32_t merge(struct mm_ordered *o, uint32_t left, uint32_t right)
{
	if (!left || !right)
		return left ? left : right;
	if (priority(left) > priority(right)) {
		set_right(o, left, merge(o, o->node[left].right, right));
		return left;
	}
	set_left(o, right, merge(o, left, o->node[right].left));
	return right;
}

static uint32_t insert(struct mm_ordered *o, uint32_t tree, uint32_t n)
{
	uint32_t left, right;

	if (!tree || priority(n) > priority(tree)) {
		split(o, tree, n, &left, &right);
		set_left(o, n, left);
		set_right(o, n, right);
		return n;
	}
	if (is_before(o, n, tree))
		set_left(o, tree, insert(o, o->node[tree].left, n));
	else
		set_right(o, tree, insert(o, o->node[tree].right, n));
	return tree;
}

static uint32_t extract(struct mm_ordered *o, uint32_t tree, uint32_t n)
{
	struct mm_range *t = &o->node[tree];

	if (tree == n)
		return merge(o, t->left, t->right);
	if (is_before(o, n, tree))
		set_left(o, tree, extract(o, t->left, n));
	else
		set_right(o, tree, extract(o, t->right, n));
	return tree;
}

static uint64_t start_in(const struct mm_range *r, uint64_t align)
{
	return (r->addr + align - 1) & ~(align - 1);
}

static int holds_block(const struct mm_range *r, uint32_t units, uint64_t align)
{
	return start_in(r, align) + (uint64_t)units * MM_ORDERED_UNIT <= r->addr + bytes_of(r);
}

/* The lowest: where blocks are not aligned, one way down. */
static uint32_t find_first(const struct mm_ordered *o, uint32_t tree, uint32_t units,
			   uint64_t align)
{
	const struct mm_range *t = &o->node[tree];
	uint32_t n;

	if (!tree)
		return 0;
	if (t->left_most >= units && (n = find_first(o, t->left, units, align)))
		return n;
	if (holds_block(t, units, align))
		return tree;
	return t->right_most >= units ? find_first(o, t->right, units, align) : 0;
}

static uint32_t find_best(const struct mm_ordered *o, uint32_t tree, uint32_t units, uint64_t align)
{
	const struct mm_range *t = &o->node[tree];
	uint32_t n;

	if (!tree)
		return 0;
	if (t->units >= units && (n = find_best(o, t->left, units, align)))
		return n;
	return holds_block(t, units, align) ? tree : find_best(o, t->right, units, align);
}

static uint32_t find(const struct mm_ordered *o, uint32_t units, uint64_t align)
{
	return o->best ? find_best(o, o->root, units, align)
		       : find_first(o, o->root, units, align);
}

/* --- ranges --------------------------------------------------------------------------------- */

static void count_free(struct mm_ordered *o, uint64_t addr, uint64_t bytes, int sign)
{
	o->free_bytes += sign > 0 ? bytes : -bytes;
	while (bytes) {
		struct mm_slab *s = mm_slab_at(o->ground->slabs,
					       mm_vspace_owner(o->ground->vspace, addr));
		uint64_t part = s->addr + s->bytes - addr;
		part = part < bytes ? part : bytes;
		o->whole -= s->free == s->blocks;
		s->free += (uint32_t)(part / MM_ORDERED_UNIT) * (uint32_t)sign;
		o->whole += s->free == s->blocks;
		addr += part;
		bytes -= part;
	}
}

static uint32_t add_free(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
{
	if (!bytes)
		return 0;
	uint32_t n = new_node(o, addr, bytes);
	enter(o, &o->starts, n);
	enter(o, &o->ends, n);
	o->root = insert(o, o->root, n);
	return n;
}

static void remove_free(struct mm_ordered *o, uint32_t n)
{
	struct mm_range *r = &o->node[n];

	o->root = extract(o, o->root, n);
	leave(o, &o->ends, r->addr + bytes_of(r));
	leave(o, &o->starts, r->addr);
	drop_node(o, n);
}

/* Joins [addr, addr + bytes), which nobody holds now, with what is free on both sides. */
static uint32_t join(struct mm_ordered *o, uint64_t addr, uint64_t bytes)
{
	uint32_t before = lookup(o, &o->ends, addr);
	uint32_t behind = lookup(o, &o->starts, addr + bytes);

	if (before) {
		bytes += bytes_of(&o->node[before]);
		addr = o->node[before].addr;
		remove_free(o, before);
	}
	if (behind && !o->node[behind].live) {
		bytes += bytes_of(&o->node[behind]);
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
	s->bytes = MM_ORDERED_REGION;
	s->blocks = MM_ORDERED_REGION / MM_ORDERED_UNIT;
	err = mm_vspace_take(o->ground->vspace, s->slices, s->slices, s->bytes, s->number,
			     &s->addr);
	if (err) {
		mm_slabs_drop(o->ground->slabs, s);
		return MM_ENOMEM;
	}
	o->regions++;
	count_free(o, s->addr, s->bytes, 1);
	join(o, s->addr, s->bytes);
	return MM_OK;
}

/* The region is cut out of the free range that holds it: what is left of that behind it. */
static uint32_t drop_region(struct mm_ordered *o, struct mm_slab *s, uint32_t range)
{
	uint64_t from = o->node[range].addr, to = from + bytes_of(&o->node[range]);
	uint64_t end = s->addr + s->bytes;

	remove_free(o, range);
	add_free(o, from, s->addr - from);
	o->whole--;
	o->free_bytes -= s->bytes;
	o->regions--;
	mm_vspace_give(o->ground->vspace, s->addr, s->slices);
	mm_slabs_drop(o->ground->slabs, s);
	return add_free(o, end, to - end);
}

/* While there is another, the lowest region that is whole in a free range goes. */
static void let_regions_go(struct mm_ordered *o, uint32_t range)
{
	while (range && o->whole > 1) {
		const struct mm_range *r = &o->node[range];
		uint64_t from = start_in(r, MM_ORDERED_REGION);
		if (from + MM_ORDERED_REGION > r->addr + bytes_of(r))
			return;
		range = drop_region(o, mm_slab_at(o->ground->slabs,
						  mm_vspace_owner(o->ground->vspace, from)), range);
	}
}

/* --- blocks ------------------------------------------------------------------------------------ */

int mm_ordered_init(struct mm_ordered *o, struct mm_ground *ground, int best)
{
	o->ground = ground;
	o->best = best;
	if (grow_nodes(o) || make_table(o, &o->starts, FIRST_TABLE) ||
	    make_table(o, &o->ends, FIRST_TABLE))
		return MM_ENOMEM;
	return MM_OK;
}

static int reserve_all(struct mm_ordered *o)
{
	int err = reserve_nodes(o, 4);

	if (!err)
		err = reserve_places(o, &o->starts, 4);
	return err ? err : reserve_places(o, &o->ends, 4);
}

static void set_requested(struct mm_ordered *o, struct mm_range *r, uint64_t size)
{
	r->left = (uint32_t)size;
	r->right = (uint32_t)(size >> 32);
	o->granted += bytes_of(r);
	o->requested += size;
}

static void drop_requested(struct mm_ordered *o, const struct mm_range *r)
{
	o->granted -= bytes_of(r);
	o->requested -= (uint64_t)r->right << 32 | r->left;
}

static uint64_t place_block(struct mm_ordered *o, uint32_t range, uint32_t units, uint64_t align,
			    uint64_t size)
{
	struct mm_range was = o->node[range];
	uint64_t start = start_in(&was, align), bytes = (uint64_t)units * MM_ORDERED_UNIT;
	uint32_t n;

	bring(&o->starts, was.addr);
	bring(&o->starts, start + bytes);
	bring(&o->ends, was.addr + bytes_of(&was));
	remove_free(o, range);
	add_free(o, was.addr, start - was.addr);
	add_free(o, start + bytes, was.addr + bytes_of(&was) - (start + bytes));
	n = new_node(o, start, bytes);
	o->node[n].live = 1;
	enter(o, &o->starts, n);
	set_requested(o, &o->node[n], size);
	count_free(o, start, bytes, -1);
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
	int err = reserve_all(o);
	while (!err && !(range = find(o, units, align)))
		err = add_region(o);
	if (!err)
		*ret_addr = place_block(o, range, units, align, size);
	mm_lock_give(&o->lock);
	return err;
}

static uint32_t live_at(const struct mm_ordered *o, uint64_t addr)
{
	uint32_t n = lookup(o, &o->starts, addr);

	return n && o->node[n].live ? n : 0;
}

void mm_ordered_soon(const struct mm_ordered *o, uint64_t addr)
{
	bring(&o->starts, addr);
	bring(&o->ends, addr);
}

int mm_ordered_give(struct mm_ordered *o, uint64_t addr)
{
	mm_lock_take(&o->lock);
	bring(&o->ends, addr);
	int err = reserve_all(o);
	uint32_t n = err ? 0 : live_at(o, addr);
	if (n) {
		uint64_t bytes = bytes_of(&o->node[n]);
		bring(&o->starts, addr + bytes);
		drop_requested(o, &o->node[n]);
		leave(o, &o->starts, addr);
		drop_node(o, n);
		o->live--;
		count_free(o, addr, bytes, 1);
		let_regions_go(o, join(o, addr, bytes));
	}
	mm_lock_give(&o->lock);
	return err ? err : n ? MM_OK : MM_EINVAL;
}

int mm_ordered_granted(struct mm_ordered *o, uint64_t addr, uint64_t *ret_bytes)
{
	mm_lock_take(&o->lock);
	uint32_t n = live_at(o, addr);
	uint64_t bytes = n ? bytes_of(&o->node[n]) : 0;
	mm_lock_give(&o->lock);
	if (!n)
		return MM_EINVAL;
	*ret_bytes = bytes;
	return MM_OK;
}

/* How many bytes of what is behind a block can be its own. */
static int grow_block(struct mm_ordered *o, uint32_t n, uint32_t units)
{
	uint64_t end = o->node[n].addr + bytes_of(&o->node[n]);
	uint64_t more = (uint64_t)(units - o->node[n].units) * MM_ORDERED_UNIT;
	uint32_t behind = lookup(o, &o->starts, end);

	if (!behind || o->node[behind].live || bytes_of(&o->node[behind]) < more)
		return 0;
	uint64_t rest = bytes_of(&o->node[behind]) - more;
	remove_free(o, behind);
	add_free(o, end + more, rest);
	count_free(o, end, more, -1);
	o->node[n].units = units;
	return 1;
}

static void shrink_block(struct mm_ordered *o, uint32_t n, uint32_t units)
{
	uint64_t end = o->node[n].addr + bytes_of(&o->node[n]);
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
	if (!reserve_all(o) && (n = live_at(o, addr))) {
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

/* --- checking ------------------------------------------------------------------------------------ */

struct tally { uint64_t bytes; uint32_t nodes; int rule; };

static void check_tree(struct mm_ordered *o, uint32_t tree, struct tally *t)
{
	struct mm_range *r = &o->node[tree];

	if (!tree || t->rule)
		return;
	check_tree(o, r->left, t);
	check_tree(o, r->right, t);
	t->bytes += bytes_of(r);
	t->nodes++;
	if (r->live || (!o->best && (r->left_most != most_in(o, r->left) ||
				     r->right_most != most_in(o, r->right))))
		t->rule = 1;
	else if ((r->left && !is_before(o, r->left, tree)) ||
		 (r->right && !is_before(o, tree, r->right)))
		t->rule = 2;
	else if (lookup(o, &o->starts, r->addr) != tree ||
		 lookup(o, &o->ends, r->addr + bytes_of(r)) != tree)
		t->rule = 3;
	else if (lookup(o, &o->ends, r->addr))
		t->rule = 4; /* two free ranges that adjoin */
}

int mm_ordered_check(struct mm_ordered *o)
{
	struct tally t = { 0 };

	check_tree(o, o->root, &t);
	if (t.rule)
		return t.rule;
	if (t.bytes != o->free_bytes || t.nodes != o->ends.count)
		return 5;
	if (o->starts.count != t.nodes + o->live)
		return 6;
	return o->granted + o->free_bytes == (uint64_t)o->regions * MM_ORDERED_REGION ? 0 : 7;
}
