/* rider.h: what each thread carries through libmm's general heap.
 *
 * Promise: made when a thread first needs it, gone with the thread: what its contexts have
 * ready goes back to heaps that are still there.
 * Vocabulary
 *   rider    one thread's: contexts of the heaps it uses, its categories, what it said last
 *   serial   of a manager: never used again, so that a manager that is gone is recognised
 */
#ifndef MM_MANAGER_RIDER_H
#define MM_MANAGER_RIDER_H

#include "alloc/heap.h"
#include "manager/whats.h"
#include "mm_alloc.h"

enum { MM_RIDER_HEAPS = 8 };

struct mm_rider {
	struct { uint64_t serial; struct mm_context *context; } heap[MM_RIDER_HEAPS];
	uint32_t next_heap;
	uint32_t depth;   /* of categories, also of those that do not count */
	uint8_t category[MM_CATEGORY_DEPTH];
	struct mm_whats_quick quick;
};

/* This thread's; NULL without memory. */
struct mm_rider *mm_rider_mine(void);

/* This thread's context of a manager's heap, which is there; NULL without memory. */
struct mm_context *mm_rider_context(struct mm_rider *r, struct mm_manager *m);

/* The same, if there is one already. */
struct mm_context *mm_rider_has(const struct mm_rider *r, const struct mm_manager *m);

/* The thread ends (front.c). */
void mm_rider_leave(void);

/* The category that counts for this thread now. */
uint32_t mm_rider_category(const struct mm_rider *r);

#endif
