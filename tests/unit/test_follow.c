/* test_follow.c: a reader behind a file that grows, ends, breaks off, is cut, moved or replaced.
 * The oracle is a reader that opens the finished file, and what the generator gave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
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
#include "tracekit.h"

/* --- two readers of the same ------------------------------------------------------------------ */

static void same_tables(struct mm_reader *a, struct mm_reader *b, uint32_t p)
{
	assert_int_equal(mm_reader_sites(a, p), mm_reader_sites(b, p));
	for (uint32_t i = 0; i < mm_reader_sites(a, p); i++) {
		assert_int_equal(mm_reader_site(a, p, i)->value, mm_reader_site(b, p, i)->value);
		assert_int_equal(mm_reader_site_lost(a, p, i), 0);
	}
	assert_int_equal(mm_reader_modules(a, p), mm_reader_modules(b, p));
	for (uint32_t i = 0; i < mm_reader_modules(a, p); i++)
		assert_string_equal(mm_reader_module(a, p, i)->path, mm_reader_module(b, p, i)->path);
	assert_int_equal(mm_reader_threads(a, p), mm_reader_threads(b, p));
	for (uint32_t i = 0; i < mm_reader_threads(a, p); i++)
		assert_string_equal(mm_reader_thread(a, p, i)->name, mm_reader_thread(b, p, i)->name);
}

static void same_chunks(struct mm_reader *a, struct mm_reader *b, uint32_t p)
{
	assert_int_equal(mm_reader_chunks(a, p), mm_reader_chunks(b, p));
	for (uint32_t i = 0; i < mm_reader_chunks(a, p); i++) {
		const struct mm_chunk_info *x = mm_reader_chunk(a, p, i), *y = mm_reader_chunk(b, p, i);
		struct mm_digest d = { 0 };
		assert_int_equal(x->offset, y->offset);
		assert_int_equal(x->events, y->events);
		assert_int_equal(x->after_gap, 0);
		assert_int_equal(mm_reader_digest(a, p, i, &d), 0);
		mm_digest_deinit(&d);
	}
	assert_null(tc_totals_differ(mm_reader_totals(a, p), mm_reader_totals(b, p)));
}

static void expect_same(struct mm_reader *got, struct mm_reader *want)
{
	const struct mm_trace_info *x = mm_reader_info(got), *y = mm_reader_info(want);

	assert_int_equal(x->complete, y->complete);
	assert_int_equal(x->damaged_blocks, y->damaged_blocks);
	assert_int_equal(x->lost_bytes, y->lost_bytes);
	assert_int_equal(x->duration_ns, y->duration_ns);
	assert_string_equal(x->command, y->command);
	assert_int_equal(mm_reader_processes(got), mm_reader_processes(want));
	for (uint32_t p = 0; p < mm_reader_processes(want); p++) {
		assert_string_equal(mm_reader_process(got, p)->cmd, mm_reader_process(want, p)->cmd);
		same_tables(got, want, p);
		same_chunks(got, want, p);
	}
}

/* --- growing ------------------------------------------------------------------------------------ */

static void step_to(struct tg *g, size_t count)
{
	while (g->count < count)
		tg_step(g);
}

static void the_first_moment(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = tk_begin(&opt);
	struct mm_reader *r = tk_open(tk_path);
	struct tg g;

	(void)state;
	assert_int_equal(mm_reader_processes(r), 0);
	assert_string_equal(mm_reader_info(r)->command, opt.command);
	assert_int_equal(mm_reader_info(r)->complete, 0);
	assert_int_equal(mm_reader_info(r)->closed, 0);
	assert_int_equal(mm_reader_info(r)->lost_bytes, 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 0);
	tg_begin(&g, w, 3, "demo");
	assert_int_equal(mm_writer_sync(w, 0, 1), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 0); /* a process without events */
	assert_int_equal(mm_reader_processes(r), 1);
	assert_int_equal(mm_reader_chunks(r, 0), 0);
	step_to(&g, 100);
	assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 1);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 0);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	assert_int_equal(mm_reader_info(r)->closed, 1);
	assert_null(tc_totals_differ(mm_reader_totals(r, 0), &g.totals));
	mm_reader_close(r);
	tg_end(&g);
}

/* Two processes, with names of functions behind them. */
static uint8_t *make_file(size_t *ret_len)
{
	struct mm_frame frame = { .function = "work", .file = "work.c", .line = 7 };
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = tk_begin(&opt);
	struct tg g[2];

	tg_begin(&g[0], w, 21, "parent");
	tg_begin(&g[1], w, 22, "child");
	for (size_t n = 300; n <= 6000; n += 300) {
		step_to(&g[0], n);
		step_to(&g[1], n / 2);
		assert_int_equal(mm_writer_sync(w, g[0].now, 1), 0);
	}
	assert_int_equal(mm_writer_symbol(w, 0, 1, 0x1234, &frame, 1), 0);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	tg_end(&g[0]);
	tg_end(&g[1]);
	uint8_t *all = tg_load(tk_path, ret_len);
	unlink(tk_path);
	return all;
}

static void append(int fd, const uint8_t *p, size_t len)
{
	assert_int_equal(write(fd, p, len), (ssize_t)len);
}

/* Only the newest chunk of a process may lack its digest yet. */
static void digests_are_there(struct mm_reader *r)
{
	struct mm_digest d;

	for (uint32_t p = 0; p < mm_reader_processes(r); p++)
		for (uint32_t c = 0; c + 1 < mm_reader_chunks(r, p); c++) {
			assert_int_equal(mm_reader_digest(r, p, c, &d), 0);
			mm_digest_deinit(&d);
		}
}

/* As a system may show what one write wrote: by and by, cut anywhere. */
static void bytes_by_bytes(void **state)
{
	struct tg dice = { .state = 77 };
	const struct mm_frame *frames;
	size_t len, count, at = 128;
	uint8_t *all = make_file(&len);
	struct mm_reader *want = NULL;

	(void)state;
	assert_int_equal(mm_reader_open_memory(&want, all, len, NULL), 0);
	int fd = open(tk_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	append(fd, all, at);
	struct mm_reader *r = tk_open(tk_path);
	const char *command = NULL;
	int chunks = 0;
	while (at < len) {
		size_t n = 1 + tg_below(&dice, tg_below(&dice, 4) ? 40 : 3000);
		n = n < len - at ? n : len - at;
		append(fd, all + at, n);
		at += n;
		int got = mm_reader_refresh(r, NULL);
		assert_true(got >= 0);
		chunks += got;
		if (got)
			digests_are_there(r);
		assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
		assert_int_equal(mm_reader_info(r)->complete, at == len);
		if (!command && mm_reader_info(r)->command[0])
			command = mm_reader_info(r)->command;
	}
	assert_int_equal(chunks, mm_reader_chunks(want, 0) + mm_reader_chunks(want, 1));
	assert_ptr_equal(command, mm_reader_info(r)->command); /* texts stay where they are */
	expect_same(r, want);
	assert_int_equal(mm_reader_symbol(r, 0, 1, 0x1234, &frames, &count), 0);
	assert_string_equal(frames[0].function, "work");
	close(fd);
	mm_reader_close(r);
	mm_reader_close(want);
	free(all);
}

/* --- costs --------------------------------------------------------------------------------------- */

static uint64_t bytes_read(void)
{
	unsigned long long n = 0;
	FILE *f = fopen("/proc/self/io", "r");

	if (f) {
		if (fscanf(f, "rchar: %llu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void nothing_new_costs_nothing(void **state)
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = tk_begin(&opt);
	struct tg g;

	(void)state;
	tg_begin(&g, w, 5, "demo");
	step_to(&g, 100000);
	assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
	struct mm_reader *r = tk_open(tk_path);
	uint64_t before = bytes_read(), size = tk_size(tk_path);
	if (!before) {
		mm_reader_close(r);
		mm_writer_close(w, NULL);
		tg_end(&g);
		skip();
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(mm_reader_refresh(r, NULL), 0);
	uint64_t idle = bytes_read() - before;
	assert_true(idle < 1000 * 512);

	/* What is there is not read again for what comes. */
	step_to(&g, 102000);
	assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
	before = bytes_read();
	assert_int_equal(mm_reader_refresh(r, NULL), 1);
	uint64_t more = bytes_read() - before;
	assert_true(more < 2 * (tk_size(tk_path) - size) + 4096);
	mm_reader_close(r);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	tg_end(&g);
}

/* --- ends ---------------------------------------------------------------------------------------- */

/* A writer that is killed closes nothing: what it had flushed is there. */
static void killed(void **state)
{
	struct mm_writer_options opt = tg_options();
	int ready[2], go[2], status;
	char c;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct mm_writer *w = tk_begin(&opt);
		struct tg g;
		tg_begin(&g, w, 6, "demo");
		for (size_t n = 1000;; n += 1000) {
			step_to(&g, n);
			if (mm_writer_sync(w, g.now, 1) || write(ready[1], "", 1) != 1 ||
			    read(go[0], &c, 1) != 1)
				_exit(1);
		}
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct mm_reader *r = tk_open(tk_path);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(mm_reader_refresh(r, NULL), 1);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(read(ready[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(mm_reader_refresh(r, NULL), 1);
	assert_int_equal(mm_reader_refresh(r, NULL), 0);
	assert_int_equal(mm_reader_info(r)->complete, 0);
	assert_int_equal(mm_reader_info(r)->closed, 0);
	assert_int_equal(mm_reader_chunk(r, 0, 0)->events + mm_reader_chunk(r, 0, 1)->events +
			 mm_reader_chunk(r, 0, 2)->events, 3000);
	mm_reader_close(r);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

/* In a child, for the limit. Exit status 0 = as promised. */
static int follow_into_a_full_disk(void)
{
	struct rlimit limit = { 40000, 40000 };
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;
	struct tg g;

	if (setrlimit(RLIMIT_FSIZE, &limit) || mm_writer_open(&w, tk_path, &opt, NULL))
		return 1;
	struct mm_reader *r = tk_open(tk_path);
	tg_begin(&g, w, 11, "demo");
	for (size_t n = 1000; n <= 60000; n += 1000) {
		step_to(&g, n);
		mm_writer_sync(w, g.now, 1);
		if (mm_reader_refresh(r, NULL) < 0 || mm_reader_info(r)->closed)
			return 2;
	}
	if (mm_writer_close(w, NULL) != MM_ENOSPC || mm_reader_refresh(r, NULL) < 0)
		return 3;
	if (!mm_reader_info(r)->closed || mm_reader_info(r)->complete)
		return 4;
	return tc_totals_differ(mm_reader_totals(r, 0), &g.totals) ? 5 : 0;
}

static void a_full_disk_is_no_kill(void **state)
{
	int status = -1;

	(void)state;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(follow_into_a_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- what others do to the file ------------------------------------------------------------------ */

static void cut(void **state)
{
	size_t len;
	uint8_t *all = make_file(&len);
	struct mm_diag diag = { "" };
	int fd = open(tk_path, O_RDWR | O_CREAT | O_EXCL, 0600);

	(void)state;
	append(fd, all, len / 2);
	struct mm_reader *r = tk_open(tk_path);
	uint32_t chunks = mm_reader_chunks(r, 0);
	assert_int_equal(ftruncate(fd, (off_t)len / 4), 0);
	assert_int_equal(mm_reader_refresh(r, &diag), MM_ENOENT);
	assert_non_null(strstr(diag.text, "was cut"));
	assert_int_equal(mm_reader_chunks(r, 0), chunks); /* what was read stays */

	/* Grown again, with something else in it: not the end that was read. */
	memset(all + len / 4, 'x', len / 2);
	assert_int_equal(pwrite(fd, all + len / 4, len / 2, (off_t)len / 4), (ssize_t)(len / 2));
	assert_int_equal(mm_reader_refresh(r, &diag), MM_ENOENT);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(mm_reader_refresh(r, &diag), MM_ENOENT);
	close(fd);
	mm_reader_close(r);
	free(all);
}

/* Follows a recording whose name `lose` takes away while it is being made. */
static void follow_without_name(void (*lose)(void))
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w = tk_begin(&opt);
	struct tg g;

	tg_begin(&g, w, 9, "demo");
	step_to(&g, 1000);
	assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
	struct mm_reader *r = tk_open(tk_path);
	lose();
	step_to(&g, 3000);
	assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 1);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 0);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	assert_null(tc_totals_differ(mm_reader_totals(r, 0), &g.totals));
	mm_reader_close(r);
	tg_end(&g);
}

static void delete_it(void)
{
	assert_int_equal(unlink(tk_path), 0);
}

static void record_another(void)
{
	struct mm_writer_options opt = tg_options();

	opt.start_unix_ns++;
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
}

static void told_apart(void **state)
{
	struct mm_writer_options opt = tg_options();
	uint64_t start = 7;
	char old[4200];

	(void)state;
	assert_int_equal(mm_writer_close(tk_begin(&opt), NULL), 0);
	record_another();
	snprintf(old, sizeof old, "%s.old", tk_path);
	assert_int_equal(mm_reader_peek(old, &start), 0);
	assert_int_equal(start, opt.start_unix_ns);
	assert_int_equal(mm_reader_peek(tk_path, &start), 0);
	assert_int_equal(start, opt.start_unix_ns + 1);

	start = 7;
	assert_int_equal(truncate(tk_path, 130), 0); /* the header alone */
	assert_int_equal(mm_reader_peek(tk_path, &start), MM_ENOTRACE);
	assert_int_equal(truncate(tk_path, 0), 0);
	assert_int_equal(mm_reader_peek(tk_path, &start), MM_ENOTRACE);
	delete_it();
	assert_int_equal(mm_reader_peek(tk_path, &start), MM_ENOENT);
	assert_int_equal(start, 7);
}

static void put_a_pipe_there(void)
{
	delete_it();
	assert_int_equal(mkfifo(tk_path, 0600), 0);
}

static void deleted(void **state)
{
	(void)state;
	follow_without_name(delete_it);
}

static void name_taken(void **state)
{
	(void)state;
	follow_without_name(record_another);
}

static void pipe_taken(void **state)
{
	(void)state;
	follow_without_name(put_a_pipe_there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(the_first_moment),
		TK_TEST(bytes_by_bytes),
		TK_TEST(nothing_new_costs_nothing),
		TK_TEST(killed),
		TK_TEST(a_full_disk_is_no_kill),
		TK_TEST(cut),
		TK_TEST(deleted),
		TK_TEST(name_taken),
		TK_TEST(pipe_taken),
		TK_TEST(told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
