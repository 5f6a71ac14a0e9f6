/* test_times: shares of times, against the same by sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/times.h"
#include "trace/event.h"

static struct mm_times t;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	return 0;
}

/* Each cell begins where the one before ends, and is no longer than a sixteenth of where it begins. */
static void cells_follow_each_other(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 100000; ns++)
		assert_in_range(mm_times_cell(ns + 1) - mm_times_cell(ns), 0, 1);
	for (uint64_t ns = 16; ns < UINT64_C(1) << 39; ns += ns / 7)
		assert_true(mm_times_cell(ns) < mm_times_cell(ns + ns / 16 + 1));
	assert_int_equal(mm_times_cell(UINT64_MAX), MM_TIMES_CELLS - 1);
	assert_int_equal(mm_times_cell((UINT64_C(1) << 40) - 1), MM_TIMES_CELLS - 1);
	assert_true(mm_times_cell(UINT64_C(1) << 39) < MM_TIMES_CELLS - 1);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void shares_are_those_of_a_sorted_list(void **state)
{
	static uint64_t ns[20000];
	static const uint32_t ppm[] = { 1, 10000, 500000, 900000, 990000, 999000 };
	uint64_t seed = 99;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		ns[i] = (seed >> 33) >> (seed >> 20 & 31);
		mm_times_add(&t, ns[i]);
	}
	qsort(ns, 20000, sizeof *ns, by_size);
	assert_int_equal(mm_times_count(&t), 20000);
	for (size_t i = 0; i < sizeof ppm / sizeof *ppm; i++) {
		uint64_t is = ns[(20000 * (uint64_t)ppm[i] + 999999) / 1000000 - 1];
		assert_in_range(mm_times_share(&t, ppm[i]), is, is + is / 16);
	}
}

static void too_few_tell_nothing(void **state)
{
	(void)state;
	assert_int_equal(mm_times_share(&t, 500000), MM_UNKNOWN);
	for (int i = 0; i < 19; i++)
		mm_times_add(&t, 7);
	assert_int_equal(mm_times_share(&t, 500000), MM_UNKNOWN);
	mm_times_add(&t, 1000);
	assert_int_equal(mm_times_share(&t, 500000), 7);
	assert_int_equal(mm_times_share(&t, 990000), MM_UNKNOWN);
}

static void merged(void **state)
{
	static struct mm_times more;

	(void)state;
	for (int i = 0; i < 1000; i++)
		mm_times_add(i % 2 ? &t : &more, i < 900 ? 3 : 15);
	mm_times_merge(&t, &more);
	assert_int_equal(mm_times_count(&t), 1000);
	assert_int_equal(mm_times_share(&t, 900000), 3);
	assert_int_equal(mm_times_share(&t, 901000), 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cells_follow_each_other, setup),
		cmocka_unit_test_setup(shares_are_those_of_a_sorted_list, setup),
		cmocka_unit_test_setup(too_few_tell_nothing, setup),
		cmocka_unit_test_setup(merged, setup),
	};

	return cmocka_run_group_tests_name("times", tests, NULL, NULL);
}
