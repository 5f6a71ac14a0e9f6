/* digworld.h: the world of mmdig: bricks around the surface, an octree over the solid.
 *
 * Promise: a voxel's distance depends on what was dug, never on the order of the work, on
 * the format or on the store.
 * Vocabulary
 *   distance   of a voxel to the surface, in Q, below 0 in the solid; cut off at the band
 *   surface voxel   one with a neighbour (of six) on the other side; it keeps its distance:
 *              with its neighbour's that says where their edge crosses the surface
 *   active     nearer to the surface than the band. A brick is stored if a voxel of it is
 *   out        a region (4^3 bricks) that lies packed in memory
 */
#ifndef DIGWORLD_H
#define DIGWORLD_H

#include <stdint.h>

#include "crew.h"
#include "digmath.h"
#include "ground.h"
#include "store.h"

enum { WORLD_BAND_MOST = 6, WORLD_NOTHING = INT16_MIN /* outside the world */ };
/* Widest window: a brick, and band + 1 voxels around it. */
enum { WINDOW_SIDE = BRICK + 2 * (WORLD_BAND_MOST + 1) };
enum { WINDOW_VOXELS = WINDOW_SIDE * WINDOW_SIDE * WINDOW_SIDE };

struct box { int lo[3], hi[3]; };    /* bricks, both ends included */

struct cell {                        /* what an octree says of a cube */
	enum { CELL_EMPTY, CELL_SOLID, CELL_NODE } state;
	unsigned material;
	struct node node;
};

struct region;
struct world {
	struct store *store;
	struct ground *ground;
	struct crew *crew;           /* NULL = one thread does all */
	int res, side;               /* voxels, bricks on an axis */
	int levels;                  /* log2 of res */
	int band;                    /* Q */
	int f32;
	uint64_t *stored, *solid, *out; /* a bit a brick, by key; solid: of those not stored */
	size_t bit_bytes;
	struct cell root;            /* and where its node lies, 0 = nowhere */
	uint32_t root_run;
	struct region *regions;
	uint64_t bricks, active;     /* stored ones; their active voxels */
	uint64_t regions_out, regions_in;   /* moves, ever */
	uint64_t packed_bricks, packed; /* bricks that are out, and bytes they are packed in */
	uint64_t missed;             /* atomic: reads of what was out: must stay 0 */
};

static inline int world_bit(const uint64_t *bits, uint64_t key)
{
	return (int)(bits[key >> 6] >> (key & 63) & 1);
}

static inline void world_put_bit(uint64_t *bits, uint64_t key, int on)
{
	bits[key >> 6] = (bits[key >> 6] & ~((uint64_t)1 << (key & 63))) |
			 (uint64_t)on << (key & 63);
}

/* --- bricks.c ----------------------------------------------------------------------------- */

/* Fills the world from its ground. */
void world_open(struct world *w, struct store *store, struct ground *ground, int band, int f32);
void world_close(struct world *w);
void world_build(struct world *w);

/* A stored brick's distances. */
void bricks_read(const struct world *w, const struct brick *b, int16_t ret[BRICK_VOXELS]);
void bricks_write(const struct world *w, struct brick *b, const int16_t v[BRICK_VOXELS]);
/* The brick of a place, made if it is not stored (uniform then). */
struct brick *bricks_have(struct world *w, const int at[3]);
/* Gives a brick up; all of it is solid, or all air. */
void bricks_drop(struct world *w, struct brick *b, int solid);
/* Frees what hangs on a brick, and it. */
void bricks_free(struct world *w, struct brick *b);
/* Makes the channel what the brick's distances and the ground say. */
void bricks_paint(struct world *w, struct brick *b);
/* Distances of the brick at a place and `margin` voxels around it, x fastest; WORLD_NOTHING
 * outside the world. */
void bricks_window(struct world *w, const int at[3], int margin, int16_t *ret);
/* The smallest key >= `key` whose bit is set; `end` when there is none. */
uint64_t bricks_next(const uint64_t *bits, uint64_t key, uint64_t end);
static inline uint64_t world_end(const struct world *w)
{
	return (uint64_t)w->side * (uint64_t)w->side * (uint64_t)w->side;
}
/* Bricks of a box, `ring` wider, inside the world. */
struct box bricks_box(const struct world *w, struct box b, int ring);
/* Calls for every place of a box, x fastest. */
void bricks_each(struct world *w, struct box b, void (*each)(struct world *w, const int at[3]));

/* --- distance.c --------------------------------------------------------------------------- */

/* A surface voxel's distance from crossings of its edges: `along[axis]` is the nearer of
 * the axis in Q, or -1. Exact for a plane. */
int distance_to_plane(const int along[3]);
struct distances { int16_t v[BRICK_VOXELS]; unsigned active; int solid; };
/* Distances anew for one brick, which stays as it is, whatever others find meanwhile; and the brick
 * as that says. */
void distance_find(struct world *w, const int at[3], struct distances *ret);
void distance_keep(struct world *w, const int at[3], const struct distances *found);
/* Distances anew for one brick: those of surface voxels stay, others are exact to the
 * nearest crossing. Takes or drops the brick as it becomes active or not. */
void distance_renew(struct world *w, const int at[3]);

/* --- octree.c ----------------------------------------------------------------------------- */

/* Makes the octree agree with the bricks of a box. */
void octree_renew(struct world *w, struct box b);
void octree_close(struct world *w);
struct octree_counts {
	uint64_t nodes[12], inner, leaves;    /* nodes by depth; with and without child nodes */
	uint64_t children, leaf_children;     /* of all nodes; of those without child nodes */
	uint64_t solid_voxels;
};
void octree_count(const struct world *w, struct octree_counts *ret);
int octree_solid(const struct world *w, const int voxel[3]);
/* Calls in depth-first order for every node; `level`: log2 of its side. */
void octree_walk(const struct world *w, void (*visit)(void *ctx, int level, const int at[3],
						      const struct node *n), void *ctx);

/* --- nets.c ------------------------------------------------------------------------------- */

struct mesh_vertex { uint16_t at[3]; uint16_t material; };  /* Q, from 1 voxel below the brick */
struct mesh {
	uint32_t vertices, indices;
	/* then the vertices, then indices of 16 bits, three a triangle */
};
/* Makes a brick's mesh anew; marks it pending when a neighbour is out. */
void nets_renew(struct world *w, struct brick *b);

/* --- dig.c -------------------------------------------------------------------------------- */

struct dig { int32_t at[3], radius; };       /* Q */
enum dig_path { DIG_TUNNEL, DIG_CRATER, DIG_RANDOM };
struct dig_plan {
	enum dig_path path;
	int radius_lo, radius_hi;            /* voxels */
	uint64_t random;
	int turn;                            /* where it is on the path */
	int32_t at[3], heading[3];
};
/* The next dig of a plan; its place depends on the octree. */
struct dig dig_next(const struct world *w, struct dig_plan *p);
/* What a dig leaves of a voxel's distance. */
int dig_carve(const struct dig *d, const int at[3], int distance);
/* Bricks that a dig can change. */
struct box dig_box(const struct world *w, const struct dig *d);
/* Returns how many bricks it touched. */
unsigned dig_apply(struct world *w, const struct dig *d);

/* --- regions.c ---------------------------------------------------------------------------- */

/* Brings regions within `radius` bricks of a voxel and those of a box in, and sends all
 * others out. */
void regions_follow(struct world *w, const int voxel[3], int radius, struct box need);
void regions_all_in(struct world *w);
void regions_close(struct world *w);

/* --- digcheck.c --------------------------------------------------------------------------- */

/* A dense copy of the world, worked out without bricks; digs are made in both. */
struct dense;
struct dense *dense_open(struct world *w);
void dense_dig(struct dense *d, const struct dig *dig);
/* How many bricks, and how many voxels of the octree, differ; says where on stderr. */
uint64_t dense_compare(struct dense *d);
void dense_close(struct dense *d);

/* A sum over distances, materials, octree and meshes; all must be in. */
uint64_t world_checksum(struct world *w);

#endif
