/* test_ordered.c: first fit and best fit place where a model of a hundred lines says, and stay
 * within Robson's bounds. The model keeps free ranges in a plain array, in order of their
 * addresses, and looks at every one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "alloc/heap.h"
#include "alloc/ordered.h"

/* --- the model ---------------------------------------------------------------------------- */

enum { FREE_MOST = 20000, REGION = 1 << 20 };

struct span { uint64_t from, to; };

struct plain {
	struct span free[FREE_MOST];
	int count, best;
	uint64_t region[4096]; /* those there are: 1 */
	uint64_t base;
	uint32_t look, seen[MM_ORDERED_BINS]; /* of each size: when it was last seen */
};

static void put_in(struct plain *m, int at, uint64_t from, uint64_t to)
{
	if (from == to)
		return;
	memmove(&m->free[at + 1], &m->free[at], (size_t)(m->count - at) * sizeof *m->free);
	m->free[at] = (struct span){ from, to };
	assert_true(++m->count < FREE_MOST);
}

static void take_out(struct plain *m, int at)
{
	m->count--;
	memmove(&m->free[at], &m->free[at + 1], (size_t)(m->count - at) * sizeof *m->free);
}

static uint64_t up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

static int first_behind(const struct plain *m, uint64_t addr)
{
	int low = 0, high = m->count;

	while (low < high) {
		int mid = (low + high) / 2;
		if (m->free[mid].from < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int is_whole(const struct plain *m, uint64_t region)
{
	uint64_t from = m->base + region * REGION;
	int at = first_behind(m, from + 1) - 1;

	return m->region[region] && at >= 0 && m->free[at].to >= from + REGION;
}

static int wholes(const struct plain *m)
{
	int n = 0;

	for (uint64_t r = 0; r < 4096; r++)
		n += is_whole(m, r);
	return n;
}

static void release(struct plain *m, uint64_t from, uint64_t to, int regions_go)
{
	int at = first_behind(m, from);

	if (at < m->count && m->free[at].from == to) {
		to = m->free[at].to;
		take_out(m, at);
	}
	if (at > 0 && m->free[at - 1].to == from) {
		from = m->free[--at].from;
		take_out(m, at);
	}
	put_in(m, at, from, to);
	while (regions_go && to - from >= REGION) {
		uint64_t r = up(from - m->base, REGION) / REGION, start = m->base + r * REGION;
		if (start + REGION > to || wholes(m) < 2)
			return;
		m->region[r] = 0;
		take_out(m, first_behind(m, from));
		put_in(m, first_behind(m, from), from, start);
		put_in(m, first_behind(m, start), start + REGION, to);
		from = start + REGION;
	}
}

/* Of small ranges of one size, best fit looks at the lowest for an aligned block. */
static int is_lowest(struct plain *m, const struct span *s, uint64_t align)
{
	uint64_t units = (s->to - s->from) / 16;

	if (!m->best || align == 16 || units >= MM_ORDERED_BINS)
		return 1;
	if (m->seen[units] == m->look)
		return 0;
	m->seen[units] = m->look;
	return 1;
}

static uint64_t place_block(struct plain *m, uint64_t size, uint64_t align)
{
	for (;;) {
		int found = -1;
		m->look++;
		for (int i = 0; i < m->count && (m->best || found < 0); i++) {
			const struct span *s = &m->free[i];
			if (!is_lowest(m, s, align))
				continue;
			if (up(s->from, align) + size <= s->to &&
			    (found < 0 || s->to - s->from < m->free[found].to - m->free[found].from))
				found = i;
		}
		if (found >= 0) {
			struct span s = m->free[found];
			uint64_t at = up(s.from, align);
			take_out(m, found);
			put_in(m, found, at + size, s.to);
			put_in(m, found, s.from, at);
			return at;
		}
		uint64_t r = 0;
		while (m->region[r])
			r++;
		m->region[r] = 1;
		release(m, m->base + r * REGION, m->base + (r + 1) * REGION, 0);
	}
}

/* --- against the model ------------------------------------------------------------------------ */

static uint64_t random_state;

static uint64_t next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static uint64_t any_size(void)
{
	uint64_t r = next();

	return 1 + (r % 256 == 0 ? r / 256 % MM_ORDERED_MOST : r % 16 == 0 ? r / 16 % 8000 : r % 400);
}

struct pair { struct mm_heap *heap; struct mm_context *context; struct plain model; };

static struct pair *begin(enum mm_strategy strategy)
{
	static struct pair p;
	struct mm_heap_options o = { .strategy = strategy, .simulated = 1 };

	memset(&p, 0, sizeof p);
	assert_int_equal(mm_heap_open(&p.heap, &o), 0);
	assert_int_equal(mm_heap_context(p.heap, 0, &p.context), 0);
	p.model.best = strategy == MM_STRATEGY_BEST_FIT;
	p.model.base = UINT64_C(0x100000000000);
	return &p;
}

static void end(struct pair *p)
{
	assert_int_equal(mm_heap_check(p->heap), 0);
	mm_heap_leave(p->heap, p->context);
	mm_heap_close(p->heap);
}

static void same_places(enum mm_strategy strategy, uint32_t slots, int steps)
{
	static struct { uint64_t addr, size; } block[20000];
	struct pair *p = begin(strategy);

	memset(block, 0, sizeof block);
	for (int i = 0; i < steps; i++) {
		uint32_t k = (uint32_t)(next() % slots);
		if (block[k].addr) {
			assert_int_equal(mm_heap_free(p->heap, p->context, block[k].addr), 0);
			release(&p->model, block[k].addr, block[k].addr + up(block[k].size, 16), 1);
			block[k].addr = 0;
			continue;
		}
		uint64_t align = next() % 32 ? 16 : UINT64_C(16) << next() % 10;
		block[k].size = any_size();
		assert_int_equal(mm_heap_alloc(p->heap, p->context, block[k].size, align,
					       &block[k].addr), 0);
		assert_int_equal(block[k].addr,
				 place_block(&p->model, up(block[k].size, 16), align));
	}
	end(p);
}

/* 10^6 operations each, over small and large sets of live blocks. */
static void where_the_model_says(void **state)
{
	(void)state;
	for (int s = MM_STRATEGY_FIRST_FIT; s <= MM_STRATEGY_BEST_FIT; s++) {
		random_state = 42 + (uint64_t)s;
		same_places((enum mm_strategy)s, 40, 200000);
		same_places((enum mm_strategy)s, 400, 600000);
		same_places((enum mm_strategy)s, 3000, 200000);
	}
}

/* --- adversaries --------------------------------------------------------------------------------- */

struct adversary {
	struct pair *p;
	uint64_t *addr, *size;
	uint32_t count, cap;
	uint64_t live, most, low, high;
};

static void demand(struct adversary *a, uint64_t size)
{
	uint64_t addr;

	assert_int_equal(mm_heap_alloc(a->p->heap, a->p->context, size, 0, &addr), 0);
	if (a->count == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 1024;
		a->addr = realloc(a->addr, a->cap * sizeof *a->addr);
		a->size = realloc(a->size, a->cap * sizeof *a->size);
	}
	a->addr[a->count] = addr;
	a->size[a->count++] = size;
	a->live += size;
	a->most = a->live > a->most ? a->live : a->most;
	a->low = addr < a->low ? addr : a->low;
	a->high = addr + size > a->high ? addr + size : a->high;
}

static void abandon(struct adversary *a, uint32_t k)
{
	assert_int_equal(mm_heap_free(a->p->heap, a->p->context, a->addr[k]), 0);
	a->live -= a->size[k];
	a->count--;
	a->addr[k] = a->addr[a->count];
	a->size[k] = a->size[a->count];
}

/* Robson's way (1971, 1974): of the blocks of each round those are kept that cover one residue
 * modulo the next size, the one that keeps most; so no hole takes a block of the next round. */
static void robson(struct adversary *a, uint64_t budget, uint64_t largest)
{
	uint64_t residue = 0;

	for (uint64_t size = 16; size <= largest; size *= 2) {
		while (a->live + size <= budget)
			demand(a, size);
		uint64_t kept[2] = { 0, 0 };
		for (uint32_t k = 0; k < a->count; k++)
			for (int way = 0; way < 2; way++) {
				uint64_t r = residue + (uint64_t)way * size, from = a->addr[k] - a->low;
				uint64_t hit = up(from > r ? from - r : 0, 2 * size) + r;
				kept[way] += hit >= from && hit < from + a->size[k] ? a->size[k] : 0;
			}
		residue += kept[1] > kept[0] ? size : 0;
		for (uint32_t k = a->count; k-- > 0;) {
			uint64_t from = a->addr[k] - a->low;
			uint64_t hit = up(from > residue ? from - residue : 0, 2 * size) + residue;
			if (!(hit >= from && hit < from + a->size[k]))
				abandon(a, k);
		}
	}
}

/* Every second block goes, then larger ones are asked for. */
static void every_second(struct adversary *a, uint64_t budget, uint64_t largest)
{
	for (uint64_t size = 16; size <= largest; size *= 2) {
		while (a->live + size <= budget)
			demand(a, size);
		for (uint32_t k = a->count; k-- > 1; k -= k > 0)
			abandon(a, k);
	}
}

static uint64_t rounds_of(uint64_t n)
{
	uint64_t log = 0;

	while (UINT64_C(1) << log < n)
		log++;
	return log;
}

/* The extent is at most the bound and a region; and Robson's way does hurt. */
static void stays_within(enum mm_strategy strategy,
			 void (*attack)(struct adversary *, uint64_t, uint64_t), int hurts)
{
	const uint64_t budget = 1 << 20, largest = 4096;
	struct adversary a = { .p = begin(strategy), .low = UINT64_MAX };
	uint64_t n = largest / 16, bound;

	attack(&a, budget, largest);
	bound = strategy == MM_STRATEGY_FIRST_FIT ? a.most * (1 + rounds_of(n)) : a.most * (n - 2);
	assert_true(a.high - a.low <= bound + REGION);
	assert_true(!hurts || a.high - a.low > 2 * a.most);
	free(a.addr);
	free(a.size);
	end(a.p);
}

static void within_robson(void **state)
{
	(void)state;
	stays_within(MM_STRATEGY_FIRST_FIT, robson, 1);
	stays_within(MM_STRATEGY_BEST_FIT, robson, 1);
	stays_within(MM_STRATEGY_FIRST_FIT, every_second, 0);
	stays_within(MM_STRATEGY_BEST_FIT, every_second, 0);
}

/* --- by hand --------------------------------------------------------------------------------------- */

static uint64_t get(struct pair *p, uint64_t size)
{
	uint64_t addr;

	assert_int_equal(mm_heap_alloc(p->heap, p->context, size, 0, &addr), 0);
	return addr;
}

/* Holes of 160 and of 48 bytes: 40 bytes go to the first, or to the smaller. */
static void holes(void **state)
{
	(void)state;
	for (int s = MM_STRATEGY_FIRST_FIT; s <= MM_STRATEGY_BEST_FIT; s++) {
		struct pair *p = begin((enum mm_strategy)s);
		uint64_t a = get(p, 160), wall = get(p, 16), b = get(p, 48), end_wall = get(p, 16);
		assert_int_equal(wall, a + 160);
		assert_int_equal(end_wall, b + 48);
		mm_heap_free(p->heap, p->context, a);
		mm_heap_free(p->heap, p->context, b);
		assert_int_equal(get(p, 40), s == MM_STRATEGY_FIRST_FIT ? a : b);
		end(p);
	}
}

static void realloc_in_place(void **state)
{
	(void)state;
	for (int s = MM_STRATEGY_FIRST_FIT; s <= MM_STRATEGY_BEST_FIT; s++) {
		struct pair *p = begin((enum mm_strategy)s);
		struct mm_account account;
		uint64_t a = get(p, 100), b = get(p, 100), moved;
		assert_int_equal(mm_heap_realloc(p->heap, p->context, b, 5000, 0, &moved), 0);
		assert_int_equal(moved, b); /* nothing is behind it */
		assert_int_equal(mm_heap_realloc(p->heap, p->context, a, 112, 0, &moved), 0);
		assert_int_equal(moved, a); /* what was granted anyway */
		assert_int_equal(mm_heap_realloc(p->heap, p->context, a, 113, 0, &moved), 0);
		assert_int_not_equal(moved, a);
		assert_int_equal(mm_heap_realloc(p->heap, p->context, b, 10, 0, &moved), 0);
		assert_int_equal(moved, b);
		mm_heap_account(p->heap, &account);
		assert_int_equal(account.requested, 123);
		assert_int_equal(account.internal, 128 - 113 + 6);
		end(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes),
		cmocka_unit_test(realloc_in_place),
		cmocka_unit_test(where_the_model_says),
		cmocka_unit_test(within_robson),
	};

	return cmocka_run_group_tests_name("ordered", tests, NULL, NULL);
}
