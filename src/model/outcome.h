/* outcome.h: what a replay came to: the part of a report that views show of it.
 *
 * Promise: every figure stands here with its unit in its name; of two runs with the same
 * trace, machine model and strategy all are equal, on any machine.
 * Vocabulary
 *   event       a row of the trace that the engine was given, or would have been
 *   requested, internal, ... committed: as in alloc/account.h; the first add up to the last
 *   moment      the account at one event
 *   time (of the measures F1 to F4): bytes allocated so far
 * Pure data. */
#ifndef MM_MODEL_OUTCOME_H
#define MM_MODEL_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"

#define MM_OUTCOME_SCHEMA "mmprof.replay/1"
#define MM_OUTCOME_MINOR 0
#define MM_CONTEST_SCHEMA "mmprof.contest/1"

enum { MM_OUTCOME_POINTS = 240, MM_OUTCOME_OCCUPANCY = 11 };

struct mm_moment_account {
	uint64_t time_ns, event; /* how many events came before */
	uint64_t committed_bytes, requested_bytes, internal_bytes, cached_bytes;
	uint64_t slab_external_bytes, tail_bytes, retained_bytes, metadata_bytes;
	uint64_t live_count, slab_count;
};

struct mm_moment_requested { uint64_t time_ns, event, requested_bytes, committed_bytes; };

/* Measures of Johnstone and Wilson (1998): committed over requested. In millionths. */
struct mm_measures {
	uint64_t f1_ppm; /* mean over time; looked at every 256 events */
	uint64_t f2_ppm; /* when requested is largest */
	uint64_t f3_ppm; /* when committed is largest */
	uint64_t f4_ppm; /* largest committed over largest requested */
};

/* Who keeps free memory from going back (replay/pins.h), the largest share first. */
struct mm_pinned_row {
	uint32_t site;
	uint64_t bytes, object_count;
	const char *name, *file, *callers; /* "" unknown; callers: nearest first, " < " between */
	uint32_t line;
};

struct mm_pinned {
	uint64_t free_bytes;   /* all that is free between objects */
	uint64_t nobody_bytes; /* of that, held by no object */
	uint64_t rest_bytes;   /* of sites that are not listed */
	uint64_t site_count;   /* listed or not */
	struct mm_pinned_row *row;
	size_t row_count;
};

/* The heap that was recorded, whatever its allocator, by the addresses of its objects when
 * most was requested. */
struct mm_recorded_heap {
	int known; /* the trace has addresses */
	uint64_t time_ns, committed_bytes /* pages with an object */, requested_bytes;
	struct mm_pinned pinned;
};

struct mm_outcome {
	const char *strategy;
	struct { uint32_t page_bytes, cores, nodes; } machine;
	uint64_t event_count, alloc_count, free_count, realloc_count;
	uint64_t moved_count;       /* reallocs that moved the block */
	uint64_t copied_bytes;      /* by them */
	uint64_t zeroed_bytes;
	uint64_t failed_count;      /* the engine had no memory */
	uint64_t unknown_free_count;/* frees that name no live object */
	uint64_t note_count;        /* objects inside others, left out */
	uint64_t seeded_count;      /* objects that lived before the trace begins */
	uint64_t lost_object_count; /* objects whose end is missing from the trace */
	uint64_t law_broken_count;  /* moments at which the terms did not add up: none */
	uint64_t check_rule;        /* 0, or the rule of the engine that did not hold at the end */
	uint64_t committed_pages, purged_pages; /* that came and went */
	struct mm_moment_account at_peak;      /* of committed */
	struct mm_moment_requested requested;  /* the largest */
	struct mm_moment_account at_end;
	struct mm_measures measures;
	struct mm_moment_account point[MM_OUTCOME_POINTS]; /* over the events, evenly */
	size_t point_count;
	/* Slabs by how full they are when committed is largest: 0 %, up to 10 % ... 100 %. */
	uint64_t occupancy[MM_OUTCOME_OCCUPANCY];
	uint64_t fingerprint; /* of every address that was handed out, in order */
	struct mm_pinned pinned; /* at at_peak; row NULL = not asked for */
};

/* A recording executed against memory by one allocator, in a process of its own; noisy, unlike
 * all above. Times are nanoseconds an op, in thousandths. */
struct mm_contestant {
	const char *name;        /* "size-class", "glibc", "libjemalloc.so.2", "none" */
	uint64_t op_count, failed_count;
	uint64_t median_ps, low_ps, high_ps; /* an op, over the rounds */
	uint64_t rss_bytes, end_bytes;       /* medians */
	uint64_t pause_ns;                   /* median of the longest of each round */
	uint64_t round_count;
};

struct mm_contest {
	const char *trace, *cmd;
	uint32_t pid, threads;   /* that executed ops, 1 = in the order of the trace */
	int touch_all;
	struct mm_contestant *contestant;
	size_t count;
	uint64_t none_ps;        /* what the harness costs: MM_UNKNOWN = not measured */
};

/* One trace through one strategy or several; strings are the trace's or the caller's. */
struct mm_comparison {
	const char *trace, *cmd;
	uint32_t pid;
	uint64_t from_ns, to_ns; /* MM_UNKNOWN = the end */
	struct mm_outcome *outcome;
	size_t count;
	struct mm_recorded_heap recorded;
};

#endif
