/* mm_voxel.h: libmm's pools for sparse voxel octrees and narrow-band distance fields. mm.h
 * includes it.
 *
 *	struct mm_svo_pool *tree;
 *	uint32_t run;                       // the present children of one node, in a row
 *	err = mm_svo_pool_create(NULL, "tree", 8, 0, 0, &tree);
 *	err = mm_svo_pool_take(tree, mm_node_key(3, x, y, z), MM_NODES_INNER, 5, &run);
 *	struct node *child = mm_svo_pool_node(tree, run + 2);
 *
 *	struct mm_band_pool *field;
 *	uint32_t brick;                     // 8 x 8 x 8 voxels
 *	err = mm_band_pool_create(NULL, "field", 8, 3.0f, MM_PRECISION_F32, &field);
 *	err = mm_band_pool_take(field, mm_brick_key(x, y, z), &brick);
 *	float *voxels = mm_band_pool_payload(field, brick);
 *
 * Promise: nothing of the library's lies in a node, a value or a brick; nodes of one subtree
 * share memory that goes back as a whole, bricks of one region lie side by side; a handle and
 * a number of a brick stay what they are until they are given back.
 * Vocabulary
 *   key       of nodes: the Morton code of a subtree with a 1 bit before it (1 = the whole
 *             tree; shifted right by 3 it is the subtree around). Of bricks: the Morton code
 *             of a place, which counts bricks, -2^20 to 2^20 - 1 on each axis
 *   run       1 to 8 nodes in a row: the present children of one node
 *   handle    of a node: a number, not an address; 0 = none
 *   brick     its number; 0 = none
 *   payload   a brick's 512 voxels, x fastest: x + 8 y + 64 z
 * As everywhere in mm.h: any thread may call anything; 0 or a negative code of mm_error.h;
 * out-parameters are untouched on failure.
 */
#ifndef MM_VOXEL_H
#define MM_VOXEL_H

#include <stddef.h>
#include <stdint.h>

#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;
struct mm_svo_pool;
struct mm_band_pool;

enum { MM_VOXEL_NAME_BYTES = 64, MM_BRICK_SIDE = 8, MM_BRICK_VOXELS = 512 };

/* --- keys ------------------------------------------------------------------------------ */

/* Each bit of v with two zeros above it: bits 0 to 20. Morton, "A computer oriented geodetic
 * data base" (1966); the masks are the usual ones. */
static inline uint64_t mm_key_spread(uint64_t v)
{
	v = (v | v << 32) & UINT64_C(0x1f00000000ffff);
	v = (v | v << 16) & UINT64_C(0x1f0000ff0000ff);
	v = (v | v << 8) & UINT64_C(0x100f00f00f00f00f);
	v = (v | v << 4) & UINT64_C(0x10c30c30c30c30c3);
	return (v | v << 2) & UINT64_C(0x1249249249249249);
}

/* Of the subtree at x, y, z (0 to 2^level - 1) of a level: 0 = the whole tree, at most 20. */
static inline uint64_t mm_node_key(unsigned level, uint32_t x, uint32_t y, uint32_t z)
{
	return UINT64_C(1) << 3 * level | mm_key_spread(x) | mm_key_spread(y) << 1 |
	       mm_key_spread(z) << 2;
}

/* Of a brick's place; of voxels: shift each by 3 to the right. */
static inline uint64_t mm_brick_key(int32_t x, int32_t y, int32_t z)
{
	return mm_key_spread((uint32_t)x + (1u << 20)) |
	       mm_key_spread((uint32_t)y + (1u << 20)) << 1 |
	       mm_key_spread((uint32_t)z + (1u << 20)) << 2;
}

/* --- octrees ------------------------------------------------------------------------------ */

/* INNER: each place has a node and a value. LEAVES: a value alone, for runs in which every
 * child is a leaf and its parent says so. */
enum mm_nodes { MM_NODES_INNER, MM_NODES_LEAVES };

/* Nodes of node_bytes (0 = 8, at most 256), with a value of value_bytes (at most 256, 0 =
 * none) beside each. node_count is how many are expected, 0 = unknown. `name` is copied.
 * The caller's until it, or its manager, is destroyed. Live nodes and values are charged to
 * MM_CATEGORY_SVO_NODES. MM_EINVAL, MM_EEXIST, MM_ENOMEM, MM_ENOSPC without address space;
 * MM_ELIMIT: as many pools as the manager may have. */
MM_API int mm_svo_pool_create(struct mm_manager *manager, const char *name, uint32_t node_bytes,
			      uint32_t value_bytes, uint64_t node_count,
			      struct mm_svo_pool **ret);

/* With everything in it, which nobody may use any more. */
MM_API void mm_svo_pool_destroy(struct mm_svo_pool *pool);
MM_API struct mm_svo_pool *mm_svo_pool_get(struct mm_manager *manager, const char *name);

/* A run of `count` nodes, content undefined, near others of that key. MM_EINVAL, MM_ENOMEM,
 * MM_ENOSPC, MM_ELIMIT. */
MM_API int mm_svo_pool_take(struct mm_svo_pool *pool, uint64_t key, enum mm_nodes kind,
			    uint32_t count, uint32_t *ret_handle);

/* Gives a run back. MM_EINVAL when not every node of it is live. */
MM_API int mm_svo_pool_give(struct mm_svo_pool *pool, uint32_t handle, uint32_t count);

/* Addresses of a live node and its value, NULL when there is none; no lock. They hold until
 * the run is given, its subtree dropped or compacted. */
MM_API void *mm_svo_pool_node(const struct mm_svo_pool *pool, uint32_t handle);
MM_API void *mm_svo_pool_value(const struct mm_svo_pool *pool, uint32_t handle);
MM_API int mm_svo_pool_live(struct mm_svo_pool *pool, uint32_t handle);

/* Gives back all memory of the subtree `key` without looking at nodes; how many pieces. */
MM_API uint32_t mm_svo_pool_drop(struct mm_svo_pool *pool, uint64_t key);

/* How a node of the caller's is read and changed. Both may look up other nodes and values, and
 * call nothing else of the pool. */
struct mm_node_links {
	/* The run of a node's children: its size, 0 = none, and its handle. */
	uint32_t (*children)(void *ctx, const void *node, uint32_t *ret_handle);
	void (*relink)(void *ctx, void *node, uint32_t handle);
	void *ctx;
};

/* Writes the inner nodes of one key anew, depth-first and without holes; the first run (of
 * `first` nodes) keeps its handle. Nobody may use them meanwhile. MM_ENOENT; MM_EUNSUP, and
 * nothing is changed, when not all of them are reached from the first run. */
MM_API int mm_svo_pool_compact(struct mm_svo_pool *pool, uint64_t key, uint32_t first,
			       const struct mm_node_links *links);

/* committed = nodes + values + slack + retained + metadata, exactly; bytes. */
struct mm_svo_pool_stats {
	char name[MM_VOXEL_NAME_BYTES];
	uint64_t node_bytes, value_bytes;
	uint64_t live;          /* nodes */
	uint64_t committed;
	uint64_t nodes, values; /* of live runs */
	uint64_t slack;         /* free places of pages in use */
	uint64_t retained;      /* pages kept to be used again */
	uint64_t metadata;
};

MM_API void mm_svo_pool_stats(struct mm_svo_pool *pool, struct mm_svo_pool_stats *ret);

/* --- narrow bands ----------------------------------------------------------------------------- */

/* Bytes of a payload: 2048, 1024, 512, none: CONST has one value for all voxels. */
enum mm_precision { MM_PRECISION_F32, MM_PRECISION_I16, MM_PRECISION_I8, MM_PRECISION_CONST,
	MM_PRECISIONS };

/* Bricks of brick_side (8; else MM_EUNSUP). `width` is the distance at which values are cut
 * off, in the caller's length, finite, 0 = 3: I16 and I8 store value / width. Payloads of live
 * bricks are charged to MM_CATEGORY_NARROW_BAND. MM_EINVAL, MM_EEXIST, MM_ENOMEM, MM_ENOSPC,
 * MM_ELIMIT as above. */
MM_API int mm_band_pool_create(struct mm_manager *manager, const char *name,
			       uint32_t brick_side, float width, enum mm_precision precision,
			       struct mm_band_pool **ret);
MM_API void mm_band_pool_destroy(struct mm_band_pool *pool);
MM_API struct mm_band_pool *mm_band_pool_get(struct mm_manager *manager, const char *name);

/* A brick of the pool's precision, content undefined and no voxel active; or of another.
 * MM_EEXIST: there is one. MM_EINVAL, MM_ENOMEM, MM_ENOSPC, MM_ELIMIT: the budget. */
MM_API int mm_band_pool_take(struct mm_band_pool *pool, uint64_t key, uint32_t *ret_brick);
MM_API int mm_band_pool_take_as(struct mm_band_pool *pool, uint64_t key,
				enum mm_precision precision, uint32_t *ret_brick);
MM_API int mm_band_pool_give(struct mm_band_pool *pool, uint64_t key); /* MM_ENOENT */

/* The brick at a key; the neighbour of a live brick on a side (-x +x -y +y -z +z). 0 = none. */
MM_API uint32_t mm_band_pool_find(struct mm_band_pool *pool, uint64_t key);
MM_API uint32_t mm_band_pool_neighbour(struct mm_band_pool *pool, uint32_t brick, unsigned side);

/* Of a live brick; no lock. The payload (NULL = CONST) stays where it is until the brick is
 * given or converted; the mask is 8 words, a bit for each voxel that the caller calls active. */
MM_API void *mm_band_pool_payload(const struct mm_band_pool *pool, uint32_t brick);
MM_API uint64_t *mm_band_pool_mask(struct mm_band_pool *pool, uint32_t brick);
MM_API enum mm_precision mm_band_pool_precision(const struct mm_band_pool *pool, uint32_t brick);

/* Another precision. Error of a voxel within the band: at most width / 65534 (I16) or
 * width / 254 (I8), and the rounding of a float; what is no number becomes 0. To CONST:
 * MM_EINVAL unless all are equal. MM_ENOENT, MM_ENOMEM, MM_ENOSPC, MM_ELIMIT. */
MM_API int mm_band_pool_convert(struct mm_band_pool *pool, uint64_t key, enum mm_precision to);

/* Every brick in the order of keys, until `each` returns other than 0, which is returned. The
 * pool must not be changed meanwhile. MM_ENOMEM. */
MM_API int mm_band_pool_each(struct mm_band_pool *pool,
			     int (*each)(void *ctx, uint64_t key, uint32_t brick), void *ctx);

/* Gives back all bricks of the cube of 8^level bricks that holds `key`: how many. */
MM_API uint32_t mm_band_pool_drop(struct mm_band_pool *pool, uint64_t key, unsigned level);

/* committed = payload + slack + hash + retained + metadata, exactly; bytes. */
struct mm_band_pool_stats {
	char name[MM_VOXEL_NAME_BYTES];
	float width;
	uint64_t bricks, by_precision[MM_PRECISIONS];
	uint64_t committed;
	uint64_t payload;  /* of live bricks */
	uint64_t slack;    /* free blocks of pages in use */
	uint64_t hash, retained, metadata;
};

MM_API void mm_band_pool_stats(struct mm_band_pool *pool, struct mm_band_pool_stats *ret);

#ifdef __cplusplus
}
#endif

#endif
