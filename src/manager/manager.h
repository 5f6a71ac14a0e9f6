/* manager.h: what a manager and a pool are made of (mm.h): for src/manager alone. */
#ifndef MM_MANAGER_MANAGER_H
#define MM_MANAGER_MANAGER_H

#include "alloc/depot.h"
#include "mm.h"

struct mm_pool {
	struct mm_depot depot;
	int direct;                     /* nothing is cached: blocks come from the depot */
	_Atomic uint64_t served;        /* directly */
	struct mm_manager *manager;
	struct mm_pool *next;           /* of the manager */
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
	struct mm_named *svo_pools, *band_pools;
	struct mm_manager *prev, *next; /* of the process */
};

/* voxel_pools.c: all of a manager's; around fork nobody else is in them. */
void mm_voxel_pools_destroy(struct mm_manager *m);
void mm_voxel_pools_hold(struct mm_manager *m);
void mm_voxel_pools_go_on(struct mm_manager *m);

#endif
