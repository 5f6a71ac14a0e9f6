/* test_earlier_bugs.c: what went wrong in earlier systems of this kind, each as a test of its
 * own that is named for it: pools and heaps of voxel programs that were read before this
 * engine was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/band_pool.h"
#include "alloc/defrag.h"
#include "alloc/handle.h"
#include "alloc/heap.h"
#include "alloc/svo_pool.h"
#include "core/error.h"
#include "mm.h"

struct seat { struct mm_heap *heap; struct mm_context *context; };

static struct seat sit(struct mm_heap_options o)
{
	struct seat s;

	o.retain_bytes = MM_HEAP_DEFAULT;
	assert_int_equal(mm_heap_open(&s.heap, &o), 0);
	assert_int_equal(mm_heap_context(s.heap, 0, &s.context), 0);
	return s;
}

static void rise(struct seat s)
{
	struct mm_account a;

	assert_int_equal(mm_heap_check(s.heap), 0);
	mm_heap_account(s.heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	mm_heap_leave(s.heap, s.context);
	mm_heap_close(s.heap);
}

static uint64_t take(struct seat s, uint64_t size)
{
	uint64_t addr = 0;

	assert_int_equal(mm_heap_alloc(s.heap, s.context, size, 0, &addr), 0);
	return addr;
}

static void give(struct seat s, uint64_t addr)
{
	assert_int_equal(mm_heap_free(s.heap, s.context, addr), 0);
}

/* All heaps that there are: each strategy, and each level where there are levels. */
static int next_kind(struct mm_heap_options *o)
{
	if (o->strategy == MM_STRATEGY_SIZE_CLASS && o->check + 1 < MM_CHECKS) {
		o->check++;
		return 1;
	}
	o->check = MM_CHECK_OFF;
	return ++o->strategy < MM_STRATEGIES;
}

/* --- a pool that grows must not move what is live ----------------------------------------- */

static void growth_leaves_live_pointers_pool(void **state)
{
	enum { BLOCKS = 100000 };
	static uint64_t *block[BLOCKS];
	struct mm_pool *p;
	struct mm_pool_stats s;

	(void)state;
	assert_int_equal(mm_pool_create(NULL, "grows", 24, 1, MM_ACCESS_OCTREE_TRAVERSAL, 1, &p),
			 0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		assert_non_null(block[i] = mm_pool_alloc(p));
		block[i][0] = block[i][2] = i;
	}
	mm_pool_stats(p, &s);
	assert_true(s.blocks >= BLOCKS);
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_true(block[i][0] == i && block[i][2] == i);
	mm_pool_destroy(p);
}

static void growth_leaves_live_pointers_svo(void **state)
{
	enum { RUNS = 20000 };
	static uint64_t addr[RUNS];
	static uint32_t handle[RUNS];
	struct mm_svo_options o = { .node_bytes = 8 };
	struct mm_svo *p;

	(void)state;
	assert_int_equal(mm_svo_open(&p, &o), 0);
	for (uint64_t i = 0; i < RUNS; i++) {
		assert_int_equal(mm_svo_take(p, 64 + i % 64, MM_SVO_INNER, 8, &handle[i]), 0);
		addr[i] = mm_svo_node(p, handle[i]);
		*(uint64_t *)(uintptr_t)addr[i] = i;
	}
	for (uint64_t i = 0; i < RUNS; i++) {
		assert_int_equal(mm_svo_node(p, handle[i]), addr[i]);
		assert_int_equal(*(uint64_t *)(uintptr_t)addr[i], i);
	}
	mm_svo_close(p);
}

static void growth_leaves_live_pointers_band(void **state)
{
	enum { SIDE = 16, BRICKS = SIDE * SIDE * SIDE };
	static uint64_t addr[BRICKS];
	static uint32_t brick[BRICKS];
	struct mm_band_options o = { .band = 3 };
	struct mm_band *p;
	uint64_t key;

	(void)state;
	assert_int_equal(mm_band_open(&p, &o), 0);
	for (int i = 0; i < BRICKS; i++) {
		mm_band_key(i % SIDE, i / SIDE % SIDE, i / SIDE / SIDE, &key);
		assert_int_equal(mm_band_take(p, key, MM_BAND_F32, &brick[i]), 0);
		addr[i] = mm_band_payload(p, brick[i]);
		*(int *)(uintptr_t)addr[i] = i;
	}
	for (int i = 0; i < BRICKS; i++) {
		assert_int_equal(mm_band_payload(p, brick[i]), addr[i]);
		assert_int_equal(*(int *)(uintptr_t)addr[i], i);
	}
	mm_band_close(p);
}

static uint64_t no_time(void *arg, const struct mm_defrag_work *w)
{
	(void)arg;
	(void)w;
	return 0;
}

/* Blocks that do move are named by handles, and whoever asks is told where they are. */
static void what_moves_is_told(void **state)
{
	enum { BLOCKS = 4000 };
	static struct mm_handle name[BLOCKS];
	struct seat s = sit((struct mm_heap_options){ .track = 1 });
	struct mm_handles_options ho = { 0 };
	struct mm_defrag_counts n;
	struct mm_account before, after;
	struct mm_handles *t;
	struct mm_defrag *d;
	uint64_t addr;

	(void)state;
	assert_int_equal(mm_handles_open(&t, s.heap, &ho), 0);
	assert_int_equal(mm_defrag_open(&d, t), 0);
	assert_int_equal(mm_defrag_register(d, 0), 0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(mm_handle_create(t, s.context, 200, 0, 0, &name[i]), 0);
		assert_int_equal(mm_handle_lock(t, name[i], &addr), 0);
		*(uint64_t *)(uintptr_t)addr = i;
		mm_handle_unlock(t, name[i]);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (i % 10)
			assert_int_equal(mm_handle_free(t, s.context, name[i]), 0);
	mm_heap_trim(s.heap);
	mm_heap_account(s.heap, &before);
	assert_int_equal(mm_defrag_pass(d, s.context,
			&(struct mm_defrag_slice){ .max_ns = UINT64_MAX, .now = no_time }), 0);
	mm_defrag_counts(d, &n);
	mm_heap_account(s.heap, &after);
	assert_true(n.moved_blocks > 0 && after.slabs < before.slabs);
	for (uint64_t i = 0; i < BLOCKS; i += 10) {
		assert_int_equal(mm_handle_lock(t, name[i], &addr), 0);
		assert_int_equal(*(uint64_t *)(uintptr_t)addr, i);
		mm_handle_unlock(t, name[i]);
		assert_int_equal(mm_handle_free(t, s.context, name[i]), 0);
	}
	mm_defrag_close(d);
	mm_handles_close(t);
	rise(s);
}

/* --- 90 bytes must not get a block of 64 --------------------------------------------------- */

static void every_size_fits_its_block(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1 };

	(void)state;
	do {
		struct seat s = sit(o);
		uint64_t addr, granted, next;
		for (uint64_t size = 1; size < 70000; size += 1 + size / 64)
			for (uint64_t align = 16; align <= 65536; align *= 16) {
				assert_int_equal(mm_heap_alloc(s.heap, s.context, size, align,
							       &addr), 0);
				assert_int_equal(addr % align, 0);
				assert_int_equal(mm_heap_granted(s.heap, addr, &granted), 0);
				assert_true(granted >= size);
				assert_int_equal(mm_heap_alloc(s.heap, s.context, size, align,
							       &next), 0);
				assert_true(next >= addr + size || addr >= next + size);
				give(s, addr);
				give(s, next);
			}
		rise(s);
	} while (next_kind(&o));
}

static void ninety_bytes(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS };

	(void)state;
	do {
		struct seat s = sit(o);
		uint64_t small = take(s, 64), addr = take(s, 90), other = take(s, 90);
		memset((void *)(uintptr_t)small, 1, 64);
		memset((void *)(uintptr_t)other, 3, 90);
		memset((void *)(uintptr_t)addr, 2, 90);
		for (int i = 0; i < 64; i++)
			assert_int_equal(((uint8_t *)(uintptr_t)small)[i], 1);
		for (int i = 0; i < 90; i++)
			assert_int_equal(((uint8_t *)(uintptr_t)other)[i], 3);
		give(s, small);
		give(s, addr);
		give(s, other);
		rise(s);
	} while (next_kind(&o));
}

/* --- the second block of a pool must not wait for the first -------------------------------- */

static void a_second_block_does_not_deadlock(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS };
	struct mm_pool *p;

	(void)state;
	alarm(20); /* who waits for himself ends here */
	assert_int_equal(mm_pool_create(NULL, "second", 64, 2, MM_ACCESS_GENERAL, 0, &p), 0);
	void *first = mm_pool_alloc(p), *second = mm_pool_alloc(p);
	assert_true(first && second && first != second);
	assert_null(mm_pool_alloc(p));
	mm_pool_free(p, first);
	assert_ptr_equal(mm_pool_alloc(p), first);
	mm_pool_destroy(p);
	do {
		struct seat s = sit(o);
		uint64_t a = take(s, 64), b = take(s, 64);
		assert_true(a != b);
		give(s, a);
		give(s, b);
		rise(s);
	} while (next_kind(&o));
	alarm(0);
}

/* --- sizes of 4 GiB and more ------------------------------------------------------------------- */

/* In 32 bits this one would have room for 4 blocks. */
static void a_pool_of_more_than_four_gib(void **state)
{
	enum { BLOCKS = 4096 + 4, TAKEN = 40 };
	uint64_t *block[TAKEN];
	struct mm_manager *m;
	struct mm_pool *p;

	(void)state;
	assert_int_equal(mm_manager_create(&m), 0);
	assert_int_equal(mm_pool_create(m, "wide", 1 << 20, BLOCKS, MM_ACCESS_GENERAL, 0, &p), 0);
	for (uint64_t i = 0; i < TAKEN; i++) {
		assert_non_null(block[i] = mm_pool_alloc(p));
		block[i][0] = block[i][(1 << 17) - 1] = i;
	}
	for (uint64_t i = 0; i < TAKEN; i++)
		assert_true(block[i][0] == i && block[i][(1 << 17) - 1] == i);
	mm_manager_destroy(m);
}

static void blocks_of_more_than_four_gib(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1,
				     .track = 1 };
	const uint64_t big = (UINT64_C(1) << 32) + 100;

	(void)state;
	do {
		struct seat s = sit(o);
		struct mm_account a;
		uint64_t first = take(s, big), second = take(s, big), granted;
		assert_true(second >= first + big || first >= second + big);
		assert_int_equal(mm_heap_granted(s.heap, first, &granted), 0);
		assert_true(granted >= big);
		mm_heap_account(s.heap, &a);
		assert_int_equal(a.requested, 2 * big);
		give(s, first);
		give(s, second);
		rise(s);
	} while (next_kind(&o));
}

/* In every call that takes a size. */
static void sizes_near_the_largest(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1 };

	(void)state;
	do {
		struct seat s = sit(o);
		uint64_t addr = 3, live = take(s, 100), large = take(s, 1000000);
		for (uint64_t less = 0; less < 70000; less += 1 + less / 3) {
			uint64_t size = UINT64_MAX - less;
			for (uint64_t align = 1; align; align *= 2)
				assert_int_not_equal(mm_heap_alloc(s.heap, s.context, size, align,
								   &addr), 0);
			assert_int_not_equal(mm_heap_zalloc(s.heap, s.context, size, &addr), 0);
			assert_int_not_equal(mm_heap_realloc(s.heap, s.context, live, size, 0,
							     &addr), 0);
			assert_int_not_equal(mm_heap_realloc(s.heap, s.context, large, size, 0,
							     &addr), 0);
		}
		for (uint64_t align = UINT64_C(1) << 40; align; align *= 2)
			assert_int_not_equal(mm_heap_alloc(s.heap, s.context, 1, align, &addr), 0);
		for (int bit = 37; bit < 64; bit++)
			assert_int_not_equal(mm_heap_alloc(s.heap, s.context, UINT64_C(1) << bit,
							   0, &addr), 0);
		assert_int_equal(addr, 3);
		give(s, live);
		give(s, large);
		rise(s);
	} while (next_kind(&o));
}

static void pools_of_sizes_near_the_largest(void **state)
{
	struct mm_pool *p = (void *)8;

	(void)state;
	for (size_t less = 0; less < 4096; less += 1 + less / 2)
		assert_int_equal(mm_pool_create(NULL, "vast", SIZE_MAX - less, 1,
						MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(NULL, "vast", MM_POOL_BLOCK_BYTES_MOST + 1, 1,
					MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_ptr_equal(p, (void *)8);
	assert_int_equal(mm_pool_create(NULL, "vast", MM_POOL_BLOCK_BYTES_MOST, UINT64_MAX,
					MM_ACCESS_GENERAL, 0, &p), 0);
	assert_int_not_equal(mm_pool_warm_up(p, UINT64_MAX), 0);
	assert_int_not_equal(mm_pool_warm_up(p, UINT64_MAX / 2), 0);
	mm_pool_destroy(p);
}

/* --- what is freed is forgotten ------------------------------------------------------------------ */

static void freed_entries_are_erased(void **state)
{
	enum { LIVE = 1000, ROUNDS = 500 };
	static uint64_t addr[LIVE];
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1,
				     .track = 1, .sample_every = 10 };

	(void)state;
	do {
		struct seat s = sit(o);
		struct mm_account a, early = { 0 };
		for (int round = 0; round < ROUNDS; round++) {
			for (int i = 0; i < LIVE; i++)
				addr[i] = take(s, 20 + (uint64_t)(i * 37 % 3000));
			for (int i = 0; i < LIVE; i++)
				give(s, addr[i]);
			if (round == ROUNDS / 5)
				mm_heap_account(s.heap, &early);
		}
		mm_heap_account(s.heap, &a);
		assert_int_equal(a.live, 0);
		assert_int_equal(a.requested, 0);
		assert_true(a.metadata <= early.metadata);
		/* Which of them are watched differs, and so do a few slabs. */
		assert_true(a.committed <= early.committed + (1 << 20));
		rise(s);
	} while (next_kind(&o));
}

/* A name that was freed names nothing, also when its place is in use again. */
static void freed_names_are_erased(void **state)
{
	struct seat s = sit((struct mm_heap_options){ 0 });
	struct mm_handles_options ho = { 0 };
	struct mm_handle old, fresh;
	struct mm_handles *t;
	uint64_t addr;

	(void)state;
	assert_int_equal(mm_handles_open(&t, s.heap, &ho), 0);
	assert_int_equal(mm_handle_create(t, s.context, 90, 0, 0, &old), 0);
	assert_int_equal(mm_handle_free(t, s.context, old), 0);
	assert_int_equal(mm_handle_create(t, s.context, 90, 0, 0, &fresh), 0);
	assert_int_equal(mm_handle_lock(t, old, &addr), MM_ENOENT);
	assert_int_equal(mm_handle_free(t, s.context, old), MM_ENOENT);
	assert_int_equal(mm_handle_free(t, s.context, fresh), 0);
	mm_handles_close(t);
	rise(s);
}

/* --- a check that looks at more than whether there is a pointer -------------------------------- */

static void corruption_is_seen_in_the_bytes(void **state)
{
	(void)state;
	for (int level = MM_CHECK_ON; level < MM_CHECKS; level++) {
		struct seat s = sit((struct mm_heap_options){ .check = (enum mm_check)level,
							      .sample_every = 1 });
		uint64_t addr = take(s, 100), other = take(s, 90);
		uint8_t *end = (uint8_t *)(uintptr_t)(addr + 100);
		assert_int_equal(mm_heap_validate(s.heap), 0);
		for (int bit = 0; bit < 8; bit++) {
			*end ^= (uint8_t)(1 << bit);
			assert_int_equal(mm_heap_validate(s.heap), MM_ECORRUPT);
			*end ^= (uint8_t)(1 << bit);
			assert_int_equal(mm_heap_validate(s.heap), 0);
		}
		give(s, addr);
		give(s, other);
		rise(s);
	}
}

/* --- memory that should be zero ---------------------------------------------------------------- */

static int all_are(uint64_t addr, uint64_t bytes, uint8_t value)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)addr;

	for (uint64_t i = 0; i < bytes; i++)
		if (p[i] != value)
			return 0;
	return 1;
}

static void zeroed_after_dirty_frees(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS };

	(void)state;
	do {
		struct seat s = sit(o);
		for (uint64_t size = 1; size < 300000; size += 1 + size / 9) {
			uint64_t addr = take(s, size), zeroed;
			memset((void *)(uintptr_t)addr, 0xee, size);
			give(s, addr);
			assert_int_equal(mm_heap_zalloc(s.heap, s.context, size, &zeroed), 0);
			assert_true(all_are(zeroed, size, 0));
			memset((void *)(uintptr_t)zeroed, 0xee, size);
			give(s, zeroed);
		}
		rise(s);
	} while (next_kind(&o));
}

/* Another shape: what was there stays, to the byte, and nothing before or behind comes in. */
static void reshaping_keeps_contents(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS };

	(void)state;
	do {
		struct seat s = sit(o);
		for (uint64_t from = 1; from < 150000; from += 1 + from / 3)
			for (uint64_t to = 1; to < 150000; to += 1 + to / 2) {
				uint64_t addr, kept = from < to ? from : to;
				assert_int_equal(mm_heap_zalloc(s.heap, s.context, from, &addr), 0);
				assert_int_equal(mm_heap_realloc(s.heap, s.context, addr, to, 0,
								 &addr), 0);
				assert_true(all_are(addr, kept, 0));
				memset((void *)(uintptr_t)addr, 0xaa, to);
				give(s, addr);
			}
		rise(s);
	} while (next_kind(&o));
}

/* --- accounts ---------------------------------------------------------------------------------- */

/* What is granted is accounted, not what was asked for: the difference is internal. */
static void the_account_has_what_was_granted(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1,
				     .track = 1 };

	(void)state;
	do {
		struct seat s = sit(o);
		struct mm_account a;
		uint64_t requested = 0, live = 0;
		for (int bit = 4; bit < 22; bit++)
			for (int more = -1; more <= 1; more++) {
				uint64_t size = (UINT64_C(1) << bit) + (uint64_t)more;
				take(s, size);
				requested += size;
				live++;
				mm_heap_account(s.heap, &a);
				assert_int_equal(a.requested, requested);
				assert_int_equal(a.live, live);
				assert_int_equal(mm_account_sum(&a), a.committed);
				assert_true(a.internal > 0 || bit == 4);
			}
		rise(s);
	} while (next_kind(&o));
}

static void more_than_a_hundred_thousand_are_tracked(void **state)
{
	enum { BLOCKS = 250000 };
	static uint64_t addr[BLOCKS];
	struct mm_heap_options o = { .strategy = MM_STRATEGY_SIZE_CLASS, .simulated = 1,
				     .track = 1 };

	(void)state;
	do {
		struct seat s = sit(o);
		struct mm_account a;
		uint64_t requested = 0;
		for (uint64_t i = 0; i < BLOCKS; i++) {
			addr[i] = take(s, i % 500);
			requested += i % 500;
		}
		mm_heap_account(s.heap, &a);
		assert_int_equal(a.live, BLOCKS);
		assert_int_equal(a.requested, requested);
		for (uint64_t i = 0; i < BLOCKS; i++)
			give(s, addr[i]);
		mm_heap_account(s.heap, &a);
		assert_int_equal(a.live, 0);
		rise(s);
	} while (next_kind(&o));
}

/* Figures of what is empty are figures. */
static void an_empty_pool_has_figures(void **state)
{
	struct mm_pool_stats s;
	struct mm_pool *p;

	(void)state;
	assert_int_equal(mm_pool_create(NULL, "empty", 64, 0, MM_ACCESS_GENERAL, 1, &p), 0);
	mm_pool_stats(p, &s);
	assert_true(isfinite(s.fragmentation) && s.fragmentation == 0);
	mm_pool_free(p, mm_pool_alloc(p));
	mm_pool_clear(p);
	mm_pool_shrink(p);
	mm_pool_stats(p, &s);
	assert_true(isfinite(s.fragmentation));
	assert_int_equal(s.allocated, 0);
	mm_pool_destroy(p);
}

/* --- strategies with different names do different things ------------------------------------- */

static void strategies_differ(void **state)
{
	uint64_t hole[MM_STRATEGIES];

	(void)state;
	for (int i = 0; i < MM_STRATEGIES; i++) {
		struct seat s = sit((struct mm_heap_options){ .strategy = (enum mm_strategy)i,
							      .simulated = 1 });
		uint64_t wide = take(s, 1600), a = take(s, 16), tight = take(s, 800), first;
		(void)a;
		take(s, 16);
		give(s, wide);
		give(s, tight);
		first = take(s, 800);
		hole[i] = first == wide ? 1 : first == tight ? 2 : 3;
		mm_heap_leave(s.heap, s.context);
		mm_heap_close(s.heap);
	}
	assert_int_equal(hole[MM_STRATEGY_FIRST_FIT], 1);
	assert_int_equal(hole[MM_STRATEGY_BEST_FIT], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_leaves_live_pointers_pool),
		cmocka_unit_test(growth_leaves_live_pointers_svo),
		cmocka_unit_test(growth_leaves_live_pointers_band),
		cmocka_unit_test(what_moves_is_told),
		cmocka_unit_test(every_size_fits_its_block),
		cmocka_unit_test(ninety_bytes),
		cmocka_unit_test(a_second_block_does_not_deadlock),
		cmocka_unit_test(a_pool_of_more_than_four_gib),
		cmocka_unit_test(blocks_of_more_than_four_gib),
		cmocka_unit_test(sizes_near_the_largest),
		cmocka_unit_test(pools_of_sizes_near_the_largest),
		cmocka_unit_test(freed_entries_are_erased),
		cmocka_unit_test(freed_names_are_erased),
		cmocka_unit_test(corruption_is_seen_in_the_bytes),
		cmocka_unit_test(zeroed_after_dirty_frees),
		cmocka_unit_test(reshaping_keeps_contents),
		cmocka_unit_test(the_account_has_what_was_granted),
		cmocka_unit_test(more_than_a_hundred_thousand_are_tracked),
		cmocka_unit_test(an_empty_pool_has_figures),
		cmocka_unit_test(strategies_differ),
	};

	return cmocka_run_group_tests_name("earlier bugs", tests, NULL, NULL);
}
