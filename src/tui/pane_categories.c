/* pane_categories.c: categories, what is left of their budgets, and who holds them. */
#include <string.h>

#include "base/ratios.h"
#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_LIVE, COL_DELTA, COL_BUDGET, COL_USED, COL_SHARE, COL_PEAK, COL_BLOCKS,
	COL_MEAN, COL_ALLOCS, COL_STATE, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "category", 14, 0, 3, 1, 0 },
	[COL_LIVE] = { "live", 9, 16, 0, 0, 0 },
	[COL_DELTA] = { "delta", 10, 17, 0, 0, 5 },
	[COL_BUDGET] = { "budget", 9, 16, 0, 0, 3 },
	[COL_USED] = { "used", 10, 10, 1, 1, 4 },
	[COL_SHARE] = { "live%", 6, 0, 0, 0, 1 },
	[COL_PEAK] = { "peak", 9, 16, 0, 0, 6 },
	[COL_BLOCKS] = { "blocks", 11, 0, 0, 0, 7 },
	[COL_MEAN] = { "mean", 9, 12, 0, 0, 9 },
	[COL_ALLOCS] = { "allocs", 13, 0, 0, 0, 8 },
	[COL_STATE] = { "state", 5, 0, 0, 1, 2 },
};

static const struct mm_report_category *category(const struct mm_top *t, size_t row)
{
	return &t->report->categories[row];
}

static size_t rows(const struct mm_top *t)
{
	return t->report->category_count;
}

static uint64_t live_ppm(const struct mm_report_category *g)
{
	return mm_ratio_ppm(g->own.live_bytes, g->budget_bytes);
}

static struct mm_value state(const struct mm_report_category *g)
{
	uint64_t ppm = live_ppm(g);
	struct mm_value v = mm_value_say(ppm == MM_UNKNOWN ? "-" : ppm > 1000000 ? "OVER"
					 : ppm >= 900000 ? "near" : g->over ? "was" : "ok");

	v.style = ppm != MM_UNKNOWN && ppm > 1000000 ? MM_STYLE_BAD : mm_part_level_style(ppm);
	return v;
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_top *t = ctx;
	const struct mm_report_category *g = category(t, row), *was;

	switch (column) {
	case COL_NAME: *ret = mm_value_say(g->name); break;
	case COL_LIVE: *ret = mm_value_of(MM_VALUE_SIZE, g->own.live_bytes); break;
	case COL_DELTA:
		was = mm_part_marked_category(t, g->name);
		*ret = mm_value_change(was ? was->own.live_bytes : t->mark ? 0 : MM_UNKNOWN,
				       g->own.live_bytes);
		break;
	case COL_BUDGET: *ret = mm_value_of(MM_VALUE_SIZE, g->budget_bytes); break;
	case COL_USED:
		*ret = mm_value_of(MM_VALUE_BAR, live_ppm(g));
		ret->style = mm_part_level_style(ret->n);
		break;
	case COL_SHARE: *ret = mm_value_of(MM_VALUE_PPM, live_ppm(g)); break;
	case COL_PEAK: *ret = mm_value_of(MM_VALUE_SIZE, g->peak_live_bytes); break;
	case COL_BLOCKS: *ret = mm_value_of(MM_VALUE_COUNT, g->own.live_count); break;
	case COL_MEAN:
		*ret = mm_value_of(MM_VALUE_SIZE, g->own.live_count ? g->own.live_bytes / g->own.live_count
								    : MM_UNKNOWN);
		break;
	case COL_ALLOCS: *ret = mm_value_of(MM_VALUE_COUNT, g->own.alloc_count); break;
	default: *ret = state(g);
	}
}

/* Those that hold what lives, the largest first, whatever is counted elsewhere. */
static void ask(const struct mm_top *t, struct mm_question *q)
{
	(void)t;
	q->metric = MM_METRIC_LIVE;
}

/* --- the category under the cursor ---------------------------------------------------------- */

static int stack_rows(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row, size_t which)
{
	const struct mm_report_table *table = &t->report->table;
	char buf[MM_VALUE_TEXT_MOST], site[MM_PART_SITE];

	for (size_t i = 0; i < table->count && row < r.rows; i++) {
		const struct mm_report_row *s = &table->rows[i];
		if (s->category != which || !s->own.live_bytes)
			continue;
		struct mm_value v = mm_value_of(MM_VALUE_SIZE, s->own.live_bytes);
		mm_canvas_right(c, r, row, t->bytes ? 16 : 9, MM_STYLE_PLAIN,
				mm_value_text(&v, t->bytes, buf));
		int col = t->bytes ? 18 : 11;
		mm_canvas_fit(c, r, row++, col, r.cols - col, MM_STYLE_PLAIN, mm_part_site(s, site), 0);
	}
	return row;
}

static void draw_detail(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t which = mm_top_selected(t);

	if (which == SIZE_MAX)
		return;
	const struct mm_report_category *g = category(t, which);
	int row = 2, col;
	mm_canvas_rule(c, r, 0);
	col = mm_canvas_print(c, r, 1, 0, MM_STYLE_HEAD, "%s", g->name) + 2;
	col = mm_part_pair(t, c, r, 1, col, "peak", mm_value_of(MM_VALUE_SIZE, g->peak_live_bytes));
	col = mm_part_pair(t, c, r, 1, col, "at", mm_value_of(MM_VALUE_TIME, g->peak_at_ns));
	mm_part_pair(t, c, r, 1, col, "freed", mm_value_of(MM_VALUE_COUNT, g->own.free_count));
	for (size_t i = 0; i < t->report->pool_count && row < r.rows; i++) {
		const struct mm_report_pool *p = &t->report->pools[i];
		if (strcmp(p->category, g->name) != 0)
			continue;
		col = mm_canvas_print(c, r, row, 0, MM_STYLE_PLAIN, "pool %s", p->name) + 2;
		col = mm_part_pair(t, c, r, row, col, "live", mm_value_of(MM_VALUE_COUNT, p->live_count));
		col = mm_part_pair(t, c, r, row, col, "slabs", mm_value_of(MM_VALUE_SIZE, p->committed_bytes));
		mm_part_pair(t, c, r, row++, col, "free", mm_value_of(MM_VALUE_PPM, p->fragmentation_ppm));
	}
	if (row + 1 < r.rows) {
		mm_part_head(c, r, row++, "     live  held by");
		stack_rows(t, c, r, row, which);
	}
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;
	struct mm_rect head = panel[MM_LIST_HEAD];

	if (head.rows) {
		int col = mm_part_pair(t, c, head, 0, 0, "live in all",
				       mm_value_of(MM_VALUE_SIZE, t->report->totals.all.live_bytes));
		col = mm_part_pair(t, c, head, 0, col, "categories",
				   mm_value_of(MM_VALUE_COUNT, t->report->category_count));
		if (!t->mark)
			mm_canvas_text(c, head, 0, col, MM_STYLE_DIM, "m marks this moment: delta is the change since");
	}
	mm_top_table(t, c, panel[MM_LIST_ROWS]);
	if (panel[MM_LIST_DETAIL].rows)
		draw_detail(t, c, panel[MM_LIST_DETAIL]);
}

const struct mm_pane mm_pane_categories = {
	.title = "Categories", .exports = "categories", .columns = columns, .column_count = COLUMNS,
	.sort = COL_LIVE, .ask = ask, .rows = rows, .cell = cell, .draw = draw, .detail = draw_detail,
};
