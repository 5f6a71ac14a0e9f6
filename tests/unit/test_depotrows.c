/* test_depotrows: pools that fill holes in rows: what is built in one go lies in one piece, and
 * how much may lie free for that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm.h"
#include "mm_alloc.h"

enum { BYTES = 64, SLAB = 1024 /* blocks */, SLABS = 64, ALL = SLAB * SLABS, ROW = 8 };

static struct mm_manager *manager;
static struct mm_pool *pool;
static char *block[2 * ALL];
static uint64_t seed;

static uint64_t draw_below(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (seed >> 33) % n;
}

static void take(uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		assert_non_null(block[i] = mm_pool_alloc(pool));
		memset(block[i], (int)i, BYTES);
	}
}

static void open_full(enum mm_access access, uint64_t blocks)
{
	seed = 5;
	assert_int_equal(mm_manager_create(&manager), MM_OK);
	assert_int_equal(mm_pool_create(manager, "rows", BYTES, 0, access, 1, &pool), MM_OK);
	take(0, blocks);
}

static void close_pool(void)
{
	mm_manager_destroy(manager);
}

/* One block of so many goes; none stays with the thread. How many went. */
static uint64_t punch(uint64_t every)
{
	uint64_t gone = 0;

	for (uint64_t i = 0; i < ALL; i++)
		if (draw_below(every) == 0) {
			mm_pool_free(pool, block[i]);
			block[i] = NULL;
			gone++;
		}
	mm_pool_shrink(pool);
	return gone;
}

/* Blocks that do not lie right behind the one before. */
static uint64_t breaks(uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (uint64_t i = from + 1; i < to; i++)
		n += block[i] != block[i - 1] + BYTES;
	return n;
}

static uint64_t slab_bytes(void)
{
	struct mm_pool_stats s;

	mm_pool_stats(pool, &s);
	return s.peak_bytes;
}

/* Whoever holds a block still has what it wrote. */
static void nothing_is_given_twice(uint64_t to)
{
	for (uint64_t i = 0; i < to; i++)
		for (size_t j = 0; block[i] && j < BYTES; j++)
			if (block[i][j] != (char)i)
				fail_msg("block %u", (unsigned)i);
}

static uint64_t breaks_of(enum mm_access access)
{
	open_full(access, ALL);
	punch(12);
	take(ALL, ALL + 4 * SLAB);
	nothing_is_given_twice(ALL + 4 * SLAB);
	uint64_t n = breaks(ALL, ALL + 4 * SLAB);
	close_pool();
	return n;
}

static void a_stream_lies_in_one_piece(void **state)
{
	(void)state;
	assert_in_range(breaks_of(MM_ACCESS_GENERAL), 3 * SLAB, 4 * SLAB);
	assert_in_range(breaks_of(MM_ACCESS_SEQUENTIAL), 0, 40);
	assert_in_range(breaks_of(MM_ACCESS_OCTREE_TRAVERSAL), 0, 40);
}

/* Frees one family of so many, eight in a row; how many blocks. */
static uint64_t free_families(uint64_t every)
{
	uint64_t gone = 0;

	for (uint64_t i = 3; i + ROW <= ALL; i += every * ROW)
		for (uint64_t j = 0; j < ROW; j++, gone++) {
			mm_pool_free(pool, block[i + j]);
			block[i + j] = NULL;
		}
	return gone;
}

/* What the last slab has left comes first. */
static uint64_t fill_last_slab(void)
{
	uint64_t bytes = slab_bytes(), n = ALL;

	for (; bytes == slab_bytes(); n++)
		take(n, n + 1);
	while (((uintptr_t)block[n - 1] + BYTES) % (SLAB * BYTES))
		take(n, n + 1), n++;
	return n;
}

/* Eight in a row are freed, as children of nodes are: an octree's pool fills such holes, and no
 * single ones; a stream's leaves both. */
static void families_are_filled_by_families(void **state)
{
	(void)state;
	open_full(MM_ACCESS_OCTREE_TRAVERSAL, ALL);
	uint64_t from = fill_last_slab(), gone = free_families(32), before = slab_bytes();
	punch(SLAB);
	take(from, from + gone / 2);
	assert_int_equal(slab_bytes(), before);
	nothing_is_given_twice(from + gone / 2);
	/* Each family is a row, but where two words of the bitmap meet. */
	assert_in_range(breaks(from, from + gone / 2), gone / 2 / ROW - 1, gone / 2 / ROW + 9);
	close_pool();
	open_full(MM_ACCESS_SEQUENTIAL, ALL);
	from = fill_last_slab();
	free_families(32);
	mm_pool_shrink(pool);
	before = slab_bytes();
	take(from, from + 2 * SLAB);
	assert_in_range(breaks(from, from + 2 * SLAB), 0, 3);
	assert_true(slab_bytes() > before);
	close_pool();
}

/* Half of the pool lies free in holes of one: more than a quarter is not left so. */
static void holes_are_filled_where_there_are_many(void **state)
{
	static const enum mm_access kinds[] = { MM_ACCESS_SEQUENTIAL, MM_ACCESS_OCTREE_TRAVERSAL };
	struct mm_pool_stats s;

	(void)state;
	for (int k = 0; k < 2; k++) {
		open_full(kinds[k], ALL);
		uint64_t gone = punch(2), before = slab_bytes();
		take(ALL, ALL + gone / 4);
		assert_int_equal(slab_bytes(), before);
		take(ALL + gone / 4, ALL + gone);
		mm_pool_shrink(pool); /* what the thread has ready */
		mm_pool_stats(pool, &s);
		assert_in_range(s.blocks - s.allocated, 0, s.blocks / 4 + SLAB);
		nothing_is_given_twice(ALL + gone);
		close_pool();
	}
}

/* Where no new slab may be had, holes are taken after all. */
static void a_budget_is_filled(void **state)
{
	struct mm_pool_stats s;
	uint64_t gone;

	(void)state;
	open_full(MM_ACCESS_SEQUENTIAL, ALL);
	gone = punch(12);
	assert_int_equal(mm_budget_set(manager, MM_CATEGORY_GENERAL, slab_bytes(), MM_BUDGET_DENY), MM_OK);
	take(ALL, ALL + gone);
	nothing_is_given_twice(ALL + gone);
	while (mm_pool_alloc(pool))
		;
	mm_pool_stats(pool, &s);
	assert_int_equal(s.free, 0);
	assert_int_equal(s.allocated, s.peak_bytes / BYTES);
	close_pool();
}

/* Blocks whose slabs end within a row: all are given out. */
static void slabs_that_end_within_a_row(void **state)
{
	static const uint32_t sizes[] = { 8, 24, 40, 72, 104, 808, 5000 };
	struct mm_pool_stats s;

	(void)state;
	assert_int_equal(mm_manager_create(&manager), MM_OK);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(mm_pool_create(manager, "odd", sizes[i], 0,
			i % 2 ? MM_ACCESS_SEQUENTIAL : MM_ACCESS_OCTREE_TRAVERSAL, 1, &pool), MM_OK);
		mm_pool_stats(pool, &s);
		for (int n = 0; n < 20000; n++)
			assert_non_null(block[n] = mm_pool_alloc(pool));
		mm_pool_stats(pool, &s);
		/* Free is less than a slab. */
		assert_in_range(s.free, 0, 8 * 65536 / sizes[i] + 1);
		mm_pool_destroy(pool);
	}
	mm_manager_destroy(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_lies_in_one_piece),
		cmocka_unit_test(families_are_filled_by_families),
		cmocka_unit_test(holes_are_filled_where_there_are_many),
		cmocka_unit_test(a_budget_is_filled),
		cmocka_unit_test(slabs_that_end_within_a_row),
	};

	return cmocka_run_group_tests_name("depotrows", tests, NULL, NULL);
}
