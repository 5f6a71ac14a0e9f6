/* test_trace.c: what goes into a trace comes out of it: every kind of event, the rule of
 * slots, totals, digests, one chunk alone, a walk from the middle, a file still growing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "trace/hand.h"
#include "tracecheck.h"
#include "tracegen.h"

enum { SEEDS = 20 };

static struct mm_reader *open_trace(const char *path)
{
	struct mm_reader *r = NULL;
	struct mm_diag diag = { "" };

	if (mm_reader_open(&r, path, &diag))
		fail_msg("%s", diag.text);
	return r;
}

static void expect_whole(struct mm_reader *r, const struct tg *g)
{
	const char *field;
	size_t n = tc_walk(r, g, &field);

	if (field || n != g->count)
		fail_msg("%zu of %zu events, then %s", n, g->count, field ? field : "the end");
	assert_null(tc_totals_differ(mm_reader_totals(r, 0), &g->totals));
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
	assert_int_equal(mm_reader_info(r)->lost_bytes, 0);
	assert_int_equal(mm_reader_info(r)->complete, 1);
}

static void round_trips(void **state)
{
	static const size_t per_chunk[] = { 0, 50, 700, 5000 };
	char *path = tg_path("round");

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct mm_writer_options opt = tg_options();
		struct tg g;
		opt.no_addresses = seed % 5 == 0;
		opt.time_resolution_ns = seed % 7 == 0 ? 1 : 1000;
		tg_write(&g, path, seed, 20000, per_chunk[seed % 4], &opt);
		struct mm_reader *r = open_trace(path);
		expect_whole(r, &g);
		assert_int_equal(mm_reader_info(r)->has_addresses, !opt.no_addresses);
		mm_reader_close(r);
		tg_end(&g);
		unlink(path);
	}
	free(path);
}

static void full_chunks(void **state)
{
	char *path = tg_path("full");
	struct mm_writer_options opt = tg_options();
	struct tg g;

	(void)state;
	tg_write(&g, path, 99, 200000, 0, &opt);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_reader_chunks(r, 0), 4);
	assert_int_equal(mm_reader_chunk(r, 0, 0)->events, 65536);
	expect_whole(r, &g);
	mm_reader_close(r);
	tg_end(&g);
	unlink(path);
	free(path);
}

/* --- digests and chunk heads ------------------------------------------------------------ */

struct sums { uint64_t allocs, frees, in, out, temporaries; };

static void add(struct sums *s, const struct mm_event *ev)
{
	if (mm_event_is_birth(ev->kind)) {
		s->allocs++;
		s->in += ev->size;
	} else {
		s->frees++;
		s->out += ev->size;
		s->temporaries += ev->temporary;
	}
}

static unsigned log2_bucket(uint64_t v, unsigned most)
{
	unsigned k = 0;

	for (; v; v >>= 1)
		k++;
	return k < most ? k : most;
}

struct by_hand {
	struct sums sites[TG_SITES], threads[TG_THREADS];
	uint64_t life[MM_LIFE_BUCKETS], sizes[MM_SIZE_BUCKETS], freed[MM_SIZE_BUCKETS];
};

static void add_by_hand(struct by_hand *h, const struct mm_event *ev)
{
	int birth = mm_event_is_birth(ev->kind);

	if (!birth && (!mm_event_is_death(ev->kind) || ev->kind == MM_EV_INHERITED))
		return;
	add(&h->sites[birth ? ev->site : ev->born_site], ev);
	add(&h->threads[birth ? ev->thread : ev->born_thread], ev);
	if (birth) {
		h->sizes[log2_bucket(ev->size, MM_SIZE_BUCKETS - 1)]++;
		return;
	}
	h->freed[log2_bucket(ev->size, MM_SIZE_BUCKETS - 1)]++;
	unsigned life = log2_bucket(ev->time - ev->born_time, MM_LIFE_BUCKETS);
	h->life[life ? life - 1 : 0]++;
}

static void expect_sums(const struct sums *s, uint64_t allocs, uint64_t frees, uint64_t in,
			uint64_t out, uint64_t temporaries)
{
	assert_int_equal(s->allocs, allocs);
	assert_int_equal(s->frees, frees);
	assert_int_equal(s->in, in);
	assert_int_equal(s->out, out);
	assert_int_equal(s->temporaries, temporaries);
}

static void expect_digest(struct mm_reader *r, uint32_t chunk, const struct by_hand *h)
{
	struct mm_digest d;
	uint64_t seen = 0, want = 0;

	assert_int_equal(mm_reader_digest(r, 0, chunk, &d), 0);
	for (size_t i = 0; i < d.site_count; i++) {
		const struct mm_digest_site *s = &d.sites[i];
		assert_true(s->site < TG_SITES);
		expect_sums(&h->sites[s->site], s->allocs, s->frees, s->bytes_in,
			    s->bytes_out, s->temporaries);
		seen += s->allocs + s->frees;
	}
	for (size_t i = 0; i < d.thread_count; i++) {
		const struct mm_digest_thread *t = &d.threads[i];
		assert_true(t->thread < TG_THREADS);
		expect_sums(&h->threads[t->thread], t->allocs, t->frees, t->bytes_in,
			    t->bytes_out, t->temporaries);
	}
	for (size_t i = 0; i < TG_SITES; i++)
		want += h->sites[i].allocs + h->sites[i].frees;
	assert_int_equal(seen, want);
	assert_memory_equal(d.life_count, h->life, sizeof h->life);
	assert_memory_equal(d.size_count, h->sizes, sizeof h->sizes);
	assert_memory_equal(d.size_freed_count, h->freed, sizeof h->freed);
	mm_digest_deinit(&d);
}

static void digests_and_heads(void **state)
{
	char *path = tg_path("digest");
	struct mm_writer_options opt = tg_options();
	struct mm_totals after = { 0 };
	struct tg g;
	size_t at = 0;

	(void)state;
	tg_write(&g, path, 5, 30000, 1500, &opt);
	struct mm_reader *r = open_trace(path);
	assert_true(mm_reader_chunks(r, 0) >= 20);
	for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++) {
		const struct mm_chunk_info *info = mm_reader_chunk(r, 0, i);
		struct by_hand h = { 0 };
		uint64_t live = info->before.live_bytes, peak = live, peak_at = 0;
		assert_false(info->after_gap);
		assert_int_equal(info->before.allocs, after.allocs);
		assert_int_equal(info->first_time, g.events[at].time);
		for (size_t k = 0; k < info->events; k++) {
			const struct mm_event *ev = &g.events[at + k];
			add_by_hand(&h, ev);
			after.allocs += mm_event_is_birth(ev->kind);
			live += mm_event_is_birth(ev->kind) ? ev->size : 0;
			if (live > peak) {
				peak = live;
				peak_at = k;
			}
			if (mm_event_is_death(ev->kind) && ev->kind != MM_EV_INHERITED)
				live -= ev->size;
		}
		assert_int_equal(info->peak_bytes, peak);
		assert_int_equal(info->peak_index, peak_at);
		at += info->events;
		assert_int_equal(info->last_time, g.events[at - 1].time);
		expect_digest(r, i, &h);
	}
	assert_int_equal(at, g.count);
	mm_reader_close(r);
	tg_end(&g);
	unlink(path);
	free(path);
}

/* --- parts of a trace ---------------------------------------------------------------------- */

struct alone { const struct tg *g; size_t at, known, unknown; };

static int compare_alone(void *arg, const struct mm_event *ev)
{
	struct alone *a = arg;
	const char *field = tc_differs(ev, &a->g->events[a->at], 1);

	if (field)
		fail_msg("event %zu: %s", a->at, field);
	a->unknown += ev->flags & MM_EVF_BORN_UNKNOWN;
	a->known += mm_event_is_death(ev->kind) && !(ev->flags & MM_EVF_BORN_UNKNOWN);
	a->at++;
	return 0;
}

static void chunk_alone(void **state)
{
	char *path = tg_path("alone");
	struct mm_writer_options opt = tg_options();
	struct tg g;

	(void)state;
	tg_write(&g, path, 6, 30000, 3000, &opt);
	struct mm_reader *r = open_trace(path);
	struct alone a = { .g = &g };
	for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++)
		assert_int_equal(mm_reader_decode(r, 0, i, compare_alone, &a), 0);
	assert_int_equal(a.at, g.count);
	assert_true(a.known > 0 && a.unknown > 0);
	assert_int_equal(mm_reader_decode(r, 0, mm_reader_chunks(r, 0), compare_alone, &a),
			 MM_ENOENT);
	mm_reader_close(r);
	tg_end(&g);
	unlink(path);
	free(path);
}

static int stop_at_once(void *arg, const struct mm_event *ev)
{
	(void)ev;
	return ++*(int *)arg == 3 ? MM_ELIMIT : 0;
}

/* Some births of a chunk, as all its rows tell them. */
static void expect_births(struct mm_reader *r, uint32_t chunk, const uint64_t *bits, uint32_t slots)
{
	struct mm_rows all = { 0 }, some = { 0 };
	uint32_t last[TG_THREADS] = { 0 }, got;
	size_t n = 0;

	assert_int_equal(mm_hand_rows(mm_reader_hand(r), 0, chunk, &all), 0);
	assert_int_equal(mm_hand_births(mm_reader_hand(r), 0, chunk, bits, slots, &some), 0);
	assert_int_equal(some.births, all.births);
	for (size_t i = 0; i < all.count; i++) {
		const struct mm_row *a = &all.rows[i];
		if (!mm_event_is_birth(a->kind))
			continue;
		last[a->thread] = (uint32_t)i + 1;
		if (a->slot >= slots || !(bits[a->slot / 64] >> a->slot % 64 & 1))
			continue;
		assert_true(n < some.count);
		const struct mm_row *b = &some.rows[n++];
		assert_int_equal(b->ref, i);
		assert_int_equal(b->slot, a->slot);
		assert_int_equal(b->size, a->size);
		assert_int_equal(b->tick, a->tick);
		assert_int_equal(b->site, a->site);
		assert_int_equal(b->thread, a->thread);
		assert_int_equal(b->kind, a->kind);
		assert_int_equal(b->align_log2, a->align_log2);
	}
	assert_int_equal(n, some.count);
	for (uint32_t i = 0; i < TG_THREADS; i++) {
		assert_int_equal(mm_hand_last_birth(mm_reader_hand(r), i, &got), 0);
		assert_int_equal(got, last[i]);
	}
	mm_rows_deinit(&all);
	mm_rows_deinit(&some);
}

/* After more births than bits are kept of their numbers. */
static void orders_wrap(void **state)
{
	(void)state;
	assert_true(mm_order_is_latest(4, 5));
	assert_true(mm_order_is_latest(4, (UINT32_C(1) << 30) + 5));
	assert_false(mm_order_is_latest(4, (UINT32_C(1) << 30) + 6));
	assert_false(mm_order_is_latest(5, 5));
}

static void some_births_alone(void **state)
{
	static const size_t per_chunk[] = { 0, 50, 700, 5000 };
	char *path = tg_path("births");

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct mm_writer_options opt = tg_options();
		struct tg g;
		opt.time_resolution_ns = seed % 3 == 0 ? 1 : 1000;
		tg_write(&g, path, seed, 20000, per_chunk[seed % 4], &opt);
		struct mm_reader *r = open_trace(path);
		uint64_t *bits = calloc(g.high / 64 + 1, sizeof *bits);
		for (uint32_t c = 0; c < mm_reader_chunks(r, 0); c++) {
			for (uint32_t i = 0; i <= g.high / 64; i++)
				bits[i] = c % 2 ? ~UINT64_C(0) : tg_random(&g) & tg_random(&g) & tg_random(&g);
			expect_births(r, c, bits, c % 3 ? g.high : g.high / 2);
		}
		free(bits);
		mm_reader_close(r);
		tg_end(&g);
		unlink(path);
	}
	free(path);
}

static void walk_from_the_middle(void **state)
{
	char *path = tg_path("middle");
	struct mm_writer_options opt = tg_options();
	struct tg g;
	size_t first = 0;
	int calls = 0;

	(void)state;
	tg_write(&g, path, 7, 40000, 1000, &opt);
	struct mm_reader *r = open_trace(path);
	for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++) {
		struct mm_cursor *c;
		struct mm_event ev;
		assert_int_equal(mm_cursor_open(&c, r, 0, i, NULL), 0);
		for (size_t k = first; k < first + 1500 && k < g.count; k++) {
			assert_int_equal(mm_cursor_next(c, &ev), 1);
			assert_null(tc_differs(&ev, &g.events[k], 0));
		}
		assert_int_equal(mm_objects_check(mm_cursor_objects(c)), 0);
		mm_cursor_close(c);
		first += mm_reader_chunk(r, 0, i)->events;
	}
	struct mm_cursor *none = NULL;
	assert_int_equal(mm_cursor_open(&none, r, 0, mm_reader_chunks(r, 0), NULL), MM_ENOENT);
	assert_int_equal(mm_cursor_open(&none, r, 1, 0, NULL), MM_ENOENT);
	assert_int_equal(mm_reader_decode(r, 0, 0, stop_at_once, &calls), MM_ELIMIT);
	assert_int_equal(calls, 3);
	mm_reader_close(r);
	tg_end(&g);
	unlink(path);
	free(path);
}

static void follows_a_growing_file(void **state)
{
	char *path = tg_path("grow");
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;
	struct mm_cursor *c = NULL;
	struct mm_event ev;
	struct tg g;
	size_t n = 0;

	(void)state;
	assert_int_equal(mm_writer_open(&w, path, &opt, NULL), 0);
	tg_begin(&g, w, 8, "demo");
	assert_int_equal(mm_writer_sync(w, 0, 1), 0);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	for (int round = 0; round < 30; round++) {
		size_t before = g.count;
		while (g.count < before + 500)
			tg_step(&g);
		assert_int_equal(mm_writer_sync(w, g.now, 1), 0);
		assert_true(mm_reader_refresh(r, NULL) >= 1);
		assert_int_equal(mm_reader_info(r)->complete, 0);
		while (mm_cursor_next(c, &ev) > 0)
			assert_null(tc_differs(&ev, &g.events[n++], 0));
		assert_int_equal(n, g.count);
	}
	assert_int_equal(mm_writer_close(w, NULL), 0);
	assert_int_equal(mm_reader_refresh(r, NULL), 0);
	assert_int_equal(mm_reader_info(r)->complete, 1);
	mm_cursor_close(c);
	mm_reader_close(r);
	tg_end(&g);
	unlink(path);
	free(path);
}

static void processes_are_apart(void **state)
{
	char *path = tg_path("processes");
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;
	struct tg g[3];

	(void)state;
	assert_int_equal(mm_writer_open(&w, path, &opt, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		tg_begin(&g[i], w, 20 + i, i ? "child" : "parent");
	for (int i = 0; i < 9000; i++)
		tg_step(&g[i % 3]);
	assert_int_equal(mm_stream_close(g[1].s), 0);
	for (int i = 0; i < 500; i++)
		tg_step(&g[2]);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	struct mm_reader *r = open_trace(path);
	assert_int_equal(mm_reader_processes(r), 3);
	for (uint32_t p = 0; p < 3; p++) {
		struct mm_cursor *c;
		struct mm_event ev;
		size_t n = 0;
		assert_int_equal(mm_cursor_open(&c, r, p, 0, NULL), 0);
		while (mm_cursor_next(c, &ev) > 0)
			assert_null(tc_differs(&ev, &g[p].events[n++], 0));
		assert_int_equal(n, g[p].count);
		assert_null(tc_totals_differ(mm_reader_totals(r, p), &g[p].totals));
		mm_cursor_close(c);
		tg_end(&g[p]);
	}
	mm_reader_close(r);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(full_chunks),
		cmocka_unit_test(digests_and_heads),
		cmocka_unit_test(chunk_alone),
		cmocka_unit_test(orders_wrap),
		cmocka_unit_test(some_births_alone),
		cmocka_unit_test(walk_from_the_middle),
		cmocka_unit_test(follows_a_growing_file),
		cmocka_unit_test(processes_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
