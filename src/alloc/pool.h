/* pool.h: blocks of one exact size.
 *
 * Promise: blocks are handed out in the order of their addresses, from the fullest slab
 * first, so that what is built after much was freed lies in a row, and slabs that were
 * nearly empty become empty and go back. Nothing is kept in a block.
 * Vocabulary
 *   slab        slab.h
 *   magazine    blocks that one thread context has ready (cache.h)
 *   batch       blocks that go between a magazine and the pool at once
 *   out         blocks that are not in the pool: handed out or in a magazine
 * Thread-safe. Never: the address of a block decides anything but its place.
 */
#ifndef MM_ALLOC_POOL_H
#define MM_ALLOC_POOL_H

#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/slab.h"
#include "alloc/vspace.h"

enum { MM_POOL_LISTS = 8, MM_POOL_BATCH = 64, MM_POOL_BLOCK_MOST = 32 * 1024 };

/* What all pools of a heap share. */
struct mm_ground {
	struct mm_meta *meta;
	struct mm_vspace *vspace;
	struct mm_slabs *slabs;
	int track; /* keep what was asked for of each block */
};

struct mm_pool {
	struct mm_lock lock;
	struct mm_ground *ground;
	uint32_t index;                  /* among the heap's pools */
	uint32_t block_bytes, blocks;    /* of a slab */
	uint32_t slices, batch;
	uint64_t reciprocal;             /* of block_bytes, in 2^-40 */
	uint32_t list[MM_POOL_LISTS];    /* slabs with free blocks, the fullest in list 0 */
	uint32_t slab_count;
	uint64_t free;                   /* blocks in slabs */
	uint64_t slabs_made, slabs_gone;
};

/* In zero-filled memory; block_bytes a multiple of 8, 8 to MM_POOL_BLOCK_MOST. */
int mm_pool_init(struct mm_pool *p, struct mm_ground *ground, uint32_t index,
		 uint32_t block_bytes);

/* Up to `want` blocks (at most MM_POOL_BATCH) to `ret`, in the order in which they are to be
 * handed out: how many, 0 = there is no memory. */
uint32_t mm_pool_take(struct mm_pool *p, uint32_t want, uint64_t *ret);

/* Blocks come back; slabs that are whole again go. */
void mm_pool_give(struct mm_pool *p, const uint64_t *blocks, uint32_t count);

/* The lowest free blocks of one slab of a pool whose lock the caller holds: for pool*.c. */
uint32_t mm_pool_take_from(struct mm_pool *p, struct mm_slab *s, uint32_t want, uint64_t *ret);

static inline uint32_t mm_pool_block_of(const struct mm_pool *p, const struct mm_slab *s,
					uint64_t addr)
{
	return (uint32_t)((addr - s->addr) * p->reciprocal >> 40);
}

/* Sums for the account (account.h): blocks of slabs, those in slabs, tail bytes. */
struct mm_pool_sums { uint64_t slabs, slab_bytes, blocks, free, tail_bytes; };
void mm_pool_sums(struct mm_pool *p, struct mm_pool_sums *ret);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_pool_check(struct mm_pool *p);

#endif
