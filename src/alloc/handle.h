/* handle.h: blocks that may move: named by a handle, at an address only while locked.
 *
 * Promise: a handle names one block until it is freed, and nothing ever after: what it says
 * then is MM_ENOENT, whoever has its place by then. A locked block stays where it is; locking
 * and unlocking wait for nothing but the copy of the one block, while it moves.
 * Vocabulary
 *   handle      place in the table, and the place's generation; {0, 0} names nothing
 *   generation  how often the place was given out; a place whose generations are used up is
 *               retired
 *   pin         one lock that was not unlocked yet
 *   epoch       a number of the caller's that grows (frames, seconds); the last one in which
 *               a block was locked is kept
 *   priority    the caller's: the greater, the more it matters where the block lies
 * Thread-safe, but for open, close and check; a context is one thread's. Create and free take
 * a lock, lock and unlock none. Costs 24 bytes a handle and 4 for each block of its slab, out
 * of line. Never: a clock; anything in a block.
 */
#ifndef MM_ALLOC_HANDLE_H
#define MM_ALLOC_HANDLE_H

#include <stdint.h>

#include "alloc/heap.h"

struct mm_handles;

struct mm_handle { uint32_t index, generation; };

struct mm_handles_options {
	uint32_t most;             /* handles at once, 0 = 4 Mi; fewer where address space is limited,
				    * 24 bytes each */
	uint32_t first_generation; /* of each place; 0 = 1 */
};

/* A table for blocks of one heap, which outlives it; its memory is among the heap's metadata.
 * MM_EINVAL, MM_ENOMEM. Closing frees no block: those left stay the heap's and never move. */
int mm_handles_open(struct mm_handles **ret, struct mm_heap *h,
		    const struct mm_handles_options *o);
void mm_handles_close(struct mm_handles *t);

/* A block as of mm_heap_alloc. Also MM_ELIMIT: all places are taken or retired. */
int mm_handle_create(struct mm_handles *t, struct mm_context *c, uint64_t size, uint64_t align,
		     uint8_t priority, struct mm_handle *ret);

/* The block goes. MM_ENOENT; MM_EPERM while it is pinned; what mm_heap_free says. */
int mm_handle_free(struct mm_handles *t, struct mm_context *c, struct mm_handle n);

/* Pins the block. MM_ENOENT; MM_ELIMIT after 2^30 - 1 pins. */
int mm_handle_lock(struct mm_handles *t, struct mm_handle n, uint64_t *ret_addr);

/* One pin less: the address means nothing after the last. MM_ENOENT; MM_EINVAL: no pin. */
int mm_handle_unlock(struct mm_handles *t, struct mm_handle n);

/* The epoch that locks note from now on. */
void mm_handles_epoch(struct mm_handles *t, uint32_t epoch);

/* MM_ENOENT. What is told may be past when the caller reads it. */
struct mm_handle_info { uint32_t pins, epoch; uint8_t priority; uint64_t granted; };
int mm_handle_info(struct mm_handles *t, struct mm_handle n, struct mm_handle_info *ret);
int mm_handle_priority(struct mm_handles *t, struct mm_handle n, uint8_t priority);

struct mm_handles_sums { uint64_t live, retired, table_bytes; };
void mm_handles_sums(struct mm_handles *t, struct mm_handles_sums *ret);

/* 0, or the number of the rule that does not hold. Nobody else may use it. */
int mm_handles_check(struct mm_handles *t);

#endif
