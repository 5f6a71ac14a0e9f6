/* top_rows.c: the main rows of a screen: filtered, sorted, searched, written (top_parts.h). */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "core/error.h"
#include "tui/top_parts.h"

struct mm_list *mm_top_list(struct mm_top *t)
{
	return &t->screens[t->screen].list;
}

static void cell_of(struct mm_top *t, size_t shown, int column, struct mm_value *ret)
{
	*ret = (struct mm_value){ 0 };
	mm_pane_of(t->screen)->cell(t, t->order[shown], column, ret);
}

/* --- order --------------------------------------------------------------------------------- */

struct sorting { struct mm_top *top; const struct mm_pane *pane; int column, falling; };

static int depth_of(const struct sorting *s, size_t row)
{
	int depth = 0;

	while ((row = s->pane->parent(s->top, row)) != SIZE_MAX)
		depth++;
	return depth;
}

/* In a tree it is siblings that are in order: x and y become those that decide. Not 0 where one
 * lies below the other, which goes first. */
static int find_siblings(const struct sorting *s, size_t *x, size_t *y)
{
	size_t (*parent)(const struct mm_top *, size_t) = s->pane->parent;
	int of_x = depth_of(s, *x), of_y = depth_of(s, *y);

	for (int i = of_x; i > of_y; i--)
		*x = parent(s->top, *x);
	for (int i = of_y; i > of_x; i--)
		*y = parent(s->top, *y);
	if (*x == *y)
		return of_x - of_y;
	for (; parent(s->top, *x) != parent(s->top, *y); *y = parent(s->top, *y))
		*x = parent(s->top, *x);
	return 0;
}

static int by_column(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	struct mm_value v = { 0 }, w = { 0 };
	int below = s->pane->parent ? find_siblings(s, &x, &y) : 0;

	if (below)
		return below;

	s->pane->cell(s->top, x, s->column, &v);
	s->pane->cell(s->top, y, s->column, &w);
	int order = mm_value_compare(&v, &w);
	if (order)
		return s->falling ? -order : order;
	return x < y ? -1 : x > y; /* as the report has them */
}

/* Any of its texts. */
static int holds(struct mm_top *t, const struct mm_pane *p, size_t row, const char *part)
{
	for (int i = 0; i < p->column_count; i++) {
		struct mm_value v = { 0 };
		p->cell(t, row, i, &v);
		if (mm_value_is_text(&v) && mm_table_holds(v.text, part))
			return 1;
	}
	return 0;
}

static int passes(struct mm_top *t, const struct mm_pane *p, size_t row)
{
	if (p->hides && p->hides(t, row))
		return 0;
	return !t->filter[0] || holds(t, p, row, t->filter);
}

int mm_top_arrange(struct mm_top *t)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	size_t n = t->report && p->rows ? p->rows(t) : 0;

	t->order_count = 0;
	if (t->report && p->prepare && p->prepare(t))
		return MM_ENOMEM;
	if (MM_GROW(t->order, t->order_cap, n + 1))
		return MM_ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (passes(t, p, i))
			t->order[t->order_count++] = i;
	struct sorting s = { t, p, t->screens[t->screen].sort, t->screens[t->screen].falling };
	if (s.column >= 0 && t->order_count)
		qsort_r(t->order, t->order_count, sizeof *t->order, by_column, &s);
	if (mm_top_list(t)->at >= t->order_count)
		mm_top_list(t)->at = t->order_count ? t->order_count - 1 : 0;
	return MM_OK;
}

size_t mm_top_selected(const struct mm_top *t)
{
	size_t at = t->screens[t->screen].list.at;

	return at < t->order_count ? t->order[at] : SIZE_MAX;
}

/* --- search -------------------------------------------------------------------------------- */

void mm_top_search(struct mm_top *t, int step, int stay)
{
	struct mm_list *l = mm_top_list(t);
	size_t n = t->order_count;

	if (!t->search[0]) {
		mm_top_say(t, MM_STYLE_NOTE, "nothing to search for: press /");
		return;
	}
	for (size_t k = stay ? 0 : 1; n && k <= n; k++) {
		size_t at = (l->at + (step > 0 ? k : n - k % n)) % n;
		if (holds(t, mm_pane_of(t->screen), t->order[at], t->search)) {
			l->at = at;
			return;
		}
	}
	mm_top_say(t, MM_STYLE_NOTE, "not found: %s", t->search);
}

/* --- drawing and writing -------------------------------------------------------------------- */

static void shown_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	cell_of(ctx, row, column, ret);
}

int mm_top_table(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	struct mm_table table = {
		.columns = p->columns, .count = p->column_count, .rows = t->order_count,
		.list = mm_top_list(t), .cell = shown_cell, .ctx = t, .exact = t->bytes,
		.sorted = t->screens[t->screen].sort, .falling = t->screens[t->screen].falling,
		.search = t->search,
	};
	int drawn = mm_table_draw(c, r, &table);

	if (!t->order_count && t->filter[0] && r.rows > 1)
		mm_canvas_print(c, r, 1, 0, MM_STYLE_DIM, "no row holds '%s': Esc drops the filter",
				t->filter);
	return drawn;
}

/* What is between tabs must not hold one. */
static void write_cell(const struct mm_value *v, FILE *out)
{
	char buf[MM_VALUE_TEXT_MOST], safe[MM_TOP_TEXT * 4];

	switch (v->kind) {
	case MM_VALUE_ID: case MM_VALUE_SIZE: case MM_VALUE_COUNT: case MM_VALUE_TIME:
	case MM_VALUE_PPM: case MM_VALUE_BAR:
		if (v->n != MM_UNKNOWN)
			fprintf(out, "%llu", (unsigned long long)v->n);
		break;
	case MM_VALUE_DELTA: case MM_VALUE_RATE:
		if (v->n != MM_UNKNOWN || v->text)
			fprintf(out, "%lld", (long long)v->n);
		break;
	case MM_VALUE_TREND:
		for (size_t i = 0; i < v->count; i++)
			fprintf(out, "%s%lld", i ? " " : "", (long long)v->trend[i]);
		break;
	default:
		fputs(mm_utf8_escape(safe, sizeof safe, mm_value_text(v, 1, buf), 0), out);
	}
}

static const char *unit_of(enum mm_value_kind kind)
{
	switch (kind) {
	case MM_VALUE_SIZE: case MM_VALUE_DELTA: return "_bytes";
	case MM_VALUE_RATE: return "_bytes_per_s";
	case MM_VALUE_TIME: return "_ns";
	case MM_VALUE_PPM: case MM_VALUE_BAR: return "_ppm";
	default: return "";
	}
}

int mm_top_write_rows(struct mm_top *t, FILE *out)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	struct mm_value v;

	for (int i = 0; i < p->column_count; i++) {
		v = (struct mm_value){ 0 };
		if (t->order_count)
			cell_of(t, 0, i, &v);
		fprintf(out, "%s%s%s", i ? "\t" : "", p->columns[i].title, unit_of(v.kind));
	}
	putc('\n', out);
	for (size_t row = 0; row < t->order_count; row++) {
		for (int i = 0; i < p->column_count; i++) {
			if (i)
				putc('\t', out);
			cell_of(t, row, i, &v);
			write_cell(&v, out);
		}
		putc('\n', out);
	}
	return ferror(out) ? MM_EIO : MM_OK;
}

const char *mm_top_row_line(struct mm_top *t)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	char safe[MM_TOP_TEXT], buf[MM_VALUE_TEXT_MOST];
	size_t used = 0, at = mm_top_list(t)->at;

	t->row_line[0] = 0;
	for (int i = 0; p->cell && at < t->order_count && i < p->column_count; i++) {
		struct mm_value v;
		cell_of(t, at, i, &v);
		const char *text = mm_value_text(&v, t->bytes, buf);
		if (!text[0])
			continue;
		mm_utf8_escape(safe, sizeof safe, text, t->options.ascii);
		used += (size_t)snprintf(t->row_line + used, sizeof t->row_line - used, "%s%s %s",
					 used ? ", " : "", i ? p->columns[i].title : "", safe);
		if (used >= sizeof t->row_line)
			break;
	}
	return t->row_line;
}

void mm_top_cursor(const struct mm_top *t, int *ret_row, int *ret_col)
{
	const struct mm_list *l = &t->screens[t->screen].list;
	struct mm_rect r = t->panels.panel[MM_PANEL_MAIN];
	int row = r.row + 1 + (int)(l->at - l->first);

	*ret_row = *ret_col = -1;
	if (t->prompt != MM_PROMPT_NONE) {
		*ret_row = t->panels.size == MM_SIZE_LINE ? 0 : t->panels.foot.row;
		*ret_col = (int)(strlen(mm_top_prompt_sign(t)) + mm_utf8_columns(t->line));
	} else if (t->order_count && row < r.row + r.rows) {
		*ret_row = row;
		*ret_col = r.col;
	}
}
