/* topkit.c: mmtop for tests (topkit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "topkit.h"

void topkit_begin(struct topkit *k, const char *trace, enum mm_screen screen)
{
	static char path[512];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof path, "%s/traces/%s", top ? top : ".", trace);
	topkit_open(k, path, screen);
}

void topkit_open(struct topkit *k, const char *path, enum mm_screen screen)
{
	struct mm_top_options options = { .screen = screen };
	struct mm_diag diag = { "" };

	memset(k, 0, sizeof *k);
	struct mm_top_source_options from = { .trace = path, .no_symbols = 1 };
	if (mm_top_source_open(&k->source, &from, &diag))
		fail_msg("%s: %s", path, diag.text);
	assert_int_equal(mm_top_create(&k->top, &options, mm_top_source_view(k->source)), 0);
	assert_int_equal(mm_top_update(k->top, &diag), 0);
}

void topkit_end(struct topkit *k)
{
	mm_canvas_deinit(&k->canvas);
	mm_top_destroy(k->top);
	mm_top_source_close(k->source);
}

void topkit_draw(struct topkit *k, int rows, int cols)
{
	mm_canvas_deinit(&k->canvas);
	assert_int_equal(mm_canvas_init(&k->canvas, rows, cols, 0), 0);
	mm_top_resize(k->top, rows, cols);
	assert_int_equal(mm_top_update(k->top, NULL), 0);
	mm_top_draw(k->top, &k->canvas);
}

const char *topkit_row(const struct topkit *k, int row, char *buf, size_t size)
{
	size_t used = 0, end = 0;

	for (int col = 0; col < k->canvas.cols && used + 5 < size; col++) {
		uint32_t ch = mm_canvas_cell(&k->canvas, row, col)->ch;
		if (ch)
			used += mm_utf8_put(buf + used, ch);
		if (ch && ch != ' ')
			end = used;
	}
	buf[end] = 0;
	return buf;
}

int topkit_shows(const struct topkit *k, const char *text)
{
	char row[4 * MM_CANVAS_MOST + 8];

	for (int i = 0; i < k->canvas.rows; i++)
		if (strstr(topkit_row(k, i, row, sizeof row), text))
			return 1;
	return 0;
}

void topkit_check_cells(const struct topkit *k)
{
	for (int row = 0; row < k->canvas.rows; row++)
		for (int col = 0; col < k->canvas.cols; col++) {
			const struct mm_cell *cell = mm_canvas_cell(&k->canvas, row, col);
			uint32_t c = cell->ch;
			if (c == 0 && col > 0 && mm_canvas_cell(&k->canvas, row, col - 1)->ch > 0x10ff)
				continue; /* the right half of a wide one */
			assert_true(c >= 0x20 && c < 0x110000);
			assert_false((c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
				     (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
			assert_true(cell->style < MM_STYLE_COUNT);
		}
}
