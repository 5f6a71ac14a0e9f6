/* report_live.h: what a report says of what lives at its end: where it lies, what of it seems
 * to leak, and how fast things go on. A part of report.h.
 *
 * Vocabulary: range (of addresses), hole, cell: see struct mm_report_map. Addresses are those
 * of the recorded program; bytes; nanoseconds from the start of the trace.
 * Pure data, owned by the report's store.
 */
#ifndef MM_MODEL_REPORT_LIVE_H
#define MM_MODEL_REPORT_LIVE_H

#include <stddef.h>
#include <stdint.h>

/* --- rates ----------------------------------------------------------------------------- */

/* What one process did in the last second before the end of the range, from the nearest moment
 * whose totals the trace states; so the window may be longer. Each MM_UNKNOWN when not known (several
 * processes). */
struct mm_report_rates {
	uint64_t window_ns;  /* 0 = nothing happened yet */
	uint64_t alloc_count, alloc_bytes, free_count, free_bytes, temporary_count;
	int64_t live_bytes_change; /* 0 where unknown */
};

/* --- leaks ----------------------------------------------------------------------------- */

enum mm_leak_verdict { /* of a recording that only knows what still lives */
	MM_LEAK_UNKNOWN = 0,
	MM_LEAK_GROW,  /* more lives at the end than at 3/4 of the range, and more there than at its half */
	MM_LEAK_ONE,   /* a single object */
	MM_LEAK_STILL, /* nothing that was born there was ever freed, and it does not grow */
	MM_LEAK_CACHE  /* some was freed, and it does not grow: perhaps a cache */
};
enum { MM_LEAK_STEPS = 12 };

/* As JSON spells them: "grow"; NULL out of range. As screens do: "GROW", "CACHE?". */
const char *mm_leak_verdict_name(enum mm_leak_verdict verdict);
const char *mm_leak_verdict_word(enum mm_leak_verdict verdict);

struct mm_report_leak { /* beside row i of report->leaks */
	/* Bytes of the stack live at step 1/12, 2/12 ... 12/12 of the range, each at the last
	 * moment before it whose sums are at hand (report->leak_steps_ns); the last is the
	 * range's end. MM_UNKNOWN where damage hides it. */
	uint64_t live_bytes[MM_LEAK_STEPS];
	int64_t growth_bytes_per_s; /* over the last half of the range */
	uint8_t growth_known;
	uint8_t never_freed;   /* no object of this stack was freed since the trace began */
	uint8_t verdict;       /* enum mm_leak_verdict */
};

/* --- the map of the heap --------------------------------------------------------------- */

enum { MM_MAP_HOLES = 6 }; /* < 4K, < 16K, < 64K, < 256K, < 1M, more */

/* Addresses with objects live at the end of the range, and no gap of MM_MAP_GAP or more among
 * them: glibc gives back larger blocks, so there is no memory in such a gap. */
#define MM_MAP_GAP (UINT64_C(32) << 20)
/* Less than this between two objects is what allocators put there: slack, and no hole. */
enum { MM_MAP_SLACK = 32 };

struct mm_report_map_range {
	uint64_t addr, bytes;  /* whole pages */
	uint64_t live_bytes;   /* covered by objects */
	uint64_t object_count;
	uint64_t page_count;   /* pages that some object touches */
};

struct mm_report_map_cell {
	uint64_t live_bytes;   /* of the cell's bytes, covered by objects */
	uint64_t pinned_bytes; /* free, in pages that an object keeps */
	uint64_t object_count; /* that begin in the cell */
	uint64_t oldest_ns;    /* birth of the oldest that overlaps it; MM_UNKNOWN none */
	uint32_t category;     /* that covers most of it; MM_NO_CATEGORY none or not known */
};

struct mm_report_map_slab { /* of a pool of the engine */
	uint64_t addr, bytes;
	uint32_t process, pool;
	uint64_t block_count;  /* that it has room for; 0 = of many sizes */
	uint64_t used_count, used_bytes; /* objects that lie in it */
};

/* Of the recorded heap, whatever allocator it has: from addresses of objects alone. A hole is
 * what lies between two of them in one range, if it is no slack. What is free is neither
 * covered nor slack. */
struct mm_report_map {
	uint8_t wanted;        /* it was asked for */
	uint8_t known;         /* the trace has addresses, and no object is without one; all
	                          below is 0 otherwise */
	uint64_t page_bytes;
	uint64_t live_bytes, object_count;     /* covered */
	uint64_t slack_bytes;
	uint64_t touched_bytes;                /* pages with a live object in them */
	uint64_t not_returnable_bytes;         /* what is free in those */
	uint64_t free_bytes, hole_count;       /* of all holes */
	uint64_t largest_hole_bytes;
	uint64_t hole_counts[MM_MAP_HOLES], hole_bytes[MM_MAP_HOLES];
	uint64_t external_ppm; /* 1 - largest hole / bytes of all holes; 0 without holes */
	uint64_t free_ppm;     /* not_returnable_bytes of touched_bytes */
	struct mm_report_map_range *ranges;    /* in the order of addresses */
	size_t range_count;
	uint32_t shown;        /* the range that the cells begin in; UINT32_MAX none */
	uint64_t cell_addr, cell_bytes;        /* of the first cell; of each */
	struct mm_report_map_cell *cells;
	size_t cell_count;
	struct mm_report_map_slab *slabs;      /* in the order of addresses */
	size_t slab_count;
};

#endif
