/* svo_pool.h: nodes of sparse voxel octrees, by Morton prefix.
 *
 * Promise: the nodes of one subtree share chunks, present children lie in a row, a node is
 * named by a handle that stays the same whatever the pool does to its chunk's place; a
 * subtree goes back as whole chunks. Nothing of the engine's lies in a node or a value.
 * Vocabulary
 *   key      Morton code of a subtree with a 1 bit before it (the root of the tree is 1):
 *            a key shifted right by 3 is the key of the subtree around it
 *   run      1 to 8 nodes in a row: the present children of one node
 *   chunk    8192 slots of one key; a key whose chunks are full gets another
 *   handle   chunk (19 bits) and slot (13 bits); 0 = none
 *   kind     INNER: each slot has a node and a value. LEAVES: values only, for runs in which
 *            every child is a leaf and the parent says so
 *   bump     slots of a chunk from here on were never used
 * All functions: any thread, one lock a pool. Node and value addresses hold until the run is
 * given, its subtree dropped or its chunk compacted. Never: reads a node but through the
 * caller's own functions.
 */
#ifndef MM_ALLOC_SVO_POOL_H
#define MM_ALLOC_SVO_POOL_H

#include <stdint.h>

#include "alloc/gate.h"

enum { MM_SVO_SLOTS = 8192, MM_SVO_CHUNKS = 1 << 19, MM_SVO_RUN = 8 };
enum mm_svo_kind { MM_SVO_INNER, MM_SVO_LEAVES };

struct mm_svo;

struct mm_svo_options {
	uint64_t bytes;        /* of addresses at most; 0 = as many as handles can name */
	uint32_t node_bytes;   /* 0 = 8; at most 256 */
	uint32_t value_bytes;  /* beside each node, 0 = none; at most 256 */
	int simulated;         /* no node is ever touched */
	struct mm_gate gate;   /* of nodes and values of live runs; MM_ELIMIT when it refuses */
};

/* committed = nodes + values + slack + retained + metadata, exactly. Bytes. */
struct mm_svo_account {
	uint64_t committed;
	uint64_t nodes, values; /* of runs that are live */
	uint64_t slack;         /* of pages in use: free slots, and behind bump */
	uint64_t retained;      /* pages kept that are not in use */
	uint64_t metadata;      /* directory, bitmaps, tables */
	uint64_t live, chunks;  /* slots; chunks */
};

/* How compaction reads and changes a node of the caller's. */
struct mm_svo_links {
	/* The run of a node's children: its size, 0 = none, and its handle. */
	uint32_t (*children)(void *ctx, const void *node, uint32_t *ret_handle);
	void (*relink)(void *ctx, void *node, uint32_t handle);
	void *ctx;
};

/* MM_EINVAL, MM_ENOMEM, MM_ENOSPC. The caller closes it; closing gives everything back. */
int mm_svo_open(struct mm_svo **ret, const struct mm_svo_options *o);
void mm_svo_close(struct mm_svo *p);

/* A run of `count` slots, content undefined. MM_EINVAL, MM_ENOMEM, MM_ENOSPC, MM_ELIMIT. */
int mm_svo_take(struct mm_svo *p, uint64_t key, enum mm_svo_kind kind, uint32_t count,
		uint32_t *ret_handle);

/* Gives a run back. MM_EINVAL when not every slot of it is live. */
int mm_svo_give(struct mm_svo *p, uint32_t handle, uint32_t count);

/* Addresses; 0 when there is none. The handle must be live. No lock. */
uint64_t mm_svo_node(const struct mm_svo *p, uint32_t handle);
uint64_t mm_svo_value(const struct mm_svo *p, uint32_t handle);

/* Is this slot handed out? */
int mm_svo_live(struct mm_svo *p, uint32_t handle);

/* Gives back every chunk whose key is `key` or within it, without looking at nodes. Returns
 * how many. */
uint32_t mm_svo_drop(struct mm_svo *p, uint64_t key);

/* Writes the inner chunk of a key anew: its first run (of `first` nodes), then depth-first,
 * without holes. The first run keeps its handle; others are relinked. MM_ENOENT; MM_EUNSUP when simulated,
 * when the key has several chunks, or when not all of the chunk is reached from its first
 * run (nothing is changed then). */
int mm_svo_compact(struct mm_svo *p, uint64_t key, uint32_t first,
		   const struct mm_svo_links *links);

/* The sink (core/sink.h) knows it as pool `told`, and hears of its slabs, nodes and their keys
 * from now on. With `again` it is told of the slabs there are. Nobody else may be in it. */
void mm_svo_tell(struct mm_svo *p, uint32_t told, int again);

/* Around a fork: nobody is in the middle of anything. */
void mm_svo_hold(struct mm_svo *p);
void mm_svo_go_on(struct mm_svo *p);

void mm_svo_sums(struct mm_svo *p, struct mm_svo_account *ret);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_svo_check(struct mm_svo *p);

/* Where all its memory lies, but for metadata: it stays so. */
void mm_svo_addresses(const struct mm_svo *p, uint64_t *ret_base, uint64_t *ret_bytes);

#endif
