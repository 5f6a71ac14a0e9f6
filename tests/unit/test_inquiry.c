/* test_inquiry: many questions to one trace: every report is that of a fresh look at the file,
 * while it grows and when it is damaged; a quick one says the same or nothing; moments, ranges
 * and maps against a list of all objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "model/inquiry.h"
#include "model/spread.h"
#include "modelkit.h"
#include "symbol/symelf.h"
#include "view/report_json.h"

enum { SITES = 12, THREADS = 4, PIECE = 250, EVENTS = 90000 };

struct busy { /* a program that does anything */
	struct kit k;
	uint32_t process, threads[THREADS], sites[SITES];
	size_t *live, live_count, live_cap;
	uint64_t time, random;
	struct mm_categories *categories;
};

static uint64_t any(struct busy *b, uint64_t below)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random % below;
}

static void begin(struct busy *b, uint64_t seed, int categories)
{
	static char names[SITES][16];
	struct mm_diag diag = { "" };

	memset(b, 0, sizeof *b);
	b->random = seed;
	kit_begin(&b->k);
	b->process = kit_process(&b->k, 1, MM_START_COMMAND, 0);
	for (int i = 0; i < THREADS; i++)
		b->threads[i] = kit_thread(&b->k, b->process, (uint32_t)i + 1, "t");
	uint32_t above = categories ? kit_category(&b->k, b->process, 0, "mine") : 0;
	for (int i = 0; i < SITES; i++) {
		snprintf(names[i], sizeof names[i], "f%d", i);
		b->sites[i] = kit_site(&b->k, b->process, i < SITES / 2 ? above : 0, names[i], "a.c", 1);
	}
	b->live = calloc(EVENTS, sizeof *b->live);
	assert_int_equal(mm_categories_load(&b->categories, NULL, &diag), 0);
}

static void end(struct busy *b)
{
	mm_categories_free(b->categories);
	free(b->live);
	kit_end(&b->k);
}

/* Thread 3 frees much and is given little; the first site's objects stay. */
static void step(struct busy *b)
{
	uint32_t thread = b->threads[any(b, 100) < 97 ? any(b, THREADS - 1) : 3];
	uint64_t what = any(b, 100);
	b->time += any(b, 3);

	if (what < 45 || !b->live_count) {
		uint32_t site = b->sites[any(b, SITES)];
		b->live[b->live_count++] =
			kit_alloc(&b->k, b->process, thread, site, any(b, 3000), b->time);
		return;
	}
	/* Mostly a young one. */
	size_t back = any(b, 4) ? any(b, b->live_count < 8 ? b->live_count : 8)
				: any(b, b->live_count);
	size_t *o = &b->live[b->live_count - 1 - back];
	if (b->k.objects[*o].site == b->sites[0] && any(b, 50))
		return;
	if (what < 55) {
		*o = kit_realloc(&b->k, *o, thread, b->sites[any(b, SITES)], any(b, 3000), b->time);
		return;
	}
	kit_free(&b->k, *o, any(b, 3) ? thread : b->threads[3], b->time);
	*o = b->live[--b->live_count];
}

static void go_on(struct busy *b, uint32_t events)
{
	for (uint32_t i = 0; i < events; i++) {
		step(b);
		if (i % PIECE == PIECE - 1)
			assert_int_equal(mm_writer_sync(b->k.writer, b->time, 1), 0);
	}
	assert_int_equal(mm_writer_sync(b->k.writer, b->time, 1), 0);
}

static char *json_of(const struct mm_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(mm_report_json(r, "1", f), 0);
	fclose(f);
	return text;
}

static struct mm_inquiry *inquire(struct busy *b, struct mm_reader *r)
{
	struct mm_inquiry_options o = { .categories = b->categories };
	struct mm_inquiry *q;

	assert_int_equal(mm_inquiry_open(&q, r, &o), 0);
	return q;
}

static const char *moment(char *text, uint64_t ns)
{
	snprintf(text, 40, "%.9fs", (double)ns / 1e9);
	return text;
}

/* --- the same as a fresh look ------------------------------------------------------------ */

static void compare_fresh(struct busy *b, struct mm_inquiry *q, struct mm_model_options *o)
{
	struct mm_report *kept = NULL, *fresh = NULL;
	struct mm_reader *r;
	struct mm_diag diag = { "" };

	o->categories = b->categories;
	assert_int_equal(mm_reader_open(&r, b->k.path, &diag), 0);
	int want = mm_model_report(&fresh, r, o, &diag);
	assert_int_equal(mm_inquiry_report(&kept, q, o, &diag), want);
	mm_reader_close(r);
	if (want)
		return;
	char *a = json_of(fresh), *c = json_of(kept);
	assert_string_equal(a, c);
	free(a);
	free(c);
	mm_report_free(fresh);
	mm_report_free(kept);
}

static void ask_random(struct busy *b, struct mm_inquiry *q, int quick)
{
	char from[40], to[40];
	uint64_t start = any(b, b->time + 1), stop = start + 1 + any(b, b->time - start + 2);
	struct mm_model_options o = { .quick = quick, .by = any(b, 2) ? MM_BY_SITE : MM_BY_SIZE };

	if (any(b, 2))
		o.from = moment(from, start);
	if (any(b, 3))
		o.to = moment(to, stop);
	if (any(b, 3) == 0)
		o.map = (struct mm_map_request){ .want = 1, .cells = 100 };
	o.tree = any(b, 2) ? MM_TREE_CALLEES : MM_TREE_NONE;
	compare_fresh(b, q, &o);
}

static void follow(int categories)
{
	struct busy b;
	struct mm_reader *r;
	struct mm_diag diag = { "" };

	begin(&b, 11 + (uint64_t)categories, categories);
	go_on(&b, 10);
	assert_int_equal(mm_reader_open(&r, b.k.path, &diag), 0);
	struct mm_inquiry *q = inquire(&b, r);
	for (uint32_t done = 0; done < EVENTS;) {
		uint32_t more = 1 + (uint32_t)any(&b, EVENTS / 15);
		go_on(&b, more);
		done += more;
		assert_true(mm_inquiry_refresh(q, &diag) > 0);
		for (int i = 0; i < 4; i++)
			ask_random(&b, q, i % 4 ? 2 : 0);
	}
	/* Its end, and names for what had none. */
	kit_reader(&b.k);
	mm_inquiry_refresh(q, &diag);
	ask_random(&b, q, 0);
	ask_random(&b, q, 2);
	mm_inquiry_close(q);
	mm_reader_close(r);
	end(&b);
}

static void a_growing_trace_is_as_fresh(void **state)
{
	(void)state;
	follow(0);
	follow(1);
}

/* --- the oracle ---------------------------------------------------------------------------- */

static void same_or_unknown(uint64_t got, uint64_t want, int known)
{
	if (known || got != MM_UNKNOWN)
		assert_int_equal(got, want);
}

static void check_measure(const struct mm_measure *m, const struct mm_measure *want, int leaks)
{
	assert_int_equal(m->alloc_count, want->alloc_count);
	assert_int_equal(m->alloc_bytes, want->alloc_bytes);
	assert_int_equal(m->free_count, want->free_count);
	assert_int_equal(m->free_bytes, want->free_bytes);
	assert_int_equal(m->temporary_count, want->temporary_count);
	assert_int_equal(m->live_count, want->live_count);
	assert_int_equal(m->live_bytes, want->live_bytes);
	same_or_unknown(m->leak_count, want->leak_count, leaks);
	same_or_unknown(m->leak_bytes, want->leak_bytes, leaks);
}

static void check_moment(struct busy *b, struct mm_inquiry *q, uint64_t from, uint64_t to,
			 int objects)
{
	char a[40], c[40];
	struct mm_model_options o = { .quick = 2, .objects = objects, .metric = MM_METRIC_ALLOCS,
		.from = from ? moment(a, from) : NULL, .to = moment(c, to) };
	struct mm_diag diag = { "" };
	struct mm_report *r;
	uint32_t peak_at;
	uint64_t peak_time, peak = kit_peak(&b->k, 1, from, to, &peak_at, &peak_time);
	struct mm_measure want = kit_measure(&b->k, 0, KIT_ANY, KIT_ANY, from, to);

	assert_int_equal(mm_inquiry_report(&r, q, &o, &diag), 0);
	check_measure(&r->totals.all, &want, !from || objects);
	assert_int_equal(r->totals.peak_live_bytes, peak);
	assert_int_equal(r->totals.peak_at_ns, peak ? peak_time : r->totals.peak_at_ns);
	for (size_t i = 0; i < r->table.count; i++) {
		const struct mm_report_row *row = &r->table.rows[i];
		uint32_t site = b->sites[atoi(row->name + 1)];
		want = kit_measure(&b->k, 0, site, KIT_ANY, from, to);
		check_measure(&row->own, &want, !from || objects);
		same_or_unknown(row->own.peak_bytes, kit_live_after(&b->k, 0, site, KIT_ANY, peak_at),
				0);
	}
	for (size_t i = 0; objects && i < r->leaks.count; i++) {
		uint32_t site = b->sites[atoi(r->leaks.rows[i].name + 1)];
		for (int k = 0; k < MM_LEAK_STEPS; k++) {
			want = kit_measure(&b->k, 0, site, KIT_ANY, 0,
					   k + 1 < MM_LEAK_STEPS ? r->leak_steps_ns[k] : to);
			assert_int_equal(r->leak_rows[i].live_bytes[k], want.live_bytes);
		}
	}
	for (size_t i = 0; i < r->category_count; i++)
		if (strcmp(r->categories[i].name, "mine") == 0) {
			struct mm_measure sum = { 0 };
			for (int s = 0; s < SITES / 2; s++) {
				want = kit_measure(&b->k, 0, b->sites[s], KIT_ANY, from, to);
				mm_measure_add(&sum, &want);
			}
			check_measure(&r->categories[i].own, &sum, !from || objects);
		}
	mm_report_free(r);
}

static void any_moment_is_exact(void **state)
{
	struct busy b;

	(void)state;
	begin(&b, 5, 1);
	go_on(&b, EVENTS);
	kit_reader(&b.k);
	struct mm_inquiry *q = inquire(&b, b.k.reader);
	for (int i = 0; i < 60; i++) {
		uint64_t from = 1 + any(&b, b.time), to = from + 1 + any(&b, b.time);
		check_moment(&b, q, i % 2 ? from : 0, to, i % 3 == 0);
		check_moment(&b, q, i % 2 ? from : 0, from + 1 + any(&b, 300), i % 3 == 1);
	}
	mm_inquiry_close(q);
	end(&b);
}

/* Large chunks, whose parts matter more. */
static void any_moment_of_large_chunks_is_exact(void **state)
{
	struct busy b;

	(void)state;
	begin(&b, 6, 0);
	for (int i = 0; i < EVENTS * 2; i++) {
		step(&b);
		if (b.live_count + 2 >= EVENTS)
			break;
	}
	kit_reader(&b.k);
	struct mm_inquiry *q = inquire(&b, b.k.reader);
	for (int i = 0; i < 30; i++) {
		uint64_t from = 1 + any(&b, b.time);
		check_moment(&b, q, i % 2 ? from : 0, from + 1 + any(&b, b.time), i % 3 == 0);
	}
	mm_inquiry_close(q);
	end(&b);
}

/* --- damage -------------------------------------------------------------------------------- */

static void flip(const char *path, long at)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	int byte = fgetc(f);
	fseek(f, at, SEEK_SET);
	fputc(byte ^ 0x10, f);
	fclose(f);
}

static void a_damaged_trace_is_as_fresh(void **state)
{
	struct busy b;
	struct mm_diag diag = { "" };

	(void)state;
	begin(&b, 21, 1);
	go_on(&b, EVENTS);
	kit_reader(&b.k);
	long size = (long)mm_reader_info(b.k.reader)->file_bytes;
	for (int i = 0; i < 12; i++) {
		struct mm_reader *r;
		long at = 4096 + (long)any(&b, (uint64_t)size - 4096);
		flip(b.k.path, at);
		assert_int_equal(mm_reader_open(&r, b.k.path, &diag), 0);
		struct mm_inquiry *q = inquire(&b, r);
		for (int n = 0; n < 4; n++)
			ask_random(&b, q, n % 2 * 2);
		mm_inquiry_close(q);
		mm_reader_close(r);
		if (i % 3 == 2)
			flip(b.k.path, at);
	}
	end(&b);
}

/* --- leaks --------------------------------------------------------------------------------- */

static const struct mm_report_leak *leak_of(const struct mm_report *r, const char *name)
{
	for (size_t i = 0; i < r->leaks.count; i++)
		if (strcmp(r->leaks.rows[i].name, name) == 0)
			return &r->leak_rows[i];
	fail_msg("%s is not among the leaks", name);
	return NULL;
}

static void leaks_are_judged_by_what_they_did(void **state)
{
	struct kit k;
	struct mm_model_options o = { .top = 0 };

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0), t = kit_thread(&k, p, 1, "t");
	uint32_t grow = kit_site(&k, p, 0, "grow", "a.c", 1), one = kit_site(&k, p, 0, "one", "a.c", 2);
	uint32_t still = kit_site(&k, p, 0, "still", "a.c", 3);
	uint32_t cache = kit_site(&k, p, 0, "cache", "a.c", 4);
	uint64_t second = UINT64_C(1000000000);

	kit_alloc(&k, p, t, one, 5000, 1);
	kit_alloc(&k, p, t, still, 10, 2);
	kit_alloc(&k, p, t, still, 10, 3);
	for (uint64_t i = 1; i <= 24; i++) {
		kit_alloc(&k, p, t, grow, 100, i * second);
		size_t old = kit_alloc(&k, p, t, cache, 7, i * second + 1);
		if (i > 2)
			kit_free(&k, old, t, i * second + 2);
		assert_int_equal(mm_writer_sync(k.writer, i * second + 2, 1), 0);
	}
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &o);
	const struct mm_report_leak *l = leak_of(r, "grow");
	assert_int_equal(l->verdict, MM_LEAK_GROW);
	assert_true(l->never_freed);
	/* Step i is at a twelfth of 24 s and 2 ns; one was born at the start of each second. */
	for (uint64_t i = 0; i + 1 < MM_LEAK_STEPS; i++) {
		assert_int_equal(r->leak_steps_ns[i], (24 * second + 2) * (i + 1) / MM_LEAK_STEPS);
		assert_int_equal(l->live_bytes[i], (r->leak_steps_ns[i] - 1) / second * 100);
	}
	assert_int_equal(l->live_bytes[MM_LEAK_STEPS - 1], 2400);
	assert_true(l->growth_known && l->growth_bytes_per_s > 90 && l->growth_bytes_per_s < 110);
	assert_int_equal(leak_of(r, "one")->verdict, MM_LEAK_ONE);
	assert_int_equal(leak_of(r, "still")->verdict, MM_LEAK_STILL);
	assert_int_equal(leak_of(r, "cache")->verdict, MM_LEAK_CACHE);
	assert_false(leak_of(r, "cache")->never_freed);
	/* The last second: from just behind what happened at 23 s. */
	assert_int_equal(r->rates.window_ns, second);
	assert_int_equal(r->rates.alloc_count, 2);
	assert_int_equal(r->rates.free_count, 1);
	assert_int_equal(r->rates.live_bytes_change, 100);
	assert_int_equal(r->rates.temporary_count, 1);
	mm_report_free(r);
	kit_end(&k);
}

/* --- the map ------------------------------------------------------------------------------- */

static void a_map_by_hand(void **state)
{
	static const uint64_t far = UINT64_C(1) << 40;
	struct mm_placed o[] = {
		{ 0x10000 + 4000, 200, 7, 1, 0 },  /* over the end of a page */
		{ far, 0x3000, 1, 2, 0 },
		{ 0x10000, 16, 9, 1, 0 },
		{ 0x10000 + 32, 1000, 3, 0, 0 },   /* 16 of slack before it */
		{ 0x15000, 1, 4, 1, 0 },
	};
	struct mm_map_request q = { .want = 1, .cells = 6, .range = 1 };
	struct mm_report_store *store = mm_report_store_create();
	struct mm_report_map m = { .page_bytes = 4096 };

	(void)state;
	assert_int_equal(mm_placed_sort(o, 5), 0);
	assert_int_equal(o[0].addr, 0x10000);
	assert_int_equal(o[4].addr, far);
	assert_int_equal(mm_spread_objects(&m, o, 5, &q, 3, store), 0);
	assert_int_equal(m.range_count, 2);
	assert_int_equal(m.ranges[0].addr, 0x10000);
	assert_int_equal(m.ranges[0].bytes, 0x6000);
	assert_int_equal(m.ranges[0].page_count, 3);
	assert_int_equal(m.ranges[0].live_bytes, 16 + 1000 + 200 + 1);
	assert_int_equal(m.ranges[1].page_count, 3);
	assert_int_equal(m.slack_bytes, 16);
	assert_int_equal(m.live_bytes, 1217 + 0x3000);
	assert_int_equal(m.touched_bytes, 6 * 4096);
	assert_int_equal(m.not_returnable_bytes, 3 * 4096 - 1217 - 16);
	/* 1032 .. 4000, and 4200 .. 0x5000 */
	assert_int_equal(m.hole_count, 2);
	assert_int_equal(m.hole_counts[0], 1);
	assert_int_equal(m.hole_counts[1], 1);
	assert_int_equal(m.largest_hole_bytes, 0x5000 - 4200);
	assert_int_equal(m.free_bytes, 2968 + 0x5000 - 4200);
	assert_int_equal(m.external_ppm,
			 1000000 - (uint64_t)(0x5000 - 4200) * 1000000 / (2968 + 0x5000 - 4200));
	/* Cells of a page each. */
	assert_int_equal(m.cell_bytes, 4096);
	assert_int_equal(m.cells[0].live_bytes, 16 + 1000 + 96);
	assert_int_equal(m.cells[0].pinned_bytes, 4096 - 1112 - 16);
	assert_int_equal(m.cells[0].object_count, 3);
	assert_int_equal(m.cells[0].oldest_ns, 3);
	assert_int_equal(m.cells[0].category, 0);
	assert_int_equal(m.cells[1].live_bytes, 104);
	assert_int_equal(m.cells[1].object_count, 0);
	assert_int_equal(m.cells[1].oldest_ns, 7);
	assert_int_equal(m.cells[1].category, 1);
	assert_int_equal(m.cells[2].pinned_bytes, 0);
	assert_int_equal(m.cells[2].category, MM_NO_CATEGORY);
	assert_int_equal(m.cells[5].pinned_bytes, 4095);
	mm_report_store_free(store);
}

static void a_map_of_a_trace(void **state)
{
	struct busy b;
	struct mm_model_options o = { .map = { .want = 1, .cells = 64 } };

	(void)state;
	begin(&b, 3, 0);
	go_on(&b, 5000);
	kit_reader(&b.k);
	struct mm_report *r = kit_report(&b.k, &o);
	struct mm_measure all = kit_measure(&b.k, 0, KIT_ANY, KIT_ANY, 0, MM_UNKNOWN);
	uint64_t covered = 0, begun = 0, pinned = 0;

	assert_true(r->map.known);
	assert_int_equal(r->map.object_count, all.live_count);
	for (size_t i = 0; i < r->map.cell_count; i++) {
		covered += r->map.cells[i].live_bytes;
		pinned += r->map.cells[i].pinned_bytes;
		begun += r->map.cells[i].object_count;
	}
	assert_int_equal(r->map.range_count, 1);
	assert_int_equal(covered, r->map.live_bytes);
	assert_int_equal(pinned, r->map.not_returnable_bytes);
	assert_int_equal(begun, all.live_count);
	mm_report_free(r);
	end(&b);
}

/* --- names that come later ------------------------------------------------------------------ */

static int take_first(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	((struct mm_module *)arg)->bias = info->dlpi_addr;
	return 1;
}

/* A site in this very function. */
static uint32_t own_site(struct kit *k, uint32_t p, const char *path)
{
	struct mm_module m = { .path = path, .end = UINT64_MAX };
	struct mm_symelf *e;
	uint32_t module, site;

	dl_iterate_phdr(take_first, &m);
	assert_int_equal(mm_symelf_open(&e, path), 0);
	memcpy(m.build_id, e->build_id, e->build_id_len);
	m.build_id_len = e->build_id_len;
	mm_symelf_close(e);
	assert_int_equal(mm_stream_module(k->streams[p], &m, &module), 0);
	assert_int_equal(mm_stream_site(k->streams[p], &(struct mm_site){ .module = module,
		.value = (uintptr_t)own_site + 8, .kind = MM_SITE_FRAME }, &site), 0);
	return site;
}

static char *name_of_first(struct mm_inquiry *q)
{
	struct mm_model_options o = { .metric = MM_METRIC_LIVE };
	struct mm_diag diag = { "" };
	struct mm_report *r;

	assert_int_equal(mm_inquiry_report(&r, q, &o, &diag), 0);
	assert_int_equal(r->table.count, 1);
	char *name = strdup(r->table.rows[0].name);
	mm_report_free(r);
	return name;
}

static void names_come_later(void **state)
{
	struct mm_symbol_options how = { .no_cache = 1 };
	struct mm_inquiry_options o = { .later = &how };
	struct mm_diag diag = { "" };
	struct mm_inquiry *q;
	struct kit k;
	char path[4096];

	(void)state;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	assert_true(n > 0);
	path[n] = 0;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0), t = kit_thread(&k, p, 1, "t");
	kit_alloc(&k, p, t, own_site(&k, p, path), 10, 1);
	kit_reader(&k);
	assert_int_equal(mm_categories_load(&o.categories, NULL, &diag), 0);
	assert_int_equal(mm_inquiry_open(&q, k.reader, &o), 0);
	char *name = name_of_first(q);
	assert_non_null(strstr(name, "+0x"));
	free(name);
	for (int i = 0; i < 1000 && !mm_inquiry_has_names(q); i++)
		usleep(10000);
	assert_true(mm_inquiry_has_names(q));
	assert_int_equal(mm_inquiry_pending(q), 1); /* it is known, and no report tells it */
	name = name_of_first(q);
	assert_string_equal(name, "own_site");
	free(name);
	assert_int_equal(mm_inquiry_pending(q), 0);
	assert_false(mm_inquiry_has_names(q));
	mm_inquiry_close(q);
	mm_categories_free(o.categories);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_growing_trace_is_as_fresh),
		cmocka_unit_test(any_moment_is_exact),
		cmocka_unit_test(any_moment_of_large_chunks_is_exact),
		cmocka_unit_test(a_damaged_trace_is_as_fresh),
		cmocka_unit_test(leaks_are_judged_by_what_they_did),
		cmocka_unit_test(names_come_later),
		cmocka_unit_test(a_map_by_hand),
		cmocka_unit_test(a_map_of_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
