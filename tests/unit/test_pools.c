/* test_pools.c: events of pools through the trace and into the report, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/shm.h"
#include "modelkit.h"
#include "trace/hand.h"
#include "trace/objects.h"

static const struct mm_model_options pools_overview;

static void tell(struct kit *k, uint32_t p, const struct mm_event *ev)
{
	struct mm_event e = *ev;

	e.thread = MM_NO_THREAD;
	e.slot = ev->kind == MM_EV_BLOCK_MOVE ? ev->slot : MM_NO_SLOT;
	kit_other(k, p, &e);
}

static void tell_pool(struct kit *k, uint32_t p, uint32_t pool, const char *name, uint64_t block,
		      uint64_t live, int64_t flags, uint64_t time)
{
	tell(k, p, &(struct mm_event){ .kind = MM_EV_POOL, .pool = pool, .size = block,
		.blocks = live, .value = flags, .text = name, .text_len = (uint32_t)strlen(name),
		.time = time });
}

static void tell_slab(struct kit *k, uint32_t p, unsigned kind, uint32_t pool, uint64_t bytes,
		      int64_t before, uint64_t time)
{
	tell(k, p, &(struct mm_event){ .kind = (uint8_t)kind, .pool = pool, .addr = 0x10000,
		.size = bytes, .blocks = kind == MM_EV_SLAB_SIZE ? 0 : 8, .value = before,
		.time = time });
}

/* Where blocks of a pool are allocated. */
static uint32_t block_site(struct kit *k, uint32_t p, uint32_t pool, const char *category)
{
	struct mm_site s = { .kind = MM_SITE_CATEGORY, .module = pool };
	uint32_t string = 0, site;

	s.parent = kit_site(k, p, 0, "make", "m.c", 1);
	assert_int_equal(mm_stream_string(k->streams[p], category, strlen(category), &string), 0);
	s.value = string;
	assert_int_equal(mm_stream_site(k->streams[p], &s, &site), 0);
	return site;
}

static const struct mm_report_pool *pool_called(const struct mm_report *r, const char *name)
{
	for (size_t i = 0; i < r->pool_count; i++)
		if (strcmp(r->pools[i].name, name) == 0)
			return &r->pools[i];
	fail_msg("no pool %s", name);
	return NULL;
}

/* Of 100 bytes two thirds are taken at the peak; then slabs grow, shrink and go. */
static void figures_of_pools(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0), t = kit_thread(&k, p, 1, "t");
	tell_pool(&k, p, 1, "nodes", 10, 0, 0, 1);
	tell_pool(&k, p, 2, "empty", 0, 0, 0, 1);
	uint32_t site = block_site(&k, p, 1, "svo_nodes"), plain = kit_site(&k, p, 0, "x", "", 0);
	tell_slab(&k, p, MM_EV_SLAB, 1, 60, 0, 2);
	kit_alloc(&k, p, t, site, 30, 3);
	tell_slab(&k, p, MM_EV_SLAB_SIZE, 1, 100, 60, 4);
	kit_alloc(&k, p, t, plain, 1000, 5);
	size_t gone = kit_alloc(&k, p, t, site, 36, 6);
	kit_free(&k, gone, t, 7);
	tell_slab(&k, p, MM_EV_SLAB, 1, 500, 0, 8);
	tell_slab(&k, p, MM_EV_SLAB_END, 1, 500, 0, 9);
	tell(&k, p, &(struct mm_event){ .kind = MM_EV_POOL_END, .pool = 2, .time = 10 });
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &pools_overview);
	const struct mm_report_pool *q = pool_called(r, "nodes");
	assert_int_equal(r->pool_count, 2);
	assert_int_equal(q->block_bytes, 10);
	assert_int_equal(q->alloc_count, 2);
	assert_int_equal(q->free_count, 1);
	assert_int_equal(q->live_count, 1);
	assert_int_equal(q->live_bytes, 30);
	assert_int_equal(q->slab_count, 1);
	assert_int_equal(q->committed_bytes, 100);
	assert_int_equal(q->fragmentation_ppm, 700000);
	assert_int_equal(q->peak_committed_bytes, 600);
	assert_int_equal(q->at_peak_live_bytes, 66);
	assert_int_equal(q->at_peak_committed_bytes, 100);
	assert_int_equal(q->at_peak_fragmentation_ppm, 340000);
	q = pool_called(r, "empty");
	assert_int_equal(q->ended, 1);
	assert_true(q->block_bytes == MM_UNKNOWN);
	assert_true(q->fragmentation_ppm == MM_UNKNOWN);
	mm_report_free(r);
	kit_end(&k);
}

/* Under malloc the other objects are the blocks; a pool that nobody named has a number; what a
 * forked process has from its parent makes the live blocks unknown. */
static void pools_under_malloc_and_of_forks(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0), t = kit_thread(&k, p, 1, "t");
	tell_pool(&k, p, 1, "malloc", 0, 0, MM_POOLF_MALLOC, 1);
	tell_pool(&k, p, 2, "had", 8, 5, MM_POOLF_AGAIN, 1);
	tell_slab(&k, p, MM_EV_SLAB, 1, 400, 0, 2);
	tell_slab(&k, p, MM_EV_SLAB, 7, 64, 0, 2);
	kit_alloc(&k, p, t, kit_site(&k, p, 0, "x", "", 0), 100, 3);
	kit_alloc(&k, p, t, block_site(&k, p, 7, ""), 16, 4);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &pools_overview);
	assert_int_equal(pool_called(r, "malloc")->live_bytes, 100);
	assert_int_equal(pool_called(r, "malloc")->fragmentation_ppm, 750000);
	assert_int_equal(pool_called(r, "pool 7")->live_bytes, 16);
	assert_int_equal(pool_called(r, "pool 7")->fragmentation_ppm, 750000);
	assert_true(pool_called(r, "had")->live_bytes == MM_UNKNOWN);
	assert_int_equal(pool_called(r, "had")->inherited, 1);
	mm_report_free(r);
	kit_end(&k);
}

static int compare_with(void *arg, const struct mm_event *ev, uint32_t index)
{
	const struct mm_event *want = (const struct mm_event *)arg + index;

	assert_int_equal(ev->kind, want->kind);
	assert_int_equal(ev->pool, want->pool);
	assert_int_equal(ev->addr, want->addr);
	assert_int_equal(ev->size, want->size);
	assert_int_equal(ev->blocks, want->blocks);
	assert_int_equal(ev->value, want->value);
	if (want->kind == MM_EV_BLOCK_MOVE)
		assert_int_equal(ev->slot, want->slot);
	assert_int_equal(ev->text_len, want->text_len);
	return 0;
}

static void events_come_back(void **state)
{
	struct mm_event all[] = {
		{ .kind = MM_EV_POOL, .pool = UINT32_MAX, .size = UINT64_MAX, .blocks = 3,
		  .value = 2, .text = "abc", .text_len = 3 },
		{ .kind = MM_EV_SLAB, .pool = 1, .addr = UINT64_MAX, .size = 65536, .blocks = 9 },
		{ .kind = MM_EV_SLAB_SIZE, .pool = 1, .addr = 8, .size = 4096, .value = 65536 },
		{ .kind = MM_EV_BLOCK_KEY, .pool = 2, .addr = 16, .value = INT64_MIN },
		{ .kind = MM_EV_BLOCK_MOVE, .pool = 2, .addr = 16, .value = 32, .slot = 77 },
		{ .kind = MM_EV_BLOCK_MOVE, .pool = 2, .addr = 16, .value = 32,
		  .slot = MM_NO_SLOT },
		{ .kind = MM_EV_SLAB_END, .pool = 1, .addr = 1, .size = 0, .blocks = 9 },
		{ .kind = MM_EV_POOL_END, .pool = 1 },
	};
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		tell(&k, p, &all[i]);
	kit_reader(&k);
	assert_int_equal(mm_reader_chunks(k.reader, p), 1);
	assert_int_equal(mm_hand_other(mm_reader_hand(k.reader), p, 0, compare_with, all), 0);
	kit_end(&k);
}

static void moved_blocks_are_where_they_went(void **state)
{
	struct mm_cursor *cursor;
	struct mm_object o;
	struct mm_event ev;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0), t = kit_thread(&k, p, 1, "t");
	size_t a = kit_alloc(&k, p, t, 0, 16, 1);
	uint32_t slot = k.objects[a].slot;
	tell(&k, p, &(struct mm_event){ .kind = MM_EV_BLOCK_MOVE, .pool = 1, .addr = 1,
					.value = 0x123450, .slot = slot, .time = 2 });
	tell(&k, p, &(struct mm_event){ .kind = MM_EV_BLOCK_MOVE, .pool = 1, .addr = 1,
					.value = 0x777770, .slot = 4000000, .time = 2 });
	kit_reader(&k);
	assert_int_equal(mm_cursor_open(&cursor, k.reader, p, 0, NULL), 0);
	while (mm_cursor_next(cursor, &ev) > 0)
		;
	assert_true(mm_objects_get(mm_cursor_objects(cursor), slot, &o));
	assert_int_equal(o.addr, 0x123450);
	assert_int_equal(o.size, 16);
	mm_cursor_close(cursor);
	kit_end(&k);
}

/* Words that are there are all that is looked at. */
static void records_know_their_lengths(void **state)
{
	uint64_t w[16] = { MM_REC_HEAD(MM_REC_POOL, 0), 0, 9 };

	(void)state;
	assert_int_equal(mm_rec_words(w, 16), 9);
	assert_int_equal(mm_rec_words(w, 8), 0);
	w[2] = 5000;
	assert_int_equal(mm_rec_words(w, 16), 0);
	for (unsigned kind = MM_REC_SLAB; kind <= MM_REC_SLAB_SIZE; kind++) {
		w[0] = MM_REC_HEAD(kind, 64);
		assert_int_equal(mm_rec_words(w, 16), 6);
		assert_int_equal(mm_rec_words(w, 5), 0);
	}
	w[0] = MM_REC_HEAD(MM_REC_POOL_END, 0);
	assert_int_equal(mm_rec_words(w, 4), 4);
	w[0] = MM_REC_HEAD(MM_REC_KINDS, 0);
	assert_int_equal(mm_rec_words(w, 16), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_of_pools),
		cmocka_unit_test(pools_under_malloc_and_of_forks),
		cmocka_unit_test(events_come_back),
		cmocka_unit_test(moved_blocks_are_where_they_went),
		cmocka_unit_test(records_know_their_lengths),
	};

	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
