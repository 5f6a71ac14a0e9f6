/* test_model_trees: of the model: trees of calls, from main down and from the allocation up; which
 * stacks match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>


#include "modelkit.h"

static const struct mm_model_options overview;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_goes_down_from_main),
		cmocka_unit_test(tree_goes_up_to_callers),
		cmocka_unit_test(match_keeps_whole_stacks),
		cmocka_unit_test(stack_ids_outlive_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
