/* test_poolset.c: pools of a replay against the pools that programs have (mm.h): the same calls,
 * block by block at the same places; and sizes and alignments at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/error.h"
#include "mm.h"
#include "replay/poolset.h"

enum { LIVE_MOST = 5000, STEPS = 100000 };

struct pair { uint64_t real, simulated; };

struct twins {
	struct mm_manager *manager;
	struct mm_pool *pool;
	struct mm_poolset *set;
	struct mm_context *context;
	uint64_t bytes, shift; /* of the real addresses */
	struct pair live[LIVE_MOST];
	size_t count;
};

static void open_twins(struct twins *t, uint64_t bytes)
{
	memset(t, 0, sizeof *t);
	t->bytes = bytes;
	assert_int_equal(mm_manager_create(&t->manager), 0);
	assert_int_equal(mm_pool_create(t->manager, "twin", bytes, 0, MM_ACCESS_GENERAL, 1, &t->pool),
			 0);
	assert_int_equal(mm_poolset_open(&t->set, &bytes, 1, 0), 0);
	assert_int_equal(mm_poolset_context(t->set, 0, &t->context), 0);
}

static void close_twins(struct twins *t)
{
	struct mm_pool_stats s;
	struct mm_account a;

	mm_pool_stats(t->pool, &s);
	mm_poolset_account(t->set, &a);
	assert_int_equal(s.allocated, a.live);
	assert_int_equal(s.cached * s.block_bytes, a.cached);
	/* Of the free blocks those count that lie in pages in use. */
	assert_true(a.slab_external <= (s.blocks - s.allocated - s.cached) * s.block_bytes);
	assert_int_equal(mm_account_sum(&a), a.committed);
	assert_int_equal(mm_poolset_check(t->set), 0);
	for (size_t i = 0; i < t->count; i++)
		mm_pool_free(t->pool, (void *)(uintptr_t)t->live[i].real);
	mm_poolset_leave(t->set, t->context);
	mm_poolset_close(t->set);
	mm_pool_destroy(t->pool);
	mm_manager_destroy(t->manager);
}

static void take_pair(struct twins *t)
{
	struct pair *p = &t->live[t->count];

	p->real = (uintptr_t)mm_pool_alloc(t->pool);
	assert_true(p->real != 0);
	assert_int_equal(mm_poolset_alloc(t->set, t->context, t->bytes, 0, &p->simulated), 0);
	if (!t->shift)
		t->shift = p->real - p->simulated;
	assert_int_equal(p->real - p->simulated, t->shift);
	t->count++;
}

static void give_pair(struct twins *t, size_t at)
{
	mm_pool_free(t->pool, (void *)(uintptr_t)t->live[at].real);
	mm_poolset_free(t->set, t->context, t->live[at].simulated, t->bytes);
	t->live[at] = t->live[--t->count];
}

static uint64_t next_draw(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void live_at_the_same_places(uint64_t bytes, size_t most, int steps)
{
	static struct twins t;
	uint64_t seed = 88172645463325252u + bytes;

	open_twins(&t, bytes);
	for (int i = 0; i < steps; i++) {
		uint64_t draw = next_draw(&seed);
		/* Waves: for a while it grows, for a while it shrinks. */
		int grows = draw % 100 < (i / 5000 % 2 ? 30u : 70u);
		if (!t.count || (grows && t.count < most))
			take_pair(&t);
		else
			give_pair(&t, draw / 100 % t.count);
	}
	close_twins(&t);
}

static void places_are_those_of_libmm(void **state)
{
	(void)state;
	live_at_the_same_places(8, LIVE_MOST, STEPS);
	live_at_the_same_places(24, LIVE_MOST, STEPS);
	live_at_the_same_places(200, LIVE_MOST, STEPS);
	live_at_the_same_places(4096, 1000, STEPS);
	live_at_the_same_places(64 * 1024, 100, STEPS / 10);     /* the last that is cached */
	live_at_the_same_places(64 * 1024 + 8, 100, STEPS / 10); /* the first that is not */
	live_at_the_same_places(1000000, 20, STEPS / 10);
}

static void limits(void **state)
{
	const uint64_t sizes[] = { 24, 64 }, none[] = { 0 }, huge[] = { UINT64_C(1) << 31 };
	struct mm_poolset *p;
	struct mm_context *c;
	uint64_t addr = 7;

	(void)state;
	assert_int_equal(mm_poolset_open(&p, none, 1, 0), MM_EINVAL);
	assert_int_equal(mm_poolset_open(&p, huge, 1, 0), MM_EINVAL);
	assert_int_equal(mm_poolset_open(&p, sizes, MM_POOLSET_SIZES + 1, 0), MM_EINVAL);
	assert_int_equal(mm_poolset_open(&p, sizes, 2, 5000), MM_EINVAL);
	assert_int_equal(mm_poolset_open(&p, sizes, 2, 16384), 0);
	assert_int_equal(mm_poolset_context(p, 0, &c), 0);
	assert_int_equal(mm_poolset_alloc(p, c, 65, 0, &addr), MM_ELIMIT);
	assert_int_equal(mm_poolset_alloc(p, c, 8, 128, &addr), MM_ELIMIT);
	assert_int_equal(mm_poolset_alloc(p, c, UINT64_MAX, 0, &addr), MM_ELIMIT);
	assert_int_equal(addr, 7);
	assert_int_equal(mm_poolset_alloc(p, c, 8, 16, &addr), 0); /* of 64: 24 is no multiple of 16 */
	assert_int_equal(addr % 64, 0);
	assert_int_equal(mm_poolset_resize(p, addr, 8, 64, 32), 1);
	assert_int_equal(mm_poolset_resize(p, addr, 64, 65, 0), 0);
	assert_int_equal(mm_poolset_resize(p, addr, 64, 8, 0), 0); /* 24 would do */
	mm_poolset_free(p, c, addr, 64);
	mm_poolset_leave(p, c);
	mm_poolset_close(p);
}

static void as_many_sizes_as_there_may_be(void **state)
{
	struct mm_poolset *p;
	struct mm_context *c;
	uint32_t sizes[4];
	uint64_t addr;

	(void)state;
	assert_int_equal(mm_poolset_open(&p, NULL, 0, 0), 0);
	assert_int_equal(mm_poolset_context(p, 0, &c), 0);
	for (uint64_t i = 0; i < MM_POOLSET_SIZES; i++)
		assert_int_equal(mm_poolset_alloc(p, c, 8 + i * 968, 0, &addr), 0);
	assert_true(mm_poolset_takes(p, 976, 0));
	assert_int_equal(mm_poolset_alloc(p, c, 16, 0, &addr), MM_ELIMIT);
	assert_false(mm_poolset_takes(p, 16, 0));
	assert_int_equal(mm_poolset_alloc(p, c, 1, 0, &addr), 0);
	assert_int_equal(mm_poolset_alloc(p, c, 976, 256, &addr), MM_ELIMIT); /* of 1024 */
	assert_int_equal(mm_poolset_sizes(p, sizes, 4), MM_POOLSET_SIZES);
	assert_int_equal(sizes[1], 976);
	assert_int_equal(mm_poolset_check(p), 0);
	mm_poolset_leave(p, c);
	mm_poolset_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_those_of_libmm),
		cmocka_unit_test(limits),
		cmocka_unit_test(as_many_sizes_as_there_may_be),
	};

	return cmocka_run_group_tests_name("poolset", tests, NULL, NULL);
}
