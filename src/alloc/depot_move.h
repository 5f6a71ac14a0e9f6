/* depot_move.h: blocks of a pool that may lie elsewhere: slabs to be emptied, blocks to go to.
 *
 * Promise: a block goes only to a slab at least as full as the one it leaves, so moving ends,
 * and the sum of empty slabs only grows; blocks that nobody may move stay.
 * Vocabulary
 *   mover      number, not 0, of what knows the one place where a block's address is kept
 *   victim     a slab that others have room for and in which every block has a mover
 * Thread-safe, beside all calls of pool.h. Never: touches what is in a block.
 */
#ifndef MM_ALLOC_POOL_MOVE_H
#define MM_ALLOC_POOL_MOVE_H

#include "alloc/depot.h"

/* Of a block that is handed out: until it is disowned, which goes before its free.
 * MM_ENOMEM. */
int mm_depot_own(struct mm_depot *p, uint64_t addr, uint32_t mover);
void mm_depot_disown(struct mm_depot *p, uint64_t addr);

struct mm_depot_victim {
	uint64_t addr;         /* of the slab */
	uint32_t number, live; /* blocks to be moved, now */
	uint64_t bytes;        /* of its pages in use: what goes when it goes */
	uint64_t gone;         /* slabs of the pool that had gone: when more have, it may be one */
};

/* The emptiest victim (among the first few dozen of the emptiest group) that this pass (a
 * number, not 0) has not given up. MM_ENOENT. */
int mm_depot_victim(struct mm_depot *p, uint32_t pass, struct mm_depot_victim *ret);

/* How many movers of the victim's blocks `may` refuses. */
uint32_t mm_depot_refusals(struct mm_depot *p, const struct mm_depot_victim *v,
			  int (*may)(void *arg, uint32_t mover), void *arg);

/* This pass does not ask for it again. */
void mm_depot_give_up(struct mm_depot *p, const struct mm_depot_victim *v, uint32_t pass);

struct mm_depot_move {
	uint64_t from, to;
	uint32_t mover;
};

/* The victim's lowest block from number *at on, which is moved past it, and a block for it
 * in a fuller slab. MM_ENOENT when no block is left there (or slabs of the pool have gone
 * meanwhile: it may be one of them), MM_ENOSPC when there is no place, MM_ENOMEM. */
int mm_depot_move_begin(struct mm_depot *p, const struct mm_depot_victim *v, uint32_t *at,
		       struct mm_depot_move *ret);

/* What is known of the block goes over: while nobody else can get at the block. */
void mm_depot_move_records(struct mm_depot *p, const struct mm_depot_move *m);

/* Moved, with its records: the old block comes back; what is not 0 are the bytes of its slab's
 * pages in use, which went with it. Not moved: the new one comes back. */
uint64_t mm_depot_move_end(struct mm_depot *p, const struct mm_depot_move *m, int moved);

#endif
