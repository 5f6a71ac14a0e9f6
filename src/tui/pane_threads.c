/* pane_threads.c: threads, and what all of them ask for: sizes and lifetimes. */
#include "base/ratios.h"
#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_TID, COL_LIVE, COL_BLOCKS, COL_ALLOCS, COL_BYTES, COL_FREES, COL_TEMPORARY,
	COL_START, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "thread", 16, 0, 1, 1, 0 },
	[COL_TID] = { "tid", 8, 0, 0, 0, 4 },
	[COL_LIVE] = { "live", 9, 16, 0, 0, 0 },
	[COL_BLOCKS] = { "blocks", 11, 0, 0, 0, 5 },
	[COL_ALLOCS] = { "allocs", 13, 0, 0, 0, 1 },
	[COL_BYTES] = { "allocated", 9, 18, 0, 0, 2 },
	[COL_FREES] = { "frees", 13, 0, 0, 0, 6 },
	[COL_TEMPORARY] = { "temporary", 13, 0, 0, 0, 7 },
	[COL_START] = { "started", 9, 0, 0, 0, 8 },
};

static size_t rows(const struct mm_top *t)
{
	return t->report->thread_count;
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_top *t = ctx;
	const struct mm_report_thread *h = &t->report->threads[row];

	switch (column) {
	case COL_NAME: *ret = mm_value_say(h->name[0] ? h->name : "(no name)"); break;
	case COL_TID: *ret = mm_value_of(MM_VALUE_ID, h->tid ? h->tid : MM_UNKNOWN); break;
	case COL_LIVE: *ret = mm_value_of(MM_VALUE_SIZE, h->own.live_bytes); break;
	case COL_BLOCKS: *ret = mm_value_of(MM_VALUE_COUNT, h->own.live_count); break;
	case COL_ALLOCS: *ret = mm_value_of(MM_VALUE_COUNT, h->own.alloc_count); break;
	case COL_BYTES: *ret = mm_value_of(MM_VALUE_SIZE, h->own.alloc_bytes); break;
	case COL_FREES: *ret = mm_value_of(MM_VALUE_COUNT, h->own.free_count); break;
	case COL_TEMPORARY: *ret = mm_value_of(MM_VALUE_COUNT, h->own.temporary_count); break;
	default: *ret = mm_value_of(MM_VALUE_TIME, h->start_ns);
	}
}

static uint64_t largest(const struct mm_report_bucket *b, size_t n)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = b[i].count > most ? b[i].count : most;
	return most;
}

/* Buckets in a row each; those that hold nothing are left out. */
static void draw_buckets(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, const char *title,
			 const struct mm_report_bucket *b, size_t n, enum mm_value_kind kind)
{
	uint64_t most = largest(b, n);
	int row = 1, width = r.cols - 26;
	char buf[MM_VALUE_TEXT_MOST];

	mm_part_head(c, r, 0, title);
	for (size_t i = 0; i < n && row < r.rows; i++) {
		if (!b[i].count)
			continue;
		struct mm_value low = mm_value_of(kind, b[i].low), count = mm_value_of(MM_VALUE_COUNT, b[i].count);
		mm_canvas_print(c, r, row, 0, MM_STYLE_DIM, "%s", "from");
		mm_canvas_right(c, r, row, 13, MM_STYLE_PLAIN, mm_value_text(&low, 0, buf));
		if (width > 4)
			mm_canvas_bar(c, r, row, 14, width, MM_STYLE_GRAPH, mm_ratio_ppm(b[i].count, most));
		mm_canvas_right(c, r, row++, r.cols, MM_STYLE_PLAIN, mm_value_text(&count, 0, buf));
	}
	(void)t;
}

static void draw_detail(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report *p = t->report;
	struct mm_rect low = mm_rect_below(r, 1);
	int half = r.cols >= 70 ? r.cols / 2 - 1 : r.cols;

	mm_canvas_rule(c, r, 0);
	draw_buckets(t, c, mm_rect_left(low, half), "SIZES asked for", p->sizes, p->size_count,
		     MM_VALUE_SIZE);
	if (half < r.cols)
		draw_buckets(t, c, mm_rect_right(low, half + 2), "LIFETIMES of what was freed", p->lifetimes,
			     p->lifetime_count, MM_VALUE_TIME);
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;
	struct mm_rect head = panel[MM_LIST_HEAD];

	if (head.rows) {
		int col = mm_part_pair(t, c, head, 0, 0, "threads",
				       mm_value_of(MM_VALUE_COUNT, t->report->thread_count));
		mm_canvas_fit(c, head, 0, col, head.cols - col, MM_STYLE_DIM,
			      "live and freed count where the block was born", 0);
	}
	mm_top_table(t, c, panel[MM_LIST_ROWS]);
	if (panel[MM_LIST_DETAIL].rows)
		draw_detail(t, c, panel[MM_LIST_DETAIL]);
}

const struct mm_pane mm_pane_threads = {
	.title = "Threads", .exports = "threads", .columns = columns, .column_count = COLUMNS,
	.sort = COL_LIVE, .rows = rows, .cell = cell, .draw = draw,
};
