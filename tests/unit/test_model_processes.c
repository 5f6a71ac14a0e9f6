/* test_model_processes: of the model: a family of processes: a command through exec, all at once,
 * one by pid or number, the peak of all together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/error.h"
#include "modelkit.h"

static const struct mm_model_options overview;

/* 0: a launcher that replaces itself by exec (process 1, same pid); 2: a child of it that
 * lives from t = 30 to 80; 3: seen, not recorded. */
static void make_family(struct kit *k)
{
	kit_begin(k);
	uint32_t a = kit_process(k, 100, MM_START_COMMAND, 0);
	uint32_t ta = kit_thread(k, a, 100, "sh");
	kit_alloc(k, a, ta, kit_site(k, a, 0, "launch", "", 0), 1000, 5);
	kit_process_end(k, a, MM_END_EXEC, 0, 10);
	uint32_t b = kit_process(k, 100, MM_START_EXEC, 10);
	uint32_t tb = kit_thread(k, b, 100, "app");
	uint32_t sb = kit_site(k, b, 0, "work", "", 0);
	size_t big = kit_alloc(k, b, tb, sb, 300, 20);
	uint32_t c = kit_process(k, 200, MM_START_FORK, 30);
	uint32_t tc = kit_thread(k, c, 200, "child");
	uint32_t sc = kit_site(k, c, 0, "work", "", 0);
	size_t kid = kit_alloc(k, c, tc, sc, 250, 40);
	kit_free(k, big, tb, 50);
	kit_alloc(k, b, tb, sb, 40, 60);
	kit_alloc(k, c, tc, sc, 5, 70);
	kit_free(k, kid, tc, 75);
	kit_process_end(k, c, MM_END_SIGNAL, 9, 80);
	kit_alloc(k, b, tb, sb, 2, 90);
	kit_process_end(k, b, MM_END_EXIT, 0, 100);
	kit_process(k, 300, MM_START_UNRECORDED, 35);
	kit_reader(k);
}

static void command_is_followed_through_exec(void **state)
{
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->run.process, 1);
	assert_int_equal(r->totals.all.alloc_bytes, 342);
	assert_int_equal(r->totals.peak_live_bytes, 300);
	assert_int_equal(r->process_count, 4);
	assert_int_equal(r->processes[0].selected, 0);
	assert_int_equal(r->processes[1].selected, 1);
	assert_int_equal(r->processes[3].recorded, 0);
	assert_true(r->processes[3].alloc_count == MM_UNKNOWN);
	assert_int_equal(r->processes[2].end, MM_END_SIGNAL);
	assert_int_equal(r->processes[2].status, 9);
	mm_report_free(r);
	kit_end(&k);
}

static void exec_discards_and_does_not_leak(void **state)
{
	struct mm_model_options o = { .process = "#0" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->totals.all.live_bytes, 1000);
	assert_int_equal(r->totals.discarded_bytes, 1000);
	assert_int_equal(r->totals.discarded_count, 1);
	assert_int_equal(r->totals.all.leak_bytes, 0);
	assert_int_equal(r->leaks.count, 0);
	mm_report_free(r);
	kit_end(&k);
}

static void all_adds_each_process_once(void **state)
{
	struct mm_model_options o = { .process = "all" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->totals.all.alloc_bytes, 1000 + 342 + 255);
	assert_int_equal(r->totals.all.alloc_count, 6);
	/* The launcher alone: 1000; later never more than 300 + 250 together. */
	assert_int_equal(r->totals.peak_live_bytes, 1000);
	assert_int_equal(r->totals.peak_at_ns, 5);
	assert_int_equal(r->totals.all.leak_bytes, 42 + 5);
	assert_int_equal(r->run.process, MM_NO_PROCESS);
	mm_report_free(r);
	o.from = "11ns";
	r = kit_report(&k, &o);
	assert_int_equal(r->totals.peak_live_bytes, 550);
	assert_int_equal(r->totals.peak_at_ns, 40);
	uint64_t sum = 0;
	for (size_t i = 0; i < r->peak.count; i++)
		sum += r->peak.rows[i].own.peak_bytes;
	assert_int_equal(sum, 550);
	mm_report_free(r);
	kit_end(&k);
}

static void a_process_is_found_by_pid_or_number(void **state)
{
	static const struct { const char *text; int err; } bad[] = {
		{ "300", MM_ENOENT }, { "4711", MM_ENOENT }, { "#9", MM_ENOENT },
		{ "app", MM_EINVAL }, { "", MM_EINVAL }, { "#", MM_EINVAL },
	};
	struct mm_model_options o = { .process = "200" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->run.process, 2);
	assert_int_equal(r->totals.all.alloc_bytes, 255);
	mm_report_free(r);
	o.process = "100"; /* the last image of that pid */
	r = kit_report(&k, &o);
	assert_int_equal(r->run.process, 1);
	mm_report_free(r);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		o.process = bad[i].text;
		assert_int_equal(kit_refusal(&k, &o, &diag), bad[i].err);
	}
	kit_end(&k);
}

/* Two processes interleaved at random, against the oracle. */
static void merged_peak_equals_the_oracle(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 8; seed++) {
		struct mm_model_options o = { .process = "all" };
		struct kit k;
		uint32_t at;
		uint64_t time;
		size_t live[2][2000], n[2] = { 0, 0 };
		uint32_t site[2];
		kit_begin(&k);
		srand(seed);
		for (uint32_t p = 0; p < 2; p++) {
			kit_process(&k, 1 + p, p ? MM_START_FORK : MM_START_COMMAND, 0);
			kit_thread(&k, p, 1 + p, "t");
			site[p] = kit_site(&k, p, 0, p ? "b" : "a", "", 0);
		}
		for (uint64_t e = 1; e < 1500; e++) {
			unsigned p = (unsigned)rand() % 2;
			if (n[p] && rand() % 2) {
				size_t i = (size_t)rand() % n[p];
				kit_free(&k, live[p][i], 0, e);
				live[p][i] = live[p][--n[p]];
			} else {
				live[p][n[p]++] = kit_alloc(&k, p, 0, site[p],
							    (uint64_t)rand() % 1000, e);
			}
		}
		kit_process_end(&k, 0, MM_END_EXIT, 0, 2000);
		kit_process_end(&k, 1, MM_END_EXIT, 0, 2000);
		kit_reader(&k);
		struct mm_report *r = kit_report(&k, &o);
		assert_int_equal(r->totals.peak_live_bytes,
				 kit_peak(&k, 3, 0, MM_UNKNOWN, &at, &time));
		assert_int_equal(r->totals.peak_at_ns, time);
		assert_int_equal(r->peak.count, 2);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(r->peak.rows[i].own.peak_bytes,
				kit_live_after(&k, r->peak.rows[i].process, KIT_ANY, KIT_ANY, at));
		mm_report_free(r);
		o.from = "700ns";
		o.to = "900ns";
		r = kit_report(&k, &o);
		assert_int_equal(r->totals.peak_live_bytes, kit_peak(&k, 3, 700, 900, &at, &time));
		assert_int_equal(r->totals.peak_at_ns, time);
		for (size_t i = 0; i < r->peak.count; i++)
			assert_int_equal(r->peak.rows[i].own.peak_bytes,
				kit_live_after(&k, r->peak.rows[i].process, KIT_ANY, KIT_ANY, at));
		mm_report_free(r);
		kit_end(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_is_followed_through_exec),
		cmocka_unit_test(exec_discards_and_does_not_leak),
		cmocka_unit_test(all_adds_each_process_once),
		cmocka_unit_test(a_process_is_found_by_pid_or_number),
		cmocka_unit_test(merged_peak_equals_the_oracle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
