/* routed.h: objects to several destinations, and what each category has of them.
 *
 * Promise: a block goes back to where it came from; a realloc goes where its own site says, and
 * is one call where that is the same heap; what a destination has no block for goes to
 * destination 0, counted. Accounts add up over the destinations.
 * Vocabulary
 *   block    what a live object has; destination and route stay with it
 *   budget   bytes that a category may have: nothing is refused, what goes beyond is counted
 * One thread at a time.
 */
#ifndef MM_REPLAY_ROUTED_H
#define MM_REPLAY_ROUTED_H

#include <stddef.h>
#include <stdint.h>

#include "alloc/heap.h"
#include "model/outcome.h"
#include "model/report_store.h"
#include "replay/dest.h"
#include "replay/router.h"
#include "trace/codec.h"

struct mm_routed_block {
	uint64_t addr, size;
	uint32_t dest, route;
};

struct mm_kept { /* what a category has */
	uint64_t budget;             /* MM_UNKNOWN = none */
	uint64_t live_bytes, live_count, allocs, allocated_bytes;
	uint64_t peak_bytes, peak_time_ns, peak_event, peak_count;
	uint64_t times;              /* that it rose above its budget */
	uint64_t allocs_above;       /* allocations that left it above */
	uint64_t first_time_ns, first_event; /* MM_UNKNOWN: never */
};

/* Caller's memory; zero-initialised before init. */
struct mm_routed {
	const struct mm_router *router;
	struct mm_dest *dest;
	size_t dest_count;
	uint32_t nodes;
	struct mm_context **context; /* by thread and destination; of 0: NULL, the caller has it */
	size_t context_cap, threads;
	struct mm_kept *kept;        /* by category */
	uint32_t category_count;
	uint64_t *rule_objects;      /* by rule of the configuration: births that it decided */
	uint64_t tick_ns;            /* set by the caller after init */
	uint64_t time_ns, event;     /* set by the caller before each row */
	uint64_t touched;            /* destinations since the caller last cleared it: a bit each */
	uint64_t copied_bytes;       /* by reallocs between destinations */
};

/* Opens destinations 1 and up; `heap`, which outlives it, is number 0. h: options of the heaps
 * but for the strategy. MM_ENOMEM and what opening gives. */
int mm_routed_init(struct mm_routed *x, const struct mm_router *router, struct mm_heap *heap,
		   const struct mm_heap_options *h, uint32_t nodes);
void mm_routed_deinit(struct mm_routed *x);

/* Room for a thread, before its first row. MM_ENOMEM. */
int mm_routed_thread(struct mm_routed *x, uint32_t thread);

/* A block for a row's object; c: the thread's context in
 * destination 0. Errors of mm_heap_alloc. */
int mm_routed_alloc(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		    const struct mm_row *row, struct mm_routed_block *ret);
int mm_routed_free(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		   const struct mm_routed_block *b);

/* `was` becomes *ret; on failure it stays as it is. */
int mm_routed_realloc(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		      const struct mm_row *row, const struct mm_routed_block *was,
		      struct mm_routed_block *ret);

/* What categories have now is all that they ever had: peaks and budgets are counted from here;
 * one that is above its budget now rises above it now. */
void mm_routed_restart(struct mm_routed *x);

/* Destinations, categories and rules to the outcome, whose dest are there already, if it has a
 * configuration. Rows are the store's, names the configuration's. */
void mm_routed_tell(const struct mm_routed *x, struct mm_report_store *store,
		    struct mm_outcome *ret);

/* The thread's contexts go. */
void mm_routed_end_thread(struct mm_routed *x, uint32_t thread);

#endif
