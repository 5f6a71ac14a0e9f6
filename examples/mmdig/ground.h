/* ground.h: what there is before the first dig: terrain from a seed, or a mesh from a file.
 *
 * Promise: a function of seed or file and resolution alone, in integers, the same everywhere.
 * Vocabulary
 *   solid     a voxel in the ground; all others are air
 *   edge      from a voxel to the next one along an axis
 *   crossing  where an edge between solid and air meets the surface, 0 to Q from its start
 *   shell     bricks in which edges may begin that cross the surface
 */
#ifndef GROUND_H
#define GROUND_H

#include <stdint.h>

#include "store.h"

enum { GROUND_SOLID = -1, GROUND_SHELL, GROUND_AIR };

struct ground;
struct ground_ops {
	int (*brick)(struct ground *g, const int place[3]);
	int (*solid)(struct ground *g, const int at[3]);
	int (*crossing)(struct ground *g, int axis, const int at[3]);
	/* Signs and crossings of the voxels -1 to 8 of a brick: see ground_window. */
	void (*window)(struct ground *g, const int place[3], int8_t *solid, uint16_t *cross);
	unsigned (*material)(struct ground *g, const int at[3]);
	void (*close)(struct ground *g);
};

struct ground {
	const struct ground_ops *ops;
	struct store *store;
	int res;
};

enum { GROUND_SIDE = 10, GROUND_WINDOW = 1000 /* GROUND_SIDE cubed */ };

/* The caller closes it, before the store. */
struct ground *terrain_open(struct store *store, int res, uint64_t seed);
/* NULL with a line on stderr when the file cannot be used. */
struct ground *mesh_open(struct store *store, int res, const char *path);

/* GROUND_SOLID, GROUND_AIR: all of the brick and its upper neighbours' first voxels is. */
static inline int ground_brick(struct ground *g, const int place[3])
{
	return g->ops->brick(g, place);
}

/* One voxel, inside the world. */
static inline int ground_solid(struct ground *g, const int at[3])
{
	return g->ops->solid(g, at);
}

/* The crossing of an edge whose ends differ. */
static inline int ground_crossing(struct ground *g, int axis, const int at[3])
{
	return g->ops->crossing(g, axis, at);
}

/* For the voxels -1 to 8 of a brick on each axis, x fastest: 1 = solid, 0 = air, and for
 * each axis (a block of GROUND_WINDOW each) the crossing of the edge that begins there. Outside
 * the world: as the nearest voxel inside. */
static inline void ground_window(struct ground *g, const int place[3], int8_t *solid,
				 uint16_t *cross)
{
	g->ops->window(g, place, solid, cross);
}

/* What a solid voxel is made of, 1 to 255. */
static inline unsigned ground_material(struct ground *g, const int at[3])
{
	return g->ops->material(g, at);
}

#endif
