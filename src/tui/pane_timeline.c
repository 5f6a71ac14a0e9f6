/* pane_timeline.c: the run over time; where ranges are chosen and moments gone to. */
#include <string.h>

#include "base/units.h"
#include "tui/top_parts.h"

enum { LABEL = 16 /* columns left of the curves */, ZOOM = 4 };

struct axis { uint64_t from, to; int cols; };

static struct axis axis_of(const struct mm_top *t)
{
	struct mm_rect r = t->panels.panel[MM_TIMELINE_CURVE];
	uint64_t end = mm_top_duration(t), to = t->timeline.shown_to;
	struct axis a = { t->timeline.shown_from, to < end ? to : end, r.cols - LABEL };

	if (a.to <= a.from)
		a.to = a.from + 1;
	a.cols = a.cols > MM_CANVAS_MOST ? MM_CANVAS_MOST : a.cols < 1 ? 1 : a.cols;
	return a;
}

static int column_at(const struct axis *a, uint64_t t)
{
	if (t <= a->from)
		return 0;
	if (t >= a->to)
		return a->cols - 1;
	return (int)((unsigned __int128)(t - a->from) * (unsigned)a->cols / (a->to - a->from));
}

static uint64_t cursor(const struct mm_top *t)
{
	return t->timeline.cursor != MM_UNKNOWN ? t->timeline.cursor
	     : t->to != MM_UNKNOWN ? t->to : mm_top_duration(t);
}

static int is_seen(const struct axis *a, uint64_t t)
{
	return t >= a->from && t <= a->to;
}

/* --- curves --------------------------------------------------------------------------------- */

/* The axis below the curve: its ends, the range, the cursor. */
static void draw_axis(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row,
		      const struct axis *a)
{
	struct mm_rect line = mm_rect_right(r, LABEL);
	uint64_t to = t->to == MM_UNKNOWN ? mm_top_duration(t) : t->to, at = cursor(t);

	mm_canvas_rule(c, line, row);
	mm_canvas_text(c, r, row, 1, MM_STYLE_DIM, "range");
	if (is_seen(a, t->from))
		mm_canvas_put(c, line, row, column_at(a, t->from), MM_STYLE_KEY, 'A');
	if (is_seen(a, to))
		mm_canvas_put(c, line, row, column_at(a, to), MM_STYLE_KEY, 'B');
	if (is_seen(a, at))
		mm_canvas_put(c, line, row, column_at(a, at), MM_STYLE_SELECTED, '^');
}

static void draw_times(struct mm_canvas *c, struct mm_rect r, int row, const struct axis *a)
{
	struct mm_rect line = mm_rect_right(r, LABEL);
	char buf[MM_UNITS_TEXT];
	int each = 16;

	for (int col = 0; col + each <= a->cols; col += each) {
		uint64_t t = a->from + (uint64_t)((unsigned __int128)(a->to - a->from) * (unsigned)col /
						  (unsigned)a->cols);
		mm_canvas_print(c, line, row, col, MM_STYLE_DIM, "|%s", mm_format_time(buf, t));
	}
}

static void draw_curve(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	struct axis a = axis_of(t);
	uint64_t values[MM_CANVAS_MOST], most;
	struct mm_rect curve = mm_rect_right(r, LABEL);
	char buf[MM_UNITS_TEXT];

	curve.rows = r.rows - 2;
	if (curve.rows < 1)
		return;
	mm_part_columns(mm_top_span(t), MM_LINE_PEAK, a.from, a.to, a.cols, values);
	most = mm_part_most(values, a.cols);
	mm_canvas_text(c, r, 0, 1, MM_STYLE_HEAD, "heap");
	mm_canvas_right(c, r, 0, LABEL - 1, MM_STYLE_DIM, mm_format_size(buf, most));
	mm_canvas_curve(c, curve, MM_STYLE_GRAPH, values, (size_t)a.cols, most);
	draw_axis(t, c, r, r.rows - 2, &a);
	draw_times(c, r, r.rows - 1, &a);
}

static void draw_strip(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row,
		       const char *name, enum mm_part_line line, enum mm_value_kind kind)
{
	struct axis a = axis_of(t);
	uint64_t values[MM_CANVAS_MOST];
	struct mm_rect strip = { r.row + row, r.col + LABEL, 1, a.cols };
	char buf[MM_VALUE_TEXT_MOST];

	if (row >= r.rows)
		return;
	mm_part_columns(mm_top_span(t), line, a.from, a.to, a.cols, values);
	struct mm_value most = mm_value_of(kind, mm_part_most(values, a.cols));
	if (!most.n)
		most.n = MM_UNKNOWN;
	mm_canvas_text(c, r, row, 1, MM_STYLE_HEAD, name);
	mm_canvas_right(c, r, row, LABEL - 1, MM_STYLE_DIM, mm_value_text(&most, 0, buf));
	mm_canvas_curve(c, strip, MM_STYLE_GRAPH, values, (size_t)a.cols,
			most.n == MM_UNKNOWN ? 0 : most.n);
}

/* The level at the end of each column. */
static void draw_levels(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row)
{
	const struct mm_report_pressure *p = &mm_top_span(t)->pressure;
	struct axis a = axis_of(t);
	struct mm_rect line = mm_rect_right(r, LABEL);

	if (row >= r.rows)
		return;
	mm_canvas_text(c, r, row, 1, MM_STYLE_HEAD, "level");
	for (size_t i = 0; i < p->log_count; i++) {
		const struct mm_report_log *l = &p->log[i];
		if (l->kind != MM_LOG_LEVEL || l->level >= MM_LEVEL_COUNT)
			continue;
		for (int col = l->t_ns < a.from ? 0 : column_at(&a, l->t_ns); col < a.cols; col++)
			mm_canvas_put(c, line, row, col, mm_part_level_look(l->level),
				      '0' + (uint32_t)l->level);
	}
}

/* Letters say what it was: m for a mark, e, d, b. */
static void draw_marks(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row)
{
	static const char letter[] = { [MM_LOG_EVICT] = 'e', [MM_LOG_DENY] = 'd', [MM_LOG_BUDGET] = 'b',
		[MM_LOG_MARK] = 'm' };
	const struct mm_report_pressure *p = &mm_top_span(t)->pressure;
	struct axis a = axis_of(t);
	struct mm_rect line = mm_rect_right(r, LABEL);

	if (row >= r.rows)
		return;
	mm_canvas_text(c, r, row, 1, MM_STYLE_HEAD, "events");
	for (size_t i = 0; i < p->log_count; i++) {
		const struct mm_report_log *l = &p->log[i];
		if (l->kind != MM_LOG_LEVEL && is_seen(&a, l->t_ns))
			mm_canvas_put(c, line, row, column_at(&a, l->t_ns), mm_part_event_style(l),
				      (unsigned char)letter[l->kind]);
	}
}

/* --- below ---------------------------------------------------------------------------------- */

/* The first of those that are listed: of many, the one that the cursor was put on is there. */
static size_t first_event(const struct mm_top *t, size_t rows)
{
	const struct mm_report_pressure *p = &t->report->pressure;
	size_t at = 0;

	while (t->timeline.cursor != MM_UNKNOWN && at + 1 < p->log_count &&
	       p->log[at + 1].t_ns <= t->timeline.cursor)
		at++;
	return at + rows <= p->log_count ? at : p->log_count > rows ? p->log_count - rows : 0;
}

static void draw_events(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t all = t->report->pressure.log_count, rows = r.rows > 1 ? (size_t)r.rows - 1 : 0,
	       first = first_event(t, rows);

	mm_part_head(c, r, 0, "EVENTS IN RANGE");
	if (all > rows)
		mm_canvas_print(c, r, 0, 17, MM_STYLE_DIM, "%zu to %zu of %zu (f F)", first + 1, first + rows, all);
	mm_part_log(t, c, mm_rect_below(r, 1), 1, first);
}

static void draw_growth(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report_table *l = &t->report->leaks;
	char buf[MM_VALUE_TEXT_MOST], site[MM_PART_SITE];

	mm_part_head(c, r, 0, "BORN IN RANGE AND STILL LIVE AT ITS END");
	if (l->total.leak_count == MM_UNKNOWN)
		mm_canvas_text(c, r, 1, 0, MM_STYLE_DIM, "- not known from sums: Leaks (5) looks at each object");
	for (size_t i = 0; i < l->count && (int)i + 1 < r.rows; i++) {
		struct mm_value v = mm_value_of(MM_VALUE_SIZE, l->rows[i].own.leak_bytes);
		int wide = t->bytes ? 16 : 9;
		mm_canvas_right(c, r, (int)i + 1, wide, MM_STYLE_PLAIN, mm_value_text(&v, t->bytes, buf));
		mm_canvas_fit(c, r, (int)i + 1, wide + 2, r.cols - wide - 2, MM_STYLE_PLAIN,
			      mm_part_site(&l->rows[i], site), 0);
	}
}

static void draw_head(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report *p = t->report;
	struct mm_value net = mm_value_change(p->totals.live_begin_bytes, p->totals.all.live_bytes);
	int col = mm_part_pair(t, c, r, 0, 0, "cursor", mm_value_of(MM_VALUE_TIME, cursor(t)));

	col = mm_part_pair(t, c, r, 0, col, "from", mm_value_of(MM_VALUE_TIME, p->run.from_ns));
	col = mm_part_pair(t, c, r, 0, col, "to", mm_value_of(MM_VALUE_TIME, mm_part_end(p)));
	col = mm_part_pair(t, c, r, 0, col, "net", net);
	col = mm_part_pair(t, c, r, 0, col, "allocs", mm_value_of(MM_VALUE_COUNT, p->totals.all.alloc_count));
	mm_part_pair(t, c, r, 0, col, "frees", mm_value_of(MM_VALUE_COUNT, p->totals.all.free_count));
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;
	struct mm_rect strips = panel[MM_TIMELINE_STRIPS];

	if (panel[MM_TIMELINE_HEAD].rows)
		draw_head(t, c, panel[MM_TIMELINE_HEAD]);
	draw_curve(t, c, panel[MM_TIMELINE_CURVE]);
	if (strips.rows) {
		draw_strip(t, c, strips, 0, "rss", MM_LINE_RSS, MM_VALUE_SIZE);
		draw_strip(t, c, strips, 1, "alloc", MM_LINE_ALLOCS, MM_VALUE_COUNT);
		draw_strip(t, c, strips, 2, "free", MM_LINE_FREES, MM_VALUE_COUNT);
		draw_levels(t, c, strips, 3);
		draw_marks(t, c, strips, 4);
	}
	if (panel[MM_TIMELINE_EVENTS].rows)
		draw_events(t, c, panel[MM_TIMELINE_EVENTS]);
	if (panel[MM_TIMELINE_GROWTH].rows)
		draw_growth(t, c, panel[MM_TIMELINE_GROWTH]);
}

/* --- keys ----------------------------------------------------------------------------------- */

/* To the middle of the next column, so that each step is seen. */
static void move_cursor(struct mm_top *t, int way)
{
	struct axis a = axis_of(t);
	int col = column_at(&a, cursor(t)) + way;

	col = col < 0 ? 0 : col >= a.cols ? a.cols - 1 : col;
	t->timeline.cursor = a.from + (uint64_t)((unsigned __int128)(a.to - a.from) * (unsigned)(2 * col + 1) /
						 (unsigned)(2 * a.cols));
}

/* Around the cursor, a fourth of the time or four times as much. */
static void zoom(struct mm_top *t, int closer)
{
	struct axis a = axis_of(t);
	uint64_t all = mm_top_duration(t), span = a.to - a.from, at = cursor(t);

	span = closer ? span / ZOOM : span * ZOOM;
	if (span >= all || !all) {
		t->timeline.shown_from = 0;
		t->timeline.shown_to = MM_UNKNOWN;
		return;
	}
	if (span < 1000)
		return;
	t->timeline.shown_from = at > span / 2 ? at - span / 2 : 0;
	if (t->timeline.shown_from + span > all)
		t->timeline.shown_from = all - span;
	t->timeline.shown_to = t->timeline.shown_from + span;
}

static void next_event(struct mm_top *t, int way)
{
	const struct mm_report_pressure *p = &mm_top_span(t)->pressure;
	uint64_t at = cursor(t), best = MM_UNKNOWN;

	for (size_t i = 0; i < p->log_count; i++) {
		uint64_t m = p->log[i].t_ns;
		if (way > 0 ? m > at && m < best : m < at && (best == MM_UNKNOWN || m > best))
			best = m;
	}
	if (best == MM_UNKNOWN)
		mm_top_say(t, MM_STYLE_NOTE, t->timeline.shown_to == MM_UNKNOWN ? "no event there"
			   : "no event there in the time that is shown: 0 shows all of it");
	else
		t->timeline.cursor = best;
}

static int act(struct mm_top *t, enum mm_action action)
{
	switch (action) {
	case MM_ACT_LEFT: move_cursor(t, -1); return 1;
	case MM_ACT_RIGHT: move_cursor(t, 1); return 1;
	case MM_ACT_FIRST: t->timeline.cursor = 0; return 1;
	case MM_ACT_LAST: t->timeline.cursor = mm_top_duration(t); return 1;
	case MM_ACT_ZOOM_IN: zoom(t, 1); return 1;
	case MM_ACT_ZOOM_OUT: zoom(t, 0); return 1;
	case MM_ACT_FIT:
		t->timeline.shown_from = 0;
		t->timeline.shown_to = MM_UNKNOWN;
		return 1;
	case MM_ACT_NEXT_EVENT: next_event(t, 1); return 1;
	case MM_ACT_PREVIOUS_EVENT: next_event(t, -1); return 1;
	case MM_ACT_ENTER: return mm_top_time_act(t, MM_ACT_RANGE_END);
	default: return 0;
	}
}

static int click(struct mm_top *t, int row, int col)
{
	struct mm_rect r = t->panels.panel[MM_TIMELINE_CURVE];
	struct axis a = axis_of(t);
	int at = col - r.col - LABEL;

	if (row < r.row || row >= r.row + r.rows || at < 0 || at >= a.cols)
		return 0;
	t->timeline.cursor = a.from + (uint64_t)((unsigned __int128)(a.to - a.from) * (unsigned)at /
						 (unsigned)a.cols);
	return 1;
}

const struct mm_pane mm_pane_timeline = {
	.title = "Timeline", .exports = "events", .sort = -1, .draw = draw, .act = act, .click = click,
};
