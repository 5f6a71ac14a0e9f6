/* test_model.c: totals, tables, ranges and categories of the report against traces small
 * enough to compute by hand, and against an oracle that counts by brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "modelkit.h"
#include "trace/codec.h"
#include "trace/hand.h"

static const struct mm_model_options overview;

static const struct mm_report_row *row_named(const struct mm_report_table *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return &t->rows[i];
	return NULL;
}

static void assert_measure(const struct mm_measure *got, const struct mm_measure *want)
{
	assert_int_equal(got->alloc_count, want->alloc_count);
	assert_int_equal(got->alloc_bytes, want->alloc_bytes);
	assert_int_equal(got->free_count, want->free_count);
	assert_int_equal(got->free_bytes, want->free_bytes);
	assert_int_equal(got->temporary_count, want->temporary_count);
	assert_int_equal(got->live_bytes, want->live_bytes);
	assert_int_equal(got->live_count, want->live_count);
	assert_int_equal(got->leak_bytes, want->leak_bytes);
	assert_int_equal(got->leak_count, want->leak_count);
}

/* --- by hand --------------------------------------------------------------------------- */

/* main allocates 100 (stays) and calls parse, which allocates 1000 and 10 and frees both;
 * the 10 at once (temporary). Peak: 100 + 1000 + 10 = 1110 at t = 30. */
static void make_by_hand(struct kit *k)
{
	kit_begin(k);
	uint32_t p = kit_process(k, 4242, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(k, p, 4242, "program");
	uint32_t main_site = kit_site(k, p, 0, "main", "src/main.c", 7);
	uint32_t parse = kit_site(k, p, main_site, "parse", "src/parse.c", 99);
	uint32_t wrap = kit_site(k, p, parse, "operator new(unsigned long)", "", 0);

	kit_alloc(k, p, t, main_site, 100, 10);
	size_t big = kit_alloc(k, p, t, parse, 1000, 20);
	size_t small = kit_alloc(k, p, t, wrap, 10, 30);
	kit_free(k, small, t, 40);
	kit_free(k, big, t, 50);
	kit_process_end(k, p, MM_END_EXIT, 3, 60);
	kit_reader(k);
}

static void totals_by_hand(void **state)
{
	struct kit k;

	(void)state;
	make_by_hand(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.all.alloc_count, 3);
	assert_int_equal(r->totals.all.alloc_bytes, 1110);
	assert_int_equal(r->totals.all.free_count, 2);
	assert_int_equal(r->totals.all.free_bytes, 1010);
	assert_int_equal(r->totals.peak_live_bytes, 1110);
	assert_int_equal(r->totals.peak_live_count, 3);
	assert_int_equal(r->totals.peak_at_ns, 30);
	assert_int_equal(r->totals.all.live_bytes, 100);
	assert_int_equal(r->totals.all.live_count, 1);
	assert_int_equal(r->totals.all.temporary_count, 1);
	assert_int_equal(r->totals.all.leak_bytes, 100);
	assert_int_equal(r->run.pid, 4242);
	assert_int_equal(r->run.end, MM_END_EXIT);
	assert_int_equal(r->run.exit, 3);
	assert_string_equal(r->run.cmd, "./program --fast");
	assert_int_equal(r->run.whole, 1);
	mm_report_free(r);
	kit_end(&k);
}

static void sites_by_hand(void **state)
{
	struct kit k;

	(void)state;
	make_by_hand(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->table.count, 3);
	const struct mm_report_row *row = r->table.rows;
	assert_string_equal(row[0].name, "parse");
	assert_string_equal(row[0].place, "parse.c:99");
	assert_int_equal(row[0].own.peak_bytes, 1000);
	assert_int_equal(row[0].own.live_bytes, 0);
	assert_string_equal(row[1].name, "main");
	assert_int_equal(row[1].own.peak_bytes, 100);
	/* operator new only passes on: its caller is what the row names. */
	assert_string_equal(row[2].name, "parse");
	assert_int_equal(row[2].own.peak_bytes, 10);
	assert_int_equal(r->stacks[row[2].stack].first, 1);
	assert_int_equal(r->stacks[row[2].stack].count, 3);
	assert_int_equal(r->leaks.count, 1);
	assert_string_equal(r->leaks.rows[0].name, "main");
	assert_int_equal(r->leaks.rows[0].oldest_ns, 10);
	assert_int_equal(r->temporary.count, 1);
	assert_int_equal(r->temporary.rows[0].own.temporary_count, 1);
	mm_report_free(r);
	kit_end(&k);
}

static void histograms_by_hand(void **state)
{
	struct kit k;

	(void)state;
	make_by_hand(&k);
	struct mm_report *r = kit_report(&k, &overview);
	/* 10 in [8, 16), 100 in [64, 128), 1000 in [512, 1024) */
	assert_int_equal(r->size_count, 3);
	assert_int_equal(r->sizes[0].low, 8);
	assert_int_equal(r->sizes[0].high, 16);
	assert_int_equal(r->sizes[1].live_count, 1);
	assert_int_equal(r->sizes[2].bytes, 1000);
	assert_int_equal(r->sizes[2].live_count, 0);
	/* lifetimes 10 and 30: [8, 16), [16, 32) */
	assert_int_equal(r->lifetime_count, 2);
	assert_int_equal(r->lifetimes[0].low, 8);
	assert_int_equal(r->lifetimes[1].bytes, 1000);
	assert_int_equal(mm_report_lifetime_quantile(r, 500000), 16);
	assert_int_equal(mm_report_lifetime_quantile(r, 510000), 32);
	mm_report_free(r);
	kit_end(&k);
}

static void functions_by_hand(void **state)
{
	struct mm_model_options o = { .by = MM_BY_FUNCTION };
	struct kit k;

	(void)state;
	make_by_hand(&k);
	struct mm_report *r = kit_report(&k, &o);
	const struct mm_report_row *parse = row_named(&r->table, "parse");
	const struct mm_report_row *main_row = row_named(&r->table, "main");
	assert_int_equal(parse->own.peak_bytes, 1010);
	assert_int_equal(parse->inclusive.peak_bytes, 1010);
	assert_int_equal(main_row->own.peak_bytes, 100);
	assert_int_equal(main_row->inclusive.peak_bytes, 1110);
	assert_int_equal(main_row->inclusive.alloc_count, 3);
	const struct mm_report_row *wrap = row_named(&r->table, "operator new(unsigned long)");
	assert_int_equal(wrap->own.peak_bytes, 0);
	assert_int_equal(wrap->inclusive.peak_bytes, 10);
	mm_report_free(r);
	o.by = MM_BY_FILE;
	r = kit_report(&k, &o);
	assert_int_equal(row_named(&r->table, "src/parse.c")->own.peak_bytes, 1010);
	mm_report_free(r);
	o.by = MM_BY_LIBRARY;
	r = kit_report(&k, &o);
	assert_int_equal(row_named(&r->table, "program")->own.peak_bytes, 1110);
	assert_string_equal(row_named(&r->table, "program")->place, "/opt/kit/program");
	mm_report_free(r);
	kit_end(&k);
}

static void recursion_counts_once(void **state)
{
	struct mm_model_options o = { .by = MM_BY_FUNCTION };
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t site = kit_site(&k, p, 0, "walk", "w.c", 1);
	site = kit_site(&k, p, site, "walk", "w.c", 2);
	site = kit_site(&k, p, site, "walk", "w.c", 2);
	kit_alloc(&k, p, t, site, 8, 1);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->table.count, 1);
	assert_int_equal(r->table.rows[0].inclusive.peak_bytes, 8);
	mm_report_free(r);
	kit_end(&k);
}

static void inlined_frames_are_shown(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t site = kit_inlined(&k, p, kit_site(&k, p, 0, "main", "", 0), "inner", "outer");
	kit_alloc(&k, p, t, site, 8, 1);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	const struct mm_report_stack *s = &r->stacks[r->table.rows[0].stack];
	assert_int_equal(s->count, 3);
	assert_string_equal(r->frames[s->frames[0]].name, "inner");
	assert_int_equal(r->frames[s->frames[0]].inlined, 1);
	assert_string_equal(r->frames[s->frames[1]].name, "outer");
	assert_int_equal(r->frames[s->frames[1]].inlined, 0);
	assert_string_equal(r->frames[s->frames[2]].name, "main");
	assert_string_equal(r->table.rows[0].place, "inner.h:3");
	mm_report_free(r);
	kit_end(&k);
}

static void unknown_names_show_module_and_offset(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	kit_alloc(&k, p, t, kit_site(&k, p, 0, "", "", 0), 8, 1);
	kit_alloc(&k, p, t, 0, 16, 2);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_string_equal(r->table.rows[0].name, "[no stack]");
	assert_string_equal(r->table.rows[1].name, "program+0x400010");
	mm_report_free(r);
	kit_end(&k);
}

static void empty_process_gives_an_empty_report(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.all.alloc_count, 0);
	assert_int_equal(r->totals.peak_live_bytes, 0);
	assert_int_equal(r->table.count, 0);
	assert_int_equal(r->timeline.count, 0);
	assert_true(r->totals.rss_peak_bytes == MM_UNKNOWN);
	assert_true(r->totals.unaccounted_bytes == MM_UNKNOWN);
	mm_report_free(r);
	kit_end(&k);
}

/* --- laws, on random traces ------------------------------------------------------------- */

enum { SITES = 40, THREADS = 5, STEP_NS = 1000 };

static uint64_t random_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* `events` births and deaths, with bursts, reallocs and frees by other threads. */
static void make_random(struct kit *k, uint64_t seed, size_t events)
{
	static const char *const names[] = { "main", "parse", "lex", "build", "emit", "malloc",
					     "operator new(unsigned long)", "std::f()" };
	uint32_t sites[SITES], threads[THREADS];
	size_t *live = calloc(events + 1, sizeof *live), n = 0;

	kit_begin(k);
	uint32_t p = kit_process(k, 77, MM_START_COMMAND, 0);
	for (int i = 0; i < THREADS; i++)
		threads[i] = kit_thread(k, p, 77 + (uint32_t)i, i ? "worker" : "main");
	for (uint32_t i = 0; i < SITES; i++)
		sites[i] = kit_site(k, p, i ? sites[random_next(&seed) % i] : 0,
				    names[random_next(&seed) % 8],
				    random_next(&seed) % 2 ? "src/a.c" : "src/b.c", i);
	for (size_t e = 0; e < events; e++) {
		uint64_t time = (e + 1) * STEP_NS, x = random_next(&seed);
		uint32_t thread = threads[x % THREADS], site = sites[x / 64 % SITES];
		uint64_t size = x >> 20 & (x & 1 ? 0xfff : 0x3f);
		unsigned what = x >> 40 & 15;
		int shrink = (e / 5000) & 1;
		if (n && (shrink ? what < 9 : what < 6)) {
			size_t i = x & 2 ? n - 1 : random_next(&seed) % n;
			size_t o = live[i];
			live[i] = live[--n];
			kit_free(k, o, x & 4 ? k->objects[o].thread : thread, time);
		} else if (n && what == 15) {
			size_t i = random_next(&seed) % n;
			live[i] = kit_realloc(k, live[i], thread, site, size, time);
		} else {
			live[n++] = kit_alloc(k, p, thread, site, size, time);
		}
	}
	free(live);
	kit_process_end(k, p, MM_END_EXIT, 0, (events + 2) * STEP_NS);
	kit_reader(k);
}

static struct mm_measure sum_of(const struct mm_report_table *t)
{
	struct mm_measure sum = t->rest;

	for (size_t i = 0; i < t->count; i++)
		mm_measure_add(&sum, &t->rows[i].own);
	return sum;
}

static void check_sums(struct kit *k, struct mm_model_options o)
{
	struct mm_report *r = kit_report(k, &o);
	struct mm_measure sum = sum_of(&r->table);

	if (sum.temporary_count == MM_UNKNOWN) /* sizes do not tell, unless swept */
		sum.temporary_count = r->totals.all.temporary_count;
	assert_measure(&sum, &r->totals.all);
	assert_int_equal(sum.peak_bytes, r->totals.peak_live_bytes);
	assert_int_equal(sum.peak_count, r->totals.peak_live_count);
	mm_report_free(r);
}

static void rows_add_up_to_the_totals(void **state)
{
	struct kit k;

	(void)state;
	make_random(&k, 7, 30000);
	for (unsigned by = 0; by < MM_BY_COUNT; by++)
		for (unsigned top = 0; top < 7; top += 3)
			check_sums(&k, (struct mm_model_options){ .by = (enum mm_by)by,
								  .top = top });
	kit_end(&k);
}

static void totals_equal_the_oracle(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 6; seed++) {
		struct kit k;
		uint32_t at;
		uint64_t time;
		make_random(&k, seed * 977, 4000);
		struct mm_report *r = kit_report(&k, &overview);
		struct mm_measure want = kit_measure(&k, 0, KIT_ANY, KIT_ANY, 0, MM_UNKNOWN);
		assert_measure(&r->totals.all, &want);
		assert_int_equal(r->totals.peak_live_bytes,
				 kit_peak(&k, 1, 0, MM_UNKNOWN, &at, &time));
		assert_int_equal(r->totals.peak_at_ns, time);
		mm_report_free(r);
		kit_end(&k);
	}
}

/* Each site's row against the oracle: its stack's innermost frame has the site's address. */
static void rows_equal_the_oracle(void **state)
{
	struct mm_model_options by_thread = { .by = MM_BY_THREAD };
	struct kit k;
	uint32_t at, checked = 0;
	uint64_t time;

	(void)state;
	make_random(&k, 4711, 6000);
	kit_peak(&k, 1, 0, MM_UNKNOWN, &at, &time);
	struct mm_report *r = kit_report(&k, &overview);
	for (size_t i = 0; i < r->table.count; i++) {
		const struct mm_report_row *row = &r->table.rows[i];
		const struct mm_report_stack *s = &r->stacks[row->stack];
		uint32_t site = (uint32_t)(r->frames[s->frames[0]].offset - 0x400000) / 16;
		struct mm_measure want = kit_measure(&k, 0, site, KIT_ANY, 0, MM_UNKNOWN);
		assert_measure(&row->own, &want);
		assert_int_equal(row->own.peak_bytes, kit_live_after(&k, 0, site, KIT_ANY, at));
		checked++;
	}
	assert_int_equal(checked, SITES);
	mm_report_free(r);
	r = kit_report(&k, &by_thread);
	assert_int_equal(r->thread_count, THREADS);
	for (size_t i = 0; i < r->thread_count; i++) {
		uint32_t thread = r->threads[i].tid - 77;
		struct mm_measure want = kit_measure(&k, 0, KIT_ANY, thread, 0, MM_UNKNOWN);
		assert_measure(&r->threads[i].own, &want);
		assert_int_equal(r->threads[i].own.peak_bytes,
				 kit_live_after(&k, 0, KIT_ANY, thread, at));
	}
	mm_report_free(r);
	kit_end(&k);
}

static void assert_same_rows(const struct mm_report_table *a, const struct mm_report_table *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_string_equal(a->rows[i].name, b->rows[i].name);
		assert_measure(&a->rows[i].own, &b->rows[i].own);
		assert_int_equal(a->rows[i].own.peak_bytes, b->rows[i].own.peak_bytes);
		assert_int_equal(a->rows[i].own.peak_count, b->rows[i].own.peak_count);
	}
}

/* Large enough that digests are used, in several chunks. */
static void digests_and_sweep_agree(void **state)
{
	static const char *const froms[] = { NULL, "13%", "200ms" };
	static const char *const tos[] = { NULL, "77%", "peak", "1.1s" };
	struct kit k;

	(void)state;
	make_random(&k, 31337, 1200000);
	assert_true(mm_reader_chunks(k.reader, 0) > 10);
	for (size_t f = 0; f < 3; f++)
		for (size_t t = 0; t < 4; t++) {
			struct mm_model_options o = { .from = froms[f], .to = tos[t] };
			struct mm_report *quick = kit_report(&k, &o);
			o.sweep = 1;
			struct mm_report *swept = kit_report(&k, &o);
			assert_measure(&quick->totals.all, &swept->totals.all);
			assert_int_equal(quick->totals.peak_live_bytes,
					 swept->totals.peak_live_bytes);
			assert_int_equal(quick->totals.peak_at_ns, swept->totals.peak_at_ns);
			assert_same_rows(&quick->table, &swept->table);
			assert_same_rows(&quick->leaks, &swept->leaks);
			assert_int_equal(quick->lifetime_count, swept->lifetime_count);
			for (size_t i = 0; i < quick->lifetime_count; i++)
				assert_int_equal(quick->lifetimes[i].count,
						 swept->lifetimes[i].count);
			mm_report_free(quick);
			mm_report_free(swept);
		}
	kit_end(&k);
}

static int is_touched(const struct mm_touched *t, uint32_t slot)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->slots[i] == slot)
			return 1;
	return slot >= t->fresh_from && slot < t->fresh_to;
}

/* The quick ways through a chunk say what the cursor says. */
static void rows_agree_with_the_cursor(void **state)
{
	struct mm_rows rows = { 0 };
	struct mm_touched touched = { 0 };
	struct mm_cursor *c;
	struct mm_event ev;
	struct kit k;

	(void)state;
	make_random(&k, 2024, 200000);
	assert_int_equal(mm_cursor_open(&c, k.reader, 0, 0, NULL), 0);
	for (uint32_t chunk = 0; chunk < mm_reader_chunks(k.reader, 0); chunk++) {
		assert_int_equal(mm_hand_rows(mm_reader_hand(k.reader), 0, chunk, &rows), 0);
		assert_int_equal(mm_hand_touched(mm_reader_hand(k.reader), 0, chunk, &touched), 0);
		for (size_t i = 0; i < rows.count; i++) {
			const struct mm_row *r = &rows.rows[i];
			assert_int_equal(mm_cursor_next(c, &ev), 1);
			assert_int_equal(mm_cursor_chunk(c), chunk);
			assert_int_equal(r->kind, ev.kind);
			assert_int_equal(r->slot, ev.slot);
			assert_int_equal(r->thread, ev.thread);
			if (!mm_event_is_birth(r->kind))
				continue;
			assert_int_equal(r->site, ev.site);
			assert_int_equal(r->size, ev.size);
			assert_true(is_touched(&touched, r->slot));
		}
	}
	assert_int_equal(mm_cursor_next(c, &ev), 0);
	mm_cursor_close(c);
	mm_rows_deinit(&rows);
	free(touched.slots);
	kit_end(&k);
}

/* --- ranges ------------------------------------------------------------------------------ */

static struct mm_report *range_report(struct kit *k, const char *from, const char *to)
{
	struct mm_model_options o = { .from = from, .to = to };

	return kit_report(k, &o);
}

static void ranges_add_up(void **state)
{
	struct kit k;

	(void)state;
	make_random(&k, 99, 9000);
	struct mm_report *ab = range_report(&k, "1ms", "3777us");
	struct mm_report *bc = range_report(&k, "3777us", "8ms");
	struct mm_report *ac = range_report(&k, "1ms", "8ms");
	const struct mm_measure *x = &ab->totals.all, *y = &bc->totals.all, *z = &ac->totals.all;
	assert_int_equal(x->alloc_count + y->alloc_count, z->alloc_count);
	assert_int_equal(x->alloc_bytes + y->alloc_bytes, z->alloc_bytes);
	assert_int_equal(x->free_count + y->free_count, z->free_count);
	assert_int_equal(x->free_bytes + y->free_bytes, z->free_bytes);
	assert_int_equal(x->temporary_count + y->temporary_count, z->temporary_count);
	assert_int_equal(ab->totals.realloc_count + bc->totals.realloc_count,
			 ac->totals.realloc_count);
	assert_int_equal(x->live_bytes, bc->totals.live_begin_bytes);
	assert_int_equal(y->live_bytes, z->live_bytes);
	uint64_t most = ab->totals.peak_live_bytes > bc->totals.peak_live_bytes
		? ab->totals.peak_live_bytes : bc->totals.peak_live_bytes;
	assert_int_equal(most, ac->totals.peak_live_bytes);
	mm_report_free(ab);
	mm_report_free(bc);
	mm_report_free(ac);
	kit_end(&k);
}

static void ranges_equal_the_oracle(void **state)
{
	struct kit k;

	(void)state;
	make_random(&k, 5, 7000);
	for (unsigned i = 0; i < 6; i++) {
		char from[32], to[32];
		uint64_t a = 1000000 * i, b = a + 1500000, time;
		uint32_t at;
		snprintf(from, sizeof from, "%lluns", (unsigned long long)a);
		snprintf(to, sizeof to, "%lluns", (unsigned long long)b);
		struct mm_report *r = range_report(&k, from, to);
		struct mm_measure want = kit_measure(&k, 0, KIT_ANY, KIT_ANY, a, b);
		struct mm_measure sum = sum_of(&r->table);
		assert_measure(&r->totals.all, &want);
		assert_measure(&sum, &want);
		assert_int_equal(r->totals.peak_live_bytes, kit_peak(&k, 1, a, b, &at, &time));
		assert_int_equal(sum.peak_bytes, r->totals.peak_live_bytes);
		assert_int_equal(r->run.whole, 0);
		mm_report_free(r);
	}
	kit_end(&k);
}

static void times_have_names(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	kit_alloc(&k, p, t, 0, 1, 100);
	kit_text(&k, p, MM_EV_MARK, "load", 0, 200);
	size_t o = kit_alloc(&k, p, t, 0, 10, 300);
	kit_free(&k, o, t, 400);
	kit_text(&k, p, MM_EV_MARK, "save", 0, 500);
	kit_alloc(&k, p, t, 0, 2, 600);
	kit_process_end(&k, p, MM_END_EXIT, 0, 1000);
	kit_reader(&k);
	struct mm_report *r = range_report(&k, "mark:load", "mark:save");
	assert_int_equal(r->totals.all.alloc_bytes, 10);
	assert_int_equal(r->mark_count, 1);
	assert_string_equal(r->marks[0].text, "load");
	assert_int_equal(r->marks[0].t_ns, 200);
	mm_report_free(r);
	r = range_report(&k, NULL, "peak"); /* holds the event that reached it */
	assert_int_equal(r->totals.all.alloc_count, 2);
	assert_int_equal(r->totals.all.live_bytes, 11);
	mm_report_free(r);
	r = range_report(&k, "peak", NULL);
	assert_int_equal(r->totals.all.alloc_count, 1);
	assert_int_equal(r->totals.live_begin_bytes, 11);
	assert_int_equal(r->totals.peak_live_bytes, 11);
	mm_report_free(r);
	kit_end(&k);
}

static void impossible_ranges_are_refused(void **state)
{
	static const struct { const char *from, *to; int err; } cases[] = {
		{ "50%", "20%", MM_EINVAL }, { "peak", "peak", MM_EINVAL },
		{ "soon", NULL, MM_EINVAL }, { "mark:nowhere", NULL, MM_ENOENT },
		{ NULL, "0s", MM_EINVAL },
	};
	struct kit k;

	(void)state;
	make_by_hand(&k);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mm_model_options o = { .from = cases[i].from, .to = cases[i].to };
		struct mm_diag diag = { "" };
		assert_int_equal(kit_refusal(&k, &o, &diag), cases[i].err);
		assert_true(diag.text[0] != 0);
	}
	kit_end(&k);
}

/* --- timeline ---------------------------------------------------------------------------- */

static void check_timeline(const struct mm_report *r)
{
	const struct mm_report_timeline *t = &r->timeline;
	uint64_t allocs = 0, bytes = 0, frees = 0, peak = 0;

	assert_true(t->count > 2);
	for (size_t i = 0; i < t->count; i++) {
		assert_true(!i || t->t_ns[i] >= t->t_ns[i - 1]);
		assert_true(t->live_bytes[i] <= t->peak_bytes[i]);
		allocs += t->alloc_count[i];
		bytes += t->alloc_bytes[i];
		frees += t->free_count[i];
		peak = t->peak_bytes[i] > peak ? t->peak_bytes[i] : peak;
	}
	assert_int_equal(allocs, r->totals.all.alloc_count);
	assert_int_equal(bytes, r->totals.all.alloc_bytes);
	assert_int_equal(frees, r->totals.all.free_count);
	assert_int_equal(peak, r->totals.peak_live_bytes);
	assert_int_equal(t->live_bytes[t->count - 1], r->totals.all.live_bytes);
	assert_int_equal(t->live_count[t->count - 1], r->totals.all.live_count);
}

static void timeline_adds_up(void **state)
{
	struct kit k;

	(void)state;
	make_random(&k, 12, 20000);
	struct mm_report *r = kit_report(&k, &overview);
	check_timeline(r);
	mm_report_free(r);
	r = range_report(&k, "2ms", "9ms");
	check_timeline(r);
	mm_report_free(r);
	kit_end(&k);
	make_random(&k, 13, 1100000);
	r = kit_report(&k, &overview);
	check_timeline(r);
	mm_report_free(r);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_by_hand),
		cmocka_unit_test(sites_by_hand),
		cmocka_unit_test(histograms_by_hand),
		cmocka_unit_test(functions_by_hand),
		cmocka_unit_test(recursion_counts_once),
		cmocka_unit_test(inlined_frames_are_shown),
		cmocka_unit_test(unknown_names_show_module_and_offset),
		cmocka_unit_test(empty_process_gives_an_empty_report),
		cmocka_unit_test(rows_add_up_to_the_totals),
		cmocka_unit_test(totals_equal_the_oracle),
		cmocka_unit_test(rows_equal_the_oracle),
		cmocka_unit_test(digests_and_sweep_agree),
		cmocka_unit_test(rows_agree_with_the_cursor),
		cmocka_unit_test(ranges_add_up),
		cmocka_unit_test(ranges_equal_the_oracle),
		cmocka_unit_test(times_have_names),
		cmocka_unit_test(impossible_ranges_are_refused),
		cmocka_unit_test(timeline_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
