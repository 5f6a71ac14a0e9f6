/* test_model_parts.c: categories, processes, trees, matches, notes and damage in the
 * report, against figures computed by hand or by the kit's oracle. */
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
#include "modelkit.h"

static const struct mm_model_options overview;

/* --- categories -------------------------------------------------------------------------- */

static struct mm_categories *load_rules(const char *text)
{
	char path[] = "/tmp/modelrules-XXXXXX";
	int fd = mkstemp(path);
	struct mm_categories *c = NULL;
	struct mm_diag diag = { "" };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int err = mm_categories_load(&c, path, &diag);
	if (err)
		print_error("%s\n", mm_diag_text(&diag, err));
	assert_int_equal(err, 0);
	unlink(path);
	return c;
}

static const struct mm_report_category *category(const struct mm_report *r, const char *name)
{
	for (size_t i = 0; i < r->category_count; i++)
		if (strcmp(r->categories[i].name, name) == 0)
			return &r->categories[i];
	fail_msg("no category %s", name);
	return NULL;
}

/* svo_nodes holds 100 until t = 30, sdf_fields 500 from t = 40 on: the process peaks at
 * t = 40 without any svo_nodes. */
static void innermost_pushed_category_wins(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t top = kit_site(&k, p, 0, "main", "m.c", 1);
	uint32_t svo = kit_category(&k, p, top, "svo_nodes");
	uint32_t in_svo = kit_site(&k, p, svo, "node_new", "n.c", 2);
	uint32_t sdf = kit_category(&k, p, in_svo, "sdf_fields");
	uint32_t in_sdf = kit_site(&k, p, sdf, "field_new", "f.c", 3);
	uint32_t own = kit_category(&k, p, top, "textures");
	size_t node = kit_alloc(&k, p, t, in_svo, 100, 10);
	kit_alloc(&k, p, t, top, 7, 20);
	kit_free(&k, node, t, 30);
	kit_alloc(&k, p, t, in_sdf, 500, 40);
	size_t texture = kit_alloc(&k, p, t, own, 3, 41);
	kit_free(&k, texture, t, 42);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.peak_live_bytes, 510);
	assert_int_equal(category(r, "svo_nodes")->peak_live_bytes, 100);
	assert_int_equal(category(r, "svo_nodes")->peak_at_ns, 10);
	assert_int_equal(category(r, "svo_nodes")->own.peak_bytes, 0);
	assert_int_equal(category(r, "sdf_fields")->own.peak_bytes, 500);
	assert_int_equal(category(r, "sdf_fields")->own.live_bytes, 500);
	assert_int_equal(category(r, "general")->own.peak_bytes, 7);
	assert_int_equal(category(r, "textures")->own.alloc_count, 1);
	assert_true(category(r, "textures")->budget_bytes == MM_UNKNOWN);
	assert_true(category(r, "textures")->used_ppm == MM_UNKNOWN);
	assert_int_equal(category(r, "svo_nodes")->budget_bytes, 256 << 20);
	/* The frame pushed is in the stack, but never the one a row is named after. */
	assert_string_equal(r->table.rows[0].name, "field_new");
	mm_report_free(r);
	kit_end(&k);
}

static void first_matching_rule_wins(void **state)
{
	struct mm_model_options o = { .categories = load_rules(
		"category narrow_band { match = [ \"outer*\" ] }\n"
		"category mesh_data { budget = 1K; match = [ \"inner*\", \"file:*b.c\" ] }\n") };
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t outer = kit_site(&k, p, 0, "outer_fn", "a.c", 1);
	kit_alloc(&k, p, t, kit_site(&k, p, outer, "inner_fn", "a.c", 2), 1, 1);
	kit_alloc(&k, p, t, kit_site(&k, p, 0, "inner_fn", "a.c", 2), 20, 2);
	kit_alloc(&k, p, t, kit_site(&k, p, 0, "other", "src/b.c", 2), 4000, 3);
	uint32_t pushed = kit_category(&k, p, outer, "svo_nodes");
	kit_alloc(&k, p, t, pushed, 50000, 4);
	kit_alloc(&k, p, t, kit_site(&k, p, 0, "nobody", "c.c", 2), 600000, 5);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(category(r, "narrow_band")->own.peak_bytes, 1);
	assert_int_equal(category(r, "mesh_data")->own.peak_bytes, 4020);
	assert_int_equal(category(r, "svo_nodes")->own.peak_bytes, 50000);
	assert_int_equal(category(r, "general")->own.peak_bytes, 600000);
	assert_int_equal(category(r, "mesh_data")->over, 1);
	assert_int_equal(category(r, "mesh_data")->used_ppm, 4020 * INT64_C(1000000) / 1024);
	assert_int_equal(category(r, "narrow_band")->over, 0);
	mm_report_free(r);
	mm_categories_free(o.categories);
	kit_end(&k);
}

static void thread_rules_split_a_site(void **state)
{
	struct mm_model_options o = { .categories = load_rules(
		"category mesh_data { match = [ \"thread:mesh-*\" ] }\n"
		"category svo_nodes { match = [ \"function:make\" ] }\n") };
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t a = kit_thread(&k, p, 1, "mesh-1"), b = kit_thread(&k, p, 2, "io");
	uint32_t make = kit_site(&k, p, 0, "make", "m.c", 1);
	uint32_t other = kit_site(&k, p, 0, "other", "m.c", 1);
	kit_alloc(&k, p, a, make, 1, 1);
	size_t gone = kit_alloc(&k, p, b, make, 10, 2);
	kit_alloc(&k, p, b, other, 100, 3);
	kit_free(&k, gone, a, 4); /* its thread of birth decides */
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(category(r, "mesh_data")->own.alloc_bytes, 1);
	assert_int_equal(category(r, "mesh_data")->own.free_bytes, 0);
	assert_int_equal(category(r, "svo_nodes")->own.alloc_bytes, 10);
	assert_int_equal(category(r, "svo_nodes")->own.free_bytes, 10);
	assert_int_equal(category(r, "svo_nodes")->peak_live_bytes, 10);
	assert_int_equal(category(r, "svo_nodes")->own.live_bytes, 0);
	assert_int_equal(category(r, "general")->own.live_bytes, 100);
	mm_report_free(r);
	mm_categories_free(o.categories);
	kit_end(&k);
}

static void program_sets_budgets(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_BUDGET, "general", 50, 1);
	kit_alloc(&k, p, t, 0, 60, 2);
	kit_text(&k, p, MM_EV_BUDGET, "general", 59, 3);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(category(r, "general")->budget_bytes, 59);
	assert_int_equal(category(r, "general")->over, 1);
	mm_report_free(r);
	kit_end(&k);
}

/* --- processes --------------------------------------------------------------------------- */

/* 0: a launcher that replaces itself by exec (process 1, same pid); 2: a child of it that
 * lives from t = 30 to 80; 3: seen, not recorded. */
static void make_family(struct kit *k)
{
	kit_begin(k);
	uint32_t a = kit_process(k, 100, MM_START_COMMAND, 0);
	uint32_t ta = kit_thread(k, a, 100, "sh");
	kit_alloc(k, a, ta, kit_site(k, a, 0, "launch", "", 0), 1000, 5);
	kit_process_end(k, a, MM_END_EXEC, 0, 10);
	uint32_t b = kit_process(k, 100, MM_START_EXEC, 10);
	uint32_t tb = kit_thread(k, b, 100, "app");
	uint32_t sb = kit_site(k, b, 0, "work", "", 0);
	size_t big = kit_alloc(k, b, tb, sb, 300, 20);
	uint32_t c = kit_process(k, 200, MM_START_FORK, 30);
	uint32_t tc = kit_thread(k, c, 200, "child");
	uint32_t sc = kit_site(k, c, 0, "work", "", 0);
	size_t kid = kit_alloc(k, c, tc, sc, 250, 40);
	kit_free(k, big, tb, 50);
	kit_alloc(k, b, tb, sb, 40, 60);
	kit_alloc(k, c, tc, sc, 5, 70);
	kit_free(k, kid, tc, 75);
	kit_process_end(k, c, MM_END_SIGNAL, 9, 80);
	kit_alloc(k, b, tb, sb, 2, 90);
	kit_process_end(k, b, MM_END_EXIT, 0, 100);
	kit_process(k, 300, MM_START_UNRECORDED, 35);
	kit_reader(k);
}

static void command_is_followed_through_exec(void **state)
{
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->run.process, 1);
	assert_int_equal(r->totals.all.alloc_bytes, 342);
	assert_int_equal(r->totals.peak_live_bytes, 300);
	assert_int_equal(r->process_count, 4);
	assert_int_equal(r->processes[0].selected, 0);
	assert_int_equal(r->processes[1].selected, 1);
	assert_int_equal(r->processes[3].recorded, 0);
	assert_true(r->processes[3].alloc_count == MM_UNKNOWN);
	assert_int_equal(r->processes[2].end, MM_END_SIGNAL);
	assert_int_equal(r->processes[2].status, 9);
	mm_report_free(r);
	kit_end(&k);
}

static void exec_discards_and_does_not_leak(void **state)
{
	struct mm_model_options o = { .process = "#0" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->totals.all.live_bytes, 1000);
	assert_int_equal(r->totals.discarded_bytes, 1000);
	assert_int_equal(r->totals.discarded_count, 1);
	assert_int_equal(r->totals.all.leak_bytes, 0);
	assert_int_equal(r->leaks.count, 0);
	mm_report_free(r);
	kit_end(&k);
}

static void all_adds_each_process_once(void **state)
{
	struct mm_model_options o = { .process = "all" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->totals.all.alloc_bytes, 1000 + 342 + 255);
	assert_int_equal(r->totals.all.alloc_count, 6);
	/* The launcher alone: 1000; later never more than 300 + 250 together. */
	assert_int_equal(r->totals.peak_live_bytes, 1000);
	assert_int_equal(r->totals.peak_at_ns, 5);
	assert_int_equal(r->totals.all.leak_bytes, 42 + 5);
	assert_int_equal(r->run.process, MM_NO_PROCESS);
	mm_report_free(r);
	o.from = "11ns";
	r = kit_report(&k, &o);
	assert_int_equal(r->totals.peak_live_bytes, 550);
	assert_int_equal(r->totals.peak_at_ns, 40);
	uint64_t sum = 0;
	for (size_t i = 0; i < r->peak.count; i++)
		sum += r->peak.rows[i].own.peak_bytes;
	assert_int_equal(sum, 550);
	mm_report_free(r);
	kit_end(&k);
}

static void a_process_is_found_by_pid_or_number(void **state)
{
	static const struct { const char *text; int err; } bad[] = {
		{ "300", MM_ENOENT }, { "4711", MM_ENOENT }, { "#9", MM_ENOENT },
		{ "app", MM_EINVAL }, { "", MM_EINVAL }, { "#", MM_EINVAL },
	};
	struct mm_model_options o = { .process = "200" };
	struct kit k;

	(void)state;
	make_family(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->run.process, 2);
	assert_int_equal(r->totals.all.alloc_bytes, 255);
	mm_report_free(r);
	o.process = "100"; /* the last image of that pid */
	r = kit_report(&k, &o);
	assert_int_equal(r->run.process, 1);
	mm_report_free(r);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		o.process = bad[i].text;
		assert_int_equal(kit_refusal(&k, &o, &diag), bad[i].err);
	}
	kit_end(&k);
}

/* Two processes interleaved at random, against the oracle. */
static void merged_peak_equals_the_oracle(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 8; seed++) {
		struct mm_model_options o = { .process = "all" };
		struct kit k;
		uint32_t at;
		uint64_t time;
		size_t live[2][2000], n[2] = { 0, 0 };
		uint32_t site[2];
		kit_begin(&k);
		srand(seed);
		for (uint32_t p = 0; p < 2; p++) {
			kit_process(&k, 1 + p, p ? MM_START_FORK : MM_START_COMMAND, 0);
			kit_thread(&k, p, 1 + p, "t");
			site[p] = kit_site(&k, p, 0, p ? "b" : "a", "", 0);
		}
		for (uint64_t e = 1; e < 1500; e++) {
			unsigned p = (unsigned)rand() % 2;
			if (n[p] && rand() % 2) {
				size_t i = (size_t)rand() % n[p];
				kit_free(&k, live[p][i], 0, e);
				live[p][i] = live[p][--n[p]];
			} else {
				live[p][n[p]++] = kit_alloc(&k, p, 0, site[p],
							    (uint64_t)rand() % 1000, e);
			}
		}
		kit_process_end(&k, 0, MM_END_EXIT, 0, 2000);
		kit_process_end(&k, 1, MM_END_EXIT, 0, 2000);
		kit_reader(&k);
		struct mm_report *r = kit_report(&k, &o);
		assert_int_equal(r->totals.peak_live_bytes,
				 kit_peak(&k, 3, 0, MM_UNKNOWN, &at, &time));
		assert_int_equal(r->totals.peak_at_ns, time);
		assert_int_equal(r->peak.count, 2);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(r->peak.rows[i].own.peak_bytes,
				kit_live_after(&k, r->peak.rows[i].process, KIT_ANY, KIT_ANY, at));
		mm_report_free(r);
		o.from = "700ns";
		o.to = "900ns";
		r = kit_report(&k, &o);
		assert_int_equal(r->totals.peak_live_bytes, kit_peak(&k, 3, 700, 900, &at, &time));
		assert_int_equal(r->totals.peak_at_ns, time);
		for (size_t i = 0; i < r->peak.count; i++)
			assert_int_equal(r->peak.rows[i].own.peak_bytes,
				kit_live_after(&k, r->peak.rows[i].process, KIT_ANY, KIT_ANY, at));
		mm_report_free(r);
		kit_end(&k);
	}
}

/* --- trees and matches -------------------------------------------------------------------- */

/* main -> parse -> {lex 10, build 300}; main -> build 7 */
static void make_calls(struct kit *k)
{
	kit_begin(k);
	uint32_t p = kit_process(k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(k, p, 1, "t");
	uint32_t m = kit_site(k, p, 0, "main", "m.c", 1);
	uint32_t parse = kit_site(k, p, m, "parse", "p.c", 2);
	uint32_t lex = kit_site(k, p, parse, "lex", "p.c", 3);
	uint32_t build = kit_site(k, p, parse, "build", "b.c", 4);
	uint32_t other = kit_site(k, p, m, "build", "b.c", 5);
	uint32_t wrap = kit_site(k, p, build, "xmalloc", "x.c", 6);
	kit_alloc(k, p, t, lex, 10, 1);
	kit_alloc(k, p, t, wrap, 300, 2);
	kit_alloc(k, p, t, other, 7, 3);
	kit_reader(k);
}

static void check_node(const struct mm_report *r, size_t i, const char *name, uint32_t depth,
		       uint64_t total, uint64_t self)
{
	const struct mm_report_node *n = &r->tree[i];

	if (n->frame == UINT32_MAX)
		assert_string_equal(name, "");
	else
		assert_string_equal(r->frames[n->frame].name, name);
	assert_int_equal(n->depth, depth);
	assert_int_equal(n->total, total);
	assert_int_equal(n->self, self);
}

static void tree_goes_down_from_main(void **state)
{
	struct mm_model_options o = { .tree = MM_TREE_CALLEES };
	struct kit k;

	(void)state;
	make_calls(&k);
	struct mm_report *r = kit_report(&k, &o);
	assert_int_equal(r->tree_count, 6);
	check_node(r, 0, "", 0, 317, 0);
	check_node(r, 1, "main", 1, 317, 0);
	check_node(r, 2, "parse", 2, 310, 0);
	check_node(r, 3, "build", 3, 300, 300); /* xmalloc is passed over */
	check_node(r, 4, "lex", 3, 10, 10);
	check_node(r, 5, "build", 2, 7, 7);
	mm_report_free(r);
	o.tree_ppm = 100000; /* below a tenth: folded */
	r = kit_report(&k, &o);
	assert_int_equal(r->tree_count, 6);
	assert_int_equal(r->tree[4].folded, 1);
	check_node(r, 4, "", 3, 10, 0);
	assert_int_equal(r->tree[5].folded_count, 1);
	mm_report_free(r);
	kit_end(&k);
}

static void tree_goes_up_to_callers(void **state)
{
	struct mm_model_options o = { .tree = MM_TREE_CALLERS };
	struct kit k;

	(void)state;
	make_calls(&k);
	struct mm_report *r = kit_report(&k, &o);
	check_node(r, 1, "build", 1, 307, 307);
	check_node(r, 2, "parse", 2, 300, 0);
	check_node(r, 3, "main", 3, 300, 0);
	check_node(r, 4, "main", 2, 7, 0);
	check_node(r, 5, "lex", 1, 10, 10);
	mm_report_free(r);
	kit_end(&k);
}

static void match_keeps_whole_stacks(void **state)
{
	static const struct { const char *glob; uint64_t bytes; } cases[] = {
		{ "parse", 310 }, { "l?x", 10 }, { "*b.c", 307 }, { "prog*", 317 }, { "none", 0 },
	};
	struct kit k;

	(void)state;
	make_calls(&k);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mm_model_options o = { .match = cases[i].glob };
		struct mm_report *r = kit_report(&k, &o);
		assert_int_equal(r->table.total.peak_bytes, cases[i].bytes);
		assert_int_equal(r->totals.peak_live_bytes, 317);
		mm_report_free(r);
	}
	kit_end(&k);
}

static void stack_ids_outlive_addresses(void **state)
{
	struct kit a, b;

	(void)state;
	make_calls(&a);
	kit_begin(&b);
	b.next_address = 0x7000000;
	uint32_t p = kit_process(&b, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&b, p, 1, "t");
	uint32_t m = kit_site(&b, p, 0, "main", "m.c", 11);
	uint32_t parse = kit_site(&b, p, m, "parse", "p.c", 22);
	kit_alloc(&b, p, t, kit_site(&b, p, parse, "lex", "p.c", 33), 1, 1);
	kit_reader(&b);
	struct mm_report *x = kit_report(&a, &overview), *y = kit_report(&b, &overview);
	assert_string_equal(x->table.rows[1].name, "lex");
	assert_string_equal(x->stacks[x->table.rows[1].stack].id,
			    y->stacks[y->table.rows[0].stack].id);
	assert_string_not_equal(x->stacks[x->table.rows[0].stack].id,
				x->stacks[x->table.rows[1].stack].id);
	mm_report_free(x);
	mm_report_free(y);
	kit_end(&a);
	kit_end(&b);
}

/* --- notes -------------------------------------------------------------------------------- */

static void put_sample(struct kit *k, uint32_t p, uint64_t rss, uint64_t anon, uint64_t time)
{
	struct mm_sample s = { rss, anon, rss + 5, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN,
			       MM_UNKNOWN };
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = time, .sample = &s };

	kit_other(k, p, &ev);
}

static void samples_show_what_is_unaccounted(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	kit_alloc(&k, p, t, 0, 1000, 10);
	put_sample(&k, p, 9000, 1500, 20);
	struct mm_event map = { .kind = MM_EV_MAP, .thread = t, .slot = MM_NO_SLOT, .time = 30,
				.addr = 4096, .size = 4096 };
	kit_other(&k, p, &map);
	put_sample(&k, p, 20000, 7000, 40); /* 7000 - 1000 - 4096 = 1904 */
	put_sample(&k, p, 19000, 5000, 50);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.unaccounted_bytes, 1904);
	assert_int_equal(r->totals.unaccounted_at_ns, 40);
	assert_int_equal(r->totals.unaccounted_ppm, 95200);
	assert_int_equal(r->totals.rss_peak_bytes, 20005);
	assert_int_equal(r->totals.mapped_bytes, 4096);
	assert_string_equal(r->totals.unaccounted_cause, "");
	assert_int_equal(r->sample_count, 3);
	mm_report_free(r);
	kit_end(&k);
}

static void metrics_are_summed_up(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", 5, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks", 1, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", -3, 3);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", 4, 4);
	struct mm_event lost = { .kind = MM_EV_LOST, .slot = MM_NO_SLOT, .time = 5, .value = 17 };
	kit_other(&k, p, &lost);
	struct mm_event failed = { .kind = MM_EV_FAILED, .slot = MM_NO_SLOT, .time = 6, .size = 9 };
	kit_other(&k, p, &failed);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->series_count, 2);
	assert_string_equal(r->series[0].name, "svo.nodes");
	assert_int_equal(r->series[0].count, 3);
	assert_int_equal(r->series[0].first, 5);
	assert_int_equal(r->series[0].last, 4);
	assert_int_equal(r->series[0].min, -3);
	assert_int_equal(r->series[0].max, 5);
	assert_int_equal(r->series[0].point_count, 3);
	assert_int_equal(r->series[0].values[1], -3);
	assert_int_equal(r->run.lost_events_count, 17);
	assert_int_equal(r->totals.failed_count, 1);
	assert_int_equal(r->totals.all.alloc_count, 0);
	mm_report_free(r);
	kit_end(&k);
}

/* The member of a domain; fails when the domain has none of that name. */
static const struct mm_report_member *member(const struct mm_report_domain *d, const char *name)
{
	size_t i = 0;

	while (i < d->count && strcmp(d->members[i].name, name) != 0)
		i++;
	assert_true(i < d->count);
	return &d->members[i];
}

static void assert_member(const struct mm_report_domain *d, const char *name, int64_t value)
{
	assert_true(member(d, name)->known);
	assert_int_equal(member(d, name)->value, value);
}

static void domains_follow_from_metrics(void **state)
{
	struct mm_report_domain d;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", 9, 1);
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", 3000, 2); /* the last counts */
	kit_text(&k, p, MM_EV_METRIC, "stored_bytes", 2000, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.inner_bytes", 100, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_bytes", 200, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.pool_bytes", 400, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes_count", 0, 2); /* nothing is divided by 0 */
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_children_count", 6, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_nodes_count", 3, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.dedup_ppm", 7, 2);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	mm_report_domain(r, MM_DOMAIN_SVO_SDF, &d);
	assert_string_equal(d.name, "svo_sdf");
	assert_true(d.told);
	assert_member(&d, "raw_bytes", 3000);
	assert_member(&d, "compression_ppm", 1500000);
	assert_false(member(&d, "mesh_data_bytes")->known);
	mm_report_domain(r, MM_DOMAIN_SVO, &d);
	assert_true(d.told);
	assert_member(&d, "pool_used_ppm", 750000);
	assert_member(&d, "leaf_fill_ppm", 250000);
	assert_member(&d, "dedup_ppm", 7);
	assert_false(member(&d, "bytes_per_node_ppm")->known);
	assert_false(member(&d, "children_mean_ppm")->known);
	mm_report_domain(r, MM_DOMAIN_SDF, &d);
	assert_false(d.told);
	for (size_t i = 0; i < d.count; i++)
		assert_false(d.members[i].known);
	mm_report_free(r);
	kit_end(&k);
}

static void domains_bear_any_value(void **state)
{
	struct mm_report_domain d;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "stored_bytes", 1, 1); /* the ratio fits no integer */
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks_resident_count", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks_free_count", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.band_voxels_count", INT64_MIN, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.stored_voxels_count", 5, 1);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	mm_report_domain(r, MM_DOMAIN_SVO_SDF, &d);
	assert_false(member(&d, "compression_ppm")->known);
	mm_report_domain(r, MM_DOMAIN_SDF, &d);
	assert_member(&d, "atlas_fill_ppm", 500000);
	assert_member(&d, "band_voxels_count", INT64_MIN);
	assert_false(member(&d, "band_ppm")->known);
	mm_report_free(r);
	kit_end(&k);
}

static void kinds_are_told_apart(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	size_t a = kit_alloc(&k, p, t, 0, 10, 1);
	a = kit_realloc(&k, a, t, 0, 30, 2);
	struct mm_event inherited = { .kind = MM_EV_INHERITED, .slot = MM_NO_SLOT, .thread = t,
				      .time = 3, .addr = 1 << 20 };
	k.events++;
	assert_int_equal(mm_stream_death(k.streams[p], &inherited), 0);
	kit_alloc(&k, p, t, 0, 0, 4); /* size 0 counts as a call */
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.realloc_count, 1);
	assert_int_equal(r->totals.inherited_free_count, 1);
	assert_int_equal(r->totals.all.alloc_count, 3);
	assert_int_equal(r->totals.all.free_count, 1);
	assert_int_equal(r->totals.all.temporary_count, 0);
	assert_int_equal(r->totals.all.live_count, 2);
	assert_int_equal(r->totals.peak_live_bytes, 30);
	mm_report_free(r);
	kit_end(&k);
}

/* --- damage ------------------------------------------------------------------------------- */

static uint8_t *slurp(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_size = (size_t)ftell(f);
	rewind(f);
	uint8_t *data = malloc(*ret_size);
	assert_int_equal(fread(data, 1, *ret_size, f), *ret_size);
	fclose(f);
	return data;
}

/* Whatever is broken, no allocation of the totals is in no row and not in the rest. */
static void check_damaged(struct mm_reader *reader, unsigned *ret_opened)
{
	struct mm_model_options o = { .by = MM_BY_SITE };
	struct mm_diag diag = { "" };
	struct mm_report *r;

	assert_int_equal(mm_categories_load(&o.categories, NULL, &diag), 0);
	if (mm_reader_processes(reader) && mm_model_report(&r, reader, &o, &diag) == 0) {
		struct mm_measure sum = r->table.rest;
		for (size_t i = 0; i < r->table.count; i++)
			mm_measure_add(&sum, &r->table.rows[i].own);
		assert_true(sum.alloc_count >= r->totals.all.alloc_count);
		size_t last = r->timeline.count;
		if (last)
			assert_int_equal(r->timeline.live_bytes[last - 1],
					 r->totals.all.live_bytes);
		++*ret_opened;
		mm_report_free(r);
	}
	mm_categories_free(o.categories);
}

static void damage_never_crashes(void **state)
{
	struct kit k;
	size_t size;
	unsigned opened = 0;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t site = kit_site(&k, p, 0, "main", "m.c", 1);
	for (uint64_t i = 0; i < 140000; i++) {
		size_t o = kit_alloc(&k, p, t, site, i % 100, 2 * i);
		if (i % 3)
			kit_free(&k, o, t, 2 * i + 1);
	}
	kit_reader(&k);
	uint8_t *data = slurp(k.path, &size);
	for (size_t cut = 0; cut < 60; cut++) {
		struct mm_reader *r;
		size_t at = 64 + (size - 64) / 60 * cut;
		data[at] ^= 0x10;
		if (mm_reader_open_memory(&r, data, size, NULL) == 0) {
			check_damaged(r, &opened);
			mm_reader_close(r);
		}
		data[at] ^= 0x10;
		if (mm_reader_open_memory(&r, data, at, NULL) == 0) {
			check_damaged(r, &opened);
			mm_reader_close(r);
		}
	}
	assert_true(opened > 60);
	free(data);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(innermost_pushed_category_wins),
		cmocka_unit_test(first_matching_rule_wins),
		cmocka_unit_test(thread_rules_split_a_site),
		cmocka_unit_test(program_sets_budgets),
		cmocka_unit_test(command_is_followed_through_exec),
		cmocka_unit_test(exec_discards_and_does_not_leak),
		cmocka_unit_test(all_adds_each_process_once),
		cmocka_unit_test(a_process_is_found_by_pid_or_number),
		cmocka_unit_test(merged_peak_equals_the_oracle),
		cmocka_unit_test(tree_goes_down_from_main),
		cmocka_unit_test(tree_goes_up_to_callers),
		cmocka_unit_test(match_keeps_whole_stacks),
		cmocka_unit_test(stack_ids_outlive_addresses),
		cmocka_unit_test(samples_show_what_is_unaccounted),
		cmocka_unit_test(metrics_are_summed_up),
		cmocka_unit_test(domains_follow_from_metrics),
		cmocka_unit_test(domains_bear_any_value),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(damage_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
