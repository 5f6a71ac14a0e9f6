/* test_mmoptions: what a manager is made with (mm_check.h): strategies, untracked heaps, how much
 * they keep, and what it costs to know blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"
#include "mm_move.h"
#include "mm_voxel.h"

#include "limited.h"

enum { SLOTS = 1000, STEPS = 40000, MIB = 1 << 20, COST_MOST = 16,
	READY_KIB = 24 << 10 };

static const char *const strategies[] = { "size-class", "first-fit", "best-fit", "numa-aware" };

static struct mm_manager *made_with(const struct mm_manager_options *o)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create_with(o, &m), MM_OK);
	return m;
}

static uint64_t charged(struct mm_manager *m, uint32_t category)
{
	struct mm_usage u;

	assert_int_equal(mm_usage(m, category, &u), MM_OK);
	return u.used_bytes;
}

static void what_cannot_be(void **state)
{
	static const struct { struct mm_manager_options o; int err; } t[] = {
		{ { .strategy = "worst-fit" }, MM_EINVAL },
		{ { .strategy = "" }, MM_EINVAL },
		{ { .untracked = 1, .untracked_category = MM_CATEGORIES_BUILT_IN }, MM_EINVAL },
		{ { .strategy = "first-fit" }, MM_EUNSUP },
		{ { .strategy = "best-fit" }, MM_EUNSUP },
		{ { .strategy = "numa-aware", .checking = MM_CHECKING_ON }, MM_EUNSUP },
		{ { .untracked = 1, .checking = MM_CHECKING_FULL }, MM_EUNSUP },
	};
	struct mm_manager *m = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(mm_manager_create_with(&t[i].o, &m), t[i].err);
	assert_null(m);
}

struct slot { uint8_t *p; size_t size; uint8_t mark; };

static void expect_kept(const struct slot *at, size_t size)
{
	for (size_t b = 0; b < size; b++)
		assert_int_equal(at->p[b], at->mark);
}

/* Takes, resizes and gives at random; at the end nothing is charged any more. */
static void churn(struct mm_manager *m, struct slot *slot)
{
	uint64_t seed = 5;

	memset(slot, 0, SLOTS * sizeof *slot);
	for (int i = 0; i < STEPS; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		struct slot *at = &slot[(seed >> 33) % SLOTS];
		size_t size = (seed >> 20) % (seed >> 60 ? 3000 : 600000);
		if (!at->p) {
			assert_non_null(at->p = mm_alloc(m, size));
		} else if (seed >> 59 & 1) {
			expect_kept(at, at->size);
			assert_int_equal(mm_free(m, at->p), MM_OK);
			at->p = NULL;
			continue;
		} else {
			uint8_t *to = mm_realloc(m, at->p, size);
			assert_non_null(to);
			at->p = to;
			expect_kept(at, size < at->size ? size : at->size);
		}
		at->size = size;
		at->mark = (uint8_t)(seed >> 50);
		memset(at->p, at->mark, size);
	}
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(mm_free(m, slot[i].p), MM_OK);
}

static void every_strategy_serves(void **state)
{
	static struct slot slot[SLOTS];
	struct mm_totals t;

	(void)state;
	for (int untracked = 0; untracked <= 1; untracked++)
		for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
			struct mm_manager_options o = { .strategy = strategies[i],
				.untracked = untracked,
				.untracked_category = MM_CATEGORY_MESH_DATA };
			if (!untracked && (i == 1 || i == 2))
				continue;
			struct mm_manager *m = made_with(&o);
			churn(m, slot);
			mm_totals(m, &t);
			assert_int_equal(t.current_bytes, 0);
			assert_int_equal(t.live_count, 0);
			assert_int_equal(charged(m, MM_CATEGORY_MESH_DATA), 0);
			mm_manager_destroy(m);
		}
}

/* First fit puts a small block where size classes would not: into the hole of a larger one. */
static void strategies_differ(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mm_manager_options o = { .strategy = strategies[i], .untracked = 1 };
		struct mm_manager *m = made_with(&o);
		void *hole = mm_alloc(m, 4000);
		assert_non_null(mm_alloc(m, 100));
		assert_int_equal(mm_free(m, hole), MM_OK);
		assert_int_equal(mm_alloc(m, 200) == hole, i);
		mm_manager_destroy(m);
	}
}

static void untracked_blocks_are_unknown(void **state)
{
	struct mm_manager_options o = { .untracked = 1,
					.untracked_category = MM_CATEGORY_SDF_FIELDS };
	struct mm_manager *m = made_with(&o);
	struct mm_what what = { .category = MM_CATEGORY_MESH_DATA };
	struct mm_info info;
	void *p, *q;

	(void)state;
	assert_int_equal(mm_alloc_as(m, 1000, &what, &p), MM_OK);
	assert_int_equal(charged(m, MM_CATEGORY_MESH_DATA), 0);
	uint64_t granted = charged(m, MM_CATEGORY_SDF_FIELDS);
	assert_in_range(granted, 1000, 1280);
	memset(p, 1, granted); /* all of it is the block's */
	assert_int_equal(mm_info(m, p, &info), MM_ENOENT);
	assert_int_equal(mm_leaks(m, 0, NULL, NULL), 0);
	what.priority = MM_PRIORITY_CACHEABLE;
	assert_int_equal(mm_alloc_as(m, 8, &what, &q), MM_EUNSUP);
	what.priority = MM_PRIORITIES;
	assert_int_equal(mm_alloc_as(m, 8, &what, &q), MM_EINVAL);
	assert_int_equal(mm_free(m, &p), MM_EINVAL);
	assert_int_equal(mm_free(m, (char *)p + 8), MM_EINVAL);
	assert_int_equal(charged(m, MM_CATEGORY_SDF_FIELDS), granted);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(charged(m, MM_CATEGORY_SDF_FIELDS), 0);
	mm_manager_destroy(m);
}

/* What is granted counts, not what was asked for; what was refused is charged nowhere. */
static void untracked_budgets_hold(void **state)
{
	struct mm_manager_options o = { .untracked = 1 };
	struct mm_manager *m = made_with(&o);
	void *p = mm_alloc(m, 1025);
	uint64_t granted = charged(m, 0);

	(void)state;
	assert_true(granted > 1025);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(mm_budget_set(m, 0, granted - 1, MM_BUDGET_DENY), MM_OK);
	assert_null(mm_alloc(m, 1025));
	assert_int_equal(charged(m, 0), 0);
	assert_int_equal(mm_budget_set(m, 0, granted, MM_BUDGET_DENY), MM_OK);
	assert_non_null(p = mm_alloc(m, 1025));
	assert_null(mm_alloc(m, 1));
	assert_null(mm_realloc(m, p, 4 * granted));
	assert_int_equal(charged(m, 0), granted);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(charged(m, 0), 0);
	mm_manager_destroy(m);
}

static uint64_t kept_of(uint64_t retain)
{
	struct mm_manager_options o = { .retain_bytes = retain };
	struct mm_manager *m = made_with(&o);
	static void *block[64];
	struct mm_totals t;

	for (int i = 0; i < 64; i++)
		memset(block[i] = mm_alloc(m, MIB), 1, MIB);
	for (int i = 0; i < 64; i++)
		assert_int_equal(mm_free(m, block[i]), MM_OK);
	mm_totals(m, &t);
	mm_manager_destroy(m);
	return t.committed_bytes - t.metadata_bytes;
}

static void keeps_what_was_said(void **state)
{
	(void)state;
	assert_in_range(kept_of(0), 0, 2 * MIB);
	assert_in_range(kept_of(1), 0, 4096);
	assert_in_range(kept_of(32 * MIB), 31 * MIB, 33 * MIB);
}

static uint64_t metadata_of(int untracked, size_t size, int count)
{
	struct mm_manager_options o = { .untracked = untracked };
	struct mm_manager *m = made_with(&o);
	struct mm_totals t;

	for (int i = 0; i < count; i++)
		assert_non_null(mm_alloc(m, size));
	mm_totals(m, &t);
	mm_manager_destroy(m);
	return t.metadata_bytes;
}

/* Enough blocks that the pages which metadata comes in do not matter. */
static void knowing_a_block_is_cheap(void **state)
{
	(void)state;
	for (size_t size = 16; size <= MIB; size *= 2) {
		int count = size < 4096 ? 65536 : 16384;
		uint64_t bare = metadata_of(1, size, count), known = metadata_of(0, size, count);
		double cost = ((double)known - (double)bare) / count;
		print_message("%7zu bytes: %.2f to know one, %.2f without\n", size, cost,
			      (double)bare / count);
		assert_true(size > 32768 ? known >= bare : known > bare); /* few: in the record */
		assert_true(cost <= COST_MOST);
	}
}

/* KiB of memory of this process's own that may be written to: what a program that locks all its
 * memory would fill. */
static long writable_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "VmData: %ld", &kib) == 1)
			break;
	fclose(f);
	assert_true(kib >= 0);
	return kib;
}

static void gone(void *ctx, void *block)
{
	(void)ctx;
	(void)block;
}

/* One of each. */
static void use_everything(struct mm_manager *m)
{
	struct mm_svo_pool *svo;
	struct mm_band_pool *band;
	struct mm_movable movable;
	struct mm_pool *pool;
	uint32_t n;
	void *block;
	struct mm_what cacheable = { .priority = MM_PRIORITY_CACHEABLE, .gone = gone };

	assert_non_null(mm_alloc(m, 100));
	assert_int_equal(mm_alloc_as(m, 100, &cacheable, &block), MM_OK);
	assert_int_equal(mm_movable_create(m, 100, &movable), MM_OK);
	assert_int_equal(mm_register(m, &block, sizeof block, MM_CATEGORY_GENERAL, "mine"), MM_OK);
	assert_int_equal(mm_pool_create(m, "pool", 64, 0, MM_ACCESS_GENERAL, 1, &pool), MM_OK);
	assert_non_null(mm_pool_alloc(pool));
	assert_int_equal(mm_svo_pool_create(m, "svo", 8, 16, 0, &svo), MM_OK);
	assert_int_equal(mm_svo_pool_take(svo, 8, MM_NODES_INNER, 8, &n), MM_OK);
	assert_int_equal(mm_band_pool_create(m, "band", 8, 3, MM_PRECISION_F32, &band), MM_OK);
	assert_int_equal(mm_band_pool_take(band, 7, &n), MM_OK);
}

static void little_is_held_ready(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
		struct mm_manager_options o = { .strategy = strategies[i], .untracked = i > 0 };
		long before = writable_kib(), more;
		struct mm_manager *m = made_with(&o);
		if (i == 0)
			use_everything(m);
		else
			assert_non_null(mm_alloc(m, 100));
		more = writable_kib() - before;
		mm_manager_destroy(m);
		print_message("%s: %ld KiB may be written to\n", strategies[i], more);
		assert_in_range(more, 1, READY_KIB);
	}
}

/* With addresses for much less than tables of the usual size would take. */
static void in_little_address_space(void **state)
{
	static const uint64_t mib[] = { 3000, 1000, 512 };

	(void)state;
	for (size_t i = 0; LIMITED && i < sizeof mib / sizeof *mib; i++) {
		uint64_t bytes = limited_addresses() + mib[i] * MIB;
		struct rlimit limit = { bytes, bytes };
		int status = -1;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct mm_manager_options o = { 0 };
			struct mm_manager *m;
			if (setrlimit(RLIMIT_AS, &limit) || mm_manager_create_with(&o, &m))
				_exit(1);
			use_everything(m);
			mm_manager_destroy(m);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(every_strategy_serves),
		cmocka_unit_test(strategies_differ),
		cmocka_unit_test(untracked_blocks_are_unknown),
		cmocka_unit_test(untracked_budgets_hold),
		cmocka_unit_test(keeps_what_was_said),
		cmocka_unit_test(knowing_a_block_is_cheap),
		cmocka_unit_test(little_is_held_ready),
		cmocka_unit_test(in_little_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
