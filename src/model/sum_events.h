/* sum_events.h: how one event, and one live object, enters the sums.
 *
 * The inner half of sums.c: nothing else calls it. Vocabulary as sums.h.
 */
#ifndef MM_MODEL_SUM_EVENTS_H
#define MM_MODEL_SUM_EVENTS_H

#include "model/parts.h"
#include "model/sums.h"

/* Sums of a site or thread of birth; unknown ones share a row. */
static inline struct mm_measure *mm_sum_site(struct mm_sums *f, uint32_t site)
{
	return &f->sites[site < f->site_count ? site : 0];
}

static inline struct mm_measure *mm_sum_thread(struct mm_sums *f, uint32_t thread)
{
	return &f->threads[thread < f->thread_count ? thread : f->thread_count - 1];
}

/* mm_visit_fn, arg = the sums: running totals only; and all sums. */
void mm_sum_total(void *arg, const struct mm_event *ev, struct mm_point after);
void mm_sum_account(void *arg, const struct mm_event *ev, struct mm_point after);

/* Count the objects live where the walk stands: as live at the start of the range (by
 * category), at the peak, at the end. */
void mm_sum_begin_categories(struct mm_sums *f);
void mm_sum_snapshot_peak(struct mm_sums *f);
void mm_sum_snapshot_end(struct mm_sums *f);

/* Calls fn for each known object live where the walk stands. */
void mm_sum_each_live(const struct mm_sums *f, void (*fn)(void *arg, const struct mm_object *o),
		      void *arg);

/* The same as mm_sum_snapshot_end, from births and deaths already counted. */
void mm_sum_derive_end(struct mm_sums *f);

/* The same as the snapshots but for categories, from parts; leaks as if all that lives were
 * born in the range. */
void mm_sum_parts_peak(struct mm_sums *f, const struct mm_parts *p);
void mm_sum_parts_end(struct mm_sums *f, const struct mm_parts *p);

/* Nobody knows. */
void mm_sum_unknown_peak(struct mm_sums *f);
void mm_sum_unknown_live(struct mm_sums *f);
void mm_sum_unknown_leaks(struct mm_sums *f);

/* What follows from the rest when all is counted. */
void mm_sum_finish(struct mm_sums *f);

#endif
