/* test_guard.c: each misuse is caught by the weakest level that promises it, and told with
 * what is needed to find it; damaged blocks never come back; the law of fragmentation holds at
 * every level. A test's name is the misuse, then the level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/heap.h"
#include "core/error.h"

struct kit {
	struct mm_heap *heap;
	struct mm_context *context;
	struct mm_misuse told;
	int times;
};

static pthread_mutex_t hearing = PTHREAD_MUTEX_INITIALIZER;

static void hear(void *arg, const struct mm_misuse *m)
{
	struct kit *k = arg;

	pthread_mutex_lock(&hearing);
	k->told = *m;
	k->times++;
	pthread_mutex_unlock(&hearing);
}

static void begin_with(struct kit *k, struct mm_heap_options o)
{
	memset(k, 0, sizeof *k);
	o.misuse = hear;
	o.misuse_arg = k;
	o.retain_bytes = MM_HEAP_DEFAULT;
	assert_int_equal(mm_heap_open(&k->heap, &o), 0);
	assert_int_equal(mm_heap_context(k->heap, 0, &k->context), 0);
}

/* sampled: every allocation is drawn. */
static void begin(struct kit *k, enum mm_check level)
{
	begin_with(k, (struct mm_heap_options){ .check = level, .sample_every = 1 });
}

static void end(struct kit *k)
{
	struct mm_account a;

	assert_int_equal(mm_heap_check(k->heap), 0);
	mm_heap_account(k->heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	mm_heap_leave(k->heap, k->context);
	mm_heap_close(k->heap);
}

static uint8_t *take(struct kit *k, uint64_t size)
{
	uint64_t addr;

	assert_int_equal(mm_heap_alloc(k->heap, k->context, size, 0, &addr), 0);
	memset((void *)(uintptr_t)addr, 0x11, size);
	return (uint8_t *)(uintptr_t)addr;
}

static int give(struct kit *k, const void *p)
{
	return mm_heap_free(k->heap, k->context, (uintptr_t)p);
}

static void was_told(const struct kit *k, enum mm_misuse_kind kind, enum mm_check level,
		     const uint8_t *block, uint64_t size, int64_t offset)
{
	struct mm_misuse latest;
	struct mm_check_counts n;

	assert_int_equal(k->told.kind, kind);
	assert_int_equal(k->told.level, level);
	assert_int_equal(k->told.block, (uintptr_t)block);
	assert_int_equal(k->told.size, size);
	assert_int_equal(k->told.offset, offset);
	assert_int_equal(mm_heap_misuse(k->heap, &latest), 0);
	assert_int_equal(latest.addr, k->told.addr);
	mm_heap_check_counts(k->heap, &n);
	assert_true(n.kind[kind] > 0);
}

/* Nothing that is given out again overlaps it. */
static void never_comes_back(struct kit *k, const uint8_t *block, uint64_t size)
{
	struct mm_check_counts n;

	mm_heap_check_counts(k->heap, &n);
	assert_int_equal(n.marked, 1);
	for (int i = 0; i < 3000; i++) {
		const uint8_t *p = take(k, size);
		assert_false(p < block + size && block < p + size);
		if (i % 3)
			assert_int_equal(give(k, p), 0);
	}
	mm_heap_trim(k->heap);
	assert_int_not_equal(give(k, block), 0);
}

/* --- on ----------------------------------------------------------------------------- */

static void double_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100), *other = take(&k, 100);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(give(&k, p), MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, MM_CHECK_ON, p, 0, 0);
	assert_int_equal(k.times, 1);
	assert_int_equal(give(&k, other), 0);
	end(&k);
}

/* Long after, in any thread's context. */
static void double_free_delayed_on(void **state)
{
	static uint8_t *p[5000];
	struct mm_context *other;
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	assert_int_equal(mm_heap_context(k.heap, 0, &other), 0);
	for (int i = 0; i < 5000; i++)
		p[i] = take(&k, 64);
	for (int i = 1; i < 5000; i += 2)
		assert_int_equal(give(&k, p[i]), 0);
	for (int i = 1; i < 5000; i += 2) {
		assert_int_equal(mm_heap_free(k.heap, other, (uintptr_t)p[i]), MM_EINVAL);
		assert_int_equal(k.told.kind, MM_MISUSE_DOUBLE_FREE);
	}
	assert_int_equal(k.times, 2500);
	mm_heap_leave(k.heap, other);
	end(&k);
}

static void interior_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *small = take(&k, 100), *large = take(&k, 100000);
	assert_int_equal(give(&k, small + 16), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, small, 100, 16);
	assert_int_equal(give(&k, small + 3), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, small, 100, 3);
	assert_int_equal(give(&k, large + 70000), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, large, 100000, 70000);
	assert_int_equal(give(&k, small), 0);
	assert_int_equal(give(&k, large), 0);
	assert_int_equal(k.times, 3);
	end(&k);
}

static void invalid_free_on(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100), *large = take(&k, 100000);
	assert_int_equal(give(&k, &k), MM_EINVAL);
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, p + 112 * 9 + 8), MM_EINVAL); /* in a block that is not out */
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, large), 0);
	assert_int_equal(give(&k, large), MM_EINVAL); /* its slices are nobody's */
	was_told(&k, MM_MISUSE_INVALID_FREE, MM_CHECK_ON, NULL, 0, 0);
	assert_int_equal(give(&k, p), 0);
	end(&k);
}

static void wrong_realloc_on(void **state)
{
	struct kit k;
	uint64_t addr = 3;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p + 16, 50, 0, &addr),
			 MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, MM_CHECK_ON, p, 100, 16);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 50, 0, &addr),
			 MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, MM_CHECK_ON, p, 0, 0);
	assert_int_equal(addr, 3);
	end(&k);
}

/* The least that can be written, right behind what was requested and further off. */
static void overrun_on(void **state)
{
	static const uint64_t size[] = { 0, 1, 13, 100, 1000, 8190, 100000 };

	(void)state;
	for (unsigned i = 0; i < sizeof size / sizeof *size; i++)
		for (uint64_t off = 0; off < (size[i] == 8190 ? 2 : size[i] == 13 ? 3 : 8); off++) {
			struct kit k;
			begin(&k, MM_CHECK_ON);
			uint8_t *p = take(&k, size[i]);
			p[size[i] + off] = 0;
			assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
			assert_int_equal(give(&k, p), MM_ECORRUPT);
			was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_ON, p, size[i],
				 (int64_t)(size[i] + off));
			assert_int_equal(k.times, 2);
			assert_int_equal(mm_heap_validate(k.heap), 0);
			end(&k);
		}
}

static void overrun_never_comes_back_on(void **state)
{
	static const uint64_t size[] = { 100, 100000 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kit k;
		begin(&k, MM_CHECK_ON);
		uint8_t *p = take(&k, size[i]);
		p[size[i]] ^= 1;
		assert_int_equal(give(&k, p), MM_ECORRUPT);
		never_comes_back(&k, p, size[i]);
		end(&k);
	}
}

static void overrun_before_realloc_on(void **state)
{
	struct kit k;
	uint64_t addr = 3;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 100);
	p[100] = 'x';
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 5000, 0, &addr),
			 MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_ON, p, 100, 100);
	assert_int_equal(addr, 3);
	assert_int_equal(p[99], 0x11);
	end(&k);
}

/* What was granted is no invitation: usable is what was requested. */
static void usable_is_requested_on(void **state)
{
	struct kit k;
	uint64_t granted, addr;

	(void)state;
	begin(&k, MM_CHECK_ON);
	uint8_t *p = take(&k, 101);
	assert_int_equal(mm_heap_granted(k.heap, (uintptr_t)p, &granted), 0);
	assert_int_equal(granted, 101);
	assert_int_equal(mm_heap_realloc(k.heap, k.context, (uintptr_t)p, 110, 0, &addr), 0);
	assert_int_equal(addr, (uintptr_t)p);
	p[109] = 1;
	assert_int_equal(mm_heap_realloc(k.heap, k.context, addr, 98, 0, &addr), 0);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_granted(k.heap, addr, &granted), MM_EINVAL);
	assert_int_equal(k.times, 0);
	end(&k);
}

/* --- sampled ------------------------------------------------------------------------ */

/* The child dies of it; what the fault means is asked in the parent, of the same heap. */
static void dies_touching(struct kit *k, volatile uint8_t *at, int write)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		if (write)
			*at = 1;
		else
			k->times += *at;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void overrun_fault(enum mm_check level)
{
	static const uint64_t size[] = { 16, 160, 4096, 70000 };

	for (unsigned i = 0; i < sizeof size / sizeof *size; i++) {
		struct kit k;
		struct mm_misuse m;
		begin(&k, level);
		uint8_t *p = take(&k, size[i]);
		dies_touching(&k, p + size[i], 1);
		dies_touching(&k, p + size[i], 0);
		assert_int_equal(mm_heap_fault(k.heap, (uintptr_t)p + size[i], &m), 0);
		assert_int_equal(m.kind, MM_MISUSE_OVERRUN);
		assert_int_equal(m.level, level);
		assert_int_equal(m.block, (uintptr_t)p);
		assert_int_equal(m.size, size[i]);
		assert_int_equal(m.offset, size[i]);
		assert_int_equal(mm_heap_fault(k.heap, (uintptr_t)p, &m), MM_ENOENT);
		assert_int_equal(give(&k, p), 0);
		end(&k);
	}
}

static void overrun_fault_sampled(void **state)
{
	(void)state;
	overrun_fault(MM_CHECK_SAMPLED);
}

/* Too near for the page: in the bytes that alignment leaves. */
static void overrun_near_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 13);
	p[13] = 0;
	assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
	assert_int_equal(give(&k, p), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_SAMPLED, p, 13, 13);
	never_comes_back(&k, p, 13);
	end(&k);
}

static void underrun_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 100);
	p[-1] = 0;
	assert_int_equal(give(&k, p), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_UNDERRUN, MM_CHECK_SAMPLED, p, 100, -1);
	end(&k);
}

static void use_after_free(enum mm_check level)
{
	struct kit k;

	begin(&k, level);
	uint8_t *p = take(&k, 200), *later = take(&k, 200);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(mm_heap_validate(k.heap), 0);
	p[7] = 0x11;
	assert_int_equal(mm_heap_validate(k.heap), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, level, p, 200, 7);
	assert_int_equal(give(&k, later), 0);
	mm_heap_trim(k.heap); /* it leaves the quarantine, but not for use */
	assert_int_equal(k.times, 2);
	never_comes_back(&k, p, 200);
	end(&k);
}

static void use_after_free_sampled(void **state)
{
	(void)state;
	use_after_free(MM_CHECK_SAMPLED);
}

/* Nobody asks: it shows when the quarantine is full and the oldest leaves it. */
static void use_after_free_unasked_sampled(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	uint8_t *p = take(&k, 200);
	assert_int_equal(give(&k, p), 0);
	p[199] = 5;
	for (int i = 0; i < 300; i++)
		assert_int_equal(give(&k, take(&k, 30)), 0);
	assert_int_equal(k.times, 1);
	was_told(&k, MM_MISUSE_USE_AFTER_FREE, MM_CHECK_SAMPLED, p, 200, 199);
	end(&k);
}

static void wrong_frees_of_watched(enum mm_check level)
{
	struct kit k;

	begin(&k, level);
	uint8_t *p = take(&k, 200);
	assert_int_equal(give(&k, p + 48), MM_EINVAL);
	was_told(&k, MM_MISUSE_INTERIOR_FREE, level, p, 200, 48);
	assert_int_equal(give(&k, p - 48), MM_EINVAL);
	was_told(&k, MM_MISUSE_INVALID_FREE, level, p, 200, -48);
	assert_int_equal(give(&k, p), 0);
	assert_int_equal(give(&k, p), MM_EINVAL);
	was_told(&k, MM_MISUSE_DOUBLE_FREE, level, p, 200, 0);
	end(&k);
}

static void wrong_frees_sampled(void **state)
{
	(void)state;
	wrong_frees_of_watched(MM_CHECK_SAMPLED);
}

static void count_free(void *arg, const struct mm_slab_view *v)
{
	uint64_t *n = arg;

	n[0]++;
	n[1] += v->free;
}

/* On a map of the heap a run in quarantine is there, and free. */
static void maps_show_quarantine_sampled(void **state)
{
	uint64_t n[2] = { 0, 0 };
	struct kit k;

	(void)state;
	begin(&k, MM_CHECK_SAMPLED);
	take(&k, 100);
	assert_int_equal(give(&k, take(&k, 100)), 0);
	mm_heap_slabs(k.heap, count_free, n);
	assert_int_equal(n[0], 2);
	assert_int_equal(n[1], 1);
	end(&k);
}

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
	assert_in_range(draws(0, &first), 170, 230); /* 200 expected */
	draws(0, &second);
	assert_int_equal(first, second);
	assert_in_range(draws(50, &first), 3700, 4300);
}

/* --- full --------------------------------------------------------------------------- */

static void overrun_fault_full(void **state)
{
	(void)state;
	overrun_fault(MM_CHECK_FULL);
}

static void use_after_free_full(void **state)
{
	(void)state;
	use_after_free(MM_CHECK_FULL);
}

static void wrong_frees_full(void **state)
{
	(void)state;
	wrong_frees_of_watched(MM_CHECK_FULL);
}

static void the_limit_is_told_full(void **state)
{
	enum { MOST = 50, ALL = 80 };
	struct mm_check_counts n;
	uint8_t *p[ALL];
	struct kit k;

	(void)state;
	begin_with(&k, (struct mm_heap_options){ .check = MM_CHECK_FULL, .watched_most = MOST });
	for (int i = 0; i < ALL; i++)
		p[i] = take(&k, 100);
	mm_heap_check_counts(k.heap, &n);
	assert_int_equal(n.watched, MOST);
	assert_int_equal(n.beyond, ALL - MOST);
	dies_touching(&k, p[MOST - 1] + 112, 1);
	p[MOST][100] = 0; /* as with on */
	assert_int_equal(give(&k, p[MOST]), MM_ECORRUPT);
	was_told(&k, MM_MISUSE_OVERRUN, MM_CHECK_FULL, p[MOST], 100, 100);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(i == MOST || give(&k, p[i]) == 0, 1);
	for (int i = 0; i < 3 * MOST; i++) /* the quarantine gives way */
		assert_int_equal(give(&k, take(&k, 100)), 0);
	mm_heap_check_counts(k.heap, &n);
	assert_int_equal(n.beyond, ALL - MOST);
	assert_int_equal(n.watched, 4 * MOST);
	end(&k);
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

static void levels_have_names(void **state)
{
	enum mm_check level = MM_CHECK_ON;
	struct kit k;
	struct mm_misuse m;

	(void)state;
	for (int i = 0; i < MM_CHECKS; i++) {
		assert_int_equal(mm_check_of(mm_check_name((enum mm_check)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(mm_check_of("fully", &level), MM_EINVAL);
	assert_null(mm_check_name(MM_CHECKS));
	assert_string_equal(mm_misuse_name(MM_MISUSE_USE_AFTER_FREE), "use after free");
	begin(&k, MM_CHECK_ON);
	assert_int_equal(mm_heap_misuse(k.heap, &m), MM_ENOENT);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(double_free_on),
		cmocka_unit_test(double_free_delayed_on),
		cmocka_unit_test(interior_free_on),
		cmocka_unit_test(invalid_free_on),
		cmocka_unit_test(wrong_realloc_on),
		cmocka_unit_test(overrun_on),
		cmocka_unit_test(overrun_never_comes_back_on),
		cmocka_unit_test(overrun_before_realloc_on),
		cmocka_unit_test(usable_is_requested_on),
		cmocka_unit_test(overrun_fault_sampled),
		cmocka_unit_test(overrun_near_sampled),
		cmocka_unit_test(underrun_sampled),
		cmocka_unit_test(use_after_free_sampled),
		cmocka_unit_test(use_after_free_unasked_sampled),
		cmocka_unit_test(wrong_frees_sampled),
		cmocka_unit_test(maps_show_quarantine_sampled),
		cmocka_unit_test(one_in_so_many_is_drawn),
		cmocka_unit_test(overrun_fault_full),
		cmocka_unit_test(use_after_free_full),
		cmocka_unit_test(wrong_frees_full),
		cmocka_unit_test(the_limit_is_told_full),
		cmocka_unit_test(the_law_holds_at_every_level),
		cmocka_unit_test(threads_at_every_level),
		cmocka_unit_test(double_free_at_once_on),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
