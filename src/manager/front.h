/* front.h: each thread's context, found by one load.
 *
 * Promise: a thread gets a context when it first needs one, and what it has ready goes back
 * when it ends; thousands may come and go. One context serves all pools of all managers:
 * pools have numbers of the process.
 * Vocabulary
 *   mine      this thread's context; NULL before it has one
 *   number    of a pool: the place of its magazines in every context
 * Never: a lock on the way of a block that is ready.
 */
#ifndef MM_MANAGER_FRONT_H
#define MM_MANAGER_FRONT_H

#include "alloc/cache.h"

/* Of seats in a context: behind those of the pools is one that always stays empty. */
enum { MM_FRONT_EMPTY = MM_CACHE_DEPOTS, MM_FRONT_SEATS };

extern __thread struct mm_context *mm_front_mine __attribute__((tls_model("initial-exec")));

/* This thread's context, made if there is none; NULL without memory. */
struct mm_context *mm_front_context(void);

/* Records of the library's, zero-filled; NULL without memory. */
void *mm_front_borrow(uint64_t bytes);
void mm_front_return(void *p, uint64_t bytes);

/* A number that no pool has. MM_ELIMIT. */
int mm_front_number(uint32_t *ret);

/* Magazines of that number give back what they have and go, in every thread; the number is
 * free again if `leave`. No other thread may be in the pool. */
void mm_front_drop(uint32_t number, int leave);

/* What magazines of that number hold and have served. Any thread. */
void mm_front_sums(uint32_t number, uint64_t *ret_cached, uint64_t *ret_served);

/* Around fork: nobody else is in the front between. */
void mm_front_hold(void);
void mm_front_release(void);

/* In a forked child, once it is released: contexts of threads that it does not have go. They may
 * have been in the middle of a call, so what they had ready stays out, and counts as held, until its
 * pool is cleared. */
void mm_front_forked(void);

#endif
