/* test_lane.c: rings as a target writes them, drained: order, bounds, segments given
 * back, idle threads' segments taken, and what a wild program may leave there. Also the
 * table of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/addrs.h"
#include "collect/image.h"
#include "collect/lane.h"
#include "core/error.h"

/* A target of one thread, on this side of the mapping. */
struct target {
	struct mm_image *image;
	struct mm_lane lane;
	uint32_t at;     /* segment written to */
	uint64_t stamp;
};

static int set_up(void **arg)
{
	struct target *t = calloc(1, sizeof *t);
	struct mm_image_options o = { .depth = 64 };
	struct mm_diag diag = { "" };
	int fd;

	if (mm_image_create(&t->image, &o, &fd, &diag))
		fail_msg("%s", diag.text);
	close(fd);
	t->image->threads[0].tid = 77;
	mm_lane_init(&t->lane, t->image, 0);
	*arg = t;
	return 0;
}

static int tear_down(void **arg)
{
	struct target *t = *arg;

	mm_lane_deinit(&t->lane);
	mm_image_destroy(t->image);
	free(t);
	return 0;
}

static struct mm_shm_thread *shared(struct target *t)
{
	return &t->image->threads[0];
}

static struct mm_seg *start_segment(struct target *t, uint32_t seg)
{
	struct mm_seg *s = mm_shm_seg(t->image->base, seg);

	atomic_store(&s->head, 0);
	atomic_store(&s->next, 0);
	atomic_fetch_add(&shared(t)->ring_segs, 1);
	atomic_fetch_add(&t->image->control->ring_segs, 1);
	t->at = seg;
	return s;
}

static void start_afresh(struct target *t)
{
	uint32_t seg = mm_shm_seg_take(t->image->base);

	start_segment(t, seg);
	atomic_store(&shared(t)->first_seg, seg);
	atomic_store(&shared(t)->seg, seg);
}

static void write_words(struct target *t, const uint64_t *w, uint32_t n)
{
	struct mm_seg *s = mm_shm_seg(t->image->base, t->at);
	uint32_t head = atomic_load(&s->head);

	if (head + n * 8 > MM_SEG_DATA) {
		uint32_t next = mm_shm_seg_take(t->image->base);
		struct mm_seg *old = s;
		s = start_segment(t, next);
		atomic_store(&shared(t)->seg, next);
		atomic_store(&old->next, next);
		head = 0;
	}
	memcpy(&s->data[head / 8], w, n * 8);
	atomic_store(&s->head, head + n * 8);
}

static void write_frees(struct target *t, unsigned n)
{
	while (n-- > 0)
		write_words(t, (uint64_t[]){ MM_REC_HEAD(MM_REC_FREE, 0x10), ++t->stamp }, 2);
}

static uint64_t drain(struct target *t)
{
	uint64_t bytes;

	assert_int_equal(mm_lane_drain(&t->lane, UINT64_MAX, &bytes), MM_OK);
	return bytes;
}

static void everything_comes_once_and_segments_go_back(void **arg)
{
	struct target *t = *arg;
	uint64_t want = 1;

	start_afresh(t);
	for (int round = 0; round < 50; round++) {
		write_frees(t, 7000);
		drain(t);
		while (mm_entries_count(&t->lane.queue))
			assert_int_equal(t->lane.queue.v[t->lane.queue.head++].stamp, want++);
	}
	assert_int_equal(want, t->stamp + 1);
	assert_int_equal(atomic_load(&shared(t)->ring_segs), 1);
	assert_int_equal(atomic_load(&t->image->control->ring_segs), 1);
	/* Fifty rounds of two segments came from a handful. */
	assert_true(atomic_load(&t->image->control->bump) < t->image->first_seg + 6);
}

static void a_thread_without_a_ring_has_nothing(void **arg)
{
	struct target *t = *arg;

	assert_int_equal(drain(t), 0);
	assert_false(t->lane.partial);
}

static void the_bound_is_now_when_idle_and_the_last_stamp_when_busy(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 10);
	mm_lane_look(&t->lane, 500);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), 500);
	atomic_store(&shared(t)->busy, 1);
	t->stamp = 600;
	write_frees(t, 3);
	mm_lane_look(&t->lane, 700);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), 603);
	mm_lane_look(&t->lane, 800);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), 603);
	atomic_store(&shared(t)->busy, 0);
	mm_lane_look(&t->lane, 900);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), 900);
}

static void a_drain_cut_short_bounds_by_what_it_read(void **arg)
{
	struct target *t = *arg;
	uint64_t bytes;

	start_afresh(t);
	write_frees(t, 20000);
	mm_lane_look(&t->lane, 1000000);
	assert_int_equal(mm_lane_drain(&t->lane, 1, &bytes), MM_OK);
	assert_true(t->lane.partial);
	assert_int_equal(mm_lane_bound(&t->lane), t->lane.queue.v[t->lane.queue.len - 1].stamp);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), 1000000);
	assert_int_equal(mm_entries_count(&t->lane.queue), 20000);
}

static void a_dead_thread_has_no_bound_once_it_is_drained(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 5);
	mm_lane_look(&t->lane, 10);
	drain(t);
	t->lane.dead = 1;
	assert_int_equal(mm_lane_bound(&t->lane), 10);
	write_frees(t, 5); /* written before it died, seen after */
	mm_lane_look(&t->lane, 20);
	drain(t);
	assert_int_equal(mm_lane_bound(&t->lane), UINT64_MAX);
	assert_int_equal(mm_entries_count(&t->lane.queue), 10);
	mm_lane_release(&t->lane);
	assert_int_equal(atomic_load(&shared(t)->state), MM_THREAD_FREE);
	assert_int_equal(atomic_load(&t->image->control->ring_segs), 0);
}

static void an_idle_threads_segments_come_back(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 20000);
	drain(t);
	write_frees(t, 3); /* published, not yet read */
	mm_lane_revoke(&t->lane);
	assert_int_equal(atomic_load(&shared(t)->seg), 0);
	mm_lane_settle_revoke(&t->lane);
	assert_int_equal(t->lane.revoking, 2);
	assert_int_equal(atomic_load(&t->image->control->ring_segs), 0);
	assert_int_equal(mm_entries_count(&t->lane.queue), 20003);
	assert_int_equal(drain(t), 0);
	start_afresh(t);
	write_frees(t, 4);
	drain(t);
	assert_int_equal(t->lane.revoking, 0);
	assert_int_equal(mm_entries_count(&t->lane.queue), 20007);
}

static void a_busy_thread_keeps_its_segments_until_it_is_idle(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 3);
	drain(t);
	atomic_store(&shared(t)->busy, 1);
	mm_lane_revoke(&t->lane);
	mm_lane_settle_revoke(&t->lane);
	assert_int_equal(t->lane.revoking, 1);
	assert_int_equal(atomic_load(&t->image->control->ring_segs), 1);
	write_frees(t, 2); /* the hook had looked at seg before */
	atomic_store(&shared(t)->busy, 0);
	mm_lane_settle_revoke(&t->lane);
	assert_int_equal(t->lane.revoking, 2);
	assert_int_equal(mm_entries_count(&t->lane.queue), 5);
}

static void a_thread_that_has_started_afresh_gives_the_old_chain(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 3);
	drain(t);
	write_frees(t, 3);
	mm_lane_revoke(&t->lane);
	atomic_store(&shared(t)->busy, 1);
	start_afresh(t);
	write_frees(t, 3);
	mm_lane_settle_revoke(&t->lane);
	assert_int_equal(t->lane.revoking, 0);
	drain(t);
	assert_int_equal(mm_entries_count(&t->lane.queue), 9);
	assert_int_equal(atomic_load(&t->image->control->ring_segs), 1);
}

static void malformed_records_end_their_segment_only(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 5);
	write_words(t, (uint64_t[]){ MM_REC_HEAD(99, 0), 0 }, 2);
	write_frees(t, 10000);
	drain(t);
	assert_int_equal(t->lane.malformed, 1);
	assert_true(mm_entries_count(&t->lane.queue) > 5);
	assert_int_equal(t->lane.queue.v[t->lane.queue.len - 1].stamp, t->stamp);
}

static void wild_numbers_lead_nowhere(void **arg)
{
	struct target *t = *arg;
	struct mm_shm_node node;

	start_afresh(t);
	struct mm_seg *s = mm_shm_seg(t->image->base, t->at);
	memset(s->data, 0xee, MM_SEG_DATA);
	atomic_store(&s->head, UINT32_MAX);
	atomic_store(&s->next, 0x7fffffff);
	drain(t);
	assert_int_equal(t->lane.malformed, 2); /* the records, then the way on */
	assert_int_equal(drain(t), 0);
	mm_lane_release(&t->lane);
	atomic_store(&t->image->processes[0].dir_seg, UINT32_MAX);
	assert_int_equal(mm_image_node(t->image, 0, 1, &node), MM_ENOENT);
	assert_int_equal(mm_image_node(t->image, UINT32_MAX, 1, &node), MM_ENOENT);
}

static void a_ring_outside_the_pool_is_not_read(void **arg)
{
	struct target *t = *arg;

	atomic_store(&shared(t)->first_seg, 3); /* below the pool */
	assert_int_equal(drain(t), 0);
	assert_true(t->lane.broken);
	assert_false(t->lane.partial);
}

static void a_chain_that_bites_its_tail_is_left_in_time(void **arg)
{
	struct target *t = *arg;

	start_afresh(t);
	write_frees(t, 1);
	atomic_store(&mm_shm_seg(t->image->base, t->at)->next, t->at);
	drain(t);
	assert_true(mm_entries_count(&t->lane.queue) <= 4 * MM_RING_SEGS_THREAD);
}

/* --- addresses --------------------------------------------------------------------- */

enum { OBJECTS = 20000, MANY_FROM = 1300000, MANY = 2000000 };

static void be_born(struct mm_objects *o, struct mm_addrs *a, uint64_t addr, uint8_t kind)
{
	struct mm_object obj = { .addr = addr, .size = 8, .kind = kind };
	uint32_t slot, other;
	size_t place;

	assert_int_equal(mm_addrs_seek(a, addr, kind == MM_EV_NOTE_ALLOC, &place, &other), MM_OK);
	assert_int_equal(other, MM_NO_SLOT);
	assert_int_equal(mm_objects_birth(o, &obj, &slot), MM_OK);
	mm_addrs_set(a, place, addr, slot);
}

static void addresses_are_found_until_they_are_taken(void **arg)
{
	struct mm_objects *o;
	struct mm_addrs a = { 0 };
	struct mm_object dead;
	int temporary;

	(void)arg;
	assert_int_equal(mm_objects_create(&o, 1), MM_OK);
	a.objects = o;
	for (uint64_t i = 1; i <= OBJECTS; i++)
		be_born(o, &a, i * 16, MM_EV_MALLOC);
	assert_int_equal(mm_addrs_check(&a), MM_OK);
	for (uint64_t i = 1; i <= OBJECTS; i += 3) {
		uint32_t slot = mm_addrs_take(&a, i * 16, 0);
		assert_int_equal(mm_objects_death(o, slot, 0, 0, &dead, &temporary), MM_OK);
		assert_int_equal(dead.addr, i * 16);
	}
	assert_int_equal(mm_addrs_check(&a), MM_OK);
	for (uint64_t i = 1; i <= OBJECTS; i++)
		assert_int_equal(mm_addrs_find(&a, i * 16, 0) == MM_NO_SLOT, i % 3 == 1);
	assert_int_equal(a.count, OBJECTS - (OBJECTS + 2) / 3);
	mm_addrs_deinit(&a);
	mm_objects_destroy(o);
}

/* As full as it gets, where most buckets are or have been: none is lost, none stays behind. */
static void addresses_come_and_go_in_a_full_table(void **arg)
{
	enum { FULL = 6500 };
	static uint32_t slot_of[OBJECTS];
	struct mm_objects *o;
	struct mm_addrs a = { 0 };
	struct mm_object dead;
	int temporary, live = 0;

	(void)arg;
	srand(3);
	memset(slot_of, 0, sizeof slot_of);
	assert_int_equal(mm_objects_create(&o, 1), MM_OK);
	a.objects = o;
	for (int i = 0; i < 40 * OBJECTS; i++) {
		uint32_t k = (uint32_t)rand() % OBJECTS;
		uint64_t addr = (k + 1) * UINT64_C(0x5930);
		assert_int_equal(mm_addrs_find(&a, addr, 0) != MM_NO_SLOT, slot_of[k] != 0);
		if (slot_of[k]) {
			assert_int_equal(mm_addrs_take(&a, addr, 0), slot_of[k] - 1);
			mm_objects_death(o, slot_of[k] - 1, 0, 0, &dead, &temporary);
			slot_of[k] = 0;
			live--;
		} else if (live < FULL) {
			be_born(o, &a, addr, MM_EV_MALLOC);
			slot_of[k] = mm_addrs_find(&a, addr, 0) + 1;
			live++;
		}
		if (i % OBJECTS == 0)
			assert_int_equal(mm_addrs_check(&a), MM_OK);
	}
	assert_true(a.buckets * MM_ADDRS_BUCKET < 2 * FULL);
	assert_int_equal(a.count, live);
	mm_addrs_deinit(&a);
	mm_objects_destroy(o);
}

static void many_addresses_take_thirteen_bytes_each(void **arg)
{
	struct mm_objects *o;
	struct mm_addrs a = { 0 };

	(void)arg;
	assert_int_equal(mm_objects_create(&o, 1), MM_OK);
	a.objects = o;
	for (uint64_t i = 1; i <= MANY; i++) {
		be_born(o, &a, i * 32, MM_EV_MALLOC);
		assert_true(i < MANY_FROM || a.buckets * MM_ADDRS_BUCKET * sizeof *a.places <= 13 * i);
	}
	assert_int_equal(mm_addrs_check(&a), MM_OK);
	assert_int_equal(mm_addrs_find(&a, MANY * 32, 0), MANY - 1);
	mm_addrs_deinit(&a);
	mm_objects_destroy(o);
}

static void a_noted_object_may_share_an_address_with_a_heap_object(void **arg)
{
	struct mm_objects *o;
	struct mm_addrs a = { 0 };

	(void)arg;
	assert_int_equal(mm_objects_create(&o, 1), MM_OK);
	a.objects = o;
	be_born(o, &a, 0x1000, MM_EV_MALLOC);
	be_born(o, &a, 0x1000, MM_EV_NOTE_ALLOC);
	assert_int_equal(mm_addrs_take(&a, 0x1000, 1), 1);
	assert_int_equal(mm_addrs_find(&a, 0x1000, 1), MM_NO_SLOT);
	assert_int_equal(mm_addrs_find(&a, 0x1000, 0), 0);
	mm_addrs_deinit(&a);
	mm_objects_destroy(o);
}

#define ON_A_TARGET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_TARGET(everything_comes_once_and_segments_go_back),
		ON_A_TARGET(a_thread_without_a_ring_has_nothing),
		ON_A_TARGET(the_bound_is_now_when_idle_and_the_last_stamp_when_busy),
		ON_A_TARGET(a_drain_cut_short_bounds_by_what_it_read),
		ON_A_TARGET(a_dead_thread_has_no_bound_once_it_is_drained),
		ON_A_TARGET(an_idle_threads_segments_come_back),
		ON_A_TARGET(a_busy_thread_keeps_its_segments_until_it_is_idle),
		ON_A_TARGET(a_thread_that_has_started_afresh_gives_the_old_chain),
		ON_A_TARGET(malformed_records_end_their_segment_only),
		ON_A_TARGET(wild_numbers_lead_nowhere),
		ON_A_TARGET(a_ring_outside_the_pool_is_not_read),
		ON_A_TARGET(a_chain_that_bites_its_tail_is_left_in_time),
		cmocka_unit_test(addresses_are_found_until_they_are_taken),
		cmocka_unit_test(addresses_come_and_go_in_a_full_table),
		cmocka_unit_test(many_addresses_take_thirteen_bytes_each),
		cmocka_unit_test(a_noted_object_may_share_an_address_with_a_heap_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
