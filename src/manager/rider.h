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

/* In one heap; counted: among the threads that allocate. */
struct mm_riding { uint64_t serial; struct mm_context *context; int is_counted; };

struct mm_rider {
	struct mm_riding heap[MM_RIDER_HEAPS];
	uint32_t next_heap;
	uint32_t depth;   /* of categories, also of those that do not count */
	uint8_t category[MM_CATEGORY_DEPTH];
	uint64_t key;     /* that the thread shows (mm_audit.h); 0 = none */
	uint64_t freed_note; /* of the block that is being freed; 0 = none, or it says nothing */
	struct mm_whats_quick quick;
};

/* This thread's; NULL without memory. */
struct mm_rider *mm_rider_mine(void);

/* The same, but none is made: NULL when the thread has none yet. */
struct mm_rider *mm_rider_there(void);

/* This thread's context of a manager's heap, which is there. Whoever allocates is counted:
 * MM_ELIMIT; MM_ENOMEM. */
int mm_rider_context(struct mm_rider *r, struct mm_manager *m, int allocates,
		     struct mm_context **ret);

/* What it has of that heap already; NULL = nothing. */
const struct mm_riding *mm_rider_has(const struct mm_rider *r, const struct mm_manager *m);

/* The thread ends (front.c). */
void mm_rider_leave(void);

/* The category that counts for this thread now. */
uint32_t mm_rider_category(const struct mm_rider *r);

#endif
