/* pane_overview.c: where the memory is, at a glance. */
#include <inttypes.h>
#include <string.h>

#include "base/ratios.h"
#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_LIVE, COL_BUDGET, COL_USED, COL_SHARE, COL_DELTA, COL_PEAK, COL_BLOCKS,
	COL_STATE, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "TOP CATEGORIES", 16, 0, 3, 1, 0 },
	[COL_LIVE] = { "live", 9, 16, 0, 0, 0 },
	[COL_BUDGET] = { "budget", 9, 16, 0, 0, 3 },
	[COL_USED] = { "used", 12, 12, 1, 1, 4 },
	[COL_SHARE] = { "live%", 6, 0, 0, 0, 1 },
	[COL_DELTA] = { "delta", 10, 17, 0, 0, 5 },
	[COL_PEAK] = { "peak", 9, 16, 0, 0, 6 },
	[COL_BLOCKS] = { "blocks", 11, 0, 0, 0, 7 },
	[COL_STATE] = { "state", 5, 0, 0, 1, 2 },
};

/* The same figures as the screen of the categories, by fewer columns. */
static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	static const char *const there[COLUMNS] = {
		"category", "live", "budget", "used", "live%", "delta", "peak", "blocks", "state",
	};
	const struct mm_pane *p = &mm_pane_categories;

	for (int i = 0; i < p->column_count; i++)
		if (strcmp(p->columns[i].title, there[column]) == 0)
			p->cell(ctx, row, i, ret);
}

static size_t rows(const struct mm_top *t)
{
	return t->report->category_count;
}

/* --- bars ---------------------------------------------------------------------------------- */

struct bar { const char *name, *of; uint64_t bytes, most; };

static void draw_bar(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row,
		     const struct bar *b)
{
	char buf[MM_VALUE_TEXT_MOST];
	uint64_t ppm = mm_ratio_ppm(b->bytes, b->most);
	struct mm_value v = mm_value_of(MM_VALUE_SIZE, b->bytes),
		share = mm_value_of(MM_VALUE_PPM, ppm), most = mm_value_of(MM_VALUE_SIZE, b->most);
	int number = t->bytes ? 18 : 10, text = 46, width = r.cols - 14 - number - text;
	int limit = strstr(b->of, "limit") != NULL;

	mm_canvas_text(c, r, row, 1, MM_STYLE_PLAIN, b->name);
	mm_canvas_right(c, r, row, 13 + number, MM_STYLE_BOLD, mm_value_text(&v, t->bytes, buf));
	int col = 14 + number;
	if (width >= 10 && !c->plain) {
		width = width > 60 ? 60 : width;
		mm_canvas_bar(c, r, row, col, width, limit ? mm_part_level_style(ppm) : MM_STYLE_GRAPH, ppm);
		col += width + 1;
	}
	if (b->most == MM_UNKNOWN) {
		mm_canvas_text(c, r, row, col, MM_STYLE_DIM, b->of);
		return;
	}
	mm_canvas_right(c, r, row, col + 6, MM_STYLE_PLAIN, mm_value_text(&share, 0, buf));
	col += 7;
	col += mm_canvas_print(c, r, row, col, MM_STYLE_PLAIN, "of %s ", mm_value_text(&most, t->bytes, buf));
	mm_canvas_fit(c, r, row, col, r.cols - col, MM_STYLE_DIM, b->of, 0);
}

static uint64_t pools_committed(const struct mm_report *p, uint64_t *ret_live)
{
	uint64_t all = 0;

	*ret_live = 0;
	for (size_t i = 0; i < p->pool_count; i++) {
		if (p->pools[i].committed_bytes == MM_UNKNOWN || p->pools[i].live_bytes == MM_UNKNOWN)
			continue;
		all += p->pools[i].committed_bytes;
		*ret_live += p->pools[i].live_bytes;
	}
	return all;
}

static const char *limit_name(const struct mm_report_pressure *p)
{
	if (p->sample.limit_bytes == MM_UNKNOWN)
		return "no limit known";
	return p->limit_kind == MM_LIMIT_CGROUP ? "limit of the control group"
	     : p->limit_kind == MM_LIMIT_MACHINE ? "limit, the machine's" : "limit";
}

static void draw_bars(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report *p = t->report;
	const struct mm_report_pressure *now = &p->pressure;
	uint64_t live, slabs = pools_committed(p, &live);
	struct mm_value peak_at = mm_value_of(MM_VALUE_TIME, p->totals.peak_at_ns);
	char at[MM_VALUE_TEXT_MOST], when[96];

	snprintf(when, sizeof when, "%s%s", now->sample.limit_bytes == MM_UNKNOWN ? "at " : "limit, at ",
		 mm_value_text(&peak_at, 0, at));
	const struct bar bars[] = {
		{ "heap live", "heap peak", p->totals.all.live_bytes, p->totals.peak_live_bytes },
		{ "heap peak", when, p->totals.peak_live_bytes, now->sample.limit_bytes },
		{ "rss", limit_name(now), now->sample.rss_bytes, now->sample.limit_bytes },
		{ "unaccounted", "rss then", p->totals.unaccounted_bytes,
		  p->totals.unaccounted_bytes == MM_UNKNOWN ? MM_UNKNOWN
							    : p->totals.unaccounted_rss_bytes },
		{ "pools free", slabs ? "slabs" : p->pool_count ? "no slabs any more" : "no pools in this trace",
		  slabs ? slabs - live : MM_UNKNOWN, slabs ? slabs : MM_UNKNOWN },
	};
	for (int i = 0; i < 5 && i < r.rows; i++)
		draw_bar(t, c, r, i, &bars[i]);
}

/* --- rates, curve, log ----------------------------------------------------------------------- */

/* Of the last second, or as near to it as the trace tells. */
static struct mm_value each_second(uint64_t n, uint64_t window)
{
	return mm_value_of(MM_VALUE_COUNT, mm_ratio_per_second(n, window));
}

static void draw_rates(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_measure *m = &t->report->totals.all;
	const struct mm_report_rates *now = &t->report->rates;
	int col = mm_part_pair(t, c, r, 0, 1, "allocs/s", each_second(now->alloc_count, now->window_ns));

	col = mm_part_pair(t, c, r, 0, col, "frees/s", each_second(now->free_count, now->window_ns));
	col = mm_part_pair(t, c, r, 0, col, "live blocks", mm_value_of(MM_VALUE_COUNT, m->live_count));
	col = mm_part_pair(t, c, r, 0, col, "allocs", mm_value_of(MM_VALUE_COUNT, m->alloc_count));
	col = mm_part_pair(t, c, r, 0, col, "frees", mm_value_of(MM_VALUE_COUNT, m->free_count));
	mm_part_pair(t, c, r, 0, col, "temporary",
		     mm_value_of(MM_VALUE_PPM, mm_ratio_ppm(m->temporary_count, m->alloc_count)));
}

static void draw_curve(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	uint64_t values[MM_CANVAS_MOST], most;
	char buf[MM_UNITS_TEXT];
	const struct mm_report *p = t->report;

	mm_part_columns(p, MM_LINE_PEAK, p->run.from_ns, mm_part_end(p), r.cols, values);
	most = mm_part_most(values, r.cols);
	mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "HEAP OVER TIME");
	mm_canvas_print(c, r, 0, 16, MM_STYLE_DIM, "top = %s", mm_format_size(buf, most));
	mm_canvas_curve(c, mm_rect_below(r, 1), MM_STYLE_GRAPH, values, (size_t)r.cols, most);
}

static void draw_log(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	mm_part_head(c, r, 0, "WHAT HAPPENED (newest first)");
	mm_part_log(t, c, mm_rect_below(r, 1), 0, 0);
}

static void draw_sites(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report_table *table = &t->report->table;
	char buf[MM_VALUE_TEXT_MOST], site[MM_PART_SITE];
	int wide = t->bytes ? 16 : 9;

	mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "TOP SITES by %s", mm_metric_name(table->metric));
	for (size_t i = 0; i < table->count && (int)i + 1 < r.rows; i++) {
		uint64_t n = mm_measure_get(&table->rows[i].own, table->metric);
		int counts = table->metric == MM_METRIC_ALLOCS || table->metric == MM_METRIC_TEMPORARY;
		struct mm_value v = mm_value_of(counts ? MM_VALUE_COUNT : MM_VALUE_SIZE, n);
		mm_canvas_right(c, r, (int)i + 1, wide, MM_STYLE_PLAIN, mm_value_text(&v, t->bytes, buf));
		mm_canvas_fit(c, r, (int)i + 1, wide + 2, r.cols - wide - 2, MM_STYLE_PLAIN,
			      mm_part_site(&table->rows[i], site), 0);
	}
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;

	if (panel[MM_OVERVIEW_BARS].rows)
		draw_bars(t, c, panel[MM_OVERVIEW_BARS]);
	if (panel[MM_OVERVIEW_RATES].rows)
		draw_rates(t, c, panel[MM_OVERVIEW_RATES]);
	if (panel[MM_OVERVIEW_CURVE].rows)
		draw_curve(t, c, panel[MM_OVERVIEW_CURVE]);
	if (panel[MM_OVERVIEW_LOG].rows)
		draw_log(t, c, panel[MM_OVERVIEW_LOG]);
	mm_top_table(t, c, panel[MM_OVERVIEW_CATEGORIES]);
	if (panel[MM_OVERVIEW_SITES].rows)
		draw_sites(t, c, panel[MM_OVERVIEW_SITES]);
}

static int act(struct mm_top *t, enum mm_action action)
{
	if (action != MM_ACT_ENTER)
		return 0;
	size_t at = mm_top_list(t)->at;
	mm_top_show(t, MM_SCREEN_CATEGORIES);
	mm_top_list(t)->at = at;
	return 1;
}

const struct mm_pane mm_pane_overview = {
	.title = "Overview", .exports = "categories", .columns = columns, .column_count = COLUMNS,
	.sort = COL_LIVE, .rows = rows, .cell = cell, .draw = draw, .act = act,
};
