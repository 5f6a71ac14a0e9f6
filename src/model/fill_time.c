/* fill_time.c: what a report says over time: timeline, marks, metrics, samples (work.h). */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"
#include "model/work.h"

enum { KEPT_SAMPLES = 240, KEPT_VALUES = 240, KEPT_POINTS = 480 };

/* --- timeline ------------------------------------------------------------------------ */

/* A step of one process: its live figures from then on. */
struct time_step { struct mm_sum_point point; uint32_t sum; };

static int step_order(const void *a, const void *b)
{
	const struct time_step *x = a, *y = b;

	if (x->point.time != y->point.time)
		return x->point.time < y->point.time ? -1 : 1;
	return x->sum < y->sum ? -1 : x->sum > y->sum;
}

static struct time_step *gather_steps(const struct mm_work *w, size_t *ret_count)
{
	size_t n = 0;

	for (size_t i = 0; i < w->ready; i++)
		n += w->sums[i].point_count + 1;
	struct time_step *steps = calloc(n + 1, sizeof *steps);
	if (!steps)
		return NULL;
	n = 0;
	for (size_t i = 0; i < w->ready; i++) {
		const struct mm_sums *s = &w->sums[i];
		for (size_t k = 0; k < s->point_count; k++)
			steps[n++] = (struct time_step){ s->points[k], (uint32_t)i };
		/* Among several, a process that is over holds nothing any more. */
		uint64_t end = mm_reader_process(w->reader, s->process)->end_time;
		if (w->ready > 1 && s->point_count && end < w->to)
			steps[n++] = (struct time_step){ { .time = end }, (uint32_t)i };
	}
	qsort(steps, n, sizeof *steps, step_order);
	*ret_count = n;
	return steps;
}

static int alloc_timeline(struct mm_report_store *s, struct mm_report_timeline *t, size_t n)
{
	uint64_t **arrays[] = { &t->t_ns, &t->live_bytes, &t->live_count, &t->peak_bytes,
				&t->alloc_count, &t->alloc_bytes, &t->free_count, &t->rss_bytes };

	for (size_t i = 0; n && i < sizeof arrays / sizeof *arrays; i++) {
		*arrays[i] = mm_report_store_alloc(s, n, sizeof **arrays[i]);
		if (!*arrays[i])
			return MM_ENOMEM;
	}
	return MM_OK;
}

/* Adds one step to point `at`; live = what each process holds, summed up by the caller. */
static void add_step(struct mm_report_timeline *t, size_t at, const struct time_step *s,
		     uint64_t bytes, uint64_t count, uint64_t peak)
{
	t->t_ns[at] = s->point.time;
	t->live_bytes[at] = bytes;
	t->live_count[at] = count;
	if (peak > t->peak_bytes[at])
		t->peak_bytes[at] = peak;
	t->alloc_count[at] += s->point.alloc_count;
	t->alloc_bytes[at] += s->point.alloc_bytes;
	t->free_count[at] += s->point.free_count;
}

static void put_rss(const struct mm_work *w, struct mm_report_timeline *t)
{
	size_t k = 0;

	for (size_t i = 0; i < t->count; i++)
		t->rss_bytes[i] = MM_UNKNOWN;
	if (w->selected_count != 1)
		return;
	for (size_t i = 0; i < w->notes.sample_count; i++) {
		const struct mm_note_sample *s = &w->notes.samples[i];
		while (k < t->count && t->t_ns[k] < s->time)
			k++;
		if (k < t->count)
			t->rss_bytes[k] = s->sample.rss_bytes;
	}
}

int mm_fill_timeline(struct mm_work *w)
{
	struct mm_report_timeline *t = &w->report->timeline;
	size_t n, each;
	struct time_step *steps = gather_steps(w, &n);
	struct mm_sum_point *now = calloc(w->ready + 1, sizeof *now);
	int err = steps && now ? MM_OK : MM_ENOMEM;

	each = err ? 1 : (n + KEPT_POINTS - 1) / KEPT_POINTS;
	if (!err) {
		t->count = n ? (n + each - 1) / each : 0;
		err = alloc_timeline(w->store, t, t->count);
	}
	uint64_t bytes = 0, count = 0;
	for (size_t i = 0; !err && i < n; i++) {
		struct mm_sum_point *was = &now[steps[i].sum];
		uint64_t others = bytes - was->live_bytes;
		bytes = others + steps[i].point.live_bytes;
		count += steps[i].point.live_count - was->live_count;
		*was = steps[i].point;
		add_step(t, i / each, &steps[i], bytes, count, others + steps[i].point.peak_bytes);
	}
	free(steps);
	free(now);
	if (!err)
		put_rss(w, t);
	return err;
}

/* --- notes --------------------------------------------------------------------------- */

static int in_range(const struct mm_work *w, uint64_t time)
{
	return time >= w->from && time < w->to;
}

static int fill_marks(struct mm_work *w)
{
	struct mm_report *r = w->report;
	const struct mm_notes *n = &w->notes;

	r->marks = mm_report_store_alloc(w->store, n->mark_count, sizeof *r->marks);
	if (n->mark_count && !r->marks)
		return MM_ENOMEM;
	for (size_t i = 0; i < n->mark_count; i++)
		if (in_range(w, n->marks[i].time))
			r->marks[r->mark_count++] = (struct mm_report_mark){
				n->marks[i].text, n->marks[i].time, n->marks[i].process };
	return MM_OK;
}

static int fill_samples(struct mm_work *w)
{
	struct mm_report *r = w->report;
	const struct mm_notes *n = &w->notes;
	size_t each = n->sample_count / KEPT_SAMPLES + 1;

	r->samples = mm_report_store_alloc(w->store, n->sample_count / each + 2,
					   sizeof *r->samples);
	if (!r->samples)
		return MM_ENOMEM;
	for (size_t i = 0; i < n->sample_count; i++) {
		const struct mm_note_sample *s = &n->samples[i];
		int largest = s->time == r->totals.unaccounted_at_ns && i % each != 0;
		if (in_range(w, s->time) && (i % each == 0 || largest) &&
		    r->sample_count < n->sample_count / each + 2)
			r->samples[r->sample_count++] =
				(struct mm_report_sample){ s->time, s->process, s->sample };
	}
	return MM_OK;
}

/* --- series: a program may name very many ------------------------------------------------ */

struct series_fill {
	struct mm_work *w;
	struct mm_report_series *series;
	size_t count, cap;
	struct mm_map by_name; /* place in series + 1; texts are the store's: equal ones are one */
};

static int count_value(struct series_fill *f, const struct mm_note_metric *m)
{
	struct mm_map_place *place = mm_map_find(&f->by_name, (uintptr_t)m->name);

	if (!place) {
		if (MM_GROW(f->series, f->cap, f->count + 1) ||
		    mm_map_set(&f->by_name, (uintptr_t)m->name, (uint32_t)f->count + 1))
			return MM_ENOMEM;
		f->series[f->count++] = (struct mm_report_series){ .name = m->name,
			.first = m->value, .min = m->value, .max = m->value };
	}
	struct mm_report_series *s = &f->series[place ? place->value - 1 : f->count - 1];
	s->count++;
	s->last = m->value;
	s->min = m->value < s->min ? m->value : s->min;
	s->max = m->value > s->max ? m->value : s->max;
	return MM_OK;
}

/* Values of a series that one point stands for. */
static size_t group_of(const struct mm_report_series *s)
{
	return (s->count + KEPT_VALUES - 1) / KEPT_VALUES;
}

static int make_room(struct series_fill *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct mm_report_series *s = &f->series[i];
		size_t points = s->count / group_of(s) + 1;
		s->t_ns = mm_report_store_alloc(f->w->store, points, sizeof *s->t_ns);
		s->values = mm_report_store_alloc(f->w->store, points, sizeof *s->values);
		if (!s->t_ns || !s->values)
			return MM_ENOMEM;
	}
	return MM_OK;
}

/* The last of each group, so that the newest value is always there. */
static int keep_values(struct series_fill *f)
{
	const struct mm_notes *n = &f->w->notes;
	size_t *seen = calloc(f->count + 1, sizeof *seen);

	for (size_t i = 0; seen && i < n->metric_count; i++) {
		const struct mm_note_metric *m = &n->metrics[i];
		if (!in_range(f->w, m->time))
			continue;
		size_t k = mm_map_find(&f->by_name, (uintptr_t)m->name)->value - 1;
		struct mm_report_series *s = &f->series[k];
		size_t at = seen[k]++ / group_of(s);
		s->t_ns[at] = m->time;
		s->values[at] = m->value;
		s->point_count = at + 1;
	}
	int err = seen ? MM_OK : MM_ENOMEM;
	free(seen);
	return err;
}

static int take_series(struct series_fill *f)
{
	struct mm_report *r = f->w->report;
	int err = MM_OK;

	for (size_t i = 0; !err && i < f->w->notes.metric_count; i++)
		if (in_range(f->w, f->w->notes.metrics[i].time))
			err = count_value(f, &f->w->notes.metrics[i]);
	if (!err)
		err = make_room(f);
	if (!err)
		err = keep_values(f);
	if (err || !f->count)
		return err;
	r->series = mm_report_store_copy(f->w->store, f->series, f->count, sizeof *f->series);
	r->series_count = r->series ? f->count : 0;
	return r->series ? MM_OK : MM_ENOMEM;
}

static int fill_series(struct mm_work *w)
{
	struct series_fill f = { .w = w };
	int err = take_series(&f);

	free(f.series);
	mm_map_deinit(&f.by_name);
	return err;
}

int mm_fill_notes(struct mm_work *w)
{
	int err = fill_marks(w);

	if (!err)
		err = fill_samples(w);
	return err ? err : fill_series(w);
}
