/* test_mmvoxel: the public pools of octree nodes and bricks (mm_voxel.h): names, keys, what
 * comes back is what was put in, sums that add up, a child that goes on. What the engine's own
 * pools promise is tested in test_svo and test_band.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

enum { SIDE = 6 };

static struct mm_manager *a_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static void names(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_svo_pool *tree = NULL, *other = NULL;
	struct mm_band_pool *field = NULL, *none = NULL;

	(void)state;
	assert_int_equal(mm_svo_pool_create(m, "", 8, 0, 0, &other), MM_EINVAL);
	assert_int_equal(mm_svo_pool_create(m, NULL, 8, 0, 0, &other), MM_EINVAL);
	assert_int_equal(mm_svo_pool_create(m, "tree", 257, 0, 0, &other), MM_EINVAL);
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &tree), MM_OK);
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &other), MM_EEXIST);
	assert_null(other);
	assert_int_equal(mm_band_pool_create(m, "tree", 16, 3, MM_PRECISION_F32, &none), MM_EUNSUP);
	assert_int_equal(mm_band_pool_create(m, "tree", 8, -1, MM_PRECISION_F32, &none), MM_EINVAL);
	assert_int_equal(mm_band_pool_create(m, "tree", 8, 3, MM_PRECISIONS, &none), MM_EINVAL);
	assert_int_equal(mm_band_pool_create(m, "tree", 8, INFINITY, MM_PRECISION_F32, &none),
			 MM_EINVAL);
	assert_int_equal(mm_band_pool_create(m, "tree", 8, NAN, MM_PRECISION_F32, &none), MM_EINVAL);
	assert_int_equal(mm_band_pool_create(m, "tree", 8, 3, MM_PRECISION_F32, &field), MM_OK);
	assert_null(none);
	assert_ptr_equal(mm_svo_pool_get(m, "tree"), tree);
	assert_ptr_equal(mm_band_pool_get(m, "tree"), field);
	assert_null(mm_svo_pool_get(m, "field"));
	assert_null(mm_svo_pool_get(NULL, "tree"));
	mm_svo_pool_destroy(tree);
	assert_null(mm_svo_pool_get(m, "tree"));
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &tree), MM_OK);
	mm_manager_destroy(m); /* with what is left */
}

static void keys(void **state)
{
	(void)state;
	assert_int_equal(mm_node_key(0, 0, 0, 0), 1);
	assert_int_equal(mm_node_key(1, 1, 0, 1), 8 + 5);
	assert_int_equal(mm_node_key(2, 3, 0, 1) >> 3, mm_node_key(1, 1, 0, 0));
	assert_true(mm_brick_key(-1, 0, 0) < mm_brick_key(0, 0, 0));
	assert_int_equal(mm_brick_key(0, 0, 0), UINT64_C(7) << 60);
	assert_int_equal(mm_brick_key(1, 2, 4) - mm_brick_key(0, 0, 0), 1 + (2 << 3) + (4 << 6));
}

static void runs(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_svo_pool *tree = NULL;
	struct mm_svo_pool_stats s;
	uint32_t run[100], live = 0;

	(void)state;
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &tree), MM_OK);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t count = 1 + i % 8;
		assert_int_equal(mm_svo_pool_take(tree, mm_node_key(2, i % 4, 0, 0),
						  MM_NODES_INNER, count, &run[i]), MM_OK);
		for (uint32_t k = 0; k < count; k++) {
			memset(mm_svo_pool_node(tree, run[i] + k), (int)i, 8);
			memset(mm_svo_pool_value(tree, run[i] + k), (int)i, 4);
		}
		live += count;
	}
	for (uint32_t i = 0; i < 100; i++)
		for (uint32_t k = 0; k < 1 + i % 8; k++) {
			uint8_t *node = mm_svo_pool_node(tree, run[i] + k);
			uint8_t *value = mm_svo_pool_value(tree, run[i] + k);
			assert_true(node[0] == i && node[7] == i && value[3] == i);
		}
	mm_svo_pool_stats(tree, &s);
	assert_string_equal(s.name, "tree");
	assert_int_equal(s.live, live);
	assert_int_equal(s.nodes, live * 8);
	assert_int_equal(s.values, live * 4);
	assert_int_equal(s.committed, s.nodes + s.values + s.slack + s.retained + s.metadata);
	assert_int_equal(mm_svo_pool_give(tree, run[0], 1), MM_OK);
	assert_int_equal(mm_svo_pool_give(tree, run[0], 1), MM_EINVAL);
	assert_int_equal(mm_svo_pool_live(tree, run[0]), 0);
	assert_true(mm_svo_pool_drop(tree, mm_node_key(0, 0, 0, 0)) >= 4);
	mm_svo_pool_stats(tree, &s);
	assert_int_equal(s.live, 0);
	mm_manager_destroy(m);
}

static uint64_t key_of(int i)
{
	return mm_brick_key(i % SIDE - 3, i / SIDE % SIDE - 3, i / SIDE / SIDE - 3);
}

static int in_order(void *ctx, uint64_t key, uint32_t brick)
{
	uint64_t *last = ctx;

	assert_true(brick != 0 && key > *last);
	*last = key;
	return 0;
}

static void bricks(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_band_pool *field = NULL;
	struct mm_band_pool_stats s;
	uint32_t brick, all = SIDE * SIDE * SIDE;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(mm_band_pool_create(m, "field", 8, 2.5f, MM_PRECISION_F32, &field), MM_OK);
	for (int i = 0; i < (int)all; i++) {
		assert_int_equal(mm_band_pool_take(field, key_of(i), &brick), MM_OK);
		float *voxel = mm_band_pool_payload(field, brick);
		for (int v = 0; v < MM_BRICK_VOXELS; v++)
			voxel[v] = (float)(i % 5) / 2;
		mm_band_pool_mask(field, brick)[i % 8] = (uint64_t)i;
	}
	assert_int_equal(mm_band_pool_take(field, key_of(3), &brick), MM_EEXIST);
	brick = mm_band_pool_find(field, key_of(0));
	assert_int_equal(mm_band_pool_neighbour(field, brick, 1), mm_band_pool_find(field, key_of(1)));
	assert_int_equal(mm_band_pool_neighbour(field, brick, 0), 0);
	assert_int_equal(mm_band_pool_convert(field, key_of(4), MM_PRECISION_I16), MM_OK);
	assert_int_equal(mm_band_pool_convert(field, key_of(5), MM_PRECISION_CONST), MM_OK);
	assert_int_equal(mm_band_pool_convert(field, key_of(6), MM_PRECISIONS), MM_EINVAL);
	brick = mm_band_pool_find(field, key_of(4));
	assert_int_equal(mm_band_pool_precision(field, brick), MM_PRECISION_I16);
	int16_t *small = mm_band_pool_payload(field, brick);
	assert_in_range(small[9], 26212, 26215); /* 2 of 2.5 */
	assert_null(mm_band_pool_payload(field, mm_band_pool_find(field, key_of(5))));
	assert_int_equal(mm_band_pool_each(field, in_order, &last), 0);
	mm_band_pool_stats(field, &s);
	assert_string_equal(s.name, "field");
	assert_int_equal(s.bricks, all);
	assert_int_equal(s.by_precision[MM_PRECISION_F32], all - 2);
	assert_int_equal(s.payload, (all - 2) * 2048 + 1024);
	assert_int_equal(s.committed, s.payload + s.slack + s.hash + s.retained + s.metadata);
	assert_int_equal(mm_band_pool_give(field, key_of(0)), MM_OK);
	assert_int_equal(mm_band_pool_give(field, key_of(0)), MM_ENOENT);
	assert_int_equal(mm_band_pool_drop(field, mm_brick_key(0, 0, 0), 20), 3 * 3 * 3);
	mm_manager_destroy(m);
}

/* What is asked of the budget is what there is more of: nothing for a brick that there is, or one
 * that shrinks. */
static void bricks_within_a_budget(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_band_pool *field = NULL;
	struct mm_usage u;
	uint32_t brick;

	(void)state;
	assert_int_equal(mm_band_pool_create(m, "field", 8, 1, MM_PRECISION_F32, &field), MM_OK);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_NARROW_BAND, 2048, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(mm_band_pool_take(field, 1, &brick), MM_OK);
	assert_int_equal(mm_band_pool_take(field, 2, &brick), MM_ELIMIT);
	assert_int_equal(mm_band_pool_take(field, 1, &brick), MM_EEXIST);
	memset(mm_band_pool_payload(field, brick), 0, 2048);
	assert_int_equal(mm_band_pool_convert(field, 1, MM_PRECISION_I16), MM_OK);
	assert_int_equal(mm_usage(m, MM_CATEGORY_NARROW_BAND, &u), MM_OK);
	assert_int_equal(u.used_bytes, 1024);
	assert_int_equal(mm_band_pool_take_as(field, 2, MM_PRECISION_I8, &brick), MM_OK);
	assert_int_equal(mm_band_pool_convert(field, 1, MM_PRECISION_F32), MM_ELIMIT);
	assert_int_equal(mm_band_pool_convert(field, 1, MM_PRECISION_CONST), MM_OK);
	assert_int_equal(mm_band_pool_convert(field, 1, MM_PRECISION_I16), MM_OK);
	assert_int_equal(mm_usage(m, MM_CATEGORY_NARROW_BAND, &u), MM_OK);
	assert_int_equal(u.used_bytes, 1024 + 512);
	assert_int_equal(u.peak_bytes, 2048);
	mm_manager_destroy(m);
}

static struct mm_totals all_of(struct mm_manager *m)
{
	struct mm_totals t;

	mm_totals(m, &t);
	return t;
}

static void they_are_among_the_totals(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_svo_pool *tree = NULL;
	struct mm_band_pool *field = NULL;
	struct mm_svo_pool_stats s;
	struct mm_band_pool_stats b;
	struct mm_totals before, after;
	uint32_t n;

	(void)state;
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &tree), MM_OK);
	assert_int_equal(mm_band_pool_create(m, "field", 8, 1, MM_PRECISION_F32, &field), MM_OK);
	mm_svo_pool_stats(tree, &s);
	mm_band_pool_stats(field, &b);
	before = all_of(m);
	before.committed_bytes -= s.committed + b.committed;
	before.metadata_bytes -= s.metadata + b.metadata;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(mm_svo_pool_take(tree, 1, MM_NODES_INNER, 8, &n), MM_OK);
		assert_int_equal(mm_band_pool_take(field, i, &n), MM_OK);
	}
	after = all_of(m);
	assert_true(after.committed_bytes - after.metadata_bytes >= after.current_bytes);
	mm_svo_pool_stats(tree, &s);
	mm_band_pool_stats(field, &b);
	assert_int_equal(after.committed_bytes - before.committed_bytes, s.committed + b.committed);
	assert_int_equal(after.metadata_bytes - before.metadata_bytes, s.metadata + b.metadata);
	mm_manager_destroy(m);
}

static void a_child_goes_on(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_svo_pool *tree = NULL;
	struct mm_band_pool *field = NULL;
	uint32_t run, brick;
	int status = -1;

	(void)state;
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 0, 0, &tree), MM_OK);
	assert_int_equal(mm_band_pool_create(m, "field", 8, 0, MM_PRECISION_I8, &field), MM_OK);
	assert_int_equal(mm_svo_pool_take(tree, 1, MM_NODES_INNER, 8, &run), MM_OK);
	pid_t pid = fork();
	if (pid == 0)
		_exit(mm_svo_pool_give(tree, run, 8) ||
		      mm_svo_pool_take(tree, 1, MM_NODES_INNER, 8, &run) ||
		      mm_band_pool_take(field, 1, &brick) || !mm_band_pool_payload(field, brick));
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(mm_svo_pool_live(tree, run), 1);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(keys),
		cmocka_unit_test(runs),
		cmocka_unit_test(bricks),
		cmocka_unit_test(bricks_within_a_budget),
		cmocka_unit_test(they_are_among_the_totals),
		cmocka_unit_test(a_child_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
