/* test_defrag.c: after a pass little is left over, contents are what they were, locked blocks
 * are where they were, and the time given is kept to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "movekit.h"

enum { BLOCKS = 60000, LARGEST = 4096, WHOLE = 10000 /* all of it, in 100ths of a percent */ };

static struct movable block[BLOCKS];
static const struct mm_handles_options usual = { 0 };

static struct mm_heap_options options(int simulated, int track, enum mm_check check)
{
	return (struct mm_heap_options){ .simulated = simulated, .track = track, .check = check,
					 .retain_bytes = MM_HEAP_DEFAULT };
}

static uint64_t any_bytes(struct movekit *k)
{
	static const uint64_t size[] = { 48, 100, 256, 1000 };

	return size[movekit_next(k) % 4];
}

/* Many are made, some are replaced at random, then most go. */
static void churn(struct movekit *k, uint32_t count, int keep_one_in)
{
	memset(block, 0, sizeof block);
	for (uint32_t i = 0; i < count; i++)
		movekit_create(k, &block[i], any_bytes(k), (uint8_t)(i % 3));
	for (uint32_t i = 0; i < count; i++) {
		struct movable *m = &block[movekit_next(k) % count];
		movekit_free(k, m);
		movekit_create(k, m, any_bytes(k), (uint8_t)(i % 3));
	}
	for (uint32_t i = 0; i < count; i++)
		if (movekit_next(k) % (uint64_t)keep_one_in)
			movekit_free(k, &block[i]);
}

static void verify_all(struct movekit *k, int free_them)
{
	for (uint32_t i = 0; i < BLOCKS; i++) {
		if (!block[i].handle.index)
			continue;
		if (free_them)
			movekit_free(k, &block[i]);
		else
			movekit_verify(k, &block[i]);
	}
}

static void law_holds(struct movekit *k)
{
	struct mm_account a;

	assert_int_equal(mm_heap_check(k->heap), 0);
	assert_int_equal(mm_handles_check(k->handles), 0);
	mm_heap_account(k->heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
}

static void little_is_left(void **state)
{
	static const enum mm_check level[] = { MM_CHECK_OFF, MM_CHECK_ON };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mm_heap_options o = options(0, i, level[i]);
		struct mm_account before, after;
		struct mm_defrag_counts n;
		struct movekit k;
		movekit_open(&k, &o, &usual);
		assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
		churn(&k, BLOCKS, 3);
		assert_true(mm_defrag_fragmentation(k.defrag) > WHOLE / 3);
		mm_heap_account(k.heap, &before);
		movekit_pass(&k, UINT64_MAX, 0);
		mm_heap_account(k.heap, &after);
		assert_true(mm_defrag_fragmentation(k.defrag) < WHOLE / 20);
		assert_int_equal(before.live, after.live);
		assert_int_equal(before.requested, after.requested);
		assert_true(after.committed < before.committed);
		mm_defrag_counts(k.defrag, &n);
		assert_true(n.freed_slabs > 0 && n.skipped_pinned == 0);
		assert_true(n.freed_bytes > n.moved_bytes);
		law_holds(&k);
		assert_int_equal(mm_heap_validate(k.heap), 0);
		verify_all(&k, 1);
		law_holds(&k);
		movekit_close(&k);
	}
}

/* No pass makes it worse, a second one finds nothing. */
static uint64_t in_use(struct movekit *k)
{
	struct mm_account a;

	mm_heap_account(k->heap, &a);
	return a.committed - a.retained - a.metadata;
}

/* A slab of which one page was ever handed out gives back one page, not all its addresses. */
static void what_is_freed_was_in_use(void **state)
{
	enum { COUNT = 400, GONE = 150, BYTES = 200 }; /* 315 a slab */
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct mm_defrag_counts n;
	struct movekit k;
	uint64_t before;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	for (int i = 0; i < COUNT; i++)
		movekit_create(&k, &block[i], BYTES, 0);
	for (int i = 0; i < GONE; i++)
		movekit_free(&k, &block[i]);
	movekit_pass(&k, 1, 0); /* only what is ready goes back */
	before = in_use(&k);
	movekit_pass(&k, UINT64_MAX, 0);
	mm_defrag_counts(k.defrag, &n);
	assert_int_equal(n.freed_slabs, 1);
	assert_true(n.freed_bytes > 0 && n.freed_bytes < 65536);
	assert_int_equal(before - in_use(&k), n.freed_bytes);
	for (int i = GONE; i < COUNT; i++)
		movekit_free(&k, &block[i]);
	movekit_close(&k);
}

static void passes_end(void **state)
{
	struct mm_heap_options o = options(0, 0, MM_CHECK_OFF);
	struct mm_defrag_counts n, later;
	struct movekit k;
	uint32_t was;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	churn(&k, BLOCKS / 4, 4);
	mm_heap_trim(k.heap);
	was = mm_defrag_fragmentation(k.defrag);
	for (int i = 0; i < 200; i++) {
		movekit_pass(&k, 20000, 0);
		assert_true(mm_defrag_fragmentation(k.defrag) <= was);
		was = mm_defrag_fragmentation(k.defrag);
	}
	movekit_pass(&k, UINT64_MAX, 0);
	mm_defrag_counts(k.defrag, &n);
	movekit_pass(&k, UINT64_MAX, 0);
	mm_defrag_counts(k.defrag, &later);
	assert_int_equal(n.moved_blocks, later.moved_blocks);
	assert_int_equal(later.passes, n.passes + 1);
	assert_int_equal(mm_defrag_in_progress(k.defrag), 0);
	verify_all(&k, 1);
	movekit_close(&k);
}

enum { SLABS = 2048, SPARSE = 30, SINGLE_NS = 1000 };

struct picture { uint32_t count; struct mm_slab_view slab[SLABS]; };

static void draw(void *arg, const struct mm_slab_view *v)
{
	struct picture *p = arg;

	if (v->block_bytes) {
		assert_true(p->count < SLABS);
		p->slab[p->count++] = *v;
	}
}

static const struct mm_slab_view *find(const struct picture *p, uint64_t addr)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->slab[i].addr == addr)
			return &p->slab[i];
	return NULL;
}

static uint64_t singly(void *arg, const struct mm_defrag_work *w)
{
	(void)arg;
	return w->moved_blocks * SINGLE_NS;
}

/* One block moved: from where to where, by what was free there before. */
static void one_move(struct movekit *k, uint32_t *ret_from, uint32_t *ret_to)
{
	static struct picture before, after;
	struct mm_defrag_slice s = { SINGLE_NS, 0, singly, NULL };

	before.count = after.count = 0;
	mm_heap_slabs(k->heap, draw, &before);
	assert_int_equal(mm_defrag_pass(k->defrag, k->context, &s), 0);
	mm_heap_slabs(k->heap, draw, &after);
	for (uint32_t i = 0; i < before.count; i++) {
		const struct mm_slab_view *v = find(&after, before.slab[i].addr);
		if (!v || v->free > before.slab[i].free)
			*ret_from = before.slab[i].free;
		else if (v->free < before.slab[i].free)
			*ret_to = before.slab[i].free;
	}
}

/* Far more slabs that are nearly empty than are looked at to find the emptiest; and some that
 * cannot be emptied, for the sake of one block, though they are emptier. */
static void each_move_goes_to_a_fuller_slab(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct movekit k;
	uint64_t plain;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 1000), 0);
	memset(block, 0, sizeof block);
	for (uint32_t i = 0; i < BLOCKS / 2; i++) {
		movekit_create(&k, &block[i], 1000, 0);
		if (i % 200 == 0)
			assert_int_equal(mm_heap_alloc(k.heap, k.context, 1000, 0, &plain), 0);
	}
	for (uint32_t i = 0; i < BLOCKS / 2; i++)
		if (movekit_next(&k) % SPARSE)
			movekit_free(&k, &block[i]);
	mm_heap_trim(k.heap);
	for (int i = 0; i < 400; i++) {
		uint32_t from = UINT32_MAX, to = UINT32_MAX;
		one_move(&k, &from, &to);
		assert_true(from != UINT32_MAX && to != UINT32_MAX);
		assert_true(to <= from);
	}
	movekit_close(&k);
}

/* Of two pools the one whose slabs are emptier comes first, whichever its blocks are. */
static void what_frees_most_goes_first(void **state)
{
	static const uint64_t bytes[] = { 256, 1024 };
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct mm_defrag_slice s = { SINGLE_NS, 0, singly, NULL };
	struct mm_defrag_counts n;
	struct movekit k;

	(void)state;
	for (uint32_t emptier = 0; emptier < 2; emptier++) {
		movekit_open(&k, &o, &usual);
		assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
		memset(block, 0, sizeof block);
		for (uint32_t i = 0; i < BLOCKS / 4; i++)
			movekit_create(&k, &block[i], bytes[i % 2], 0);
		for (uint32_t i = 0; i < BLOCKS / 4; i++)
			if (movekit_next(&k) % (i % 2 == emptier ? SPARSE : 2))
				movekit_free(&k, &block[i]);
		assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
		mm_defrag_counts(k.defrag, &n);
		assert_int_equal(n.moved_blocks, 1);
		assert_int_equal(n.moved_bytes, bytes[emptier]);
		movekit_close(&k);
	}
}

/* --- time --------------------------------------------------------------------------- */

static void time_is_kept(void **state)
{
	const uint64_t one = MOVEKIT_BLOCK_NS + MOVEKIT_VICTIM_NS + LARGEST / 8;
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct mm_defrag_counts n;
	struct movekit k;

	(void)state;
	for (uint64_t max = 0; max < 20000; max = max * 2 + 77) {
		movekit_open(&k, &o, &usual);
		assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
		churn(&k, BLOCKS / 8, 4);
		movekit_pass(&k, max, 0);
		mm_defrag_counts(k.defrag, &n);
		assert_true(n.longest_ns <= max + one);
		assert_true(max || n.moved_blocks == 0);
		movekit_pass(&k, max, 0); /* what a step takes is known now */
		mm_defrag_counts(k.defrag, &n);
		assert_true(max < 2000 || n.moved_blocks > 0);
		movekit_close(&k);
	}
}

/* A clock by which each block takes a tenth of the slice. */
static uint64_t tenths(void *arg, const struct mm_defrag_work *w)
{
	(void)arg;
	return w->moved_blocks * 100;
}

static void known_costs_are_foreseen(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct mm_defrag_slice s = { 1050, 0, tenths, NULL };
	struct mm_defrag_counts n;
	struct movekit k;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 256), 0);
	churn(&k, BLOCKS / 4, 4);
	assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
	mm_defrag_counts(k.defrag, &n);
	assert_int_equal(n.moved_blocks, 10); /* the eleventh would not have fitted */
	assert_int_equal(n.longest_ns, 1000);
	s.now = NULL;
	assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), MM_EINVAL);
	movekit_close(&k);
}

enum { RELEASE_NS = 5000, STEP_NS = 10 };

/* A slab's release takes as long as hundreds of moves. */
static uint64_t releases(void *arg, const struct mm_defrag_work *w)
{
	return *(uint64_t *)arg = w->moved_blocks * STEP_NS + w->freed_slabs * RELEASE_NS;
}

static void releases_are_foreseen(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	uint64_t took;
	struct mm_defrag_slice s = { RELEASE_NS + 20 * STEP_NS, 0, releases, &took };
	struct mm_defrag_counts n;
	struct movekit k;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 256), 0);
	churn(&k, BLOCKS / 2, 4);
	do { /* until the first release has shown what one takes */
		assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
		mm_defrag_counts(k.defrag, &n);
	} while (n.freed_slabs == 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
		assert_true(took <= s.max_ns);
	}
	mm_defrag_counts(k.defrag, &n);
	assert_true(n.freed_slabs > 10);
	movekit_close(&k);
}

/* One block takes far longer than any slice, once. */
static uint64_t stumbles(void *arg, const struct mm_defrag_work *w)
{
	uint64_t *moved = arg, *at = moved + 1;

	if (w->moved_blocks > *moved)
		*at += *at == 90 ? 1000000 : 10;
	*moved = w->moved_blocks;
	return *at;
}

static void a_stumble_is_no_end(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	uint64_t at[2] = { 0, 0 };
	struct mm_defrag_slice s = { 1000, 0, stumbles, at };
	struct movekit k;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	churn(&k, BLOCKS / 4, 4);
	for (int i = 0; i < 1000; i++) {
		at[0] = 0;
		assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
	}
	assert_true(mm_defrag_fragmentation(k.defrag) < WHOLE / 10);
	movekit_close(&k);
}

struct asked { struct movekit *kit; int seen, err; };

static uint64_t asks_back(void *arg, const struct mm_defrag_work *w)
{
	struct asked *a = arg;
	struct mm_defrag_slice s = { 1000, 0, movekit_clock, NULL };

	a->seen = mm_defrag_in_progress(a->kit->defrag);
	a->err = mm_defrag_pass(a->kit->defrag, a->kit->context, &s);
	return movekit_clock(NULL, w);
}

static void one_pass_at_a_time(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct movekit k;
	struct asked a = { &k, 0, 0 };
	struct mm_defrag_slice s = { 1000, 0, asks_back, &a };

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_pass(k.defrag, k.context, &s), 0);
	assert_int_equal(a.seen, 1);
	assert_int_equal(a.err, MM_EAGAIN);
	movekit_close(&k);
}

/* --- who stays ---------------------------------------------------------------------- */

static void pinned_stay(void **state)
{
	struct mm_heap_options o = options(0, 0, MM_CHECK_OFF);
	static uint64_t where[BLOCKS];
	struct mm_defrag_counts n;
	struct movekit k;
	uint64_t addr;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	churn(&k, BLOCKS, 3);
	for (uint32_t i = 0; i < BLOCKS; i += 501)
		if (block[i].handle.index)
			assert_int_equal(mm_handle_lock(k.handles, block[i].handle, &where[i]), 0);
	movekit_pass(&k, UINT64_MAX, 0);
	mm_defrag_counts(k.defrag, &n);
	assert_true(n.skipped_pinned > 0 && n.moved_blocks > 0);
	for (uint32_t i = 0; i < BLOCKS; i += 501)
		if (block[i].handle.index) {
			assert_true(movekit_is_whole(&block[i], where[i]));
			assert_int_equal(mm_handle_lock(k.handles, block[i].handle, &addr), 0);
			assert_int_equal(addr, where[i]);
			assert_int_equal(mm_handle_unlock(k.handles, block[i].handle), 0);
			assert_int_equal(mm_handle_unlock(k.handles, block[i].handle), 0);
		}
	movekit_pass(&k, UINT64_MAX, 0);
	assert_true(mm_defrag_fragmentation(k.defrag) < WHOLE / 20);
	verify_all(&k, 1);
	movekit_close(&k);
}

/* Plain blocks among movable ones: they stay, and so do slabs of theirs. */
static void plain_blocks_stay(void **state)
{
	enum { PLAIN = 500 };
	struct mm_heap_options o = options(0, 0, MM_CHECK_OFF);
	static uint64_t plain[PLAIN];
	struct movekit k;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	memset(block, 0, sizeof block);
	for (int i = 0; i < BLOCKS / 4; i++) {
		movekit_create(&k, &block[i], 200, 0);
		if (i % (BLOCKS / 4 / PLAIN) == 0) {
			uint64_t *p = &plain[i / (BLOCKS / 4 / PLAIN)];
			assert_int_equal(mm_heap_alloc(k.heap, k.context, 200, 0, p), 0);
			memset((void *)(uintptr_t)*p, 0x77, 200);
		}
	}
	for (int i = 0; i < BLOCKS / 4; i++)
		if (i % 5)
			movekit_free(&k, &block[i]);
	movekit_pass(&k, UINT64_MAX, 0);
	for (int i = 0; i < PLAIN; i++) {
		for (int j = 0; j < 200; j++)
			assert_int_equal(((uint8_t *)(uintptr_t)plain[i])[j], 0x77);
		assert_int_equal(mm_heap_free(k.heap, k.context, plain[i]), 0);
	}
	verify_all(&k, 1);
	movekit_close(&k);
}

static uint64_t address_of(struct movekit *k, const struct movable *m)
{
	uint64_t addr;

	assert_int_equal(mm_handle_lock(k->handles, m->handle, &addr), 0);
	assert_int_equal(mm_handle_unlock(k->handles, m->handle), 0);
	return addr;
}

/* What was written behind a block is found where the block has gone to. */
static void damage_goes_along(void **state)
{
	struct mm_heap_options o = options(0, 0, MM_CHECK_ON);
	static uint64_t where[BLOCKS];
	struct mm_misuse told;
	struct movekit k;
	int gone_along = 0;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	churn(&k, BLOCKS / 4, 8);
	for (uint32_t i = 0; i < BLOCKS / 4; i++)
		if (block[i].handle.index && block[i].size == 100) {
			where[i] = address_of(&k, &block[i]);
			((uint8_t *)(uintptr_t)where[i])[102] ^= 0xff;
		}
	movekit_pass(&k, UINT64_MAX, 0);
	for (uint32_t i = 0; i < BLOCKS / 4; i++) {
		uint64_t addr = where[i] ? address_of(&k, &block[i]) : 0;
		if (addr == where[i])
			continue;
		assert_int_equal(mm_handle_free(k.handles, k.context, block[i].handle),
				 MM_ECORRUPT);
		assert_int_equal(mm_heap_misuse(k.heap, &told), 0);
		assert_int_equal(told.kind, MM_MISUSE_OVERRUN);
		assert_int_equal(told.block, addr);
		assert_int_equal(told.offset, 102);
		assert_int_equal(mm_handle_lock(k.handles, block[i].handle, &addr), MM_ENOENT);
		gone_along++;
	}
	assert_true(gone_along > 0);
	law_holds(&k);
	movekit_close(&k);
}

static void unregistered_pools_and_priorities(void **state)
{
	struct mm_heap_options o = options(1, 0, MM_CHECK_OFF);
	struct mm_defrag_counts n;
	struct movekit k;

	(void)state;
	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 100000), MM_EINVAL);
	churn(&k, BLOCKS / 4, 4);
	movekit_pass(&k, UINT64_MAX, 0);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	assert_int_equal(mm_defrag_unregister(k.defrag, 0), 0);
	movekit_pass(&k, UINT64_MAX, 0);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	movekit_pass(&k, UINT64_MAX, 3); /* above all of them */
	mm_defrag_counts(k.defrag, &n);
	assert_int_equal(n.moved_blocks, 0);
	movekit_pass(&k, UINT64_MAX, 0);
	mm_defrag_counts(k.defrag, &n);
	assert_true(n.moved_blocks > 0);
	movekit_close(&k);
}

/* --- simulated heaps ---------------------------------------------------------------- */

struct outcome { struct mm_defrag_counts n; uint64_t hash; };

static void play(int simulated, struct outcome *ret)
{
	struct mm_heap_options o = options(simulated, 1, MM_CHECK_OFF);
	struct movekit k;
	uint64_t base = 0, addr;

	movekit_open(&k, &o, &usual);
	assert_int_equal(mm_defrag_register(k.defrag, 0), 0);
	churn(&k, BLOCKS / 4, 4);
	for (int i = 0; i < 30; i++)
		movekit_pass(&k, 30000, (uint8_t)(i % 2));
	mm_defrag_counts(k.defrag, &ret->n);
	ret->hash = 0;
	for (uint32_t i = 0; i < BLOCKS / 4; i++) {
		if (!block[i].handle.index)
			continue;
		assert_int_equal(mm_handle_lock(k.handles, block[i].handle, &addr), 0);
		base = base ? base : addr;
		ret->hash = ret->hash * UINT64_C(1099511628211) + (addr - base);
		assert_int_equal(mm_handle_unlock(k.handles, block[i].handle), 0);
	}
	movekit_close(&k);
}

static void simulated_decides_as_real(void **state)
{
	struct outcome real, simulated;

	(void)state;
	play(0, &real);
	play(1, &simulated);
	assert_true(real.n.moved_blocks > 0);
	assert_memory_equal(&real, &simulated, sizeof real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_is_left),
		cmocka_unit_test(what_is_freed_was_in_use),
		cmocka_unit_test(passes_end),
		cmocka_unit_test(each_move_goes_to_a_fuller_slab),
		cmocka_unit_test(what_frees_most_goes_first),
		cmocka_unit_test(time_is_kept),
		cmocka_unit_test(known_costs_are_foreseen),
		cmocka_unit_test(releases_are_foreseen),
		cmocka_unit_test(a_stumble_is_no_end),
		cmocka_unit_test(one_pass_at_a_time),
		cmocka_unit_test(pinned_stay),
		cmocka_unit_test(plain_blocks_stay),
		cmocka_unit_test(damage_goes_along),
		cmocka_unit_test(unregistered_pools_and_priorities),
		cmocka_unit_test(simulated_decides_as_real),
	};

	return cmocka_run_group_tests_name("defrag", tests, NULL, NULL);
}
