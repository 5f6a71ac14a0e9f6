/* test_tui.c: the parts that mmtop is made of: canvas, panels, keys, values, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ratios.h"
#include "tui/canvas.h"
#include "tui/keys.h"
#include "tui/panels.h"
#include "tui/table.h"
#include "tui/value.h"

/* --- panels -------------------------------------------------------------------------------- */

static int is_inside(struct mm_rect r, int rows, int cols)
{
	return r.row >= 0 && r.col >= 0 && r.rows >= 0 && r.cols >= 0 && r.row + r.rows <= rows &&
	       r.col + r.cols <= cols;
}

/* Marks every cell of r; a cell marked before is one too many. */
static void take(char *cells, struct mm_rect r, int cols)
{
	for (int row = r.row; row < r.row + r.rows; row++)
		for (int col = r.col; col < r.col + r.cols; col++) {
			assert_int_equal(cells[row * cols + col], 0);
			cells[row * cols + col] = 1;
		}
}

static void check_size(int rows, int cols, enum mm_screen screen)
{
	static char cells[60 * 220];
	struct mm_panels p;
	struct mm_rect frame[3];

	mm_panels_of(rows, cols, screen, &p);
	memset(cells, 0, sizeof cells);
	frame[0] = p.title;
	frame[1] = p.tabs;
	frame[2] = p.foot;
	for (int i = 0; i < 3; i++) {
		assert_true(is_inside(frame[i], rows, cols));
		take(cells, frame[i], cols);
	}
	for (int i = 0; i < MM_PANELS_MOST; i++) {
		assert_true(is_inside(p.panel[i], rows, cols));
		take(cells, p.panel[i], cols);
		if (p.panel[i].rows && p.size == MM_SIZE_FULL)
			assert_true(p.panel[i].cols >= 20);
	}
	assert_int_equal(p.title.rows, 1);
	assert_int_equal(p.size, rows < 5 || cols < 20 ? MM_SIZE_LINE
			 : rows < 17 || cols < 60 ? MM_SIZE_NARROW : MM_SIZE_FULL);
	if (p.size != MM_SIZE_LINE)
		assert_true(p.panel[MM_PANEL_MAIN].rows >= 2 && p.foot.rows == 1);
}

static void panels_of_every_size(void **state)
{
	(void)state;
	for (int screen = 0; screen < MM_SCREEN_COUNT; screen++)
		for (int rows = 1; rows <= 60; rows++)
			for (int cols = 1; cols <= 220; cols++)
				check_size(rows, cols, (enum mm_screen)screen);
}

/* --- canvas -------------------------------------------------------------------------------- */

static uint32_t ch_at(const struct mm_canvas *c, int row, int col)
{
	return mm_canvas_cell(c, row, col)->ch;
}

static void texts_stay_in_their_rect(void **state)
{
	struct mm_canvas c;
	struct mm_rect r = { 1, 2, 1, 3 };

	(void)state;
	assert_int_equal(mm_canvas_init(&c, 3, 8, 0), 0);
	assert_int_equal(mm_canvas_text(&c, r, 0, 1, MM_STYLE_BOLD, "abcdef"), 6);
	mm_canvas_text(&c, r, 1, 0, MM_STYLE_BOLD, "below");
	mm_canvas_text(&c, r, -1, 0, MM_STYLE_BOLD, "above");
	mm_canvas_text(&c, r, 0, -2, MM_STYLE_BOLD, "xyz");
	char got[32];
	int n = 0;
	for (int row = 0; row < 3; row++)
		for (int col = 0; col < 8; col++)
			got[n++] = (char)ch_at(&c, row, col);
	got[n] = 0;
	assert_string_equal(got, "          zab           ");
	assert_null(mm_canvas_cell(&c, 3, 0));
	assert_null(mm_canvas_cell(&c, 0, -1));
	mm_canvas_deinit(&c);
}

static void wide_characters_take_two_cells(void **state)
{
	struct mm_canvas c;

	(void)state;
	assert_int_equal(mm_canvas_init(&c, 1, 5, 0), 0);
	struct mm_rect r = mm_canvas_all(&c);
	assert_int_equal(mm_canvas_text(&c, r, 0, 0, MM_STYLE_PLAIN, "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"), 6);
	assert_int_equal(ch_at(&c, 0, 0), 0x6f22);
	assert_int_equal(ch_at(&c, 0, 1), 0);
	/* Half of one has no room: a blank. */
	assert_int_equal(ch_at(&c, 0, 4), ' ');
	/* What is drawn over a half leaves no other half behind. */
	mm_canvas_put(&c, r, 0, 1, MM_STYLE_PLAIN, 'x');
	assert_int_equal(ch_at(&c, 0, 0), ' ');
	mm_canvas_put(&c, r, 0, 2, MM_STYLE_PLAIN, 'y');
	assert_int_equal(ch_at(&c, 0, 3), ' ');
	mm_canvas_deinit(&c);
}

static void hostile_texts_are_escaped(void **state)
{
	static const char *const bad[] = { "\033[2J", "a\nb", "\xe2\x80\xaexyz", "\x07", "\x9b", "\xff\xfe",
		"\xe2\x80\x8b", "\xc2\x9b" };
	struct mm_canvas c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(mm_canvas_init(&c, 2, 40, 0), 0);
		mm_canvas_text(&c, mm_canvas_all(&c), 0, 0, MM_STYLE_PLAIN, bad[i]);
		int escapes = 0;
		for (int col = 0; col < 40; col++) {
			uint32_t ch = ch_at(&c, 0, col);
			assert_true(ch >= 0x20 && ch < 0x7f);
			escapes += ch == '\\';
			assert_int_equal(ch_at(&c, 1, col), ' ');
		}
		assert_true(escapes > 0);
		mm_canvas_deinit(&c);
	}
}

static void bars_and_curves_fill_by_share(void **state)
{
	static const uint64_t values[] = { 0, 5, 10, UINT64_MAX };
	struct mm_canvas c;

	(void)state;
	assert_int_equal(mm_canvas_init(&c, 3, 12, 1), 0);
	struct mm_rect r = mm_canvas_all(&c);
	mm_canvas_bar(&c, r, 0, 0, 12, MM_STYLE_OK, 300000);
	mm_canvas_bar(&c, r, 1, 0, 4, MM_STYLE_OK, 5000000);
	char bar[13] = "";
	for (int col = 0; col < 12; col++)
		bar[col] = (char)ch_at(&c, 0, col);
	assert_string_equal(bar, "[###.......]");
	assert_int_equal(ch_at(&c, 1, 2), '#');
	mm_canvas_clear(&c);
	struct mm_rect four = { 0, 0, 2, 4 };
	mm_canvas_curve(&c, four, MM_STYLE_GRAPH, values, 4, 10);
	assert_int_equal(ch_at(&c, 1, 0), ' ');
	assert_int_equal(ch_at(&c, 0, 1), ' ');
	assert_int_equal(ch_at(&c, 1, 1), '#');
	assert_int_equal(ch_at(&c, 0, 2), '#');
	assert_int_equal(ch_at(&c, 1, 3), ' ');
	c.plain = 1;
	mm_canvas_clear(&c);
	mm_canvas_bar(&c, r, 0, 0, 12, MM_STYLE_OK, 300000);
	assert_int_equal(ch_at(&c, 0, 0), ' ');
	mm_canvas_deinit(&c);
}

/* --- keys ---------------------------------------------------------------------------------- */

static void names_and_keys_agree(void **state)
{
	(void)state;
	for (uint32_t key = 1; key < MM_KEY_F12 + 1; key++) {
		char name[16];
		uint32_t back = 0;
		if (key == 0x300)
			key = 0x110000; /* what may be typed lies below and above */
		if ((key >= 0x7f && key < 0xa0 && key != MM_KEY_BACKSPACE) || !mm_keys_name(key, name))
			continue;
		assert_int_equal(mm_keys_parse(name, &back), strlen(name));
		assert_int_equal(back, key);
	}
	uint32_t key;
	assert_int_equal(mm_keys_parse("", &key), 0);
	assert_int_equal(mm_keys_parse("F13", &key), 1); /* the letter */
}

/* Whatever a function key does some plain key does too. */
static void function_keys_have_letters(void **state)
{
	(void)state;
	for (unsigned screen = 0; screen < MM_SCREEN_COUNT; screen++)
		for (uint32_t f = MM_KEY_F1; f <= MM_KEY_F12; f++) {
			enum mm_action action = mm_keys_action(f, screen);
			int found = action == MM_ACT_NONE;
			for (uint32_t key = 33; key < 127; key++)
				found |= mm_keys_action(key, screen) == action;
			assert_true(found);
		}
}

static void every_action_has_a_key(void **state)
{
	(void)state;
	for (int action = MM_ACT_NONE + 1; action < MM_ACT_COUNT; action++) {
		int found = 0;
		for (unsigned screen = 0; screen < MM_SCREEN_COUNT; screen++)
			for (uint32_t key = 1; key <= MM_KEY_F12; key = key == 255 ? 0x110000 : key + 1)
				found |= mm_keys_action(key, screen) == (enum mm_action)action;
		assert_true(found);
	}
}

/* The page in the tree has the table as it is. */
static void manual_has_the_keys(void **state)
{
	const char *top = getenv("top_srcdir");
	char path[512], page_line[512], line[512];
	FILE *made = tmpfile();

	(void)state;
	snprintf(path, sizeof path, "%s/man/mmtop.1", top ? top : ".");
	FILE *page = fopen(path, "r");
	assert_non_null(page);
	assert_non_null(made);
	assert_int_equal(mm_keys_write_manual(made), 0);
	rewind(made);
	do
		assert_non_null(fgets(page_line, sizeof page_line, page));
	while (strcmp(page_line, ".\\\" keys begin\n") != 0);
	int lines = 0;
	for (; fgets(line, sizeof line, made); lines++) {
		assert_non_null(fgets(page_line, sizeof page_line, page));
		assert_string_equal(page_line, line);
	}
	assert_non_null(fgets(page_line, sizeof page_line, page));
	assert_string_equal(page_line, ".\\\" keys end\n");
	assert_true(lines > 80);
	fclose(page);
	fclose(made);
}

/* --- values and tables ---------------------------------------------------------------------- */

static void figures_read_as_they_should(void **state)
{
	static const struct { enum mm_value_kind kind; uint64_t n; int bytes; const char *text; } t[] = {
		{ MM_VALUE_SIZE, 1536, 0, "1.50 KiB" }, { MM_VALUE_SIZE, 1234567, 1, "1,234,567" },
		{ MM_VALUE_SIZE, UINT64_MAX, 0, "-" }, { MM_VALUE_COUNT, 0, 0, "0" },
		{ MM_VALUE_COUNT, UINT64_MAX, 0, "-" }, { MM_VALUE_PPM, 262600, 0, "26.3%" },
		{ MM_VALUE_PPM, 1, 0, "<0.1%" }, { MM_VALUE_PPM, 0, 0, "0.0%" },
		{ MM_VALUE_PPM, 1000000, 0, "100.0%" }, { MM_VALUE_PPM, UINT64_MAX, 0, "-" },
		{ MM_VALUE_TIME, 12500000, 0, "12.5 ms" }, { MM_VALUE_ID, 12345, 0, "12345" },
		{ MM_VALUE_RATE, 2048, 0, "+2.00 KiB/s" }, { MM_VALUE_RATE, UINT64_MAX, 0, "-" },
	};
	char buf[MM_VALUE_TEXT_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct mm_value v = mm_value_of(t[i].kind, t[i].n);
		assert_string_equal(mm_value_text(&v, t[i].bytes, buf), t[i].text);
	}
	struct mm_value change = mm_value_change(10, 9);
	assert_string_equal(mm_value_text(&change, 0, buf), "-1 B");
	change = mm_value_change(UINT64_MAX, 9);
	assert_string_equal(mm_value_text(&change, 0, buf), "-");
	change = mm_value_change(7, 7);
	assert_string_equal(mm_value_text(&change, 0, buf), "0");
	assert_int_equal(mm_ratio_ppm(1, 3), 333333);
	assert_true(mm_ratio_ppm(UINT64_MAX - 1, 1) == MM_UNKNOWN);
	assert_true(mm_ratio_ppm(1, 0) == MM_UNKNOWN);
}

static void unknown_is_least(void **state)
{
	struct mm_value unknown = mm_value_of(MM_VALUE_SIZE, UINT64_MAX), zero = mm_value_of(MM_VALUE_SIZE, 0);
	struct mm_value down = mm_value_change(10, 2), up = mm_value_change(2, 10);

	(void)state;
	assert_true(mm_value_compare(&unknown, &zero) < 0);
	assert_true(mm_value_compare(&zero, &unknown) > 0);
	assert_int_equal(mm_value_compare(&unknown, &unknown), 0);
	assert_true(mm_value_compare(&down, &up) < 0);
}

static void columns_go_by_priority(void **state)
{
	static const struct mm_column columns[] = {
		{ "name", 10, 0, 1, 1, 0 }, { "a", 8, 16, 0, 0, 1 }, { "b", 8, 0, 0, 0, 3 },
		{ "c", 8, 0, 1, 0, 2 },
	};

	(void)state;
	for (int room = 0; room < 120; room++)
		for (int exact = 0; exact < 2; exact++) {
			int width[4], all = 0, shown = 0;
			mm_table_widths(columns, 4, room, exact, width);
			for (int i = 0; i < 4; i++) {
				all += width[i] ? width[i] + (all > 0) : 0;
				shown += width[i] > 0;
			}
			assert_true(all <= room);
			assert_true(width[0] > 0 || room == 0);
			/* b goes first, then c, then a. */
			assert_true(!width[2] || width[3]);
			assert_true(!width[3] || width[1]);
			if (shown == 4)
				assert_int_equal(all, room);
		}
}

static void lists_keep_their_cursor_in_sight(void **state)
{
	(void)state;
	for (size_t count = 0; count < 12; count++)
		for (int rows = 0; rows < 14; rows++)
			for (size_t at = 0; at < 15; at++)
				for (size_t first = 0; first < 15; first++) {
					struct mm_list l = { at, first };
					size_t shown = rows > 0 ? (size_t)rows : 1;
					mm_list_keep(&l, count, rows);
					assert_true(count ? l.at < count : l.at == 0);
					assert_true(l.first <= l.at && l.at - l.first < shown);
					if (count >= shown)
						assert_true(l.first + shown <= count);
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panels_of_every_size),
		cmocka_unit_test(texts_stay_in_their_rect),
		cmocka_unit_test(wide_characters_take_two_cells),
		cmocka_unit_test(hostile_texts_are_escaped),
		cmocka_unit_test(bars_and_curves_fill_by_share),
		cmocka_unit_test(names_and_keys_agree),
		cmocka_unit_test(function_keys_have_letters),
		cmocka_unit_test(every_action_has_a_key),
		cmocka_unit_test(manual_has_the_keys),
		cmocka_unit_test(figures_read_as_they_should),
		cmocka_unit_test(unknown_is_least),
		cmocka_unit_test(columns_go_by_priority),
		cmocka_unit_test(lists_keep_their_cursor_in_sight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
