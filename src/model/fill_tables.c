/* fill_tables.c: the tables of a report, and the frames that they use (work.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

struct pick { /* the first places by one metric */
	enum mm_metric metric;
	struct mm_report_table *table;
	struct mm_place *places;
	size_t count, positive;
};

static int pick_all(struct mm_work *w, struct pick *picks, size_t n)
{
	int err = MM_OK;

	for (size_t i = 0; !err && i < n; i++)
		err = mm_ranking_pick(&w->ground, picks[i].metric, w->options->top,
				      &picks[i].places, &picks[i].count, &picks[i].positive);
	/* Every name that a table needs is fetched before the first row is made. */
	for (size_t i = 0; !err && i < n; i++)
		err = mm_ranking_name(&w->ground, picks[i].places, picks[i].count);
	for (size_t i = 0; !err && i < n; i++)
		err = mm_ranking_table(&w->ground, picks[i].metric, picks[i].places,
				       picks[i].count, picks[i].positive, picks[i].table);
	return err;
}

int mm_fill_tables(struct mm_work *w)
{
	struct mm_report *r = w->report;
	struct pick picks[] = {
		{ .metric = MM_METRIC_PEAK, .table = &r->peak },
		{ .metric = MM_METRIC_LEAKS, .table = &r->leaks },
		{ .metric = MM_METRIC_TEMPORARY, .table = &r->temporary },
		{ .metric = MM_METRIC_ALLOCS, .table = &r->allocs },
		{ .metric = w->options->metric, .table = &r->table },
	};
	size_t n = sizeof picks / sizeof *picks;
	int by_site = w->options->by == MM_BY_SITE;
	int err = pick_all(w, picks, by_site ? n : n - 1);

	w->leak_places = picks[1].places;
	picks[1].places = NULL;
	for (size_t i = 0; i < n; i++)
		free(picks[i].places);
	if (!err && !by_site)
		err = mm_fill_groups(w, &r->table);
	if (err)
		return err;
	r->stack_count = w->ground.stack_count;
	r->stacks = mm_report_store_copy(w->store, w->ground.stacks, r->stack_count,
					 sizeof *r->stacks);
	return r->stack_count && !r->stacks ? MM_ENOMEM : MM_OK;
}

/* --- frames -------------------------------------------------------------------------- */

/* New number of frame `old`, given at its first use. */
static uint32_t renumber(struct mm_work *w, uint32_t *number, uint32_t old)
{
	struct mm_report *r = w->report;

	if (!number[old]) {
		r->frames[r->frame_count++] = *mm_naming_frame(w->naming, old);
		number[old] = (uint32_t)r->frame_count;
	}
	return number[old] - 1;
}

static size_t use(uint8_t *used, uint32_t frame)
{
	size_t fresh = !used[frame];

	used[frame] = 1;
	return fresh;
}

static size_t count_used(const struct mm_report *r, uint8_t *used)
{
	size_t n = 0;

	for (size_t i = 0; i < r->stack_count; i++)
		for (uint32_t k = 0; k < r->stacks[i].count; k++)
			n += use(used, r->stacks[i].frames[k]);
	for (size_t i = 0; i < r->tree_count; i++)
		if (r->tree[i].frame != UINT32_MAX)
			n += use(used, r->tree[i].frame);
	return n;
}

/* Only frames in use go into the report. */
int mm_fill_frames(struct mm_work *w)
{
	struct mm_report *r = w->report;
	uint32_t all = mm_naming_frame_count(w->naming);
	uint8_t *used = calloc(all + 1u, 1);
	uint32_t *number = calloc(all + 1u, sizeof *number);
	int err = used && number ? MM_OK : MM_ENOMEM;

	if (!err) {
		size_t n = count_used(r, used);
		r->frames = mm_report_store_alloc(w->store, n, sizeof *r->frames);
		err = n && !r->frames ? MM_ENOMEM : MM_OK;
	}
	for (size_t i = 0; !err && i < r->stack_count; i++) {
		uint32_t *frames = r->stacks[i].frames;
		for (uint32_t k = 0; k < r->stacks[i].count; k++)
			frames[k] = renumber(w, number, frames[k]);
	}
	for (size_t i = 0; !err && i < r->tree_count; i++)
		if (r->tree[i].frame != UINT32_MAX)
			r->tree[i].frame = renumber(w, number, r->tree[i].frame);
	free(used);
	free(number);
	return err;
}
