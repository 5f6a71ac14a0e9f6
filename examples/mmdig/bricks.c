/* bricks.c: the bricks of the narrow band and how a world begins (digworld.h). */
#include "digworld.h"

#include <string.h>

void bricks_read(const struct world *w, const struct brick *b, int16_t ret[BRICK_VOXELS])
{
	const float *f = b->payload;
	int i;

	if (!w->f32) {
		memcpy(ret, b->payload, BRICK_VOXELS * sizeof *ret);
		return;
	}
	for (i = 0; i < BRICK_VOXELS; i++)
		ret[i] = (int16_t)(f[i] * Q); /* exact: stored as a multiple of 1/Q */
}

void bricks_write(const struct world *w, struct brick *b, const int16_t v[BRICK_VOXELS])
{
	float *f = b->payload;
	int i;

	if (!w->f32) {
		memcpy(b->payload, v, BRICK_VOXELS * sizeof *v);
		return;
	}
	for (i = 0; i < BRICK_VOXELS; i++)
		f[i] = (float)v[i] / Q;
}

uint64_t bricks_next(const uint64_t *bits, uint64_t key, uint64_t end)
{
	while (key < end) {
		uint64_t word = bits[key >> 6] >> (key & 63);
		if (word)
			return key + (uint64_t)__builtin_ctzll(word);
		key = (key | 63) + 1;
	}
	return end;
}

struct box bricks_box(const struct world *w, struct box b, int ring)
{
	int i;

	for (i = 0; i < 3; i++) {
		b.lo[i] = b.lo[i] - ring < 0 ? 0 : b.lo[i] - ring;
		b.hi[i] = b.hi[i] + ring >= w->side ? w->side - 1 : b.hi[i] + ring;
	}
	return b;
}

void bricks_each(struct world *w, struct box b, void (*each)(struct world *w, const int at[3]))
{
	int at[3];

	for (at[2] = b.lo[2]; at[2] <= b.hi[2]; at[2]++)
		for (at[1] = b.lo[1]; at[1] <= b.hi[1]; at[1]++)
			for (at[0] = b.lo[0]; at[0] <= b.hi[0]; at[0]++)
				each(w, at);
}

static void fill_uniform(const struct world *w, uint64_t key, int16_t v[BRICK_VOXELS])
{
	int16_t far = (int16_t)(world_bit(w->solid, key) ? -w->band : w->band);
	int i;

	for (i = 0; i < BRICK_VOXELS; i++)
		v[i] = far;
}

struct brick *bricks_have(struct world *w, const int at[3])
{
	uint64_t key = dig_key(at);
	int16_t v[BRICK_VOXELS];
	struct brick *b;

	if (world_bit(w->stored, key))
		return store_brick_find(w->store, key);
	b = store_brick_take(w->store, key, at);
	fill_uniform(w, key, v);
	bricks_write(w, b, v);
	world_put_bit(w->stored, key, 1);
	w->bricks++;
	return b;
}

void bricks_free(struct world *w, struct brick *b)
{
	store_give(w->store, STORE_CHANNEL, b->channel, BRICK_VOXELS);
	store_give(w->store, STORE_MESH, b->mesh, b->mesh_bytes);
	world_put_bit(w->stored, b->key, 0);
	w->active -= b->active;
	w->bricks--;
	store_brick_give(w->store, b);
}

void bricks_drop(struct world *w, struct brick *b, int solid)
{
	world_put_bit(w->solid, b->key, solid);
	bricks_free(w, b);
}

void bricks_paint(struct world *w, struct brick *b)
{
	int16_t v[BRICK_VOXELS];
	uint8_t channel[BRICK_VOXELS];
	int i, any = 0;

	bricks_read(w, b, v);
	for (i = 0; i < BRICK_VOXELS; i++) {
		int at[3] = { b->at[0] * BRICK + (i & 7), b->at[1] * BRICK + (i >> 3 & 7),
			      b->at[2] * BRICK + (i >> 6) };
		channel[i] = v[i] < 0 ? (uint8_t)ground_material(w->ground, at) : 0;
		any |= channel[i];
	}
	if (any && !b->channel)
		b->channel = store_take(w->store, STORE_CHANNEL, BRICK_VOXELS);
	if (any) {
		memcpy(b->channel, channel, BRICK_VOXELS);
	} else if (b->channel) {
		store_give(w->store, STORE_CHANNEL, b->channel, BRICK_VOXELS);
		b->channel = NULL;
	}
}

/* --- windows ------------------------------------------------------------------------------ */

struct part { int lo[3], hi[3]; };   /* voxels, hi not included */

/* What one brick has of a window whose first voxel is `from`. */
static struct part part_of(const int at[3], const int from[3], int side)
{
	struct part p;
	int i;

	for (i = 0; i < 3; i++) {
		p.lo[i] = at[i] * BRICK > from[i] ? at[i] * BRICK : from[i];
		p.hi[i] = (at[i] + 1) * BRICK < from[i] + side ? (at[i] + 1) * BRICK : from[i] + side;
	}
	return p;
}

static void copy_row(const struct world *w, const void *payload, int first, int count,
		     int16_t *ret)
{
	const float *f = (const float *)payload + first;
	int i;

	if (!w->f32) {
		memcpy(ret, (const int16_t *)payload + first, (size_t)count * sizeof *ret);
		return;
	}
	for (i = 0; i < count; i++)
		ret[i] = (int16_t)(f[i] * Q);
}

static void fill_row(int16_t value, int count, int16_t *ret)
{
	int i;

	for (i = 0; i < count; i++)
		ret[i] = value;
}

static int inside(const struct world *w, const int at[3])
{
	return at[0] >= 0 && at[1] >= 0 && at[2] >= 0 &&
	       at[0] < w->side && at[1] < w->side && at[2] < w->side;
}

/* A brick's payload; NULL when all its voxels have the value that is returned. */
static const void *payload_at(struct world *w, const int at[3], int16_t *ret_value)
{
	uint64_t key;

	*ret_value = WORLD_NOTHING;
	if (!inside(w, at))
		return NULL;
	key = dig_key(at);
	if (world_bit(w->out, key))
		__atomic_fetch_add(&w->missed, 1, __ATOMIC_RELAXED);
	if (world_bit(w->stored, key))
		return store_brick_find(w->store, key)->payload;
	*ret_value = (int16_t)(world_bit(w->solid, key) ? -w->band : w->band);
	return NULL;
}

static void window_part(struct world *w, const int at[3], const int from[3], int side,
			int16_t *ret)
{
	struct part p = part_of(at, from, side);
	int y, z, count = p.hi[0] - p.lo[0];
	int16_t value;
	const void *payload = payload_at(w, at, &value);

	for (z = p.lo[2]; z < p.hi[2]; z++)
		for (y = p.lo[1]; y < p.hi[1]; y++) {
			int16_t *row = ret + ((z - from[2]) * side + y - from[1]) * side +
				       p.lo[0] - from[0];
			if (payload)
				copy_row(w, payload, (z & 7) * 64 + (y & 7) * 8 + (p.lo[0] & 7),
					 count, row);
			else
				fill_row(value, count, row);
		}
}

void bricks_window(struct world *w, const int at[3], int margin, int16_t *ret)
{
	int from[3] = { at[0] * BRICK - margin, at[1] * BRICK - margin, at[2] * BRICK - margin };
	int i;

	for (i = 0; i < 27; i++) {
		int near[3] = { at[0] + i % 3 - 1, at[1] + i / 3 % 3 - 1, at[2] + i / 9 - 1 };
		window_part(w, near, from, BRICK + 2 * margin, ret);
	}
}

/* --- the beginning ------------------------------------------------------------------------ */

void world_open(struct world *w, struct store *store, struct ground *ground, int band, int f32)
{
	uint64_t bits;

	*w = (struct world){ .store = store, .ground = ground, .res = ground->res,
			     .side = ground->res / BRICK, .band = band * Q, .f32 = f32 };
	while (1 << w->levels < w->res)
		w->levels++;
	bits = (world_end(w) + 63) / 64 * sizeof *w->solid;
	w->bit_bytes = bits;
	w->stored = store_take(store, STORE_GENERAL, bits);
	w->solid = store_take(store, STORE_GENERAL, bits);
	w->out = store_take(store, STORE_GENERAL, bits);
	memset(w->stored, 0, bits);
	memset(w->solid, 0, bits);
	memset(w->out, 0, bits);
}

void world_close(struct world *w)
{
	uint64_t key, end = world_end(w);

	for (key = bricks_next(w->stored, 0, end); key < end; key = bricks_next(w->stored, key, end))
		bricks_free(w, store_brick_find(w->store, key));
	octree_close(w);
	regions_close(w);
	store_give(w->store, STORE_GENERAL, w->stored, w->bit_bytes);
	store_give(w->store, STORE_GENERAL, w->solid, w->bit_bytes);
	store_give(w->store, STORE_GENERAL, w->out, w->bit_bytes);
}

/* The ground's own distance of one voxel of a window. */
static int first_distance(const struct world *w, const int8_t *solid, const uint16_t *cross, int i)
{
	static const int step[3] = { 1, GROUND_SIDE, GROUND_SIDE * GROUND_SIDE };
	int along[3], axis, d;

	for (axis = 0; axis < 3; axis++) {
		int up = i + step[axis], down = i - step[axis];
		const uint16_t *c = cross + axis * GROUND_WINDOW;
		along[axis] = -1;
		if (solid[i] != solid[up])
			along[axis] = c[i];
		if (solid[i] != solid[down] && (along[axis] < 0 || Q - c[down] < along[axis]))
			along[axis] = Q - c[down];
	}
	d = distance_to_plane(along);
	d = d < 0 ? w->band : d;
	return solid[i] ? d ? -d : -1 : d;
}

/* Stores a brick that has surface voxels; else notes on which side it is. */
static void build_surface(struct world *w, const int at[3])
{
	int8_t solid[GROUND_WINDOW];
	uint16_t cross[3 * GROUND_WINDOW];
	int16_t v[BRICK_VOXELS];
	int i, any = 0;

	ground_window(w->ground, at, solid, cross);
	for (i = 0; i < BRICK_VOXELS; i++) {
		int at_window = ((i >> 6) + 1) * 100 + ((i >> 3 & 7) + 1) * 10 + (i & 7) + 1;
		v[i] = (int16_t)first_distance(w, solid, cross, at_window);
		any |= v[i] != w->band && v[i] != -w->band;
	}
	world_put_bit(w->solid, dig_key(at), v[0] < 0);
	if (any)
		bricks_write(w, bricks_have(w, at), v);
}

static void mark_ring(struct world *w, uint64_t *ring, uint64_t key)
{
	struct box b;
	int at[3];

	dig_place(key, at);
	b = (struct box){ { at[0], at[1], at[2] }, { at[0], at[1], at[2] } };
	b = bricks_box(w, b, 1);
	for (at[2] = b.lo[2]; at[2] <= b.hi[2]; at[2]++)
		for (at[1] = b.lo[1]; at[1] <= b.hi[1]; at[1]++)
			for (at[0] = b.lo[0]; at[0] <= b.hi[0]; at[0]++)
				world_put_bit(ring, dig_key(at), 1);
}

/* Marks bricks that may have active voxels, and gives all others a side. */
static void build_candidates(struct world *w, uint64_t *near)
{
	uint64_t key, end = world_end(w);
	int at[3];

	memset(near, 0, w->bit_bytes);
	for (key = 0; key < end; key++) {
		dig_place(key, at);
		int side = ground_brick(w->ground, at);
		world_put_bit(w->solid, key, side == GROUND_SOLID);
		if (side == GROUND_SHELL)
			mark_ring(w, near, key);
	}
}

static void each_key(struct world *w, const uint64_t *bits,
		     void (*each)(struct world *w, const int at[3]))
{
	uint64_t key, end = world_end(w);
	int at[3];

	for (key = bricks_next(bits, 0, end); key < end; key = bricks_next(bits, key + 1, end)) {
		dig_place(key, at);
		each(w, at);
	}
}

static void paint_at(struct world *w, const int at[3])
{
	bricks_paint(w, store_brick_find(w->store, dig_key(at)));
}

static void net_at(struct world *w, const int at[3])
{
	nets_renew(w, store_brick_find(w->store, dig_key(at)));
}

void world_build(struct world *w)
{
	uint64_t *near = store_take(w->store, STORE_GENERAL, w->bit_bytes);
	struct box all = { { 0, 0, 0 }, { w->side - 1, w->side - 1, w->side - 1 } };

	build_candidates(w, near);
	each_key(w, near, build_surface);
	each_key(w, near, distance_renew);
	store_give(w->store, STORE_GENERAL, near, w->bit_bytes);
	each_key(w, w->stored, paint_at);
	octree_renew(w, all);
	each_key(w, w->stored, net_at);
}

/* --- the sum ------------------------------------------------------------------------------ */

static uint64_t sum_bytes(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		sum = (sum ^ b[i]) * 0x100000001b3u; /* FNV-1a */
	return sum;
}

static void sum_node(void *ctx, int level, const int at[3], const struct node *n)
{
	uint64_t *sum = ctx;
	uint32_t words[5] = { (uint32_t)level, (uint32_t)at[0], (uint32_t)at[1], (uint32_t)at[2],
			      n->child | (uint32_t)n->leaf << 8 | (uint32_t)n->material << 16 };

	*sum = sum_bytes(*sum, words, sizeof words);
}

uint64_t world_checksum(struct world *w)
{
	uint64_t key, end = world_end(w), sum = 0xcbf29ce484222325u;
	int16_t v[BRICK_VOXELS];

	for (key = bricks_next(w->stored, 0, end); key < end;
	     key = bricks_next(w->stored, key + 1, end)) {
		struct brick *b = store_brick_find(w->store, key);
		bricks_read(w, b, v);
		sum = sum_bytes(sum, &key, sizeof key);
		sum = sum_bytes(sum, v, sizeof v);
		if (b->channel)
			sum = sum_bytes(sum, b->channel, BRICK_VOXELS);
		if (b->mesh)
			sum = sum_bytes(sum, b->mesh, b->mesh_bytes);
	}
	octree_walk(w, sum_node, &sum);
	return sum;
}
