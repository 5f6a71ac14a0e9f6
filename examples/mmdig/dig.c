/* dig.c: spheres taken out of the ground, and where the next one goes (digworld.h).
 *
 * A dig can change the sides of voxels nearer than its radius, and the distances of surface
 * voxels up to one voxel beyond: bricks with such voxels are touched. Everything else that
 * changes is within band + 2 of those, which is less than the ring of bricks around them.
 */
#include "digworld.h"

int dig_carve(const struct dig *d, const int at[3], int distance)
{
	int64_t square = 0;
	int i, open;

	for (i = 0; i < 3; i++) {
		int64_t away = (int64_t)at[i] * Q - d->at[i];
		square += away * away;
	}
	if (square >= (int64_t)(d->radius + Q) * (d->radius + Q))
		return distance;
	open = d->radius - (int)dig_root((uint64_t)square);
	return distance > open ? distance : open;
}

struct box dig_box(const struct world *w, const struct dig *d)
{
	struct box b;
	int i, reach = d->radius + Q;

	for (i = 0; i < 3; i++) {
		b.lo[i] = (d->at[i] - reach < 0 ? 0 : d->at[i] - reach) / (Q * BRICK);
		b.hi[i] = (d->at[i] + reach) / (Q * BRICK);
	}
	return bricks_box(w, b, 0);
}

/* Carves one brick; 1 when that changed it. */
static int carve_brick(struct world *w, const int at[3], const struct dig *d)
{
	uint64_t key = dig_key(at);
	int16_t v[BRICK_VOXELS];
	struct brick *b = NULL;
	int i, changed = 0, far = world_bit(w->solid, key) ? -w->band : w->band;

	if (world_bit(w->stored, key)) {
		b = store_brick_find(w->store, key);
		bricks_read(w, b, v);
	} else if (far > 0) {
		return 0;
	}
	for (i = 0; i < BRICK_VOXELS; i++) {
		int voxel[3] = { at[0] * BRICK + (i & 7), at[1] * BRICK + (i >> 3 & 7),
				 at[2] * BRICK + (i >> 6) };
		int old = b ? v[i] : far, now = dig_carve(d, voxel, old);
		now = now > w->band ? w->band : now;
		changed |= now != old;
		v[i] = (int16_t)now;
	}
	if (changed)
		bricks_write(w, b ? b : bricks_have(w, at), v);
	return changed;
}

static void refresh_brick(struct world *w, const int at[3])
{
	uint64_t key = dig_key(at);

	if (world_bit(w->stored, key))
		bricks_paint(w, store_brick_find(w->store, key));
}

static void refresh_net(struct world *w, const int at[3])
{
	uint64_t key = dig_key(at);

	if (world_bit(w->stored, key))
		nets_renew(w, store_brick_find(w->store, key));
}

/* --- by many ------------------------------------------------------------------------------ */

struct share { /* of the bricks of a box: what each thread does to its own */
	struct world *w;
	struct box box;
	struct distances *found;
};

static void place_of(const struct box *b, size_t i, int at[3])
{
	size_t x = (size_t)(b->hi[0] - b->lo[0] + 1), y = (size_t)(b->hi[1] - b->lo[1] + 1);

	at[0] = b->lo[0] + (int)(i % x);
	at[1] = b->lo[1] + (int)(i / x % y);
	at[2] = b->lo[2] + (int)(i / x / y);
}

static size_t places_of(const struct box *b)
{
	return (size_t)(b->hi[0] - b->lo[0] + 1) * (size_t)(b->hi[1] - b->lo[1] + 1) *
	       (size_t)(b->hi[2] - b->lo[2] + 1);
}

static void find_one(void *arg, size_t i)
{
	struct share *s = arg;
	int at[3];

	place_of(&s->box, i, at);
	distance_find(s->w, at, &s->found[i]);
}

static void net_one(void *arg, size_t i)
{
	struct share *s = arg;
	int at[3];

	place_of(&s->box, i, at);
	refresh_net(s->w, at);
}

/* Bricks come and go in the order of their places, whoever worked out their distances. */
static void refresh_distances(struct world *w, struct box ring)
{
	struct share s = { w, ring, NULL };
	size_t i, n = places_of(&ring);
	int at[3];

	if (!w->crew) {
		bricks_each(w, ring, distance_renew);
		return;
	}
	s.found = store_take(w->store, STORE_GENERAL, n * sizeof *s.found);
	crew_each(w->crew, n, find_one, &s);
	for (i = 0; i < n; i++) {
		place_of(&ring, i, at);
		distance_keep(w, at, &s.found[i]);
	}
	store_give(w->store, STORE_GENERAL, s.found, n * sizeof *s.found);
}

static void refresh_nets(struct world *w, struct box ring)
{
	struct share s = { w, ring, NULL };

	if (w->crew)
		crew_each(w->crew, places_of(&ring), net_one, &s);
	else
		bricks_each(w, ring, refresh_net);
}

unsigned dig_apply(struct world *w, const struct dig *d)
{
	struct box touched = dig_box(w, d), ring = bricks_box(w, touched, 1);
	unsigned changed = 0;
	int at[3];

	for (at[2] = touched.lo[2]; at[2] <= touched.hi[2]; at[2]++)
		for (at[1] = touched.lo[1]; at[1] <= touched.hi[1]; at[1]++)
			for (at[0] = touched.lo[0]; at[0] <= touched.hi[0]; at[0]++)
				changed += (unsigned)carve_brick(w, at, d);
	if (!changed)
		return 0;
	refresh_distances(w, ring);
	bricks_each(w, ring, refresh_brick);
	octree_renew(w, touched);
	refresh_nets(w, ring);
	return changed;
}

/* --- where -------------------------------------------------------------------------------- */

/* The highest solid voxel of a column, in Q; the middle when there is none. */
static int32_t surface_of(const struct world *w, int x, int z)
{
	int y;

	for (y = w->res - 1; y >= 0; y--) {
		int at[3] = { x, y, z };
		if (octree_solid(w, at))
			return y * Q;
	}
	return w->res / 2 * Q;
}

static void go_to_surface(const struct world *w, struct dig_plan *p, int x, int z)
{
	p->at[0] = x * Q;
	p->at[2] = z * Q;
	p->at[1] = surface_of(w, x, z);
}

static int32_t jitter(struct dig_plan *p, int32_t most)
{
	return (int32_t)dig_random(&p->random, (uint32_t)(2 * most + 1)) - most;
}

/* A tunnel that has come out of the ground goes back into it. */
static void dive(const struct world *w, struct dig_plan *p)
{
	int x = dig_clamp(p->at[0] / Q, 0, w->res - 1), z = dig_clamp(p->at[2] / Q, 0, w->res - 1);
	int32_t surface = surface_of(w, x, z);

	if (p->at[1] <= surface)
		return;
	p->at[1] = surface;
	p->heading[1] = -Q / 2;
}

/* A tunnel goes on by half a radius and turns a little; it stays inside the world. */
static void tunnel_on(const struct world *w, struct dig_plan *p, int32_t radius)
{
	int i;

	if (p->turn == 0) {
		go_to_surface(w, p, w->res / 2, w->res / 2);
		p->heading[0] = Q;
		p->heading[1] = -Q / 2;
		p->heading[2] = Q / 3;
		return;
	}
	for (i = 0; i < 3; i++) {
		p->heading[i] = dig_clamp(p->heading[i] + jitter(p, Q / 4), -Q, Q);
		p->at[i] += (int32_t)((int64_t)p->heading[i] * radius / (2 * Q));
		if (p->at[i] < radius || p->at[i] > w->res * Q - radius) {
			p->heading[i] = -p->heading[i];
			p->at[i] = dig_clamp(p->at[i], radius, w->res * Q - radius);
		}
	}
	dive(w, p);
}

/* A crater grows outwards from its middle, always at what is the surface then. */
static void crater_on(const struct world *w, struct dig_plan *p)
{
	int reach = 1 + p->turn % (w->res / 6);
	int x = w->res / 2 + (int)jitter(p, reach), z = w->res / 2 + (int)jitter(p, reach);

	go_to_surface(w, p, dig_clamp(x, 0, w->res - 1), dig_clamp(z, 0, w->res - 1));
}

struct dig dig_next(const struct world *w, struct dig_plan *p)
{
	uint32_t choices = (uint32_t)(p->radius_hi - p->radius_lo + 1);
	struct dig d = { .radius = (p->radius_lo + (int)dig_random(&p->random, choices)) * Q };

	if (p->path == DIG_TUNNEL)
		tunnel_on(w, p, d.radius);
	else if (p->path == DIG_CRATER)
		crater_on(w, p);
	else
		go_to_surface(w, p, (int)dig_random(&p->random, (uint32_t)w->res),
			      (int)dig_random(&p->random, (uint32_t)w->res));
	p->turn++;
	d.at[0] = p->at[0] + jitter(p, Q / 2);
	d.at[1] = p->at[1] + jitter(p, Q / 2);
	d.at[2] = p->at[2] + jitter(p, Q / 2);
	return d;
}
