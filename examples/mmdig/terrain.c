/* terrain.c: hills with caves from value noise (ground.h).
 *
 * The ground is where y is below a height of several octaves of noise, but for caves: tubes
 * around the curves on which two noises of space are both 0. Noise is interpolated between
 * lattice points whose distance is a power of two of at least a brick, so that its range over
 * a brick is that of its corners, exactly.
 */
#include "ground.h"

#include "digmath.h"

enum { OCTAVES = 8, CAVE_WIDTH = 520 /* of Q */ };

struct lattice {             /* one cell of noise, remembered */
	int cell[3], filled;
	int32_t corner[8];
};

struct terrain {
	struct ground head;
	uint64_t seed;
	int octaves, shift[OCTAVES];   /* log2 of the distance of lattice points */
	int amplitude[OCTAVES];        /* Q */
	int cave_shift;
	struct lattice near[2];
	int column[2], columns_filled; /* the last 8 x 8 columns whose heights were asked for */
	int32_t columns[BRICK * BRICK];
};

static int32_t lattice_value(uint64_t seed, int x, int y, int z)
{
	uint64_t h = dig_mix(seed ^ (uint64_t)(x + 4096) << 40 ^ (uint64_t)(y + 4096) << 20 ^
			     (uint64_t)(z + 4096));

	return (int32_t)(h >> 51) - Q;
}

/* 3t^2 - 2t^3 of t in Q; rises from 0 to Q, so ranges stay ranges. */
static int32_t fade(int32_t at, int shift)
{
	int32_t t = (at & ((1 << shift) - 1)) * (Q >> shift);

	return (int32_t)((int64_t)t * t * (3 * Q - 2 * t) >> 24);
}

static int32_t between(int32_t a, int32_t b, int32_t t)
{
	return a + (int32_t)((int64_t)(b - a) * t >> 12);
}

static int32_t noise2(uint64_t seed, int shift, int x, int z)
{
	int cx = x >> shift, cz = z >> shift;
	int32_t tx = fade(x, shift), tz = fade(z, shift);

	return between(between(lattice_value(seed, cx, 0, cz),
			       lattice_value(seed, cx + 1, 0, cz), tx),
		       between(lattice_value(seed, cx, 0, cz + 1),
			       lattice_value(seed, cx + 1, 0, cz + 1), tx), tz);
}

static void lattice_load(struct lattice *l, uint64_t seed, const int cell[3])
{
	int i;

	if (l->filled && l->cell[0] == cell[0] && l->cell[1] == cell[1] && l->cell[2] == cell[2])
		return;
	for (i = 0; i < 3; i++)
		l->cell[i] = cell[i];
	for (i = 0; i < 8; i++)
		l->corner[i] = lattice_value(seed, cell[0] + (i & 1), cell[1] + (i >> 1 & 1),
					     cell[2] + (i >> 2));
	l->filled = 1;
}

static int32_t noise3(struct lattice *l, uint64_t seed, int shift, const int at[3])
{
	int cell[3] = { at[0] >> shift, at[1] >> shift, at[2] >> shift };
	int32_t x = fade(at[0], shift), y = fade(at[1], shift), z = fade(at[2], shift);
	const int32_t *c = l->corner;

	lattice_load(l, seed, cell);
	return between(between(between(c[0], c[1], x), between(c[2], c[3], x), y),
		       between(between(c[4], c[5], x), between(c[6], c[7], x), y), z);
}

/* Height of the ground in Q. */
static int32_t height(const struct terrain *t, int x, int z)
{
	int64_t h = (int64_t)t->head.res * Q / 2;
	int i;

	for (i = 0; i < t->octaves; i++)
		h += (int64_t)t->amplitude[i] * noise2(t->seed + (unsigned)i, t->shift[i], x, z) >> 12;
	return (int32_t)h;
}

/* Positive in caves, in Q. */
static int32_t cave(struct terrain *t, const int at[3])
{
	int32_t a = noise3(&t->near[0], t->seed + 100, t->cave_shift, at);
	int32_t b = noise3(&t->near[1], t->seed + 101, t->cave_shift, at);

	a = a < 0 ? -a : a;
	b = b < 0 ? -b : b;
	return (CAVE_WIDTH - (a > b ? a : b)) * (1 << (t->cave_shift - 1));
}

/* Below 0 in the ground; continuous, roughly a distance. */
static int32_t density(struct terrain *t, int32_t h, const int at[3])
{
	int32_t open = at[1] * Q - h, c = cave(t, at);

	return open > c ? open : c;
}

static int32_t density_at(struct terrain *t, const int at[3])
{
	return density(t, height(t, at[0], at[2]), at);
}

static int terrain_solid(struct ground *g, const int at[3])
{
	return density_at((struct terrain *)g, at) < 0;
}

static int where_crossed(int32_t from, int32_t to)
{
	int64_t a = from < 0 ? -(int64_t)from : from, b = to < 0 ? -(int64_t)to : to;

	return (int)(a * Q / (a + b));
}

static int terrain_crossing(struct ground *g, int axis, const int at[3])
{
	int to[3] = { at[0], at[1], at[2] };

	to[axis]++;
	return where_crossed(density_at((struct terrain *)g, at),
			     density_at((struct terrain *)g, to));
}

struct span { int32_t lo, hi; };

static void widen(struct span *s, int32_t v)
{
	s->lo = v < s->lo ? v : s->lo;
	s->hi = v > s->hi ? v : s->hi;
}

/* |v| over a span of v. */
static struct span magnitude(struct span s)
{
	struct span m = { 0, -s.lo > s.hi ? -s.lo : s.hi };

	if (s.lo > 0)
		m.lo = s.lo;
	else if (s.hi < 0)
		m.lo = -s.hi;
	return m;
}

/* Range over corners 0 to 7 of a brick; the lattice cell holds the upper corners too. */
static struct span cave_noise(struct terrain *t, int which, const int base[3])
{
	struct span s = { INT32_MAX, INT32_MIN };
	int i;

	for (i = 0; i < 8; i++) {
		int at[3] = { base[0] + (i & 1) * BRICK, base[1] + (i >> 1 & 1) * BRICK,
			      base[2] + (i >> 2) * BRICK };
		widen(&s, noise3(&t->near[which], t->seed + 100 + (unsigned)which,
				 t->cave_shift, at));
	}
	return magnitude(s);
}

static struct span height_span(const struct terrain *t, const int base[3])
{
	struct span sum = { t->head.res * Q / 2, t->head.res * Q / 2 };
	int i, c;

	for (i = 0; i < t->octaves; i++) {
		struct span s = { INT32_MAX, INT32_MIN };
		for (c = 0; c < 4; c++)
			widen(&s, (int32_t)((int64_t)t->amplitude[i] *
					    noise2(t->seed + (unsigned)i, t->shift[i],
						   base[0] + (c & 1) * BRICK,
						   base[2] + (c >> 1) * BRICK) >> 12));
		sum.lo += s.lo;
		sum.hi += s.hi;
	}
	return sum;
}

/* Interpolation in integers may round down at each of its steps, hence 8, and 16 for
 * heights. */
static int terrain_brick(struct ground *g, const int place[3])
{
	struct terrain *t = (struct terrain *)g;
	const int base[3] = { place[0] * BRICK, place[1] * BRICK, place[2] * BRICK };
	struct span h = height_span(t, base);
	const int slack = 16;

	if (base[1] * Q - h.hi >= slack)
		return GROUND_AIR;
	if ((base[1] + BRICK) * Q - h.lo >= -slack)
		return GROUND_SHELL;
	struct span a = cave_noise(t, 0, base), b = cave_noise(t, 1, base);
	int32_t nearest = (a.lo > b.lo ? a.lo : b.lo) - 8;
	int32_t farthest = (a.hi > b.hi ? a.hi : b.hi) + 8;
	if (nearest > CAVE_WIDTH)
		return GROUND_SOLID;
	return farthest < CAVE_WIDTH ? GROUND_AIR : GROUND_SHELL;
}

static void crossings(const int32_t *raw, const int8_t *solid, uint16_t *cross)
{
	static const int step[3] = { 1, GROUND_SIDE, GROUND_SIDE * GROUND_SIDE };
	int axis, i;

	for (axis = 0; axis < 3; axis++)
		for (i = 0; i + step[axis] < GROUND_WINDOW; i++)
			if (solid[i] != solid[i + step[axis]])
				cross[axis * GROUND_WINDOW + i] =
					(uint16_t)where_crossed(raw[i], raw[i + step[axis]]);
}

static void terrain_window(struct ground *g, const int place[3], int8_t *solid, uint16_t *cross)
{
	struct terrain *t = (struct terrain *)g;
	int32_t raw[GROUND_WINDOW], high[GROUND_SIDE * GROUND_SIDE];
	int x, y, z, i, last = g->res - 1;

	for (z = 0, i = 0; z < GROUND_SIDE; z++)
		for (x = 0; x < GROUND_SIDE; x++)
			high[i++] = height(t, dig_clamp(place[0] * BRICK - 1 + x, 0, last),
					   dig_clamp(place[2] * BRICK - 1 + z, 0, last));
	for (z = 0, i = 0; z < GROUND_SIDE; z++)
		for (y = 0; y < GROUND_SIDE; y++)
			for (x = 0; x < GROUND_SIDE; x++, i++) {
				int at[3] = { dig_clamp(place[0] * BRICK - 1 + x, 0, last),
					      dig_clamp(place[1] * BRICK - 1 + y, 0, last),
					      dig_clamp(place[2] * BRICK - 1 + z, 0, last) };
				raw[i] = density(t, high[z * GROUND_SIDE + x], at);
				solid[i] = raw[i] < 0;
			}
	crossings(raw, solid, cross);
}

/* height(), remembered for the 8 x 8 columns of a brick. */
static int32_t height_near(struct terrain *t, int x, int z)
{
	int i;

	if (!t->columns_filled || t->column[0] != x >> 3 || t->column[1] != z >> 3) {
		t->column[0] = x >> 3;
		t->column[1] = z >> 3;
		for (i = 0; i < BRICK * BRICK; i++)
			t->columns[i] = height(t, (x & ~7) + (i & 7), (z & ~7) + (i >> 3));
		t->columns_filled = 1;
	}
	return t->columns[(z & 7) * BRICK + (x & 7)];
}

/* Grass and earth on top, then stone with seams of ore. */
static unsigned terrain_material(struct ground *g, const int at[3])
{
	struct terrain *t = (struct terrain *)g;
	int depth = height_near(t, at[0], at[2]) / Q - at[1];
	uint64_t seam;

	if (depth < 2)
		return 1;
	if (depth < 6)
		return 2;
	seam = dig_mix(t->seed + 7 + dig_mix((uint64_t)(at[0] >> 2) << 40 ^
					     (uint64_t)(at[1] >> 1) << 20 ^ (uint64_t)(at[2] >> 2)));
	return seam % 23 ? 3 : 4 + seam / 23 % 4;
}

static void terrain_close(struct ground *g)
{
	store_give(g->store, STORE_GENERAL, g, sizeof(struct terrain));
}

static const struct ground_ops terrain_ops = {
	.brick = terrain_brick, .solid = terrain_solid, .crossing = terrain_crossing,
	.window = terrain_window, .material = terrain_material, .close = terrain_close,
};

struct ground *terrain_open(struct store *store, int res, uint64_t seed)
{
	struct terrain *t = store_take(store, STORE_GENERAL, sizeof *t);
	int shift = 0;

	*t = (struct terrain){ .head = { &terrain_ops, store, res }, .seed = dig_mix(seed) };
	while (2 << shift < res)
		shift++;
	t->cave_shift = shift - 2 < 4 ? 4 : shift - 2;
	for (; shift >= 3 && t->octaves < OCTAVES; shift--) {
		t->shift[t->octaves] = shift;
		t->amplitude[t->octaves++] = Q << shift >> 2;
	}
	return &t->head;
}
