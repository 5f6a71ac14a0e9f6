/* distance.c: distances to the surface (digworld.h).
 *
 * The surface is known by the points at which edges between voxels of either side cross it.
 * A crossing reaches the voxels within the band around it; of all that reach a voxel the
 * nearest is its distance. Exact, and the same in whatever order bricks are done, because
 * crossings depend on surface voxels alone, and those are never written here.
 */
#include "digworld.h"

int distance_to_plane(const int along[3])
{
	double sum = 0;
	int axis;

	for (axis = 0; axis < 3; axis++) {
		if (along[axis] == 0)
			return 0;
		if (along[axis] > 0)
			sum += 1.0 / ((double)along[axis] * along[axis]);
	}
	return sum > 0 ? (int)(1.0 / sqrt(sum) + 0.5) : -1;
}

struct window {
	int margin, side;
	int16_t v[WINDOW_VOXELS];
	/* A bit a voxel, a word a row along x: solid ones; ones inside the world. */
	uint32_t solid[WINDOW_SIDE * WINDOW_SIDE], there[WINDOW_SIDE * WINDOW_SIDE];
	int32_t square[BRICK_VOXELS];    /* of the distance found, Q^2 */
};

/* The brick's voxels within the band of a place on an axis; 0 when there are none. */
static int within(int at, int band, int *lo, int *hi)
{
	*lo = at - band <= 0 ? 0 : (at - band + Q - 1) / Q;
	*hi = at + band < 0 ? -1 : (at + band) / Q;
	*hi = *hi >= BRICK ? BRICK - 1 : *hi;
	return *lo <= *hi;
}

/* One crossing, in Q from the brick's first voxel: lowers the squares it reaches. Three
 * squares of at most 6 Q are less than 2^31. */
static void reach(struct window *w, const int at[3], int band)
{
	int lo[3], hi[3], x, y, z;

	if (!within(at[0], band, &lo[0], &hi[0]) || !within(at[1], band, &lo[1], &hi[1]) ||
	    !within(at[2], band, &lo[2], &hi[2]))
		return;
	for (z = lo[2]; z <= hi[2]; z++)
		for (y = lo[1]; y <= hi[1]; y++) {
			int dz = z * Q - at[2], dy = y * Q - at[1], dx = lo[0] * Q - at[0];
			int far = dz * dz + dy * dy;
			int32_t *s = &w->square[z * 64 + y * 8];
			if (far >= band * band)
				continue;
			for (x = lo[0]; x <= hi[0]; x++, dx += Q)
				if (far + dx * dx < s[x])
					s[x] = far + dx * dx;
		}
}

/* The voxels of a row as bits; 1 when the surface may pass through the window. */
static int sides(struct window *w)
{
	int row, x, rows = w->side * w->side;
	uint32_t solid = 0, air = 0;

	for (row = 0; row < rows; row++) {
		const int16_t *v = w->v + row * w->side;
		w->solid[row] = w->there[row] = 0;
		for (x = 0; x < w->side; x++) {
			w->solid[row] |= (uint32_t)(v[x] < 0) << x;
			w->there[row] |= (uint32_t)(v[x] != WORLD_NOTHING) << x;
		}
		solid |= w->solid[row] & w->there[row];
		air |= ~w->solid[row] & w->there[row];
	}
	return solid && air;
}

/* Edges along an axis from voxels of a row to those that `beyond` speaks of. */
static void row_edges(struct window *w, int axis, int y, int z, uint32_t beyond, int band)
{
	static const int unit[3][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
	int row = z * w->side + y;
	int step = unit[axis][0] + (unit[axis][1] + unit[axis][2] * w->side) * w->side;

	for (; beyond; beyond &= beyond - 1) {
		int x = __builtin_ctz(beyond), i = row * w->side + x;
		int a = w->v[i], b = w->v[i + step];
		int at[3] = { (x - w->margin) * Q, (y - w->margin) * Q, (z - w->margin) * Q };
		a = a < 0 ? -a : a;
		b = b < 0 ? -b : b;
		at[axis] += a * Q / (a + b);
		reach(w, at, band);
	}
}

static void all_edges(struct window *w, int band)
{
	int y, z, side = w->side;

	for (z = 0; z < side; z++)
		for (y = 0; y < side; y++) {
			int row = z * side + y;
			uint32_t s = w->solid[row], t = w->there[row];
			row_edges(w, 0, y, z, (s ^ s >> 1) & t & t >> 1, band);
			if (y + 1 < side)
				row_edges(w, 1, y, z, (s ^ w->solid[row + 1]) & t &
					  w->there[row + 1], band);
			if (z + 1 < side)
				row_edges(w, 2, y, z, (s ^ w->solid[row + side]) & t &
					  w->there[row + side], band);
		}
}

static int differs(const struct window *w, int i, int to)
{
	return w->v[to] != WORLD_NOTHING && (w->v[to] < 0) != (w->v[i] < 0);
}

static int on_surface(const struct window *w, int i)
{
	int y = w->side, z = w->side * w->side;

	return differs(w, i, i - 1) || differs(w, i, i + 1) || differs(w, i, i - y) ||
	       differs(w, i, i + y) || differs(w, i, i - z) || differs(w, i, i + z);
}

/* The new distances; returns how many are nearer than the band. */
static unsigned settle(const struct window *w, int band, int16_t ret[BRICK_VOXELS])
{
	unsigned active = 0;
	int i, d;

	for (i = 0; i < BRICK_VOXELS; i++) {
		int m = w->margin, old;
		int at = (((i >> 6) + m) * w->side + (i >> 3 & 7) + m) * w->side + (i & 7) + m;
		old = w->v[at];
		if (on_surface(w, at)) {
			d = old < 0 ? -old : old;
		} else {
			d = (int)dig_root((uint64_t)w->square[i]);
			d = d > band ? band : d;
			d = d ? d : 1;
		}
		ret[i] = (int16_t)(old < 0 ? -d : d);
		active += d < band;
	}
	return active;
}

void distance_find(struct world *w, const int at[3], struct distances *ret)
{
	struct window win = { .margin = w->band / Q + 1 };
	int i;

	win.side = BRICK + 2 * win.margin;
	bricks_window(w, at, win.margin, win.v);
	ret->active = 0;
	ret->solid = win.v[((win.margin * win.side) + win.margin) * win.side + win.margin] < 0;
	if (sides(&win)) {
		for (i = 0; i < BRICK_VOXELS; i++)
			win.square[i] = INT32_MAX;
		all_edges(&win, w->band);
		ret->active = settle(&win, w->band, ret->v);
	}
}

void distance_keep(struct world *w, const int at[3], const struct distances *found)
{
	uint64_t key = dig_key(at);
	struct brick *b = world_bit(w->stored, key) ? store_brick_find(w->store, key) : NULL;

	if (!found->active) {
		if (b)
			bricks_drop(w, b, found->solid);
		return;
	}
	b = b ? b : bricks_have(w, at);
	bricks_write(w, b, found->v);
	w->active += found->active - (uint64_t)b->active;
	b->active = (uint16_t)found->active;
}

void distance_renew(struct world *w, const int at[3])
{
	struct distances found;

	distance_find(w, at, &found);
	distance_keep(w, at, &found);
}
