/* test_merging.c: from records to one order in time: entries, the merge, the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collect/entries.h"
#include "collect/merging.h"
#include "collect/stampclock.h"
#include "core/error.h"
#include "core/shm.h"

static uint64_t state = 1;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void put(struct mm_entries *q, const uint64_t *w)
{
	assert_int_equal(mm_entries_put(q, w, mm_rec_words(w, 8)), MM_OK);
}

static void put_free(struct mm_entries *q, uint64_t stamp, uint64_t addr)
{
	put(q, (uint64_t[8]){ MM_REC_HEAD(MM_REC_FREE, addr), stamp });
}

static void put_alloc(struct mm_entries *q, uint64_t stamp, uint64_t addr)
{
	put(q, (uint64_t[8]){ MM_REC_HEAD(MM_REC_ALLOC, addr), stamp, 10, 1 });
}

/* --- entries ------------------------------------------------------------------ */

static void a_realloc_becomes_two_entries(void **arg)
{
	struct mm_entries q = { 0 };

	(void)arg;
	put(&q, (uint64_t[8]){ MM_REC_HEAD(MM_REC_REALLOC, 0x2000), 90, 64, 7, 0x1000, 50 });
	assert_int_equal(mm_entries_count(&q), 2);
	assert_int_equal(MM_REC_KIND(q.v[0].head), MM_ENTRY_REALLOC_OUT);
	assert_int_equal(MM_REC_ADDR(q.v[0].head), 0x1000);
	assert_int_equal(q.v[0].stamp, 50);
	assert_int_equal(MM_REC_KIND(q.v[1].head), MM_ENTRY_REALLOC_IN);
	assert_int_equal(MM_REC_ADDR(q.v[1].head), 0x2000);
	assert_int_equal(q.v[1].stamp, 90);
	assert_int_equal(q.v[1].size, 64);
	mm_entries_deinit(&q);
}

static void what_happened_inside_a_realloc_stands_between_its_halves(void **arg)
{
	static const uint64_t order[] = { 50, 60, 70, 90 };
	struct mm_entries q = { 0 };

	(void)arg;
	put(&q, (uint64_t[8]){ MM_REC_HEAD(MM_REC_REALLOC, 0x2000), 90, 64, 7, 0x1000, 50 });
	put_alloc(&q, 60, 0x3000);
	put_free(&q, 70, 0x3000);
	assert_int_equal(mm_entries_count(&q), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(q.v[i].stamp, order[i]);
	mm_entries_deinit(&q);
}

static void voids_add_nothing_and_unknown_kinds_are_damage(void **arg)
{
	struct mm_entries q = { 0 };
	uint64_t wild[4] = { MM_REC_HEAD(200, 0) };

	(void)arg;
	put(&q, (uint64_t[8]){ MM_REC_HEAD(MM_REC_VOID, 3) });
	assert_int_equal(mm_entries_count(&q), 0);
	assert_int_equal(mm_entries_put(&q, wild, 4), MM_ECORRUPT);
	assert_int_equal(mm_rec_words(wild, 4), 0);
	mm_entries_deinit(&q);
}

static void a_mark_keeps_its_whole_record(void **arg)
{
	struct mm_entries q = { 0 };
	uint64_t w[5] = { MM_REC_HEAD(MM_REC_MARK, 0), 5, 5, 1 };

	(void)arg;
	memcpy(&w[4], "hello", 5);
	put(&q, w);
	assert_true(mm_entry_has_rest(&q.v[0]));
	const struct mm_entry_rest *rest = (void *)(uintptr_t)q.v[0].size;
	assert_int_equal(rest->words, 5);
	assert_memory_equal(&rest->w[4], "hello", 5);
	mm_entries_deinit(&q); /* frees what was not taken */
}

/* --- the merge ------------------------------------------------------------------- */

struct seen {
	uint64_t *stamps;
	uint32_t *kinds;
	void **owners;
	size_t count;
};

static int see(void *ctx, const struct mm_merged *batch, size_t count)
{
	struct seen *s = ctx;

	for (size_t i = 0; i < count; i++) {
		s->stamps[s->count] = batch[i].entry->stamp;
		s->kinds[s->count] = MM_REC_KIND(batch[i].entry->head);
		s->owners[s->count++] = batch[i].owner;
	}
	return 0;
}

enum { QUEUES = 37, EACH = 400, ALL = QUEUES * EACH };

static void fill(struct mm_entries *q, struct mm_entries **list)
{
	for (int i = 0; i < QUEUES; i++) {
		uint64_t stamp = next_random() % 50;
		list[i] = &q[i];
		q[i].owner = &q[i];
		for (int j = 0; j < EACH; j++)
			put_free(&q[i], stamp += next_random() % 9, 0x10);
	}
}

static void many_queues_leave_in_order_and_not_beyond_the_bound(void **arg)
{
	static struct mm_entries q[QUEUES];
	struct mm_entries *list[QUEUES];
	struct mm_merge m = { 0 };
	struct seen s = { calloc(ALL, 8), calloc(ALL, 4), calloc(ALL, 8), 0 };

	(void)arg;
	fill(q, list);
	for (uint64_t bound = 0; bound <= 10000; bound += 97) {
		assert_int_equal(mm_merge_run(&m, list, QUEUES, bound, see, &s), MM_OK);
		assert_true(s.count == 0 || s.stamps[s.count - 1] <= bound);
		for (int i = 0; i < QUEUES; i++)
			assert_true(mm_entries_count(&q[i]) == 0 || q[i].v[q[i].head].stamp > bound);
	}
	assert_int_equal(s.count, ALL);
	for (size_t i = 1; i < s.count; i++)
		assert_true(s.stamps[i - 1] <= s.stamps[i]);
	for (int i = 0; i < QUEUES; i++)
		mm_entries_deinit(&q[i]);
	mm_merge_deinit(&m);
	free(s.stamps);
	free(s.kinds);
	free(s.owners);
}

static void of_equal_stamps_the_death_comes_first(void **arg)
{
	struct mm_entries a = { .owner = &a }, b = { .owner = &b }, *list[] = { &a, &b };
	struct mm_merge m = { 0 };
	uint64_t stamps[2];
	uint32_t kinds[2];
	void *owners[2];
	struct seen s = { stamps, kinds, owners, 0 };

	(void)arg;
	put_alloc(&a, 5, 0x1000);
	put_free(&b, 5, 0x1000);
	assert_int_equal(mm_merge_run(&m, list, 2, 5, see, &s), MM_OK);
	assert_int_equal(kinds[0], MM_REC_FREE);
	assert_ptr_equal(owners[1], &a);
	mm_entries_deinit(&a);
	mm_entries_deinit(&b);
	mm_merge_deinit(&m);
}

static void one_queue_keeps_its_own_order(void **arg)
{
	struct mm_entries a = { .owner = &a }, *list[] = { &a };
	struct mm_merge m = { 0 };
	uint64_t stamps[3];
	uint32_t kinds[3];
	void *owners[3];
	struct seen s = { stamps, kinds, owners, 0 };

	(void)arg;
	put_alloc(&a, 5, 0x1000);
	put_free(&a, 5, 0x1000);
	put_alloc(&a, 5, 0x1000);
	assert_int_equal(mm_merge_run(&m, list, 1, 100, see, &s), MM_OK);
	assert_int_equal(s.count, 3);
	assert_int_equal(kinds[0], MM_REC_ALLOC);
	assert_int_equal(kinds[1], MM_REC_FREE);
	assert_int_equal(kinds[2], MM_REC_ALLOC);
	mm_entries_deinit(&a);
	mm_merge_deinit(&m);
}

static int refuse(void *ctx, const struct mm_merged *batch, size_t count)
{
	(void)batch;
	*(size_t *)ctx += count;
	return MM_ENOMEM;
}

static void the_sinks_error_ends_the_merge(void **arg)
{
	struct mm_entries a = { .owner = &a }, *list[] = { &a };
	struct mm_merge m = { 0 };
	size_t taken = 0;

	(void)arg;
	for (int i = 0; i < MM_MERGE_BATCH * 3; i++)
		put_free(&a, (uint64_t)i, 0x10);
	assert_int_equal(mm_merge_run(&m, list, 1, MM_MERGE_BATCH * 3, refuse, &taken),
			 MM_ENOMEM);
	assert_int_equal(taken, MM_MERGE_BATCH);
	mm_entries_deinit(&a);
	mm_merge_deinit(&m);
}

/* --- the clock -------------------------------------------------------------------- */

static struct mm_stampclock made_clock(void)
{
	struct mm_stampclock c = { 0 };

	assert_int_equal(mm_stampclock_add(&c, 1000, 0), MM_OK);
	assert_int_equal(mm_stampclock_add(&c, 4000, 1000), MM_OK); /* 3 stamps a ns */
	assert_int_equal(mm_stampclock_add(&c, 5000, 2000), MM_OK); /* 1 stamp a ns */
	return c;
}

static void times_lie_on_the_lines_between_anchors(void **arg)
{
	struct mm_stampclock c = made_clock();
	uint64_t cursor = 0;

	(void)arg;
	assert_int_equal(mm_stampclock_ns(&c, &cursor, 1000), 0);
	assert_in_range(mm_stampclock_ns(&c, &cursor, 2500), 499, 500);
	assert_int_equal(mm_stampclock_ns(&c, &cursor, 4000), 1000);
	assert_int_equal(mm_stampclock_ns(&c, &cursor, 4500), 1500);
	assert_in_range(mm_stampclock_ns(&c, &cursor, 2500), 499, 500); /* and back */
	mm_stampclock_deinit(&c);
}

static void stamps_outside_get_the_nearest_time(void **arg)
{
	struct mm_stampclock c = made_clock();
	uint64_t cursor = 0;

	(void)arg;
	assert_int_equal(mm_stampclock_ns(&c, &cursor, 0), 0);
	assert_int_equal(mm_stampclock_ns(&c, &cursor, UINT64_MAX), 2000);
	mm_stampclock_deinit(&c);
}

static void anchors_that_go_back_are_left_out(void **arg)
{
	struct mm_stampclock c = made_clock();
	uint64_t cursor = 0;

	(void)arg;
	assert_int_equal(mm_stampclock_add(&c, 5000, 3000), MM_OK);
	assert_int_equal(mm_stampclock_add(&c, 6000, 1500), MM_OK);
	assert_int_equal(c.count, 3);
	assert_int_equal(mm_stampclock_ns(&c, &cursor, 6000), 2000);
	mm_stampclock_deinit(&c);
}

static void time_never_goes_back_whatever_the_anchors(void **arg)
{
	struct mm_stampclock c = { 0 };
	uint64_t stamp = 1, ns = 0, cursor = 0, last = 0, end;

	(void)arg;
	for (int i = 0; i < 3000; i++)
		assert_int_equal(mm_stampclock_add(&c, stamp += next_random() % 7000,
						   ns += next_random() % 2000), MM_OK);
	end = stamp + 1000;
	for (stamp = 0; stamp < end; stamp += next_random() % 300) {
		uint64_t t = mm_stampclock_ns(&c, &cursor, stamp);
		assert_true(t >= last);
		last = t;
	}
	mm_stampclock_deinit(&c);
}

static void forgetting_changes_no_later_time(void **arg)
{
	struct mm_stampclock c = { 0 };
	uint64_t before = 0, after = 0;

	(void)arg;
	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(mm_stampclock_add(&c, 1 + i * 100, i * (30 + i % 3)), MM_OK);
	uint64_t want = mm_stampclock_ns(&c, &before, 150050);
	size_t count = c.count;
	mm_stampclock_forget(&c, 150000);
	assert_true(c.count < count);
	assert_int_equal(mm_stampclock_ns(&c, &after, 150050), want);
	assert_int_equal(mm_stampclock_ns(&c, &before, 150050), want);
	mm_stampclock_deinit(&c);
}

static void the_real_clock_runs_with_monotonic_time(void **arg)
{
	struct mm_stampclock c;
	uint64_t cursor = 0;

	(void)arg;
	assert_int_equal(mm_stampclock_init(&c, mm_stampclock_kind()), MM_OK);
	uint64_t begin = mm_monotonic_ns(), now;
	do
		now = mm_monotonic_ns();
	while (now - begin < 20000000);
	uint64_t stamp = mm_stampclock_tick(&c), t = mm_stampclock_ns(&c, &cursor, stamp);
	uint64_t late = mm_monotonic_ns() - c.start_ns;
	assert_true(t >= now - c.start_ns && t <= late);
	mm_stampclock_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_realloc_becomes_two_entries),
		cmocka_unit_test(what_happened_inside_a_realloc_stands_between_its_halves),
		cmocka_unit_test(voids_add_nothing_and_unknown_kinds_are_damage),
		cmocka_unit_test(a_mark_keeps_its_whole_record),
		cmocka_unit_test(many_queues_leave_in_order_and_not_beyond_the_bound),
		cmocka_unit_test(of_equal_stamps_the_death_comes_first),
		cmocka_unit_test(one_queue_keeps_its_own_order),
		cmocka_unit_test(the_sinks_error_ends_the_merge),
		cmocka_unit_test(times_lie_on_the_lines_between_anchors),
		cmocka_unit_test(stamps_outside_get_the_nearest_time),
		cmocka_unit_test(anchors_that_go_back_are_left_out),
		cmocka_unit_test(time_never_goes_back_whatever_the_anchors),
		cmocka_unit_test(forgetting_changes_no_later_time),
		cmocka_unit_test(the_real_clock_runs_with_monotonic_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
