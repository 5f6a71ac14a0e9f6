/* test_memo.c: a stack is believed only when every word holds, and no word is read after
 * the first that does not. The stacks are made by hand, so that each word can be changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/auxv.h>
#include <sys/mman.h>

#include "capture/memo.h"
#include "capture/probe.h"

enum { PAGE = 4096, PAGES = 16, LIMIT = 64, STAMP = 7, FRAMES = 20 };

/* A stack of frames of 32 bytes; frame n's return address is 0x1000 + n at its top. Every
 * fourth frame saves BP, every other of those is left by BP. */
static uint64_t *memory;
static struct mm_stack_memo *memo;

static int setup(void **state)
{
	(void)state;
	/* always at the same place: what collides in an index depends on it */
	memory = mmap((void *)UINT64_C(0x100000000000), PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memo = mm_memo_new(LIMIT);
	return memory == MAP_FAILED || !memo;
}

static int teardown(void **state)
{
	(void)state;
	mm_memo_free(memo);
	return munmap(memory, PAGES * PAGE);
}

static uint64_t end_of_memory(void)
{
	return (uintptr_t)memory + PAGES * PAGE;
}

static void fill(uint64_t *at, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		at[i * 4 + 3] = 0x1001 + i;
		at[i * 4 + 2] = 0x7000 + i;
	}
}

/* The trail that a walk over `frames` frames from sp would leave. */
static void make_trail(struct mm_walk *w, struct mm_reach *reach, uint64_t place, uint64_t sp,
		       uint32_t frames, int bp_words)
{
	struct mm_trail *t = mm_memo_trail(memo);

	*reach = (struct mm_reach){ .lo = (uintptr_t)memory, .hi = end_of_memory() };
	*w = (struct mm_walk){ .trail = t, .reach = reach };
	mm_walk_begin(w, place, sp, 0x55);
	t->frame[0].hash = 100;
	t->frame[0].row = MM_ROW_SP;
	for (uint32_t i = 1; i < frames; i++) {
		uint32_t ra = i * 32 - 8;
		struct mm_frame *f = &t->frame[t->count++];
		if (bp_words && i % 4 == 0) {
			t->offset[t->words] = ra - 8;
			t->value[t->words++] = *(uint64_t *)(uintptr_t)(sp + ra - 8);
		}
		t->offset[t->words] = ra;
		t->value[t->words++] = *(uint64_t *)(uintptr_t)(sp + ra);
		*f = (struct mm_frame){ .place = t->value[t->words - 1], .sp = sp + ra + 8,
					.row = MM_ROW_SP, .after = t->words,
					.bp_at = MM_BP_REGISTER, .hash = 100 + i };
	}
}

static void learn(struct mm_walk *w, const struct mm_memo_join *j, enum mm_walk_end end)
{
	uint32_t node = (uint32_t)w->trail->frame[0].hash;
	struct mm_memo_entry *e = mm_memo_keep(memo, j, w, end);

	if (e)
		mm_memo_seal(memo, e, STAMP, node);
}

static int find(uint64_t place, uint64_t sp, uint32_t *node)
{
	return mm_memo_find(memo, STAMP, place, sp, 0x55, end_of_memory(), node);
}

/* As in a program: sought in vain, then kept. */
static void keep(struct mm_walk *w, enum mm_walk_end end)
{
	const struct mm_frame *f = w->trail->frame;
	uint32_t node;

	assert_false(mm_memo_find(memo, STAMP, f->place, f->sp, 0x55, end_of_memory(), &node));
	learn(w, NULL, end);
}

static void every_word_counts(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64, sp = (uintptr_t)at;
	uint32_t node = 0, words;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x1000, sp, FRAMES, 1);
	words = w.trail->words;
	assert_int_equal(words, FRAMES - 1 + 4);
	assert_false(find(0x1000, sp, &node));
	keep(&w, MM_WALK_WHOLE);
	assert_true(find(0x1000, sp, &node));
	assert_int_equal(node, 100);
	for (uint32_t i = 0; i < words; i++) {
		uint64_t *word = (uint64_t *)(uintptr_t)(sp + w.trail->offset[i]);
		*word ^= 1;
		assert_false(find(0x1000, sp, &node));
		*word ^= 1;
		assert_true(find(0x1000, sp, &node));
	}
	/* words that the walk did not read do not count */
	at[0] ^= 1;
	assert_true(find(0x1000, sp, &node));
	/* the innermost frame does */
	assert_false(find(0x1002, sp, &node));
	assert_false(find(0x1000, sp + 8, &node));
	assert_false(mm_memo_find(memo, STAMP + 1, 0x1000, sp, 0x55, end_of_memory(), &node));
	/* nor is anything believed of memory that is not known to be there */
	assert_false(mm_memo_find(memo, STAMP, 0x1000, sp, 0x55, sp + FRAMES * 32 - 48, &node));
}

/* BP matters when a frame is left by it before it is restored, and only then. */
static void bp_when_needed(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64, sp = (uintptr_t)at;
	uint32_t node;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x1000, sp, FRAMES, 0);
	keep(&w, MM_WALK_WHOLE);
	assert_true(mm_memo_find(memo, STAMP, 0x1000, sp, 0x56, end_of_memory(), &node));
	make_trail(&w, &reach, 0x2000, sp, FRAMES, 0);
	w.trail->frame[5].row = MM_ROW_BP;
	keep(&w, MM_WALK_WHOLE);
	assert_true(mm_memo_find(memo, STAMP, 0x2000, sp, 0x55, end_of_memory(), &node));
	assert_false(mm_memo_find(memo, STAMP, 0x2000, sp, 0x56, end_of_memory(), &node));
	make_trail(&w, &reach, 0x3000, sp, FRAMES, 0);
	w.trail->frame[5].row = MM_ROW_BP;
	w.trail->frame[3].row = MM_ROW_SP | UINT64_C(1) << 29; /* saves BP */
	keep(&w, MM_WALK_WHOLE);
	assert_true(mm_memo_find(memo, STAMP, 0x3000, sp, 0x56, end_of_memory(), &node));
}

static void nothing_read_after_a_difference(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 15 * PAGE / 8 - 40; /* runs into the last page */
	uint32_t node;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x1000, (uintptr_t)at, FRAMES, 1);
	keep(&w, MM_WALK_WHOLE);
	assert_true(find(0x1000, (uintptr_t)at, &node));
	at[3] ^= 1;
	assert_int_equal(munmap((char *)memory + 15 * PAGE, PAGE), 0);
	assert_false(find(0x1000, (uintptr_t)at, &node)); /* and no fault */
}

static struct mm_memo_join join; /* of the latest join_from() */

/* Another innermost frame over the same outer ones: walked up to there, then joined. */
static enum mm_walk_end join_from(struct mm_walk *w, struct mm_reach *reach, uint64_t place,
				  uint64_t sp, uint32_t frames)
{
	enum mm_walk_end end = MM_WALK_ON;

	make_trail(w, reach, place, sp, frames, 0);
	w->trail->frame[frames - 1].row = 0; /* not stepped from yet */
	mm_memo_join_begin(memo, STAMP, &join);
	if (join.entry)
		end = mm_memo_join(memo, &join, w);
	return end;
}

/* As in a program: sought in vain, joined, kept with that. */
static void keep_joined(struct mm_walk *w, enum mm_walk_end end, uint32_t node)
{
	const struct mm_frame *f = w->trail->frame;
	uint32_t none;

	assert_true(join.joined);
	assert_false(mm_memo_find(memo, STAMP, f->place, f->sp, 0x55, end_of_memory(), &none));
	w->trail->frame[0].hash = node;
	learn(w, &join, end);
}

static void joining(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64, inner = (uintptr_t)(at - 4);
	uint32_t node;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x1000, (uintptr_t)at, FRAMES, 1);
	keep(&w, MM_WALK_WHOLE);
	at[-1] = 0x1000; /* a callee's frame: it returns to 0x1000 */
	assert_int_equal(join_from(&w, &reach, 0x9000, inner, 1), MM_WALK_ON); /* not there yet */
	assert_int_equal(join_from(&w, &reach, 0x9000, inner, 2), MM_WALK_WHOLE);
	assert_int_equal(w.trail->count, 2);
	assert_int_equal(w.trail->frame[1].hash, 100);
	keep_joined(&w, MM_WALK_WHOLE, 999);
	assert_true(find(0x9000, inner, &node));
	assert_int_equal(node, 999);
	at[31] ^= 1;
	assert_false(find(0x9000, inner, &node));
	at[31] ^= 1;
	at[-1] ^= 1;
	assert_false(find(0x9000, inner, &node));
	at[-1] ^= 1;
	assert_true(find(0x1000, (uintptr_t)at, &node)); /* now the latest again */
	at[31] ^= 1; /* a word of its rest */
	assert_int_equal(join_from(&w, &reach, 0x9000, inner, 2), MM_WALK_ON);
	assert_int_equal(w.trail->count, 2);
}

/* Each stack is the one before with a frame more inside; every word of every one counts,
 * wherever it is kept. */
static void chains(void **state)
{
	enum { DEEP = 30 };
	struct mm_walk w;
	struct mm_reach reach;
	struct mm_memo_counts counts;
	uint64_t *at = memory + 4 * (DEEP + 4);
	uint32_t node;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x20000, (uintptr_t)at, FRAMES, 1);
	w.trail->frame[0].hash = 500;
	keep(&w, MM_WALK_WHOLE);
	for (uint64_t d = 1; d <= DEEP; d++) {
		at[-4 * (int64_t)d + 3] = 0x20000 + (d - 1) * 16;
		assert_int_equal(join_from(&w, &reach, 0x20000 + d * 16,
					   (uintptr_t)(at - 4 * d), 2), MM_WALK_WHOLE);
		assert_int_equal(w.trail->frame[1].hash, 500 + d - 1);
		keep_joined(&w, MM_WALK_WHOLE, (uint32_t)(500 + d));
	}
	for (uint64_t d = 0; d <= DEEP; d++) {
		uint64_t sp = (uintptr_t)(at - 4 * d);
		assert_true(find(0x20000 + d * 16, sp, &node));
		assert_int_equal(node, 500 + d);
		for (int64_t i = 1 - (int64_t)d; i < FRAMES; i++) {
			at[i * 4 - 1] ^= 2;
			assert_false(find(0x20000 + d * 16, sp, &node));
			at[i * 4 - 1] ^= 2;
		}
	}
	mm_memo_counts(memo, &counts);
	assert_int_equal(counts.joins, DEEP);
	assert_int_equal(counts.kept, DEEP + 1);
}

/* A walk that leaves the way of the latest stack and comes back to it further out, in an
 * entry that the latest one leans on. */
static void joining_behind_a_link(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64, inner = (uintptr_t)(at - 4);
	uint32_t node;

	(void)state;
	fill(at, FRAMES);
	make_trail(&w, &reach, 0x1000, (uintptr_t)at, FRAMES, 0);
	keep(&w, MM_WALK_WHOLE);
	at[-1] = 0x1000;
	assert_int_equal(join_from(&w, &reach, 0x9000, inner, 2), MM_WALK_WHOLE);
	keep_joined(&w, MM_WALK_WHOLE, 999);
	at[4 * 4 + 3] = 0x7777; /* frame 5 is another's, frame 6 is the same again */
	assert_int_equal(join_from(&w, &reach, 0x9500, inner, 2), MM_WALK_ON);
	for (uint32_t frames = 3; frames < 7; frames++) {
		make_trail(&w, &reach, 0x9500, inner, frames, 0);
		assert_int_equal(mm_memo_join(memo, &join, &w), MM_WALK_ON);
	}
	make_trail(&w, &reach, 0x9500, inner, 7, 0); /* its place is 0x7777 */
	assert_int_equal(mm_memo_join(memo, &join, &w), MM_WALK_ON);
	make_trail(&w, &reach, 0x9500, inner, 8, 0);
	w.trail->frame[7].row = 0;
	assert_int_equal(mm_memo_join(memo, &join, &w), MM_WALK_WHOLE);
	assert_int_equal(w.trail->frame[7].hash, 100 + 6);
	keep_joined(&w, MM_WALK_WHOLE, 1234);
	assert_true(find(0x9500, inner, &node));
	assert_int_equal(node, 1234);
	at[4 * 4 + 3] = 0x1005;
	assert_false(find(0x9500, inner, &node));
}

/* Stacks lean on others that are overwritten meanwhile: found right or not at all. */
static void bases_that_are_gone(void **state)
{
	enum { STEPS = 60000, HEIGHTS = 24 };
	struct mm_walk w;
	struct mm_reach reach;
	struct mm_memo_counts counts;
	uint64_t *at = memory + 4 * (HEIGHTS + 4), seed = 1;
	uint32_t found = 0;

	(void)state;
	fill(at, FRAMES);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t node = 0, height, variant;
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		height = 1 + (uint32_t)(seed >> 33) % (HEIGHTS - 1);
		variant = (uint32_t)(seed >> 50) % 40;
		/* the frames below are those of one of forty programs */
		for (uint64_t d = 1; d <= height; d++)
			at[-4 * (int64_t)d + 3] = 0x1000 + (d == height ? variant : d % 3) * 16;
		uint64_t *sp = at - 4 * height, place = 0x40000 + height * 16;
		uint32_t right = height * 100 + variant;
		if (find(place, (uintptr_t)sp, &node)) {
			assert_int_equal(node, right);
			found++;
			continue;
		}
		uint32_t frames = 1;
		enum mm_walk_end end = join_from(&w, &reach, place, (uintptr_t)sp, frames);
		while (join.entry && end == MM_WALK_ON && ++frames < height + FRAMES) {
			make_trail(&w, &reach, place, (uintptr_t)sp, frames, 0);
			w.trail->frame[frames - 1].row = 0;
			end = mm_memo_join(memo, &join, &w);
		}
		if (!join.joined)
			make_trail(&w, &reach, place, (uintptr_t)sp, height + FRAMES, 0);
		w.trail->frame[0].hash = right;
		learn(&w, &join, MM_WALK_WHOLE);
	}
	mm_memo_counts(memo, &counts);
	assert_true(found > 1000);
	assert_true(counts.joins > STEPS / 2);
	assert_int_equal(counts.hits, found);
}

/* A stack that filled the trail may only be joined at the same length. */
static void joining_full(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64;

	(void)state;
	fill(at, LIMIT);
	make_trail(&w, &reach, 0x1000, (uintptr_t)at, LIMIT, 0);
	keep(&w, MM_WALK_FULL);
	at[-1] = 0x1000;
	assert_int_equal(join_from(&w, &reach, 0x9000, (uintptr_t)(at - 4), 2), MM_WALK_ON);
	make_trail(&w, &reach, 0x2000, (uintptr_t)at, LIMIT, 0);
	keep(&w, MM_WALK_WHOLE);
	at[-1] = 0x2000;
	assert_int_equal(join_from(&w, &reach, 0x9000, (uintptr_t)(at - 4), 2), MM_WALK_ON);
	make_trail(&w, &reach, 0x3000, (uintptr_t)at, LIMIT - 1, 0);
	keep(&w, MM_WALK_WHOLE);
	at[-1] = 0x3000;
	assert_int_equal(join_from(&w, &reach, 0x9000, (uintptr_t)(at - 4), 2), MM_WALK_WHOLE);
}

/* Many stacks with one innermost frame, told apart further out. */
static void variants(void **state)
{
	enum { VARIANTS = 6 };
	struct mm_walk w;
	struct mm_reach reach;
	uint64_t *at = memory + 64, sp = (uintptr_t)at;
	uint32_t node, hits = 0;

	(void)state;
	for (int round = 0; round < 3; round++)
		for (uint32_t v = 0; v < VARIANTS; v++) {
			fill(at, FRAMES);
			at[(v % 3 + 2) * 4 + 3] = 0x9000 + v; /* in one of three words */
			if (find(0x1000, sp, &node)) {
				assert_int_equal(node, 1000 + v);
				hits++;
				continue;
			}
			make_trail(&w, &reach, 0x1000, sp, FRAMES, 1);
			w.trail->frame[0].hash = 1000 + v;
			keep(&w, MM_WALK_WHOLE);
		}
	assert_int_equal(hits, 2 * VARIANTS); /* each was learnt at once, none forgotten */
}

/* Round and round: what is found is never another stack's, and memory has its limit. */
static void arena(void **state)
{
	enum { STACKS = 9000, ROUNDS = 15, MOST = 2 << 20 };
	struct mm_walk w;
	struct mm_reach reach;
	struct mm_memo_counts counts;
	uint64_t last = 0;
	uint32_t found = 0;

	(void)state;
	fill(memory + 64, FRAMES);
	for (int round = 0; round < ROUNDS; round++)
		for (uint32_t i = 0; i < STACKS; i++) {
			uint64_t place = 0x100000 + (i * 7919 % STACKS) * 16, sp;
			uint32_t node = 0;
			sp = (uintptr_t)(memory + 64);
			if (i % 3 == 0)
				place = 0x100000; /* some come back often */
			if (find(place, sp, &node)) {
				found++;
				assert_int_equal(node, (uint32_t)place);
				continue;
			}
			make_trail(&w, &reach, place, sp, 2 + (uint32_t)(place >> 4) % 18, 1);
			w.trail->frame[0].hash = (uint32_t)place;
			keep(&w, MM_WALK_WHOLE);
			mm_memo_counts(memo, &counts);
			assert_true(counts.bytes >= last && counts.bytes <= MOST);
			last = counts.bytes;
		}
	assert_int_equal(last, MOST); /* it was of use */
	assert_true(found >= STACKS / 3 * ROUNDS * 9 / 10); /* those that come back often */
	assert_int_equal(counts.hits, found);
}

/* Stacks that never come back earn no more than the first arena. */
static void no_growth_without_hits(void **state)
{
	struct mm_walk w;
	struct mm_reach reach;
	struct mm_memo_counts counts;

	(void)state;
	fill(memory + 64, FRAMES);
	for (uint64_t i = 0; i < 5000; i++) {
		make_trail(&w, &reach, 0x100000 + i, (uintptr_t)(memory + 64), FRAMES, 1);
		keep(&w, MM_WALK_WHOLE);
	}
	mm_memo_counts(memo, &counts);
	assert_int_equal(counts.bytes, 16 * 1024);
	assert_int_equal(counts.kept, 5000);
}

static void readable_memory(void **state)
{
	struct mm_probe probe = { 0 };
	struct mm_reach reach;
	uint64_t page = (uintptr_t)memory;
	volatile uint64_t here = 1;

	(void)state;
	assert_int_equal(mm_probe_pages(page, PAGES), PAGES);
	mprotect((char *)memory + 5 * PAGE, PAGE, PROT_NONE);
	assert_int_equal(mm_probe_pages(page, PAGES), 5);
	assert_int_equal(mm_probe_pages(page + 5 * PAGE, 1), 0);
	assert_int_equal(mm_probe_pages(0, 1), 0);
	/* a guest stack: up to the page that cannot be read, and not into it */
	mm_reach_begin(&reach, &probe, page + 100, 0);
	assert_true(mm_reach_word(&reach, page + 100));
	assert_true(mm_reach_word(&reach, page + 5 * PAGE - 8));
	assert_false(mm_reach_word(&reach, page + 5 * PAGE - 4));
	assert_false(mm_reach_word(&reach, page + 5 * PAGE));
	assert_true(mm_reach_word(&reach, page + 6 * PAGE)); /* elsewhere */
	mprotect((char *)memory + 9 * PAGE, PAGE, PROT_NONE);
	assert_false(mm_reach_word(&reach, page + 9 * PAGE - 4));
	assert_false(mm_reach_word(&reach, 8));
	assert_false(mm_reach_word(&reach, UINT64_MAX - 4));
	/* our own stack is found, kept, and survives a visit to another */
	mm_reach_begin(&reach, &probe, (uintptr_t)&here, 0);
	assert_true(mm_reach_word(&reach, (uintptr_t)&here));
	/* by what lies at its very top, however large the environment below that is */
	uint64_t top = getauxval(AT_EXECFN);
	assert_true(mm_reach_word(&reach, top & ~UINT64_C(7)));
	assert_true(probe.own_lo <= (uintptr_t)&here && probe.own_hi > top);
	mm_reach_begin(&reach, &probe, page + 100, 0);
	assert_true(probe.own_lo <= (uintptr_t)&here && probe.own_hi > top);
	assert_int_equal(probe.guest_lo, page);
	/* nested walks learn nothing */
	struct mm_probe before = probe;
	mm_reach_begin(&reach, &probe, page + 8 * PAGE, 1);
	assert_true(mm_reach_word(&reach, page + 8 * PAGE));
	assert_memory_equal(&before, &probe, sizeof probe);
	/* but how deep our own stack has become */
	probe.own_lo = ((uintptr_t)&here & ~(uint64_t)(PAGE - 1)) + PAGE;
	before = probe;
	mm_reach_begin(&reach, &probe, (uintptr_t)&here, 1);
	assert_int_equal(probe.own_lo, before.own_lo - PAGE);
	assert_int_equal(reach.hi, before.own_hi);
	probe.own_lo = before.own_lo;
	assert_memory_equal(&before, &probe, sizeof probe);
	probe.own_lo = probe.own_hi = 0;
	mm_reach_begin(&reach, &probe, (uintptr_t)&here, 1);
	assert_int_equal(probe.own_hi, 0);
}

/* Handlers within handlers: each has a memo of its own, and one is kept. */
static void spares(void **state)
{
	struct mm_stack_memo *a = mm_memo_take_spare(memo), *b = mm_memo_take_spare(memo);

	(void)state;
	assert_true(a && b && a != b && a != memo && b != memo);
	mm_memo_give_spare(memo, b);
	assert_ptr_equal(mm_memo_take_spare(memo), b);
	mm_memo_give_spare(memo, b);
	mm_memo_give_spare(memo, a);
	assert_ptr_equal(mm_memo_take_spare(memo), a);
	mm_memo_give_spare(memo, a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_word_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(bp_when_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_read_after_a_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(joining, setup, teardown),
		cmocka_unit_test_setup_teardown(chains, setup, teardown),
		cmocka_unit_test_setup_teardown(joining_behind_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(bases_that_are_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(joining_full, setup, teardown),
		cmocka_unit_test_setup_teardown(variants, setup, teardown),
		cmocka_unit_test_setup_teardown(arena, setup, teardown),
		cmocka_unit_test_setup_teardown(no_growth_without_hits, setup, teardown),
		cmocka_unit_test_setup_teardown(readable_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(spares, setup, teardown),
	};

	return cmocka_run_group_tests_name("memo", tests, NULL, NULL);
}
