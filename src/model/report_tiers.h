/* report_tiers.h: what a report says of tiers, pressure and devices: a part of report.h.
 *
 * Vocabulary: tier, cause, device, heap as trace/notice.h; window = the last 10 seconds of the
 * range, or as much of it as there is; residency = which bytes of a category lie in which
 * tier. What is "at the end" is the last that was told before the range's end; counts and sums
 * are those of the range. Levels are those of trace/notice.h.
 * Pure data, as report.h; MM_UNKNOWN is unknown.
 */
#ifndef MM_MODEL_REPORT_TIERS_H
#define MM_MODEL_REPORT_TIERS_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"
#include "trace/notice.h"

#define MM_NO_TIER UINT32_MAX

struct mm_report_cause { /* of evictions, moves or refusals */
	const char *name;     /* "" = not told */
	uint64_t count, bytes;
	uint64_t ppm;         /* of the bytes of all causes */
};

struct mm_report_tier {
	const char *name, *type;  /* type "" = not told */
	uint32_t process, number;
	uint32_t part_of;         /* into tiers, or MM_NO_TIER */
	uint64_t capacity_bytes;
	uint64_t used_bytes, used_at_ns, used_ppm; /* of the capacity */
	uint64_t hit_count, miss_count, hit_ppm;
	uint64_t in_bytes, out_bytes, in_count, out_count;  /* by moves */
	uint64_t in_bytes_per_s, out_bytes_per_s;           /* in the window */
	uint64_t evict_count, evict_bytes;
	/* Waits for moves out of it, of those that told: p99 is the least that 99 of 100 were
	 * not above. */
	uint64_t stall_count, stall_ns, stall_p99_ns, stall_max_ns;
};

struct mm_report_residency {
	const char *category;
	uint64_t *tier_bytes;     /* by place in tiers; MM_UNKNOWN = not told */
	uint64_t total_bytes;     /* of those known, without tiers that are part of others */
	uint64_t move_count, moved_bytes;
	uint64_t moves_per_s;     /* in the window */
	uint64_t evict_count, evict_bytes, deny_count, deny_bytes;
};

struct mm_report_tier_move { /* a cell of the matrix that anything went through */
	uint32_t from, to;        /* into tiers, or MM_NO_TIER */
	uint64_t move_count, bytes, block_count, stall_ns;
	uint64_t window_count, window_bytes;
};

struct mm_report_tiers {
	struct mm_report_tier *tiers;        /* in the order of their numbers */
	size_t count;
	struct mm_report_residency *residency; /* most bytes first */
	size_t residency_count;
	struct mm_report_tier_move *moves;   /* by from, then to */
	size_t move_count;
	struct mm_report_cause *move_causes, *evictions, *denials; /* most bytes first */
	size_t move_cause_count, eviction_count, denial_count;
	uint64_t window_from_ns, window_ns;
};

/* --- pressure ------------------------------------------------------------------------- */

enum mm_pressure_source {
	MM_PRESSURE_NONE,    /* nothing in the trace says how hard it was */
	MM_PRESSURE_TOLD,    /* by the program */
	MM_PRESSURE_SAMPLES  /* follows from samples, by the rule of the manual page */
};
enum mm_limit_kind { MM_LIMIT_UNKNOWN, MM_LIMIT_CGROUP, MM_LIMIT_MACHINE };
enum mm_log_kind { MM_LOG_LEVEL, MM_LOG_EVICT, MM_LOG_DENY, MM_LOG_BUDGET, MM_LOG_MARK };

struct mm_report_log {
	enum mm_log_kind kind;
	uint32_t process;
	uint64_t t_ns;
	uint64_t level, before;      /* LEVEL */
	const char *category;        /* EVICT, DENY, BUDGET; "" = of all */
	const char *cause;           /* LEVEL, EVICT, DENY; "" = not told */
	const char *text;            /* MARK */
	uint32_t tier;               /* EVICT: into tiers, or MM_NO_TIER */
	uint64_t bytes;              /* evicted, asked for, or the budget from now on */
	uint64_t before_bytes;       /* BUDGET: until now, MM_UNKNOWN none */
};

struct mm_report_pressure {
	enum mm_pressure_source source;
	uint64_t level, since_ns;    /* at the end of the range */
	const char *cause;           /* of that level */
	uint64_t worst_level, worst_at_ns; /* in the range, and the first time it was reached */
	uint64_t level_ns[MM_LEVEL_COUNT]; /* spent at each level in the range */
	uint64_t transition_count;
	uint64_t threshold_ppm[MM_LEVEL_COUNT], hysteresis_ppm, full_ppm; /* of the rule */
	/* From the last sample before the range's end: */
	uint64_t sample_at_ns;
	struct mm_sample sample;     /* of several processes without what is one's own */
	enum mm_limit_kind limit_kind;
	uint64_t used_bytes, used_ppm; /* of the limit, as the rule takes them */
	struct mm_report_log *log;   /* newest last; at most 512 */
	size_t log_count;
	uint64_t log_left_out_count; /* older ones of the range that are not listed */
};

/* "ok", "note", "warn", "high", "critical"; NULL beyond. */
const char *mm_level_name(uint64_t level);

/* "level", "evict", "deny", "budget", "mark"; NULL beyond. */
const char *mm_log_kind_name(enum mm_log_kind kind);

/* --- devices ---------------------------------------------------------------------------- */

struct mm_report_gpu_device {
	uint32_t process, number;
	const char *name, *driver, *source; /* "" = not told */
};

struct mm_report_gpu_heap {
	uint32_t device;             /* into devices */
	uint32_t number;
	const char *flags;
	uint64_t told_at_ns;
	uint64_t budget_bytes, usage_bytes, used_ppm; /* usage of the budget */
	uint64_t ours_bytes, others_bytes;            /* of the usage */
	uint64_t block_count, alloc_count;
	uint64_t unused_bytes;       /* of its blocks that were told */
	uint64_t upload_bytes, download_bytes;             /* in the range */
	uint64_t upload_bytes_per_s, download_bytes_per_s; /* in the window */
	uint64_t movable_bytes, movable_block_count;
};

struct mm_report_gpu_kind {
	uint32_t heap;               /* into heaps */
	const char *type, *category;
	uint64_t count, bytes, mean_bytes, dedicated_count, mapped_count, age_ns;
};

struct mm_report_gpu_block {
	uint32_t heap;               /* into heaps */
	uint32_t number;
	uint64_t size_bytes, used_bytes, used_ppm, largest_free_bytes;
	uint64_t fragmentation_ppm;  /* of what is free, the part outside its longest run */
	const char *map;             /* a letter a cell: notice.h */
};

struct mm_report_gpu {
	struct mm_report_gpu_device *devices;
	struct mm_report_gpu_heap *heaps;     /* by device, then number */
	struct mm_report_gpu_kind *kinds;     /* by heap, most bytes first */
	struct mm_report_gpu_block *blocks;   /* by heap, then number */
	size_t device_count, heap_count, kind_count, block_count;
};

#endif
