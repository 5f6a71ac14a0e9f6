/* test_checked.c: programs without a fault run at every checked level as without one: contents
 * stay, the law of fragmentation holds, simulated heaps decide as real ones, threads too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "guardkit.h"

/* --- chance --------------------------------------------------------------------------- */

static uint64_t draws(uint32_t every, uint64_t *ret_hash)
{
	struct kit k;
	struct mm_check_counts n;
	uint64_t was = 0, hash = 0;

	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_SAMPLED, .simulated = 1,
						 .sample_every = every });
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t addr;
		assert_int_equal(mm_heap_alloc(k.heap, k.context, 64, 0, &addr), 0);
		mm_heap_check_counts(k.heap, &n);
		if (n.watched != was)
			hash = hash * 31 + i;
		was = n.watched;
		assert_int_equal(mm_heap_free(k.heap, k.context, addr), 0);
	}
	end(&k);
	*ret_hash = hash;
	return n.watched;
}

static void one_in_so_many_is_drawn(void **state)
{
	uint64_t first, second;

	(void)state;
	assert_in_range(draws(0, &first), 4, 20); /* 10 expected */
	draws(0, &second);
	assert_int_equal(first, second);
	assert_in_range(draws(50, &first), 3700, 4300);
}

/* --- at every level ----------------------------------------------------------------- */

enum { SLOTS = 500, STEPS = 40000 };

struct slot { uint64_t addr, size; };

static uint64_t chance;

static uint64_t roll(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance >> 11;
}

static void step(struct kit *k, struct slot *s, int real)
{
	uint64_t size = roll() % 64 ? roll() % 600 : roll() % 200000;
	uint64_t align = roll() % 16 ? 0 : UINT64_C(1) << roll() % 15;

	if (!s->addr) {
		assert_int_equal(mm_heap_alloc(k->heap, k->context, size, align, &s->addr), 0);
		assert_int_equal(s->addr & (align ? align - 1 : 15), 0);
	} else if (roll() % 4 == 0) {
		assert_int_equal(mm_heap_realloc(k->heap, k->context, s->addr, size, align,
						 &s->addr), 0);
		for (uint64_t i = 0; real && i < size && i < s->size; i++)
			assert_int_equal(((uint8_t *)(uintptr_t)s->addr)[i], (uint8_t)s->size);
	} else {
		assert_int_equal(mm_heap_free(k->heap, k->context, s->addr), 0);
		s->addr = 0;
		return;
	}
	s->size = size;
	if (real)
		memset((void *)(uintptr_t)s->addr, (int)(uint8_t)size, size);
}

static uint64_t walk(enum mm_check level, int simulated, uint32_t page_bytes,
		     uint64_t *ret_watched)
{
	static struct slot slot[SLOTS];
	struct kit k;
	struct mm_account a;
	struct mm_check_counts n;
	uint64_t hash = 0, requested = 0, live = 0, base = 0;

	chance = 12345;
	memset(slot, 0, sizeof slot);
	begin_with(&k, (struct mm_heap_options){ .check = level, .simulated = simulated, .track = 1,
			.sample_every = 20, .watched_most = 300, .page_bytes = page_bytes });
	for (int i = 0; i < STEPS; i++) {
		struct slot *s = &slot[roll() % SLOTS];
		step(&k, s, !simulated);
		base = base ? base : s->addr & ~(uint64_t)0xffffff;
		hash = hash * 31 + (s->addr ? s->addr - base : 0);
		if (i % 1000)
			continue;
		assert_int_equal(mm_heap_check(k.heap), 0);
		assert_int_equal(mm_heap_validate(k.heap), 0);
	}
	for (int i = 0; i < SLOTS; i++) {
		requested += slot[i].addr ? slot[i].size : 0;
		live += slot[i].addr != 0;
	}
	mm_heap_account(k.heap, &a);
	assert_int_equal(a.requested, requested);
	assert_int_equal(a.live, live);
	assert_int_equal(k.times, 0);
	mm_heap_check_counts(k.heap, &n);
	*ret_watched = n.watched;
	assert_int_equal(n.canary_bytes != 0, simulated && level % 2);
	assert_int_equal(n.poisoned_bytes != 0, simulated && level >= MM_CHECK_SAMPLED);
	assert_int_equal(n.verified_bytes != 0, simulated && level != MM_CHECK_OFF);
	for (int i = 0; i < SLOTS; i++)
		if (slot[i].addr)
			assert_int_equal(mm_heap_free(k.heap, k.context, slot[i].addr), 0);
	mm_heap_trim(k.heap);
	mm_heap_account(k.heap, &a);
	assert_int_equal(a.committed, a.metadata);
	end(&k);
	return hash;
}

static void the_law_holds_at_every_level(void **state)
{
	(void)state;
	for (int level = 0; level < MM_CHECKS; level++) {
		uint64_t watched, as_many;
		uint64_t real = walk((enum mm_check)level, 0, 0, &watched);
		assert_int_equal(real, walk((enum mm_check)level, 1, 0, &as_many));
		assert_int_equal(watched, as_many);
		walk((enum mm_check)level, 1, 16384, &as_many);
		walk((enum mm_check)level, 1, 65536, &as_many);
		assert_int_equal(watched != 0, level >= MM_CHECK_SAMPLED);
	}
}

/* --- threads ---------------------------------------------------------------------------- */

enum { THREADS = 2, TURNS = 30000, SHARED = 256 };

static _Atomic uint64_t shared[SHARED];

/* Blocks go round: each thread frees what another made. */
static void *churn(void *arg)
{
	struct kit *k = arg;
	uint64_t r = (uintptr_t)k->context >> 4 | 1, addr;

	for (int i = 0; i < TURNS; i++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (mm_heap_alloc(k->heap, k->context, (r >> 33) % 500, 0, &addr))
			k->times++;
		addr = atomic_exchange(&shared[(r >> 20) % SHARED], addr);
		if (addr && mm_heap_free(k->heap, k->context, addr))
			k->times++;
	}
	return NULL;
}

static void threads_at_every_level(void **state)
{
	(void)state;
	for (int level = 0; level < MM_CHECKS; level++) {
		struct kit k, of[THREADS];
		struct mm_check_counts n;
		pthread_t thread[THREADS];
		begin_with(&k, (struct mm_heap_options){ .check = (enum mm_check)level,
				.track = 1, .sample_every = 10, .watched_most = 100 });
		for (int i = 0; i < THREADS; i++) {
			of[i] = (struct kit){ .heap = k.heap };
			assert_int_equal(mm_heap_context(k.heap, 0, &of[i].context), 0);
			assert_int_equal(pthread_create(&thread[i], NULL, churn, &of[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(thread[i], NULL);
			assert_int_equal(of[i].times, 0);
			mm_heap_leave(k.heap, of[i].context);
		}
		for (int i = 0; i < SHARED; i++)
			if ((k.told.addr = atomic_exchange(&shared[i], 0)) != 0)
				assert_int_equal(mm_heap_free(k.heap, k.context, k.told.addr), 0);
		mm_heap_check_counts(k.heap, &n);
		assert_int_equal(n.watched != 0, level >= MM_CHECK_SAMPLED);
		assert_int_equal(k.times, 0);
		end(&k);
	}
}

/* Of two threads that free the same block at once, one is told. */
struct racer { struct kit kit; uint64_t *block; int count, refused; };

static _Atomic int at_line;

static void *free_all(void *arg)
{
	struct racer *r = arg;

	for (int i = 0; i < r->count; i++) {
		atomic_fetch_add(&at_line, 1);
		while (atomic_load(&at_line) < 2 * (i + 1))
			continue;
		r->refused += mm_heap_free(r->kit.heap, r->kit.context, r->block[i]) == MM_EINVAL;
	}
	return NULL;
}

static void double_free_at_once_on(void **state)
{
	enum { COUNT = 2000 };
	static uint64_t block[COUNT];
	struct racer racer[2];
	struct mm_check_counts n;
	pthread_t thread[2];
	struct kit k;

	(void)state;
	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_ON });
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(mm_heap_alloc(k.heap, k.context, 40, 0, &block[i]), 0);
	atomic_store(&at_line, 0);
	for (int i = 0; i < 2; i++) {
		racer[i] = (struct racer){ { .heap = k.heap }, block, COUNT, 0 };
		assert_int_equal(mm_heap_context(k.heap, 0, &racer[i].kit.context), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, free_all, &racer[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		mm_heap_leave(k.heap, racer[i].kit.context);
	}
	mm_heap_check_counts(k.heap, &n);
	assert_int_equal(racer[0].refused + racer[1].refused, COUNT);
	assert_int_equal(n.kind[MM_MISUSE_DOUBLE_FREE] + n.kind[MM_MISUSE_INVALID_FREE], COUNT);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_in_so_many_is_drawn),
		cmocka_unit_test(the_law_holds_at_every_level),
		cmocka_unit_test(threads_at_every_level),
		cmocka_unit_test(double_free_at_once_on),
	};

	return cmocka_run_group_tests_name("checked", tests, NULL, NULL);
}
