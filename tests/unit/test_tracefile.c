/* test_tracefile.c: the file around the events: definitions, processes, symbols, what is
 * done with files that are there already, a kill, standard input. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "tracecheck.h"
#include "tracegen.h"
#include "tracekit.h"

/* --- what events refer to ------------------------------------------------------------- */

static void the_run_is_described(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct stat st;

	(void)state;
	opt.time_resolution_ns = 50;
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	assert_int_equal(stat(tk_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	struct mm_reader *r = tk_open(tk_path);
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
	struct mm_writer *w = tk_begin(&opt);
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

	struct mm_reader *r = tk_open(tk_path);
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
	struct mm_writer *w = tk_begin(&opt);
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
	struct mm_reader *r = tk_open(tk_path);
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
	struct mm_writer *w = tk_begin(&opt);
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
	struct mm_reader *r = tk_open(tk_path);
	assert_int_equal(mm_reader_chunks(r, 0), 0);
	mm_reader_close(r);
}

/* --- files that are there already ------------------------------------------------------- */

static void an_old_trace_is_kept(void **state)
{
	struct mm_writer_options opt = tg_options();
	char old[4200];

	(void)state;
	snprintf(old, sizeof old, "%s.old", tk_path);
	opt.command = "one";
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	opt.command = "two";
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	opt.command = "three";
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	struct mm_reader *r = tk_open(tk_path);
	assert_string_equal(mm_reader_info(r)->command, "three");
	mm_reader_close(r);
	r = tk_open(old);
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
	FILE *f = fopen(tk_path, "w");
	assert_non_null(f);
	fputs("precious", f);
	fclose(f);
	assert_int_equal(mm_writer_open(&w, tk_path, &opt, &diag), MM_EEXIST);
	assert_non_null(strstr(diag.text, tk_path));
	f = fopen(tk_path, "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_string_equal(line, "precious");
	snprintf(target, sizeof target, "%s.old", tk_path);
	assert_int_equal(rename(tk_path, target), 0);
	assert_int_equal(symlink(target, tk_path), 0);
	assert_int_equal(mm_writer_open(&w, tk_path, &opt, &diag), MM_EEXIST);
	assert_int_equal(tk_size(target), 8);
	unlink(tk_path);
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
	snprintf(old, sizeof old, "%s.old", tk_path);
	FILE *f = fopen(old, "w");
	assert_non_null(f);
	fputs("mine", f);
	fclose(f);
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	assert_int_equal(mm_writer_open(&w, tk_path, &opt, &diag), MM_EEXIST);
	assert_non_null(strstr(diag.text, old));
	assert_int_equal(tk_size(old), 4);
	mm_reader_close(tk_open(tk_path));
}

static void what_cannot_be_read_is_said(void **state)
{
	struct mm_reader *r = NULL;
	struct mm_diag diag = { "" };

	(void)state;
	assert_int_equal(mm_reader_open(&r, tk_path, &diag), MM_ENOENT);
	assert_non_null(strstr(diag.text, tk_path));
	assert_int_equal(mm_reader_open(&r, "/", &diag), MM_ENOTRACE);
	assert_int_equal(mm_reader_open(&r, "/dev/null", &diag), MM_ENOTRACE);
	assert_null(r);
}

/* --- when writing fails ------------------------------------------------------------------------ */

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
			if (mm_writer_open(&w, tk_path, &opt, NULL))
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
		struct mm_reader *r = tk_open(tk_path);
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
	int out = open(tk_path, O_WRONLY | O_CREAT | O_EXCL, 0600), keep = dup(STDOUT_FILENO);
	fflush(stdout);
	assert_true(out >= 0 && keep >= 0);
	dup2(out, STDOUT_FILENO);
	tg_write(&g, "-", 13, 5000, 500, &opt);
	dup2(keep, STDOUT_FILENO);
	close(out);
	close(keep);
	int in = open(tk_path, O_RDONLY), keep_in = dup(STDIN_FILENO);
	dup2(in, STDIN_FILENO);
	struct mm_reader *r = tk_open("-");
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
	const struct CMUnitTest tests[] = {
		TK_TEST(the_run_is_described),
		TK_TEST(definitions_come_back),
		TK_TEST(symbols_come_back),
		TK_TEST(nonsense_is_refused),
		TK_TEST(an_old_trace_is_kept),
		TK_TEST(other_files_are_left_alone),
		TK_TEST(an_old_file_in_the_way),
		TK_TEST(what_cannot_be_read_is_said),
		TK_TEST(survives_sigkill),
		TK_TEST(through_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
