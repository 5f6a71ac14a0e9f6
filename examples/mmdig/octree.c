/* octree.c: the sparse voxel octree over the solid (digworld.h).
 *
 * A node speaks of a cube: which of its eight children are empty, which are solid, and
 * where the nodes of the mixed ones lie, in a row. A cube that is all solid or all empty has
 * no node. Nodes of one cube of 128^3 voxels are kept together.
 */
#include "digworld.h"

#include <string.h>

enum { SUBTREE_LEVEL = 7, BRICK_LEVEL = 3 };

static const struct cell empty_cell = { .state = CELL_EMPTY };

/* The name of the subtree that children of this node belong to. */
static uint64_t subtree_of(const struct world *w, const int at[3])
{
	int level = SUBTREE_LEVEL < w->levels ? SUBTREE_LEVEL : w->levels;
	int top[3] = { at[0] >> level, at[1] >> level, at[2] >> level };

	return (uint64_t)1 << 3 * (w->levels - level) | dig_key(top);
}

static unsigned inner_mask(const struct node *n)
{
	return n->child & ~(unsigned)n->leaf;
}

static unsigned child_count(const struct node *n)
{
	return (unsigned)__builtin_popcount(inner_mask(n));
}

static struct cell child_cell(const struct world *w, const struct cell *c, int i)
{
	struct cell child = { .state = c->state, .material = c->material };
	unsigned bit = 1u << i, before;

	if (c->state != CELL_NODE)
		return child;
	if (!(c->node.child & bit)) {
		child.state = CELL_EMPTY;
	} else if (c->node.leaf & bit) {
		child.state = CELL_SOLID;
	} else {
		before = (unsigned)__builtin_popcount(inner_mask(&c->node) & (bit - 1));
		child.node = store_run(w->store, c->node.first)[before];
		child.material = child.node.material;
	}
	return child;
}

/* Gives up the nodes below a cell. */
static void forget(struct world *w, const struct cell *c)
{
	unsigned n, i;

	if (c->state != CELL_NODE)
		return;
	n = child_count(&c->node);
	for (i = 0; i < n; i++) {
		struct cell child = { .state = CELL_NODE };
		child.node = store_run(w->store, c->node.first)[i];
		forget(w, &child);
	}
	if (n)
		store_run_give(w->store, c->node.first, n);
}

/* Takes a run for the nodes among eight cells, or the old run when that has the size. */
static uint32_t place_children(struct world *w, const struct cell *old, const struct node *now,
			       const struct cell child[8], const int at[3])
{
	unsigned had = old->state == CELL_NODE ? child_count(&old->node) : 0;
	unsigned have = child_count(now), i, n = 0;
	uint32_t run = had ? old->node.first : 0;

	if (had != have) {
		if (had)
			store_run_give(w->store, run, had);
		run = have ? store_run_take(w->store, subtree_of(w, at), have) : 0;
	}
	for (i = 0; i < 8; i++)
		if (child[i].state == CELL_NODE)
			store_run(w->store, run)[n++] = child[i].node;
	return run;
}

/* The cell of a cube whose eight children are known. */
static struct cell join(struct world *w, const struct cell *old, const struct cell child[8],
			const int at[3])
{
	struct cell c = { .state = CELL_NODE };
	int i, first = -1;

	for (i = 0; i < 8; i++) {
		c.node.child |= (uint8_t)((child[i].state != CELL_EMPTY) << i);
		c.node.leaf |= (uint8_t)((child[i].state == CELL_SOLID) << i);
		if (first < 0 && child[i].state != CELL_EMPTY)
			first = i;
	}
	c.material = first < 0 ? 0 : child[first].material;
	c.node.material = (uint16_t)c.material;
	c.node.first = place_children(w, old, &c.node, child, at);
	if (c.node.leaf == 0xff)
		c.state = CELL_SOLID;
	else if (!c.node.child)
		c.state = CELL_EMPTY;
	return c;
}

static struct cell voxel_cell(struct world *w, const int16_t *v, const int at[3])
{
	struct cell c = empty_cell;

	if (v[(at[2] & 7) * 64 + (at[1] & 7) * 8 + (at[0] & 7)] < 0) {
		c.state = CELL_SOLID;
		c.material = ground_material(w->ground, at);
	}
	return c;
}

/* A cube within a brick, from its distances. */
static struct cell from_brick(struct world *w, const int16_t *v, int level, const int at[3])
{
	struct cell child[8];
	int i, half = 1 << level >> 1;

	if (level == 0)
		return voxel_cell(w, v, at);
	for (i = 0; i < 8; i++) {
		int low[3] = { at[0] + (i & 1) * half, at[1] + (i >> 1 & 1) * half,
			       at[2] + (i >> 2) * half };
		child[i] = from_brick(w, v, level - 1, low);
	}
	return join(w, &empty_cell, child, at);
}

/* A cube on one side of the surface: solid ones are named after their first voxel. */
static struct cell uniform_cell(struct world *w, int solid, const int at[3])
{
	struct cell c = empty_cell;

	if (solid) {
		c.state = CELL_SOLID;
		c.material = ground_material(w->ground, at);
	}
	return c;
}

static struct cell brick_cell(struct world *w, const int at[3])
{
	int place[3] = { at[0] / BRICK, at[1] / BRICK, at[2] / BRICK };
	uint64_t key = dig_key(place);
	int16_t v[BRICK_VOXELS];

	if (!world_bit(w->stored, key))
		return uniform_cell(w, world_bit(w->solid, key), at);
	bricks_read(w, store_brick_find(w->store, key), v);
	return from_brick(w, v, BRICK_LEVEL, at);
}

static int apart(const struct box *b, int level, const int at[3])
{
	int i, side = 1 << level;

	for (i = 0; i < 3; i++)
		if (at[i] + side <= b->lo[i] * BRICK || at[i] >= (b->hi[i] + 1) * BRICK)
			return 1;
	return 0;
}

/* The materials of uniform children are not kept: they are asked for again. */
static void name_child(struct world *w, struct cell *c, const int at[3])
{
	if (c->state == CELL_SOLID)
		c->material = ground_material(w->ground, at);
}

static struct cell renew(struct world *w, const struct cell *old, int level, const int at[3],
			 const struct box *b)
{
	struct cell child[8];
	int i, half = 1 << (level - 1);

	if (apart(b, level, at))
		return *old;
	if (level == BRICK_LEVEL) {
		forget(w, old);
		return brick_cell(w, at);
	}
	for (i = 0; i < 8; i++) {
		int low[3] = { at[0] + (i & 1) * half, at[1] + (i >> 1 & 1) * half,
			       at[2] + (i >> 2) * half };
		child[i] = child_cell(w, old, i);
		name_child(w, &child[i], low);
		child[i] = renew(w, &child[i], level - 1, low, b);
	}
	return join(w, old, child, at);
}

/* The root is a run of one; a world that is all solid or all air has none. */
static void keep_root(struct world *w)
{
	if (w->root.state == CELL_NODE && !w->root_run)
		w->root_run = store_run_take(w->store, 1, 1);
	if (w->root.state == CELL_NODE) {
		*store_run(w->store, w->root_run) = w->root.node;
	} else if (w->root_run) {
		store_run_give(w->store, w->root_run, 1);
		w->root_run = 0;
	}
}

void octree_renew(struct world *w, struct box b)
{
	static const int origin[3];

	w->root = renew(w, &w->root, w->levels, origin, &b);
	keep_root(w);
}

void octree_close(struct world *w)
{
	forget(w, &w->root);
	w->root = empty_cell;
	keep_root(w);
}

/* --- reading ------------------------------------------------------------------------------ */

int octree_solid(const struct world *w, const int voxel[3])
{
	struct cell c = w->root;
	int level;

	for (level = w->levels; c.state == CELL_NODE; level--) {
		int s = level - 1;
		c = child_cell(w, &c, (voxel[0] >> s & 1) | (voxel[1] >> s & 1) << 1 |
				      (voxel[2] >> s & 1) << 2);
	}
	return c.state == CELL_SOLID;
}

static void visit_node(const struct world *w, const struct cell *c, int level, const int at[3],
		       void (*visit)(void *, int, const int *, const struct node *), void *ctx)
{
	int i, half = 1 << level >> 1;

	if (c->state != CELL_NODE)
		return;
	visit(ctx, level, at, &c->node);
	for (i = 0; i < 8; i++) {
		struct cell child = child_cell(w, c, i);
		int low[3] = { at[0] + (i & 1) * half, at[1] + (i >> 1 & 1) * half,
			       at[2] + (i >> 2) * half };
		visit_node(w, &child, level - 1, low, visit, ctx);
	}
}

void octree_walk(const struct world *w, void (*visit)(void *ctx, int level, const int at[3],
						      const struct node *n), void *ctx)
{
	static const int origin[3];

	visit_node(w, &w->root, w->levels, origin, visit, ctx);
}

struct counting { struct octree_counts *sum; int levels; };

static void count_node(void *ctx, int level, const int at[3], const struct node *n)
{
	struct counting *c = ctx;
	uint64_t side = (uint64_t)1 << (level - 1);

	(void)at;
	c->sum->nodes[c->levels - level]++;
	if (inner_mask(n)) {
		c->sum->inner++;
	} else {
		c->sum->leaves++;
		c->sum->leaf_children += (unsigned)__builtin_popcount(n->child);
	}
	c->sum->children += (unsigned)__builtin_popcount(n->child);
	c->sum->solid_voxels += (unsigned)__builtin_popcount(n->leaf) * side * side * side;
}

void octree_count(const struct world *w, struct octree_counts *ret)
{
	struct counting c = { ret, w->levels };

	memset(ret, 0, sizeof *ret);
	octree_walk(w, count_node, &c);
}
