/* test_bounded.c: files that cannot take everything: --max-size, a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "tracecheck.h"
#include "tracegen.h"
#include "tracekit.h"

/* --- limits --------------------------------------------------------------------------------- */

enum { LIMIT = 100000 };

static void keep_first(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer_stats st;
	struct tg g;

	(void)state;
	opt.max_bytes = LIMIT;
	opt.keep = MM_KEEP_FIRST;
	struct mm_writer *w = tk_begin(&opt);
	tg_begin(&g, w, 3, "demo");
	while (g.count < 100000) {
		for (size_t n = g.count; g.count < n + 1000;)
			tg_step(&g);
		mm_writer_sync(w, g.now, 1);
	}
	mm_writer_get_stats(w, &st);
	assert_int_equal(st.events, g.count);
	assert_true(st.lost_events > 0 && st.lost_events < st.events);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_true(tk_size(tk_path) <= LIMIT);
	assert_true(tk_size(tk_path) > LIMIT / 2);
	struct mm_reader *r = tk_open(tk_path);
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	while (n < g.count - st.lost_events && mm_cursor_next(c, &ev) > 0)
		assert_null(tc_differs(&ev, &g.events[n++], 0));
	assert_int_equal(n, g.count - st.lost_events);
	assert_int_equal(mm_cursor_next(c, &ev), 0);
	assert_int_equal(mm_reader_lost(r, 0), st.lost_events);
	assert_null(tc_totals_differ(mm_reader_totals(r, 0), &g.totals));
	assert_null(tc_totals_differ(mm_reader_last(r, 0), mm_objects_totals(mm_cursor_objects(c))));
	assert_int_equal(mm_reader_info(r)->complete, 1);
	mm_cursor_close(c);
	mm_reader_close(r);
	tg_end(&g);
}

/* Reads the kept end of g: everything in it is known. */
static void expect_end_of(const struct tg *g, struct mm_reader *r, size_t least)
{
	struct mm_cursor *c;
	struct mm_event ev;
	size_t kept = 0;

	for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++)
		kept += mm_reader_chunk(r, 0, i)->events;
	assert_true(kept >= least && kept <= g->count);
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	for (size_t n = g->count - kept; mm_cursor_next(c, &ev) > 0; n++) {
		const char *field = tc_differs(&ev, &g->events[n], 0);
		if (field)
			fail_msg("event %zu of %zu, %zu kept: %s", n, g->count, kept, field);
	}
	assert_null(tc_totals_differ(mm_objects_totals(mm_cursor_objects(c)), &g->totals));
	assert_int_equal(mm_objects_check(mm_cursor_objects(c)), 0);
	mm_cursor_close(c);
}

/* `count` short processes, one after another, each of `events` events at least. */
static void many_processes(struct mm_writer *w, struct tg *g, size_t count, size_t events)
{
	for (size_t i = 0; i < count; i++) {
		tg_begin(&g[i], w, 100 + i, "one of many");
		while (g[i].count < events)
			tg_step(&g[i]);
		assert_int_equal(mm_stream_close(g[i].s), 0);
		mm_writer_sync(w, g[i].now, 1);
	}
}

enum { MANY = 300, EVENTS_EACH = 700 };

/* Whatever the bound leaves of them, what each process did in all is known. */
static void sums_of_many(enum mm_keep keep, uint64_t max_bytes, uint32_t least)
{
	struct mm_writer_options opt = tg_options();
	struct tg *g = calloc(MANY, sizeof *g);
	struct mm_writer_stats st;
	uint64_t lost = 0, events = 0;

	opt.max_bytes = max_bytes;
	opt.keep = keep;
	struct mm_writer *w = tk_begin(&opt);
	many_processes(w, g, MANY, EVENTS_EACH);
	mm_writer_get_stats(w, &st);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	struct mm_reader *r = tk_open(tk_path);
	uint32_t n = mm_reader_processes(r);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	assert_int_equal(n + mm_reader_info(r)->unlisted_processes, MANY);
	assert_true(n >= least);
	for (uint32_t i = 0; i < n; i++) {
		assert_string_equal(mm_reader_process(r, i)->cmd, "one of many");
		assert_null(tc_totals_differ(mm_reader_totals(r, i), &g[i].totals));
		lost += mm_reader_lost(r, i);
		for (uint32_t c = 0; c < mm_reader_chunks(r, i); c++)
			events += mm_reader_chunk(r, i, c)->events;
	}
	assert_int_equal(lost + mm_reader_info(r)->unlisted_events, st.lost_events);
	if (keep == MM_KEEP_FIRST) {
		assert_int_equal(events + st.lost_events, st.events);
		assert_true(tk_size(tk_path) <= max_bytes);
	}
	mm_reader_close(r);
	for (uint32_t i = 0; i < MANY; i++)
		tg_end(&g[i]);
	free(g);
}

static void many_in_a_bounded_file(void **state)
{
	(void)state;
	sums_of_many(MM_KEEP_LAST, LIMIT, MANY);
	sums_of_many(MM_KEEP_FIRST, 4 * LIMIT, MANY);
	sums_of_many(MM_KEEP_FIRST, MM_MAX_BYTES_LEAST, 10);
}

/* One that did nothing since the segment began is as it was. */
static void an_idle_one_keeps_its_sums(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_cursor *c;
	struct tg idle, busy;

	(void)state;
	opt.max_bytes = LIMIT;
	opt.keep = MM_KEEP_LAST;
	struct mm_writer *w = tk_begin(&opt);
	tg_begin(&idle, w, 4, "idle");
	while (idle.count < 500)
		tg_step(&idle);
	tg_begin(&busy, w, 5, "busy");
	while (busy.count < 100000) {
		for (size_t n = busy.count; busy.count < n + 500;)
			tg_step(&busy);
		assert_int_equal(mm_writer_sync(w, busy.now, 1), 0);
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	struct mm_reader *r = tk_open(tk_path);
	assert_int_equal(mm_reader_chunks(r, 0), 0);
	assert_null(tc_totals_differ(mm_reader_totals(r, 0), &idle.totals));
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	assert_null(tc_totals_differ(mm_objects_totals(mm_cursor_objects(c)), &idle.totals));
	assert_int_equal(mm_objects_check(mm_cursor_objects(c)), 0);
	mm_cursor_close(c);
	assert_null(tc_totals_differ(mm_reader_totals(r, 1), &busy.totals));
	assert_int_equal(mm_reader_lost(r, 0) + mm_reader_lost(r, 1), 0);
	mm_reader_close(r);
	tg_end(&idle);
	tg_end(&busy);
}

static void keep_last(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct tg g;
	uint64_t most = 0;

	(void)state;
	opt.max_bytes = LIMIT;
	opt.keep = MM_KEEP_LAST;
	struct mm_writer *w = tk_begin(&opt);
	tg_begin(&g, w, 4, "demo");
	for (int round = 0; round < 300; round++) {
		for (size_t n = g.count; g.count < n + 500;)
			tg_step(&g);
		assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
		if (tk_size(tk_path) > most)
			most = tk_size(tk_path);
		if (round % 20 == 19) {
			struct mm_reader *r = tk_open(tk_path);
			expect_end_of(&g, r, 500);
			assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
			mm_reader_close(r);
		}
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_true(most <= LIMIT);
	struct mm_reader *r = tk_open(tk_path);
	expect_end_of(&g, r, 5000);
	assert_true(mm_reader_chunk(r, 0, 0)->after_gap);
	assert_int_equal(mm_reader_sites(r, 0), TG_SITES);
	assert_false(mm_reader_site_lost(r, 0, TG_SITES - 1));
	assert_string_equal(mm_reader_process(r, 0)->exe, "/usr/bin/demo");
	mm_reader_close(r);
	tg_end(&g);
}

/* The bound holds between syncs too, however many events come. */
static void keep_last_of_a_burst(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct tg g;

	(void)state;
	opt.max_bytes = LIMIT;
	opt.keep = MM_KEEP_LAST;
	struct mm_writer *w = tk_begin(&opt);
	tg_begin(&g, w, 14, "demo");
	while (g.count < 150000) {
		tg_step(&g);
		if (g.count % 500 == 0)
			assert_true(tk_size(tk_path) <= LIMIT);
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_true(tk_size(tk_path) <= LIMIT);
	struct mm_reader *r = tk_open(tk_path);
	expect_end_of(&g, r, 5000);
	mm_reader_close(r);
	tg_end(&g);
}

/* A reader that follows a file which is replaced is told so. */
static void a_replaced_file_is_noticed(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_diag diag = { "" };

	(void)state;
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	struct mm_reader *r = tk_open(tk_path);
	assert_int_equal(mm_reader_refresh(r, &diag), 0);
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	assert_int_equal(mm_reader_refresh(r, &diag), MM_ENOENT);
	assert_non_null(strstr(diag.text, tk_path));
	mm_reader_close(r);
}

/* --- when writing fails ------------------------------------------------------------------------ */

/* In a child: RLIMIT_FSIZE raises SIGXFSZ, which must not kill. Exit status 0 = as
 * promised. */
static int write_into_a_full_disk(void)
{
	struct rlimit limit = { 40000, 40000 };
	struct mm_writer_options opt = tg_options();
	struct mm_writer_stats st;
	struct mm_writer *w;
	struct mm_diag diag = { "" };
	struct tg g;
	int err = 0;

	if (setrlimit(RLIMIT_FSIZE, &limit) || mm_writer_open(&w, tk_path, &opt, NULL))
		return 1;
	tg_begin(&g, w, 11, "demo");
	while (g.count < 60000) {
		for (size_t n = g.count; g.count < n + 1000;)
			tg_step(&g);
		err = mm_writer_sync(w, g.now, 1);
	}
	mm_writer_get_stats(w, &st);
	if (err != MM_ENOSPC || st.events != g.count || !st.lost_events)
		return 2;
	if (mm_writer_close(w, &diag) != MM_ENOSPC || !strstr(diag.text, tk_path))
		return 3;
	struct mm_reader *r = tk_open(tk_path);
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;
	if (mm_cursor_open(&c, r, 0, 0, NULL))
		return 4;
	while (n < g.count - st.lost_events && mm_cursor_next(c, &ev) > 0)
		if (tc_differs(&ev, &g.events[n++], 0))
			return 5;
	if (mm_reader_info(r)->lost_bytes || mm_reader_info(r)->damaged_blocks)
		return 6;
	if (mm_cursor_next(c, &ev) || mm_reader_lost(r, 0) != st.lost_events ||
	    tc_totals_differ(mm_reader_totals(r, 0), &g.totals))
		return 8;
	return n && n + st.lost_events == g.count ? 0 : 7;
}

static void a_full_disk_is_counted(void **state)
{
	int status = -1;

	(void)state;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_into_a_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(keep_first),
		TK_TEST(many_in_a_bounded_file),
		TK_TEST(an_idle_one_keeps_its_sums),
		TK_TEST(keep_last),
		TK_TEST(keep_last_of_a_burst),
		TK_TEST(a_replaced_file_is_noticed),
		TK_TEST(a_full_disk_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
