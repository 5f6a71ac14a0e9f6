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
#define MM_OUTCOME_MINOR 2
#define MM_CONTEST_SCHEMA "mmprof.contest/1"

enum { MM_OUTCOME_POINTS = 240, MM_OUTCOME_OCCUPANCY = 11, MM_OUTCOME_NODES = 64,
	MM_OUTCOME_POWERS = 17 /* 2^4 to 2^20 */ };

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

/* Of a configuration: one of the places that blocks came from. The accounts of all add up to
 * the outcome's. */
struct mm_outcome_dest {
	const char *name, *strategy; /* strategy NULL: a pool */
	const uint32_t *block_bytes; /* of a pool: of each of its depots */
	size_t depot_count;
	uint64_t alloc_count, free_count; /* halves of reallocs too */
	uint64_t misfit_count;       /* objects that it had no block for: in the general heap */
	uint64_t came_count, went_count; /* by realloc, from and to another */
	uint64_t peak_committed_bytes, peak_requested_bytes, peak_live_count; /* its own */
	struct mm_moment_account at_peak /* of the outcome */, at_end;
};

/* A category: what it had, and what a budget would have made of that. */
struct mm_outcome_category {
	const char *name;
	uint64_t budget_bytes;       /* MM_UNKNOWN = none */
	uint64_t alloc_count, alloc_bytes, live_bytes, live_count /* at the end */;
	uint64_t peak_bytes, peak_count, peak_time_ns;
	uint64_t exceeded_count;     /* times that it rose above the budget */
	uint64_t above_count;        /* allocations that left it above */
	uint64_t most_above_bytes;   /* peak less budget, 0 = never above */
	uint64_t first_time_ns, first_event; /* MM_UNKNOWN: never */
};

struct mm_outcome_rule {
	const char *kind /* "category", "site" */, *name, *dest;
	uint32_t line;
	uint64_t object_count;       /* that it decided about */
};

/* How what is free lies, when committed is largest. A range: free bytes in a row, in pages in use. */
struct mm_layout {
	int known;
	uint64_t free_bytes, range_count, largest_bytes; /* of ranges */
	/* Gorman and Whitcroft's unusable free space index for blocks of 16 bytes, 32 ... 1 MiB: the
	 * share of free bytes that lie in no piece of that size. */
	uint64_t unusable_ppm[MM_OUTCOME_POWERS];
	uint64_t scattered_ppm;    /* 1 - largest / all */
	uint64_t spread_ppm;       /* 1 - root of the sum of squares / all */
	uint64_t utilised_ppm;     /* blocks that are out / blocks of slabs */
	uint64_t huge_ppm;         /* bytes in use in 2 MiB ranges that are wholly in use / in use */
	uint64_t mesh_pairs, meshable_ppm; /* alloc/depot.h */
};

/* A map: one slab, at the end. Of a heap by first or best fit each 64 KiB of its regions are a
 * row, a block then being 16 bytes; a large block is a row of one. */
enum mm_map_kind { MM_MAP_SLAB, MM_MAP_PART, MM_MAP_LARGE };

struct mm_map_row {
	uint32_t dest;         /* number in the outcome's dest */
	enum mm_map_kind kind;
	uint64_t addr, bytes;  /* pages in use */
	uint64_t external_bytes; /* of those in free blocks */
	uint32_t block_bytes, blocks, free; /* free: not out, nor ready in a thread */
};

/* numa-aware: what a node of the machine had. */
struct mm_outcome_node {
	uint64_t slab_bytes, large_bytes; /* pages in use, at the peak of committed */
	uint64_t remote_free_count;       /* its threads freed blocks of other nodes, all in all */
};

struct mm_outcome {
	const char *strategy, *name; /* name: the strategy's, or that of the configuration */
	const char *config;          /* its path; NULL = none */
	const char *check;           /* level */
	uint64_t seed;
	struct mm_outcome_dest *dest;          /* config: the general heap first */
	size_t dest_count;
	struct mm_outcome_category *category;  /* those that had objects or a rule */
	size_t category_count;
	struct mm_outcome_rule *rule;
	size_t rule_count;
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
	struct mm_layout layout;
	int map_taken;
	struct mm_map_row *map; /* by destination, kind, size of block, address */
	size_t map_count;
	struct mm_outcome_node node[MM_OUTCOME_NODES];
	size_t node_count;    /* 0 = the strategy knows of none */
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
	/* Single ops, one sampled of 64, over all rounds; at most a sixteenth too long; MM_UNKNOWN where
	 * fewer than ten samples are longer. */
	uint64_t p50_ns, p99_ns, p999_ns, sample_count;
	uint64_t round_count;
};

struct mm_contest {
	const char *trace, *cmd;
	uint32_t pid, threads;   /* that executed ops, 1 = in the order of the trace */
	int touch_all;
	uint64_t clock_step_ns;  /* how exact the clock of single ops is */
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
