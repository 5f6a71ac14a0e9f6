/* digcheck.c: the same world as one dense array, to compare with (digworld.h).
 *
 * Nothing here knows bricks, windows or what a dig can reach: every voxel is looked at every
 * time. So slow, and only for small worlds.
 */
#include "digworld.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MOST = 5 };

struct dense {
	struct world *w;
	size_t count;
	int16_t *v, *next;
	uint32_t *square;
	uint64_t nodes, wrong;      /* of the octree */
};

static size_t dense_index(const struct dense *d, const int at[3])
{
	return ((size_t)at[2] * (size_t)d->w->res + (size_t)at[1]) * (size_t)d->w->res +
	       (size_t)at[0];
}

static void dense_place(const struct dense *d, size_t i, int at[3])
{
	size_t res = (size_t)d->w->res;

	at[0] = (int)(i % res);
	at[1] = (int)(i / res % res);
	at[2] = (int)(i / res / res);
}

/* The voxel next to one on a side (-1, 1) of an axis; 0 when the world ends there. */
static int beside(const struct dense *d, const int at[3], int axis, int side, size_t *ret)
{
	int near[3] = { at[0], at[1], at[2] };

	near[axis] += side;
	if (near[axis] < 0 || near[axis] >= d->w->res)
		return 0;
	*ret = dense_index(d, near);
	return 1;
}

static int opposite(const struct dense *d, size_t i, size_t j)
{
	return (d->v[i] < 0) != (d->v[j] < 0);
}

static int is_surface(const struct dense *d, size_t i, const int at[3])
{
	size_t j;
	int axis, side;

	for (axis = 0; axis < 3; axis++)
		for (side = -1; side <= 1; side += 2)
			if (beside(d, at, axis, side, &j) && opposite(d, i, j))
				return 1;
	return 0;
}

static void lower(struct dense *d, const int crossing[3])
{
	int reach = d->w->band / Q + 1, at[3], i;
	int lo[3], hi[3];

	for (i = 0; i < 3; i++) {
		lo[i] = dig_clamp(crossing[i] / Q - reach, 0, d->w->res - 1);
		hi[i] = dig_clamp(crossing[i] / Q + reach + 1, 0, d->w->res - 1);
	}
	for (at[2] = lo[2]; at[2] <= hi[2]; at[2]++)
		for (at[1] = lo[1]; at[1] <= hi[1]; at[1]++)
			for (at[0] = lo[0]; at[0] <= hi[0]; at[0]++) {
				int64_t square = 0;
				uint32_t *s = &d->square[dense_index(d, at)];
				for (i = 0; i < 3; i++) {
					int64_t away = at[i] * Q - crossing[i];
					square += away * away;
				}
				if (square < *s)
					*s = (uint32_t)square;
			}
}

static void spread_from(struct dense *d, size_t i, const int at[3])
{
	size_t j;
	int axis;

	for (axis = 0; axis < 3; axis++) {
		int crossing[3] = { at[0] * Q, at[1] * Q, at[2] * Q };
		int64_t a, b;
		if (!beside(d, at, axis, 1, &j) || !opposite(d, i, j))
			continue;
		a = d->v[i] < 0 ? -d->v[i] : d->v[i];
		b = d->v[j] < 0 ? -d->v[j] : d->v[j];
		crossing[axis] += (int)(a * Q / (a + b));
		lower(d, crossing);
	}
}

/* Distances of the whole world anew. */
static void dense_renew(struct dense *d)
{
	size_t i;
	int at[3];

	memset(d->square, 0xff, d->count * sizeof *d->square);
	for (i = 0; i < d->count; i++) {
		dense_place(d, i, at);
		spread_from(d, i, at);
	}
	for (i = 0; i < d->count; i++) {
		int away, far = d->w->band;
		dense_place(d, i, at);
		d->next[i] = d->v[i];
		if (is_surface(d, i, at))
			continue;
		away = d->square[i] == UINT32_MAX ? far : (int)dig_root(d->square[i]);
		away = dig_clamp(away, 1, far);
		d->next[i] = (int16_t)(d->v[i] < 0 ? -away : away);
	}
	memcpy(d->v, d->next, d->count * sizeof *d->v);
}

/* From the ground, voxel by voxel: signs first, then what surface voxels begin with. */
static void dense_begin(struct dense *d)
{
	struct ground *g = d->w->ground;
	size_t i, j;
	int at[3], axis, side;

	for (i = 0; i < d->count; i++) {
		dense_place(d, i, at);
		d->v[i] = (int16_t)(ground_solid(g, at) ? -d->w->band : d->w->band);
	}
	for (i = 0; i < d->count; i++) {
		int along[3] = { -1, -1, -1 }, away;
		dense_place(d, i, at);
		for (axis = 0; axis < 3; axis++)
			for (side = -1; side <= 1; side += 2) {
				int from[3] = { at[0], at[1], at[2] };
				if (!beside(d, at, axis, side, &j) || !opposite(d, i, j))
					continue;
				from[axis] -= side < 0;
				away = ground_crossing(g, axis, from);
				away = side < 0 ? Q - away : away;
				if (along[axis] < 0 || away < along[axis])
					along[axis] = away;
			}
		away = distance_to_plane(along);
		d->next[i] = d->v[i];
		if (away >= 0)
			d->next[i] = (int16_t)(d->v[i] >= 0 ? away : away ? -away : -1);
	}
	memcpy(d->v, d->next, d->count * sizeof *d->v);
	dense_renew(d);
}

static size_t dense_bytes(const struct dense *d)
{
	return d->count * (2 * sizeof *d->v + sizeof *d->square);
}

struct dense *dense_open(struct world *w)
{
	struct dense *d = store_take(w->store, STORE_GENERAL, sizeof *d);

	*d = (struct dense){ .w = w };
	d->count = (size_t)w->res * (size_t)w->res * (size_t)w->res;
	d->square = store_take(w->store, STORE_GENERAL, dense_bytes(d));
	d->v = (int16_t *)(d->square + d->count);
	d->next = d->v + d->count;
	dense_begin(d);
	return d;
}

void dense_close(struct dense *d)
{
	struct store *store = d->w->store;

	store_give(store, STORE_GENERAL, d->square, dense_bytes(d));
	store_give(store, STORE_GENERAL, d, sizeof *d);
}

void dense_dig(struct dense *d, const struct dig *dig)
{
	size_t i;
	int at[3];

	for (i = 0; i < d->count; i++) {
		dense_place(d, i, at);
		d->v[i] = (int16_t)dig_clamp(dig_carve(dig, at, d->v[i]), -d->w->band, d->w->band);
	}
	dense_renew(d);
}

/* --- comparing ---------------------------------------------------------------------------- */

static void differ(struct dense *d, const char *what, const int at[3], long got, long want)
{
	if (d->wrong++ < SHOWN_MOST)
		fprintf(stderr, "mmdig: %s at %d %d %d: %ld, not %ld\n", what, at[0], at[1], at[2],
			got, want);
}

static void compare_brick(struct dense *d, const int place[3])
{
	uint64_t key = dig_key(place);
	int stored = world_bit(d->w->stored, key), i, any = 0;
	int16_t v[BRICK_VOXELS];
	struct brick *b = NULL;

	if (stored) {
		b = store_brick_find(d->w->store, key);
		bricks_read(d->w, b, v);
	}
	for (i = 0; i < BRICK_VOXELS; i++) {
		int at[3] = { place[0] * BRICK + (i & 7), place[1] * BRICK + (i >> 3 & 7),
			      place[2] * BRICK + (i >> 6) };
		int want = d->v[dense_index(d, at)];
		int got = b ? v[i] : world_bit(d->w->solid, key) ? -d->w->band : d->w->band;
		unsigned material = want < 0 ? ground_material(d->w->ground, at) : 0;
		if (got != want)
			differ(d, "distance", at, got, want);
		if (b && material != (b->channel ? b->channel[i] : 0))
			differ(d, "material", at, b->channel ? b->channel[i] : 0, material);
		any += want < d->w->band && want > -d->w->band;
	}
	if (any != (b ? b->active : 0))
		differ(d, "active voxels of brick", place, b ? b->active : 0, any);
}

/* How many voxels of a cube are solid, and the material of the first in Morton order. */
static size_t solid_voxels(const struct dense *d, int level, const int low[3], unsigned *material)
{
	size_t i, n = (size_t)1 << 3 * level, solid = 0;

	for (i = 0; i < n; i++) {
		int at[3];
		dig_place(i, at);
		at[0] += low[0];
		at[1] += low[1];
		at[2] += low[2];
		if (d->v[dense_index(d, at)] >= 0)
			continue;
		if (!solid++)
			*material = ground_material(d->w->ground, at);
	}
	return solid;
}

static void compare_node(void *ctx, int level, const int at[3], const struct node *n)
{
	struct dense *d = ctx;
	unsigned child = 0, leaf = 0, material = 0, ignored;
	size_t full = (size_t)1 << 3 * (level - 1);
	int i;

	d->nodes++;
	for (i = 0; i < 8; i++) {
		int s = level - 1;
		int low[3] = { at[0] + ((i & 1) << s), at[1] + ((i >> 1 & 1) << s),
			       at[2] + ((i >> 2) << s) };
		size_t solid = solid_voxels(d, s, low, child ? &ignored : &material);
		child |= (unsigned)(solid > 0) << i;
		leaf |= (unsigned)(solid == full) << i;
	}
	if (n->child != child || n->leaf != leaf)
		differ(d, "octree node", at, n->child | n->leaf << 8, (long)(child | leaf << 8));
	if (n->material != material)
		differ(d, "octree material", at, n->material, material);
}

/* Cubes that are neither empty nor solid: each must have its node. */
static uint64_t mixed_cubes(const struct dense *d)
{
	uint64_t n = 0;
	unsigned ignored;
	int level, at[3];

	for (level = 1; level <= d->w->levels; level++) {
		int side = 1 << level;
		for (at[2] = 0; at[2] < d->w->res; at[2] += side)
			for (at[1] = 0; at[1] < d->w->res; at[1] += side)
				for (at[0] = 0; at[0] < d->w->res; at[0] += side) {
					size_t s = solid_voxels(d, level, at, &ignored);
					n += s > 0 && s < (size_t)1 << 3 * level;
				}
	}
	return n;
}

uint64_t dense_compare(struct dense *d)
{
	uint64_t key;
	int at[3], origin[3] = { 0, 0, 0 };

	d->wrong = 0;
	d->nodes = 0;
	for (key = 0; key < world_end(d->w); key++) {
		dig_place(key, at);
		compare_brick(d, at);
	}
	octree_walk(d->w, compare_node, d);
	if (d->nodes != mixed_cubes(d))
		differ(d, "number of nodes", origin, (long)d->nodes, (long)mixed_cubes(d));
	return d->wrong;
}
