/* depot.h: blocks of one exact size.
 *
 * Promise: blocks are handed out in the order of their addresses, from the fullest slab
 * first (of those about as full, the one behind the last), so that what is built after much was freed lies in a row, and slabs that were
 * nearly empty become empty and go back. Nothing is kept in a block.
 * Vocabulary
 *   slab        slab.h
 *   magazine    blocks that one thread context has ready (cache.h)
 *   batch       blocks that go between a magazine and the depot at once
 *   out         blocks that are not in the depot: handed out or in a magazine
 *   full        a slab of which every block is out
 *   reach       pages of a slab are in use up to the last block that was ever handed out
 *   ready       a slab whose pages were obtained before its blocks are touched
 *   owned       a depot whose slabs give blocks to one context each, while there are enough:
 *               for blocks that share cache lines with their neighbours
 *   stock       the rest of a slab that was made for one context: its blocks are out, one behind
 *               another, and go to its magazine without the depot
 *   row         at least so many free blocks one behind another, in one word of the bitmap
 *   mark        of a slab's slices (vspace.h): depot and context, below
 * Thread-safe. Never: the address of a block decides anything but its place.
 */
#ifndef MM_ALLOC_DEPOT_H
#define MM_ALLOC_DEPOT_H

#include <stdint.h>

#include "alloc/gate.h"
#include "alloc/lock.h"
#include "alloc/slab.h"
#include "alloc/vspace.h"

enum { MM_DEPOT_LISTS = 8, MM_DEPOT_HEAP_BATCH = 64, MM_DEPOT_BATCH = 256,
	MM_DEPOT_FULL = MM_DEPOT_LISTS, MM_DEPOT_LASTS = 8 };

#define MM_DEPOT_BLOCK_MOST (UINT32_C(1) << 30)

/* What all depots of a heap share. */
struct mm_ground {
	struct mm_meta *meta;
	struct mm_vspace *vspace;
	struct mm_slabs *slabs;
	int (*place)(void *arg, uint64_t addr, uint64_t bytes, uint32_t node); /* heap.h */
	void *place_arg;
	int track; /* keep what was asked for of each block */
	uint32_t note_bytes; /* and so many bytes for whoever uses the heap */
	uint32_t told; /* slabs that are no depot's (tell.h) */
};

struct mm_depot {
	struct mm_ground *ground;
	uint32_t index;                  /* among the heap's depots */
	uint32_t seat, node;             /* in contexts; whose pages its slabs have */
	uint32_t block_bytes, blocks;    /* of a slab */
	uint32_t slices, batch;
	uint64_t reciprocal;             /* of block_bytes, in 2^-40 */
	uint32_t bound[MM_DEPOT_LISTS + 1]; /* free blocks of a slab that stays in a list, at most */
	/* What never changes is above, in cache lines without what does. Threads that give blocks back
	 * touch one line. */
	struct mm_lock lock __attribute__((aligned(64)));
	uint32_t slab_count;
	uint64_t free;                   /* blocks in slabs */
	uint32_t list[MM_DEPOT_LISTS + 1]; /* slabs with free blocks, the fullest in list 0;
					  * those that are full in MM_DEPOT_FULL */
	uint32_t last[MM_DEPOT_LASTS] __attribute__((aligned(64))); /* slabs that blocks were taken
					  * from, by the context's number; 0 = none */
	uint64_t slabs_made, slabs_gone;
	uint64_t reach_bytes, tail_bytes; /* of slabs, as far as pages are in use */
	_Atomic uint64_t served;         /* by magazines that are gone, where that is counted */
	/* Set after init, where the defaults do not fit: */
	int owned;
	uint64_t misplaced;              /* slabs whose pages come from anywhere */
	struct mm_gate gate;             /* of slabs */
	uint32_t told;                   /* tell.h */
	int stocks;                      /* contexts may have some in stock */
	uint64_t most;                   /* blocks that may be out */
	uint64_t ready_from, huge_from;  /* bytes of slabs from which new ones are made ready,
					  * and huge pages asked for; UINT64_MAX = never */
	uint32_t row;                    /* 8 or 64: blocks are taken in rows of so many while less
					  * than a quarter of all lie free in shorter ones; else 0 */
	uint32_t look_next;              /* slab: for a row; 0 = at any */
	uint64_t reached;                /* addresses below had slabs: their pages are kept */
};

/* From so many bytes of slabs on, a pool of a program's has new ones made ready: what is obtained
 * ahead is then little beside what it has. */
enum { MM_DEPOT_READY_FROM = 1 << 20 };

/* How many blocks a pool of a program's takes at once, at least 1 and at most `most`: a slice of
 * them, as long as their addresses stay in a processor's first cache until they are used. */
static inline uint32_t mm_depot_batch(uint32_t block_bytes, uint32_t most)
{
	uint32_t batch = MM_SLICE_BYTES / block_bytes;

	return batch < 1 ? 1 : batch < most ? batch : most;
}

/* In zero-filled memory; block_bytes a multiple of 8, 8 to MM_DEPOT_BLOCK_MOST. MM_EINVAL. */
int mm_depot_init(struct mm_depot *p, struct mm_ground *ground, uint32_t index,
		 uint32_t block_bytes);

/* A slice's mark: the depot's index + 1 below, and above the context that an owned depot's slab
 * was last filled for, 0 = nobody. */
enum { MM_MARK_CONTEXT_SHIFT = 16, MM_MARK_DEPOT = 0xffff };

/* Where a context's stock of a depot begins, and how many blocks are left of it. */
struct mm_depot_stock { uint64_t next, blocks; };

/* Up to `want` blocks (at most MM_DEPOT_BATCH) to `ret`, the one that is to be handed out
 * first last: how many, 0 = there is no memory, or as many are out as may be. They are for
 * the context of that number (below 2^16; 0 = any). Where the depot is so large that as many
 * contexts could each have a slab of it and that were little, `stock`, which is empty, or NULL,
 * gets what is left of a slab that was made ready for them. */
uint32_t mm_depot_take(struct mm_depot *p, uint32_t want, uint32_t context,
		       struct mm_depot_stock *stock, uint64_t *ret);

/* Blocks come back; slabs that are whole again go. What is not a block of this depot is left
 * alone. */
void mm_depot_give(struct mm_depot *p, const uint64_t *blocks, uint32_t count);

/* Makes slabs ready until so many blocks are free: their pages are retained.
 * MM_ENOMEM. */
int mm_depot_warm(struct mm_depot *p, uint64_t blocks);

/* Pages that were kept have gone to the system. */
void mm_depot_purged(struct mm_depot *p);

/* Every slab goes, whatever is out. No magazine may have a block of it. */
void mm_depot_clear(struct mm_depot *p);

/* The lowest free block of one slab of a depot, which has one, and whose lock the caller
 * holds: for depot*.c. */
uint64_t mm_depot_take_from(struct mm_depot *p, struct mm_slab *s);

/* And back. The slab may go with it. */
void mm_depot_give_to(struct mm_depot *p, struct mm_slab *s, uint64_t addr);

static inline uint32_t mm_depot_block_of(const struct mm_depot *p, const struct mm_slab *s,
					uint64_t addr)
{
	return (uint32_t)((addr - s->addr) * p->reciprocal >> 40);
}

/* Calls `fn` for every block that is out, slab by slab. Nobody else may be in it. */
void mm_depot_each_out(struct mm_depot *p, void (*fn)(void *arg, uint64_t addr), void *arg);

/* Calls `fn` for every run of free blocks in pages in use, slab by slab. */
void mm_depot_each_free(struct mm_depot *p, void (*fn)(void *arg, uint64_t addr, uint64_t bytes),
			void *arg);

/* Of the pairs of slabs that are neither full nor beyond the first 64 of the depot's lists, the
 * fullest first: how many, and how many have no block out at the same place (those could lie in
 * one page: Powers et al., "Mesh", 2019). Adds to both. */
void mm_depot_meshable(struct mm_depot *p, uint64_t *pairs, uint64_t *disjoint);

/* Tells the sink of every slab there is. Nobody else may be in it. */
void mm_depot_tell(struct mm_depot *p);

/* Adds the depot's slabs to slab.h's tenths. Nobody else may be in it. */
void mm_depot_occupancy(struct mm_depot *p, uint64_t *tenths);

/* Sums for the account (account.h): pages of slabs in use, blocks of slabs and those of them that
 * are in slabs; of the pages: in free blocks, and behind the last block. */
struct mm_depot_sums { uint64_t slabs, slab_bytes, blocks, free, external_bytes, tail_bytes; };
void mm_depot_sums(struct mm_depot *p, struct mm_depot_sums *ret);

/* Bytes of one slab's pages in use that are in free blocks. */
uint64_t mm_depot_slab_external(const struct mm_depot *p, const struct mm_slab *s);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_depot_check(struct mm_depot *p);

#endif
