/* test_drive.c: rows of a trace into the engine: figures computed by hand, halves of reallocs,
 * threads that end, and what is missing from a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "replay/drive.h"

static struct mm_heap *heap;
static struct mm_drive drive;

static int set_up(void **state)
{
	struct mm_heap_options o = { .simulated = 1, .track = 1, .retain_bytes = 0 };

	(void)state;
	memset(&drive, 0, sizeof drive);
	if (mm_heap_open(&heap, &o))
		return -1;
	mm_drive_init(&drive, heap, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mm_drive_deinit(&drive);
	mm_heap_close(heap);
	return 0;
}

static void row(unsigned kind, uint32_t thread, uint32_t slot, uint64_t size, uint32_t ref)
{
	struct mm_row r;

	mm_row_begin(&r, (uint8_t)kind, 0, thread, 0);
	r.slot = slot;
	r.size = size;
	r.ref = ref;
	assert_int_equal(mm_drive_row(&drive, &r), 0);
}

static void birth(uint32_t slot, uint64_t size)
{
	row(MM_EV_MALLOC, 0, slot, size, MM_NO_SLOT);
}

static void death(uint32_t slot)
{
	row(MM_EV_FREE, 0, slot, 0, MM_NO_SLOT);
}

static struct mm_account account(void)
{
	struct mm_account a;

	mm_heap_account(heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	assert_int_equal(mm_heap_check(heap), 0);
	return a;
}

/* Ten events: 100 (112 granted), 20 (32), 20 (32), 40000 (40960, whole pages), 20 away, and
 * so on. */
static void ten_events(void **state)
{
	struct mm_account a;

	(void)state;
	birth(0, 100);
	birth(1, 20);
	birth(2, 20);
	birth(3, 40000);
	a = account();
	assert_int_equal(a.requested, 40140);
	assert_int_equal(a.internal, 12 + 12 + 12 + 960);
	assert_int_equal(a.live, 4);
	assert_int_equal(a.slabs, 2); /* of 112 and of 32 bytes */
	assert_int_equal(a.tail, 0); /* a page of each slab is in use */
	death(1);
	death(3);
	birth(1, 16);
	birth(3, 0);
	death(0);
	death(2);
	a = account();
	assert_int_equal(a.requested, 16);
	assert_int_equal(a.internal, 16); /* of the block of size 0 */
	assert_int_equal(a.live, 2);
	assert_int_equal(a.slabs, 3); /* those that are empty wait in magazines */
	assert_int_equal(drive.counts.allocs, 6);
	assert_int_equal(drive.counts.frees, 4);
	assert_int_equal(drive.counts.live_bytes, 16);
	assert_int_equal(drive.counts.events, 10);
}

static void realloc_in_halves(void **state)
{
	uint64_t before;

	(void)state;
	birth(0, 100);
	before = mm_drive_addr(&drive, 0);
	row(MM_EV_REALLOC_OUT, 0, 0, 0, MM_NO_SLOT);
	assert_int_equal(account().requested, 100); /* held */
	row(MM_EV_MALLOC, 1, 0, 50, MM_NO_SLOT);    /* another thread gets the slot */
	row(MM_EV_REALLOC_IN, 0, 1, 110, 0);
	assert_int_equal(mm_drive_addr(&drive, 1), before); /* the same class: it stays */
	assert_int_equal(account().requested, 160);
	row(MM_EV_REALLOC_OUT, 0, 1, 0, MM_NO_SLOT);
	row(MM_EV_REALLOC_IN, 0, 1, 5000, 1);
	assert_true(mm_drive_addr(&drive, 1) != before);
	assert_int_equal(drive.counts.moved, 1);
	assert_int_equal(drive.counts.reallocs, 2);
	assert_int_equal(account().requested, 5050);
	row(MM_EV_REALLOC_OUT, 0, 1, 0, MM_NO_SLOT); /* its other half is missing */
	row(MM_EV_THREAD_END, 0, MM_NO_SLOT, 0, MM_NO_SLOT);
	assert_int_equal(account().requested, 50);
}

static void gaps_are_counted(void **state)
{
	(void)state;
	death(7);
	row(MM_EV_INHERITED, 0, MM_NO_SLOT, 0, MM_NO_SLOT);
	assert_int_equal(drive.counts.unknown_frees, 2);
	birth(0, 10);
	birth(0, 30); /* its death is missing */
	assert_int_equal(drive.counts.lost_objects, 1);
	row(MM_EV_NOTE_ALLOC, 0, 1, 64, MM_NO_SLOT);
	row(MM_EV_NOTE_FREE, 0, 1, 0, MM_NO_SLOT);
	assert_int_equal(drive.counts.notes, 1);
	row(MM_EV_REALLOC_IN, 0, 2, 10, MM_NO_SLOT); /* of a block that nobody knows */
	assert_int_equal(account().requested, 40);
	row(MM_EV_DISCARD, MM_NO_THREAD, MM_NO_SLOT, 0, MM_NO_SLOT);
	assert_int_equal(account().live, 0);
}

static void no_room(void **state)
{
	(void)state;
	birth(0, UINT64_C(1) << 50);
	assert_int_equal(drive.counts.failed, 1);
	death(0);
	assert_int_equal(drive.counts.unknown_frees, 1);
	birth(0, 100);
	row(MM_EV_REALLOC_OUT, 0, 0, 0, MM_NO_SLOT);
	row(MM_EV_REALLOC_IN, 0, 0, UINT64_C(1) << 50, 0);
	assert_int_equal(drive.counts.failed, 2);
	assert_int_equal(account().requested, 0);
}

/* What a lost part of a trace leaves may be said to be any number of objects: those that are known
 * are planted. */
static void seeds_are_what_is_known(void **state)
{
	struct mm_totals t = { .live_count = 7 };
	struct mm_object o = { .size = 100, .kind = MM_EV_MALLOC };
	struct mm_objects *objects;

	(void)state;
	assert_int_equal(mm_objects_create(&objects, 1), 0);
	mm_objects_gap(objects, UINT32_C(0xfffffff0), UINT32_C(0xffff0000), &t);
	for (uint32_t slot = 0; slot < 5; slot++)
		assert_int_equal(mm_objects_birth_at(objects, &o, slot), 0);
	assert_int_equal(mm_drive_seed(&drive, objects), 0);
	assert_int_equal(drive.counts.seeded, 5);
	assert_int_equal(drive.counts.live_bytes, 500);
	assert_int_equal(account().requested, 500);
	mm_objects_destroy(objects);
}

/* A trace that lies may name a slot far from all others: only where blocks were is looked. */
static void slots_far_apart(void **state)
{
	const uint32_t far = (UINT32_C(200) << MM_DRIVE_GROUP_SHIFT) + 5;
	size_t looked = 0, live = 0;

	(void)state;
	birth(3, 100);
	birth(far, 200);
	for (size_t i = mm_drive_slot_from(&drive, 0); i < drive.slot_cap;
	     i = mm_drive_slot_from(&drive, i + 1)) {
		live += drive.slot[i].where != 0;
		looked++;
	}
	assert_int_equal(live, 2);
	assert_in_range(looked, 2, 2 << MM_DRIVE_GROUP_SHIFT);
	assert_int_equal(account().requested, 300);
	row(MM_EV_DISCARD, 0, 0, 0, MM_NO_SLOT);
	assert_int_equal(account().requested, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ten_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(realloc_in_halves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gaps_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(seeds_are_what_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slots_far_apart, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("drive", tests, NULL, NULL);
}
