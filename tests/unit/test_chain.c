/* test_chain.c: the pool that serves calls made while the next definitions are looked
 * up: alignment, sizes, what it falls back to, and who recognises its blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/chain.h"
#include "capture/hookstate.h"

__thread struct mm_hook mm_hook_self; /* nobody records here */

static void blocks_are_aligned_and_zero(void **state)
{
	(void)state;
	for (size_t align = 1; align <= 4096; align *= 2)
		for (size_t n = 0; n < 200; n += 33) {
			char *p = mm_boot_alloc(n, align);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % (align < 16 ? 16 : align), 0);
			assert_int_equal(mm_boot_size(p), n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xa5, n);
		}
}

static void blocks_do_not_overlap(void **state)
{
	char *p[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		p[i] = mm_boot_alloc((size_t)i, 16);
		memset(p[i], i, (size_t)i);
	}
	for (int i = 0; i < 100; i++)
		for (int k = 0; k < i; k++)
			assert_int_equal(p[i][k], (char)i);
}

static void the_impossible_fails(void **state)
{
	(void)state;
	errno = 0;
	assert_null(mm_boot_alloc(SIZE_MAX - 8, 16));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(mm_boot_alloc(SIZE_MAX / 3, 16));
	assert_int_equal(errno, ENOMEM);
}

static void large_blocks_are_mappings(void **state)
{
	char *p = mm_boot_alloc((size_t)3 << 20, 65536);

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 65536, 0);
	assert_false(mm_boot_owns(p));
	memset(p, 7, (size_t)3 << 20);
	char *q = mm_chain.realloc(p, 100);
	assert_non_null(q);
	assert_int_equal(q[99], 7);
	mm_chain.free(p); /* known, so not libc's */
	mm_chain.free(q);
}

static void an_exhausted_pool_goes_on(void **state)
{
	int owned = 0, mapped = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		char *p = mm_boot_alloc(16384, 16);
		assert_non_null(p);
		owned += mm_boot_owns(p);
		mapped += !mm_boot_owns(p);
		memset(p, 1, 16384);
		mm_chain.free(p);
	}
	assert_true(owned > 0 && mapped > 0);
}

static void blocks_of_the_pool_can_be_resized(void **state)
{
	char *p = mm_boot_alloc(20, 16);

	(void)state;
	strcpy(p, "nineteen characters");
	p = mm_chain.realloc(p, 4000);
	assert_string_equal(p, "nineteen characters");
	assert_false(mm_boot_owns(p));
	p = mm_chain.realloc(p, 10);
	assert_memory_equal(p, "nineteen c", 10);
	mm_chain.free(p);
}

static void the_chain_leads_to_libc(void **state)
{
	void *p = NULL;

	(void)state;
	mm_chain_resolve();
	mm_chain_resolve();
	assert_ptr_equal(mm_chain_next("no_such_function_at_all"), NULL);
	errno = 0;
	assert_null(mm_chain.calloc(SIZE_MAX / 2, 4));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(mm_chain.posix_memalign(&p, 128, 10), 0);
	assert_int_equal((uintptr_t)p % 128, 0);
	mm_chain.free_sized(p, 10);
	mm_chain.free_aligned_sized(mm_chain.aligned_alloc(64, 64), 64, 64);
	mm_chain.free(mm_chain.valloc(1));
	mm_chain.free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_and_zero),
		cmocka_unit_test(blocks_do_not_overlap),
		cmocka_unit_test(the_impossible_fails),
		cmocka_unit_test(large_blocks_are_mappings),
		cmocka_unit_test(an_exhausted_pool_goes_on),
		cmocka_unit_test(blocks_of_the_pool_can_be_resized),
		cmocka_unit_test(the_chain_leads_to_libc),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
