/* test_ahead.c: what is looked up beside a running program is what is looked up after it.
 *
 * The modules told of are this very program, copies of it, and things that cannot be read;
 * the addresses are every sixteenth byte of its code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "model/ahead.h"
#include "symbol/symelf.h"

enum { ADDRESSES = 10000, STEP = 16, MODULE = 3, PROCESS = 1 };

static char folder[64], exe[4096];
static uint64_t code; /* where this program's code begins */

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct mm_module *m = arg;

	(void)size;
	m->bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			code = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
	return 1;
}

static struct mm_module own_module(const char *path)
{
	struct mm_module m = { .path = path };
	struct mm_symelf *e;

	dl_iterate_phdr(find_code, &m);
	m.end = UINT64_MAX;
	if (mm_symelf_open(&e, exe) == MM_OK) {
		m.build_id_len = e->build_id_len;
		memcpy(m.build_id, e->build_id, e->build_id_len);
		mm_symelf_close(e);
	}
	return m;
}

static int prepare(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/mmprof-ahead-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	setenv("XDG_CACHE_HOME", folder, 1);
	return readlink("/proc/self/exe", exe, sizeof exe - 1) > 0 ? 0 : -1;
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static void rest(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* On a machine with so many cores that one is idle, or with none. */
static struct mm_ahead *told_with(const struct mm_module *m, uint32_t count, int names_only,
				  uint32_t cores)
{
	struct mm_ahead *a;

	assert_int_equal(mm_ahead_create(&a, names_only, cores), MM_OK);
	mm_ahead_module(a, PROCESS, MODULE, m);
	for (uint32_t i = 0; i < count; i++)
		mm_ahead_frame(a, PROCESS, MODULE, code + 1 + (uint64_t)i * STEP);
	return a;
}

static struct mm_ahead *told(const struct mm_module *m, uint32_t count, int names_only)
{
	return told_with(m, count, names_only, UINT32_MAX);
}

static struct mm_symbols *finish(struct mm_ahead *a)
{
	uint64_t spent_ns = UINT64_MAX;
	struct mm_symbols *s = mm_ahead_finish(a, &spent_ns);

	assert_true(spent_ns < UINT64_C(2000000000));
	return s;
}

/* How many of the addresses are answered from memory; every answer is the right one. */
static uint32_t compare(struct mm_symbols *found, const struct mm_module *m, uint32_t count,
			int names_only)
{
	struct mm_symbol_options options = { .no_cache = 1, .no_debug = names_only };
	struct mm_symbols *fresh;
	uint32_t ready = 0;

	assert_int_equal(mm_symbols_create(&fresh, &options), MM_OK);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address = code + 1 + (uint64_t)i * STEP;
		const struct mm_frame *a, *b;
		size_t na, nb;
		ready += mm_symbols_is_ready(found, m, address) != 0;
		assert_int_equal(mm_symbols_frames(found, m, address, &a, &na), MM_OK);
		assert_int_equal(mm_symbols_frames(fresh, m, address, &b, &nb), MM_OK);
		assert_int_equal(na, nb);
		for (size_t k = 0; k < na; k++) {
			assert_string_equal(a[k].function, b[k].function);
			assert_string_equal(a[k].file, b[k].file);
			assert_int_equal(a[k].line, b[k].line);
			assert_int_equal(a[k].inlined, b[k].inlined);
		}
	}
	mm_symbols_destroy(fresh);
	return ready;
}

static void the_same_as_afterwards(void **state)
{
	struct mm_module m = own_module(exe);

	(void)state;
	for (int names_only = 0; names_only < 2; names_only++) {
		uint32_t ready = 0;
		/* others may be at work on this machine, too */
		for (long ms = 200; ms < 4000 && ready < 500; ms *= 2) {
			struct mm_ahead *a = told(&m, 500, names_only);
			rest(ms);
			struct mm_symbols *s = finish(a);
			ready = s ? compare(s, &m, 500, names_only) : 0;
			mm_symbols_destroy(s);
		}
		assert_int_equal(ready, 500);
	}
}

/* Without an idle core nothing is looked up, and nothing is waited for. */
static void a_busy_machine_is_left_alone(void **state)
{
	struct mm_module m = own_module(exe);
	struct mm_ahead *a = told_with(&m, 500, 0, 0);
	uint64_t spent_ns;

	(void)state;
	rest(30);
	struct mm_symbols *s = mm_ahead_finish(a, &spent_ns);
	assert_non_null(s);
	assert_int_equal(spent_ns, 0);
	assert_false(mm_symbols_is_ready(s, &m, code + 1));
	assert_int_equal(compare(s, &m, 50, 0), 0);
	mm_symbols_destroy(s);
}

/* The thread ends when nothing comes for a while; another one serves what comes then. */
static void frames_after_a_pause(void **state)
{
	struct mm_module m = own_module(exe);
	struct mm_ahead *a = told(&m, 20, 0);

	(void)state;
	rest(250);
	for (uint32_t i = 20; i < 40; i++)
		mm_ahead_frame(a, PROCESS, MODULE, code + 1 + (uint64_t)i * STEP);
	rest(250);
	struct mm_symbols *s = finish(a);
	if (s) /* not under way */
		compare(s, &m, 40, 0);
	mm_symbols_destroy(s);
}

/* Ended in the middle, at once, or before it began: what is not known is found later. */
static void an_early_end(void **state)
{
	struct mm_module m = own_module(exe);

	(void)state;
	for (long ms = 0; ms < 12; ms += 3) {
		struct mm_ahead *a = told(&m, ADDRESSES, 0);
		rest(ms);
		struct mm_symbols *s = finish(a);
		if (s) /* NULL: it did not get to its end in time */
			compare(s, &m, 300, 0);
		mm_symbols_destroy(s);
	}
	struct mm_symbols *none = finish(told(&m, 0, 0));
	assert_non_null(none);
	mm_symbols_destroy(none);
	assert_null(finish(NULL));
}

/* Addresses told of twice, of modules never told of, of no module. */
static void nonsense_is_passed_over(void **state)
{
	struct mm_module m = own_module(exe);
	struct mm_ahead *a = told(&m, 50, 0);

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		mm_ahead_frame(a, PROCESS, MODULE, code + 1 + (uint64_t)i * STEP);
	mm_ahead_frame(a, PROCESS + 1, MODULE, 4711);
	mm_ahead_frame(a, PROCESS, MODULE + 1, 4712);
	mm_ahead_frame(a, PROCESS, 0, 4713);
	mm_ahead_frame(a, PROCESS, MODULE, 0);
	rest(200);
	struct mm_symbols *s = finish(a);
	if (s)
		compare(s, &m, 50, 0);
	mm_symbols_destroy(s);
}

static void write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

/* The file is not there, is no program, is another one, ends too soon, is replaced. */
static void files_that_are_not_what_they_were(void **state)
{
	char path[128], command[4600];

	(void)state;
	snprintf(path, sizeof path, "%s/module", folder);
	struct mm_module m = own_module(path);
	m.build_id[0] ^= 1; /* the cache knows ours */
	for (int kind = 0; kind < 4; kind++) {
		unlink(path);
		if (kind == 1)
			write_file(path, "\177ELF\2\1\1", 7);
		snprintf(command, sizeof command, "head -c 9000 '%s' >'%s'", exe, path);
		if (kind == 2)
			assert_int_equal(system(command), 0);
		snprintf(command, sizeof command, "cp '%s' '%s'", exe, path);
		if (kind == 3)
			assert_int_equal(system(command), 0);
		struct mm_ahead *a = told(&m, 200, 0);
		rest(kind == 3 ? 2 : 40);
		unlink(path);
		mm_symbols_destroy(finish(a));
	}
}

/* A copy of this program is cut short where it lies, while it is open. */
static void a_file_cut_short(void **state)
{
	struct mm_symbol_options options = { .no_cache = 1, .most_debug_bytes = 16 << 20 };
	char path[128], command[4600];
	const struct mm_frame *f;
	struct mm_symbols *s;
	size_t n;

	(void)state;
	snprintf(path, sizeof path, "%s/short", folder);
	snprintf(command, sizeof command, "cp '%s' '%s'", exe, path);
	for (off_t left = 0; left <= 40000; left += 20000) {
		assert_int_equal(system(command), 0);
		struct mm_module m = own_module(path);
		assert_int_equal(mm_symbols_create(&s, &options), MM_OK);
		assert_int_equal(mm_symbols_frames(s, &m, code + 1, &f, &n), MM_OK);
		assert_int_equal(truncate(path, left), 0);
		for (uint64_t i = 1; i < ADDRESSES; i += 7)
			assert_int_equal(mm_symbols_frames(s, &m, code + 1 + i * STEP, &f, &n),
					 MM_OK);
		mm_symbols_destroy(s);
	}
}

/* Signals are for the thread that tells. */
static volatile sig_atomic_t caught;
static pid_t catcher;

static void catch(int sig)
{
	(void)sig;
	caught++;
	catcher = gettid();
}

static void signals_pass_it_by(void **state)
{
	struct mm_module m = own_module(exe);
	struct sigaction act = { .sa_handler = catch }, old;

	(void)state;
	sigaction(SIGUSR1, &act, &old);
	struct mm_ahead *a = told(&m, ADDRESSES, 0);
	for (int i = 0; i < 20; i++) {
		kill(getpid(), SIGUSR1);
		rest(1);
		assert_int_equal(catcher, getpid());
	}
	assert_true(caught > 0);
	mm_symbols_destroy(finish(a));
	sigaction(SIGUSR1, &old, NULL);
}

/* More debug information than may be open is left alone, and read once that is lifted. */
static void a_bound_on_debug_information(void **state)
{
	struct mm_symbol_options options = { .no_cache = 1, .most_debug_bytes = 100 };
	struct mm_module m = own_module(exe);
	const struct mm_frame *f;
	struct mm_symbols *s;
	size_t n;

	(void)state;
	uint64_t address = (uint64_t)(uintptr_t)a_bound_on_debug_information + 5;
	assert_int_equal(mm_symbols_create(&s, &options), MM_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mm_symbols_frames(s, &m, address, &f, &n), MM_EAGAIN);
		assert_false(mm_symbols_is_ready(s, &m, address));
	}
	mm_symbols_debug_bound(s, 0);
	assert_int_equal(mm_symbols_frames(s, &m, address, &f, &n), MM_OK);
	assert_string_equal(f[n - 1].function, "a_bound_on_debug_information");
	assert_true(f[n - 1].line > 0);
	mm_symbols_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_afterwards),
		cmocka_unit_test(a_busy_machine_is_left_alone),
		cmocka_unit_test(frames_after_a_pause),
		cmocka_unit_test(an_early_end),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(files_that_are_not_what_they_were),
		cmocka_unit_test(a_file_cut_short),
		cmocka_unit_test(signals_pass_it_by),
		cmocka_unit_test(a_bound_on_debug_information),
	};

	return cmocka_run_group_tests(tests, prepare, clean);
}
