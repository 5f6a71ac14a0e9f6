/* test_golden.c: traces of every version decode for ever, and FORMAT.md's example is what
 * the writer writes. Run in the source tree ($top_srcdir). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "goldens.h"
#include "tracecheck.h"

static char *in_source(const char *name)
{
	const char *top = getenv("top_srcdir");
	size_t room = strlen(name) + (top ? strlen(top) : 1) + 2;
	char *path = malloc(room);

	snprintf(path, room, "%s/%s", top ? top : ".", name);
	return path;
}

static void expect_process(struct mm_reader *r, uint32_t process, const struct tg *g)
{
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;

	assert_int_equal(mm_cursor_open(&c, r, process, 0, NULL), 0);
	while (mm_cursor_next(c, &ev) > 0) {
		assert_true(n < g->count);
		const char *field = tc_differs(&ev, &g->events[n++], 0);
		if (field)
			fail_msg("process %u, event %zu: %s", process, n - 1, field);
	}
	assert_int_equal(n, g->count);
	assert_null(tc_totals_differ(mm_reader_totals(r, process), &g->totals));
	mm_cursor_close(c);
}

static void version_1(void **state)
{
	char *path = tg_path("golden"), *kept = in_source("traces/v1.mmt");
	struct tg g[GOLDEN_PROCESSES];
	struct mm_reader *r;
	struct mm_diag diag = { "" };
	const struct mm_frame *f;
	size_t n;

	(void)state;
	golden_v1(path, g);
	unlink(path);
	if (mm_reader_open(&r, kept, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(mm_reader_info(r)->version, 1);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
	assert_int_equal(mm_reader_info(r)->lost_bytes, 0);
	assert_string_equal(mm_reader_info(r)->command, "demo --fast");
	assert_int_equal(mm_reader_processes(r), GOLDEN_PROCESSES);
	for (uint32_t p = 0; p < GOLDEN_PROCESSES; p++) {
		expect_process(r, p, &g[p]);
		tg_end(&g[p]);
	}
	assert_int_equal(mm_reader_process(r, 0)->status, 3);
	assert_int_equal(mm_reader_process(r, 1)->end, MM_END_SIGNAL);
	assert_int_equal(mm_reader_process(r, 1)->parent, 1);
	assert_string_equal(mm_reader_thread(r, 0, 3)->name, "w\303\266rk");
	assert_int_equal(mm_reader_symbol(r, 0, 1, 0x400010, &f, &n), 0);
	assert_string_equal(f->function, "demo::f1<int>(char)");
	mm_reader_close(r);
	free(path);
	free(kept);
}

static uint64_t events_in(struct mm_reader *r, uint32_t process)
{
	uint64_t n = 0;

	for (uint32_t c = 0; c < mm_reader_chunks(r, process); c++)
		n += mm_reader_chunk(r, process, c)->events;
	return n;
}

/* What did not fit is lost, but every process has its sums. */
static void version_1_bounded(void **state)
{
	char *path = tg_path("golden"), *kept = in_source("traces/v1-bounded.mmt");
	struct tg g[GOLDEN_BOUNDED_PROCESSES];
	struct mm_reader *r;
	struct mm_diag diag = { "" };

	(void)state;
	golden_bounded(path, g);
	unlink(path);
	if (mm_reader_open(&r, kept, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
	assert_int_equal(mm_reader_processes(r), GOLDEN_BOUNDED_PROCESSES);
	for (uint32_t p = 0; p < GOLDEN_BOUNDED_PROCESSES; p++) {
		assert_int_equal(mm_reader_process(r, p)->status, p);
		assert_null(tc_totals_differ(mm_reader_totals(r, p), &g[p].totals));
		assert_int_equal(events_in(r, p) + mm_reader_lost(r, p), g[p].count);
		tg_end(&g[p]);
	}
	assert_int_equal(mm_reader_lost(r, 0), 0);
	assert_true(mm_reader_lost(r, 1) > 0 && events_in(r, 1) > 0);
	assert_int_equal(events_in(r, 2), 0);
	mm_reader_close(r);
	free(path);
	free(kept);
}

/* The bytes between the first pair of ``` lines after "## 12.". */
static size_t example_bytes(uint8_t *out, size_t room)
{
	char *name = in_source("FORMAT.md"), line[512];
	FILE *f = fopen(name, "r");
	int section = 0, inside = 0;
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, "## 12.", 6) == 0)
			section = 1;
		else if (section && strncmp(line, "```", 3) == 0)
			inside++;
		else if (inside == 1)
			for (char *p = line + 9, *end; n < room; p = end) {
				unsigned long byte = strtoul(p, &end, 16);
				if (end == p)
					break;
				out[n++] = (uint8_t)byte;
			}
	}
	fclose(f);
	free(name);
	return n;
}

static void the_example_of_the_description(void **state)
{
	char *path = tg_path("tiny");
	uint8_t want[4096];
	size_t len, want_len = example_bytes(want, sizeof want);

	(void)state;
	golden_tiny(path);
	uint8_t *data = tg_load(path, &len);
	unlink(path);
	assert_int_equal(len, want_len);
	for (size_t i = 0; i < len; i++)
		if (data[i] != want[i])
			fail_msg("byte %zu: written %02x, described %02x", i, data[i], want[i]);
	free(data);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_1_bounded),
		cmocka_unit_test(the_example_of_the_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
