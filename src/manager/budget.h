/* budget.h: how much each category has and may have.
 *
 * Promise: what is charged never exceeds a budget that denies, or the limit, at any moment,
 * whichever threads charge at once; sums are exact when nobody is in the middle of a call.
 * Vocabulary
 *   charge    bytes are about to be used; uncharge: they are no more
 *   alarm     what subscribers are told
 * Thread-safe. Never: holds a lock while somebody else's code runs.
 */
#ifndef MM_MANAGER_BUDGET_H
#define MM_MANAGER_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

#include "alloc/lock.h"
#include "mm_alloc.h"

enum { MM_BUDGET_SUBSCRIBERS = 8 };

struct mm_purse {
	char name[MM_CATEGORY_NAME_BYTES];
	_Atomic uint64_t limit;
	_Atomic int mode;
	_Atomic uint64_t used, peak, live, allocs, denied, over, evicted;
};

struct mm_subscriber { void (*told)(void *ctx, const struct mm_alarm *alarm); void *ctx; };

struct mm_budget {
	struct mm_lock lock;            /* of names, subscribers and limits */
	_Atomic uint32_t categories;
	struct mm_purse purse[MM_CATEGORIES];
	_Atomic uint64_t used, peak, allocated, freed, live;
	_Atomic uint64_t limit, reserve, live_limit; /* 0 = none */
	_Atomic int subscribers;
	struct mm_subscriber subscriber[MM_BUDGET_SUBSCRIBERS]; /* told NULL: a free place */
	/* Frees cacheable blocks of a category (UINT32_MAX: any) until so many bytes are free, or
	 * there are none: how many. */
	uint64_t (*evict)(void *arg, uint32_t category, uint64_t bytes);
	void *evict_arg; /* the manager, whose log has what is told */
};

void mm_budget_init(struct mm_budget *b);

/* MM_ELIMIT; then nothing is charged. `blocks` is 1 for a block that is counted. */
int mm_budget_charge(struct mm_budget *b, uint32_t category, uint64_t bytes, uint32_t blocks,
		     enum mm_priority priority);
void mm_budget_uncharge(struct mm_budget *b, uint32_t category, uint64_t bytes,
			uint32_t blocks);

void mm_budget_tell(struct mm_budget *b, enum mm_alarm_kind kind, uint32_t category,
		    uint64_t bytes);

#endif
