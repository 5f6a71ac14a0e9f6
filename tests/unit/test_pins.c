/* test_pins.c: who pins free memory, computed by hand: slabs of the engine, pages of the heap
 * that was recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "modelkit.h"
#include "model/report_store.h"
#include "replay/replay.h"

struct world {
	struct kit kit;
	struct mm_report_store *store;
	struct mm_naming *naming;
	struct mm_replay_options options;
	uint32_t site[3];
	uint64_t time;
};

static int set_up(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	kit_begin(&w.kit);
	kit_process(&w.kit, 100, MM_START_COMMAND, 0);
	kit_thread(&w.kit, 0, 100, "main");
	w.site[0] = kit_site(&w.kit, 0, 0, "main", "main.c", 10);
	w.site[1] = kit_site(&w.kit, 0, w.site[0], "load", "load.c", 20);
	w.site[2] = kit_site(&w.kit, 0, w.site[0], "cache", "cache.c", 30);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	if (w->naming)
		mm_naming_destroy(w->naming);
	mm_report_store_free(w->store);
	kit_end(&w->kit);
	return 0;
}

static size_t birth_at(struct world *w, uint64_t addr, int site, uint64_t size)
{
	w->kit.next_object = addr;
	return kit_alloc(&w->kit, 0, 0, w->site[site], size, w->time += 1000);
}

static struct mm_reader *read_it(struct world *w)
{
	struct mm_reader *r = kit_reader(&w->kit);

	w->store = mm_report_store_create();
	assert_int_equal(mm_naming_create(&w->naming, r, NULL, w->store, NULL), 0);
	w->options = (struct mm_replay_options){ .to_ns = MM_UNKNOWN, .naming = w->naming,
						 .store = w->store };
	return r;
}

/* Three blocks of one site and one of another in a slab of 585: 112 bytes each. */
static void slabs(void **state)
{
	struct world *w = *state;
	static struct mm_outcome out;

	for (int i = 0; i < 3; i++)
		birth_at(w, 0x10000 + (uint64_t)i * 128, 1, 100);
	birth_at(w, 0x20000, 2, 105);
	assert_int_equal(mm_replay_run(read_it(w), &w->options, &out, NULL), 0);
	uint64_t all = out.at_peak.slab_external_bytes;
	assert_int_equal(all, 4096 - 4 * 112); /* one page of the slab; a magazine begins with 4 */
	assert_int_equal(out.at_peak.cached_bytes, (4 - out.at_peak.live_count) * 112);
	assert_int_equal(out.pinned.free_bytes, all);
	assert_int_equal(out.pinned.nobody_bytes, 0);
	/* The peak is at the first block: the engine obtains nothing more for the others. */
	assert_int_equal(out.at_peak.live_count, 1);
	assert_int_equal(out.pinned.site_count, 1);
	assert_int_equal(out.pinned.row[0].bytes, all);
	assert_string_equal(out.pinned.row[0].name, "load");
	assert_string_equal(out.pinned.row[0].callers, "main");
	assert_int_equal(out.pinned.row[0].line, 20);
}

/* Four live blocks of a slab when a large one makes the peak: a quarter each, and what is left
 * over to the oldest. */
static void shares(void **state)
{
	struct world *w = *state;
	static struct mm_outcome out;

	birth_at(w, 0x10000, 2, 105);
	for (int i = 0; i < 3; i++)
		birth_at(w, 0x20000 + (uint64_t)i * 128, 1, 100);
	birth_at(w, 0x30000, 0, 1000000);
	assert_int_equal(mm_replay_run(read_it(w), &w->options, &out, NULL), 0);
	uint64_t all = out.at_peak.slab_external_bytes;
	assert_int_equal(out.at_peak.live_count, 5);
	assert_int_equal(out.pinned.site_count, 2); /* a large block pins nothing */
	assert_int_equal(out.pinned.row[0].bytes, all / 4 * 3);
	assert_int_equal(out.pinned.row[0].object_count, 3);
	assert_string_equal(out.pinned.row[1].name, "cache");
	assert_int_equal(out.pinned.row[1].bytes, all / 4 + all % 4);
}

/* A page with 100, 48 and 96 bytes in use, the last of an object that fills the next page;
 * then one that holds a byte of an object of size 0. */
static void pages(void **state)
{
	struct world *w = *state;
	struct mm_recorded_heap heap;

	birth_at(w, 0x10000, 1, 100);
	birth_at(w, 0x10000 + 2000, 2, 48);
	birth_at(w, 0x10000 + 4000, 1, 96 + 4096);
	size_t gone = birth_at(w, 0x50000, 2, 0);
	birth_at(w, 0x90000, 2, 0);
	birth_at(w, 0xa0000 + 100, 0, 3 * 4096);
	kit_free(&w->kit, gone, 0, w->time += 1000); /* after the peak: it still counts */
	assert_int_equal(mm_replay_recorded(read_it(w), &w->options, &heap, NULL), 0);
	assert_true(heap.known);
	assert_int_equal(heap.committed_bytes, (2 + 1 + 1 + 4) * 4096);
	assert_int_equal(heap.requested_bytes, 100 + 48 + 4192 + 3 * 4096);
	uint64_t first = 4096 - 100 - 48 - 96, empty = 4095, ends = 4096;
	assert_int_equal(heap.pinned.free_bytes, first + 2 * empty + ends);
	assert_int_equal(heap.pinned.nobody_bytes, 0);
	assert_int_equal(heap.pinned.site_count, 3);
	assert_int_equal(heap.pinned.row[0].bytes, first / 3 + 2 * empty); /* cache */
	assert_int_equal(heap.pinned.row[1].bytes, ends);                  /* main */
	assert_int_equal(heap.pinned.row[2].bytes, first / 3 * 2 + first % 3); /* load */
}

static void few_rows(void **state)
{
	struct world *w = *state;
	struct mm_recorded_heap heap;

	birth_at(w, 0x10000, 1, 4000);
	birth_at(w, 0x20000, 2, 96);
	struct mm_reader *r = read_it(w);
	w->options.pinned_rows = 1;
	assert_int_equal(mm_replay_recorded(r, &w->options, &heap, NULL), 0);
	assert_int_equal(heap.pinned.row_count, 1);
	assert_int_equal(heap.pinned.site_count, 2);
	assert_int_equal(heap.pinned.row[0].bytes, 4000);
	assert_int_equal(heap.pinned.rest_bytes, 96);
}

/* A program that allocates nothing; a sanitized build looks at what the sums are made from. */
static void nothing_at_all(void **state)
{
	struct world *w = *state;
	struct mm_recorded_heap heap;
	static struct mm_outcome out;
	struct mm_reader *r = read_it(w);

	assert_int_equal(mm_replay_run(r, &w->options, &out, NULL), 0);
	assert_int_equal(out.pinned.site_count, 0);
	assert_int_equal(mm_replay_recorded(r, &w->options, &heap, NULL), 0);
	assert_int_equal(heap.pinned.site_count, 0);
	assert_int_equal(heap.committed_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(slabs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shares, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(few_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_at_all, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
