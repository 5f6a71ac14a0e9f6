/* pane_calls.c: who asked for the memory: the calls as a tree, and as flames. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ratios.h"
#include "base/units.h"
#include "base/utf8.h"
#include "core/error.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_TOTAL, COL_SHARE, COL_SELF, COL_CALLS, COL_PLACE, COLUMNS };
enum { VIEW_CALLEES, VIEW_CALLERS, VIEW_FLAME, VIEWS };
enum { OPEN_PPM = 50000 /* branches at least as large are open by themselves */ };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "function", 36, 0, 3, 1, 0 },
	[COL_TOTAL] = { "total", 9, 16, 0, 0, 0 },
	[COL_SHARE] = { "total%", 6, 0, 0, 0, 2 },
	[COL_SELF] = { "self", 9, 16, 0, 0, 1 },
	[COL_CALLS] = { "allocs", 13, 0, 0, 0, 3 },
	[COL_PLACE] = { "place", 14, 0, 1, 1, 4 },
};

static const struct mm_report_node *node(const struct mm_top *t, size_t i)
{
	return &t->report->tree[i];
}

static const struct mm_report_frame *frame(const struct mm_top *t, size_t i)
{
	const struct mm_report_node *n = node(t, i);

	return n->frame < t->report->frame_count ? &t->report->frames[n->frame] : NULL;
}

static const char *name(const struct mm_top *t, size_t i)
{
	const struct mm_report_frame *f = frame(t, i);

	return node(t, i)->folded ? "(smaller ones)" : f ? f->name : "(all)";
}

static uint64_t share(const struct mm_top *t, size_t i)
{
	return mm_ratio_ppm(node(t, i)->total, node(t, 0)->total);
}

/* --- branches ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

static size_t branch_place(const struct mm_top *t, uint64_t path)
{
	size_t i = 0;

	while (i < t->calls.branch_count && t->calls.branch[i] != path)
		i++;
	return i;
}

static int is_open(const struct mm_top *t, size_t i)
{
	int flipped = branch_place(t, t->calls.path[i]) < t->calls.branch_count;
	int open = t->calls.all > 0 || (!t->calls.all && share(t, i) >= OPEN_PPM);

	return open ^ flipped;
}

static int has_children(const struct mm_top *t, size_t i)
{
	return i + 1 < t->report->tree_count && node(t, i + 1)->parent == i;
}

/* Paths by names, so that a branch stays open from report to report. */
static int prepare(struct mm_top *t)
{
	size_t n = t->report->tree_count;

	if (MM_GROW(t->calls.path, t->calls.path_cap, n + 1) ||
	    MM_GROW(t->calls.open, t->calls.open_cap, n + 1) ||
	    MM_GROW(t->calls.shown, t->calls.shown_cap, n + 1))
		return MM_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t parent = node(t, i)->parent;
		int root = i == 0 || parent >= i;
		t->calls.path[i] = mix(root ? UINT64_C(0xcbf29ce484222325) : t->calls.path[parent],
				       name(t, i));
		t->calls.open[i] = (uint8_t)(has_children(t, i) && is_open(t, i));
		t->calls.shown[i] = (uint8_t)(root || (t->calls.shown[parent] && t->calls.open[parent]));
	}
	return MM_OK;
}

static int hides(const struct mm_top *t, size_t row)
{
	return !t->calls.shown[row];
}

static void flip(struct mm_top *t, int wanted)
{
	size_t i = mm_top_selected(t);

	if (i == SIZE_MAX || !has_children(t, i) || t->calls.open[i] == wanted)
		return;
	size_t at = branch_place(t, t->calls.path[i]);
	if (at < t->calls.branch_count)
		t->calls.branch[at] = t->calls.branch[--t->calls.branch_count];
	else if (at < MM_TOP_BRANCHES)
		t->calls.branch[t->calls.branch_count++] = t->calls.path[i];
	mm_top_arrange(t);
}

static void flip_all(struct mm_top *t)
{
	t->calls.all = t->calls.all > 0 ? -1 : 1;
	t->calls.branch_count = 0;
	mm_top_arrange(t);
}

/* --- rows ----------------------------------------------------------------------------------- */

static void ask(const struct mm_top *t, struct mm_question *q)
{
	q->tree = t->calls.view == VIEW_CALLERS ? MM_TREE_CALLERS : MM_TREE_CALLEES;
}

static size_t rows(const struct mm_top *t)
{
	return t->report->tree_count;
}

static size_t parent(const struct mm_top *t, size_t row)
{
	return node(t, row)->parent < row ? node(t, row)->parent : SIZE_MAX;
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_top *t = ctx;
	const struct mm_report_node *n = node(t, row);
	const struct mm_report_frame *f = frame(t, row);
	enum mm_value_kind kind = mm_part_kind(t->report->query.metric);

	switch (column) {
	case COL_NAME:
		*ret = mm_value_say(name(t, row));
		ret->indent = (uint8_t)(n->depth > 30 ? 60 : n->depth * 2);
		ret->sign = !has_children(t, row) ? ' ' : t->calls.open[row] ? '-' : '+';
		break;
	case COL_TOTAL: *ret = mm_value_of(kind, n->total); break;
	case COL_SHARE: *ret = mm_value_of(MM_VALUE_PPM, share(t, row)); break;
	case COL_SELF: *ret = mm_value_of(kind, n->self); break;
	case COL_CALLS: *ret = mm_value_of(MM_VALUE_COUNT, n->calls); break;
	default:
		*ret = (struct mm_value){ .kind = MM_VALUE_PATH,
			.text = !f || n->folded ? "" : f->file[0] ? f->file : f->library };
	}
}

/* --- flames --------------------------------------------------------------------------------- */

static size_t zoomed(const struct mm_top *t)
{
	for (size_t i = 0; t->calls.zoom && i < t->report->tree_count; i++)
		if (t->calls.path[i] == t->calls.zoom)
			return i;
	return 0;
}

static void draw_flame(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row, int col,
		       int width, size_t i)
{
	struct mm_value v = mm_value_of(mm_part_kind(t->report->query.metric), node(t, i)->total);
	char buf[MM_VALUE_TEXT_MOST], text[MM_TOP_TEXT];
	struct mm_rect box = { r.row + row, r.col + col, 1, width };
	int hit = t->search[0] && mm_table_holds(name(t, i), t->search);

	const char *figure = mm_value_text(&v, 0, buf);
	/* A figure that is cut would read as another one. */
	if (mm_utf8_columns(name(t, i)) + strlen(figure) + 1 >= (size_t)width)
		figure = "";
	snprintf(text, sizeof text, "%s%s%s", name(t, i), *figure ? " " : "", figure);
	mm_canvas_put(c, r, row, col, MM_STYLE_DIM, '|');
	mm_canvas_fit(c, box, 0, 1, width - 1, MM_STYLE_PLAIN, text, 0);
	if (i == mm_top_selected(t))
		mm_canvas_restyle(c, box, MM_STYLE_SELECTED);
	else if (hit)
		mm_canvas_restyle(c, box, MM_STYLE_HIT);
}

/* Boxes as wide as their share; those that round to nothing are not drawn. */
static void draw_flames(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t root = zoomed(t), n = t->report->tree_count;
	uint64_t all = node(t, root)->total;
	int *begin = calloc(n + 1, sizeof *begin), *used = calloc(n + 1, sizeof *used);
	uint64_t *past = calloc(n + 1, sizeof *past); /* of the siblings before */

	for (size_t i = root; begin && used && past && all && i < n; i++) {
		const struct mm_report_node *o = node(t, i);
		int depth = (int)(o->depth - node(t, root)->depth);
		if (i > root && depth <= 0)
			break;
		uint64_t at = i == root ? 0 : past[o->parent];
		begin[i] = (int)((unsigned __int128)at * (unsigned)r.cols / all);
		used[i] = (int)((unsigned __int128)(at + o->total) * (unsigned)r.cols / all) - begin[i];
		past[i] = at;
		if (i > root)
			past[o->parent] = at + o->total;
		if (depth < r.rows && used[i] > 0)
			draw_flame(t, c, r, depth, begin[i], used[i], i);
	}
	free(begin);
	free(used);
	free(past);
}

/* --- the screen ----------------------------------------------------------------------------- */

static const char *lacks(const struct mm_top *t)
{
	return t->report->tree_count && node(t, 0)->total ? NULL :
		"Nothing of this was counted in the range that is shown.\n"
		"v counts something else; x is the whole run.";
}

static void draw_head(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	static const char *const view[VIEWS] = { "top-down", "bottom-up", "flame" };
	char buf[MM_VALUE_TEXT_MOST];
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_DIM, "counting ");

	col += mm_canvas_print(c, r, 0, col, MM_STYLE_BOLD, "%s",
			       mm_metric_name(t->report->query.metric));
	col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, " (v)   view ");
	col += mm_canvas_print(c, r, 0, col, MM_STYLE_BOLD, "%s", view[t->calls.view]);
	col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, " (t)   ");
	struct mm_value floor = mm_value_of(mm_part_kind(t->report->query.metric), t->report->tree_floor);
	mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, "folded below %s", mm_value_text(&floor, t->bytes, buf));
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;

	if (panel[MM_CALLS_HEAD].rows)
		draw_head(t, c, panel[MM_CALLS_HEAD]);
	if (t->calls.view == VIEW_FLAME && !c->plain) {
		draw_flames(t, c, panel[MM_CALLS_TREE]);
	} else {
		mm_top_table(t, c, panel[MM_CALLS_TREE]);
	}
	if (panel[MM_CALLS_FLAME].rows && t->calls.view != VIEW_CALLERS) {
		struct mm_rect r = panel[MM_CALLS_FLAME];
		mm_canvas_rule(c, r, 0);
		if (t->calls.view == VIEW_FLAME)
			mm_top_table(t, c, mm_rect_below(r, 1));
		else
			draw_flames(t, c, mm_rect_below(r, 1));
	}
}

static void next_view(struct mm_top *t)
{
	t->calls.view = (t->calls.view + 1) % VIEWS;
	t->calls.zoom = 0;
	mm_top_list(t)->at = 0;
}

static int act(struct mm_top *t, enum mm_action action)
{
	size_t i = mm_top_selected(t);

	switch (action) {
	case MM_ACT_VIEW: next_view(t); return 1;
	case MM_ACT_EXPAND: case MM_ACT_RIGHT: flip(t, 1); return 1;
	case MM_ACT_COLLAPSE: case MM_ACT_LEFT: flip(t, 0); return 1;
	case MM_ACT_EXPAND_ALL: flip_all(t); return 1;
	case MM_ACT_ENTER:
		if (i != SIZE_MAX)
			t->calls.zoom = t->calls.path[i];
		flip(t, 1);
		return 1;
	case MM_ACT_BACK:
		if (!t->calls.zoom)
			return 0;
		t->calls.zoom = 0;
		return 1;
	default: return 0;
	}
}

const struct mm_pane mm_pane_calls = {
	.title = "Calls", .exports = "calls", .columns = columns, .column_count = COLUMNS, .sort = -1,
	.ask = ask, .lacks = lacks, .prepare = prepare, .rows = rows, .hides = hides, .parent = parent, .cell = cell,
	.draw = draw, .act = act,
};
