/* test_top.c: mmtop as a machine: keys and reports in, cells out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "core/error.h"
#include "modelkit.h"
#include "topkit.h"
#include "tui/keys.h"
#include "tui/script.h"

static void key(struct topkit *k, uint32_t code)
{
	mm_top_key(k->top, code);
	assert_int_equal(mm_top_update(k->top, NULL), 0);
}

static void type(struct topkit *k, const char *text)
{
	for (; *text; text++)
		key(k, (unsigned char)*text);
}

static void command(struct topkit *k, const char *text)
{
	struct mm_diag diag = { "" };

	if (mm_top_command(k->top, text, &diag))
		fail_msg("%s: %s", text, diag.text);
	assert_int_equal(mm_top_update(k->top, NULL), 0);
}

/* Every screen is drawn at every size, on cells that hold nothing harmful. */
static void screens_of_every_size(void **state)
{
	struct topkit k;

	(void)state;
	for (int i = 0; i < 2 * MM_SCREEN_COUNT; i++) {
		topkit_begin(&k, i % 2 ? "v1-voxel.mmt" : "v1.mmt", (enum mm_screen)(i / 2));
		for (int rows = 1; rows <= 60; rows += rows < 20 ? 1 : 7)
			for (int cols = 1; cols <= 220; cols += cols < 70 ? 1 : 11) {
				topkit_draw(&k, rows, cols);
				topkit_check_cells(&k);
				assert_true(rows < 5 || cols < 20 || topkit_shows(&k, "mmtop"));
				assert_true(topkit_shows(&k, "q"));
			}
		topkit_end(&k);
	}
}

static void screens_by_key(void **state)
{
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	for (int i = 0; i < MM_SCREEN_COUNT; i++) {
		char tab[32];
		key(&k, (uint32_t)('1' + i));
		topkit_draw(&k, 30, 120);
		snprintf(tab, sizeof tab, "[%d ", i + 1);
		assert_true(topkit_shows(&k, tab));
		if (i) {
			key(&k, MM_KEY_BACKTAB);
			key(&k, MM_KEY_TAB);
			topkit_draw(&k, 30, 120);
			assert_true(topkit_shows(&k, tab));
		}
	}
	topkit_end(&k);
}

static void screens_by_click(void **state)
{
	struct topkit k;
	char row[512], tab[16];

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	for (int cols = 60; cols <= 120; cols += 20)
		for (int i = 0; i < MM_SCREEN_COUNT; i++) {
			topkit_draw(&k, 30, cols);
			topkit_row(&k, 1, row, sizeof row);
			snprintf(tab, sizeof tab, "%d", i + 1);
			mm_top_click(k.top, 1, (int)(strstr(row, tab) - row));
			topkit_draw(&k, 30, cols);
			snprintf(tab, sizeof tab, "[%d ", i + 1);
			assert_true(topkit_shows(&k, tab));
		}
	/* A click on a row takes the cursor there. */
	key(&k, '2');
	topkit_draw(&k, 30, 120);
	mm_top_click(k.top, 3 + 3, 5);
	topkit_row(&k, 3 + 3, row, sizeof row);
	row[strcspn(row, " ")] = 0;
	assert_true(row[0] && strstr(mm_top_row_line(k.top), row) != NULL);
	topkit_end(&k);
}

static void nothing_but_quit_ends(void **state)
{
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	for (uint32_t code = 1; code <= MM_KEY_F12; code = code == 300 ? 0x110000 : code + 1) {
		enum mm_action action = mm_keys_action(code, MM_SCREEN_OVERVIEW);
		mm_top_key(k.top, code);
		assert_int_equal(mm_top_wish(k.top) == MM_WISH_QUIT, action == MM_ACT_QUIT);
		mm_top_key(k.top, MM_KEY_ESCAPE);
		mm_top_key(k.top, MM_KEY_ESCAPE);
		mm_top_key(k.top, '1');
	}
	topkit_end(&k);
}

/* The figures of a moment are those of a report up to it. */
static void moments_show_their_figures(void **state)
{
	struct topkit k;
	uint64_t end;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	end = mm_top_report(k.top)->run.duration_ns;
	assert_int_equal(mm_top_report(k.top)->run.whole, 1);
	key(&k, '[');
	assert_true(mm_top_report(k.top)->run.to_ns == end - end / 100);
	key(&k, ']');
	assert_int_equal(mm_top_report(k.top)->run.whole, 1);
	command(&k, "goto peak");
	const struct mm_report *r = mm_top_report(k.top);
	assert_true(r->totals.all.live_bytes == r->totals.peak_live_bytes);
	assert_true(r->totals.all.live_bytes > 1000000);
	command(&k, "from 50%");
	assert_true(mm_top_report(k.top)->run.from_ns == end / 2);
	key(&k, 'x');
	assert_int_equal(mm_top_report(k.top)->run.whole, 1);
	command(&k, "goto 100");
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "100 is after the end, which is shown"));
	assert_int_equal(mm_top_report(k.top)->run.whole, 1);
	topkit_end(&k);
}

/* A live trace in which nothing has happened yet. */
static int no_report(void *ctx, const struct mm_question *q, struct mm_report **ret, struct mm_diag *diag)
{
	(void)ctx;
	(void)q;
	(void)ret;
	(void)diag;
	return MM_ENOENT;
}

static int nothing_came(void *ctx, struct mm_diag *diag)
{
	(void)diag;
	++*(int *)ctx;
	return 0;
}

static int none_pending(void *ctx)
{
	(void)ctx;
	return 0;
}

static enum mm_source_state is_live(void *ctx)
{
	(void)ctx;
	return MM_SOURCE_LIVE;
}

static void keys_before_the_first_event(void **state)
{
	int looks = 0;
	const struct mm_source source = { .ctx = &looks, .name = "t", .report = no_report,
		.refresh = nothing_came, .pending = none_pending, .state = is_live };
	struct mm_top_options options = { .screen = MM_SCREEN_OVERVIEW };
	struct mm_canvas c;
	struct mm_top *t;

	(void)state;
	assert_int_equal(mm_canvas_init(&c, 30, 100, 0), 0);
	assert_int_equal(mm_top_create(&t, &options, &source), 0);
	mm_top_resize(t, 30, 100);
	for (uint32_t screen = '1'; screen <= '9'; screen++)
		for (uint32_t code = 1; code <= MM_KEY_F12; code = code == 127 ? 0x110000 : code + 1) {
			mm_top_key(t, screen);
			if (code != 'E' && code != MM_KEY_F1 + 8)
				mm_top_key(t, code);
			mm_top_click(t, 10, 50);
			assert_int_equal(mm_top_update(t, NULL), 0);
			mm_top_draw(t, &c);
			mm_top_key(t, MM_KEY_ESCAPE);
			mm_top_key(t, MM_KEY_ESCAPE);
		}
	assert_null(mm_top_report(t));
	mm_top_destroy(t);
	mm_canvas_deinit(&c);
}

/* Of many events those around the cursor are listed, each with its whole time. */
static void events_can_be_walked(void **state)
{
	struct topkit k;
	char row[512], at[64];

	(void)state;
	topkit_begin(&k, "v1-voxel.mmt", MM_SCREEN_TIMELINE);
	topkit_draw(&k, 30, 120);
	const struct mm_report_pressure *p = &mm_top_report(k.top)->pressure;
	assert_true(p->log_count > 8);
	assert_true(topkit_shows(&k, "EVENTS IN RANGE  1 to "));
	key(&k, 'g');
	for (size_t i = 0; i < p->log_count; i++) {
		size_t same = 0; /* several at once are one step */
		while (i + 1 < p->log_count && p->log[i + 1].t_ns == p->log[i].t_ns)
			i += ++same > 0;
		if (p->log[i].t_ns)
			key(&k, 'f');
		topkit_draw(&k, 30, 120);
		mm_format_time(at, p->log[i].t_ns);
		int listed = 0;
		for (int n = 0; n < 30; n++) {
			topkit_row(&k, n, row, sizeof row);
			size_t blanks = strspn(row, " ");
			listed |= blanks < 8 && strncmp(row + blanks, at, strlen(at)) == 0;
		}
		assert_true(listed);
	}
	key(&k, 'f');
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "no event there"));
	topkit_end(&k);
}

/* Nothing is read on, so that no screen is of a later moment than another. */
static void paused_is_paused(void **state)
{
	int looks = 0;
	const struct mm_source source = { .ctx = &looks, .name = "t", .report = no_report,
		.refresh = nothing_came, .pending = none_pending, .state = is_live };
	struct mm_top_options options = { .screen = MM_SCREEN_OVERVIEW };
	struct mm_top *t;

	(void)state;
	assert_int_equal(mm_top_create(&t, &options, &source), 0);
	mm_top_tick(t);
	assert_int_equal(looks, 1);
	mm_top_key(t, MM_KEY_SPACE);
	mm_top_tick(t);
	mm_top_tick(t);
	assert_int_equal(looks, 1);
	mm_top_key(t, MM_KEY_SPACE);
	mm_top_tick(t);
	assert_int_equal(looks, 2);
	mm_top_destroy(t);
}

/* The first of two forks the second; together they have no map. */
static void processes_in_turn(void **state)
{
	struct topkit k;
	struct mm_diag diag = { "" };

	(void)state;
	topkit_begin(&k, "v1.mmt", MM_SCREEN_OVERVIEW);
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "pid 1000, 1 of 2 processes"));
	key(&k, 'm');
	key(&k, 'o');
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "pid 1077, 2 of 2 processes"));
	assert_false(topkit_shows(&k, "MARK")); /* it was of the other one */
	assert_int_equal(mm_top_report(k.top)->run.pid, 1077);
	key(&k, 'o');
	assert_int_equal(mm_top_report(k.top)->run.pid, 1000);
	key(&k, 'O');
	key(&k, '4');
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "all 2 processes"));
	assert_true(topkit_shows(&k, "Several processes have no map together"));
	command(&k, "process 1077");
	assert_int_equal(mm_top_report(k.top)->run.pid, 1077);
	command(&k, "process 99");
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "no recorded process 99"));
	assert_int_equal(mm_top_report(k.top)->run.pid, 1077);
	assert_int_not_equal(mm_top_command(k.top, "process x", &diag), 0);
	assert_non_null(strstr(diag.text, "'x' is not a PID"));
	topkit_end(&k);
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	key(&k, 'o');
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "holds one process"));
	topkit_end(&k);
}

/* What the program tells later is not known at that moment, and no figure. */
static void before_the_first_word_on_pressure(void **state)
{
	struct topkit k;

	(void)state;
	topkit_begin(&k, "v1-voxel.mmt", MM_SCREEN_OVERVIEW);
	topkit_draw(&k, 30, 160);
	assert_true(topkit_shows(&k, "pressure 0 OK"));
	command(&k, "goto 0.0005s");
	topkit_draw(&k, 30, 160);
	assert_false(topkit_shows(&k, " pressure "));
	topkit_end(&k);
}

/* Each step of the cursor is seen, the first from the end too. */
static void steps_of_the_cursor_are_seen(void **state)
{
	struct topkit k;
	char before[1024], after[1024];

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_TIMELINE);
	topkit_draw(&k, 30, 120);
	for (int step = 0; step < 110; step++) {
		int row = 0;
		while (!strstr(topkit_row(&k, row, before, sizeof before), "range "))
			row++;
		key(&k, step < 100 ? MM_KEY_LEFT : MM_KEY_RIGHT);
		topkit_draw(&k, 30, 120);
		assert_string_not_equal(topkit_row(&k, row, after, sizeof after), before);
	}
	topkit_end(&k);
}

static void playing_comes_to_the_end(void **state)
{
	struct topkit k;
	int ticks = 0;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	assert_false(mm_top_moves(k.top));
	key(&k, 'p');
	assert_true(mm_top_moves(k.top));
	assert_true(mm_top_plays(k.top));
	uint64_t before = mm_top_report(k.top)->run.to_ns;
	while (mm_top_moves(k.top) && ticks++ < 1000) {
		assert_int_equal(mm_top_tick(k.top), 1);
		assert_int_equal(mm_top_update(k.top, NULL), 0);
		assert_true(mm_top_report(k.top)->run.to_ns > before ||
			    mm_top_report(k.top)->run.whole);
		before = mm_top_report(k.top)->run.to_ns;
	}
	assert_in_range(ticks, 190, 210);
	topkit_end(&k);
}

/* Rows that an export has. */
static size_t count_rows(struct topkit *k)
{
	char path[] = "test_top_rows.tmp", text[64];
	struct mm_diag diag = { "" };
	size_t n = 0;
	int c;

	unlink(path);
	snprintf(text, sizeof text, "export %s", path);
	assert_int_equal(mm_top_command(k->top, text, &diag), 0);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	unlink(path);
	return n - 1;
}

static void filters_searches_and_sorts(void **state)
{
	struct topkit k;
	char row[512];

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_CATEGORIES);
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "narrow_band"));
	key(&k, '\\');
	type(&k, "MESH");
	key(&k, MM_KEY_ENTER);
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "mesh_data"));
	assert_false(topkit_shows(&k, "narrow_band"));
	key(&k, MM_KEY_ESCAPE);
	topkit_draw(&k, 30, 120);
	assert_true(topkit_shows(&k, "no filter any more"));
	key(&k, '/');
	type(&k, "band");
	key(&k, MM_KEY_ENTER);
	topkit_draw(&k, 30, 120);
	assert_non_null(strstr(mm_top_row_line(k.top), "narrow_band"));
	command(&k, "sort category");
	topkit_draw(&k, 30, 120);
	assert_true(strncmp(topkit_row(&k, 4, row, sizeof row), "general", 7) == 0);
	key(&k, 'I');
	topkit_draw(&k, 30, 120);
	assert_true(strncmp(topkit_row(&k, 4, row, sizeof row), "svo_nodes", 9) == 0);
	key(&k, '5');
	command(&k, "filter pool_");
	size_t named = count_rows(&k);
	command(&k, "filter .c:");
	assert_true(count_rows(&k) > named); /* by place, too */
	command(&k, "filter ONE");
	assert_true(count_rows(&k) > 0);
	topkit_end(&k);
}

static size_t column_of(const char *row)
{
	return strspn(row, " ");
}

/* Whatever they are sorted by, below a call are those that it made, and the first order can be
 * had again. */
static void calls_stay_a_tree(void **state)
{
	struct topkit k;
	char row[512], first[40][512];

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_CALLS);
	key(&k, '*');
	topkit_draw(&k, 40, 120);
	for (int i = 0; i < 20; i++)
		topkit_row(&k, 4 + i, first[i], sizeof first[i]);
	key(&k, 'I'); /* of no column: changes nothing */
	for (int column = 0; column < 6; column++)
		for (int way = 0; way < 2; way++) {
			key(&k, way ? 'I' : 's');
			topkit_draw(&k, 40, 120);
			size_t above = column_of(topkit_row(&k, 4, row, sizeof row));
			assert_true(above == 0 && strstr(row, "(all)"));
			for (int i = 1; i < 20; i++) {
				size_t here = column_of(topkit_row(&k, 4 + i, row, sizeof row));
				assert_true(here <= above + 4);
				above = here;
			}
		}
	key(&k, 's');
	topkit_draw(&k, 40, 120);
	for (int i = 0; i < 20; i++)
		assert_string_equal(topkit_row(&k, 4 + i, row, sizeof row), first[i]);
	topkit_end(&k);
}

static void marks_show_changes(void **state)
{
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_CATEGORIES);
	command(&k, "goto peak");
	key(&k, 'm');
	command(&k, "goto end");
	command(&k, "set bytes on");
	topkit_draw(&k, 30, 160);
	/* Of all but one object the end is free: the change is the peak less that. */
	int64_t change = 0;
	const struct mm_report *r = mm_top_report(k.top);
	for (size_t i = 0; i < r->category_count; i++)
		change += (int64_t)r->categories[i].own.live_bytes - (int64_t)r->categories[i].own.peak_bytes;
	assert_true(change == 4096 - (int64_t)r->totals.peak_live_bytes);
	char when[96], at[64];
	snprintf(when, sizeof when, "MARK %s", mm_format_time(at, r->totals.peak_at_ns + 1));
	assert_true(topkit_shows(&k, when));
	assert_true(topkit_shows(&k, " -"));
	key(&k, 'M');
	topkit_draw(&k, 30, 160);
	assert_false(topkit_shows(&k, "MARK"));
	topkit_end(&k);
}

/* Every key and command is somewhere in the help, a page at a time. */
static void help_tells_all(void **state)
{
	struct topkit k;
	int seen = 0;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	topkit_draw(&k, 24, 80);
	key(&k, '?');
	for (int page = 0; page < 5; page++) {
		topkit_draw(&k, 24, 80);
		seen |= topkit_shows(&k, " q F10 C-c ") | topkit_shows(&k, " :save-screen ") << 1 |
			topkit_shows(&k, " :process ") << 2 | topkit_shows(&k, " 1 ") << 3;
		key(&k, MM_KEY_PAGE_DOWN);
	}
	assert_int_equal(seen, 15);
	topkit_end(&k);
}

static void branches_open_and_close(void **state)
{
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_CALLS);
	topkit_draw(&k, 40, 120);
	key(&k, '*');
	key(&k, '*');
	key(&k, 'g');
	topkit_draw(&k, 12, 50); /* without flames, which show it too */
	assert_true(topkit_shows(&k, "+ (all)"));
	assert_false(topkit_shows(&k, "main"));
	key(&k, MM_KEY_RIGHT);
	topkit_draw(&k, 12, 50);
	assert_true(topkit_shows(&k, "- (all)"));
	assert_true(topkit_shows(&k, "_start"));
	key(&k, MM_KEY_LEFT);
	topkit_draw(&k, 12, 50);
	assert_false(topkit_shows(&k, "_start"));
	topkit_end(&k);
}

static void files_are_not_overwritten(void **state)
{
	char path[] = "/tmp/mmtop-test-XXXXXX", text[64];
	struct mm_diag diag = { "" };
	struct topkit k;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write(fd, "mine", 4) == 4);
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_LEAKS);
	static const char *const verbs[] = { "save-screen", "export", "json" };
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "%s %s", verbs[i], path);
		assert_int_equal(mm_top_command(k.top, text, &diag), MM_EEXIST);
		assert_non_null(strstr(diag.text, path));
	}
	char back[8] = "";
	assert_int_equal(pread(fd, back, 8, 0), 4);
	assert_string_equal(back, "mine");
	close(fd);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "%s %s", verbs[i], path);
		assert_int_equal(mm_top_command(k.top, text, &diag), 0);
		assert_int_equal(unlink(path), 0);
	}
	topkit_end(&k);
}

static void bad_commands_say_why(void **state)
{
	static const char *const bad[] = { "nonsense", "goto", "goto nowhere", "goto mark:no", "screen x",
		"sort nothing", "metric x", "set x", "set bytes maybe", "size 0x0", "size 10", "export",
		"from 100%", "save-screen /nonexistent/file" };
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_LEAKS);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		assert_true(mm_top_command(k.top, bad[i], &diag) < 0);
		assert_true(strlen(diag.text) > 8);
		/* Typed, it is said at the foot. */
		key(&k, ':');
		type(&k, bad[i]);
		key(&k, MM_KEY_ENTER);
		topkit_draw(&k, 24, 200);
		char foot[1024], *colon = strchr(diag.text, '\'');
		topkit_row(&k, 23, foot, sizeof foot);
		assert_true(strncmp(foot, diag.text, colon ? (size_t)(colon - diag.text) : 8) == 0);
	}
	topkit_end(&k);
}

static void readonly_writes_nothing(void **state)
{
	struct mm_top_options options = { .readonly = 1 };
	struct mm_diag diag = { "" };
	struct topkit k;

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_LEAKS);
	mm_top_destroy(k.top);
	assert_int_equal(mm_top_create(&k.top, &options, mm_top_source_view(k.source)), 0);
	assert_int_equal(mm_top_command(k.top, "json /tmp/mmtop-never", &diag), MM_EPERM);
	assert_int_not_equal(access("/tmp/mmtop-never", F_OK), 0);
	topkit_end(&k);
}

static void scripts_name_the_bad_line(void **state)
{
	struct mm_diag diag = { "" };
	struct topkit k;
	char text[] = "# a comment\n2 Down Down\n:size 80x24\n/ b a n d Enter\nnokey\n";
	FILE *in = fmemopen(text, sizeof text - 1, "r");

	(void)state;
	topkit_begin(&k, "mmdig.mmt", MM_SCREEN_OVERVIEW);
	assert_int_equal(mm_script_run(k.top, in, "s", &diag), MM_EINVAL);
	assert_string_equal(diag.text, "s:5: 'nokey' is not a key");
	assert_non_null(strstr(mm_top_row_line(k.top), "narrow_band"));
	fclose(in);
	topkit_end(&k);
}

/* Names of everything that can have one, as bad as they come: no cell is harmed, and each line
 * is still one line. */
static void hostile_names(void **state)
{
	static const char *const bad[] = { "\033[2J\033[1;1H", "two\nlines\r", "\342\200\256gnp.exe",
		"\23331m", "tab\there", "\xff\xfe", "%s%n", "\xe2\x80\x8f\xe2\x80\x8b" };
	struct kit trace;
	struct topkit k;

	(void)state;
	kit_begin(&trace);
	uint32_t p = kit_process(&trace, 7, MM_START_COMMAND, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint32_t thread = kit_thread(&trace, p, 7 + (uint32_t)i, bad[i]);
		uint32_t category = kit_category(&trace, p, 0, bad[i]);
		uint32_t site = kit_site(&trace, p, category, bad[i], bad[(i + 1) % 8], 3);
		kit_alloc(&trace, p, thread, site, 1000 + i, 1000000 + i * 1000);
		kit_text(&trace, p, MM_EV_MARK, bad[i], 0, 1000500 + i * 1000);
		kit_text(&trace, p, MM_EV_BUDGET, bad[i], 1000, 1000600 + i * 1000);
	}
	kit_process_end(&trace, p, MM_END_EXIT, 0, 2000000);
	kit_reader(&trace);
	for (int screen = 0; screen < MM_SCREEN_COUNT; screen++) {
		topkit_open(&k, trace.path, (enum mm_screen)screen);
		for (int cols = 20; cols <= 200; cols += 20) {
			topkit_draw(&k, 40, cols);
			topkit_check_cells(&k);
		}
		for (int i = 0; i < 8; i++) {
			for (const char *c = mm_top_row_line(k.top); *c; c++)
				assert_false((unsigned char)*c < 0x20 || *c == 0x7f);
			key(&k, 'j');
		}
		topkit_draw(&k, 40, 120);
		if (screen == MM_SCREEN_CATEGORIES || screen == MM_SCREEN_THREADS)
			assert_true(topkit_shows(&k, "\\x1b[2J"));
		topkit_end(&k);
	}
	kit_end(&trace);
}

/* Any keys, at any size, over traces whole and damaged: no crash, and no harmful cell. */
static void random_keys(void **state)
{
	static const char *const traces[] = { "v1-pools.mmt", "mmdig.mmt", "v1-bounded.mmt", "v1.mmt" };
	const char *wanted = getenv("MMTOP_RANDOM_KEYS");
	long left = wanted ? atol(wanted) : 20000;
	uint64_t s = 88172645463325252u;
	struct topkit k;

	(void)state;
	for (int round = 0; left > 0; round++) {
		topkit_begin(&k, traces[round % 4], (enum mm_screen)(round % MM_SCREEN_COUNT));
		for (int i = 0; i < 5000 && left > 0; i++, left--) {
			s ^= s << 13;
			s ^= s >> 7;
			s ^= s << 17;
			uint32_t code = s % 4 == 0 ? 0x110000 + (uint32_t)(s >> 8) % 26
						    : (uint32_t)(s >> 8) % (s % 16 == 1 ? 0x3000 : 127);
			/* Nothing is written to files, wherever the keys lead. */
			if (code == 'E' || code == MM_KEY_F1 + 8 || code == ':' || code == MM_KEY_F1 + 1)
				continue;
			if (s % 61 == 0)
				mm_top_click(k.top, (int)(s >> 20) % 70 - 5, (int)(s >> 30) % 230 - 5);
			if (s % 67 == 0)
				mm_top_tick(k.top);
			mm_top_key(k.top, code);
			mm_top_wish(k.top);
			if (s % 8 == 0) {
				topkit_draw(&k, 1 + (int)(s >> 40) % 60, 1 + (int)(s >> 50) % 220);
				topkit_check_cells(&k);
			}
			mm_top_row_line(k.top);
		}
		topkit_end(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_of_every_size),
		cmocka_unit_test(screens_by_key),
		cmocka_unit_test(screens_by_click),
		cmocka_unit_test(nothing_but_quit_ends),
		cmocka_unit_test(moments_show_their_figures),
		cmocka_unit_test(keys_before_the_first_event),
		cmocka_unit_test(paused_is_paused),
		cmocka_unit_test(events_can_be_walked),
		cmocka_unit_test(processes_in_turn),
		cmocka_unit_test(before_the_first_word_on_pressure),
		cmocka_unit_test(steps_of_the_cursor_are_seen),
		cmocka_unit_test(playing_comes_to_the_end),
		cmocka_unit_test(filters_searches_and_sorts),
		cmocka_unit_test(calls_stay_a_tree),
		cmocka_unit_test(marks_show_changes),
		cmocka_unit_test(help_tells_all),
		cmocka_unit_test(branches_open_and_close),
		cmocka_unit_test(files_are_not_overwritten),
		cmocka_unit_test(bad_commands_say_why),
		cmocka_unit_test(readonly_writes_nothing),
		cmocka_unit_test(scripts_name_the_bad_line),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(random_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
