/* test_mmevict: cacheable blocks that are taken away by whoever needs room: by threads that
 * allocate such blocks themselves, and by threads that have pools alone; and no room at all.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

#include "limited.h"

enum { THREADS = 6, ROUNDS = 100000, TIMES = 20, BLOCK = 1000, SLAB = 64 << 10 };

static struct mm_manager *manager;
static _Atomic uint64_t gone;

static void count_gone(void *ctx, void *block)
{
	(void)ctx;
	(void)block;
	gone++;
}

static int take_cacheable(size_t size)
{
	struct mm_what what = MM_WHAT;
	void *block;

	what.category = MM_CATEGORY_GENERAL;
	what.priority = MM_PRIORITY_CACHEABLE;
	what.gone = count_gone;
	return mm_alloc_as(manager, size, &what, &block);
}

static void begin(uint64_t budget)
{
	gone = 0;
	assert_int_equal(mm_manager_create(&manager), MM_OK);
	assert_int_equal(mm_budget_set(manager, MM_CATEGORY_GENERAL, budget, MM_BUDGET_EVICT),
			 MM_OK);
}

/* --- little room ---------------------------------------------------------------------------- */

/* 0: whoever is refused for want of addresses may ask again, and again, and takes none meanwhile. */
static int ask_in_vain(void)
{
	struct mm_manager *m = mm_manager_default();
	struct rlimit most;
	uint64_t before = 0;

	most.rlim_cur = most.rlim_max = limited_addresses() + (2 << 20);
	if (!m || setrlimit(RLIMIT_AS, &most))
		return 1;
	for (int i = 0; i < 20; i++) {
		if (mm_register(m, &most, 1, MM_CATEGORY_GENERAL, "most") != MM_ENOMEM)
			return 2;
		before = i ? before : limited_addresses();
	}
	return limited_addresses() != before;
}

/* Before there is any table of names in this process. */
static void refused_again_and_again(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(ask_in_vain());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* --- at once ------------------------------------------------------------------------------- */

static void *takes_many(void *arg)
{
	uint64_t *had = arg;

	for (int i = 0; i < ROUNDS; i++) {
		*had += take_cacheable(BLOCK) == MM_OK;
		if (i % 4)
			continue;
		void *others = mm_alloc_at(manager, BLOCK, MM_CATEGORY_MESH_DATA, NULL, NULL, 0);
		if (!others || mm_free(manager, others))
			*had = UINT64_MAX / 2; /* which nothing adds up with */
	}
	return NULL;
}

/* A block may be taken away by another thread before the call that allocates it has returned:
 * what is known of blocks is of those that are live, and of no others. */
static void take_at_once(void)
{
	uint64_t had[THREADS] = { 0 }, sum = 0;
	pthread_t thread[THREADS];
	struct mm_usage u;

	begin(2 * BLOCK);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, takes_many, &had[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		sum += had[i];
	}
	assert_int_equal(mm_usage(manager, MM_CATEGORY_GENERAL, &u), MM_OK);
	assert_int_equal(u.live_count, sum - gone);
	assert_int_equal(u.used_bytes, u.live_count * BLOCK);
	assert_int_equal(mm_leaks(manager, 0, NULL, NULL), u.live_count);
	mm_manager_destroy(manager);
}

static void taken_as_soon_as_made(void **state)
{
	(void)state;
	for (int i = 0; i < TIMES; i++) /* it is by chance that they meet */
		take_at_once();
}

/* --- for pools ------------------------------------------------------------------------------- */

/* Had nothing of libmm before, so that whatever a thread has is made in these calls. */
static void *makes_room(void *arg)
{
	struct mm_movable movable;
	uint32_t handle;

	switch ((intptr_t)arg) {
	case 0:
		return mm_pool_alloc(mm_pool_get(manager, "cached")) ? arg : &gone;
	case 1:
		return mm_pool_alloc(mm_pool_get(manager, "direct")) ? arg : &gone;
	case 2:
		return mm_pool_warm_up(mm_pool_get(manager, "warm"), 1) ? &gone : arg;
	case 3:
		return mm_pool_grow(mm_pool_get(manager, "grown"), 1, 1) ? &gone : arg;
	case 4:
		return mm_movable_create(manager, SLAB, &movable) ? &gone : arg;
	case 5:
		return mm_register(manager, &gone, SLAB, MM_CATEGORY_GENERAL, NULL) ? &gone : arg;
	case 6:
		return mm_svo_pool_take(mm_svo_pool_get(manager, "nodes"), mm_node_key(1, 0, 0, 0),
					MM_NODES_INNER, 8, &handle) ? &gone : arg;
	default:
		return mm_band_pool_take(mm_band_pool_get(manager, "bricks"),
					 mm_brick_key(0, 0, 0), &handle) ? &gone : arg;
	}
}

static void furnish(void)
{
	static const char *const name[] = { "cached", "direct", "warm", "grown" };
	struct mm_svo_pool *nodes;
	struct mm_band_pool *bricks;
	struct mm_pool *pool;

	for (int i = 0; i < 4; i++)
		assert_int_equal(mm_pool_create(manager, name[i], 64, 1024, MM_ACCESS_GENERAL,
						i != 1, &pool), MM_OK);
	assert_int_equal(mm_svo_pool_create(manager, "nodes", 256, 0, 0, &nodes), MM_OK);
	assert_int_equal(mm_band_pool_create(manager, "bricks", 8, 0, MM_PRECISION_F32, &bricks),
			 MM_OK);
}

/* All that there may be is cacheable; a limit of all categories makes whoever needs more take
 * some away. A build with --enable-lock-order watches how. */
static void whoever_needs_room(void **state)
{
	const struct mm_limits most = { .bytes = 16 * SLAB };
	pthread_t thread;
	void *ret;

	(void)state;
	begin(MM_NO_BUDGET);
	furnish();
	assert_int_equal(mm_limits_set(manager, &most), MM_OK);
	for (intptr_t i = 0; i < 8; i++) {
		uint64_t before = gone;
		while (gone == before)
			assert_int_equal(take_cacheable(BLOCK), MM_OK);
		before = gone;
		assert_int_equal(pthread_create(&thread, NULL, makes_room, (void *)i), 0);
		assert_int_equal(pthread_join(thread, &ret), 0);
		assert_ptr_equal(ret, (void *)i);
		assert_true(gone > before);
	}
	mm_manager_destroy(manager);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_again_and_again), /* first */
		cmocka_unit_test(taken_as_soon_as_made),
		cmocka_unit_test(whoever_needs_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
