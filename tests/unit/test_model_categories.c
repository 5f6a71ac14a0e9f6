/* test_model_categories: of the model: whose a block is: categories pushed by the program,
 * rules by stack and thread, budgets.
 */
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

static const struct mm_model_options overview;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(innermost_pushed_category_wins),
		cmocka_unit_test(first_matching_rule_wins),
		cmocka_unit_test(thread_rules_split_a_site),
		cmocka_unit_test(program_sets_budgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
