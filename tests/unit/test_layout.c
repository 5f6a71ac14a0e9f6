/* test_layout: measures of how what is free lies, each computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc/heap.h"
#include "core/error.h"
#include "replay/heapmap.h"
#include "replay/layout.h"

static struct mm_heap *heap;
static struct mm_context *context;

static void open_heap(enum mm_strategy s)
{
	struct mm_heap_options o = { .strategy = s, .simulated = 1, .track = 1,
				     .retain_bytes = MM_HEAP_DEFAULT };

	assert_int_equal(mm_heap_open(&heap, &o), 0);
	assert_int_equal(mm_heap_context(heap, 0, &context), 0);
}

static uint64_t take(uint64_t size)
{
	uint64_t addr;

	assert_int_equal(mm_heap_alloc(heap, context, size, 0, &addr), 0);
	return addr;
}

static void give(uint64_t addr)
{
	assert_int_equal(mm_heap_free(heap, context, addr), 0);
}

static struct mm_layout layout(void)
{
	struct mm_layout l;

	mm_layout_of(heap, &l);
	assert_int_equal(l.known, 1);
	return l;
}

static void close_heap(void)
{
	mm_heap_leave(heap, context);
	mm_heap_close(heap);
}

/* Four blocks of 1000 (1008 each), the first and the third freed: one page is in use, and free
 * in it are 1008 + 1008 + (4096 - 4 * 1008 = 64) = 2080 bytes. */
static void ranges(void **state)
{
	uint64_t a, c;
	struct mm_layout l;

	(void)state;
	open_heap(MM_STRATEGY_FIRST_FIT);
	a = take(1000);
	take(1000);
	c = take(1000);
	take(1000);
	give(a);
	give(c);
	l = layout();
	assert_int_equal(l.free_bytes, 2080);
	assert_int_equal(l.range_count, 3);
	assert_int_equal(l.largest_bytes, 1008);
	assert_int_equal(l.unusable_ppm[0], 0);             /* 2^4 divides all three */
	/* 2^6: 960 + 960 + 64 of them. */
	assert_int_equal(l.unusable_ppm[2], 1000000 - 1984 * 1000000 / 2080);
}

static void ranges_by_power(void **state)
{
	struct mm_layout l;

	(void)state;
	l = layout();
	/* 2^7: 2 * 896 of 2080; 2^9: 2 * 512; 2^10 and beyond: nothing. */
	assert_int_equal(l.unusable_ppm[3], 1000000 - 1792 * 1000000 / 2080);
	assert_int_equal(l.unusable_ppm[5], 1000000 - 1024 * 1000000 / 2080);
	for (int j = 6; j < MM_OUTCOME_POWERS; j++)
		assert_int_equal(l.unusable_ppm[j], 1000000);
	assert_int_equal(l.scattered_ppm, 1000000 - 1008 * 1000000 / 2080);
	/* The root of 2 * 1008^2 + 64^2 = 2,036,224 is 1426. */
	assert_int_equal(l.spread_ppm, 1000000 - 1426 * 1000000 / 2080);
	/* Units of 16 bytes: 2 * 63 of a region's 65,536 are out. */
	assert_int_equal(l.utilised_ppm, 126 * 1000000 / 65536);
	assert_int_equal(l.huge_ppm, 0);
	assert_int_equal(l.mesh_pairs, 0);
	assert_int_equal(l.meshable_ppm, MM_UNKNOWN);
	close_heap();
}

/* Blocks of 16 KiB, 8 to a slab of 128 KiB, two slabs full: of one the lower half is given back,
 * of the other the upper half. They could lie in one. */
static void two_slabs_that_fit_in_one(void **state)
{
	uint64_t block[16];
	struct mm_layout l;

	(void)state;
	open_heap(MM_STRATEGY_SIZE_CLASS);
	for (int i = 0; i < 16; i++)
		block[i] = take(16384);
	l = layout();
	assert_int_equal(l.free_bytes, 0);
	assert_int_equal(l.unusable_ppm[0], 1000000);
	assert_int_equal(l.utilised_ppm, 1000000);
	assert_int_equal(l.scattered_ppm, MM_UNKNOWN);
	for (int i = 4; i < 12; i++)
		give(block[i]);
	mm_cache_flush(context);
	l = layout();
	assert_int_equal(l.free_bytes, 8 * 16384);
	assert_int_equal(l.range_count, 2); /* of each slab one */
	assert_int_equal(l.largest_bytes, 4 * 16384);
	assert_int_equal(l.scattered_ppm, 500000);
	assert_int_equal(l.unusable_ppm[12], 0);        /* 64 KiB: both ranges are as large */
	assert_int_equal(l.unusable_ppm[13], 1000000);  /* 128 KiB: none is */
	assert_int_equal(l.utilised_ppm, 500000);
	assert_int_equal(l.mesh_pairs, 1);
	assert_int_equal(l.meshable_ppm, 1000000);
	give(block[0]);
	give(block[12]);
	mm_cache_flush(context);
	block[0] = take(16384);
	l = layout();
	assert_int_equal(l.mesh_pairs, 1);
	close_heap();
}

/* Half of a large block's pages fill ranges of 2 MiB: the heap begins at a multiple of them. */
static void huge_pages(void **state)
{
	struct mm_layout l;

	(void)state;
	open_heap(MM_STRATEGY_SIZE_CLASS);
	take(3 << 20);
	l = layout();
	assert_int_equal(l.huge_ppm, 666666);
	take(1 << 20); /* fills the second */
	l = layout();
	assert_int_equal(l.huge_ppm, 1000000);
	close_heap();
}

static struct mm_report_store *store;
static struct mm_outcome outcome;

/* Of the heap and of a second that is empty. */
static void take_map(void)
{
	struct mm_dest dests[2] = { { .heap = heap } };
	struct mm_heap_options o = { .strategy = MM_STRATEGY_FIRST_FIT, .simulated = 1 };

	assert_non_null(store = mm_report_store_create());
	assert_int_equal(mm_heap_open(&dests[1].heap, &o), 0);
	outcome.map = NULL;
	outcome.map_count = 0;
	assert_int_equal(mm_heapmap_take(dests, 2, store, &outcome), MM_OK);
	assert_int_equal(outcome.map_taken, 1);
	mm_heap_close(dests[1].heap);
}

static void is_row(size_t i, enum mm_map_kind kind, uint64_t bytes, uint64_t external, uint32_t blocks,
		   uint32_t free_blocks)
{
	const struct mm_map_row *r = &outcome.map[i];

	assert_in_range(i, 0, outcome.map_count - 1);
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->dest, 0);
	assert_int_equal(r->bytes, bytes);
	assert_int_equal(r->external_bytes, external);
	assert_int_equal(r->blocks, blocks);
	assert_int_equal(r->free, free_blocks);
}

/* Two slabs of 8 blocks, of which one has 3 given back; and a block of 1 MiB, last. */
static void map_of_slabs(void **state)
{
	uint64_t block[16];

	(void)state;
	open_heap(MM_STRATEGY_SIZE_CLASS);
	take(1 << 20);
	for (int i = 0; i < 16; i++)
		block[i] = take(16384);
	for (int i = 9; i < 12; i++)
		give(block[i]);
	mm_cache_flush(context);
	take_map();
	assert_int_equal(outcome.map_count, 3);
	is_row(0, MM_MAP_SLAB, 131072, 0, 8, 0);
	is_row(1, MM_MAP_SLAB, 131072, 3 * 16384, 8, 3);
	is_row(2, MM_MAP_LARGE, 1 << 20, 0, 1, 0);
	assert_true(outcome.map[0].addr < outcome.map[1].addr);
	mm_report_store_free(store);
	close_heap();
}

/* 100 KiB, then 80 KiB that are given back, then 16 bytes: 181 KiB of pages are in use, which is
 * two parts and 53 KiB (rounded to pages: 56 KiB less 3). Free are 28 KiB of the second part and
 * 52 KiB of the third, and there what is left of the last page. */
static void map_of_addresses(void **state)
{
	uint64_t b;

	(void)state;
	open_heap(MM_STRATEGY_FIRST_FIT);
	take(100 << 10);
	b = take(80 << 10);
	take(16);
	give(b);
	take_map();
	assert_int_equal(outcome.map_count, 16);
	is_row(0, MM_MAP_PART, 65536, 0, 4096, 0);
	is_row(1, MM_MAP_PART, 65536, 28 << 10, 4096, 28 << 6);
	is_row(2, MM_MAP_PART, 56 << 10, (56 << 10) - 16, 4096, 4095);
	for (size_t i = 3; i < 16; i++)
		is_row(i, MM_MAP_PART, 0, 0, 4096, 4096);
	mm_report_store_free(store);
	close_heap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(ranges_by_power),
		cmocka_unit_test(two_slabs_that_fit_in_one),
		cmocka_unit_test(huge_pages),
		cmocka_unit_test(map_of_slabs),
		cmocka_unit_test(map_of_addresses),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
