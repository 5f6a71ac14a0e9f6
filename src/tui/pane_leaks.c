/* pane_leaks.c: what was allocated in the range and still lives at its end, by stack. */
#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_SITE, COL_PLACE, COL_VERDICT, COL_GROWTH, COL_LIVE, COL_BLOCKS, COL_MEAN, COL_ALLOCS,
	COL_OLDEST, COL_TREND, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_SITE] = { "allocating frame", 20, 0, 1, 1, 0 },
	[COL_PLACE] = { "place", 12, 0, 1, 1, 6 },
	[COL_VERDICT] = { "verdict", 7, 0, 0, 1, 1 },
	[COL_GROWTH] = { "growth", 13, 18, 0, 0, 3 },
	[COL_LIVE] = { "live", 9, 16, 0, 0, 0 },
	[COL_BLOCKS] = { "blocks", 11, 0, 0, 0, 2 },
	[COL_MEAN] = { "mean", 9, 12, 0, 0, 8 },
	[COL_ALLOCS] = { "allocs", 13, 0, 0, 0, 7 },
	[COL_OLDEST] = { "oldest", 9, 0, 0, 0, 4 },
	[COL_TREND] = { "trend", 12, 0, 0, 1, 5 },
};

static const struct mm_report_row *leak(const struct mm_top *t, size_t row)
{
	return &t->report->leaks.rows[row];
}

static size_t rows(const struct mm_top *t)
{
	return t->report->leaks.count;
}

static uint64_t age(const struct mm_top *t, const struct mm_report_row *l)
{
	uint64_t to = t->report->run.to_ns;

	return l->oldest_ns == MM_UNKNOWN || to == MM_UNKNOWN || l->oldest_ns > to ? MM_UNKNOWN
		: to - l->oldest_ns;
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_top *t = ctx;
	const struct mm_report_row *l = leak(t, row);
	const struct mm_report_leak *more = &t->report->leak_rows[row];

	switch (column) {
	case COL_SITE: *ret = mm_value_say(l->name); break;
	case COL_PLACE: *ret = (struct mm_value){ .kind = MM_VALUE_PATH, .text = l->place }; break;
	case COL_LIVE: *ret = mm_value_of(MM_VALUE_SIZE, l->own.leak_bytes); break;
	case COL_BLOCKS: *ret = mm_value_of(MM_VALUE_COUNT, l->own.leak_count); break;
	case COL_MEAN:
		*ret = mm_value_of(MM_VALUE_SIZE, l->own.leak_count ? l->own.leak_bytes / l->own.leak_count
								    : MM_UNKNOWN);
		break;
	case COL_ALLOCS: *ret = mm_value_of(MM_VALUE_COUNT, l->own.alloc_count); break;
	case COL_VERDICT:
		*ret = mm_value_say(mm_leak_verdict_word(more->verdict));
		ret->style = more->verdict == MM_LEAK_GROW ? MM_STYLE_WARN : MM_STYLE_PLAIN;
		break;
	case COL_GROWTH:
		*ret = mm_value_of(MM_VALUE_RATE, more->growth_known ? (uint64_t)more->growth_bytes_per_s
								     : MM_UNKNOWN);
		ret->text = more->growth_known ? "" : NULL;
		break;
	case COL_TREND:
		*ret = (struct mm_value){ .kind = MM_VALUE_TREND, .trend = more->live_bytes,
			.count = MM_LEAK_STEPS };
		break;
	default: *ret = mm_value_of(MM_VALUE_TIME, age(t, l));
	}
}

static void ask(const struct mm_top *t, struct mm_question *q)
{
	(void)t;
	q->objects = 1; /* ages */
}

static void draw_head(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report_table *l = &t->report->leaks;
	int col = mm_part_pair(t, c, r, 0, 0, "still live",
			       mm_value_of(MM_VALUE_SIZE, l->total.leak_bytes));

	col = mm_part_pair(t, c, r, 0, col, "blocks", mm_value_of(MM_VALUE_COUNT, l->total.leak_count));
	col = mm_part_pair(t, c, r, 0, col, "stacks",
			   mm_value_of(MM_VALUE_COUNT, l->count + l->rest_count));
	if (l->rest_count)
		col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, "the largest %zu below", l->count) + 2;
	if (t->report->run.from_ns)
		col += mm_canvas_text(c, r, 0, col, MM_STYLE_DIM, "born in the range") + 2;
	/* Half of it would say the opposite. */
	mm_canvas_text(c, r, 0, col, MM_STYLE_DIM,
		       r.cols - col >= 54 ? "live is no proof of a leak: nobody looked for pointers"
		       : r.cols - col >= 19 ? "no proof of a leak" : "");
}

static void draw_stack_of(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t which = mm_top_selected(t);

	mm_canvas_rule(c, r, 0);
	if (which == SIZE_MAX || leak(t, which)->stack == MM_NO_STACK)
		return;
	uint32_t stack = leak(t, which)->stack;
	mm_canvas_print(c, r, 1, 0, MM_STYLE_HEAD, "STACK id %s", t->report->stacks[stack].id);
	mm_part_stack(t, c, mm_rect_below(r, 2), stack);
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;

	if (panel[MM_LEAKS_HEAD].rows)
		draw_head(t, c, panel[MM_LEAKS_HEAD]);
	mm_top_table(t, c, panel[MM_LEAKS_TABLE]);
	if (panel[MM_LEAKS_STACK].rows)
		draw_stack_of(t, c, panel[MM_LEAKS_STACK]);
}

const struct mm_pane mm_pane_leaks = {
	.title = "Leaks", .exports = "stacks", .columns = columns, .column_count = COLUMNS,
	.sort = -1, .ask = ask, .rows = rows, .cell = cell, .draw = draw, .detail = draw_stack_of,
};
