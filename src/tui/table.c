/* table.c: widths, cursor and drawing of tables (table.h). */
#include "tui/table.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static int wanted(const struct mm_column *c, int exact)
{
	return exact && c->exact ? c->exact : c->width;
}

static int all_widths(const int *width, int count)
{
	int all = 0;

	for (int i = 0; i < count; i++)
		all += width[i] ? width[i] + (all > 0) : 0;
	return all;
}

static int drop_one(const struct mm_column *columns, int count, int *width)
{
	int worst = -1;

	for (int i = 0; i < count; i++)
		if (width[i] && columns[i].last &&
		    (worst < 0 || columns[i].last > columns[worst].last))
			worst = i;
	if (worst >= 0)
		width[worst] = 0;
	return worst >= 0;
}

void mm_table_widths(const struct mm_column *columns, int count, int room, int exact, int *ret)
{
	int spare, flex = 0, last = -1;

	for (int i = 0; i < count; i++)
		ret[i] = wanted(&columns[i], exact);
	while (all_widths(ret, count) > room && drop_one(columns, count, ret))
		;
	spare = room - all_widths(ret, count);
	for (int i = 0; i < count; i++)
		flex += ret[i] ? columns[i].flex : 0;
	int rest = spare;
	for (int i = 0; spare > 0 && flex && i < count; i++)
		if (ret[i] && columns[i].flex) {
			ret[i] += spare * columns[i].flex / flex;
			rest -= spare * columns[i].flex / flex;
			last = i;
		}
	if (last >= 0)
		ret[last] += rest;
	if (spare < 0 && count) /* the first gives way, down to a third of what it wants */
		ret[0] = ret[0] + spare > wanted(&columns[0], exact) / 3 ? ret[0] + spare
			: wanted(&columns[0], exact) / 3 + 1;
	for (int i = 0; spare < 0 && i < count; i++) /* and then there is not room for the others */
		if (ret[i] > room)
			ret[i] = room > 0 ? room : 0;
}

void mm_list_keep(struct mm_list *l, size_t count, int rows)
{
	size_t shown = rows > 0 ? (size_t)rows : 1;

	if (l->at >= count)
		l->at = count ? count - 1 : 0;
	if (l->first > l->at)
		l->first = l->at;
	if (l->at - l->first >= shown)
		l->first = l->at - shown + 1;
	if (l->first + shown > count)
		l->first = count > shown ? count - shown : 0;
}

int mm_table_holds(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, n) == 0)
			return 1;
	return n == 0;
}

/* --- drawing ----------------------------------------------------------------------------- */

static void draw_cell(struct mm_canvas *c, struct mm_rect r, int row, int col, int width,
		      const struct mm_column *column, const struct mm_value *v, int exact)
{
	char buf[MM_VALUE_TEXT_MOST];

	if (v->kind == MM_VALUE_BAR && v->n != UINT64_MAX) {
		mm_canvas_bar(c, r, row, col, width, v->style ? v->style : MM_STYLE_GRAPH, v->n);
		return;
	}
	if (v->kind == MM_VALUE_TREND) {
		struct mm_rect cell = { r.row + row, r.col + col, 1, width };
		uint64_t most = 0;
		for (size_t i = 0; i < v->count; i++)
			most = v->trend[i] != UINT64_MAX && v->trend[i] > most ? v->trend[i] : most;
		mm_canvas_curve(c, cell, MM_STYLE_GRAPH, v->trend, v->count, most);
		return;
	}
	const char *text = mm_value_text(v, exact, buf);
	if (v->sign && v->indent < width) {
		mm_canvas_put(c, r, row, col + v->indent, MM_STYLE_KEY, (unsigned char)v->sign);
		col += v->indent + 2;
		width -= v->indent + 2;
	}
	if (mm_value_is_figure(v) && mm_utf8_columns(text) > (size_t)width) {
		for (int i = 0; i < width; i++) /* cut, it would read as another one */
			mm_canvas_put(c, r, row, col + i, v->style, '#');
		return;
	}
	if (column->left || mm_utf8_columns(text) > (size_t)width)
		mm_canvas_fit(c, r, row, col, width, v->style, text, v->kind == MM_VALUE_PATH);
	else
		mm_canvas_right(c, r, row, col + width, v->style, text);
}

static uint32_t order_sign(const struct mm_canvas *c, int falling)
{
	if (c->ascii || c->plain)
		return falling ? 'v' : '^';
	return falling ? 0x2193 : 0x2191;
}

static void draw_head(struct mm_canvas *c, struct mm_rect r, const struct mm_table *t,
		      const int *width)
{
	int col = 0;

	for (int i = 0; i < t->count; i++) {
		if (!width[i])
			continue;
		const char *title = t->columns[i].title;
		int shift = width[i] - (int)strlen(title) - (i == t->sorted);
		int at = t->columns[i].left || shift < 0 ? col : col + shift;
		struct mm_rect cell = { r.row, r.col + at, 1, width[i] - (at - col) };
		int end = mm_canvas_text(c, cell, 0, 0, MM_STYLE_HEAD, title);
		if (i == t->sorted)
			mm_canvas_put(c, cell, 0, end, MM_STYLE_KEY, order_sign(c, t->falling));
		col += width[i] + 1;
	}
}

static int is_hit(const struct mm_table *t, size_t row)
{
	for (int i = 0; t->search && t->search[0] && i < t->count; i++) {
		struct mm_value v = { 0 };
		t->cell(t->ctx, row, i, &v);
		if (mm_value_is_text(&v) && mm_table_holds(v.text, t->search))
			return 1;
	}
	return 0;
}

static void draw_row(struct mm_canvas *c, struct mm_rect r, const struct mm_table *t,
		     const int *width, size_t row, int at)
{
	int col = 0, selected = t->list && t->list->at == row;

	for (int i = 0; i < t->count; i++) {
		struct mm_value v = { 0 };
		if (!width[i])
			continue;
		t->cell(t->ctx, row, i, &v);
		draw_cell(c, r, at, col, width[i], &t->columns[i], &v, t->exact);
		col += width[i] + 1;
	}
	struct mm_rect line = { r.row + at, r.col, 1, r.cols };
	if (selected)
		mm_canvas_restyle(c, line, MM_STYLE_SELECTED);
	else if (is_hit(t, row))
		mm_canvas_restyle(c, line, MM_STYLE_HIT);
}

int mm_table_draw(struct mm_canvas *c, struct mm_rect r, const struct mm_table *t)
{
	int width[MM_COLUMNS_MOST], rows = r.rows - 1;
	size_t first = 0;

	if (r.rows < 1)
		return 0;
	mm_table_widths(t->columns, t->count, r.cols, t->exact, width);
	draw_head(c, r, t, width);
	if (t->list) {
		mm_list_keep(t->list, t->rows, rows);
		first = t->list->first;
	}
	int drawn = 0;
	for (; drawn < rows && first + (size_t)drawn < t->rows; drawn++)
		draw_row(c, r, t, width, first + (size_t)drawn, 1 + drawn);
	return drawn;
}
