/* test_guard_on.c: what the level on catches, exactly: from records out of line and canaries; told
 * with what is needed to find it; damaged blocks never come back. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guardkit.h"

static void double_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100), *other = take(&k, 100);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(give(&k, p), MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, MM_CHECK_ON, p, 100, 0);
	assert_int_equal(k.times, 1);
	assert_int_equal(give(&k, other), 0);
	end(&k);
}

/* Long after, in any thread's context. */
static void double_free_delayed_on(void **state)
{
	static uint8_t *p[5000];
	struct mm_context *other;
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	assert_int_equal(mm_heap_context(k.heap, 0, &other), 0);
	for (int i = 0; i < 5000; i++)
		p[i] = take(&k, 64);
	for (int i = 1; i < 5000; i += 2)
		assert_int_equal(give(&k, p[i]), 0);
	for (int i = 1; i < 5000; i += 2) {
		assert_int_equal(mm_heap_free(k.heap, other, (uintptr_t)p[i]), MM_EINVAL);
		assert_int_equal(k.told.kind, MM_MISUSE_DOUBLE_FREE);
	}
	assert_int_equal(k.times, 2500);
	mm_heap_leave(k.heap, other);
	end(&k);
}

static void interior_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *small = take(&k, 100), *large = take(&k, 100000);
	assert_int_equal(give(&k, small + 16), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, small, 100, 16);
	assert_int_equal(give(&k, small + 3), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, small, 100, 3);
	assert_int_equal(give(&k, large + 70000), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, large, 100000, 70000);
	assert_int_equal(give(&k, small), 0);
	assert_int_equal(give(&k, large), 0);
	assert_int_equal(k.times, 3);
	end(&k);
}

enum { TRIES = 20000 };

/* Two threads that meet before each try. */
static struct { struct mm_heap *heap; uint64_t addr; _Atomic int come, result[TRIES]; } twice;

static void meet(int nth)
{
	atomic_fetch_add(&twice.come, 1);
	for (int i = 1; atomic_load(&twice.come) < 2 * nth; i++)
		if (i % 1000 == 0)
			sched_yield();
}

static void *free_it_too(void *arg)
{
	struct mm_context *c = arg;

	for (int i = 0; i < TRIES; i++) {
		meet(2 * i + 1);
		twice.result[i] += mm_heap_free(twice.heap, c, twice.addr) == MM_OK;
		meet(2 * i + 2);
	}
	return NULL;
}

/* Of two threads that free a large block at the same moment one does; the other is told of. */
static void large_freed_twice_at_once_on(void **state)
{
	struct mm_context *other;
	struct kit k;
	pthread_t thread;

	(void)state;
	begin(&k, MM_CHECK_ON);
	twice.heap = k.heap;
	assert_int_equal(mm_heap_context(k.heap, 0, &other), 0);
	assert_int_equal(pthread_create(&thread, NULL, free_it_too, other), 0);
	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(mm_heap_alloc(k.heap, k.context, 1 << 20, 0, &twice.addr), 0);
		meet(2 * i + 1);
		twice.result[i] += mm_heap_free(k.heap, k.context, twice.addr) == MM_OK;
		meet(2 * i + 2);
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < TRIES; i++)
		assert_int_equal(twice.result[i], 1);
	assert_int_equal(k.times, TRIES);
	mm_heap_leave(k.heap, other);
	end(&k);
}

static void invalid_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100), *large = take(&k, 100000);
	assert_int_equal(give(&k, &k), MM_EINVAL);
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, p + 112 * 9 + 8), MM_EINVAL); /* in a block that is not out */
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, large), 0);
	assert_int_equal(give(&k, large), MM_EINVAL); /* its slices are nobody's, but it is known */
	was_told(&k, MM_MISUSE_DOUBLE_FREE, MM_CHECK_ON, large, 100000, 0);
	assert_int_equal(give(&k, large + 16), MM_EINVAL);
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, p), 0);
	end(&k);
}

static void wrong_realloc_on(void **state)
{
	struct kit k;
	uint64_t addr = 3;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p + 16, 50, 0, &addr),
			 MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, p, 100, 16);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 50, 0, &addr),
			 MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, MM_CHECK_ON, p, 100, 0);
	assert_int_equal(addr, 3);
	end(&k);
}

/* The least that can be written, right behind what was requested and further off. */
static void overrun_on(void **state)
{
	static const uint64_t size[] = { 0, 1, 13, 100, 1000, 8190, 100000 };

	(void)state;
	for (unsigned i = 0; i < sizeof size / sizeof *size; i++)
		for (uint64_t off = 0; off < (size[i] == 8190 ? 2 : size[i] == 13 ? 3 : 8); off++) {
			struct kit k;
			begin(&k, MM_CHECK_ON);
			uint8_t *p = take(&k, size[i]);
			p[size[i] + off] = 0;
			assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
			assert_int_equal(give(&k, p), MM_ECORRUPT);
			was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_ON, p, size[i],
				 (int64_t)(size[i] + off));
			assert_int_equal(k.times, 2);
			assert_int_equal(mm_heap_validate(k.heap), 0);
			end(&k);
		}
}

static void overrun_never_comes_back_on(void **state)
{
	static const uint64_t size[] = { 100, 100000 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kit k;
		begin(&k, MM_CHECK_ON);
		uint8_t *p = take(&k, size[i]);
		p[size[i]] ^= 1;
		assert_int_equal(give(&k, p), MM_ECORRUPT);
		never_comes_back(&k, p, size[i]);
		end(&k);
	}
}

static void overrun_before_realloc_on(void **state)
{
	struct kit k;
	uint64_t addr = 3;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100);
	p[100] = 'x';
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 5000, 0, &addr),
			 MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_ON, p, 100, 100);
	assert_int_equal(addr, 3);
	assert_int_equal(p[99], 0x11);
	end(&k);
}

/* What was granted is no invitation: usable is what was requested. */
static void usable_is_requested_on(void **state)
{
	struct kit k;
	uint64_t granted, addr;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 101);
	assert_int_equal(mm_heap_granted(k.heap, (uintptr_t)p, &granted), 0);
	assert_int_equal(granted, 101);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 110, 0, &addr), 0);
	assert_int_equal(addr, (uintptr_t)p);
	p[109] = 1;
	assert_int_equal(mm_heap_realloc(k.heap, k.context, addr, 98, 0, &addr), 0);
	uint64_t large = (uintptr_t)take(&k, 100000);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, large, 0, 0, &large), 0);
	assert_int_equal(mm_heap_validate(k.heap), 0);
	assert_int_equal(mm_heap_free(k.heap, k.context, large), 0);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_granted(k.heap, addr, &granted), MM_EINVAL);
	assert_int_equal(k.times, 0);
	end(&k);
}

/* Only where every block is checked and none is watched; what is wrong is declined. */
static void the_short_way_on(void **state)
{
	struct kit k;

	(void)state;
	for (int level = MM_CHECK_OFF; level <= MM_CHECK_FULL; level++) {
		begin(&k, (enum mm_check)level);
		assert_int_equal(give(&k, take(&k, 100)), 0);
		uint64_t p = mm_checked_take(k.heap, k.context, 100);
		assert_int_equal(p != 0, level == MM_CHECK_ON);
		assert_int_equal(mm_checked_take(k.heap, k.context, 40000), 0);
		if (p) {
			assert_false(mm_checked_give(k.heap, k.context, p + 16));
			assert_true(mm_checked_give(k.heap, k.context, p));
			assert_false(mm_checked_give(k.heap, k.context, p));
			assert_int_equal(mm_checked_take(k.heap, k.context, 104), p);
			((uint8_t *)(uintptr_t)p)[104] ^= 1;
			assert_false(mm_checked_give(k.heap, k.context, p));
			((uint8_t *)(uintptr_t)p)[104] ^= 1;
			assert_true(mm_checked_give(k.heap, k.context, p));
		}
		assert_int_equal(k.times, 0);
		end(&k);
	}
}
static void wrong_size_on(void **state)
{
	struct kit k;

	(void)state;
	for (int level = MM_CHECK_OFF; level < MM_CHECKS; level++) {
		begin(&k, (enum mm_check)level);
		uint64_t small = (uintptr_t)take(&k, 100), large = (uintptr_t)take(&k, 100000);
		assert_int_equal(mm_heap_said_size(k.heap, k.context, small, 100), 0);
		assert_int_equal(mm_heap_said_size(k.heap, k.context, large, 100000), 0);
		assert_int_equal(mm_heap_said_size(k.heap, k.context, 0, 8), 0);
		assert_int_equal(k.times, 0);
		int err = mm_heap_said_size(k.heap, k.context, small, 99);
		assert_int_equal(err, level ? MM_EINVAL : MM_OK);
		if (level) {
			was_told(&k, MM_MISUSE_WRONG_SIZE, (enum mm_check)level,
				 (uint8_t *)(uintptr_t)small, 100, 0);
			assert_int_equal(k.told.said, 99);
			mm_heap_said_size(k.heap, k.context, large, 100001);
			assert_int_equal(k.told.said, 100001);
		}
		assert_int_equal(mm_heap_free(k.heap, k.context, small), 0);
		assert_int_equal(mm_heap_free(k.heap, k.context, large), 0);
		end(&k);
	}
}

/* Blocks that nobody frees show it at the end; where others are at work only what is free. */
static void the_end_on(void **state)
{
	struct mm_context *other;
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100);
	assert_int_equal(mm_heap_validate_last(k.heap, k.context), 0);
	p[100] = 1;
	assert_int_equal(mm_heap_context(k.heap, 0, &other), 0);
	assert_int_equal(mm_heap_validate_last(k.heap, k.context), 0);
	mm_heap_leave(k.heap, other);
	assert_int_equal(mm_heap_validate_last(k.heap, k.context), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_ON, p, 100, 100);
	end(&k);
}

static void levels_have_names(void **state)
{
	enum mm_check level = MM_CHECK_ON;
	struct kit k;
	struct mm_misuse m;

	(void)state;
	for (int i = 0; i < MM_CHECKS; i++) {
		assert_int_equal(mm_check_of(mm_check_name((enum mm_check)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(mm_check_of("fully", &level), MM_EINVAL);
	assert_null(mm_check_name(MM_CHECKS));
	assert_string_equal(mm_misuse_name(MM_MISUSE_USE_AFTER_FREE), "use after free");
	begin(&k, MM_CHECK_ON);
	assert_int_equal(mm_heap_misuse(k.heap, &m), MM_ENOENT);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(double_free_on),
		cmocka_unit_test(double_free_delayed_on),
		cmocka_unit_test(interior_free_on),
		cmocka_unit_test(large_freed_twice_at_once_on),
		cmocka_unit_test(invalid_free_on),
		cmocka_unit_test(wrong_realloc_on),
		cmocka_unit_test(overrun_on),
		cmocka_unit_test(overrun_never_comes_back_on),
		cmocka_unit_test(overrun_before_realloc_on),
		cmocka_unit_test(usable_is_requested_on),
		cmocka_unit_test(the_short_way_on),
		cmocka_unit_test(wrong_size_on),
		cmocka_unit_test(the_end_on),
		cmocka_unit_test(levels_have_names),
	};

	return cmocka_run_group_tests_name("guard on", tests, NULL, NULL);
}
