/* test_handle.c: handles name one block and never another; locked blocks stay; contents
 * survive a defragmentation that runs beside threads which use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "alloc/handle_parts.h"
#include "movekit.h"

static const struct mm_heap_options real = { .retain_bytes = MM_HEAP_DEFAULT };
static const struct mm_handles_options usual = { 0 };

static void stale_is_told(void **state)
{
	struct movekit k;
	struct movable m;
	struct mm_handle was, never = { 77, 1 }, none = { 0, 0 }, far = { UINT32_MAX, 1 };
	struct mm_handle_info info;
	uint64_t addr = 5;

	(void)state;
	movekit_open(&k, &real, &usual);
	movekit_create(&k, &m, 100, 3);
	was = m.handle;
	movekit_free(&k, &m);
	assert_int_equal(mm_handle_lock(k.handles, was, &addr), MM_ENOENT);
	assert_int_equal(mm_handle_lock(k.handles, none, &addr), MM_ENOENT);
	assert_int_equal(mm_handle_lock(k.handles, never, &addr), MM_ENOENT);
	assert_int_equal(mm_handle_lock(k.handles, far, &addr), MM_ENOENT);
	assert_int_equal(addr, 5);
	assert_int_equal(mm_handle_unlock(k.handles, was), MM_ENOENT);
	assert_int_equal(mm_handle_info(k.handles, was, &info), MM_ENOENT);
	assert_int_equal(mm_handle_free(k.handles, k.context, was), MM_ENOENT);
	movekit_close(&k);
}

/* The place and the block come back at once: the old handle still names nothing. */
static void reuse_is_no_revival(void **state)
{
	struct movekit k;
	struct movable a, b;
	struct mm_handle was;
	uint64_t first, second;

	(void)state;
	movekit_open(&k, &real, &usual);
	movekit_create(&k, &a, 64, 0);
	was = a.handle;
	assert_int_equal(mm_handle_lock(k.handles, was, &first), 0);
	assert_int_equal(mm_handle_unlock(k.handles, was), 0);
	movekit_free(&k, &a);
	movekit_create(&k, &b, 64, 0);
	assert_int_equal(mm_handle_lock(k.handles, b.handle, &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(b.handle.index, was.index);
	assert_int_not_equal(b.handle.generation, was.generation);
	assert_int_equal(mm_handle_lock(k.handles, was, &first), MM_ENOENT);
	assert_int_equal(mm_handle_unlock(k.handles, was), MM_ENOENT);
	assert_int_equal(mm_handle_free(k.handles, k.context, was), MM_ENOENT);
	assert_int_equal(mm_handle_unlock(k.handles, b.handle), 0);
	movekit_free(&k, &b);
	movekit_close(&k);
}

static void used_up_places_retire(void **state)
{
	const struct mm_handles_options late = { .first_generation = UINT32_MAX - 1 };
	struct movekit k;
	struct movable m;
	struct mm_handle seen[6];
	struct mm_handles_sums sums;
	uint64_t addr;

	(void)state;
	movekit_open(&k, &real, &late);
	for (int i = 0; i < 6; i++) {
		movekit_create(&k, &m, 48, 0);
		seen[i] = m.handle;
		assert_int_not_equal(m.handle.generation, 0);
		for (int j = 0; j < i; j++) {
			assert_false(seen[j].index == seen[i].index &&
				     seen[j].generation == seen[i].generation);
			assert_int_equal(mm_handle_lock(k.handles, seen[j], &addr), MM_ENOENT);
		}
		movekit_free(&k, &m);
	}
	mm_handles_sums(k.handles, &sums);
	assert_int_equal(sums.retired, 3);
	assert_int_equal(sums.live, 0);
	movekit_close(&k);
}

static void pins_are_counted(void **state)
{
	struct movekit k;
	struct movable m;
	struct mm_handle_info info;
	uint64_t addr;

	(void)state;
	movekit_open(&k, &real, &usual);
	movekit_create(&k, &m, 1000, 7);
	assert_int_equal(mm_handle_unlock(k.handles, m.handle), MM_EINVAL);
	mm_handles_epoch(k.handles, 42);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mm_handle_lock(k.handles, m.handle, &addr), 0);
	mm_handles_epoch(k.handles, 43);
	assert_int_equal(mm_handle_info(k.handles, m.handle, &info), 0);
	assert_int_equal(info.pins, 3);
	assert_int_equal(info.epoch, 42);
	assert_int_equal(info.priority, 7);
	assert_true(info.granted >= 1000);
	assert_int_equal(mm_handle_priority(k.handles, m.handle, 9), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mm_handle_free(k.handles, k.context, m.handle), MM_EPERM);
		assert_int_equal(mm_handle_unlock(k.handles, m.handle), 0);
	}
	assert_int_equal(mm_handle_info(k.handles, m.handle, &info), 0);
	assert_int_equal(info.pins, 0);
	assert_int_equal(info.priority, 9);
	movekit_free(&k, &m);
	movekit_close(&k);
}

static void the_table_has_an_end(void **state)
{
	const struct mm_handles_options few = { .most = 3 };
	struct movekit k;
	struct movable m[3];
	struct mm_handle more = { 8, 8 };
	struct mm_account before, after;

	(void)state;
	movekit_open(&k, &real, &few);
	for (int i = 0; i < 3; i++)
		movekit_create(&k, &m[i], 30, 0);
	mm_heap_account(k.heap, &before);
	assert_int_equal(mm_handle_create(k.handles, k.context, 30, 0, 0, &more), MM_ELIMIT);
	assert_int_equal(more.index, 8);
	mm_heap_account(k.heap, &after);
	assert_int_equal(before.requested, after.requested);
	movekit_free(&k, &m[1]);
	movekit_create(&k, &m[1], 30, 0);
	for (int i = 0; i < 3; i++)
		movekit_free(&k, &m[i]);
	movekit_close(&k);
}

static void large_ones_too(void **state)
{
	struct movekit k;
	struct movable m;

	(void)state;
	movekit_open(&k, &real, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	movekit_create(&k, &m, 300000, 0);
	movekit_pass(&k, UINT64_MAX, 0);
	movekit_free(&k, &m);
	movekit_close(&k);
}

/* --- threads ------------------------------------------------------------------------------- */

enum { WORKERS = 2, BLOCKS = 3000, ROUNDS = 200000, PHASE = 8000, PASSES = 100000 };

struct worker {
	struct movekit *kit;
	struct mm_context *context;
	struct movable block[BLOCKS];
	uint64_t random;
	int failed;
};

static struct worker worker[WORKERS];
static _Atomic int working;

static int use(struct worker *w, struct movable *m, int write)
{
	struct mm_handles *t = w->kit->handles;
	uint64_t addr;

	if (mm_handle_lock(t, m->handle, &addr) || !movekit_is_whole(m, addr))
		return 0;
	if (write) {
		m->mark += 256;
		movekit_fill(m, addr);
	}
	return mm_handle_unlock(t, m->handle) == 0;
}

static int replace(struct worker *w, struct movable *m, uint64_t r)
{
	struct mm_handles *t = w->kit->handles;
	uint64_t addr;

	if (m->handle.index) {
		if (!use(w, m, 0) || mm_handle_free(t, w->context, m->handle))
			return 0;
		m->handle = (struct mm_handle){ 0, 0 };
		return 1;
	}
	m->size = r % 8 ? 200 : 3000;
	m->mark = r << 8 | (r & 0x7f);
	if (mm_handle_create(t, w->context, m->size, 0, 0, &m->handle) ||
	    mm_handle_lock(t, m->handle, &addr))
		return 0;
	movekit_fill(m, addr);
	return mm_handle_unlock(t, m->handle) == 0;
}

/* Blocks become many, then few, so that there is always something to put together. */
static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS && !w->failed; i++) {
		struct movable *m = &w->block[(w->random >> 20) % BLOCKS];
		int grows = i / PHASE % 2 == 0;
		w->random = w->random * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (m->handle.index && (grows || w->random >> 62 == 0))
			w->failed = !use(w, m, w->random >> 61 & 1);
		else if (grows || m->handle.index)
			w->failed = !replace(w, m, w->random >> 30);
		if (i % (PHASE / 4) == 0) /* what a thread has ready keeps slabs where they are */
			mm_cache_flush(w->context);
	}
	atomic_fetch_sub(&working, 1);
	return NULL;
}

/* Few blocks, each so large that a copy takes its time, that one thread moves about without
 * end while others are at them. */
enum { FEW = 4, LARGE = 200000, MOVES = 4000, VISITS = 400000 };

struct visited { struct movekit *kit; struct movable block[FEW]; };

static _Atomic uint64_t word_of[FEW]; /* what a block is filled with; 0 = somebody writes */
static _Atomic int moving, bad, moved;

/* The whole block says one thing; now and then it is made to say another, by one visitor. */
static void visit(struct visited *v, uint64_t r)
{
	struct mm_handles *t = v->kit->handles;
	unsigned n = (unsigned)(r % FEW);
	uint64_t addr, word = atomic_load(&word_of[n]);
	uint64_t *p;

	if (mm_handle_lock(t, v->block[n].handle, &addr)) {
		atomic_store(&bad, 1);
		return;
	}
	p = (uint64_t *)(uintptr_t)addr;
	if (word && atomic_compare_exchange_strong(&word_of[n], &word, 0)) {
		for (int i = 0; i < LARGE / 8; i += 97)
			if (__atomic_load_n(&p[i], __ATOMIC_RELAXED) != word)
				atomic_store(&bad, 2);
		for (int i = 0; i < LARGE / 8; i++)
			__atomic_store_n(&p[i], word + 1, __ATOMIC_RELAXED);
		atomic_store(&word_of[n], word + 1);
	}
	if (mm_handle_unlock(t, v->block[n].handle))
		atomic_store(&bad, 3);
}

static void *visit_all(void *arg)
{
	uint64_t r = (uintptr_t)&r >> 12 | 1;

	for (int i = 0; i < VISITS && atomic_load(&moving) && !atomic_load(&bad); i++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		visit(arg, r >> 33);
	}
	return NULL;
}

static void move_about(struct visited *v, uint64_t *where, int i)
{
	struct movekit *k = v->kit;
	uint32_t index = v->block[i % FEW].handle.index;
	uint64_t fresh;

	assert_int_equal(mm_heap_alloc(k->heap, k->context, LARGE, 0, &fresh), 0);
	if (mm_handle_move_begin(k->handles, index, *where, 0)) {
		assert_int_equal(mm_heap_free(k->heap, k->context, fresh), 0);
		return;
	}
	memcpy((void *)(uintptr_t)fresh, (const void *)(uintptr_t)*where, LARGE);
	mm_handle_move_end(k->handles, index, fresh);
	memset((void *)(uintptr_t)*where, 0xee, LARGE);
	assert_int_equal(mm_heap_free(k->heap, k->context, *where), 0);
	*where = fresh;
	atomic_fetch_add(&moved, 1);
}

static void nobody_meets_a_block_on_its_way(void **state)
{
	struct movekit k;
	struct visited v = { .kit = &k };
	uint64_t where[FEW];
	pthread_t thread[WORKERS];

	(void)state;
	movekit_open(&k, &real, &usual);
	for (int i = 0; i < FEW; i++) {
		movekit_create(&k, &v.block[i], LARGE, 0);
		assert_int_equal(mm_handle_lock(k.handles, v.block[i].handle, &where[i]), 0);
		memset((void *)(uintptr_t)where[i], 1, LARGE);
		atomic_store(&word_of[i], UINT64_C(0x0101010101010101));
		assert_int_equal(mm_handle_unlock(k.handles, v.block[i].handle), 0);
	}
	atomic_store(&moving, 1);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, visit_all, &v), 0);
	for (int i = 0; i < MOVES && !atomic_load(&bad); i++)
		move_about(&v, &where[i % FEW], i);
	atomic_store(&moving, 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&bad), 0);
	assert_true(atomic_load(&moved) > 0);
	for (int i = 0; i < FEW; i++)
		assert_int_equal(mm_handle_free(k.handles, k.context, v.block[i].handle), 0);
	movekit_close(&k);
}

static void only_what_lies_there_moves(void **state)
{
	struct movekit k;
	struct movable m;
	uint64_t addr;

	(void)state;
	movekit_open(&k, &real, &usual);
	movekit_create(&k, &m, 100, 4);
	assert_int_equal(mm_handle_lock(k.handles, m.handle, &addr), 0);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr, 0), MM_EAGAIN);
	assert_int_equal(mm_handle_unlock(k.handles, m.handle), 0);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr + 112, 0),
			 MM_ENOENT);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr, 5), MM_EAGAIN);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr, 4), 0);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr, 4), MM_EAGAIN);
	mm_handle_move_end(k.handles, m.handle.index, addr);
	movekit_free(&k, &m);
	assert_int_equal(mm_handle_move_begin(k.handles, m.handle.index, addr, 0), MM_EAGAIN);
	movekit_close(&k);
}

static void survive_under_threads(void **state)
{
	struct movekit k;
	struct mm_defrag_counts n;
	pthread_t thread[WORKERS];

	(void)state;
	movekit_open(&k, &real, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	atomic_store(&working, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){ .kit = &k, .random = 99 + (uint64_t)i };
		assert_int_equal(mm_heap_context(k.heap, 0, &worker[i].context), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
	}
	for (int i = 0; i < PASSES && atomic_load(&working); i++)
		movekit_pass(&k, 100000, 0);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(worker[i].failed, 0);
		for (int j = 0; j < BLOCKS; j++)
			if (worker[i].block[j].handle.index)
				movekit_free(&k, &worker[i].block[j]);
		mm_heap_leave(k.heap, worker[i].context);
	}
	mm_defrag_counts(k.defrag, &n);
	assert_true(n.moved_blocks > 0);
	movekit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_is_told),
		cmocka_unit_test(reuse_is_no_revival),
		cmocka_unit_test(used_up_places_retire),
		cmocka_unit_test(pins_are_counted),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(large_ones_too),
		cmocka_unit_test(only_what_lies_there_moves),
		cmocka_unit_test(nobody_meets_a_block_on_its_way),
		cmocka_unit_test(survive_under_threads),
	};

	return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
