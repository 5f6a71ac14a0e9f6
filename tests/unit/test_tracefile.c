/* test_tracefile.c: the file around the events: definitions, processes, symbols, what is
 * done with files that are there already, limits of size, a full disk, standard input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "tracecheck.h"
#include "tracegen.h"

static char *path;

static int make_path(void **state)
{
	(void)state;
	path = tg_path("file");
	return 0;
}

static int drop_path(void **state)
{
	char old[4200];

	(void)state;
	snprintf(old, sizeof old, "%s.old", path);
	unlink(old);
	unlink(path);
	free(path);
	return 0;
}

static struct mm_reader *open_trace(const char *name)
{
	struct mm_reader *r = NULL;
	struct mm_diag diag = { "" };

	if (mm_reader_open(&r, name, &diag))
		fail_msg("%s", diag.text);
	return r;
}

static struct mm_writer *begin(const struct mm_writer_options *opt)
{
	struct mm_writer *w = NULL;
	struct mm_diag diag = { "" };

	if (mm_writer_open(&w, path, opt, &diag))
		fail_msg("%s", diag.text);
	return w;
}

static uint64_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return (uint64_t)st.st_size;
}

/* --- what events refer to ------------------------------------------------------------- */

static void the_run_is_described(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct stat st;

	(void)state;
	opt.time_resolution_ns = 50;
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	struct mm_reader *r = open_trace(path);
	const struct mm_trace_info *i = mm_reader_info(r);
	assert_string_equal(i->command, "demo --fast");
	assert_string_equal(i->tool, "mmprof test");
	assert_string_equal(i->source, "record");
	assert_int_equal(i->start_unix_ns, 1700000000000000000u);
	assert_int_equal(i->page_bytes, 4096);
	assert_int_equal(i->cores, 8);
	assert_int_equal(i->mem_total_bytes, UINT64_C(1) << 34);
	assert_int_equal(i->time_resolution_ns, 50);
	assert_int_equal(i->complete, 1);
	assert_int_equal(i->file_bytes, st.st_size);
	assert_int_equal(mm_reader_processes(r), 0);
	mm_reader_close(r);
}

static void define_all(struct mm_stream *s, uint32_t numbers[3])
{
	struct mm_module m = { .start = 0x7f0000001000, .end = 0x7f0000099000, .bias = 77,
		.time = 5, .path = "/lib/libz.so", .build_id_len = 20 };
	struct mm_thread t = { .tid = 4242, .start_time = 1234567, .name = "first" };
	struct mm_site site = { .value = 0x7f0000001234, .kind = MM_SITE_FRAME };

	memset(m.build_id, 0xab, sizeof m.build_id);
	assert_int_equal(mm_stream_module(s, &m, &site.module), 0);
	assert_int_equal(site.module, 1);
	assert_int_equal(mm_stream_thread(s, &t, &numbers[0]), 0);
	assert_int_equal(mm_stream_site(s, &site, &numbers[1]), 0);
	site.parent = numbers[1];
	site.kind = MM_SITE_CATEGORY;
	assert_int_equal(mm_stream_string(s, "brick", 5, &numbers[2]), 0);
	site.value = numbers[2];
	site.module = 0;
	assert_int_equal(mm_stream_site(s, &site, &numbers[1]), 0);
	site.parent = 1000;
	assert_int_equal(mm_stream_site(s, &site, &numbers[1]), MM_EINVAL);
}

static void one_event(struct mm_stream *s, uint64_t time)
{
	struct mm_event ev = { .kind = MM_EV_MALLOC, .size = 10, .time = time, .addr = 4096 };
	uint32_t slot;

	assert_int_equal(mm_stream_birth(s, &ev, &slot), 0);
}

static void definitions_come_back(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_process p = { .pid = 5, .ppid = 4, .parent = 3, .start = MM_START_FORK,
		.start_time = 99, .end_time = MM_UNKNOWN, .inherited_bytes = 1 << 20,
		.exe = "/bin/x", .cmd = "x 'a b'" };
	struct mm_writer *w = begin(&opt);
	struct mm_stream *s;
	uint32_t n[3], again;

	(void)state;
	assert_int_equal(mm_writer_process(w, &p, &s), 0);
	define_all(s, n);
	assert_int_equal(mm_stream_string(s, "brick", 5, &again), 0);
	assert_int_equal(again, n[2]);
	assert_int_equal(mm_stream_string(s, "", 0, &again), 0);
	assert_int_equal(again, 0);
	one_event(s, 1000);
	assert_int_equal(mm_writer_sync(w, 1000, 1), 0);
	assert_int_equal(mm_stream_thread_name(s, n[0], "renamed"), 0);
	assert_int_equal(mm_stream_thread_name(s, 77, "nobody"), MM_ENOENT);
	p = *mm_stream_get_process(s);
	p.end = MM_END_SIGNAL;
	p.status = -9;
	p.end_time = 5000000;
	assert_int_equal(mm_stream_process(s, &p), 0);
	one_event(s, 2000);
	assert_int_equal(mm_writer_close(w, NULL), 0);

	struct mm_reader *r = open_trace(path);
	const struct mm_process *q = mm_reader_process(r, 0);
	assert_int_equal(q->pid, 5);
	assert_int_equal(q->parent, 3);
	assert_int_equal(q->start, MM_START_FORK);
	assert_int_equal(q->end, MM_END_SIGNAL);
	assert_int_equal(q->status, -9);
	assert_int_equal(q->end_time, 5000000);
	assert_int_equal(q->inherited_bytes, 1 << 20);
	assert_string_equal(q->exe, "/bin/x");
	assert_string_equal(q->cmd, "x 'a b'");
	assert_int_equal(mm_reader_info(r)->duration_ns, 5000000);
	assert_string_equal(mm_reader_thread(r, 0, n[0])->name, "renamed");
	assert_int_equal(mm_reader_thread(r, 0, n[0])->tid, 4242);
	assert_int_equal(mm_reader_thread(r, 0, n[0])->start_time, 1234567);
	const struct mm_module *m = mm_reader_module(r, 0, 1);
	assert_string_equal(m->path, "/lib/libz.so");
	assert_int_equal(m->start, 0x7f0000001000);
	assert_int_equal(m->end, 0x7f0000099000);
	assert_int_equal(m->bias, 77);
	assert_int_equal(m->build_id_len, 20);
	assert_int_equal(m->build_id[19], 0xab);
	const struct mm_site *site = mm_reader_site(r, 0, 2);
	assert_int_equal(site->kind, MM_SITE_CATEGORY);
	assert_int_equal(site->parent, 1);
	assert_string_equal(mm_reader_string(r, 0, (uint32_t)site->value), "brick");
	assert_int_equal(mm_reader_site(r, 0, 1)->value, 0x7f0000001234);
	/* what is not there is unknown, not a crash */
	assert_int_equal(mm_reader_site(r, 0, 999)->kind, MM_SITE_CUT);
	assert_string_equal(mm_reader_string(r, 9, 9), "");
	assert_string_equal(mm_reader_module(r, 9, 9)->path, "");
	assert_null(mm_reader_chunk(r, 0, 99));
	mm_reader_close(r);
}

static void symbols_come_back(void **state)
{
	static const struct mm_frame two[] = { { "inner<T>", "/src/a.cc", 12, 1 },
					       { "outer", "/src/b.cc", 0, 0 } };
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = begin(&opt);
	const struct mm_frame *f = two;
	size_t n = 7;
	char name[32];

	(void)state;
	assert_int_equal(mm_writer_symbol(w, 0, 1, 0x1000, two, 2), 0);
	assert_int_equal(mm_writer_symbol(w, 0, 1, 0x2000, NULL, 0), 0);
	for (uint32_t i = 0; i < 60000; i++) {
		snprintf(name, sizeof name, "function_%u", i);
		struct mm_frame one = { name, "/src/many.c", i, 0 };
		assert_int_equal(mm_writer_symbol(w, i % 3, 2, 0x9000 + 8 * i, &one, 1), 0);
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_reader_symbol(r, 0, 1, 0x1000, &f, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(f[0].function, "inner<T>");
	assert_int_equal(f[0].line, 12);
	assert_int_equal(f[0].inlined, 1);
	assert_string_equal(f[1].file, "/src/b.cc");
	assert_int_equal(f[1].inlined, 0);
	assert_int_equal(mm_reader_symbol(r, 0, 1, 0x2000, &f, &n), 0);
	assert_int_equal(n, 0);
	assert_null(f);
	assert_int_equal(mm_reader_symbol(r, 1, 1, 0x1000, &f, &n), MM_ENOENT);
	for (uint32_t i = 0; i < 60000; i += 997) {
		snprintf(name, sizeof name, "function_%u", i);
		assert_int_equal(mm_reader_symbol(r, i % 3, 2, 0x9000 + 8 * i, &f, &n), 0);
		assert_string_equal(f->function, name);
		assert_int_equal(f->line, i);
	}
	mm_reader_close(r);
}

static void nonsense_is_refused(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_event birth = { .kind = MM_EV_FREE }, death = { .kind = MM_EV_FREE, .slot = 3 };
	struct mm_process p = { .exe = "", .cmd = "", .end_time = MM_UNKNOWN };
	struct mm_writer *w = begin(&opt);
	struct mm_stream *s;
	uint32_t slot;

	(void)state;
	assert_int_equal(mm_writer_process(w, &p, &s), 0);
	assert_int_equal(mm_stream_birth(s, &birth, &slot), MM_EINVAL);
	assert_int_equal(mm_stream_death(s, &death), MM_EINVAL);
	birth.kind = MM_EV_MALLOC;
	birth.size = MM_UNKNOWN;
	assert_int_equal(mm_stream_birth(s, &birth, &slot), MM_EINVAL);
	assert_int_equal(mm_stream_other(s, &death), MM_EINVAL);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_reader_chunks(r, 0), 0);
	mm_reader_close(r);
}

/* --- files that are there already ------------------------------------------------------- */

static void an_old_trace_is_kept(void **state)
{
	struct mm_writer_options opt = tg_options();
	char old[4200];

	(void)state;
	snprintf(old, sizeof old, "%s.old", path);
	opt.command = "one";
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	opt.command = "two";
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	opt.command = "three";
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	struct mm_reader *r = open_trace(path);
	assert_string_equal(mm_reader_info(r)->command, "three");
	mm_reader_close(r);
	r = open_trace(old);
	assert_string_equal(mm_reader_info(r)->command, "two");
	mm_reader_close(r);
}

static void other_files_are_left_alone(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = NULL;
	struct mm_diag diag = { "" };
	char target[4200], line[16] = "";

	(void)state;
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("precious", f);
	fclose(f);
	assert_int_equal(mm_writer_open(&w, path, &opt, &diag), MM_EEXIST);
	assert_non_null(strstr(diag.text, path));
	f = fopen(path, "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_string_equal(line, "precious");
	snprintf(target, sizeof target, "%s.old", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(mm_writer_open(&w, path, &opt, &diag), MM_EEXIST);
	assert_int_equal(size_of(target), 8);
	unlink(path);
	assert_int_equal(mm_writer_open(&w, "/nonexistent/dir/t", &opt, &diag), MM_ENOENT);
	assert_null(w);
}

/* PATH.old that is no trace is not overwritten either. */
static void an_old_file_in_the_way(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = NULL;
	struct mm_diag diag = { "" };
	char old[4200];

	(void)state;
	snprintf(old, sizeof old, "%s.old", path);
	FILE *f = fopen(old, "w");
	assert_non_null(f);
	fputs("mine", f);
	fclose(f);
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	assert_int_equal(mm_writer_open(&w, path, &opt, &diag), MM_EEXIST);
	assert_non_null(strstr(diag.text, old));
	assert_int_equal(size_of(old), 4);
	mm_reader_close(open_trace(path));
}

static void what_cannot_be_read_is_said(void **state)
{
	struct mm_reader *r = NULL;
	struct mm_diag diag = { "" };

	(void)state;
	assert_int_equal(mm_reader_open(&r, path, &diag), MM_ENOENT);
	assert_non_null(strstr(diag.text, path));
	assert_int_equal(mm_reader_open(&r, "/", &diag), MM_ENOTRACE);
	assert_int_equal(mm_reader_open(&r, "/dev/null", &diag), MM_ENOTRACE);
	assert_null(r);
}

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
	struct mm_writer *w = begin(&opt);
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
	assert_true(size_of(path) <= LIMIT);
	assert_true(size_of(path) > LIMIT / 2);
	struct mm_reader *r = open_trace(path);
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	while (n < g.count - st.lost_events && mm_cursor_next(c, &ev) > 0)
		assert_null(tc_differs(&ev, &g.events[n++], 0));
	assert_int_equal(n, g.count - st.lost_events);
	assert_int_equal(mm_cursor_next(c, &ev), 1);
	assert_int_equal(ev.kind, MM_EV_LOST);
	assert_int_equal(ev.value, st.lost_events);
	assert_int_equal(mm_cursor_next(c, &ev), 0);
	const struct mm_totals *t = mm_objects_totals(mm_cursor_objects(c));
	assert_int_equal(t->allocs, g.totals.allocs);
	assert_int_equal(t->frees, g.totals.frees);
	assert_int_equal(t->peak_bytes, g.totals.peak_bytes);
	assert_int_equal(t->live_bytes, g.totals.live_bytes);
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

static void keep_last(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct tg g;
	uint64_t most = 0;

	(void)state;
	opt.max_bytes = LIMIT;
	opt.keep = MM_KEEP_LAST;
	struct mm_writer *w = begin(&opt);
	tg_begin(&g, w, 4, "demo");
	for (int round = 0; round < 300; round++) {
		for (size_t n = g.count; g.count < n + 500;)
			tg_step(&g);
		assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
		if (size_of(path) > most)
			most = size_of(path);
		if (round % 20 == 19) {
			struct mm_reader *r = open_trace(path);
			expect_end_of(&g, r, 500);
			assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
			mm_reader_close(r);
		}
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_true(most <= LIMIT);
	struct mm_reader *r = open_trace(path);
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
	struct mm_writer *w = begin(&opt);
	tg_begin(&g, w, 14, "demo");
	while (g.count < 150000) {
		tg_step(&g);
		if (g.count % 500 == 0)
			assert_true(size_of(path) <= LIMIT);
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_true(size_of(path) <= LIMIT);
	struct mm_reader *r = open_trace(path);
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
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_reader_refresh(r, &diag), 0);
	assert_int_equal(mm_writer_close(begin(&opt), NULL), 0);
	assert_int_equal(mm_reader_refresh(r, &diag), MM_ENOENT);
	assert_non_null(strstr(diag.text, path));
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

	if (setrlimit(RLIMIT_FSIZE, &limit) || mm_writer_open(&w, path, &opt, NULL))
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
	if (mm_writer_close(w, &diag) != MM_ENOSPC || !strstr(diag.text, path))
		return 3;
	struct mm_reader *r = open_trace(path);
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
	if (mm_cursor_next(c, &ev) != 1 || ev.kind != MM_EV_LOST || (uint64_t)ev.value != st.lost_events)
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

/* What was synced before a SIGKILL is there after it. */
static void survives_sigkill(void **state)
{
	struct mm_writer_options opt = tg_options();
	int pipes[2], status;
	struct tg g;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (int round = 0; round < 15; round++) {
		uint64_t synced = 0, got;
		pid_t pid = fork();
		if (pid == 0) {
			struct mm_writer *w;
			close(pipes[0]);
			if (mm_writer_open(&w, path, &opt, NULL))
				_exit(1);
			tg_begin(&g, w, 12, "demo");
			for (;;) {
				for (size_t n = g.count; g.count < n + 200;)
					tg_step(&g);
				mm_writer_sync(w, g.now, 1);
				got = g.count;
				if (write(pipes[1], &got, sizeof got) != sizeof got)
					_exit(1);
			}
		}
		for (int i = 0; i < 3 * round + 1; i++)
			assert_int_equal(read(pipes[0], &synced, sizeof synced), sizeof synced);
		usleep((useconds_t)(137 * round));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		fcntl(pipes[0], F_SETFL, O_NONBLOCK);
		while (read(pipes[0], &got, sizeof got) == sizeof got)
			synced = got;
		fcntl(pipes[0], F_SETFL, 0);
		struct mm_reader *r = open_trace(path);
		uint64_t events = 0;
		for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++)
			events += mm_reader_chunk(r, 0, i)->events;
		assert_true(events >= synced);
		assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
		mm_reader_close(r);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* --- standard streams ---------------------------------------------------------------------------- */

static void through_pipes(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct tg g;
	const char *field;

	(void)state;
	int out = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600), keep = dup(STDOUT_FILENO);
	fflush(stdout);
	assert_true(out >= 0 && keep >= 0);
	dup2(out, STDOUT_FILENO);
	tg_write(&g, "-", 13, 5000, 500, &opt);
	dup2(keep, STDOUT_FILENO);
	close(out);
	close(keep);
	int in = open(path, O_RDONLY), keep_in = dup(STDIN_FILENO);
	dup2(in, STDIN_FILENO);
	struct mm_reader *r = open_trace("-");
	dup2(keep_in, STDIN_FILENO);
	close(in);
	close(keep_in);
	assert_int_equal(tc_walk(r, &g, &field), g.count);
	assert_null(field);
	mm_reader_close(r);
	tg_end(&g);
}

int main(void)
{
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_path, drop_path)
	const struct CMUnitTest tests[] = {
		FILE_TEST(the_run_is_described),
		FILE_TEST(definitions_come_back),
		FILE_TEST(symbols_come_back),
		FILE_TEST(nonsense_is_refused),
		FILE_TEST(an_old_trace_is_kept),
		FILE_TEST(other_files_are_left_alone),
		FILE_TEST(an_old_file_in_the_way),
		FILE_TEST(what_cannot_be_read_is_said),
		FILE_TEST(keep_first),
		FILE_TEST(keep_last),
		FILE_TEST(keep_last_of_a_burst),
		FILE_TEST(a_replaced_file_is_noticed),
		FILE_TEST(a_full_disk_is_counted),
		FILE_TEST(survives_sigkill),
		FILE_TEST(through_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
