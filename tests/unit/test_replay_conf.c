/* test_replay_conf.c: configured replays: figures of a pool computed by hand; objects that go to destinations, move between them and come back; budgets; laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "modelkit.h"
#include "replay/drive.h"
#include "replay/replay.h"

enum { MAIN, NODE, FIELD, OTHER, SITES };

struct world {
	struct kit kit;
	char path[64];
	struct mm_report_store *store;
	struct mm_naming *naming, *site_naming;
	struct mm_replay_conf *conf;
	struct mm_router router;
	struct mm_replay_options options;
	uint32_t site[SITES], pushed;
	uint64_t time;
};

static int set_up(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	kit_begin(&w.kit);
	kit_process(&w.kit, 100, MM_START_COMMAND, 0);
	kit_thread(&w.kit, 0, 100, "main");
	kit_thread(&w.kit, 0, 101, "worker-1");
	w.site[MAIN] = kit_site(&w.kit, 0, 0, "main", "main.c", 10);
	w.site[NODE] = kit_site(&w.kit, 0, w.site[MAIN], "svo::node_new(int)", "svo.cc", 20);
	w.site[FIELD] = kit_site(&w.kit, 0, w.site[MAIN], "field_new", "field.c", 30);
	w.site[OTHER] = kit_site(&w.kit, 0, w.site[MAIN], "other", "other.c", 40);
	w.pushed = kit_site(&w.kit, 0, kit_category(&w.kit, 0, w.site[MAIN], "terrain"), "land",
			    "land.c", 50);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	mm_router_deinit(&w->router);
	if (w->naming)
		mm_naming_destroy(w->naming);
	if (w->site_naming)
		mm_naming_destroy(w->site_naming);
	mm_replay_conf_free(w->conf);
	mm_report_store_free(w->store);
	kit_end(&w->kit);
	if (*w->path)
		unlink(w->path);
	return 0;
}

static size_t birth(struct world *w, int site, uint64_t size)
{
	return kit_alloc(&w->kit, 0, 0, w->site[site], size, w->time += 1000);
}

static void death(struct world *w, size_t object)
{
	kit_free(&w->kit, object, 0, w->time += 1000);
}

static void write_conf(struct world *w, const char *text)
{
	strcpy(w->path, "/tmp/mmprof-replay-conf-XXXXXX");
	int fd = mkstemp(w->path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The router for the kit's trace, which is closed by this. */
static int route_it(struct world *w, const char *text, struct mm_diag *diag)
{
	struct mm_reader *r = kit_reader(&w->kit);

	write_conf(w, text);
	w->store = mm_report_store_create();
	assert_int_equal(mm_naming_create(&w->naming, r, NULL, w->store, NULL), 0);
	assert_int_equal(mm_naming_create(&w->site_naming, r, NULL, w->store, NULL), 0);
	int err = mm_replay_conf_load(&w->conf, w->path, diag);
	if (!err)
		err = mm_router_init(&w->router, w->conf, w->conf->categories, r, 0, w->naming,
				     w->site_naming, diag);
	w->options = (struct mm_replay_options){ .to_ns = MM_UNKNOWN, .store = w->store,
		.router = &w->router, .name = "t.conf", .strategy = err ? 0 : w->conf->strategy };
	return err;
}

static uint64_t terms(const struct mm_moment_account *a)
{
	return a->requested_bytes + a->internal_bytes + a->cached_bytes + a->slab_external_bytes +
	       a->tail_bytes + a->retained_bytes + a->metadata_bytes;
}

static void assert_laws(const struct mm_outcome *o)
{
	struct mm_moment_account peak = { 0 }, end = { 0 };

	for (size_t i = 0; i < o->dest_count; i++) {
		const struct mm_outcome_dest *d = &o->dest[i];
		assert_int_equal(terms(&d->at_peak), d->at_peak.committed_bytes);
		assert_int_equal(terms(&d->at_end), d->at_end.committed_bytes);
		assert_true(d->peak_committed_bytes >= d->at_peak.committed_bytes);
		peak.committed_bytes += d->at_peak.committed_bytes;
		peak.slab_external_bytes += d->at_peak.slab_external_bytes;
		end.committed_bytes += d->at_end.committed_bytes;
		end.requested_bytes += d->at_end.requested_bytes;
		end.live_count += d->at_end.live_count;
	}
	assert_int_equal(peak.committed_bytes, o->at_peak.committed_bytes);
	assert_int_equal(peak.slab_external_bytes, o->at_peak.slab_external_bytes);
	assert_int_equal(end.committed_bytes, o->at_end.committed_bytes);
	assert_int_equal(end.requested_bytes, o->at_end.requested_bytes);
	assert_int_equal(end.live_count, o->at_end.live_count);
	assert_int_equal(terms(&o->at_peak), o->at_peak.committed_bytes);
	assert_int_equal(o->law_broken_count, 0);
	assert_int_equal(o->check_rule, 0);
}

static struct mm_outcome *replay_it(struct world *w, const char *text)
{
	static struct mm_outcome out;
	struct mm_diag diag = { "" };

	if (route_it(w, text, &diag) || mm_replay_run(w->kit.reader, &w->options, &out, &diag))
		fail_msg("%s", diag.text);
	assert_laws(&out);
	return &out;
}

/* --- a pool, by hand -------------------------------------------------------------------------- */

/* Blocks of 24: one page of the slab holds all there are. Of 20 bytes 4 are internal. The
 * first batch is of 4 blocks, the second of 8: after five births 7 are ready. */
static void ten_events_in_a_pool(void **state)
{
	struct world *w = *state;
	size_t node[5];

	for (int i = 0; i < 5; i++)
		node[i] = birth(w, NODE, i == 3 ? 24 : 20);
	birth(w, OTHER, 100);
	death(w, node[1]);
	birth(w, NODE, 16);
	death(w, node[4]);
	birth(w, NODE, 25); /* no block for it */
	const struct mm_outcome *o = replay_it(w, "pool nodes { size = 24 }\n"
		"category svo_nodes { match = 'svo::*'; pool = nodes; budget = 90 }\n");
	const struct mm_outcome_dest *heap = &o->dest[0], *pool = &o->dest[1];

	assert_int_equal(o->dest_count, 2);
	assert_int_equal(o->event_count, 10);
	assert_string_equal(pool->name, "nodes");
	assert_null(pool->strategy);
	assert_int_equal(pool->depot_count, 1);
	assert_int_equal(pool->block_bytes[0], 24);
	assert_int_equal(pool->alloc_count, 6);
	assert_int_equal(pool->free_count, 2);
	assert_int_equal(pool->misfit_count, 1);
	assert_int_equal(pool->peak_live_count, 5);
	assert_int_equal(pool->peak_requested_bytes, 4 * 20 + 24);
	/* 20 + 20 + 24 + 16 are live. */
	assert_int_equal(pool->at_end.live_count, 4);
	assert_int_equal(pool->at_end.requested_bytes, 80);
	assert_int_equal(pool->at_end.internal_bytes, 4 + 4 + 0 + 8);
	assert_int_equal(pool->at_end.cached_bytes + pool->at_end.slab_external_bytes,
			 4096 - 4 * 24);
	assert_int_equal(pool->at_end.cached_bytes, (4 + 8 - 4) * 24);
	assert_int_equal(pool->at_end.tail_bytes, 0);
	assert_int_equal(pool->at_end.slab_count, 1);
	assert_int_equal(pool->at_end.committed_bytes, 4096 + pool->at_end.metadata_bytes);
	assert_string_equal(heap->strategy, "size-class");
	assert_int_equal(heap->at_end.requested_bytes, 125);
	assert_int_equal(heap->at_end.internal_bytes, 12 + 7); /* of 112 and 32 */
}

/* Live are 20, 40, 60, 84, 104, 84, 100, 80, 105: above 90 three times. */
static void budget_by_hand(void **state)
{
	struct world *w = *state;
	size_t node[5];

	for (int i = 0; i < 5; i++)
		node[i] = birth(w, NODE, i == 3 ? 24 : 20);
	death(w, node[1]);
	birth(w, NODE, 16);
	death(w, node[4]);
	birth(w, NODE, 25);
	birth(w, NODE, 1);
	const struct mm_outcome *o = replay_it(w, "category svo_nodes { match = 'svo::*'\n"
					       "budget = 90 }\n");
	assert_int_equal(o->category_count, 1);
	const struct mm_outcome_category *c = &o->category[0];
	assert_string_equal(c->name, "svo_nodes");
	assert_int_equal(c->budget_bytes, 90);
	assert_int_equal(c->alloc_count, 8);
	assert_int_equal(c->alloc_bytes, 146);
	assert_int_equal(c->peak_bytes, 106);
	assert_int_equal(c->most_above_bytes, 16);
	assert_int_equal(c->exceeded_count, 3);
	assert_int_equal(c->above_count, 4);
	assert_int_equal(c->first_event, 5);
	assert_int_equal(c->first_time_ns, 5000);
	assert_int_equal(c->live_bytes, 106);
}

/* Above from where the range begins on: once, and by what was there. */
static void budget_of_a_range(void **state)
{
	struct world *w = *state;
	struct mm_diag diag = { "" };
	static struct mm_outcome out;
	size_t first = birth(w, NODE, 50), second;

	birth(w, NODE, 60);
	death(w, first);
	second = birth(w, NODE, 45);
	death(w, second);
	kit_text(&w->kit, 0, MM_EV_BUDGET, "svo_nodes", 7, w->time += 1000);
	birth(w, NODE, 41);
	assert_int_equal(route_it(w, "category svo_nodes { match = 'svo::*'; budget = 100 }", &diag),
			 0);
	w->options.from_ns = 4000;
	assert_int_equal(mm_replay_run(w->kit.reader, &w->options, &out, &diag), 0);
	assert_int_equal(out.category[0].peak_bytes, 105);
	assert_int_equal(out.category[0].exceeded_count, 2);
	assert_int_equal(out.category[0].first_time_ns, 4000);
	assert_int_equal(out.category[0].alloc_count, 4);
}

/* A depot for each size, in steps of 8. */
static void a_pool_of_every_size(void **state)
{
	struct world *w = *state;

	birth(w, NODE, 20);
	birth(w, NODE, 24);
	birth(w, NODE, 40);
	birth(w, NODE, 0);
	birth(w, NODE, 100000);
	const struct mm_outcome *o = replay_it(w, "pool nodes { size = object }\n"
					       "site 'svo::*' { pool = nodes }\n");
	const struct mm_outcome_dest *pool = &o->dest[1];
	assert_int_equal(pool->depot_count, 4);
	assert_int_equal(pool->block_bytes[0], 24);
	assert_int_equal(pool->block_bytes[1], 40);
	assert_int_equal(pool->block_bytes[2], 8);
	assert_int_equal(pool->block_bytes[3], 100000);
	assert_int_equal(pool->at_end.internal_bytes, 4 + 8);
	assert_int_equal(pool->misfit_count, 0);
	assert_int_equal(o->dest[0].alloc_count, 0);
}

static void the_least_size_that_fits(void **state)
{
	struct world *w = *state;

	birth(w, NODE, 20);
	birth(w, NODE, 25);
	birth(w, NODE, 33);
	const struct mm_outcome *o = replay_it(w, "pool nodes { size = [ 64, 24, 30 ] }\n"
					       "site 'svo::*' { pool = nodes }\n");
	const struct mm_outcome_dest *pool = &o->dest[1];
	assert_int_equal(pool->block_bytes[0], 24);
	assert_int_equal(pool->block_bytes[1], 32);
	assert_int_equal(pool->block_bytes[2], 64);
	assert_int_equal(pool->at_end.internal_bytes, 4 + 7 + 31);
}

/* --- who goes where ------------------------------------------------------------------------------ */

static void sites_come_before_categories(void **state)
{
	struct world *w = *state;

	birth(w, NODE, 24);
	birth(w, FIELD, 500);
	birth(w, OTHER, 100);
	kit_alloc(&w->kit, 0, 0, w->pushed, 64, w->time += 1000);
	kit_alloc(&w->kit, 0, 1, w->site[OTHER], 48, w->time += 1000);
	const struct mm_outcome *o = replay_it(w, "strategy = first-fit\n"
		"category terrain { strategy = size-class }\n"
		"category svo_nodes { match = [ 'svo::*', 'file:field.c' ]; strategy = best-fit }\n"
		"site 'file:field.c' { pool = p }\n"
		"site 'thread:worker-*' { pool = q }\n"
		"pool p { size = 512 }\npool q { }\n");

	assert_int_equal(o->dest_count, 5);
	assert_string_equal(o->strategy, "first-fit");
	assert_int_equal(o->dest[0].at_end.requested_bytes, 100);
	assert_string_equal(o->dest[1].name, "p");
	assert_int_equal(o->dest[1].at_end.requested_bytes, 500);
	assert_int_equal(o->dest[2].at_end.requested_bytes, 48);
	assert_string_equal(o->dest[3].name, "terrain");
	assert_int_equal(o->dest[3].at_end.requested_bytes, 64);
	assert_string_equal(o->dest[4].strategy, "best-fit");
	assert_int_equal(o->dest[4].at_end.requested_bytes, 24);
	/* The category of what a site rule takes stays what it is. */
	assert_int_equal(o->category[1].alloc_count, 2);
	assert_int_equal(o->rule[0].object_count, 1);
	assert_int_equal(o->rule[2].object_count, 1);
}

static void a_heap_for_several(void **state)
{
	struct world *w = *state;

	birth(w, NODE, 24);
	birth(w, FIELD, 500);
	birth(w, OTHER, 100);
	const struct mm_outcome *o = replay_it(w, "heap both { strategy = best-fit }\n"
		"category svo_nodes { match = 'svo::*'; heap = both }\n"
		"site field_new { heap = both }\n");

	assert_int_equal(o->dest_count, 2);
	assert_string_equal(o->dest[1].strategy, "best-fit");
	assert_int_equal(o->dest[1].at_end.live_count, 2);
	assert_int_equal(o->dest[1].at_end.requested_bytes, 524);
}

static void reallocs_move_between_them(void **state)
{
	struct world *w = *state;
	size_t a = birth(w, NODE, 20), b = birth(w, OTHER, 1000);

	a = kit_realloc(&w->kit, a, 0, w->site[NODE], 24, w->time += 1000);   /* stays */
	a = kit_realloc(&w->kit, a, 0, w->site[NODE], 30, w->time += 1000);   /* to the heap */
	a = kit_realloc(&w->kit, a, 0, w->site[NODE], 32, w->time += 1000);   /* stays there */
	b = kit_realloc(&w->kit, b, 0, w->site[NODE], 16, w->time += 1000);   /* into the pool */
	b = kit_realloc(&w->kit, b, 0, w->site[FIELD], 2000, w->time += 1000);
	death(w, a);
	const struct mm_outcome *o = replay_it(w, "pool nodes { size = 24 }\n"
		"site 'svo::*' { pool = nodes }\ncategory sdf_fields { match = field_new\n"
		"strategy = best-fit }\n");

	assert_int_equal(o->realloc_count, 5);
	assert_int_equal(o->moved_count, 3);
	assert_int_equal(o->copied_bytes, 24 + 16 + 16);
	assert_int_equal(o->dest[1].misfit_count, 2);
	assert_int_equal(o->dest[1].came_count, 1);
	assert_int_equal(o->dest[1].went_count, 2);
	assert_int_equal(o->dest[1].at_end.live_count, 0);
	assert_int_equal(o->dest[0].at_end.live_count, 0);
	assert_int_equal(o->dest[2].at_end.requested_bytes, 2000);
	assert_int_equal(o->unknown_free_count, 0);
}

static void pins_add_up_over_destinations(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 5; i++) {
		birth(w, NODE, 24);
		birth(w, FIELD, 200);
		birth(w, OTHER, 100);
	}
	const char *text = "pool nodes { size = 24 }\nsite 'svo::*' { pool = nodes }\n"
			   "site field_new { strategy = best-fit }\n";
	struct mm_diag diag = { "" };
	static struct mm_outcome out;
	assert_int_equal(route_it(w, text, &diag), 0);
	w->options.naming = w->naming;
	assert_int_equal(mm_replay_run(w->kit.reader, &w->options, &out, &diag), 0);
	uint64_t sum = out.pinned.rest_bytes + out.pinned.nobody_bytes;
	for (size_t i = 0; i < out.pinned.row_count; i++)
		sum += out.pinned.row[i].bytes;
	assert_int_equal(sum, out.at_peak.slab_external_bytes);
	assert_int_equal(out.pinned.free_bytes, sum);
	assert_true(out.pinned.row_count >= 2);
}

/* --- what a trace does not tell ------------------------------------------------------------------ */

static void row(struct mm_drive *d, unsigned kind, uint32_t slot, uint64_t size, uint32_t site)
{
	struct mm_row r;

	mm_row_begin(&r, (uint8_t)kind, 7, 0, site);
	r.slot = slot;
	r.size = size;
	assert_int_equal(mm_drive_row(d, &r), 0);
}

struct driven {
	struct mm_heap *heap;
	struct mm_routed routed;
	struct mm_drive drive;
};

static void begin_drive(struct world *w, struct driven *d, const char *text)
{
	struct mm_heap_options h = { .simulated = 1, .track = 1, .retain_bytes = 0 };
	struct mm_diag diag = { "" };

	memset(d, 0, sizeof *d);
	if (route_it(w, text, &diag))
		fail_msg("%s", diag.text);
	h.strategy = w->conf->strategy;
	assert_int_equal(mm_heap_open(&d->heap, &h), 0);
	assert_int_equal(mm_routed_init(&d->routed, &w->router, d->heap, &h, 1), 0);
	d->routed.tick_ns = 1;
	mm_drive_init(&d->drive, d->heap, 1);
	mm_drive_route(&d->drive, &d->routed);
}

static void end_drive(struct driven *d)
{
	mm_drive_deinit(&d->drive);
	mm_routed_deinit(&d->routed);
	mm_heap_close(d->heap);
}

static void gaps_are_counted_never_fatal(void **state)
{
	struct world *w = *state;
	struct driven d;

	birth(w, NODE, 24);
	begin_drive(w, &d, "pool nodes { size = 24 }\nsite 'svo::*' { pool = nodes }\n");
	row(&d.drive, MM_EV_FREE, 7, 0, 0);
	row(&d.drive, MM_EV_REALLOC_OUT, 8, 0, 0);
	assert_int_equal(d.drive.counts.unknown_frees, 2);
	row(&d.drive, MM_EV_REALLOC_IN, 8, 24, w->site[NODE]);
	row(&d.drive, MM_EV_MALLOC, 0, 24, w->site[NODE]);
	row(&d.drive, MM_EV_MALLOC, 0, 24, 4711); /* a site that is not there; a death that is not */
	assert_int_equal(d.drive.counts.lost_objects, 1);
	assert_int_equal(d.routed.dest[1].live_count, 1);
	row(&d.drive, MM_EV_MALLOC, 1, UINT64_C(1) << 50, w->site[NODE]);
	assert_int_equal(d.drive.counts.failed, 1);
	row(&d.drive, MM_EV_FREE, 1, 0, 0);
	row(&d.drive, MM_EV_DISCARD, MM_NO_SLOT, 0, 0);
	assert_int_equal(d.routed.dest[0].live_count + d.routed.dest[1].live_count, 0);
	end_drive(&d);
}

/* --- laws under random operations ----------------------------------------------------------------- */

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void check_all(struct driven *d)
{
	uint64_t requested = 0;

	for (size_t i = 0; i < d->routed.dest_count; i++) {
		struct mm_account a;
		mm_dest_account(&d->routed.dest[i], &a);
		assert_int_equal(mm_account_sum(&a), a.committed);
		assert_int_equal(a.committed, mm_dest_committed(&d->routed.dest[i]));
		assert_int_equal(a.requested, d->routed.dest[i].live_bytes);
		assert_int_equal(a.live, d->routed.dest[i].live_count);
		assert_int_equal(mm_dest_check(&d->routed.dest[i]), 0);
		requested += a.requested;
	}
	assert_int_equal(requested, d->drive.counts.live_bytes);
}

static int by_place(const void *a, const void *b)
{
	const struct mm_routed_block *x = a, *y = b;

	if (x->dest != y->dest)
		return x->dest < y->dest ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void no_overlap(const struct driven *d)
{
	static struct mm_routed_block live[4096];
	size_t n = 0;

	for (size_t i = 0; i < d->drive.slot_cap; i++)
		if (d->drive.slot[i].where)
			live[n++] = mm_drive_unpack(&d->drive.slot[i]);
	qsort(live, n, sizeof *live, by_place);
	for (size_t i = 1; i < n; i++)
		assert_true(live[i].dest != live[i - 1].dest ||
			    live[i].addr >= live[i - 1].addr + (live[i - 1].size | !live[i - 1].size));
}

static void random_step(struct world *w, struct driven *d, uint64_t *seed)
{
	uint64_t draw = next_random(seed), size = draw >> 8 & 127;
	uint32_t slot = (uint32_t)(draw >> 32) % 2000, other = (uint32_t)(draw >> 16) % 2000;
	uint32_t site = w->site[draw >> 4 & 3];
	struct mm_row in;

	size <<= draw >> 60; /* up to 4 MiB */
	if (!mm_drive_addr(&d->drive, slot)) {
		row(&d->drive, draw & 8 ? MM_EV_MALLOC : MM_EV_CALLOC, slot, size, site);
	} else if (draw % 3) {
		row(&d->drive, MM_EV_FREE, slot, 0, 0);
	} else {
		row(&d->drive, MM_EV_REALLOC_OUT, slot, 0, 0);
		mm_row_begin(&in, MM_EV_REALLOC_IN, 9, 0, site);
		in.slot = other;
		in.ref = slot;
		in.size = size;
		in.align_log2 = draw & 64 ? 6 : 0;
		assert_int_equal(mm_drive_row(&d->drive, &in), 0);
	}
}

static void laws_hold_for_each_and_all(void **state)
{
	struct world *w = *state;
	struct driven d;
	uint64_t seed = 88172645463325252u;

	birth(w, NODE, 24);
	begin_drive(w, &d, "pool nodes { size = [ 24, 64, 4096, 1M ] }\npool any { }\n"
		    "site 'svo::*' { pool = nodes }\nsite other { pool = any }\n"
		    "category sdf_fields { match = field_new; strategy = best-fit }\n");
	for (int i = 0; i < 100000; i++) {
		random_step(w, &d, &seed);
		if (i % 1000 == 0) {
			check_all(&d);
			no_overlap(&d);
		}
	}
	check_all(&d);
	assert_true(d.routed.dest[1].misfits > 0 && d.routed.dest[1].came > 0);
	row(&d.drive, MM_EV_THREAD_END, MM_NO_SLOT, 0, 0);
	check_all(&d);
	row(&d.drive, MM_EV_DISCARD, MM_NO_SLOT, 0, 0);
	check_all(&d);
	assert_int_equal(d.drive.counts.live_bytes, 0);
	for (uint32_t i = 0; i < d.routed.category_count; i++)
		assert_int_equal(d.routed.kept[i].live_bytes, 0);
	end_drive(&d);
}

static void categories_that_are_not_there(void **state)
{
	struct world *w = *state;
	struct mm_diag diag = { "" };

	birth(w, NODE, 24);
	assert_int_equal(route_it(w, "category svo_nods { strategy = best-fit }", &diag), MM_ESYNTAX);
	assert_string_equal(diag.text + strlen(w->path),
			    ":1: there is no category 'svo_nods': it has no match, and the program "
			    "of this trace names none so; did you mean 'svo_nodes'?");
}

static void categories_of_the_program_are_there(void **state)
{
	struct world *w = *state;

	kit_alloc(&w->kit, 0, 0, w->pushed, 64, w->time += 1000);
	const struct mm_outcome *o = replay_it(w, "category terrain { strategy = best-fit }\n"
					       "category later { match = [ ] }\n");
	assert_int_equal(o->dest[1].at_end.requested_bytes, 64);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(ten_events_in_a_pool),
		IN_WORLD(budget_by_hand),
		IN_WORLD(budget_of_a_range),
		IN_WORLD(a_pool_of_every_size),
		IN_WORLD(the_least_size_that_fits),
		IN_WORLD(sites_come_before_categories),
		IN_WORLD(a_heap_for_several),
		IN_WORLD(reallocs_move_between_them),
		IN_WORLD(pins_add_up_over_destinations),
		IN_WORLD(gaps_are_counted_never_fatal),
		IN_WORLD(laws_hold_for_each_and_all),
		IN_WORLD(categories_that_are_not_there),
		IN_WORLD(categories_of_the_program_are_there),
	};

	return cmocka_run_group_tests_name("replay_conf", tests, NULL, NULL);
}
