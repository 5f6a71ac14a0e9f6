/* manager.h: what a manager and a pool are made of (mm.h): for src/manager alone. */
#ifndef MM_MANAGER_MANAGER_H
#define MM_MANAGER_MANAGER_H

#include <stdatomic.h>

#include "alloc/depot.h"
#include "alloc/heap.h"
#include "manager/audit.h"
#include "manager/budget.h"
#include "manager/buffers.h"
#include "manager/cacheable.h"
#include "manager/foreign.h"
#include "manager/movables.h"
#include "manager/rider.h"
#include "mm.h"

struct mm_pool {
	struct mm_depot depot;
	uint32_t seat;                  /* where a thread looks first: its number, or where no
					 * context ever has a block (teller.c) */
	int direct;                     /* nothing is cached: blocks come from the depot */
	_Atomic uint64_t served;        /* directly */
	struct mm_manager *manager;
	struct mm_pool *next;           /* of the manager */
	struct mm_seal seal;
	_Atomic int refused;            /* by a budget, the last time */
	_Atomic uint64_t slab_bytes, peak_bytes; /* charged, under the depot's lock */
	uint32_t category;              /* what its slabs are charged to */
	char name[MM_POOL_NAME_BYTES];
};

/* A pool of another kind, at the start of its record. */
struct mm_named {
	struct mm_manager *manager;
	struct mm_named *next;
	char name[MM_POOL_NAME_BYTES];
};

struct mm_manager {
	struct mm_lock lock;            /* of the list of pools */
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_slabs slabs;
	struct mm_ground ground;
	struct mm_pool *pools;
	struct mm_lock varpool_lock;    /* before `lock`: of pools that size classes get */
	struct mm_varpool *varpools;
	struct mm_named *svo_pools, *band_pools;
	uint32_t pools_most;            /* of every kind; 0 = any number */
	_Atomic uint32_t threads, threads_most; /* that allocate; 0 = any number */
	uint64_t serial, born_ms;       /* rider.h */
	int (*at_end)(void *ctx, const struct mm_info *info); /* mm_leaks_at_end */
	void *at_end_ctx;
	struct mm_manager_options options;
	enum mm_strategy strategy;      /* of the general heap */
	_Atomic(struct mm_heap *) heap; /* general.c; NULL before its first block */
	uint32_t told;                  /* what the sink knows it by; 0 = it does not */
	struct mm_budget budget;
	struct mm_foreign foreign;
	struct mm_cacheables cacheables;
	struct mm_movables movables;
	struct mm_buffers buffers;
	struct mm_seal seal;
	struct mm_audit audit;
	int node_said;                  /* numa.c: the preferred node, and 1; 0 = none */
	struct mm_manager *prev, *next; /* of the process */
};

/* Under its lock: as many pools as may be. */
int mm_manager_is_full(const struct mm_manager *m);

/* Bytes that pools take or (negative) give back. MM_ELIMIT. */
int mm_manager_charge(struct mm_manager *m, uint32_t category, int64_t bytes);

/* A thread leaves a heap, with what it has ready there, if the manager is still there. */
void mm_manager_leave(const struct mm_riding *r);

/* teller.c: what goes to the sink (core/sink.h), where somebody listens. Before the first pool;
 * of a pool that is new; for one that is told of, the calls of mm.h; in a forked child. */
void mm_told_listen(void);
void mm_told_begin(struct mm_pool *p);
void mm_told_category(struct mm_pool *p);
void *mm_told_alloc(struct mm_pool *p);
void mm_told_free(struct mm_pool *p, void *block);
void mm_told_clear(struct mm_pool *p);
void mm_told_end(struct mm_pool *p);
void mm_told_forked(struct mm_manager *m);
/* Of the general heap, once it is there; of its blocks, where m->told is not 0. */
void mm_told_heap(struct mm_manager *m, struct mm_heap *h);
void mm_told_heap_end(struct mm_manager *m);
void mm_told_block(struct mm_manager *m, const void *block, size_t size, uint32_t category);
void mm_told_block_end(struct mm_manager *m, uint64_t block);
/* The same of movable blocks, where movables.told is not 0; their moves the engine tells. */
void mm_told_movables(struct mm_manager *m, struct mm_heap *h);
void mm_told_movables_end(struct mm_manager *m);
void mm_told_movable(struct mm_manager *m, uint64_t block, size_t size, uint32_t category);
void mm_told_movable_end(struct mm_manager *m, uint64_t block);

/* pools.c: whatever seals there are. */
void mm_pool_end(struct mm_pool *p);

/* pools.c: the ways that a told pool has as well. */
void *mm_pool_alloc_cached(struct mm_pool *p);
void mm_pool_free_cached(struct mm_pool *p, uint64_t addr);

/* voxel_pools.c: all of a manager's; around fork nobody else is in them. */
void mm_voxel_pools_destroy(struct mm_manager *m);
/* Adds what they have from the system, and what of that is records. */
void mm_voxel_pools_sums(struct mm_manager *m, uint64_t *committed, uint64_t *metadata);
int mm_voxel_pools_each_range(struct mm_manager *m,
			      int (*fn)(uint64_t base, uint64_t bytes, int arg), int arg);
void mm_voxel_pools_hold(struct mm_manager *m);
void mm_voxel_pools_go_on(struct mm_manager *m);
void mm_voxel_pools_forked(struct mm_manager *m); /* teller.c: told of again */

#endif
