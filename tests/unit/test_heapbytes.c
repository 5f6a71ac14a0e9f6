/* test_heapbytes.c: the fuzzer of the heap's calls (tests/fuzz/fuzz_heap.c) on bytes of fixed
 * seeds: so many inputs for each strategy and level, or more: MM_TEST_RUNS=1000000, from the
 * one that MM_TEST_FIRST says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS = 256, BYTES = 2000 };

static uint64_t said(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : usual;
}

static void one(uint64_t seed)
{
	static uint8_t data[BYTES];
	uint64_t r = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;

	for (size_t i = 0; i < sizeof data; i++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		data[i] = (uint8_t)(r >> 24);
	}
	data[0] = (uint8_t)seed; /* the heap's kind */
	data[1] = (uint8_t)(seed / 256 * 37 + seed);
	LLVMFuzzerTestOneInput(data, seed % 5 ? sizeof data : 300);
}

static void bytes_of_fixed_seeds(void **state)
{
	uint64_t first = said("MM_TEST_FIRST", 0), runs = said("MM_TEST_RUNS", RUNS);

	(void)state;
	for (uint64_t seed = first; seed < first + runs; seed++) {
		if (runs > RUNS && seed % 1000 == 0)
			fprintf(stderr, "%llu\n", (unsigned long long)seed);
		one(seed);
	}
	assert_true(runs > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bytes_of_fixed_seeds) };

	return cmocka_run_group_tests_name("heap by bytes", tests, NULL, NULL);
}
