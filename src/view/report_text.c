/* report_text.c: the order of the text report (report_text.h). */
#include "view/report_text.h"

#include "core/error.h"
#include "view/text_parts.h"
#include "view/text_pen.h"

static void put_title(struct mm_pen *p, const char *title, const struct mm_report_table *t,
		      const char *what)
{
	char rest[160], size[MM_PEN_TEXT], count[MM_PEN_TEXT];
	uint64_t n = t->metric == MM_METRIC_PEAK ? t->total.peak_count : t->total.leak_count;

	if (t->metric == MM_METRIC_PEAK && !n && t->total.peak_bytes) {
		snprintf(rest, sizeof rest, "%s", mm_pen_size(p, size, t->total.peak_bytes));
	} else if (t->metric == MM_METRIC_PEAK || t->metric == MM_METRIC_LEAKS) {
		snprintf(rest, sizeof rest, "%s in %s object%s%s",
			 mm_pen_size(p, size, mm_measure_get(&t->total, t->metric)),
			 mm_pen_count(count, n), n == 1 ? "" : "s", what);
	} else {
		snprintf(rest, sizeof rest, "%s%s",
			 mm_pen_count(count, mm_measure_get(&t->total, t->metric)), what);
	}
	mm_pen_title(p, title, rest);
}

static void put_overview(struct mm_pen *p, const struct mm_report *r)
{
	mm_text_timeline(p, r);
	put_title(p, "PEAK", &r->peak, ", by where they were allocated");
	mm_text_table(p, r, &r->peak, MM_STACKS_CHAIN, p->options->peak_rows);
	mm_text_categories(p, r);
	mm_text_pools(p, r);
	mm_text_pressure(p, r);
	mm_text_tiers(p, r);
	mm_text_gpu(p, r);
	if (r->leaks.total.leak_count) {
		put_title(p, "STILL LIVE AT THE END", &r->leaks, "");
		mm_text_table(p, r, &r->leaks, MM_STACKS_CHAIN, p->options->rows);
	}
	if (r->temporary.count) {
		put_title(p, "TEMPORARY", &r->temporary,
			  " freed with no other allocation between");
		mm_text_table(p, r, &r->temporary, MM_STACKS_CHAIN, p->options->rows);
	}
	if (r->allocs.count) {
		put_title(p, "MOST CALLS", &r->allocs, " allocations");
		mm_text_table(p, r, &r->allocs, MM_STACKS_CHAIN, p->options->rows);
	}
	mm_text_threads(p, r);
	mm_text_histograms(p, r);
	mm_text_notes(p, r);
	mm_text_processes(p, r);
}

static void put_asked(struct mm_pen *p, const struct mm_report *r)
{
	char title[64];

	if (r->tree_kind != MM_TREE_NONE) {
		mm_text_tree(p, r);
		return;
	}
	snprintf(title, sizeof title, "%s by %s", mm_metric_name(r->table.metric),
		 mm_by_name(r->table.by));
	for (char *c = title; *c; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	mm_pen_title(p, title, "");
	mm_text_table(p, r, &r->table,
		      r->table.by == MM_BY_SITE ? MM_STACKS_FULL : MM_STACKS_NONE, 0);
}

int mm_report_text(const struct mm_report *r, const struct mm_text_options *options, FILE *out)
{
	struct mm_pen p = { out, options };

	mm_text_head(&p, r);
	if (options->overview)
		put_overview(&p, r);
	else
		put_asked(&p, r);
	mm_text_hints(&p, r);
	return fflush(out) || ferror(out) ? MM_EIO : MM_OK;
}
