/* test_mmcrowd: a thousand threads at once in pools of every kind of one manager: nobody gets what
 * another has, and when they are gone all is free.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mm.h"

enum { THREADS = 1000, BLOCKS = 16, STACK = 64 << 10 };

static struct mm_pool *pool;
static struct mm_varpool *varpool;
static struct mm_svo_pool *tree;
static struct mm_band_pool *band;
static pthread_barrier_t all_here;

static int use_pools(uint32_t me)
{
	uint32_t *fixed[BLOCKS], *any[BLOCKS];

	for (uint32_t i = 0; i < BLOCKS; i++) {
		fixed[i] = mm_pool_alloc(pool);
		any[i] = mm_varpool_alloc(varpool, 4u << i % 8);
		if (!fixed[i] || !any[i])
			return 1;
		*fixed[i] = *any[i] = me * BLOCKS + i;
	}
	for (uint32_t i = 0; i < BLOCKS; i++) {
		if (*fixed[i] != me * BLOCKS + i || *any[i] != me * BLOCKS + i ||
		    mm_varpool_free(varpool, any[i]))
			return 2;
		mm_pool_free(pool, fixed[i]);
	}
	return 0;
}

static int use_voxels(uint32_t me)
{
	uint64_t key = mm_brick_key((int32_t)me, 0, 0);
	uint32_t node[BLOCKS], brick;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		if (mm_svo_pool_take(tree, mm_node_key(5, i, 0, 0), MM_NODES_INNER, 1, &node[i]))
			return 3;
		memcpy(mm_svo_pool_node(tree, node[i]), &me, sizeof me);
	}
	if (mm_band_pool_take(band, key, &brick))
		return 4;
	memcpy(mm_band_pool_payload(band, brick), &me, sizeof me);
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (memcmp(mm_svo_pool_node(tree, node[i]), &me, sizeof me) != 0 ||
		    mm_svo_pool_give(tree, node[i], 1))
			return 5;
	if (mm_band_pool_find(band, key) != brick ||
	    memcmp(mm_band_pool_payload(band, brick), &me, sizeof me) != 0)
		return 6;
	return mm_band_pool_give(band, key) ? 7 : 0;
}

static void *visits(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;

	pthread_barrier_wait(&all_here);
	int err = use_pools(me);
	return (void *)(uintptr_t)(err ? err : use_voxels(me));
}

static void expect_all_free(void)
{
	struct mm_pool_stats s;
	struct mm_varpool_stats v;
	struct mm_svo_pool_stats o;
	struct mm_band_pool_stats b;

	mm_pool_stats(pool, &s);
	assert_int_equal(s.allocated, 0);
	assert_int_equal(s.requests, THREADS * BLOCKS);
	mm_varpool_stats(varpool, &v);
	assert_int_equal(v.allocated, 0);
	assert_int_equal(v.requests, THREADS * BLOCKS);
	mm_svo_pool_stats(tree, &o);
	assert_int_equal(o.live, 0);
	mm_band_pool_stats(band, &b);
	assert_int_equal(b.bricks, 0);
}

static void a_thousand_threads(void **state)
{
	static pthread_t t[THREADS];
	struct mm_manager *m;
	pthread_attr_t small;

	(void)state;
	assert_int_equal(mm_manager_create(&m), MM_OK);
	assert_int_equal(mm_pool_create(m, "p", 64, 0, MM_ACCESS_GENERAL, 1, &pool), MM_OK);
	assert_int_equal(mm_varpool_create(m, "v", MM_CATEGORY_GENERAL, 0, &varpool), MM_OK);
	assert_int_equal(mm_svo_pool_create(m, "t", 8, 0, 0, &tree), MM_OK);
	assert_int_equal(mm_band_pool_create(m, "b", 8, 3, MM_PRECISION_I8, &band), MM_OK);
	pthread_barrier_init(&all_here, NULL, THREADS);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], &small, visits, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
	expect_all_free();
	pthread_attr_destroy(&small);
	pthread_barrier_destroy(&all_here);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
