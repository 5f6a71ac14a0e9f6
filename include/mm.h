/* mm.h: libmm, the memory engine of mmprof as a library, for C and C++.
 *
 *	struct mm_pool *nodes;
 *	int err = mm_pool_create(NULL, "nodes", sizeof(struct node), 1 << 20,
 *				 MM_ACCESS_OCTREE_TRAVERSAL, 1, &nodes);
 *	struct node *n = mm_pool_alloc(nodes);
 *	mm_pool_free(nodes, n);
 *
 * Promise: nothing of the engine's lies in or beside a block, so a block is its owner's to
 * the last byte; blocks handed out one after another lie in a row wherever that is possible,
 * also after much was freed; a block that is live never moves.
 * Vocabulary
 *   manager   address space and everything that is made from it
 *   pool      blocks of one size
 *   slab      memory that a pool cuts into blocks, 64 KiB or a multiple
 *   live      handed out and not freed
 *   cached    free, and kept ready by the library for one thread
 * Sizes are in bytes, counts in blocks. Functions that can fail return 0 or a negative code
 * of mm_error.h; out-parameters come last and are untouched on failure. Any thread may call
 * anything at any time unless it is said otherwise; nothing may be called in a signal
 * handler. A child made by fork may go on with everything it inherited.
 */
#ifndef MM_H
#define MM_H

#include <stddef.h>
#include <stdint.h>

#include "mm_alloc.h"
#include "mm_audit.h"
#include "mm_buffer.h"
#include "mm_check.h"
#include "mm_error.h"
#include "mm_move.h"
#include "mm_pools.h"
#include "mm_voxel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;
struct mm_pool;

/* --- managers ------------------------------------------------------------------------- */

/* A manager of its own, unchecked (mm_check.h has others); the caller destroys it. MM_ENOMEM, MM_ENOSPC without address space. */
MM_API int mm_manager_create(struct mm_manager **ret);

/* With all its pools, and every block in them. Nobody may be using any of it, then or
 * later. NULL is nothing; the default manager cannot be destroyed and stays, and so does one
 * that is sealed (mm_audit.h), or a pool of which is. */
MM_API void mm_manager_destroy(struct mm_manager *manager);

/* The one that stands for NULL in every call; made when it is first needed. The library's:
 * never destroyed. NULL when there is no memory for it. */
MM_API struct mm_manager *mm_manager_default(void);

/* Whether it is there; NULL: whether the default one has been made. Makes none. */
MM_API int mm_manager_is_initialised(const struct mm_manager *manager);

enum mm_feature {
	MM_FEATURE_POOLS, MM_FEATURE_VOXEL_POOLS, MM_FEATURE_BUDGETS, MM_FEATURE_TRACKING,
	MM_FEATURE_MOVABLES, MM_FEATURE_CHECKING,
	MM_FEATURE_HUGE_PAGES,  /* the system has them; whether it gives one is never sure */
	MM_FEATURE_NUMA,        /* the system lets programs say which node they prefer */
	MM_FEATURE_TIERS, MM_FEATURE_BUFFERS, MM_FEATURE_COMPRESSION, MM_FEATURE_PRESSURE,
	MM_FEATURE_GPU,
	MM_FEATURES
};

/* Whether this library can do it on this system: 1 or 0, also for what it never heard of. */
MM_API int mm_manager_is_supported(struct mm_manager *manager, enum mm_feature feature);

/* Pages that pools of every kind, the general heap and movable blocks obtain from now on come from
 * that node while it has any, whichever thread touches them first; off (the node does not
 * matter then): as the system does by itself. MM_EINVAL: no
 * such node; MM_EUNSUP: this system does not let programs choose. */
MM_API int mm_numa_policy_set(struct mm_manager *manager, int is_on, int preferred_node);

/* The preferred node, -1 = none. */
MM_API int mm_numa_node(struct mm_manager *manager);

/* --- pools ------------------------------------------------------------------------------ */

/* What is done with the blocks: it decides how their memory is obtained, never where they
 * may lie or what they may hold. */
enum mm_access {
	MM_ACCESS_GENERAL,          /* pages as they are touched; larger steps as it grows */
	MM_ACCESS_SEQUENTIAL,       /* filled in a row, gone through in that order: pages are made
	                             * ready slab by slab, holes of fewer than 64 blocks are left */
	MM_ACCESS_RANDOM,           /* touched anywhere: huge pages early, for the TLB */
	MM_ACCESS_MINING,           /* small holes made and filled again: few blocks cached */
	MM_ACCESS_SDF_OPERATION,    /* bricks swept through: as sequential, huge pages early */
	MM_ACCESS_OCTREE_TRAVERSAL, /* nodes, eight at a time: huge pages early, holes of fewer than
	                             * eight blocks are left */
	MM_ACCESS_KINDS
};

enum {
	MM_POOL_NAME_BYTES = 64,    /* of a name, its final 0 included */
	MM_POOLS = 512              /* at once in a process, of all managers */
};
#define MM_POOL_BLOCK_BYTES_MOST ((size_t)1 << 30)

/* A pool of blocks of `block_bytes`, 1 to MM_POOL_BLOCK_BYTES_MOST, rounded up to a multiple
 * of 8 (of 64 bytes or more they begin at a multiple of 64 only if their size is one).
 * `name` is copied. `block_count` is how many are expected, 0 = unknown; nothing is obtained
 * before blocks are. With `allow_growth` 0 it is how many may be live: then none is ever
 * cached, each call takes the pool's lock, and the limit is exact. The pool is the caller's
 * until it, or its manager, is destroyed.
 * MM_EINVAL: size, access, name empty or too long, no growth and no count. MM_EEXIST: the
 * manager has a pool of that name. MM_ELIMIT: MM_POOLS. MM_ENOMEM. */
MM_API int mm_pool_create(struct mm_manager *manager, const char *name, size_t block_bytes,
			  uint64_t block_count, enum mm_access access, int allow_growth,
			  struct mm_pool **ret);

/* What the pool's slabs are charged to, in bytes obtained (mm_alloc.h); general unless set.
 * MM_EINVAL: no such category; MM_EPERM: the pool has slabs already, or is
 * sealed. */
MM_API int mm_pool_set_category(struct mm_pool *pool, uint32_t category);

/* With every block in it. Nobody may be using it or a block of it, then or later. A sealed
 * pool stays as it is (mm_audit.h). */
MM_API void mm_pool_destroy(struct mm_pool *pool);

/* The manager's pool of that name, or NULL. It stays whose it is. */
MM_API struct mm_pool *mm_pool_get(struct mm_manager *manager, const char *name);

/* A block, its contents undefined; NULL without memory, or at the limit. The caller's until
 * it is freed, by any thread. */
MM_API void *mm_pool_alloc(struct mm_pool *pool);

/* The same, and why not: MM_ELIMIT, MM_ENOMEM. */
MM_API int mm_pool_try(struct mm_pool *pool, void **ret);

/* A block of this pool, live, from its start; NULL is nothing. Anything else is undefined. */
MM_API void mm_pool_free(struct mm_pool *pool, void *block);

/* Whether an address lies in the memory of this pool. */
MM_API int mm_pool_owns(const struct mm_pool *pool, const void *address);

struct mm_pool_stats {
	char name[MM_POOL_NAME_BYTES];
	uint64_t block_bytes;
	uint64_t blocks;      /* that its slabs have, live or free */
	uint64_t allocated;   /* live */
	uint64_t free;        /* blocks less allocated; cached ones are among them */
	uint64_t cached;
	uint64_t requests;    /* that were granted, ever */
	double fragmentation; /* % of the slabs' bytes that are not in live blocks */
	uint64_t peak_bytes;  /* the most that its slabs ever had */
};

/* Exact when no other thread is in the pool, near otherwise. */
MM_API void mm_pool_stats(struct mm_pool *pool, struct mm_pool_stats *ret);

/* Obtains memory, pages and all, for so many blocks beyond the live ones (at most up to the
 * limit): allocating them asks the system for nothing. MM_ENOMEM. */
MM_API int mm_pool_warm_up(struct mm_pool *pool, uint64_t blocks);

/* Gives memory that holds no live block back to the system: what this thread has cached of
 * the pool, and pages that any pool of the manager left behind. Pools otherwise keep what
 * they once had. Live blocks stay where they are. */
MM_API void mm_pool_shrink(struct mm_pool *pool);

/* Frees every live block at once. Nobody may be using the pool or a block of it.
 * Not of a sealed one. */
MM_API void mm_pool_clear(struct mm_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
