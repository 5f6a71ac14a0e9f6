/* range_tree.c: free ranges as a treap (range.h). */
#include "alloc/range.h"

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
	if (mm_range_holds(t, units, align))
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
	return mm_range_holds(t, units, align) ? tree : find_best(o, t->right, units, align);
}

void mm_range_plant(struct mm_ordered *o, uint32_t n)
{
	o->root = insert(o, o->root, n);
}

void mm_range_uproot(struct mm_ordered *o, uint32_t n)
{
	o->root = extract(o, o->root, n);
}

uint32_t mm_range_in_tree(const struct mm_ordered *o, uint32_t units, uint64_t align)
{
	return o->best ? find_best(o, o->root, units, align)
		       : find_first(o, o->root, units, align);
}

static void check_tree(struct mm_ordered *o, uint32_t tree, struct mm_range_tally *t)
{
	struct mm_range *r = &o->node[tree];

	if (!tree || t->rule)
		return;
	check_tree(o, r->left, t);
	check_tree(o, r->right, t);
	t->bytes += mm_range_bytes(r);
	t->nodes++;
	if (r->live || (!o->best && (r->left_most != most_in(o, r->left) ||
				     r->right_most != most_in(o, r->right))))
		t->rule = 1;
	else if ((r->left && !is_before(o, r->left, tree)) ||
		 (r->right && !is_before(o, tree, r->right)))
		t->rule = 2;
}

void mm_range_check_tree(struct mm_ordered *o, struct mm_range_tally *t)
{
	check_tree(o, o->root, t);
}
