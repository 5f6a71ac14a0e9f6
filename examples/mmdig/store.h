/* store.h: where everything that mmdig keeps lies.
 *
 * Promise: nothing else in mmdig obtains memory; what a store returns is filled by its user,
 * never by chance of what lay there; running out ends the program with one line.
 * Blocks may be taken and given by any thread; bricks and runs by one at a time, while none looks
 * for bricks.
 * Vocabulary
 *   store     one of two: `malloc`, a plain program's way, and `mm`, pools of libmm
 *   brick     an 8^3 block of distances with its header
 *   channel   the materials of a brick's voxels, one byte each
 *   run       1 to 8 octree nodes in a row, named by a handle of 32 bits; 0 = none
 *   overhead  memory obtained beyond what was asked for: headers, tables, rounding
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "mm_note.h"

struct mesh;

struct node {               /* of the octree */
	uint8_t child, leaf;   /* children that are not empty; of these, the solid ones */
	uint16_t material;
	uint32_t first;        /* run of the children that are neither empty nor solid */
};

struct brick {
	uint64_t key;
	int at[3];             /* place, in bricks */
	uint32_t id;           /* the store's */
	void *payload;         /* 512 distances, x fastest */
	uint8_t *channel;      /* NULL = no solid voxel */
	struct mesh *mesh;     /* NULL = no surface */
	uint32_t mesh_bytes;
	uint16_t active;       /* voxels nearer to the surface than the band */
	uint8_t pending;       /* its mesh waits for a neighbour */
};

struct store_counts {       /* bytes, of what is held now */
	uint64_t svo_node, sdf_field, narrow_band, material_channel, mesh_data, general;
	uint64_t overhead;
	uint64_t svo_pool, sdf_pool; /* capacity of what nodes and distances lie in */
	uint64_t bricks_free;        /* bricks for which there is room without asking */
};

struct store;
struct store_ops {
	struct brick *(*brick_take)(struct store *s, uint64_t key, const int at[3]);
	void (*brick_give)(struct store *s, struct brick *b);
	struct brick *(*brick_find)(struct store *s, uint64_t key);
	void *(*block_take)(struct store *s, int kind, size_t bytes);
	void (*block_give)(struct store *s, int kind, void *p, size_t bytes);
	uint32_t (*run_take)(struct store *s, uint64_t subtree, unsigned count);
	void (*run_give)(struct store *s, uint32_t handle, unsigned count);
	struct node *(*run_nodes)(struct store *s, uint32_t handle);
	void (*counts)(struct store *s, struct store_counts *ret);
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	size_t payload_bytes;
};

enum store_kind { STORE_CHANNEL, STORE_MESH, STORE_GENERAL, STORE_KINDS };

/* The caller closes it with store_close. NULL without memory. `band` is in voxels,
 * `payload_bytes` 1024 (16-bit integers) or 2048 (floats). */
struct store *store_malloc_open(size_t payload_bytes, unsigned band);
struct store *store_mm_open(size_t payload_bytes, unsigned band);

/* To a sum that several threads add to. */
static inline void store_add(uint64_t *sum, uint64_t more)
{
	__atomic_fetch_add(sum, more, __ATOMIC_RELAXED);
}

/* Ends the program when p is NULL. */
void *store_need(void *p);

static inline struct brick *store_brick_take(struct store *s, uint64_t key, const int at[3])
{
	return s->ops->brick_take(s, key, at);
}

static inline void store_brick_give(struct store *s, struct brick *b)
{
	s->ops->brick_give(s, b);
}

/* NULL when there is none. */
static inline struct brick *store_brick_find(struct store *s, uint64_t key)
{
	return s->ops->brick_find(s, key);
}

static inline void *store_take(struct store *s, enum store_kind kind, size_t bytes)
{
	static const char *const category[STORE_KINDS] = { "material_channels", "mesh_data",
							   "general" };
	void *p;

	mm_category_push(category[kind]);
	p = s->ops->block_take(s, kind, bytes);
	mm_category_pop();
	return store_need(p);
}

static inline void store_give(struct store *s, enum store_kind kind, void *p, size_t bytes)
{
	if (p)
		s->ops->block_give(s, kind, p, bytes);
}

/* Nodes of the subtree that a key with a leading 1 bit names. */
static inline uint32_t store_run_take(struct store *s, uint64_t subtree, unsigned count)
{
	return s->ops->run_take(s, subtree, count);
}

static inline void store_run_give(struct store *s, uint32_t handle, unsigned count)
{
	s->ops->run_give(s, handle, count);
}

static inline struct node *store_run(struct store *s, uint32_t handle)
{
	return s->ops->run_nodes(s, handle);
}

static inline void store_close(struct store *s)
{
	s->ops->close(s);
}

#endif
