/* test_objects.c: objects of every size against a plain table of them, temporaries against
 * a count kept for each thread, states put back from a checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/event.h"
#include "trace/objects.h"

enum { SLOTS = 300, THREADS = 5, STEPS = 60000 };

static uint64_t state;

static uint64_t below(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 20) % n;
}

/* A number of up to `bits` bits, of any length. */
static uint64_t number(unsigned bits)
{
	uint64_t v = below(UINT64_C(1) << 40) << 30 ^ below(UINT64_C(1) << 40);

	return v >> (64 - (1 + below(bits)));
}

/* Now and then one of the numbers is larger, or odder, than those kept in short. */
static struct mm_object any_object(uint64_t time)
{
	return (struct mm_object){
		.addr = below(9) ? number(44) << 3 : number(64),
		.size = number(below(9) ? 32 : 63), .time = time,
		.site = (uint32_t)number(below(9) ? 24 : 32), .thread = (uint32_t)below(THREADS),
		.kind = (uint8_t)below(MM_EV_REALLOC_IN + 1),
		.align_log2 = (uint8_t)below(below(9) ? 32 : 64) };
}

static void expect_same(const struct mm_object *a, const struct mm_object *b)
{
	assert_int_equal(a->addr, b->addr);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->thread, b->thread);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->align_log2, b->align_log2);
}

struct plain {
	struct mm_object objects[SLOTS];
	int live[SLOTS];
	long latest[THREADS];    /* slot of its latest birth, -1 = not alive any more */
	uint64_t temporaries, live_bytes, live_count;
};

static void step_birth(struct mm_objects *o, struct plain *p, uint64_t time)
{
	struct mm_object obj = any_object(time);
	uint32_t slot;

	assert_int_equal(mm_objects_birth(o, &obj, &slot), MM_OK);
	assert_true(slot < SLOTS && !p->live[slot]);
	p->objects[slot] = obj;
	p->live[slot] = 1;
	p->latest[obj.thread] = slot;
	p->live_bytes += obj.size;
	p->live_count++;
}

static void step_death(struct mm_objects *o, struct plain *p, uint32_t slot)
{
	uint32_t thread = (uint32_t)below(THREADS);
	int realloc = below(8) == 0, temporary, expected;
	struct mm_object got;

	if (!p->live[slot]) {
		assert_int_equal(mm_objects_death(o, slot, thread, realloc, &got, &temporary),
				 MM_ENOENT);
		return;
	}
	expected = !realloc && p->objects[slot].thread == thread &&
		   p->latest[thread] == (long)slot;
	assert_int_equal(mm_objects_death(o, slot, thread, realloc, &got, &temporary), MM_OK);
	expect_same(&got, &p->objects[slot]);
	assert_int_equal(temporary, expected);
	p->temporaries += (uint64_t)expected;
	p->live[slot] = 0;
	p->live_bytes -= got.size;
	p->live_count--;
	if (p->latest[got.thread] == (long)slot)
		p->latest[got.thread] = -1;
}

static void expect_state(const struct mm_objects *o, const struct plain *p)
{
	const struct mm_totals *t = mm_objects_totals(o);
	struct mm_object got;

	assert_int_equal(mm_objects_check(o), MM_OK);
	assert_int_equal(t->live_bytes, p->live_bytes);
	assert_int_equal(t->live_count, p->live_count);
	assert_int_equal(t->temporaries, p->temporaries);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		assert_int_equal(mm_objects_get(o, slot, &got), p->live[slot]);
		if (p->live[slot])
			expect_same(&got, &p->objects[slot]);
	}
}

static struct mm_objects *live_through(struct plain *p, uint64_t seed)
{
	struct mm_objects *o;

	state = seed;
	memset(p, 0, sizeof *p);
	for (int i = 0; i < THREADS; i++)
		p->latest[i] = -1;
	assert_int_equal(mm_objects_create(&o, 2), MM_OK);
	for (uint64_t i = 0; i < STEPS; i++) {
		uint64_t time = i < STEPS / 2 ? i * 1000 : (UINT64_C(1) << 56) + i;
		if (p->live_count < SLOTS && below(100) < 52)
			step_birth(o, p, time);
		else
			step_death(o, p, (uint32_t)below(SLOTS));
		if (i % 5000 == 0)
			expect_state(o, p);
	}
	expect_state(o, p);
	return o;
}

static void objects_of_any_size_are_kept_whole(void **arg)
{
	struct plain *p = malloc(sizeof *p);

	(void)arg;
	assert_non_null(p);
	for (uint64_t seed = 1; seed <= 5; seed++)
		mm_objects_destroy(live_through(p, seed));
	free(p);
}

/* A copy made as a checkpoint makes one. `latest` and orders: those of the process, or as
 * the first writers gave them, counted for each thread. */
static struct mm_objects *restored(const struct mm_objects *from, int by_thread)
{
	uint32_t count, births[THREADS] = { 0 };
	const uint32_t *stack = mm_objects_free(from, &count);
	struct mm_objects *o;

	assert_int_equal(mm_objects_create(&o, 2), MM_OK);
	for (uint32_t t = 0; t < THREADS; t++)
		births[t] = by_thread ? 1000 : mm_objects_latest(from, t);
	for (uint32_t slot = 0; slot < mm_objects_high_water(from); slot++) {
		struct mm_object obj;
		if (!mm_objects_get(from, slot, &obj))
			continue;
		if (by_thread)
			obj.order = obj.order + 1 == mm_objects_latest(from, obj.thread) ? 999
				  : obj.order % 999;
		assert_int_equal(mm_objects_restore(o, &obj, slot), MM_OK);
		assert_int_equal(mm_objects_restore(o, &obj, slot), MM_ECORRUPT);
	}
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(mm_objects_restore_free(o, stack[i]), MM_OK);
	for (uint32_t t = 0; t < THREADS; t++)
		assert_int_equal(mm_objects_set_latest(o, t, births[t]), MM_OK);
	mm_objects_set_totals(o, mm_objects_totals(from));
	return o;
}

static void a_state_put_back_goes_on_the_same(void **arg)
{
	struct plain *p = malloc(sizeof *p), *q = malloc(sizeof *q);

	(void)arg;
	assert_non_null(p);
	assert_non_null(q);
	for (int by_thread = 0; by_thread < 2; by_thread++) {
		struct mm_objects *o = live_through(p, 7);
		struct mm_objects *copy = restored(o, by_thread);
		mm_objects_destroy(o);
		*q = *p;
		expect_state(copy, q);
		for (uint64_t i = 0; i < STEPS / 4; i++) {
			if (q->live_count < SLOTS && below(100) < 52)
				step_birth(copy, q, i);
			else
				step_death(copy, q, (uint32_t)below(SLOTS));
		}
		expect_state(copy, q);
		mm_objects_destroy(copy);
	}
	free(p);
	free(q);
}

/* A gap may say any high water: going through what is known takes no longer for it. */
static void the_known_are_gone_through_once(void **arg)
{
	struct mm_objects *o;
	struct mm_totals t = { .live_count = 7 };
	struct mm_object obj, got;
	uint32_t slot, seen = 0;
	size_t at = 0;
	int temporary;

	(void)arg;
	state = 5;
	assert_int_equal(mm_objects_create(&o, 1), MM_OK);
	assert_int_equal(mm_objects_next(o, &at, &slot, &got), 0);
	mm_objects_gap(o, UINT32_C(0xfffffff0), UINT32_C(0xffff0000), &t);
	assert_int_equal(mm_objects_next(o, &at, &slot, &got), 0);
	for (uint32_t i = 0; i < 10; i++) {
		obj = any_object(i);
		obj.site = i;
		assert_int_equal(mm_objects_birth_at(o, &obj, UINT32_C(400000000) * i), MM_OK);
	}
	assert_int_equal(mm_objects_death(o, UINT32_C(1200000000), 0, 0, &got, &temporary), MM_OK);
	for (at = 0; mm_objects_next(o, &at, &slot, &got);) {
		assert_int_equal(slot, got.site * UINT32_C(400000000));
		assert_false(seen >> got.site & 1);
		seen |= 1u << got.site;
		assert_true(at < 1000);
	}
	assert_int_equal(seen, 0x3ff & ~8u);
	mm_objects_reset(o);
	for (uint32_t i = 0; i < 10; i++) {
		obj = any_object(i);
		obj.site = i;
		assert_int_equal(mm_objects_birth(o, &obj, &slot), MM_OK);
	}
	assert_int_equal(mm_objects_death(o, 3, 0, 0, &got, &temporary), MM_OK);
	at = 0;
	for (uint32_t i = 0; i < 10; i++)
		if (i != 3) {
			assert_int_equal(mm_objects_next(o, &at, &slot, &got), 1);
			assert_int_equal(slot, i);
			assert_int_equal(got.site, i);
		}
	assert_int_equal(mm_objects_next(o, &at, &slot, &got), 0);
	mm_objects_destroy(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_of_any_size_are_kept_whole),
		cmocka_unit_test(a_state_put_back_goes_on_the_same),
		cmocka_unit_test(the_known_are_gone_through_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
