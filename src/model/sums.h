/* sums.h: what one process did in a range of time, as exact sums.
 *
 * Promise: sums come from the digests of whole chunks and from the events of the two
 * chunks at the range's ends; only a sweep (asked for, or needed) reads every event;
 * both ways give the same figures. What lives at the peak and at the end is counted
 * object by object.
 * Vocabulary: measure, range as report.h; point as visit.h; sweep = one walk over every
 * event of the range.
 * Not shared between threads.
 */
#ifndef MM_MODEL_SUMS_H
#define MM_MODEL_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"
#include "model/report.h"
#include "model/census.h"
#include "model/learnt.h"
#include "model/shares.h"
#include "model/visit.h"
#include "trace/reader.h"

struct mm_budget_step { /* from `time` on a category's budget is this; MM_UNKNOWN = none */
	uint64_t time, bytes;
	uint32_t category;
};

struct mm_sum_category {
	struct mm_measure own;
	uint64_t live, peak_bytes, peak_time; /* in a sweep: its own */
	uint64_t limit;           /* the budget in force, MM_UNKNOWN none */
	uint64_t exceeded_time;   /* in a sweep: first above it, MM_UNKNOWN never */
};

enum { MM_SUM_POINTS = 400 }; /* of whole chunks, at most about */

struct mm_sum_point { /* of the timeline: see struct mm_report_timeline */
	uint64_t time, live_bytes, live_count, peak_bytes;
	uint64_t alloc_count, alloc_bytes, free_count;
};

struct mm_sums { /* caller's memory; set up by mm_sums_init */
	struct mm_reader *reader;
	uint32_t process;
	struct mm_learnt *learnt;
	const struct mm_shares *shares; /* the learnt ones */
	uint64_t from, to;        /* ns */
	int sweep;
	int quick;                /* unless asked for, no walk over all events, none over all
	                             objects */
	int births_wanted;        /* `oldest` is asked for: worth a visit to the end */
	int discards;             /* the process ended by exec: nothing leaks */
	struct mm_point begin_at, end_at;
	struct mm_point peak_at;
	int peak_given;           /* by the caller, of several processes together */
	int peak_unseen;          /* it lies in what the trace does not hold: no parts */
	int tail_unseen;          /* so does the end: what lives then is a sum without parts */

	struct mm_totals begin, end; /* running totals at the range's ends */
	uint64_t peak_bytes, peak_time, peak_count;
	struct mm_measure *sites; /* by site of birth */
	uint64_t *oldest;         /* by site: birth of its oldest object live at the end;
	                             MM_UNKNOWN none, or not looked for */
	uint32_t site_count;
	struct mm_measure *threads; /* by thread of birth; the last one: unknown */
	uint32_t thread_count;      /* with it */
	struct mm_measure sizes[MM_SIZE_BUCKETS];
	uint64_t life_count[MM_LIFE_BUCKETS], life_bytes[MM_LIFE_BUCKETS];
	struct mm_sum_category *categories;
	uint32_t category_count;
	int category_peaks;       /* their own peaks are known */
	const struct mm_budget_step *budgets; /* the caller's, by time; may stay NULL */
	size_t budget_count, budget_at;
	struct mm_sum_point *points;
	size_t point_count, point_cap;
	size_t point_wanted;      /* of a sweep */
	uint64_t unattributed_count; /* allocations of damaged digests and lost chunks */

	struct mm_visit visit;
	struct mm_census census;  /* of the range's end, in the place of a visit */
	struct mm_progress *progress;
	int has_gaps;             /* not every chunk gave a digest, or some are missing */
	int failed;               /* an error inside a walk */
};

/* Sizes the arrays for a process; what is learnt of it, its shares among that, outlives the
 * sums. */
int mm_sums_init(struct mm_sums *f, struct mm_reader *r, struct mm_learnt *learnt,
		 uint64_t from, uint64_t to);
void mm_sums_deinit(struct mm_sums *f);

/* Fills everything for the range [from, to). */
int mm_sums_collect(struct mm_sums *f, struct mm_diag *diag);

/* All that the process did in the range, of whatever site: totals, and what lived at the
 * ends. */
struct mm_measure mm_sums_all(const struct mm_sums *f);

/* Bucket of a size and of a lifetime, as in a digest. Pure. */
unsigned mm_sums_size_bucket(uint64_t size);
unsigned mm_sums_life_bucket(uint64_t ns);

#endif
