/* test_base.c: buffers, the address map, diagnostics, and where things are installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/install.h"
#include "base/map.h"
#include "base/term.h"
#include "core/error.h"

static void buf_appends(void **state)
{
	struct mm_buf b = { 0 };
	static const uint8_t want[] = { 7, 0x78, 0x56, 0x34, 0x12, 'x', '=', '5' };

	(void)state;
	assert_int_equal(mm_buf_u8(&b, 7), 0);
	assert_int_equal(mm_buf_u32(&b, 0x12345678), 0);
	assert_int_equal(mm_buf_printf(&b, "x=%d", 5), 0);
	assert_int_equal(b.len, sizeof want);
	assert_memory_equal(b.data, want, sizeof want);
	assert_int_equal(b.failed, 0);
	mm_buf_deinit(&b);
	assert_null(b.data);
}

static void buf_refuses_the_impossible(void **state)
{
	struct mm_buf b = { 0 };

	(void)state;
	assert_int_equal(mm_buf_u8(&b, 1), 0);
	assert_int_equal(mm_buf_reserve(&b, SIZE_MAX / 2 + 2), MM_ENOMEM);
	assert_int_equal(b.failed, 1);
	assert_int_equal(b.len, 1);
	assert_int_equal(b.data[0], 1);
	mm_buf_deinit(&b);
}

static void array_grows_with_zeros(void **state)
{
	uint32_t *a = NULL;
	size_t cap = 0;

	(void)state;
	assert_int_equal(MM_GROW(a, cap, 3), 0);
	assert_true(cap >= 3);
	for (size_t i = 0; i < cap; i++)
		assert_int_equal(a[i], 0);
	a[2] = 9;
	assert_int_equal(MM_GROW(a, cap, 1000), 0);
	assert_int_equal(a[2], 9);
	assert_int_equal(a[999], 0);
	assert_int_equal(MM_GROW(a, cap, SIZE_MAX / 2), MM_ENOMEM);
	assert_int_equal(a[2], 9);
	free(a);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Against an array indexed by key: 200,000 random sets and takes. */
static void map_agrees_with_an_array(void **state)
{
	enum { KEYS = 4096 };
	static uint32_t value[KEYS];
	static uint8_t there[KEYS];
	struct mm_map m = { 0 };
	uint64_t seed = 1;
	size_t count = 0;

	(void)state;
	for (int step = 0; step < 200000; step++) {
		uint32_t k = (uint32_t)(next_random(&seed) % (KEYS - 1)) + 1, got = 0;
		uint64_t key = (uint64_t)k << 4;
		if (next_random(&seed) % 2) {
			assert_int_equal(mm_map_set(&m, key, (uint32_t)step), 0);
			count += !there[k];
			there[k] = 1;
			value[k] = (uint32_t)step;
		} else {
			assert_int_equal(mm_map_take(&m, key, &got), there[k]);
			if (there[k])
				assert_int_equal(got, value[k]);
			count -= there[k];
			there[k] = 0;
		}
		assert_int_equal(m.count, count);
	}
	for (uint64_t k = 1; k < KEYS; k++) {
		struct mm_map_place *p = mm_map_find(&m, k << 4);
		assert_int_equal(p != NULL, there[k]);
		if (p)
			assert_int_equal(p->value, value[k]);
	}
	mm_map_deinit(&m);
}

static void diag_tells_errno(void **state)
{
	struct mm_diag diag = { "" };

	(void)state;
	assert_string_equal(mm_diag_text(&diag, MM_ENOTRACE), mm_strerror(MM_ENOTRACE));
	errno = ENOENT;
	assert_int_equal(mm_fail_errno(&diag, "%s", "some/file"), MM_ENOENT);
	assert_string_equal(diag.text, "some/file: No such file or directory");
	assert_int_equal(errno, ENOENT);
	errno = ENOSPC;
	assert_int_equal(mm_fail_errno(NULL, "x"), MM_ENOSPC);
}

static void diag_cuts_long_texts(void **state)
{
	struct mm_diag diag;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	assert_int_equal(mm_fail(&diag, MM_EINVAL, "%s", text), MM_EINVAL);
	assert_int_equal(strlen(diag.text), sizeof diag.text - 1);
}

static void every_code_has_a_name(void **state)
{
	(void)state;
	for (int e = MM_ELIMIT; e <= MM_OK; e++)
		assert_string_not_equal(mm_strerror(e), "unknown error");
	assert_string_equal(mm_strerror(-1000), "unknown error");
}

/* --- install ------------------------------------------------------------------- */

static char place[] = "/tmp/mmprof-unit-XXXXXX";

static void make(const char *path)
{
	char full[256], *p;

	snprintf(full, sizeof full, "%s/%s", place, path);
	for (p = full + strlen(place) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0700);
		*p = '/';
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fclose(f);
}

static int make_place(void **state)
{
	(void)state;
	return mkdtemp(place) ? 0 : -1;
}

static int drop_place(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", place);
	return system(command);
}

static void expect_preload(const char *exe_dir, const char *bindir, const char *libdir,
			   const char *want)
{
	char exe[256], full[256], *got = NULL;
	struct mm_diag diag = { "" };

	snprintf(exe, sizeof exe, "%s/%s", place, exe_dir);
	int err = mm_install_find(&got, MM_LIBRARY_RECORD, exe, bindir, libdir, &diag);
	if (!want) {
		assert_int_equal(err, MM_ENOENT);
		assert_null(got);
		assert_non_null(strstr(diag.text, "libmmprof.so"));
		return;
	}
	assert_int_equal(err, 0);
	snprintf(full, sizeof full, "%s/%s", place, want);
	assert_string_equal(got, full);
	free(got);
}

static void preload_is_found_beside_the_executable(void **state)
{
	(void)state;
	expect_preload("moved/bin", "/usr/bin", "/nonexistent/lib/mmprof", NULL);
	make("moved/bin/mmprof");
	make("moved/lib/mmprof/libmmprof.so");
	make("multi/usr/bin/mmprof");
	make("multi/usr/lib/x86_64-linux-gnu/mmprof/libmmprof.so");
	make("tree/.libs/libmmprof.so");
	expect_preload("moved/bin", "/opt/x/bin", "/opt/x/lib/mmprof",
		       "moved/lib/mmprof/libmmprof.so");
	expect_preload("moved/bin", "/usr/local/bin", "/usr/local/lib/mmprof",
		       "moved/lib/mmprof/libmmprof.so");
	expect_preload("multi/usr/bin", "/usr/bin", "/usr/lib/x86_64-linux-gnu/mmprof",
		       "multi/usr/lib/x86_64-linux-gnu/mmprof/libmmprof.so");
	expect_preload("tree", "/usr/bin", "/usr/lib/mmprof", "tree/.libs/libmmprof.so");
}

static void terminal_obeys_the_environment(void **state)
{
	(void)state;
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	assert_int_equal(mm_term_utf8(), 1);
	setenv("LC_ALL", "C", 1);
	assert_int_equal(mm_term_utf8(), 0);
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	setenv("COLUMNS", "123", 1);
	assert_int_equal(mm_term_columns(pipes[1], 80), 123);
	setenv("COLUMNS", "rubbish", 1);
	assert_int_equal(mm_term_columns(pipes[1], 80), 80);
	assert_int_equal(mm_term_colours(pipes[1]), 0);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_appends),
		cmocka_unit_test(buf_refuses_the_impossible),
		cmocka_unit_test(array_grows_with_zeros),
		cmocka_unit_test(map_agrees_with_an_array),
		cmocka_unit_test(diag_tells_errno),
		cmocka_unit_test(diag_cuts_long_texts),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(preload_is_found_beside_the_executable),
		cmocka_unit_test(terminal_obeys_the_environment),
	};

	return cmocka_run_group_tests(tests, make_place, drop_place);
}
