/* text_table.c: tables of the text report, and the stacks under their rows
 * (text_parts.h). */
#include <string.h>

#include "view/text_parts.h"
#include "base/utf8.h"

enum { FIGURES = 36, FULL_FRAMES = 64 };

static int is_count(enum mm_metric metric)
{
	return metric == MM_METRIC_ALLOCS || metric == MM_METRIC_TEMPORARY;
}

static uint64_t objects(const struct mm_measure *m, enum mm_metric metric)
{
	switch (metric) {
	case MM_METRIC_PEAK: return m->peak_count;
	case MM_METRIC_LIVE: return m->live_count;
	case MM_METRIC_LEAKS: return m->leak_count;
	case MM_METRIC_BYTES: return m->alloc_count;
	case MM_METRIC_ALLOCS: return m->alloc_bytes;
	default: return m->alloc_count;
	}
}

static const char *object_head(enum mm_metric metric)
{
	switch (metric) {
	case MM_METRIC_ALLOCS: return "bytes";
	case MM_METRIC_BYTES: return "calls";
	case MM_METRIC_TEMPORARY: return "of calls";
	default: return "objects";
	}
}

static int has_callees(enum mm_by by)
{
	return by == MM_BY_FUNCTION || by == MM_BY_FILE || by == MM_BY_LIBRARY;
}

static void put_head(struct mm_pen *p, const struct mm_report_table *t)
{
	int two = has_callees(t->by);

	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%12s %8s %12s", is_count(t->metric) ? "count" : "bytes", "share",
		object_head(t->metric));
	if (two)
		fprintf(p->out, " %12s", "with callees");
	fprintf(p->out, "  %s\n", mm_by_name(t->by));
	mm_pen_plain(p);
}

static const char *figure(struct mm_pen *p, char *buf, enum mm_metric metric, uint64_t v)
{
	return is_count(metric) ? mm_pen_count(buf, v) : mm_pen_size(p, buf, v);
}

/* Figures of one row; returns the columns they took. */
static size_t put_figures(struct mm_pen *p, const struct mm_report_table *t,
			  const struct mm_measure *own, const struct mm_measure *inclusive)
{
	char value[MM_PEN_TEXT], share[MM_PEN_TEXT], other[MM_PEN_TEXT];
	uint64_t v = mm_measure_get(own, t->metric);
	uint64_t n = objects(own, t->metric);
	size_t used = 34;

	fprintf(p->out, "%12s %8s %12s", figure(p, value, t->metric, v),
		mm_pen_share(share, v, mm_measure_get(&t->total, t->metric)),
		t->metric == MM_METRIC_ALLOCS ? mm_pen_size(p, other, n) : mm_pen_count(other, n));
	if (inclusive) {
		fprintf(p->out, " %12s",
			figure(p, value, t->metric, mm_measure_get(inclusive, t->metric)));
		used += 13;
	}
	fputs("  ", p->out);
	return used + 2;
}

size_t mm_text_room(const struct mm_pen *p, size_t used)
{
	size_t width = (size_t)p->options->width;

	return width > used + 12 ? width - used : 12;
}

/* NAME  PLACE, the place kept whole where it fits. */
static void put_name(struct mm_pen *p, const char *name, const char *place, size_t columns)
{
	size_t place_columns = mm_utf8_columns(place);
	size_t most = columns / 2;

	if (place_columns > most)
		place_columns = most;
	size_t used = mm_pen_name(p, name, *place ? columns - place_columns - 2 : columns);
	if (*place && (p->options->full_paths || used + 2 + place_columns <= columns)) {
		fputs("  ", p->out);
		mm_pen_ink(p, MM_INK_DIM);
		mm_pen_text(p, place, place_columns, 1);
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
}

static void put_frame(struct mm_pen *p, const struct mm_report_frame *f, size_t indent)
{
	char place[320];
	const char *slash = strrchr(f->file, '/');
	const char *file = p->options->full_paths || !slash ? f->file : slash + 1;

	if (*f->file && f->line)
		snprintf(place, sizeof place, "%.300s:%u", file, f->line);
	else
		snprintf(place, sizeof place, "%.300s", *f->file ? file
			 : *f->function ? p->options->full_paths ? f->path : f->library : "");
	mm_pen_pad(p, indent);
	fputs(f->inlined ? "~ " : "  ", p->out);
	put_name(p, f->name, place, mm_text_room(p, indent + 2));
}

static void put_full(struct mm_pen *p, const struct mm_report *r,
		     const struct mm_report_stack *s, size_t indent)
{
	uint32_t end = s->count - s->first > FULL_FRAMES ? s->first + FULL_FRAMES : s->count;

	for (uint32_t i = s->first + 1; i < end; i++)
		put_frame(p, &r->frames[s->frames[i]], indent);
	if (end < s->count) {
		mm_pen_pad(p, indent + 2);
		fprintf(p->out, "(%u more)\n", s->count - end);
	}
}

static void put_rest(struct mm_pen *p, const struct mm_report_table *t, int two)
{
	if (!t->rest_count && !mm_measure_get(&t->rest, t->metric))
		return;
	put_figures(p, t, &t->rest, NULL);
	if (two)
		mm_pen_pad(p, 13);
	mm_pen_ink(p, MM_INK_DIM);
	if (t->rest_count)
		fprintf(p->out, "(%zu more; -n 0 shows all)\n", t->rest_count);
	else
		fputs("(site unknown)\n", p->out);
	mm_pen_plain(p);
}

/* The same table cut to `limit` rows, the others added to the rest. */
static struct mm_report_table cut_table(const struct mm_text_merged *m, size_t limit)
{
	struct mm_report_table cut = m->table;

	for (size_t i = limit; limit && i < m->table.count; i++) {
		mm_measure_add(&cut.rest, &m->table.rows[i].own);
		cut.rest_count += m->sites ? m->sites[i] : 1;
		cut.count = limit;
	}
	return cut;
}

static void put_row(struct mm_pen *p, const struct mm_report *r, const struct mm_report_table *t,
		    size_t i, enum mm_text_stacks stacks, uint32_t sites)
{
	const struct mm_report_row *row = &t->rows[i];
	int two = has_callees(t->by);
	size_t used = put_figures(p, t, &row->own, two ? &row->inclusive : NULL);

	put_name(p, row->name, row->place, mm_text_room(p, used));
	if (row->stack == MM_NO_STACK)
		return;
	if (stacks == MM_STACKS_CHAIN)
		mm_text_chain(p, r, &r->stacks[row->stack], FIGURES, sites);
	else if (stacks == MM_STACKS_FULL)
		put_full(p, r, &r->stacks[row->stack], FIGURES - 2);
}

void mm_text_table(struct mm_pen *p, const struct mm_report *r,
		   const struct mm_report_table *whole, enum mm_text_stacks stacks, size_t limit)
{
	struct mm_text_merged merged = { .table = *whole };

	if (!whole->count && !whole->rest_count) {
		fputs(whole->total.peak_bytes || whole->total.live_bytes ?
		      "  not known: it is not in the trace\n" : "  nothing\n", p->out);
		return;
	}
	if (stacks == MM_STACKS_CHAIN)
		mm_text_merge(r, whole, &merged);
	struct mm_report_table t = cut_table(&merged, limit);
	put_head(p, &t);
	for (size_t i = 0; i < t.count; i++)
		put_row(p, r, &t, i, stacks, merged.sites ? merged.sites[i] : 1);
	put_rest(p, &t, has_callees(t.by));
	mm_text_merge_deinit(&merged);
}
