/* regions.c: bricks far from the camera are packed away and come back (digworld.h).
 *
 * A packed brick is its distances as differences from the voxel before, most of which are 0:
 * a byte 0x80 + n stands for n + 1 zeros (n < 127), 0xff and two bytes for a difference of any
 * size, other bytes for one of -64 to 63. Materials and meshes are made again.
 */
#include "digworld.h"

#include <string.h>

enum { REGION = 4, RUN_MOST = 127, PACKED_MOST = BRICK_VOXELS * 3 };

struct region {
	int out;
	uint32_t count, bytes;   /* bricks; of `packed` */
	uint8_t *packed;         /* for each brick: number within the region, its bytes */
};

static unsigned pack_brick(const int16_t v[BRICK_VOXELS], uint8_t *ret)
{
	unsigned n = 0, zeros = 0;
	int i, last = 0;

	for (i = 0; i < BRICK_VOXELS; i++) {
		int d = v[i] - last;
		last = v[i];
		if (d == 0 && zeros > 0 && zeros < RUN_MOST) {
			ret[n - 1]++;
			zeros++;
			continue;
		}
		zeros = d == 0;
		if (d == 0) {
			ret[n++] = 0x80;
		} else if (d >= -64 && d < 64) {
			ret[n++] = (uint8_t)(d + 64);
		} else {
			ret[n++] = 0xff;
			ret[n++] = (uint8_t)d;
			ret[n++] = (uint8_t)((unsigned)d >> 8);
		}
	}
	return n;
}

static const uint8_t *unpack_brick(const uint8_t *p, int16_t v[BRICK_VOXELS])
{
	int i = 0, last = 0, zeros;

	while (i < BRICK_VOXELS) {
		if (*p == 0xff) {
			last += (int16_t)(p[1] | p[2] << 8);
			v[i++] = (int16_t)last;
			p += 3;
		} else if (*p < 0x80) {
			last += *p++ - 64;
			v[i++] = (int16_t)last;
		} else {
			for (zeros = *p++ - 0x80; zeros >= 0 && i < BRICK_VOXELS; zeros--)
				v[i++] = (int16_t)last;
		}
	}
	return p;
}

static uint64_t region_count(const struct world *w)
{
	return world_end(w) / (REGION * REGION * REGION);
}

static struct region *regions_have(struct world *w)
{
	if (!w->regions) {
		w->regions = store_take(w->store, STORE_GENERAL,
					region_count(w) * sizeof *w->regions);
		memset(w->regions, 0, region_count(w) * sizeof *w->regions);
	}
	return w->regions;
}

/* Keys of a region's bricks are 64 in a row. */
static void send_out(struct world *w, uint64_t number)
{
	static uint8_t scratch[64 * (PACKED_MOST + 1)];
	struct region *r = &w->regions[number];
	uint64_t key, first = number * 64, end = first + 64;
	int16_t v[BRICK_VOXELS];
	uint32_t bytes = 0;

	r->out = 1;
	w->regions_out++;
	for (key = bricks_next(w->stored, first, end); key < end;
	     key = bricks_next(w->stored, key, end)) {
		struct brick *b = store_brick_find(w->store, key);
		bricks_read(w, b, v);
		scratch[bytes++] = (uint8_t)(key - first);
		bytes += pack_brick(v, scratch + bytes);
		bricks_free(w, b);
		world_put_bit(w->out, key, 1);
		r->count++;
	}
	r->bytes = bytes;
	r->packed = bytes ? store_take(w->store, STORE_GENERAL, bytes) : NULL;
	if (bytes)
		memcpy(r->packed, scratch, bytes);
	w->packed += bytes;
	w->packed_bricks += r->count;
}

static unsigned count_active(const struct world *w, const int16_t v[BRICK_VOXELS])
{
	unsigned n = 0;
	int i;

	for (i = 0; i < BRICK_VOXELS; i++)
		n += v[i] < w->band && v[i] > -w->band;
	return n;
}

static void come_in(struct world *w, uint64_t number)
{
	struct region *r = &w->regions[number];
	const uint8_t *p = r->packed;
	int16_t v[BRICK_VOXELS];
	uint32_t i;
	int at[3];

	for (i = 0; i < r->count; i++) {
		uint64_t key = number * 64 + *p++;
		struct brick *b;
		p = unpack_brick(p, v);
		dig_place(key, at);
		world_put_bit(w->out, key, 0);
		b = bricks_have(w, at);
		bricks_write(w, b, v);
		b->active = (uint16_t)count_active(w, v);
		b->pending = 1;
		w->active += b->active;
		bricks_paint(w, b);
	}
	w->packed -= r->bytes;
	w->packed_bricks -= r->count;
	store_give(w->store, STORE_GENERAL, r->packed, r->bytes);
	*r = (struct region){ 0 };
	w->regions_in++;
}

/* Meshes that waited for a neighbour, in the regions around one that has come in. */
static void renew_pending(struct world *w, const int at[3])
{
	uint64_t key = dig_key(at);
	struct brick *b = world_bit(w->stored, key) ? store_brick_find(w->store, key) : NULL;

	if (b && b->pending)
		nets_renew(w, b);
}

static struct box bricks_of(uint64_t number)
{
	struct box b;
	int at[3], i;

	dig_place(number, at);
	for (i = 0; i < 3; i++) {
		b.lo[i] = at[i] * REGION;
		b.hi[i] = b.lo[i] + REGION - 1;
	}
	return b;
}

static int overlap(const struct box *a, const struct box *b)
{
	int i;

	for (i = 0; i < 3; i++)
		if (a->hi[i] < b->lo[i] || b->hi[i] < a->lo[i])
			return 0;
	return 1;
}

void regions_follow(struct world *w, const int voxel[3], int radius, struct box need)
{
	struct region *r = regions_have(w);
	struct box near;
	uint64_t i;
	int axis, came = 0;

	for (axis = 0; axis < 3; axis++) {
		near.lo[axis] = voxel[axis] / BRICK - radius;
		near.hi[axis] = voxel[axis] / BRICK + radius;
	}
	for (i = 0; i < region_count(w); i++) {
		struct box b = bricks_of(i);
		int wanted = overlap(&b, &near) || overlap(&b, &need);
		if (wanted && r[i].out) {
			came = 1;
			come_in(w, i);
		} else if (!wanted && !r[i].out) {
			send_out(w, i);
		}
	}
	for (i = 0; came && i < region_count(w); i++)
		if (!r[i].out)
			bricks_each(w, bricks_of(i), renew_pending);
}

void regions_all_in(struct world *w)
{
	struct box all = { { 0, 0, 0 }, { w->side - 1, w->side - 1, w->side - 1 } };
	static const int origin[3];

	if (w->regions)
		regions_follow(w, origin, 0, all);
}

void regions_close(struct world *w)
{
	uint64_t i;

	if (!w->regions)
		return;
	for (i = 0; i < region_count(w); i++)
		store_give(w->store, STORE_GENERAL, w->regions[i].packed, w->regions[i].bytes);
	store_give(w->store, STORE_GENERAL, w->regions, region_count(w) * sizeof *w->regions);
}
