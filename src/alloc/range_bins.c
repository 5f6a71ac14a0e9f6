/* range_bins.c: which index a free range is in, and a heap for each size (range.h).
 *
 * A heap keeps ranges of one size in the order of their addresses, as far as is needed: the
 * lowest on top. It is a pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986): a range
 * comes in one step, and one that nothing hangs on goes in one step, which is what most do
 * when they join their neighbours. */
#include "alloc/range.h"
#include "core/error.h"

/* --- heaps ---------------------------------------------------------------------------------- */

/* Two heaps, neither in a row, as one. */
static uint32_t meld(struct mm_range *node, uint32_t a, uint32_t b)
{
	uint32_t loser;

	if (!a || !b)
		return a ? a : b;
	if (node[b].addr < node[a].addr) {
		loser = a;
		a = b;
	} else {
		loser = b;
	}
	node[loser].right = node[a].left;
	if (node[a].left)
		node[node[a].left].left_most = loser;
	node[loser].left_most = a;
	node[a].left = loser;
	return a;
}

/* A row of heaps as one: by twos from the front, then all from the back. */
static uint32_t meld_row(struct mm_range *node, uint32_t first)
{
	uint32_t done = 0, heap = 0;

	while (first) {
		uint32_t a = first, b = node[a].right;
		first = b ? node[b].right : 0;
		node[a].right = 0;
		if (b)
			node[b].right = 0;
		a = meld(node, a, b);
		node[a].right = done;
		done = a;
	}
	while (done) {
		uint32_t next = node[done].right;
		node[done].right = 0;
		heap = meld(node, heap, done);
		done = next;
	}
	return heap;
}

static uint32_t without(struct mm_range *node, uint32_t heap, uint32_t n)
{
	uint32_t before = node[n].left_most, behind = node[n].right;

	if (n == heap)
		return meld_row(node, node[n].left);
	if (node[before].left == n)
		node[before].left = behind;
	else
		node[before].right = behind;
	if (behind)
		node[behind].left_most = before;
	return node[n].left ? meld(node, heap, meld_row(node, node[n].left)) : heap;
}

/* --- the index -------------------------------------------------------------------------------- */

int mm_range_index_init(struct mm_ordered *o)
{
	void *set;

	if (!o->best)
		return MM_OK;
	o->bin = mm_meta_take(o->ground->meta, MM_ORDERED_BINS * sizeof *o->bin);
	set = mm_meta_take(o->ground->meta, mm_lowset_bytes(MM_ORDERED_BINS));
	if (!o->bin || !set)
		return MM_ENOMEM;
	mm_lowset_init(&o->filled, MM_ORDERED_BINS, set);
	return MM_OK;
}

static int has_bin(const struct mm_ordered *o, uint32_t n)
{
	return o->best && o->node[n].units < MM_ORDERED_BINS;
}

void mm_range_index(struct mm_ordered *o, uint32_t n)
{
	uint32_t units = o->node[n].units;

	if (!has_bin(o, n)) {
		mm_range_plant(o, n);
		return;
	}
	if (!o->bin[units])
		mm_lowset_add(&o->filled, units);
	o->bin[units] = meld(o->node, o->bin[units], n);
}

void mm_range_unindex(struct mm_ordered *o, uint32_t n)
{
	uint32_t units = o->node[n].units;

	if (!has_bin(o, n)) {
		mm_range_uproot(o, n);
		return;
	}
	o->bin[units] = without(o->node, o->bin[units], n);
	if (!o->bin[units])
		mm_lowset_remove(&o->filled, units);
}

uint32_t mm_range_find(const struct mm_ordered *o, uint32_t units, uint64_t align)
{
	uint32_t size = o->best ? mm_lowset_from(&o->filled, units) : MM_LOWSET_NONE;

	for (; size != MM_LOWSET_NONE; size = mm_lowset_from(&o->filled, size + 1))
		if (mm_range_holds(&o->node[o->bin[size]], units, align))
			return o->bin[size];
	return mm_range_in_tree(o, units, align);
}

/* Depth first by the links themselves: heaps can be as deep as they are large. */
static void check_bin(const struct mm_ordered *o, uint32_t size, struct mm_range_tally *t)
{
	uint32_t n = o->bin[size], above;

	while (n && !t->rule) {
		const struct mm_range *r = &o->node[n];
		t->bytes += mm_range_bytes(r);
		t->nodes++;
		if (r->units != size || r->live || (r->left && o->node[r->left].addr < r->addr) ||
		    (r->left && o->node[r->left].left_most != n) ||
		    (r->right && n != o->bin[size] && o->node[r->right].left_most != n))
			t->rule = 10;
		if (r->left) {
			n = r->left;
			continue;
		}
		while (n != o->bin[size] && !o->node[n].right) { /* up, past the row's front */
			for (above = o->node[n].left_most; o->node[above].left != n;
			     above = o->node[n].left_most)
				n = above;
			n = above;
		}
		n = n == o->bin[size] ? 0 : o->node[n].right;
	}
}

void mm_range_check(struct mm_ordered *o, struct mm_range_tally *t)
{
	mm_range_check_tree(o, t);
	for (uint32_t size = 0; o->best && !t->rule && size < MM_ORDERED_BINS; size++) {
		if (mm_lowset_has(&o->filled, size) != (o->bin[size] != 0))
			t->rule = 11;
		check_bin(o, size, t);
	}
}
