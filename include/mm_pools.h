/* mm_pools.h: pools of many sizes, ready-made sizes, and how much pools keep. mm.h includes it.
 *
 *	struct mm_varpool *meshes;
 *	err = mm_varpool_create(NULL, "meshes", MM_CATEGORY_MESH_DATA, MM_ACCESS_GENERAL, &meshes);
 *	v = mm_varpool_alloc(meshes, 300);
 *	mm_varpool_free(meshes, v);
 *	node = mm_pool_alloc(mm_pool_for_size(NULL, sizeof *node));
 *
 * Promise: as mm.h's of pools: no live block moves, nothing lies in or beside one.
 * Vocabulary
 *   varpool   blocks of any size up to MM_VARPOOL_BLOCK_MOST: one pool for each size class,
 *             made when it is first needed, named "meshes:384"; they are among the manager's
 *   class     sizes that share a pool: powers of two from 16 on, and half way between
 *   kept      pages without live blocks that were not given back to the system
 * Errors as in mm.h. Any thread may call anything.
 */
#ifndef MM_POOLS_H
#define MM_POOLS_H

#include <stddef.h>
#include <stdint.h>

#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;
struct mm_pool;
struct mm_varpool;

enum {
	MM_POOL_SIZE_LEAST = 64, MM_POOL_SIZE_MOST = 8192,
	MM_VARPOOL_BLOCK_MOST = 32768,
	MM_VARPOOL_NAME_BYTES = 56      /* of a name, its final 0 included */
};

/* The manager's pool "size-64", -128, ... -8192, the smallest that holds `size`; made when it is
 * first needed, of general access. The library's: nobody destroys or seals it. NULL: size is 0 or
 * above MM_POOL_SIZE_MOST, there can be no more pools, or the program made one of that name with
 * smaller blocks. */
MM_API struct mm_pool *mm_pool_for_size(struct mm_manager *manager, size_t size);

/* --- many sizes ------------------------------------------------------------------------------ */

/* `access` is an enum mm_access; all is charged to the category. The caller's until it or its
 * manager is destroyed. MM_EINVAL: name, category, access; MM_EEXIST: somebody has a pool of
 * the name of its first class; MM_ELIMIT, MM_ENOMEM. */
MM_API int mm_varpool_create(struct mm_manager *manager, const char *name, uint32_t category,
			     int access, struct mm_varpool **ret);

/* The one of that name; NULL = there is none. */
MM_API struct mm_varpool *mm_varpool_get(struct mm_manager *manager, const char *name);

/* With every block in it; nobody may be using it. NULL is nothing. */
MM_API void mm_varpool_destroy(struct mm_varpool *pool);

/* Content undefined; 0 bytes count as 1; at a multiple of 16. NULL: no memory, a budget, a limit,
 * above MM_VARPOOL_BLOCK_MOST, or somebody has a pool of the name of its class. */
MM_API void *mm_varpool_alloc(struct mm_varpool *pool, size_t size);

/* A live block of this pool, from its start: MM_EINVAL when the address is in none of its
 * memory. NULL is nothing. */
MM_API int mm_varpool_free(struct mm_varpool *pool, void *block);

/* Bytes that a block of this pool may use, at least what was asked for; 0: not of it. */
MM_API size_t mm_varpool_usable(const struct mm_varpool *pool, const void *block);

/* All its pools together. */
struct mm_varpool_stats {
	uint64_t pools;
	uint64_t allocated, allocated_bytes; /* live blocks; what they may use */
	uint64_t blocks, slab_bytes, cached, requests;
	double fragmentation;                /* % of slab_bytes that are not in live blocks */
};

MM_API void mm_varpool_stats(struct mm_varpool *pool, struct mm_varpool_stats *ret);

/* --- what is kept ------------------------------------------------------------------------------ */

/* As mm_pool_warm_up. Where the pool may not have as many: MM_ELIMIT, or if `force` its limit
 * rises to what that takes. */
MM_API int mm_pool_grow(struct mm_pool *pool, uint64_t blocks, int force);

/* As mm_pool_shrink, but the manager keeps what `blocks` free blocks of this pool need. Returns
 * the bytes that were given back. */
MM_API uint64_t mm_pool_shrink_to(struct mm_pool *pool, uint64_t blocks);

/* Contraction by itself: from now on the manager's fixed pools give pages back as slabs become
 * free, beyond so many bytes that they keep; UINT64_MAX, as at first: they keep all. A slab
 * is free when no block of it is live or cached. MM_EPERM: sealed (mm_audit.h). */
MM_API int mm_retain_set(struct mm_manager *manager, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
