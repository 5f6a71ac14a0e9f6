/* test_guard.c: each misuse is caught by the weakest level that promises it, and told with
 * what is needed to find it; damaged blocks never come back. A test's name is the misuse, then
 * the level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/cache.h"
#include "guardkit.h"

/* --- sampled ------------------------------------------------------------------------ */

/* The child dies of it; what the fault means is asked in the parent, of the same heap. */
static void dies_touching(struct kit *k, volatile uint8_t *at, int write)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		if (write)
			*at = 1;
		else
			k->times += *at;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void overrun_fault(enum mm_check level)
{
	static const uint64_t size[] = { 16, 160, 4096, 70000 };

	for (unsigned i = 0; i < sizeof size / sizeof *size; i++) {
		struct kit k;
		struct mm_misuse m;
		begin(&k, level);
		uint8_t *p = take(&k, size[i]);
		dies_touching(&k, p + size[i], 1);
		dies_touching(&k, p + size[i], 0);
		assert_int_equal(mm_heap_fault(k.heap, (uintptr_t)p + size[i], &m), 0);
		assert_int_equal(m.kind, MM_MISUSE_OVERRUN);
		assert_int_equal(m.level, level);
		assert_int_equal(m.block, (uintptr_t)p);
		assert_int_equal(m.size, size[i]);
		assert_int_equal(m.offset, size[i]);
		assert_int_equal(mm_heap_fault(k.heap, (uintptr_t)p, &m), MM_ENOENT);
		assert_int_equal(give(&k, p), 0);
		end(&k);
	}
}

static void overrun_fault_sampled(void **state)
{
	(void)state;
	overrun_fault(MM_CHECK_SAMPLED);
}

/* Too near for the page: in the bytes that alignment leaves. */
static void overrun_near_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 13);
	p[13] = 0;
	assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
	assert_int_equal(give(&k, p), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_SAMPLED, p, 13, 13);
	never_comes_back(&k, p, 13);
	end(&k);
}

static void underrun_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 100);
	p[-1] = 0;
	assert_int_equal(give(&k, p), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_UNDERRUN, MM_CHECK_SAMPLED, p, 100, -1);
	end(&k);
}

static void use_after_free_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 200), *later = take(&k, 200);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_validate(k.heap), 0);
	p[7] = 0x11;
	assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, MM_CHECK_SAMPLED, p, 200, 7);
	assert_int_equal(give(&k, later), 0);
	mm_heap_trim(k.heap); /* it leaves the quarantine, but not for use */
	assert_int_equal(k.times, 2);
	never_comes_back(&k, p, 200);
	end(&k);
}

/* Nobody asks: it shows when the quarantine is full and the oldest leaves it. */
static void use_after_free_unasked_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 200);
	assert_int_equal(give(&k, p), 0);
	p[199] = 5;
	for (int i = 0; i < 300; i++)
		assert_int_equal(give(&k, take(&k, 30)), 0);
	assert_int_equal(k.times, 1);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, MM_CHECK_SAMPLED, p, 200, 199);
	end(&k);
}

static void wrong_frees_of_watched(enum mm_check level)
{
	struct kit k;

	begin(&k, level);
	uint8_t *p = take(&k, 200);
	assert_int_equal(give(&k, p + 48), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, level, p, 200, 48);
	assert_int_equal(give(&k, p - 48), MM_EINVAL);
	was_told(&k, MM_MISUSE_INVALID_FREE, level, p, 200, -48);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(give(&k, p), MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, level, p, 200, 0);
	end(&k);
}

static void wrong_frees_sampled(void **state)
{
	(void)state;
	wrong_frees_of_watched(MM_CHECK_SAMPLED);
}

static void count_free(void *arg, const struct mm_slab_view *v)
{
	uint64_t *n = arg;

	n[0]++;
	n[1] += v->free;
}

/* On a map of the heap a run in quarantine is there, and free. */
static void maps_show_quarantine_sampled(void **state)
{
	uint64_t n[2] = { 0, 0 };
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	take(&k, 100);
	assert_int_equal(give(&k, take(&k, 100)), 0);
	mm_heap_slabs(k.heap, count_free, n);
	assert_int_equal(n[0], 2);
	assert_int_equal(n[1], 1);
	end(&k);
}

/* Runs lie side by side, and keep no pages but their own: what others left behind there would
 * count as retained and could not go. */
static void runs_keep_together_sampled(void **state)
{
	enum { RUNS = 50 };
	uint8_t *p[RUNS], *warm;
	struct mm_account a;
	struct kit k;

	(void)state;
	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_SAMPLED,
						 .sample_every = UINT32_MAX });
	warm = take(&k, 1 << 20);
	assert_int_equal(give(&k, warm), 0);
	mm_heap_account(k.heap, &a);
	assert_true(a.retained >= 1 << 20);
	k.context->until_drawn = 1;
	for (int i = 0; i < RUNS; i++, k.context->until_drawn = 1)
		p[i] = take(&k, 100);
	for (int i = 1; i < RUNS; i++)
		assert_true(p[i] - p[i - 1] == 65536 || p[i - 1] - p[i] == 65536);
	mm_heap_trim(k.heap);
	mm_heap_account(k.heap, &a);
	assert_int_equal(a.retained, 0);
	end(&k);
}

/* Slices that runs have left are not taken for untouched ones. */
static void zeroed_where_runs_were_sampled(void **state)
{
	struct kit k;
	uint64_t addr;

	(void)state;
	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_SAMPLED, .sample_every = 3 });
	for (int i = 0; i < 400; i++) {
		uint64_t size = 60000 + (uint64_t)i * 397;
		assert_int_equal(give(&k, take(&k, size)), 0);
		if (i % 5 == 0)
			mm_heap_trim(k.heap);
		assert_int_equal(mm_heap_zalloc(k.heap, k.context, size + 30000, &addr), 0);
		for (uint64_t n = 0; n < size + 30000; n++)
			assert_int_equal(((uint8_t *)(uintptr_t)addr)[n], 0);
		memset((void *)(uintptr_t)addr, 0x22, size + 30000);
		assert_int_equal(mm_heap_free(k.heap, k.context, addr), 0);
	}
	assert_int_equal(k.times, 0);
	end(&k);
}

/* --- full --------------------------------------------------------------------------- */

static void overrun_fault_full(void **state)
{
	(void)state;
	overrun_fault(MM_CHECK_FULL);
}

/* At the very instruction, reads too; nothing is left of it once it is used again. */
static void use_after_free_full(void **state)
{
	static const uint64_t size[] = { 100, 5000, 200000 };

	(void)state;
	for (unsigned i = 0; i < sizeof size / sizeof *size; i++) {
		struct mm_misuse m;
		struct kit k;
		begin(&k, MM_CHECK_FULL);
		k.context->site = 77;
		uint8_t *p = take(&k, size[i]);
		k.context->site = 78;
		assert_int_equal(give(&k, p), 0);
		dies_touching(&k, p + 7, 1);
		dies_touching(&k, p + 7, 0);
		assert_int_equal(mm_heap_fault(k.heap, (uintptr_t)p + 7, &m), 0);
		assert_int_equal(m.kind, MM_MISUSE_USE_AFTER_FREE);
		assert_int_equal(m.block, (uintptr_t)p);
		assert_int_equal(m.size, size[i]);
		assert_int_equal(m.offset, 7);
		assert_int_equal(m.born, 77);
		assert_int_equal(m.died, 78);
		assert_int_equal(mm_heap_validate(k.heap), 0);
		for (int n = 0; n < 9000; n++)
			assert_int_equal(give(&k, take(&k, size[i] + 1)), 0);
		mm_heap_trim(k.heap);
		assert_int_equal(k.times, 0);
		end(&k);
	}
}

/* --- places, sizes, the end --------------------------------------------------------- */

static void the_places_are_told(void **state)
{
	struct kit k;

	(void)state;
	for (int level = MM_CHECK_ON; level < MM_CHECKS; level++) {
		begin(&k, (enum mm_check)level);
		k.context->site = 1;
		uint8_t *p = take(&k, 100);
		k.context->site = 2;
		assert_int_equal(give(&k, p), 0);
		k.context->site = 3;
		assert_int_equal(give(&k, p), MM_EINVAL);
		assert_int_equal(k.told.site, 3);
		assert_int_equal(k.told.born, level == MM_CHECK_ON ? 0 : 1);
		assert_int_equal(k.told.died, level == MM_CHECK_ON ? 0 : 2);
		end(&k);
	}
}

static void the_end_sampled(void **state)
{
	struct mm_context *other;
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	assert_int_equal(mm_heap_context(k.heap, 0, &other), 0);
	uint8_t *p = take(&k, 100);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_validate_last(k.heap, k.context), 0);
	p[9] = 1;
	assert_int_equal(mm_heap_validate_last(k.heap, k.context), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, MM_CHECK_SAMPLED, p, 100, 9);
	mm_heap_leave(k.heap, other);
	end(&k);
}

/* Out of the quarantine and not yet given out again: it shows when that is about to happen. */
static void use_after_free_reused_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 200), *later[64];
	for (int i = 0; i < 64; i++)
		later[i] = take(&k, 30);
	assert_int_equal(give(&k, p), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(give(&k, later[i]), 0);
	p[150] = 5;
	uint8_t *q = take(&k, 200);
	assert_int_equal(k.times, 1);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, MM_CHECK_SAMPLED, p, 200, 150);
	assert_ptr_not_equal(p, q);
	assert_int_equal(give(&k, q), 0);
	never_comes_back(&k, p, 200);
	end(&k);
}

static void wrong_frees_full(void **state)
{
	(void)state;
	wrong_frees_of_watched(MM_CHECK_FULL);
}

static void the_limit_is_told_full(void **state)
{
	enum { MOST = 50, ALL = 80 };
	struct mm_check_counts n;
	uint8_t *p[ALL];
	struct kit k;

	(void)state;
	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_FULL, .watched_most = MOST });
	for (int i = 0; i < ALL; i++)
		p[i] = take(&k, 100);
	mm_heap_check_counts(k.heap, &n);
	assert_int_equal(n.watched, MOST);
	assert_int_equal(n.beyond, ALL - MOST);
	dies_touching(&k, p[MOST - 1] + 112, 1);
	p[MOST][100] = 0; /* as with on */
	assert_int_equal(give(&k, p[MOST]), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_FULL, p[MOST], 100, 100);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(i == MOST || give(&k, p[i]) == 0, 1);
	for (int i = 0; i < 3 * MOST; i++) /* the quarantine gives way */
		assert_int_equal(give(&k, take(&k, 100)), 0);
	mm_heap_check_counts(k.heap, &n);
	assert_int_equal(n.beyond, ALL - MOST);
	assert_int_equal(n.watched, 4 * MOST);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overrun_fault_sampled),
		cmocka_unit_test(overrun_near_sampled),
		cmocka_unit_test(underrun_sampled),
		cmocka_unit_test(use_after_free_sampled),
		cmocka_unit_test(use_after_free_unasked_sampled),
		cmocka_unit_test(wrong_frees_sampled),
		cmocka_unit_test(maps_show_quarantine_sampled),
		cmocka_unit_test(runs_keep_together_sampled),
		cmocka_unit_test(zeroed_where_runs_were_sampled),
		cmocka_unit_test(overrun_fault_full),
		cmocka_unit_test(use_after_free_full),
		cmocka_unit_test(the_places_are_told),
		cmocka_unit_test(the_end_sampled),
		cmocka_unit_test(use_after_free_reused_sampled),
		cmocka_unit_test(wrong_frees_full),
		cmocka_unit_test(the_limit_is_told_full),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
