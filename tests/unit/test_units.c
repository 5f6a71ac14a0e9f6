/* test_units.c: sizes and times, typed and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/units.h"
#include "core/error.h"

static void sizes_are_read(void **state)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "4096b", 4096 }, { "1k", 1024 },
		{ "64M", 64u << 20 }, { "64MB", 64000000 }, { "64MiB", 64u << 20 },
		{ "256mb", 256000000 }, { "1.5G", UINT64_C(3) << 29 }, { "10 kB", 10000 },
		{ "2TiB", UINT64_C(2) << 40 }, { "1.5", 1 }, { "0.001kB", 1 },
		{ "15E", UINT64_C(15) << 60 }, { "18446744073709551614", UINT64_MAX - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		uint64_t bytes = 77;
		assert_int_equal(mm_parse_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void other_sizes_are_refused(void **state)
{
	static const char *const bad[] = {
		"", " 1", "M", "-1", "+1", "1..5", "1.", ".5", "1MiBs", "1 M B", "1e3", "0x10",
		"64m5", "16E", "18446744073709551615", "99999999999999999999", "1,000", "1Mb!",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint64_t bytes = 77;
		assert_int_equal(mm_parse_size(bad[i], &bytes), MM_EINVAL);
		assert_int_equal(bytes, 77);
	}
}

static void durations_are_read(void **state)
{
	static const struct { const char *text; uint64_t ns; } good[] = {
		{ "0", 0 }, { "7", 7000000000 }, { "12.5s", 12500000000 },
		{ "250ms", 250000000 }, { "10us", 10000 }, { "10\302\265s", 10000 },
		{ "5ns", 5 }, { "3m", 180000000000 }, { "2h", UINT64_C(7200000000000) },
		{ "1:02.5", 62500000000 }, { "1:00:00", UINT64_C(3600000000000) },
		{ "90:00", UINT64_C(5400000000000) }, { "0.000000001s", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		uint64_t ns = 77;
		assert_int_equal(mm_parse_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
}

static void other_durations_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "s", "1:60", "1:2:3:4", "1.5:00", "1:", ":30", "-5s", "5 parsecs", "1s2",
		"99999999999999999999s", "6000000h",
	};
	uint64_t ns = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(mm_parse_duration(bad[i], &ns), MM_EINVAL);
	assert_int_equal(ns, 77);
}

static void moments_are_read(void **state)
{
	struct mm_moment m;

	(void)state;
	assert_int_equal(mm_parse_time("1:02.5", &m), 0);
	assert_int_equal(m.kind, MM_MOMENT_NS);
	assert_int_equal(m.ns, 62500000000);
	assert_int_equal(mm_parse_time("50%", &m), 0);
	assert_int_equal(m.kind, MM_MOMENT_RATIO);
	assert_int_equal(m.ppm, 500000);
	assert_int_equal(mm_parse_time("33.3333%", &m), 0);
	assert_int_equal(m.ppm, 333333);
	assert_int_equal(mm_parse_time("100%", &m), 0);
	assert_int_equal(m.ppm, 1000000);
	assert_int_equal(mm_parse_time("peak", &m), 0);
	assert_int_equal(m.kind, MM_MOMENT_PEAK);
	assert_int_equal(mm_parse_time("mark:load done", &m), 0);
	assert_int_equal(m.kind, MM_MOMENT_MARK);
	assert_string_equal(m.mark, "load done");
	m.kind = 9;
	assert_int_equal(mm_parse_time("100.1%", &m), MM_EINVAL);
	assert_int_equal(mm_parse_time("mark:", &m), MM_EINVAL);
	assert_int_equal(mm_parse_time("peaks", &m), MM_EINVAL);
	assert_int_equal(m.kind, 9);
}

static void sizes_are_printed(void **state)
{
	static const struct { uint64_t bytes; const char *text; } cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.00 KiB" }, { 1536, "1.50 KiB" },
		{ 10239, "10.0 KiB" }, { 102400, "100 KiB" }, { 1048575, "1024 KiB" },
		{ UINT64_C(1524713390), "1.42 GiB" }, { UINT64_MAX - 1, "16.0 EiB" },
		{ UINT64_MAX, "?" },
	};
	char buf[MM_UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(mm_format_size(buf, cases[i].bytes), cases[i].text);
}

static void counts_are_printed(void **state)
{
	char buf[MM_UNITS_TEXT];

	(void)state;
	assert_string_equal(mm_format_count(buf, 0), "0");
	assert_string_equal(mm_format_count(buf, 999), "999");
	assert_string_equal(mm_format_count(buf, 1000), "1,000");
	assert_string_equal(mm_format_count(buf, 5664012), "5,664,012");
	assert_string_equal(mm_format_count(buf, UINT64_MAX - 1), "18,446,744,073,709,551,614");
	assert_string_equal(mm_format_count(buf, UINT64_MAX), "?");
}

static void times_are_printed(void **state)
{
	char buf[MM_UNITS_TEXT];

	(void)state;
	assert_string_equal(mm_format_time(buf, 0), "0 ns");
	assert_string_equal(mm_format_time(buf, 999), "999 ns");
	assert_string_equal(mm_format_time(buf, 340000), "340 us");
	assert_string_equal(mm_format_time(buf, 12500000000), "12.5 s");
	assert_string_equal(mm_format_time(buf, 62500000000), "1:02.5");
	assert_string_equal(mm_format_time(buf, UINT64_C(3661000000000)), "1:01:01.0");
	assert_string_equal(mm_format_time(buf, UINT64_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(other_sizes_are_refused),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(other_durations_are_refused),
		cmocka_unit_test(moments_are_read),
		cmocka_unit_test(sizes_are_printed),
		cmocka_unit_test(counts_are_printed),
		cmocka_unit_test(times_are_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
