/* lock_order.h: in which order locks may be taken: the one place that says so.
 *
 * Promise: in a build with --enable-lock-order a thread that takes a lock out of order, takes one
 * twice, or gives back one that it does not hold writes one line that names the locks, and
 * aborts, whether or not another thread was in its way this time. In any other build nothing of
 * this is there: locks are one word.
 * Vocabulary
 *   rank   of a lock: it may be taken while only locks of lower ranks are held
 *   leaf   a lock that was given no rank: it may be taken at any time, and none while it is held
 * Never: an allocation, a lock.
 */
#ifndef MM_ALLOC_LOCK_ORDER_H
#define MM_ALLOC_LOCK_ORDER_H

#include "alloc/lock.h"

/* Lowest first. What a thread holds when it allocates comes before what allocating takes. */
enum mm_lock_rank {
	MM_RANK_LEAF,
	MM_RANK_LATE,      /* run_front.c: the context of threads that end; the beginning */
	MM_RANK_TELL,      /* run_tell.c */
	MM_RANK_MANAGERS,  /* manager.c: the list of them */
	MM_RANK_PASS,      /* movables: a pass; one call at a time */
	MM_RANK_TURN,
	MM_RANK_VARPOOL,
	MM_RANK_MANAGER,   /* its list of pools */
	MM_RANK_FRONT,     /* contexts of threads, numbers of pools */
	MM_RANK_WHATS,
	MM_RANK_BUFFERS,
	MM_RANK_POOL,      /* a program's pools, of nodes and bricks too: they charge budgets, and
			    * those free blocks of the general heap */
	MM_RANK_FOREIGN,
	MM_RANK_CONTEXTS,  /* heap: from here on */
	MM_RANK_GUARD,
	MM_RANK_DEPOT, MM_RANK_ORDERED,
	MM_RANK_HANDLES,
	MM_RANK_SLABS,
	MM_RANK_CACHEABLES, /* looked at for each block that is met (mm_each) */
	MM_RANK_VSPACE,
	MM_RANKS
};

#ifdef MM_LOCK_ORDER
/* In a lock that nobody uses yet. */
static inline void mm_lock_is(struct mm_lock *l, enum mm_lock_rank rank)
{
	l->rank = rank;
}

/* From now on this thread takes every lock there is, before a fork: in an order of its own, and
 * takes nothing else. Until the same with 0, as often as with 1. */
void mm_lock_order_all(int is_on);

#define MM_LOCK_OF(of) { .rank = (of) }
#else
static inline void mm_lock_is(struct mm_lock *l, enum mm_lock_rank rank)
{
	(void)l;
	(void)rank;
}

static inline void mm_lock_order_all(int is_on)
{
	(void)is_on;
}

#define MM_LOCK_OF(of) { 0 }
#endif

#endif
