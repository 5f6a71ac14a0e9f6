/* test_depotlaw: depots that fill holes in rows keep the rules of depots, whatever comes and goes:
 * takes of any size, gives in any order, a gate that refuses; against a list of what is out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/depot.h"
#include "core/error.h"

enum { OUT_MOST = 40000, STEPS = 3000 };

static struct mm_meta meta;
static struct mm_vspace vspace;
static struct mm_slabs slabs;
static struct mm_ground ground;
static struct mm_depot depot;
static uint64_t out[OUT_MOST], spare[MM_DEPOT_BATCH], seed;
static size_t outs;
static int64_t allowed;

static uint64_t draw_law(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (seed >> 33) % n;
}

static int ask_law(void *arg, int64_t bytes)
{
	(void)arg;
	if (bytes > allowed)
		return MM_ELIMIT;
	allowed -= bytes;
	return MM_OK;
}

static void open_depot(uint32_t block_bytes, uint32_t row)
{
	struct mm_vspace_options v = { .bytes = UINT64_C(1) << 36, .simulated = 1, .page_bytes = 4096,
				       .retain_bytes = 1 << 20 };

	memset(&meta, 0, sizeof meta);
	memset(&vspace, 0, sizeof vspace);
	memset(&slabs, 0, sizeof slabs);
	memset(&depot, 0, sizeof depot);
	assert_int_equal(mm_vspace_init(&vspace, &v, &meta), MM_OK);
	assert_int_equal(mm_slabs_init(&slabs, &meta, vspace.slices), MM_OK);
	ground = (struct mm_ground){ .meta = &meta, .vspace = &vspace, .slabs = &slabs };
	assert_int_equal(mm_depot_init(&depot, &ground, 0, block_bytes), MM_OK);
	depot.row = row;
	depot.gate = (struct mm_gate){ ask_law, NULL };
	allowed = 4 << 20;
	outs = 0;
	seed = block_bytes + row;
}

static void close_depot(void)
{
	mm_depot_clear(&depot);
	mm_vspace_deinit(&vspace);
	mm_meta_deinit(&meta);
}

static void take_law(uint32_t want)
{
	uint32_t got = mm_depot_take(&depot, want, 0, NULL, spare);
	uint64_t free = depot.free;

	assert_in_range(got, 0, want);
	if (got < want && got < 128) /* a take makes so many cuts at most */
		assert_true(free == 0 && allowed < (int64_t)depot.slices * MM_SLICE_BYTES);
	memcpy(out + outs, spare, got * sizeof *spare);
	outs += got;
}

/* In any order, and what is left in one piece now and then. */
static void give_law(uint32_t count)
{
	for (uint32_t i = 0; i < count && outs; i++) {
		size_t at = draw_law(outs);
		mm_depot_give(&depot, &out[at], 1);
		out[at] = out[--outs];
	}
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void nothing_is_out_twice(void)
{
	qsort(out, outs, sizeof *out, by_address);
	for (size_t i = 1; i < outs; i++)
		assert_true(out[i] >= out[i - 1] + depot.block_bytes);
}

static void law_of(uint32_t block_bytes, uint32_t row)
{
	open_depot(block_bytes, row);
	for (int step = 0; step < STEPS; step++) {
		uint32_t n = 1 + (uint32_t)draw_law(step % 7 ? 64 : MM_DEPOT_BATCH);
		if (draw_law(20) < 11 && outs + n < OUT_MOST)
			take_law(n);
		else
			give_law(n);
		if (step % 500 == 499)
			give_law((uint32_t)outs * 3 / 4);
		assert_int_equal(mm_depot_check(&depot), 0);
		assert_int_equal((uint64_t)depot.slab_count * depot.blocks - depot.free, outs);
		if (step % 100 == 0)
			nothing_is_out_twice();
	}
	give_law((uint32_t)outs);
	assert_int_equal(depot.slab_count, 0);
	close_depot();
}

static void rules_hold(void **state)
{
	static const uint32_t sizes[] = { 8, 24, 64, 72, 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		law_of(sizes[i], 0);
		law_of(sizes[i], 8);
		law_of(sizes[i], 64);
	}
}

/* Of a row of 8 that begins anywhere all are taken, of 7 none; a word's end ends a row. */
static void rows_begin_anywhere(void **state)
{
	(void)state;
	open_depot(64, 8);
	while (outs < 2 * (size_t)depot.blocks)
		take_law(MM_DEPOT_BATCH);
	nothing_is_out_twice();
	for (int i = 0; i < 8; i++)
		mm_depot_give(&depot, &out[13 + i], 1);
	for (int i = 0; i < 7; i++)
		mm_depot_give(&depot, &out[100 + i], 1);
	for (int i = 0; i < 8; i++)
		mm_depot_give(&depot, &out[1024 + 60 + i], 1); /* 4 in each word */
	assert_int_equal(mm_depot_take(&depot, 8, 0, NULL, spare), 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(spare[7 - i], out[13 + i]);
	assert_int_equal(mm_depot_take(&depot, 8, 0, NULL, spare), 8);
	assert_int_equal(depot.slab_count, 3);
	assert_int_equal(mm_depot_check(&depot), 0);
	close_depot();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_hold),
		cmocka_unit_test(rows_begin_anywhere),
	};

	return cmocka_run_group_tests_name("depotlaw", tests, NULL, NULL);
}
