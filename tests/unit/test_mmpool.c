/* test_mmpool: libmm's pools as a program uses them: the contract of mm.h, limits, threads
 * that hand blocks to each other, threads that end, forked children. Every block is filled
 * with a pattern of its own and checked before it is freed.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

enum { MANY = 20000, SLICE = 65536 };

static struct mm_pool *open_pool(struct mm_manager *m, size_t bytes)
{
	static int n;
	char name[32];
	struct mm_pool *p = NULL;

	snprintf(name, sizeof name, "pool-%d", n++);
	assert_int_equal(mm_pool_create(m, name, bytes, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	return p;
}

static struct mm_manager *open_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_pool_stats stats_of(struct mm_pool *p)
{
	struct mm_pool_stats s;

	mm_pool_stats(p, &s);
	return s;
}

static void mark(void *block, size_t bytes, uint64_t seed)
{
	uint64_t *word = block;

	for (size_t i = 0; i < bytes / 8; i++)
		word[i] = seed * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static int is_marked(const void *block, size_t bytes, uint64_t seed)
{
	const uint64_t *word = block;

	for (size_t i = 0; i < bytes / 8; i++)
		if (word[i] != seed * UINT64_C(0x9e3779b97f4a7c15) + i)
			return 0;
	return 1;
}

/* --- the contract ---------------------------------------------------------------------- */

static void refuses_what_cannot_be(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = (void *)1, *twin = (void *)1;
	char name[MM_POOL_NAME_BYTES + 1];

	(void)state;
	memset(name, 'n', sizeof name);
	name[MM_POOL_NAME_BYTES] = 0;
	assert_int_equal(mm_pool_create(m, name, 8, 0, MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, "", 8, 0, MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, NULL, 8, 0, MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, "a", 0, 0, MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, "a", MM_POOL_BLOCK_BYTES_MOST + 1, 0,
					MM_ACCESS_GENERAL, 1, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, "a", 8, 0, MM_ACCESS_GENERAL, 0, &p), MM_EINVAL);
	assert_int_equal(mm_pool_create(m, "a", 8, 0, MM_ACCESS_KINDS, 1, &p), MM_EINVAL);
	assert_ptr_equal(p, (void *)1);
	assert_null(mm_pool_get(m, "a"));
	assert_int_equal(mm_pool_create(m, "a", 8, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	assert_int_equal(mm_pool_create(m, "a", 8, 0, MM_ACCESS_GENERAL, 1, &twin), MM_EEXIST);
	assert_ptr_equal(twin, (void *)1);
	assert_ptr_equal(mm_pool_get(m, "a"), p);
	mm_pool_destroy(p);
	assert_null(mm_pool_get(m, "a"));
	mm_pool_free(p, NULL);
	mm_manager_destroy(m);
	mm_manager_destroy(NULL);
}

static void stands_for_null(void **state)
{
	struct mm_pool *p;

	(void)state;
	assert_non_null(mm_manager_default());
	assert_int_equal(mm_pool_create(NULL, "standing", 24, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	assert_ptr_equal(mm_pool_get(mm_manager_default(), "standing"), p);
	mm_manager_destroy(mm_manager_default());
	assert_ptr_equal(mm_pool_get(NULL, "standing"), p);
	mm_pool_destroy(p);
}

/* Any size: blocks apart by at least that much, whole to the last byte, and owned. */
static void any_size(void **state)
{
	static const size_t sizes[] = { 1, 8, 20, 24, 64, 72, 1000, 4096, 5000, 32768, 40000,
		65536, 300000, 1048576, 5000000 };
	struct mm_manager *m = open_manager();

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		struct mm_pool *p = open_pool(m, sizes[s]);
		size_t bytes = (sizes[s] + 7) / 8 * 8, n = bytes > 100000 ? 12 : 600;
		void *block[600];
		for (size_t i = 0; i < n; i++) {
			assert_non_null(block[i] = mm_pool_alloc(p));
			assert_int_equal((uintptr_t)block[i] % 8, 0);
			mark(block[i], bytes, i);
			assert_true(mm_pool_owns(p, (char *)block[i] + bytes - 1));
		}
		assert_int_equal(stats_of(p).block_bytes, bytes);
		assert_int_equal(stats_of(p).allocated, n);
		for (size_t i = 0; i < n; i++) {
			assert_true(is_marked(block[i], bytes, i));
			mm_pool_free(p, block[i]);
		}
		assert_int_equal(stats_of(p).allocated, 0);
		assert_int_equal(stats_of(p).requests, n);
		mm_pool_shrink(p);
		assert_int_equal(stats_of(p).blocks, 0); /* slabs that are whole have gone */
		assert_int_equal(mm_pool_warm_up(p, 3), MM_OK);
		assert_int_equal(stats_of(p).blocks, 0);
		mm_pool_destroy(p);
	}
	mm_manager_destroy(m);
}

static void owns_its_own_only(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64), *q = open_pool(m, 64);
	void *a = mm_pool_alloc(p), *b = mm_pool_alloc(q);

	(void)state;
	assert_true(mm_pool_owns(p, a) && mm_pool_owns(q, b));
	assert_false(mm_pool_owns(p, b) || mm_pool_owns(q, a));
	assert_false(mm_pool_owns(p, &a) || mm_pool_owns(p, NULL));
	mm_manager_destroy(m);
}

static void stops_at_its_limit(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p;
	void *block[100], *more = (void *)1;

	(void)state;
	assert_int_equal(mm_pool_create(m, "few", 64, 100, MM_ACCESS_GENERAL, 0, &p), MM_OK);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			assert_int_equal(mm_pool_try(p, &block[i]), MM_OK);
		assert_int_equal(mm_pool_try(p, &more), MM_ELIMIT);
		assert_ptr_equal(more, (void *)1);
		assert_null(mm_pool_alloc(p));
		mm_pool_free(p, block[50]);
		assert_int_equal(mm_pool_try(p, &block[50]), MM_OK);
		for (int i = 0; i < 100; i++)
			mm_pool_free(p, block[i]);
	}
	assert_int_equal(stats_of(p).requests, 3 * 101);
	assert_int_equal(mm_pool_warm_up(p, 1000000), MM_OK);
	assert_int_equal(stats_of(p).blocks, 0);
	mm_manager_destroy(m);
}

/* Growing far past what is there moves nothing; the numbers say what is live. */
static void grows_in_place(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 136);
	void **block = calloc(MANY, sizeof *block);
	struct mm_pool_stats s;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		mark(block[i] = mm_pool_alloc(p), 136, i);
	for (size_t i = 0; i < MANY; i += 2)
		mm_pool_free(p, block[i]);
	s = stats_of(p);
	assert_int_equal(s.allocated, MANY / 2);
	assert_int_equal(s.allocated + s.free, s.blocks);
	assert_true(s.fragmentation > 49 && s.fragmentation < 60);
	for (size_t i = 0; i < MANY; i += 2)
		mark(block[i] = mm_pool_alloc(p), 136, i);
	assert_true(stats_of(p).blocks <= s.blocks + 1024); /* what is cached */
	for (size_t i = 0; i < MANY; i++)
		assert_true(is_marked(block[i], 136, i));
	mm_pool_clear(p);
	s = stats_of(p);
	assert_int_equal(s.blocks + s.allocated + s.cached, 0);
	assert_int_equal(s.requests, MANY + MANY / 2);
	assert_non_null(mm_pool_alloc(p));
	free(block);
	mm_manager_destroy(m);
}

/* After much was freed, what is allocated comes in the order of addresses. */
static void comes_in_a_row(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	void **block = calloc(MANY, sizeof *block);
	uintptr_t before = 0;
	size_t backward = 0;
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		block[i] = mm_pool_alloc(p);
	for (size_t i = 0; i < MANY; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t j = (size_t)(seed >> 33) % MANY;
		mm_pool_free(p, block[j]);
		block[j] = NULL;
	}
	mm_pool_shrink(p);
	for (size_t i = 0; i < MANY / 2; i++) {
		uintptr_t at = (uintptr_t)mm_pool_alloc(p);
		backward += at < before;
		before = at;
	}
	assert_true(backward <= MANY * 64 / SLICE);
	free(block);
	mm_manager_destroy(m);
}

static size_t resident(const void *at, size_t bytes)
{
	unsigned char page[4096];
	uintptr_t first = (uintptr_t)at & ~(uintptr_t)4095;
	size_t n = 0, pages = (bytes + 4095) / 4096;

	assert_true(pages <= sizeof page);
	assert_int_equal(mincore((void *)first, pages * 4096, page), 0);
	for (size_t i = 0; i < pages; i++)
		n += page[i] & 1;
	return n;
}

static void warms_up_and_shrinks(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	char *first;

	(void)state;
	assert_int_equal(mm_pool_warm_up(p, 4096), MM_OK);
	assert_int_equal(stats_of(p).allocated, 0);
	first = mm_pool_alloc(p);
	assert_true(resident(first, (size_t)4096 * 64) == 64);
	mm_pool_free(p, first);
	mm_pool_shrink(p);
	assert_int_equal(resident(first, (size_t)4096 * 64), 0);
	mm_manager_destroy(m);
}

/* A small pool touches no page before its blocks do. */
static void stays_small(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	char *first = mm_pool_alloc(p);

	(void)state;
	*first = 1;
	assert_int_equal(resident(first, SLICE), 1);
	mm_manager_destroy(m);
}

static void every_access(void **state)
{
	struct mm_manager *m = open_manager();

	(void)state;
	for (int a = 0; a < MM_ACCESS_KINDS; a++) {
		char name[8] = { (char)('a' + a) };
		struct mm_pool *p;
		assert_int_equal(mm_pool_create(m, name, 512, 0, (enum mm_access)a, 1, &p), MM_OK);
		void **block = calloc(MANY, sizeof *block);
		for (size_t i = 0; i < MANY; i++)
			mark(block[i] = mm_pool_alloc(p), 512, i);
		if (a == MM_ACCESS_SEQUENTIAL || a == MM_ACCESS_SDF_OPERATION)
			assert_int_equal(resident(block[0], SLICE), 16);
		for (size_t i = 0; i < MANY; i++) {
			assert_true(is_marked(block[i], 512, i));
			mm_pool_free(p, block[i]);
		}
		assert_true(stats_of(p).cached <= 256);
		if (a == MM_ACCESS_MINING)
			assert_true(stats_of(p).cached <= 16);
		free(block);
	}
	mm_manager_destroy(m);
}

/* --- threads and children ---------------------------------------------------------------------- */

enum { TRADERS = 4, TRADES = 60000, SHELF = 512 };

/* Of a large pool a thread has the rest of a slab in stock: it counts as cached, no other thread gets
 * a block of it, and it goes back. */
static void stocked_blocks_are_cached(void **state)
{
	enum { LARGE = 70000 };
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	void **block = calloc(LARGE, sizeof *block);
	uint64_t most = 0;

	(void)state;
	for (size_t i = 0; i < LARGE; i++) {
		mark(block[i] = mm_pool_alloc(p), 64, i);
		struct mm_pool_stats s = i % 97 ? (struct mm_pool_stats){ 0 } : stats_of(p);
		assert_true(i % 97 || s.allocated == i + 1);
		most = most < s.cached ? s.cached : most;
	}
	assert_true(most > 384 && most <= 1024); /* a slab has as many */
	mm_pool_shrink(p);
	assert_int_equal(stats_of(p).cached, 0);
	assert_int_equal(stats_of(p).allocated, LARGE);
	for (size_t i = 0; i < LARGE; i++) {
		assert_true(is_marked(block[i], 64, i));
		mm_pool_free(p, block[i]);
	}
	mm_pool_shrink(p);
	assert_int_equal(stats_of(p).blocks, 0);
	free(block);
	mm_manager_destroy(m);
}

static struct mm_pool *traded;
static void *_Atomic shelf[SHELF];

/* Puts a block where another may take it, takes what was there, checks and frees it. */
static void *trade(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (uint32_t i = 0; i < TRADES; i++) {
		uint64_t *mine = mm_pool_alloc(traded), *found;
		if (!mine)
			return (void *)1;
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		mark(mine, 64, seed | 1);
		found = __atomic_exchange_n((void **)&shelf[(seed >> 33) % SHELF], mine,
					    __ATOMIC_ACQ_REL);
		if (!found)
			continue;
		for (int w = 1; w < 8; w++)
			if (found[w] != found[0] + (uint64_t)w)
				return (void *)2;
		memset(found, 0xee, 64);
		mm_pool_free(traded, found);
	}
	return NULL;
}

static void threads_trade(void **state)
{
	struct mm_manager *m = open_manager();
	pthread_t thread[TRADERS];
	uint64_t left = 0;

	(void)state;
	traded = open_pool(m, 64);
	for (uintptr_t i = 0; i < TRADERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, trade, (void *)(i + 1)), 0);
	for (int i = 0; i < TRADERS; i++) {
		void *wrong;
		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_null(wrong);
	}
	for (int i = 0; i < SHELF; i++)
		left += shelf[i] != NULL;
	assert_int_equal(stats_of(traded).allocated, left);
	assert_int_equal(stats_of(traded).cached, 0);
	assert_int_equal(stats_of(traded).requests, TRADERS * TRADES);
	for (int i = 0; i < SHELF; i++)
		mm_pool_free(traded, shelf[i]);
	assert_int_equal(stats_of(traded).allocated, 0);
	mm_manager_destroy(m);
}

enum { ENDING = 12 };

static void *live_briefly(void *arg)
{
	struct mm_pool *p = arg;
	void *block[10];

	for (int i = 0; i < 10; i++)
		block[i] = mm_pool_alloc(p);
	for (int i = 0; i < 9; i++)
		mm_pool_free(p, block[i]);
	return block[9];
}

/* What ended threads had ready is there again, 1200 times over: of those that run at once, and of
 * the first thread, each has no more than a slab. */
static void threads_end(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);

	(void)state;
	for (int i = 0; i < 100; i++) {
		pthread_t thread[ENDING];
		for (int t = 0; t < ENDING; t++)
			assert_int_equal(pthread_create(&thread[t], NULL, live_briefly, p), 0);
		for (int t = 0; t < ENDING; t++) {
			void *last;
			pthread_join(thread[t], &last);
			mm_pool_free(p, last);
		}
	}
	assert_int_equal(stats_of(p).allocated, 0);
	assert_int_equal(stats_of(p).requests, 100 * ENDING * 10);
	assert_in_range(stats_of(p).blocks, 1024, (ENDING + 1) * 1024);
	mm_manager_destroy(m);
}

static _Atomic int stop;

static void *keep_busy(void *arg)
{
	while (!stop) {
		void *a = mm_pool_alloc(arg), *b = mm_pool_alloc(arg);
		mm_pool_free(arg, a);
		mm_pool_free(arg, b);
		struct mm_pool_stats s;
		mm_pool_stats(arg, &s);
	}
	return NULL;
}

static int child_works(struct mm_pool *p, void *old)
{
	static void *block[5000];
	struct mm_pool *own;

	if (!is_marked(old, 64, 3))
		return 1;
	for (size_t i = 0; i < 5000; i++)
		mark(block[i] = mm_pool_alloc(p), 64, i);
	for (size_t i = 0; i < 5000; i++) {
		if (!is_marked(block[i], 64, i))
			return 2;
		mm_pool_free(p, block[i]);
	}
	mm_pool_free(p, old);
	return mm_pool_create(NULL, "child", 32, 0, MM_ACCESS_GENERAL, 1, &own) ||
	       !mm_pool_alloc(own) ? 3 : 0;
}

/* Forked again and again while another thread is in the pool. */
static void children_go_on(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	void *old = mm_pool_alloc(p);
	pthread_t busy;

	(void)state;
	mark(old, 64, 3);
	stop = 0;
	assert_int_equal(pthread_create(&busy, NULL, keep_busy, p), 0);
	for (int i = 0; i < 50; i++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			alarm(20);
			_exit(child_works(p, old));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	stop = 1;
	pthread_join(busy, NULL);
	assert_true(is_marked(old, 64, 3));
	mm_manager_destroy(m);
}

static void *spill_and_refill(void *arg)
{
	void *block[1500];

	while (!stop) {
		for (int i = 0; i < 1500; i++)
			block[i] = mm_pool_alloc(arg);
		for (int i = 0; i < 1500; i++)
			mm_pool_free(arg, block[i]);
	}
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(void *const *)a, y = (uintptr_t)*(void *const *)b;

	return (x > y) - (x < y);
}

/* What a pool gave back serves another, and no block of it twice. */
static int child_destroys(struct mm_manager *m, struct mm_pool *p)
{
	static void *block[5000];
	struct mm_pool *own;

	if (mm_pool_create(m, "child", 64, 0, MM_ACCESS_GENERAL, 1, &own))
		return 1;
	mm_pool_destroy(p);
	for (size_t i = 0; i < 5000; i++)
		block[i] = mm_pool_alloc(own);
	qsort(block, 5000, sizeof *block, by_address);
	for (size_t i = 1; i < 5000; i++)
		if (!block[i] || block[i] == block[i - 1])
			return 2;
	return stats_of(own).allocated == 5000 ? 0 : 3;
}

/* A thread that the child does not have was stopped in the middle of a give or a take. */
static void children_destroy(void **state)
{
	struct mm_manager *m = open_manager();
	struct mm_pool *p = open_pool(m, 64);
	pthread_t busy[2];

	(void)state;
	stop = 0;
	for (int t = 0; t < 2; t++)
		assert_int_equal(pthread_create(&busy[t], NULL, spill_and_refill, p), 0);
	for (int i = 0; i < 300; i++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			signal(SIGSEGV, SIG_DFL);
			alarm(20);
			_exit(child_destroys(m, p));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	stop = 1;
	for (int t = 0; t < 2; t++)
		pthread_join(busy[t], NULL);
	assert_int_equal(stats_of(p).allocated, 0);
	mm_manager_destroy(m);
}

static void managers_come_and_go(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct mm_manager *m = open_manager();
		for (int n = 0; n < 4; n++)
			assert_non_null(mm_pool_alloc(open_pool(m, 64)));
		mm_manager_destroy(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_cannot_be), cmocka_unit_test(stands_for_null),
		cmocka_unit_test(any_size), cmocka_unit_test(owns_its_own_only),
		cmocka_unit_test(stops_at_its_limit), cmocka_unit_test(grows_in_place),
		cmocka_unit_test(comes_in_a_row), cmocka_unit_test(warms_up_and_shrinks),
		cmocka_unit_test(stays_small), cmocka_unit_test(every_access),
		cmocka_unit_test(stocked_blocks_are_cached),
		cmocka_unit_test(threads_trade), cmocka_unit_test(threads_end),
		cmocka_unit_test(children_go_on), cmocka_unit_test(children_destroy),
		cmocka_unit_test(managers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
