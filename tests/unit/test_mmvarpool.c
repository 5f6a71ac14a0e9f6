/* test_mmvarpool: pools of many sizes against a model, ready-made sizes, growing and shrinking,
 * and what a manager keeps.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mm.h"

enum { SLOTS = 2000, STEPS = 60000, MIB = 1 << 20, THREADS = 4 };

static struct mm_manager *fresh_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static uint64_t kept_by(struct mm_manager *m)
{
	struct mm_totals t;

	mm_totals(m, &t);
	return t.committed_bytes - t.metadata_bytes;
}

static void every_size_fits(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_varpool *v;
	struct mm_pool *size_16;

	(void)state;
	assert_int_equal(mm_varpool_create(m, "", MM_CATEGORY_GENERAL, 0, &v), MM_EINVAL);
	assert_int_equal(mm_varpool_create(m, "v", 63, 0, &v), MM_EINVAL);
	assert_int_equal(mm_varpool_create(m, "v", 0, MM_ACCESS_KINDS, &v), MM_EINVAL);
	assert_int_equal(mm_varpool_create(m, "v", MM_CATEGORY_MESH_DATA, 0, &v), MM_OK);
	assert_int_equal(mm_varpool_create(m, "v", MM_CATEGORY_MESH_DATA, 0, &v), MM_EEXIST);
	assert_ptr_equal(mm_varpool_get(m, "v"), v);
	assert_null(mm_varpool_get(m, "w"));
	assert_null(mm_varpool_get(m, NULL));
	for (size_t size = 0; size <= MM_VARPOOL_BLOCK_MOST; size += size < 600 ? 1 : 97) {
		void *p = mm_varpool_alloc(v, size);
		size_t usable = mm_varpool_usable(v, p);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(usable >= size);
		if (size > 32) /* a third at most is left over */
			assert_true(usable * 2 <= size * 3);
		memset(p, 1, usable);
		assert_int_equal(mm_varpool_free(v, p), MM_OK);
	}
	assert_non_null(mm_varpool_alloc(v, MM_VARPOOL_BLOCK_MOST));
	assert_null(mm_varpool_alloc(v, MM_VARPOOL_BLOCK_MOST + 1));
	assert_non_null(size_16 = mm_pool_get(m, "v:16"));
	assert_non_null(mm_pool_get(m, "v:24576"));
	assert_int_equal(mm_varpool_free(v, &v), MM_EINVAL);
	assert_int_equal(mm_varpool_free(v, NULL), MM_OK);
	struct mm_usage u;
	assert_int_equal(mm_usage(m, MM_CATEGORY_MESH_DATA, &u), MM_OK);
	assert_true(u.used_bytes > 0);
	mm_varpool_destroy(v);
	assert_null(mm_pool_get(m, "v:16"));
	assert_null(mm_varpool_get(m, "v"));
	assert_int_equal(mm_usage(m, MM_CATEGORY_MESH_DATA, &u), MM_OK);
	assert_int_equal(u.used_bytes, 0);
	mm_manager_destroy(m);
}

struct slot { uint8_t *p; size_t size; uint8_t mark; };

static void blocks_are_their_owners(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_varpool *v;
	struct mm_varpool_stats s;
	static struct slot slot[SLOTS];
	uint64_t seed = 7, live = 0, bytes = 0, requests = 0;

	(void)state;
	assert_int_equal(mm_varpool_create(m, "v", MM_CATEGORY_GENERAL, 0, &v), MM_OK);
	for (int i = 0; i < STEPS; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		struct slot *at = &slot[(seed >> 33) % SLOTS];
		if (at->p) {
			for (size_t b = 0; b < at->size; b++)
				assert_int_equal(at->p[b], at->mark);
			bytes -= mm_varpool_usable(v, at->p);
			live--;
			assert_int_equal(mm_varpool_free(v, at->p), MM_OK);
			at->p = NULL;
		} else {
			at->size = (seed >> 20) % 3000;
			at->mark = (uint8_t)(seed >> 50);
			assert_non_null(at->p = mm_varpool_alloc(v, at->size));
			memset(at->p, at->mark, at->size);
			bytes += mm_varpool_usable(v, at->p);
			live++;
			requests++;
		}
	}
	mm_varpool_stats(v, &s);
	assert_int_equal(s.allocated, live);
	assert_int_equal(s.allocated_bytes, bytes);
	assert_int_equal(s.requests, requests);
	assert_true(s.slab_bytes >= bytes && s.fragmentation >= 0 && s.fragmentation < 100);
	assert_true(s.pools > 5);
	mm_manager_destroy(m);
}

static void *fills(void *varpool)
{
	for (size_t size = 1; size <= MM_VARPOOL_BLOCK_MOST; size *= 2)
		if (!mm_varpool_alloc(varpool, size))
			return NULL;
	return varpool;
}

static void threads_make_each_class_once(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct mm_manager *m = fresh_manager();
		struct mm_varpool *v;
		struct mm_varpool_stats s;
		pthread_t t[THREADS];

		(void)state;
		assert_int_equal(mm_varpool_create(m, "v", 0, 0, &v), MM_OK);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&t[i], NULL, fills, v), 0);
		for (int i = 0; i < THREADS; i++) {
			void *as_meant;
			pthread_join(t[i], &as_meant);
			assert_ptr_equal(as_meant, v);
		}
		mm_varpool_stats(v, &s);
		assert_int_equal(s.allocated, THREADS * 16);
		assert_int_equal(s.pools, 12);
		mm_manager_destroy(m);
	}
}

/* Pools of classes are found by their names among all others: whoever has one of these has it. */
static void a_class_whose_name_is_taken_is_missing(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_varpool *v = NULL, *w = NULL;
	struct mm_pool *own;
	void *block;

	(void)state;
	assert_int_equal(mm_pool_create(m, "v:32", 8, 0, MM_ACCESS_GENERAL, 1, &own), MM_OK);
	assert_int_equal(mm_varpool_create(m, "v", 0, 0, &v), MM_OK);
	assert_int_equal(mm_varpool_create(m, "v", 0, 0, &w), MM_EEXIST);
	assert_null(w);
	assert_null(mm_varpool_alloc(v, 20));
	assert_non_null(block = mm_varpool_alloc(v, 33));
	assert_int_equal(mm_varpool_usable(v, block), 48);
	assert_int_equal(mm_varpool_usable(v, mm_pool_alloc(own)), 0);
	mm_pool_destroy(own);
	assert_non_null(block = mm_varpool_alloc(v, 20));
	assert_int_equal(mm_varpool_usable(v, block), 32);
	mm_manager_destroy(m);
}

static void sizes_are_ready_made(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_pool_stats s;

	(void)state;
	assert_null(mm_pool_for_size(m, 0));
	assert_null(mm_pool_for_size(m, MM_POOL_SIZE_MOST + 1));
	for (size_t bytes = MM_POOL_SIZE_LEAST, from = 1; bytes <= MM_POOL_SIZE_MOST; bytes *= 2) {
		struct mm_pool *p = mm_pool_for_size(m, from);
		assert_ptr_equal(mm_pool_for_size(m, bytes), p);
		mm_pool_stats(p, &s);
		assert_int_equal(s.block_bytes, bytes);
		assert_non_null(mm_pool_alloc(p));
		from = bytes + 1;
	}
	assert_non_null(mm_pool_get(m, "size-8192"));
	mm_manager_destroy(m);
	/* A pool of the program's with that name and smaller blocks is not what was asked for. */
	struct mm_pool *small;
	m = fresh_manager();
	assert_int_equal(mm_pool_create(m, "size-64", 8, 0, MM_ACCESS_GENERAL, 1, &small), MM_OK);
	assert_null(mm_pool_for_size(m, 60));
	assert_non_null(mm_pool_for_size(m, 65));
	mm_manager_destroy(m);
}

static void grows_by_force(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_pool *p;

	(void)state;
	assert_int_equal(mm_pool_create(m, "p", 64, 10, 0, 0, &p), MM_OK);
	assert_int_equal(mm_pool_grow(p, 11, 0), MM_ELIMIT);
	assert_int_equal(mm_pool_grow(p, 10, 0), MM_OK);
	for (int i = 0; i < 10; i++)
		assert_non_null(mm_pool_alloc(p));
	assert_null(mm_pool_alloc(p));
	assert_int_equal(mm_pool_grow(p, 1, 0), MM_ELIMIT);
	assert_int_equal(mm_pool_grow(p, UINT64_MAX, 1), MM_ENOMEM);
	assert_int_equal(mm_pool_grow(p, UINT64_C(1) << 50, 1), MM_ENOMEM);
	assert_null(mm_pool_alloc(p)); /* as it was */
	assert_int_equal(mm_pool_grow(p, 2, 1), MM_OK);
	assert_non_null(mm_pool_alloc(p));
	assert_non_null(mm_pool_alloc(p));
	assert_null(mm_pool_alloc(p));
	mm_manager_destroy(m);
}

/* Fills so many bytes and frees them all. */
static void swell(struct mm_pool *p, uint64_t bytes)
{
	static void *block[32 * MIB / 4096];

	for (uint64_t i = 0; i < bytes / 4096; i++) {
		assert_non_null(block[i] = mm_pool_alloc(p));
		memset(block[i], 1, 4096);
	}
	for (uint64_t i = 0; i < bytes / 4096; i++)
		mm_pool_free(p, block[i]);
}

static void keeps_as_much_as_was_said(void **state)
{
	struct mm_manager *m = fresh_manager();
	struct mm_pool *p;
	struct mm_pool_stats s;

	(void)state;
	assert_int_equal(mm_pool_create(m, "p", 4096, 0, 0, 1, &p), MM_OK);
	swell(p, 32 * MIB);
	mm_pool_stats(p, &s);
	assert_true(s.peak_bytes >= 32 * MIB && s.peak_bytes < 36 * MIB);
	assert_true(kept_by(m) >= 31 * MIB);
	assert_true(mm_pool_shrink_to(p, 2 * MIB / 4096) >= 29 * MIB);
	assert_true(kept_by(m) >= 1 * MIB && kept_by(m) <= 3 * MIB);
	swell(p, 32 * MIB);
	assert_true(kept_by(m) >= 31 * MIB);
	assert_int_equal(mm_retain_set(m, 4 * MIB), MM_OK);
	assert_true(kept_by(m) <= 5 * MIB);
	swell(p, 32 * MIB);                   /* and by itself */
	assert_true(kept_by(m) <= 5 * MIB);
	assert_int_equal(mm_retain_set(m, UINT64_MAX), MM_OK);
	swell(p, 32 * MIB);
	assert_true(kept_by(m) >= 31 * MIB);
	assert_int_equal(mm_manager_seal(m, 1), MM_OK);
	assert_int_equal(mm_retain_set(m, 0), MM_EPERM);
	mm_key_show(1);
	mm_manager_destroy(m);
	mm_key_show(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_fits),
		cmocka_unit_test(blocks_are_their_owners),
		cmocka_unit_test(threads_make_each_class_once),
		cmocka_unit_test(a_class_whose_name_is_taken_is_missing),
		cmocka_unit_test(sizes_are_ready_made),
		cmocka_unit_test(grows_by_force),
		cmocka_unit_test(keeps_as_much_as_was_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
