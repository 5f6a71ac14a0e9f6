/* test_band.c: bricks by place: the same as a dense map, payloads stay where they are,
 * neighbours, formats, order, and every byte accounted for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "alloc/band_parts.h"
#include "core/error.h"

enum { SIDE = 32, PLACES = SIDE * SIDE * SIDE, OPS = 1000000, CHECK_EVERY = 100000 };

static struct { uint32_t brick, mark; uint64_t payload; } dense[PLACES];

static uint64_t key_of(int i)
{
	uint64_t key = 0;

	assert_int_equal(mm_band_key(i % SIDE - 16, i / SIDE % SIDE - 16, i / SIDE / SIDE - 16,
				     &key), MM_OK);
	return key;
}

static struct mm_band *fresh(void)
{
	struct mm_band_options o = { .band = 3 };
	struct mm_band *p = NULL;

	assert_int_equal(mm_band_open(&p, &o), MM_OK);
	return p;
}

static uint32_t dense_beside(int i, unsigned side)
{
	int at[3] = { i % SIDE, i / SIDE % SIDE, i / SIDE / SIDE };

	at[side / 2] += side & 1 ? 1 : -1;
	if (at[side / 2] < 0 || at[side / 2] >= SIDE)
		return 0;
	return dense[at[0] + SIDE * (at[1] + SIDE * at[2])].brick;
}

static void toggle(struct mm_band *p, int i, uint32_t step)
{
	uint32_t b = 0;

	if (dense[i].brick) {
		if (dense[i].payload)
			assert_int_equal(*(uint32_t *)(uintptr_t)dense[i].payload, dense[i].mark);
		assert_int_equal(mm_band_take(p, key_of(i), MM_BAND_I8, &b), MM_EEXIST);
		assert_int_equal(mm_band_give(p, key_of(i)), MM_OK);
		assert_int_equal(mm_band_give(p, key_of(i)), MM_ENOENT);
		dense[i].brick = 0;
		return;
	}
	assert_int_equal(mm_band_take(p, key_of(i), step % MM_BAND_FORMATS, &b), MM_OK);
	dense[i].brick = b;
	dense[i].mark = step;
	dense[i].payload = mm_band_payload(p, b);
	if (dense[i].payload)
		*(uint32_t *)(uintptr_t)dense[i].payload = step;
}

static void as_a_dense_map_and_nothing_moves(void **state)
{
	struct mm_band *p = fresh();
	struct mm_band_account a;
	uint64_t r = 88172645463325252u;

	(void)state;
	for (uint32_t step = 0; step < OPS; step++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407u;
		int i = (int)(r >> 33) % PLACES, j = (int)(r >> 20 & 0x7fff);
		toggle(p, i, step);
		assert_int_equal(mm_band_find(p, key_of(j)), dense[j].brick);
		if (dense[j].brick)
			assert_int_equal(mm_band_neighbour(p, dense[j].brick, step % 6),
					 dense_beside(j, step % 6));
		if (step % CHECK_EVERY == 0)
			assert_int_equal(mm_band_check(p), 0);
	}
	for (int i = 0; i < PLACES; i++)
		if (dense[i].brick)
			assert_int_equal(mm_band_payload(p, dense[i].brick), dense[i].payload);
	mm_band_drop(p, 0, 21);
	mm_band_sums(p, &a);
	assert_int_equal(a.bricks + a.slabs + a.payload + a.slack, 0);
	assert_int_equal(mm_band_check(p), 0);
	mm_band_close(p);
}

static double worst(const float *a, const float *b)
{
	double most = 0;

	for (int i = 0; i < MM_BAND_VOXELS; i++) {
		double d = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
		most = d > most ? d : most;
	}
	return most;
}

static void through(enum mm_band_format f, double bound)
{
	struct mm_band *p = fresh();
	float was[MM_BAND_VOXELS], *v;
	uint32_t b = 0;

	assert_int_equal(mm_band_take(p, key_of(5), MM_BAND_F32, &b), MM_OK);
	v = (float *)(uintptr_t)mm_band_payload(p, b);
	for (int i = 0; i < MM_BAND_VOXELS; i++)
		was[i] = v[i] = (float)(i - 256) * 3 / 257;
	assert_int_equal(mm_band_convert(p, key_of(5), MM_BAND_CONST), MM_EINVAL);
	assert_int_equal(mm_band_convert(p, key_of(5), f), MM_OK);
	assert_int_equal(mm_band_format(p, b), f);
	assert_int_equal(mm_band_convert(p, key_of(5), MM_BAND_F32), MM_OK);
	assert_true(worst(was, (float *)(uintptr_t)mm_band_payload(p, b)) <= bound);
	assert_int_equal(mm_band_check(p), 0);
	mm_band_close(p);
}

static void formats_keep_their_error_bound(void **state)
{
	(void)state;
	through(MM_BAND_I16, 3.0 / 65534 + 1e-6);
	through(MM_BAND_I8, 3.0 / 254 + 1e-6);
}

static void no_number_is_zero_in_few_bits(void **state)
{
	static const enum mm_band_format few[] = { MM_BAND_I16, MM_BAND_I8 };
	struct mm_band *p = fresh();
	uint32_t b = 0;
	float *v;

	(void)state;
	assert_int_equal(mm_band_take(p, key_of(5), MM_BAND_F32, &b), MM_OK);
	for (int i = 0; i < 2; i++) {
		v = (float *)(uintptr_t)mm_band_payload(p, b);
		for (int k = 0; k < MM_BAND_VOXELS; k++)
			v[k] = k % 2 ? (float)NAN : 3;
		assert_int_equal(mm_band_convert(p, key_of(5), few[i]), MM_OK);
		assert_int_equal(mm_band_convert(p, key_of(5), MM_BAND_F32), MM_OK);
		v = (float *)(uintptr_t)mm_band_payload(p, b);
		for (int k = 0; k < MM_BAND_VOXELS; k++)
			assert_true(fabsf(v[k] - (k % 2 ? 0.0f : 3.0f)) < 1e-4f);
	}
	mm_band_close(p);
}

static void constant_bricks_go_there_and_back(void **state)
{
	struct mm_band *p = fresh();
	struct mm_band_account a;
	uint32_t b = 0;
	float *v;

	(void)state;
	assert_int_equal(mm_band_take(p, key_of(9), MM_BAND_F32, &b), MM_OK);
	v = (float *)(uintptr_t)mm_band_payload(p, b);
	for (int i = 0; i < MM_BAND_VOXELS; i++)
		v[i] = -2.5f;
	assert_int_equal(mm_band_convert(p, key_of(9), MM_BAND_CONST), MM_OK);
	mm_band_sums(p, &a);
	assert_int_equal(a.payload, 0);
	assert_int_equal(mm_band_convert(p, key_of(9), MM_BAND_F32), MM_OK);
	assert_true(((float *)(uintptr_t)mm_band_payload(p, b))[511] == -2.5f);
	/* With the last brick the slabs go, of whatever format it was. */
	assert_int_equal(mm_band_take(p, key_of(8), MM_BAND_I16, &b), MM_OK);
	assert_int_equal(mm_band_convert(p, key_of(9), MM_BAND_CONST), MM_OK);
	assert_int_equal(mm_band_give(p, key_of(8)), MM_OK);
	mm_band_sums(p, &a);
	assert_int_equal(a.slabs, 2);
	assert_int_equal(mm_band_give(p, key_of(9)), MM_OK);
	mm_band_sums(p, &a);
	assert_int_equal(a.slabs + a.slack + a.payload, 0);
	assert_int_equal(mm_band_check(p), 0);
	mm_band_close(p);
}

/* After 2^32 changes a brick's neighbours are looked up again all the same. */
static void neighbours_outlive_all_generations(void **state)
{
	struct mm_band *p = fresh();
	uint32_t a, b, c;
	uint64_t key;

	(void)state;
	assert_int_equal(mm_band_key(0, 0, 0, &key), MM_OK);
	assert_int_equal(mm_band_take(p, key, MM_BAND_CONST, &a), MM_OK);
	assert_int_equal(mm_band_neighbour(p, a, 1), 0);
	p->generation = UINT32_MAX; /* so many later */
	assert_int_equal(mm_band_key(1, 0, 0, &key), MM_OK);
	assert_int_equal(mm_band_take(p, key, MM_BAND_CONST, &b), MM_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mm_band_neighbour(p, a, 1), b);
		assert_int_equal(mm_band_neighbour(p, b, 0), a);
		assert_int_equal(mm_band_key(5 + i, 0, 0, &key), MM_OK);
		assert_int_equal(mm_band_take(p, key, MM_BAND_CONST, &c), MM_OK);
		assert_int_equal(mm_band_neighbour(p, c, 1), 0);
	}
	mm_band_close(p);
}

static int ascends(void *ctx, uint64_t key, uint32_t brick)
{
	uint64_t *last = ctx;

	assert_true(brick != 0 && key > last[0]);
	last[0] = key;
	last[1]++;
	return 0;
}

/* Sorting by place must leave the bricks where callers know them. */
static void order_is_by_key_and_regions_go(void **state)
{
	struct mm_band *p = fresh();
	uint64_t last[2] = { 0, 0 };
	uint32_t b;

	(void)state;
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(mm_band_take(p, key_of(i * 7 % PLACES), MM_BAND_I8, &b), MM_OK);
	assert_int_equal(mm_band_each(p, ascends, last), 0);
	assert_int_equal(last[1], PLACES);
	assert_int_equal(mm_band_drop(p, key_of(0), 2), 64);
	assert_int_equal(mm_band_find(p, key_of(3)), 0);
	assert_true(mm_band_find(p, key_of(4)) != 0);
	assert_int_equal(mm_band_check(p), 0);
	mm_band_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_dense_map_and_nothing_moves),
		cmocka_unit_test(formats_keep_their_error_bound),
		cmocka_unit_test(no_number_is_zero_in_few_bits),
		cmocka_unit_test(constant_bricks_go_there_and_back),
		cmocka_unit_test(neighbours_outlive_all_generations),
		cmocka_unit_test(order_is_by_key_and_regions_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
