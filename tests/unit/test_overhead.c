/* test_overhead.c: what the engine keeps of each block, with a million of them live: by size
 * classes at most 16 bytes, also where sizes are tracked or every block is checked; in order of
 * addresses a record and its place in a table, which tracking adds nothing to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "alloc/heap.h"

enum { OBJECTS = 1000000, MOST = 16, ORDERED_MOST = 56 };

/* Metadata in bytes, of so many live blocks; mixed: of all sizes from 16 to `size`. */
static uint64_t metadata(struct mm_heap_options o, uint64_t size, int mixed)
{
	struct mm_heap *h;
	struct mm_context *c;
	struct mm_account a;
	uint64_t addr, r = 88172645463325252;

	o.retain_bytes = MM_HEAP_DEFAULT;
	assert_int_equal(mm_heap_open(&h, &o), 0);
	assert_int_equal(mm_heap_context(h, 0, &c), 0);
	for (int i = 0; i < OBJECTS; i++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		uint64_t n = mixed ? 16 + r % (size - 15) : size;
		assert_int_equal(mm_heap_alloc(h, c, n, 0, &addr), 0);
	}
	mm_heap_account(h, &a);
	assert_int_equal(a.live, OBJECTS);
	assert_int_equal(mm_account_sum(&a), a.committed);
	mm_heap_leave(h, c);
	mm_heap_close(h);
	return a.metadata;
}

static void at_most_16_bytes(struct mm_heap_options o)
{
	for (uint64_t size = 16; size <= 1024; size *= 2) {
		uint64_t of_one = metadata(o, size, 0), of_mixed = metadata(o, size, 1);
		if (of_one > MOST * OBJECTS || of_mixed > MOST * OBJECTS)
			print_message("%s, %s, %d bytes: %.2f, mixed %.2f bytes an object\n",
				      mm_strategy_name(o.strategy), mm_check_name(o.check),
				      (int)size, (double)of_one / OBJECTS,
				      (double)of_mixed / OBJECTS);
		assert_true(of_one <= MOST * OBJECTS && of_mixed <= MOST * OBJECTS);
	}
}

static void size_class(void **state)
{
	(void)state;
	at_most_16_bytes((struct mm_heap_options){ .track = 1, .simulated = 1 });
}

static void ordered(enum mm_strategy strategy)
{
	struct mm_heap_options o = { .strategy = strategy, .simulated = 1 };

	for (uint64_t size = 16; size <= 1024; size *= 4) {
		o.track = 0;
		uint64_t plain = metadata(o, size, 1);
		o.track = 1;
		assert_int_equal(metadata(o, size, 1), plain);
		assert_true(plain <= (uint64_t)ORDERED_MOST * OBJECTS);
	}
}

static void first_fit(void **state)
{
	(void)state;
	ordered(MM_STRATEGY_FIRST_FIT);
}

static void best_fit(void **state)
{
	(void)state;
	ordered(MM_STRATEGY_BEST_FIT);
}

static void checked_on(void **state)
{
	(void)state;
	at_most_16_bytes((struct mm_heap_options){ .check = MM_CHECK_ON, .simulated = 1 });
}

static void checked_sampled(void **state)
{
	(void)state;
	at_most_16_bytes((struct mm_heap_options){ .check = MM_CHECK_SAMPLED, .track = 1,
						   .simulated = 1 });
}

/* What is said of simulated heaps is true of real ones. */
static void in_real_memory(void **state)
{
	struct mm_heap_options o = { .track = 1 };
	uint64_t real = metadata(o, 48, 0);

	(void)state;
	o.simulated = 1;
	assert_int_equal(real, metadata(o, 48, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_class),
		cmocka_unit_test(first_fit),
		cmocka_unit_test(best_fit),
		cmocka_unit_test(checked_on),
		cmocka_unit_test(checked_sampled),
		cmocka_unit_test(in_real_memory),
	};

	return cmocka_run_group_tests_name("overhead", tests, NULL, NULL);
}
