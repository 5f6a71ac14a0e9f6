/* canvas.c: cells, and what is drawn on them (canvas.h). */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/error.h"

enum { TEXT_MOST = 1024, EIGHTHS = 8 };

int mm_canvas_init(struct mm_canvas *c, int rows, int cols, int ascii)
{
	*c = (struct mm_canvas){ .ascii = ascii };
	c->cells = calloc((size_t)rows * (size_t)cols, sizeof *c->cells);
	if (!c->cells)
		return MM_ENOMEM;
	c->rows = rows;
	c->cols = cols;
	mm_canvas_clear(c);
	return MM_OK;
}

void mm_canvas_deinit(struct mm_canvas *c)
{
	free(c->cells);
	*c = (struct mm_canvas){ 0 };
}

void mm_canvas_clear(struct mm_canvas *c)
{
	for (int i = 0; i < c->rows * c->cols; i++)
		c->cells[i] = (struct mm_cell){ ' ', MM_STYLE_PLAIN };
}

struct mm_rect mm_canvas_all(const struct mm_canvas *c)
{
	return (struct mm_rect){ 0, 0, c->rows, c->cols };
}

static struct mm_cell *at(const struct mm_canvas *c, int row, int col)
{
	return row >= 0 && col >= 0 && row < c->rows && col < c->cols
		? &c->cells[row * c->cols + col] : NULL;
}

const struct mm_cell *mm_canvas_cell(const struct mm_canvas *c, int row, int col)
{
	return at(c, row, col);
}

/* --- characters ------------------------------------------------------------------------ */

/* A half of a wide character that is drawn over leaves the other half blank. */
static void break_wide(struct mm_canvas *c, int row, int col)
{
	struct mm_cell *here = at(c, row, col), *left = at(c, row, col - 1),
		*right = at(c, row, col + 1);

	if (here->ch == 0 && left)
		left->ch = ' ';
	if (right && right->ch == 0)
		right->ch = ' ';
}

static int inside(struct mm_rect r, int row, int col)
{
	return row >= 0 && col >= 0 && row < r.rows && col < r.cols;
}

static void put(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		uint32_t ch, unsigned width)
{
	struct mm_cell *cell = at(c, r.row + row, r.col + col);

	if (!cell || !inside(r, row, col))
		return;
	break_wide(c, r.row + row, r.col + col);
	struct mm_cell *half = width == 2 ? at(c, r.row + row, r.col + col + 1) : NULL;
	if (width == 2 && (!half || !inside(r, row, col + 1)))
		ch = ' ';
	else if (width == 2) {
		break_wide(c, r.row + row, r.col + col + 1);
		*half = (struct mm_cell){ 0, style };
	}
	*cell = (struct mm_cell){ ch, style };
}

void mm_canvas_put(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		   uint32_t ch)
{
	put(c, r, row, col, style, ch, 1);
}

/* A text that is escaped already. */
static int draw(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		const char *text)
{
	int start = col;

	while (*text) {
		uint32_t ch;
		unsigned width;
		text += mm_utf8_take(text, &ch, &width);
		if (width)
			put(c, r, row, col, style, ch, width);
		col += (int)width;
	}
	return col - start;
}

int mm_canvas_text(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		   const char *text)
{
	char safe[TEXT_MOST];

	return draw(c, r, row, col, style, mm_utf8_escape(safe, sizeof safe, text, c->ascii));
}

int mm_canvas_print(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		    const char *format, ...)
{
	char text[TEXT_MOST];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return mm_canvas_text(c, r, row, col, style, text);
}

void mm_canvas_right(struct mm_canvas *c, struct mm_rect r, int row, int end,
		     enum mm_style style, const char *text)
{
	char safe[TEXT_MOST];

	mm_utf8_escape(safe, sizeof safe, text, c->ascii);
	draw(c, r, row, end - (int)mm_utf8_columns(safe), style, safe);
}

void mm_canvas_fit(struct mm_canvas *c, struct mm_rect r, int row, int col, int width,
		   enum mm_style style, const char *text, int keep_end)
{
	char safe[TEXT_MOST];

	if (width <= 0)
		return;
	mm_utf8_escape(safe, sizeof safe, text, c->ascii);
	draw(c, r, row, col, style, mm_utf8_shorten(safe, (size_t)width, keep_end));
}

void mm_canvas_restyle(struct mm_canvas *c, struct mm_rect r, enum mm_style style)
{
	for (int row = 0; row < r.rows; row++)
		for (int col = 0; col < r.cols; col++) {
			struct mm_cell *cell = at(c, r.row + row, r.col + col);
			if (cell)
				cell->style = (uint8_t)style;
		}
}

/* --- lines, bars, curves ----------------------------------------------------------------- */

void mm_canvas_rule(struct mm_canvas *c, struct mm_rect r, int row)
{
	for (int col = 0; !c->plain && col < r.cols; col++)
		put(c, r, row, col, MM_STYLE_DIM, c->ascii ? '-' : 0x2500, 1);
}

void mm_canvas_bar(struct mm_canvas *c, struct mm_rect r, int row, int col, int width,
		   enum mm_style style, uint64_t ppm)
{
	int room = width - 2;

	if (room < 1 || c->plain)
		return;
	uint64_t part = ppm == UINT64_MAX ? 0 : ppm > 1000000 ? 1000000 : ppm;
	int full = (int)((part * (uint64_t)room + 500000) / 1000000);
	put(c, r, row, col, MM_STYLE_DIM, '[', 1);
	for (int i = 0; i < room; i++)
		put(c, r, row, col + 1 + i, i < full ? style : MM_STYLE_DIM,
		    i < full ? (c->ascii ? '#' : 0x25a0) : (c->ascii ? '.' : 0xb7), 1);
	put(c, r, row, col + 1 + room, MM_STYLE_DIM, ']', 1);
}

/* The largest of the values that fall into column `col` of `cols`; unknown when all are. */
static uint64_t column_value(const uint64_t *values, size_t count, int col, int cols)
{
	size_t a, b;
	uint64_t best = UINT64_MAX;

	if (count <= (size_t)cols) {
		size_t free_columns = (size_t)cols - count;
		if ((size_t)col < free_columns)
			return UINT64_MAX;
		a = (size_t)col - free_columns;
		b = a + 1;
	} else {
		a = count * (size_t)col / (size_t)cols;
		b = count * ((size_t)col + 1) / (size_t)cols;
	}
	for (size_t i = a; i < b; i++)
		if (values[i] != UINT64_MAX && (best == UINT64_MAX || values[i] > best))
			best = values[i];
	return best;
}

/* How much of a cell is filled, in eighths; ASCII knows three steps. */
static uint32_t filled(const struct mm_canvas *c, int eighths)
{
	if (c->ascii)
		return eighths >= EIGHTHS ? '#' : eighths > EIGHTHS / 2 ? ':' : '.';
	return 0x2580 + (uint32_t)eighths;
}

void mm_canvas_curve(struct mm_canvas *c, struct mm_rect r, enum mm_style style,
		     const uint64_t *values, size_t count, uint64_t most)
{
	for (int col = 0; !c->plain && most && col < r.cols; col++) {
		uint64_t v = column_value(values, count, col, r.cols);
		if (v == UINT64_MAX || v == 0)
			continue;
		v = v > most ? most : v;
		uint64_t steps = (uint64_t)r.rows * EIGHTHS;
		int up = (int)(((unsigned __int128)v * steps + most - 1) / most);
		for (int row = r.rows - 1; row >= 0 && up > 0; row--, up -= EIGHTHS)
			put(c, r, row, col, style, filled(c, up > EIGHTHS ? EIGHTHS : up), 1);
	}
}

/* --- writing ----------------------------------------------------------------------------- */

static int row_end(const struct mm_canvas *c, int row)
{
	int end = c->cols;

	while (end > 0 && at(c, row, end - 1)->ch == ' ')
		end--;
	return end;
}

static void write_row(const struct mm_canvas *c, int row, int end, FILE *out)
{
	for (int col = 0; col < end; col++) {
		char text[8];
		uint32_t ch = at(c, row, col)->ch;
		if (ch)
			fwrite(text, 1, mm_utf8_put(text, ch), out);
	}
}

int mm_canvas_write(const struct mm_canvas *c, FILE *out)
{
	for (int row = 0; row < c->rows; row++) {
		write_row(c, row, row_end(c, row), out);
		putc('\n', out);
	}
	return ferror(out) ? MM_EIO : MM_OK;
}

int mm_canvas_save(const struct mm_canvas *c, FILE *out)
{
	fprintf(out, "%dx%d\n", c->cols, c->rows);
	for (int row = 0; row < c->rows; row++) {
		putc('|', out);
		write_row(c, row, c->cols, out);
		fputs("|\n", out);
	}
	for (int row = 0; row < c->rows; row++) {
		putc('|', out);
		for (int col = 0; col < c->cols; col++)
			putc(MM_STYLE_LETTERS[at(c, row, col)->style], out);
		fputs("|\n", out);
	}
	return ferror(out) ? MM_EIO : MM_OK;
}

/* --- rectangles -------------------------------------------------------------------------- */

static int within(int n, int most)
{
	return n < 0 ? 0 : n > most ? most : n;
}

struct mm_rect mm_rect_below(struct mm_rect r, int rows)
{
	rows = within(rows, r.rows);
	return (struct mm_rect){ r.row + rows, r.col, r.rows - rows, r.cols };
}

struct mm_rect mm_rect_top(struct mm_rect r, int rows)
{
	return (struct mm_rect){ r.row, r.col, within(rows, r.rows), r.cols };
}

struct mm_rect mm_rect_right(struct mm_rect r, int cols)
{
	cols = within(cols, r.cols);
	return (struct mm_rect){ r.row, r.col + cols, r.rows, r.cols - cols };
}

struct mm_rect mm_rect_left(struct mm_rect r, int cols)
{
	return (struct mm_rect){ r.row, r.col, r.rows, within(cols, r.cols) };
}
