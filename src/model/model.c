/* model.c: the order in which a report is made (model.h). */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

enum { TIMELINE_POINTS = 240, SWEEP_EVENTS = 1 << 20, QUICK_EVENTS = 1 << 16 };

static void work_deinit(struct mm_work *w)
{
	for (size_t i = 0; w->sums && i < w->selected_count; i++)
		mm_sums_deinit(&w->sums[i]);
	mm_ranking_deinit(&w->ground);
	if (w->selected_count > 1)
		mm_notes_deinit(&w->notes);
	free(w->sums);
	free(w->budgets);
	free(w->learnt);
	free(w->leak_places);
	free(w->selected);
}

static int find_learnt(struct mm_work *w)
{
	w->learnt = calloc(w->selected_count, sizeof *w->learnt);
	if (!w->learnt)
		return MM_ENOMEM;
	for (size_t i = 0; i < w->selected_count; i++) {
		w->learnt[i] = mm_inquiry_learnt(w->inquiry, w->selected[i]);
		if (!w->learnt[i] || mm_learnt_chunks(w->learnt[i], w->reader))
			return MM_ENOMEM;
	}
	return MM_OK;
}

static int read_notes(struct mm_work *w)
{
	int err = MM_OK;

	if (w->selected_count == 1) {
		err = mm_learnt_notes(w->learnt[0], w->reader, w->names);
		w->notes = w->learnt[0]->notes;
		return err;
	}
	for (size_t i = 0; !err && i < w->selected_count; i++)
		err = mm_notes_read(&w->notes, w->reader, w->selected[i], w->store);
	mm_notes_sort(&w->notes);
	/* A mark without its text would not be found. */
	return err ? err : mm_report_store_failed(w->store) ? MM_ENOMEM : MM_OK;
}

/* A sweep gives a finer timeline: worth it while it costs next to nothing. */
static int is_small(struct mm_work *w)
{
	uint64_t events = 0;

	for (size_t i = 0; i < w->selected_count; i++)
		events += w->learnt[i]->events;
	return events <= (w->options->quick > 1 ? QUICK_EVENTS : SWEEP_EVENTS);
}

static int needs_sweep(const struct mm_model_options *o)
{
	return !o->quick && (o->sweep || (o->by == MM_BY_SIZE && o->metric == MM_METRIC_TEMPORARY));
}

static int set_up(struct mm_work *w)
{
	const struct mm_model_options *o = w->options;
	w->small = is_small(w);
	int sweep = needs_sweep(o) || w->small;

	w->sums = calloc(w->selected_count, sizeof *w->sums);
	if (!w->sums)
		return MM_ENOMEM;
	/* All shares first: categories that one process names count for all. */
	for (size_t i = 0; i < w->selected_count; i++) {
		int err = mm_learnt_shares(w->learnt[i], w->reader, o->categories, w->naming);
		if (err)
			return err;
	}
	int err = mm_work_budgets(w);
	if (err)
		return err;
	for (size_t i = 0; i < w->selected_count; i++, w->ready++) {
		struct mm_sums *s = &w->sums[i];
		err = mm_sums_init(s, w->reader, w->learnt[i], w->from, w->to);
		if (err)
			return err;
		s->sweep = sweep;
		s->quick = o->quick && !sweep;
		s->births_wanted = o->metric == MM_METRIC_LEAKS || o->objects || o->map.want;
		s->point_wanted = TIMELINE_POINTS;
		s->progress = o->progress;
		s->budgets = w->budgets;
		s->budget_count = w->budget_count;
	}
	return MM_OK;
}

/* Of several processes together it takes every event. */
static void leave_peak(struct mm_work *w)
{
	for (size_t i = 0; i < w->selected_count; i++) {
		w->sums[i].peak_given = w->sums[i].peak_unseen = 1;
		w->sums[i].peak_bytes = w->sums[i].peak_time = MM_UNKNOWN;
	}
}

static int collect(struct mm_work *w, struct mm_diag *diag)
{
	int err = set_up(w);

	if (!err && w->selected_count > 1 && w->sums[0].quick)
		leave_peak(w);
	else if (!err && w->selected_count > 1)
		err = mm_work_merge_peak(w, diag);
	for (size_t i = 0; !err && i < w->selected_count; i++)
		err = mm_sums_collect(&w->sums[i], diag);
	w->ground = (struct mm_ranking){
		.reader = w->reader, .naming = w->naming, .store = w->store,
		.sums = w->sums, .sum_count = w->ready, .categories = w->options->categories,
	};
	return err;
}

static int fill(struct mm_work *w)
{
	int err = mm_fill_run(w);

	if (!err)
		err = mm_fill_totals(w);
	if (!err)
		err = mm_fill_processes(w);
	if (!err)
		err = mm_fill_categories(w);
	if (!err)
		err = mm_fill_pools(w);
	if (!err)
		err = mm_fill_threads(w);
	if (!err)
		err = mm_fill_histograms(w);
	if (!err)
		err = mm_fill_timeline(w);
	if (!err)
		err = mm_fill_notes(w);
	if (!err)
		err = mm_fill_tiers(w);
	if (!err)
		err = mm_fill_gpu(w);
	if (!err)
		err = mm_fill_pressure(w);
	if (!err)
		err = mm_fill_match(w);
	if (!err)
		err = mm_fill_tables(w);
	if (!err && w->options->tree != MM_TREE_NONE)
		err = mm_fill_tree(w);
	if (!err)
		err = mm_fill_rates(w);
	if (!err)
		err = mm_fill_leaks(w);
	if (!err)
		err = mm_fill_map(w);
	if (!err)
		err = mm_fill_frames(w);
	return err ? err : mm_report_store_failed(w->store) ||
			   mm_report_store_failed(w->names) ? MM_ENOMEM : MM_OK;
}

int mm_work_make(struct mm_work *w, struct mm_diag *diag)
{
	int err = mm_work_select(w, diag);

	if (!err)
		err = find_learnt(w);
	if (!err)
		err = read_notes(w);
	if (!err)
		err = mm_work_range(w, diag);
	if (!err)
		err = collect(w, diag);
	if (!err)
		err = fill(w);
	work_deinit(w);
	return err;
}

int mm_model_report(struct mm_report **ret, struct mm_reader *r,
		    const struct mm_model_options *options, struct mm_diag *diag)
{
	struct mm_inquiry_options o = { .categories = options->categories,
					.symbols = options->symbols };
	struct mm_inquiry *q;
	int err = mm_inquiry_open(&q, r, &o);

	if (err)
		return err;
	err = mm_inquiry_report(ret, q, options, diag);
	mm_inquiry_close(q);
	return err;
}
