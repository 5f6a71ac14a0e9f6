/* report.h: the plain-data snapshot of a trace, all that any view may see.
 *
 * Promise: every figure a person is shown stands here, with its unit in its name;
 * MM_UNKNOWN means unknown, never zero; strings are as the system gave them (a view
 * escapes them) and live as long as the report; nothing here refers to the reader.
 * Vocabulary (words of ARCHITECTURE.md): measure = the sums of some set of objects; table = rows by
 * one key, sorted by one metric, with the rest summed up, so that rows + rest = total;
 * stack = frames, innermost first, found by index; range = [from, to) in nanoseconds
 * from the start of the trace.
 * Pure data: made by model.h, freed by mm_report_free, never changed after.
 */
#ifndef MM_MODEL_REPORT_H
#define MM_MODEL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "model/report_live.h"
#include "model/report_tiers.h"
#include "trace/event.h"

#define MM_REPORT_SCHEMA "mmprof.report/1"
#define MM_REPORT_MINOR 2
#define MM_NO_STACK UINT32_MAX
#define MM_NO_CATEGORY UINT32_MAX
#define MM_NO_PROCESS UINT32_MAX

enum mm_metric { MM_METRIC_PEAK, MM_METRIC_LIVE, MM_METRIC_ALLOCS, MM_METRIC_BYTES,
	MM_METRIC_TEMPORARY, MM_METRIC_LEAKS, MM_METRIC_COUNT };

enum mm_by { MM_BY_SITE, MM_BY_FUNCTION, MM_BY_FILE, MM_BY_LIBRARY, MM_BY_CATEGORY,
	MM_BY_THREAD, MM_BY_SIZE, MM_BY_COUNT };

enum mm_tree { MM_TREE_NONE, MM_TREE_CALLEES /* top-down */, MM_TREE_CALLERS /* bottom-up */ };

/* Names as options and JSON spell them: "peak", "function"; NULL out of range. */
const char *mm_metric_name(enum mm_metric metric);
const char *mm_by_name(enum mm_by by);

/* What a set of objects did within the range. Additive: sums over any partition of the
 * objects are those of the whole. A field may be MM_UNKNOWN. */
struct mm_measure {
	uint64_t alloc_count, alloc_bytes;  /* births in the range */
	uint64_t free_count, free_bytes;    /* deaths in the range */
	uint64_t temporary_count;           /* deaths in the range that were temporary */
	uint64_t peak_bytes, peak_count;    /* live when the process was at its peak */
	uint64_t live_bytes, live_count;    /* live at the end of the range */
	uint64_t leak_bytes, leak_count;    /* born in it, still live at its end (not discarded) */
};

/* The figure that `metric` sorts by. */
uint64_t mm_measure_get(const struct mm_measure *m, enum mm_metric metric);
/* a += b; MM_UNKNOWN on either side stays unknown. */
void mm_measure_add(struct mm_measure *a, const struct mm_measure *b);
/* a -= b, where b is a part of a. */
void mm_measure_take(struct mm_measure *a, const struct mm_measure *b);

enum mm_report_frame_kind {
	MM_FRAME_USER = 0,
	MM_FRAME_RUNTIME = 1,   /* passes memory on: operator new, malloc wrappers, the C++ library */
	MM_FRAME_CATEGORY = 2,  /* the program pushed a category here */
	MM_FRAME_CUT = 3,       /* the stack goes on but could not be read */
	MM_FRAME_LOST = 4       /* the site was lost with a damaged part of the trace */
};

struct mm_report_frame {
	const char *name;     /* never empty: the function, or module+0xoffset, or "[lost]" */
	const char *function; /* demangled, "" unknown */
	const char *file;     /* "" unknown */
	const char *path;     /* of the module, "" unknown */
	const char *library;  /* last part of path, "" unknown */
	uint64_t offset;      /* address in the ELF file */
	uint32_t line;        /* 0 unknown */
	uint8_t inlined;
	uint8_t kind;         /* enum mm_report_frame_kind */
};

struct mm_report_stack {
	const char *id;         /* 16 hex digits from names, equal from run to run */
	uint32_t *frames; /* into report->frames, innermost first */
	uint32_t count;
	uint32_t first;         /* the first that is not the runtime's: where a reader looks */
};

struct mm_report_row {
	const char *name;  /* the key: function, path, category, thread, size class */
	const char *place; /* "build.c:133", a path, "tid 42"; "" none */
	uint32_t stack;    /* site rows: into report->stacks; else MM_NO_STACK */
	uint32_t category; /* site rows: into report->categories; else MM_NO_CATEGORY */
	uint32_t process;  /* number, or MM_NO_PROCESS for rows over several */
	struct mm_measure own;
	/* function, file and library rows: also what they called; each stack once. Not
	 * additive. Else equal to own. */
	struct mm_measure inclusive;
	uint64_t oldest_ns; /* birth of the oldest object still live; MM_UNKNOWN none */
	uint64_t from_bytes, to_bytes; /* size rows: from <= size < to; else 0 */
};

struct mm_report_table {
	enum mm_by by;
	enum mm_metric metric;
	struct mm_report_row *rows;
	size_t count;
	struct mm_measure rest; /* rows not listed */
	size_t rest_count;
	struct mm_measure total;
};

struct mm_report_node { /* of the call tree; children follow their parent */
	uint32_t frame;     /* into report->frames; UINT32_MAX for the root */
	uint32_t depth;     /* root 0 */
	uint32_t parent;
	uint8_t folded;     /* stands for `frame_count` children too small to list */
	uint32_t folded_count;
	uint64_t total, self; /* of the metric asked for */
	uint64_t calls;       /* alloc_count in total */
};

struct mm_report_process {
	uint32_t number, pid, ppid;
	uint32_t parent;        /* number, or MM_NO_PROCESS */
	uint8_t start, end;     /* enum mm_process_start, mm_process_end */
	int32_t status;
	uint8_t recorded;       /* 0: seen, but it ran without the recorder */
	uint8_t selected;       /* counted in this report */
	uint64_t start_ns, end_ns;
	uint64_t inherited_bytes;
	const char *exe, *cmd;
	uint64_t alloc_count, alloc_bytes, peak_live_bytes, live_end_bytes;
};

struct mm_report_category {
	const char *name;
	uint64_t budget_bytes;     /* at the end of the range; MM_UNKNOWN none */
	struct mm_measure own;     /* own.peak_bytes: when the process was at its peak */
	uint64_t peak_live_bytes;  /* the category's own peak */
	uint64_t peak_at_ns;
	uint64_t used_ppm;         /* peak_live_bytes of the budget; MM_UNKNOWN without one */
	uint8_t over;              /* went over the budget that it had then, in the range */
	uint64_t exceeded_at_ns;   /* first; MM_UNKNOWN never, or when is not known */
};

/* A pool of the engine: of a program linked with libmm, or under a program's malloc. What its
 * slabs take comes from the events of slabs, what lives in them from those of blocks. A
 * thread's cached blocks count as free. */
struct mm_report_pool {
	const char *name;
	const char *category;      /* that was pushed where it was made; "" none */
	uint32_t process, number;
	uint8_t under_malloc;      /* its blocks are the objects of malloc */
	uint8_t inherited;         /* it had blocks when its process was forked: what lives in
	                              it is not known */
	uint8_t ended;
	uint64_t block_bytes;      /* MM_UNKNOWN: of many sizes */
	uint64_t alloc_count, alloc_bytes, free_count; /* in the range */
	uint64_t live_count, live_bytes;               /* at its end */
	uint64_t slab_count, committed_bytes;          /* the same */
	uint64_t peak_committed_bytes, peak_at_ns;     /* the most it had in the range */
	uint64_t at_peak_live_bytes, at_peak_committed_bytes; /* at the process's peak */
	/* Of the slabs' bytes, those in no live block; MM_UNKNOWN without slabs. */
	uint64_t fragmentation_ppm, at_peak_fragmentation_ppm;
};

struct mm_report_thread {
	const char *name;
	uint32_t tid, process; /* tid 0: unknown (objects born in a gap) */
	uint64_t start_ns;
	struct mm_measure own;
};

struct mm_report_bucket { /* of a histogram: low <= value < high */
	uint64_t low, high;
	uint64_t count, bytes;
	uint64_t live_count, live_bytes; /* sizes only; else MM_UNKNOWN */
};

struct mm_report_timeline { /* `count` points in time order; arrays of that length */
	size_t count;
	uint64_t *t_ns;
	uint64_t *live_bytes, *live_count; /* at t */
	uint64_t *peak_bytes;              /* largest since the point before */
	uint64_t *alloc_count, *alloc_bytes, *free_count; /* since the point before */
	uint64_t *rss_bytes;               /* last sample since the point before, MM_UNKNOWN none */
};

struct mm_report_mark { const char *text; uint64_t t_ns; uint32_t process; };

struct mm_report_series { /* a metric the program reported */
	const char *name;
	size_t count;        /* values reported in the range */
	int64_t first, last, min, max;
	size_t point_count;  /* points kept, thinned evenly */
	uint64_t *t_ns;
	int64_t *values;
};

struct mm_report_sample { uint64_t t_ns; uint32_t process; struct mm_sample sample; };

struct mm_report_totals {
	struct mm_measure all;
	uint64_t failed_count, implied_free_count, inherited_free_count, realloc_count;
	uint64_t peak_live_bytes, peak_at_ns, peak_live_count;
	uint8_t peak_partial; /* of several processes not all is there: it was this or more */
	uint64_t live_begin_bytes, live_begin_count; /* at the start of the range */
	uint64_t unknown_count;       /* live objects of unknown size, born in a gap */
	uint64_t discarded_bytes, discarded_count;   /* ended by exec, not leaked */
	uint64_t mapped_bytes;        /* mapped directly and still mapped; MM_UNKNOWN not recorded */
	uint64_t rss_peak_bytes;
	/* Private memory beyond what was ever live at once until then (to the end of the
	 * sample's chunk) and what was recorded as mapped: the most that any sample shows,
	 * and that sample. */
	uint64_t unaccounted_bytes, unaccounted_at_ns;
	uint64_t unaccounted_rss_bytes;
	uint64_t unaccounted_ppm;      /* of that sample's resident bytes */
	const char *unaccounted_cause; /* likely cause and remedy; "" when it is small */
};

struct mm_report_run {
	const char *trace, *cmd, *tool, *source, *exe;
	uint32_t pid, process;        /* process MM_NO_PROCESS: all */
	uint8_t end;                  /* enum mm_process_end */
	int32_t exit;                 /* status or signal, by `end` */
	uint64_t start_unix_ns, duration_ns;
	uint64_t from_ns, to_ns;      /* the range; whole = 1 when nobody narrowed it */
	uint8_t whole;
	uint64_t event_count, lost_events_count;
	uint64_t kept_from_ns; /* what came before is in the totals alone; 0 = all is there */
	uint64_t unlisted_process_count; /* for which a bounded trace had no room */
	uint64_t file_bytes, page_bytes, mem_total_bytes, time_resolution_ns;
	uint32_t cores, version;
	uint8_t complete, has_addresses;
	uint64_t damaged_count, damaged_bytes;
	uint64_t unattributed_count;  /* allocations whose site was lost with a damaged part */
};

struct mm_report_query { /* what was asked for; texts as typed, "" = not given */
	enum mm_by by;
	enum mm_metric metric;
	size_t top; /* rows of a table, 0 = all */
	const char *from, *to, *process, *match;
};

struct mm_report {
	struct mm_report_query query;
	struct mm_report_run run;
	struct mm_report_totals totals;

	struct mm_report_frame *frames;
	size_t frame_count;
	struct mm_report_stack *stacks;
	size_t stack_count;

	struct mm_report_table table;       /* what --by and --metric ask for */
	struct mm_report_table peak, leaks, temporary, allocs; /* by site, for the overview */
	struct mm_report_rates rates;
	struct mm_report_leak *leak_rows;   /* one beside each row of `leaks` */
	uint64_t leak_steps_ns[MM_LEAK_STEPS];
	struct mm_report_map map;

	struct mm_report_node *tree;        /* with --tree; tree[0] = root */
	size_t tree_count;
	enum mm_tree tree_kind;
	uint64_t tree_floor;                /* nodes below this are folded */

	struct mm_report_process *processes;
	size_t process_count;
	struct mm_report_category *categories;
	size_t category_count;
	struct mm_report_pool *pools;       /* those that took most first */
	size_t pool_count;
	struct mm_report_thread *threads;
	size_t thread_count;
	struct mm_report_bucket *sizes, *lifetimes; /* bytes, nanoseconds */
	size_t size_count, lifetime_count;
	struct mm_report_timeline timeline;
	struct mm_report_mark *marks;
	size_t mark_count;
	struct mm_report_series *series;
	size_t series_count;
	struct mm_report_sample *samples;   /* thinned evenly; that of totals.unaccounted_at_ns is kept */
	size_t sample_count;

	struct mm_report_tiers tiers;
	struct mm_report_pressure pressure;
	struct mm_report_gpu gpu;

	struct mm_report_store *store;      /* owns every string and array above */
};

void mm_report_free(struct mm_report *r);

/* What a program told, by metrics, of its octrees and distance fields. */
enum mm_domain {
	MM_DOMAIN_SVO_SDF, /* memory of both: metrics of the members' own names */
	MM_DOMAIN_SVO,     /* metrics "svo.NAME" */
	MM_DOMAIN_SDF,     /* metrics "sdf.NAME" */
	MM_DOMAIN_COUNT
};
enum { MM_DOMAIN_MEMBERS = 9 };
struct mm_report_member { const char *name; int64_t value; uint8_t known; };
struct mm_report_domain {
	const char *name;
	uint8_t told;  /* any metric of it was */
	size_t count;
	struct mm_report_member members[MM_DOMAIN_MEMBERS];
};

/* From the last values of the report's series: as told, or as it follows from what was told
 * (the manual page says how). Strings are static. */
void mm_report_domain(const struct mm_report *r, enum mm_domain which,
		      struct mm_report_domain *ret);

/* The lifetime below which `ppm` millionths of the freed objects lie, as the upper bound
 * of its bucket; MM_UNKNOWN when nothing was freed. */
uint64_t mm_report_lifetime_quantile(const struct mm_report *r, uint32_t ppm);

#endif
