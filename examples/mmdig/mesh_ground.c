/* mesh_ground.c: the inside of a closed mesh as ground (ground.h).
 *
 * Every edge between voxels that a triangle meets is blocked, and where it is met is kept.
 * What can be reached from the corner of the world along other edges is air, the rest is
 * solid. Triangles count their borders as their own, so that nothing leaks between them.
 */
#include "ground.h"

#include <stdio.h>
#include <string.h>

#include "digmath.h"
#include "mesh_load.h"

enum { FINE = 256 /* of a voxel, for corners */, OPEN = UINT16_MAX };

struct shell {               /* a brick in which blocked edges begin, or end on its far side */
	uint16_t cross[3][BRICK_VOXELS]; /* OPEN = not blocked */
	uint64_t air[8];         /* reached voxels */
};

struct shape {
	struct ground head;
	int side;
	struct shell **shells;   /* by key; NULL: nothing is blocked there */
	uint64_t *air, *queued;  /* a bit a brick: reached (not of shells); waiting */
	uint32_t *queue;
	size_t bricks, queue_count, solid;
};

static size_t bits_bytes(const struct shape *m)
{
	return (m->bricks + 63) / 64 * sizeof(uint64_t);
}

static uint64_t key_of(const int at[3])
{
	int place[3] = { at[0] / BRICK, at[1] / BRICK, at[2] / BRICK };

	return dig_key(place);
}

static int voxel_of(const int at[3])
{
	return (at[2] & 7) * 64 + (at[1] & 7) * 8 + (at[0] & 7);
}

static struct shell *shell_have(struct shape *m, uint64_t key)
{
	struct shell *s = m->shells[key];

	if (s)
		return s;
	s = m->shells[key] = store_take(m->head.store, STORE_GENERAL, sizeof *s);
	memset(s->cross, 0xff, sizeof s->cross);
	memset(s->air, 0, sizeof s->air);
	return s;
}

/* --- triangles ---------------------------------------------------------------------------- */

/* An edge that a triangle meets at t, 0 to Q; the first of several counts. */
static void block(struct shape *m, int axis, const int at[3], int t)
{
	uint16_t *c;
	int i;

	for (i = 0; i < 3; i++)
		if (at[i] < 0 || at[i] >= m->head.res)
			return;
	c = &shell_have(m, key_of(at))->cross[axis][voxel_of(at)];
	if (t < *c)
		*c = (uint16_t)t;
}

static int64_t turn(const int *a, const int *b, int64_t x, int64_t y, int u, int v)
{
	return (b[u] - a[u]) * (y - a[v]) - (b[v] - a[v]) * (x - a[u]);
}

/* A grid line along an axis through (x, y) of the other two: where a triangle meets it. */
static void meet(struct shape *m, int corner[3][3], int axis, int x, int y)
{
	int u = (axis + 1) % 3, v = (axis + 2) % 3, at[3];
	int64_t a = turn(corner[1], corner[2], x * FINE, y * FINE, u, v);
	int64_t b = turn(corner[2], corner[0], x * FINE, y * FINE, u, v);
	int64_t c = turn(corner[0], corner[1], x * FINE, y * FINE, u, v), whole = a + b + c, where;

	if (whole == 0 || ((a < 0 || b < 0 || c < 0) && (a > 0 || b > 0 || c > 0)))
		return;
	where = (a * corner[0][axis] + b * corner[1][axis] + c * corner[2][axis]) * (Q / FINE) /
		whole;
	at[axis] = (int)(where / Q);
	at[u] = x;
	at[v] = y;
	block(m, axis, at, (int)(where % Q));
	/* Met in the voxel itself: neither edge may be open, or the flood passes through it. */
	if (where % Q == 0) {
		at[axis]--;
		block(m, axis, at, Q);
	}
}

static int least(int a, int b, int c)
{
	return a < b ? a < c ? a : c : b < c ? b : c;
}

static void triangle(struct shape *m, int corner[3][3])
{
	int axis, x, y;

	for (axis = 0; axis < 3; axis++) {
		int u = (axis + 1) % 3, v = (axis + 2) % 3;
		int x0 = (least(corner[0][u], corner[1][u], corner[2][u]) + FINE - 1) / FINE;
		int x1 = -least(-corner[0][u], -corner[1][u], -corner[2][u]) / FINE;
		int y0 = (least(corner[0][v], corner[1][v], corner[2][v]) + FINE - 1) / FINE;
		int y1 = -least(-corner[0][v], -corner[1][v], -corner[2][v]) / FINE;
		for (y = y0; y <= y1; y++)
			for (x = x0; x <= x1; x++)
				meet(m, corner, axis, x, y);
	}
}

/* Fits all points into the middle four fifths of the world. */
static void scale(const struct soup *s, int res, double ret_low[3], double *ret_factor,
		  double ret_shift[3])
{
	double high[3], widest = 0;
	size_t i;
	int k;

	for (k = 0; k < 3; k++) {
		ret_low[k] = high[k] = s->points[k];
		for (i = 0; i < s->point_count; i++) {
			double v = s->points[3 * i + (size_t)k];
			ret_low[k] = v < ret_low[k] ? v : ret_low[k];
			high[k] = v > high[k] ? v : high[k];
		}
		widest = high[k] - ret_low[k] > widest ? high[k] - ret_low[k] : widest;
	}
	*ret_factor = widest > 1e-30 ? res * 0.8 * FINE / widest : 0;
	for (k = 0; k < 3; k++)
		ret_shift[k] = (res * FINE - (high[k] - ret_low[k]) * *ret_factor) / 2;
}

static void all_triangles(struct shape *m, const struct soup *s)
{
	double low[3], shift[3], factor;
	int corner[3][3], k;
	size_t i;

	scale(s, m->head.res, low, &factor, shift);
	for (i = 0; i < s->corner_count; i++) {
		const double *p = s->points + 3 * (size_t)s->corners[i];
		for (k = 0; k < 3; k++)
			corner[i % 3][k] = (int)((p[k] - low[k]) * factor + shift[k]);
		if (i % 3 == 2)
			triangle(m, corner);
	}
}

/* --- the flood ---------------------------------------------------------------------------- */

static int bit(const uint64_t *bits, uint64_t i)
{
	return (int)(bits[i >> 6] >> (i & 63) & 1);
}

static void put(uint64_t *bits, uint64_t i)
{
	bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

static int is_air(const struct shape *m, const int at[3])
{
	uint64_t key = key_of(at);
	const struct shell *s = m->shells[key];

	return s ? bit(s->air, (uint64_t)voxel_of(at)) : bit(m->air, key);
}

static int crossing_at(const struct shape *m, int axis, const int at[3])
{
	const struct shell *s = m->shells[key_of(at)];

	return s ? s->cross[axis][voxel_of(at)] : OPEN;
}

/* Can air come to a voxel from its neighbour on a side? */
static int comes_from(const struct shape *m, const int at[3], int axis, int side)
{
	int near[3] = { at[0], at[1], at[2] };

	near[axis] += side;
	if (near[axis] < 0 || near[axis] >= m->head.res || !is_air(m, near))
		return 0;
	return crossing_at(m, axis, side < 0 ? near : at) == OPEN;
}

/* Passes over a shell until nothing new is reached; 1 when anything was. */
static int spread_in(struct shape *m, struct shell *s, const int base[3])
{
	int any = 0, more, pass = 0, n, i, axis, side;

	do {
		more = 0;
		for (n = 0; n < BRICK_VOXELS; n++) {
			i = pass & 1 ? BRICK_VOXELS - 1 - n : n;
			int at[3] = { base[0] + (i & 7), base[1] + (i >> 3 & 7), base[2] + (i >> 6) };
			int reached = bit(s->air, (uint64_t)i);
			for (axis = 0; axis < 3 && !reached; axis++)
				for (side = -1; side <= 1 && !reached; side += 2)
					if (comes_from(m, at, axis, side)) {
						put(s->air, (uint64_t)i);
						more = reached = 1;
					}
		}
		any |= more;
		pass++;
	} while (more);
	return any;
}

/* A brick without blocked edges is reached as a whole, through any voxel of its faces. */
static int spread_through(struct shape *m, uint64_t key, const int base[3])
{
	int axis, side, i;

	if (bit(m->air, key))
		return 0;
	for (axis = 0; axis < 3; axis++)
		for (side = -1; side <= 1; side += 2)
			for (i = 0; i < 64; i++) {
				int at[3] = { base[0], base[1], base[2] };
				at[axis] += side < 0 ? 0 : BRICK - 1;
				at[(axis + 1) % 3] += i & 7;
				at[(axis + 2) % 3] += i >> 3;
				if (comes_from(m, at, axis, side)) {
					put(m->air, key);
					return 1;
				}
			}
	return 0;
}

static void await(struct shape *m, const int place[3])
{
	uint64_t key;
	int i;

	for (i = 0; i < 3; i++)
		if (place[i] < 0 || place[i] >= m->side)
			return;
	key = dig_key(place);
	if (bit(m->queued, key))
		return;
	put(m->queued, key);
	m->queue[m->queue_count++] = (uint32_t)key;
}

static void await_neighbours(struct shape *m, const int place[3])
{
	int axis, side;

	for (axis = 0; axis < 3; axis++)
		for (side = -1; side <= 1; side += 2) {
			int near[3] = { place[0], place[1], place[2] };
			near[axis] += side;
			await(m, near);
		}
}

static void flood(struct shape *m)
{
	static const int origin[3];
	int place[3];

	put(m->air, 0); /* the mesh is in the middle: the first brick is outside */
	await_neighbours(m, origin);
	while (m->queue_count) {
		uint64_t key = m->queue[--m->queue_count];
		int changed;
		m->queued[key >> 6] &= ~((uint64_t)1 << (key & 63));
		dig_place(key, place);
		int base[3] = { place[0] * BRICK, place[1] * BRICK, place[2] * BRICK };
		changed = m->shells[key] ? spread_in(m, m->shells[key], base) :
					   spread_through(m, key, base);
		if (changed)
			await_neighbours(m, place);
	}
}

/* --- as ground ---------------------------------------------------------------------------- */

/* A brick's edges lead to the first voxels of its upper neighbours, whose shells do not
 * matter: an edge is kept where it begins. */
static int shape_brick(struct ground *g, const int place[3])
{
	struct shape *m = (struct shape *)g;
	uint64_t key = dig_key(place);

	if (m->shells[key])
		return GROUND_SHELL;
	return bit(m->air, key) ? GROUND_AIR : GROUND_SOLID;
}

static int shape_solid(struct ground *g, const int at[3])
{
	return !is_air((struct shape *)g, at);
}

static int shape_crossing(struct ground *g, int axis, const int at[3])
{
	return crossing_at((struct shape *)g, axis, at);
}

static void shape_window(struct ground *g, const int place[3], int8_t *solid, uint16_t *cross)
{
	struct shape *m = (struct shape *)g;
	int x, y, z, axis, i = 0, last = g->res - 1;

	for (z = 0; z < GROUND_SIDE; z++)
		for (y = 0; y < GROUND_SIDE; y++)
			for (x = 0; x < GROUND_SIDE; x++, i++) {
				int at[3] = { dig_clamp(place[0] * BRICK - 1 + x, 0, last),
					      dig_clamp(place[1] * BRICK - 1 + y, 0, last),
					      dig_clamp(place[2] * BRICK - 1 + z, 0, last) };
				solid[i] = (int8_t)!is_air(m, at);
				for (axis = 0; axis < 3; axis++)
					cross[axis * GROUND_WINDOW + i] =
						(uint16_t)crossing_at(m, axis, at);
			}
}

static unsigned shape_material(struct ground *g, const int at[3])
{
	(void)g;
	return 1 + ((unsigned)at[1] >> 4) % 4;
}

static void shape_close(struct ground *g)
{
	struct shape *m = (struct shape *)g;
	size_t i;

	for (i = 0; i < m->bricks; i++)
		store_give(g->store, STORE_GENERAL, m->shells[i], sizeof **m->shells);
	store_give(g->store, STORE_GENERAL, m->shells, m->bricks * sizeof *m->shells);
	store_give(g->store, STORE_GENERAL, m->air, bits_bytes(m));
	store_give(g->store, STORE_GENERAL, m, sizeof *m);
}

static const struct ground_ops shape_ops = {
	.brick = shape_brick, .solid = shape_solid, .crossing = shape_crossing,
	.window = shape_window, .material = shape_material, .close = shape_close,
};

static void build_shape(struct shape *m, const struct soup *s)
{
	struct store *store = m->head.store;

	m->shells = store_take(store, STORE_GENERAL, m->bricks * sizeof *m->shells);
	memset(m->shells, 0, m->bricks * sizeof *m->shells);
	m->air = store_take(store, STORE_GENERAL, bits_bytes(m));
	m->queued = store_take(store, STORE_GENERAL, bits_bytes(m));
	m->queue = store_take(store, STORE_GENERAL, m->bricks * sizeof *m->queue);
	memset(m->air, 0, bits_bytes(m));
	memset(m->queued, 0, bits_bytes(m));
	all_triangles(m, s);
	flood(m);
	store_give(store, STORE_GENERAL, m->queue, m->bricks * sizeof *m->queue);
	store_give(store, STORE_GENERAL, m->queued, bits_bytes(m));
}

/* Through a hole the flood comes in, and nothing is left. */
static int has_solid(const struct shape *m)
{
	size_t key;
	int i;

	for (key = 0; key < m->bricks; key++) {
		if (!m->shells[key] && !bit(m->air, key))
			return 1;
		for (i = 0; m->shells[key] && i < 8; i++)
			if (~m->shells[key]->air[i])
				return 1;
	}
	return 0;
}

struct ground *mesh_open(struct store *store, int res, const char *path)
{
	struct soup soup;
	struct shape *m = NULL;

	if (mesh_load(&soup, store, path)) {
		m = store_take(store, STORE_GENERAL, sizeof *m);
		*m = (struct shape){ .head = { &shape_ops, store, res }, .side = res / BRICK };
		m->bricks = (size_t)m->side * (size_t)m->side * (size_t)m->side;
		build_shape(m, &soup);
		if (!has_solid(m)) {
			fprintf(stderr, "mmdig: %s: the surface is not closed\n", path);
			shape_close(&m->head);
			m = NULL;
		}
	}
	mesh_forget(&soup);
	return m ? &m->head : NULL;
}
