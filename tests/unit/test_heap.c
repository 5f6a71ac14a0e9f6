/* test_heap.c: the engine's general heap: no two blocks overlap, contents stay, the law of
 * fragmentation holds, and a simulated heap does what a real one does. Also lowset, and what
 * vspace keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/classes.h"
#include "alloc/heap_parts.h"
#include "alloc/lowset.h"
#include "alloc/vspace.h"
#include "core/error.h"

enum { SLOTS = 4000, STEPS = 1000000, EVERY = 10000, SEEDS = 20 };

struct block { uint64_t addr, size, align; uint8_t mark; };

struct world {
	struct mm_heap *heap;
	struct mm_context *context[2];
	struct block block[SLOTS];
	uint64_t random, live, requested;
	int real;
};

static uint64_t next(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* Most are small, some are large. */
static uint64_t any_size(struct world *w)
{
	uint64_t r = next(w);

	return r % 64 == 0 ? r / 64 % 300000 : r % 8 == 0 ? r / 8 % 9000 : r % 300;
}

static void begin(struct world *w, enum mm_strategy strategy, int simulated, uint64_t seed)
{
	struct mm_heap_options o = { .strategy = strategy, .simulated = simulated, .track = 1,
				     .retain_bytes = MM_HEAP_DEFAULT };

	memset(w, 0, sizeof *w);
	w->random = seed * 77 + 1;
	w->real = !simulated;
	assert_int_equal(mm_heap_open(&w->heap, &o), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mm_heap_context(w->heap, (uint32_t)i, &w->context[i]), 0);
}

static void fill(const struct world *w, const struct block *b, uint64_t from)
{
	if (w->real && b->size > from)
		memset((char *)(uintptr_t)b->addr + from, b->mark, b->size - from);
}

static void is_whole(const struct world *w, const struct block *b, uint64_t bytes)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)b->addr;

	for (uint64_t i = 0; w->real && i < bytes; i++)
		if (p[i] != b->mark)
			fail_msg("byte %lu of a block of %lu changed", i, b->size);
}

static void give(struct world *w, struct block *b)
{
	is_whole(w, b, b->size);
	assert_int_equal(mm_heap_free(w->heap, w->context[next(w) % 2], b->addr), 0);
	w->live--;
	w->requested -= b->size;
	b->addr = 0;
}

static void take(struct world *w, struct block *b)
{
	uint64_t granted;

	b->size = any_size(w);
	b->align = next(w) % 16 ? 16 : UINT64_C(1) << next(w) % 18;
	b->mark = (uint8_t)next(w);
	assert_int_equal(mm_heap_alloc(w->heap, w->context[next(w) % 2], b->size, b->align,
				       &b->addr), 0);
	assert_int_equal(b->addr & (b->align - 1), 0);
	assert_int_equal(mm_heap_granted(w->heap, b->addr, &granted), 0);
	assert_true(granted >= b->size);
	fill(w, b, 0);
	w->live++;
	w->requested += b->size ? b->size : 0;
}

static void change(struct world *w, struct block *b)
{
	uint64_t was = b->size, size = any_size(w);

	is_whole(w, b, was);
	assert_int_equal(mm_heap_realloc(w->heap, w->context[next(w) % 2], b->addr, size,
					 b->align, &b->addr), 0);
	assert_int_equal(b->addr & (b->align - 1), 0);
	b->size = size;
	is_whole(w, b, was < size ? was : size);
	fill(w, b, was);
	w->requested += size - was;
}

static int by_addr(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void count_tenth(void *arg, const struct mm_slab_view *v)
{
	((uint64_t *)arg)[((uint64_t)(v->blocks - v->free) * 10 + v->blocks - 1) / v->blocks]++;
}

/* What is counted without a look at full slabs is what a look at each would give. */
static void tenths_hold(const struct world *w)
{
	uint64_t told[MM_SLAB_TENTHS], seen[MM_SLAB_TENTHS] = { 0 };

	mm_heap_occupancy(w->heap, told);
	mm_heap_slabs(w->heap, count_tenth, seen);
	assert_memory_equal(told, seen, sizeof told);
}

static void law_holds(struct world *w)
{
	static struct block sorted[SLOTS];
	struct mm_account a;

	assert_int_equal(mm_heap_check(w->heap), 0);
	tenths_hold(w);
	mm_heap_account(w->heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	assert_int_equal(a.live, w->live);
	assert_int_equal(a.requested, w->requested);
	memcpy(sorted, w->block, sizeof sorted);
	qsort(sorted, SLOTS, sizeof *sorted, by_addr);
	for (int i = 1; i < SLOTS; i++)
		if (sorted[i - 1].addr)
			assert_true(sorted[i - 1].addr + sorted[i - 1].size <= sorted[i].addr);
}

static void run(struct world *w, int steps)
{
	for (int i = 0; i < steps; i++) {
		struct block *b = &w->block[next(w) % SLOTS];
		if (!b->addr)
			take(w, b);
		else if (next(w) % 4 == 0)
			change(w, b);
		else
			give(w, b);
		if (i % EVERY == 0)
			law_holds(w);
	}
}

static void end(struct world *w)
{
	struct mm_account a;

	for (int i = 0; i < SLOTS; i++)
		if (w->block[i].addr)
			give(w, &w->block[i]);
	law_holds(w);
	mm_heap_trim(w->heap);
	mm_heap_account(w->heap, &a);
	assert_true(a.slabs <= 1); /* an ordered heap keeps one region */
	assert_int_equal(a.committed, a.metadata + a.slab_external);
	for (int i = 0; i < 2; i++)
		mm_heap_leave(w->heap, w->context[i]);
	mm_heap_close(w->heap);
}

static void blocks_are_apart(void **state)
{
	static struct world w;

	(void)state;
	for (int strategy = 0; strategy < MM_STRATEGIES; strategy++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			begin(&w, (enum mm_strategy)strategy, 0, seed);
			run(&w, STEPS / SEEDS);
			end(&w);
		}
}

static void same_everywhere(enum mm_strategy strategy)
{
	static struct world real, simulated;
	uint64_t base = 0;

	begin(&real, strategy, 0, 9);
	begin(&simulated, strategy, 1, 9);
	run(&real, STEPS / 5);
	run(&simulated, STEPS / 5);
	for (int i = 0; i < SLOTS; i++) {
		if (real.block[i].addr && !base)
			base = simulated.block[i].addr - real.block[i].addr;
		assert_int_equal(real.block[i].addr ? real.block[i].addr + base : 0,
				 simulated.block[i].addr);
	}
	end(&real);
	end(&simulated);
}

static void simulated_is_real(void **state)
{
	(void)state;
	for (int strategy = 0; strategy < MM_STRATEGIES; strategy++)
		same_everywhere((enum mm_strategy)strategy);
}

static void no_such_block(enum mm_strategy strategy)
{
	static struct world w;
	uint64_t small, large;

	begin(&w, strategy, 0, 3);
	assert_int_equal(mm_heap_alloc(w.heap, w.context[0], 100, 0, &small), 0);
	assert_int_equal(mm_heap_alloc(w.heap, w.context[0], 500000, 0, &large), 0);
	assert_int_equal(mm_heap_free(w.heap, w.context[0], small + 16), MM_EINVAL);
	assert_int_equal(mm_heap_free(w.heap, w.context[0], large + 4096), MM_EINVAL);
	assert_int_equal(mm_heap_free(w.heap, w.context[0], (uintptr_t)&w), MM_EINVAL);
	assert_int_equal(mm_heap_free(w.heap, w.context[0], 0), MM_EINVAL);
	assert_int_equal(mm_heap_alloc(w.heap, w.context[0], 8, 24, &small), MM_EINVAL);
	assert_int_equal(mm_heap_alloc(w.heap, w.context[0], UINT64_MAX - 5, 0, &small),
			 MM_ENOMEM);
	mm_heap_close(w.heap);
}

static void wrong_frees(void **state)
{
	(void)state;
	for (int strategy = 0; strategy < MM_STRATEGIES; strategy++)
		no_such_block((enum mm_strategy)strategy);
}

static void classes_fit(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= MM_CLASS_MOST; size++) {
		uint32_t n = mm_class_of(size);
		assert_true(n < MM_CLASSES && mm_class_bytes(n) >= size);
		assert_true(n == 0 || mm_class_bytes(n - 1) < size);
		assert_true(size <= 128 || mm_class_bytes(n) - size <= size / 8);
	}
	assert_int_equal(mm_class_bytes(MM_CLASSES - 1), MM_CLASS_MOST);
	for (uint64_t align = 1; align <= MM_CLASS_MOST; align *= 2) {
		uint32_t n = mm_class_aligned(24, align);
		assert_true(mm_class_bytes(n) % align == 0 && mm_class_bytes(n) >= 24);
	}
}

static void lowset_agrees(void **state)
{
	enum { LIMIT = 70000 };
	static uint8_t has[LIMIT];
	struct mm_lowset s;
	void *memory = calloc(1, mm_lowset_bytes(LIMIT));
	struct world w = { .random = 5 };

	(void)state;
	mm_lowset_init(&s, LIMIT, memory);
	assert_int_equal(mm_lowset_lowest(&s), MM_LOWSET_NONE);
	for (int i = 0; i < 3000; i++) {
		uint32_t n = (uint32_t)(next(&w) % LIMIT), from = (uint32_t)(next(&w) % LIMIT);
		uint32_t lowest = MM_LOWSET_NONE, highest = MM_LOWSET_NONE, later = MM_LOWSET_NONE;
		if (next(&w) % 3)
			mm_lowset_add(&s, n);
		else
			mm_lowset_remove(&s, n);
		has[n] = (uint8_t)mm_lowset_has(&s, n);
		for (uint32_t k = 0; k < LIMIT; k++)
			if (has[k]) {
				lowest = lowest == MM_LOWSET_NONE ? k : lowest;
				highest = k;
				later = later == MM_LOWSET_NONE && k >= from ? k : later;
			}
		assert_int_equal(mm_lowset_lowest(&s), lowest);
		assert_int_equal(mm_lowset_highest(&s), highest);
		assert_int_equal(mm_lowset_from(&s, from), later);
	}
	assert_int_equal(mm_lowset_from(&s, LIMIT), MM_LOWSET_NONE);
	free(memory);
}

/* Two blocks that grow in turn by little are not moved each time, and what a block that gets
 * smaller had is given to others. */
static void large_blocks_grow_in_place(void **state)
{
	enum { STEP = 16384, LARGE = 32 << 20 };
	struct mm_heap_options o = { .simulated = 1, .track = 1, .retain_bytes = MM_HEAP_DEFAULT };
	uint64_t addr[2], was, moves = 0, size = 65536;
	struct mm_account a;
	struct mm_context *c;
	struct mm_heap *h;

	(void)state;
	assert_int_equal(mm_heap_open(&h, &o), 0);
	assert_int_equal(mm_heap_context(h, 0, &c), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mm_heap_alloc(h, c, size, 0, &addr[i]), 0);
	for (; size <= LARGE; size += STEP)
		for (int i = 0; i < 2; i++) {
			was = addr[i];
			assert_int_equal(mm_heap_realloc(h, c, was, size, 0, &addr[i]), 0);
			moves += addr[i] != was;
			assert_true(addr[1] >= addr[0] + size || addr[0] >= addr[1] + size - STEP);
		}
	assert_true(moves < 2 * 40);
	was = addr[0];
	assert_int_equal(mm_heap_realloc(h, c, was, 100000, 0, &addr[0]), 0);
	assert_int_equal(addr[0], was);
	mm_heap_account(h, &a);
	assert_int_equal(a.requested, 100000 + size - STEP);
	assert_int_equal(mm_account_sum(&a), a.committed);
	assert_true(a.committed < 2 * LARGE);
	assert_int_equal(mm_vspace_owner(&h->vspace, addr[0] + LARGE / 2), 0);
	assert_int_equal(mm_heap_realloc(h, c, addr[0], LARGE, 0, &was), 0);
	assert_int_equal(addr[0], was);
	assert_int_equal(mm_heap_check(h), 0);
	mm_heap_leave(h, c);
	mm_heap_close(h);
}

/* What lies behind the pages in use of slices that are taken is bounded as what is nobody's is, and
 * does not drive that out. */
static void rests_are_kept_low(void **state)
{
	enum { LIMIT = 1 << 18, TAKEN = 100, PAGE = 4096 };
	struct mm_vspace_options o = { .bytes = 1 << 30, .page_bytes = PAGE, .simulated = 1,
				       .retain_bytes = LIMIT };
	struct mm_meta meta = { 0 };
	struct mm_vspace v = { 0 };
	uint64_t addr;

	(void)state;
	assert_int_equal(mm_vspace_init(&v, &o, &meta), 0);
	for (int i = 0; i < TAKEN; i++) {
		assert_int_equal(mm_vspace_take(&v, 1, 1, MM_SLICE_BYTES, 1, &addr), 0);
		mm_vspace_give(&v, addr, 1);
		assert_int_equal(mm_vspace_take(&v, 1, 1, PAGE, 1, &addr), 0);
		assert_true(v.retained_bytes <= 2 * LIMIT);
		assert_int_equal(mm_vspace_check(&v), 0);
	}
	assert_int_equal(v.used_bytes, TAKEN * PAGE);
	assert_int_equal(mm_vspace_take(&v, 1, 1, MM_SLICE_BYTES, 1, &addr), 0);
	uint64_t purges = v.purges;
	for (int i = 0; i < TAKEN; i++) {
		mm_vspace_give(&v, addr, 1);
		assert_int_equal(mm_vspace_take(&v, 1, 1, MM_SLICE_BYTES, 1, &addr), 0);
	}
	assert_int_equal(v.purges, purges);
	mm_vspace_deinit(&v);
	mm_meta_deinit(&meta);
}

/* A program may lock its memory: pages that were given back are zero all the same. */
static void locked_pages_come_back_zero(void **state)
{
	struct mm_heap_options o = { .retain_bytes = 0 };
	struct mm_context *c;
	struct mm_heap *h;
	uint64_t addr, again;

	(void)state;
	assert_int_equal(mm_heap_open(&h, &o), 0);
	assert_int_equal(mm_heap_context(h, 0, &c), 0);
	assert_int_equal(mm_heap_alloc(h, c, 48 * 1024, 0, &addr), 0);
	memset((void *)(uintptr_t)addr, 0x5a, 48 * 1024);
	if (mlock((void *)(uintptr_t)addr, 48 * 1024)) {
		mm_heap_close(h);
		skip();
	}
	assert_int_equal(mm_heap_free(h, c, addr), 0);
	mm_heap_trim(h);
	assert_int_equal(mm_heap_zalloc(h, c, 48 * 1024, &again), 0);
	assert_int_equal(again, addr);
	for (uint64_t i = 0; i < 48 * 1024; i++)
		assert_int_equal(((uint8_t *)(uintptr_t)again)[i], 0);
	mm_heap_leave(h, c);
	mm_heap_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowset_agrees),
		cmocka_unit_test(classes_fit),
		cmocka_unit_test(wrong_frees),
		cmocka_unit_test(blocks_are_apart),
		cmocka_unit_test(simulated_is_real),
		cmocka_unit_test(large_blocks_grow_in_place),
		cmocka_unit_test(rests_are_kept_low),
		cmocka_unit_test(locked_pages_come_back_zero),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
