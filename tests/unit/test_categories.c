/* test_categories.c: configuration files, globs, and the rules of categories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "core/error.h"
#include "symbol/categories.h"
#include "symbol/glob.h"

/* --- files ------------------------------------------------------------------- */

static void conf_gives_items_with_lines(void **state)
{
	static const char text[] =
		"# first\n"
		"category svo { budget = 256 mb; match = [ \"a\\\"b::*\",\n"
		"  'c\\d', file:x*.c ] }\n"
		"/* two\n lines */ plain: value with blanks   # why\n"
		"empty = []\n";
	struct mm_conf *c;
	struct mm_diag diag = { "" };

	(void)state;
	assert_int_equal(mm_conf_parse(&c, "t", text, sizeof text - 1, &diag), 0);
	const struct mm_conf_item *root = mm_conf_root(c), *svo = &root->items[0];
	assert_int_equal(root->item_count, 3);
	assert_string_equal(svo->key, "category");
	assert_string_equal(svo->label, "svo");
	assert_int_equal(svo->line, 2);
	assert_true(svo->is_section);
	assert_int_equal(svo->item_count, 2);
	assert_string_equal(svo->items[0].values[0].text, "256 mb");
	assert_int_equal(svo->items[1].value_count, 3);
	assert_string_equal(svo->items[1].values[0].text, "a\"b::*");
	assert_string_equal(svo->items[1].values[1].text, "c\\d");
	assert_int_equal(svo->items[1].values[1].line, 3);
	assert_string_equal(svo->items[1].values[2].text, "file:x*.c");
	assert_string_equal(root->items[1].key, "plain");
	assert_string_equal(root->items[1].values[0].text, "value with blanks");
	assert_int_equal(root->items[1].line, 5);
	assert_true(root->items[2].is_list);
	assert_int_equal(root->items[2].value_count, 0);
	mm_conf_free(c);
}

static void conf_refuses_with_a_line(void **state)
{
	static const struct { const char *text, *message; } bad[] = {
		{ "a", "t:1: the file ends too early" },
		{ "a =", "t:1: a value is missing" },
		{ "\na { b = 1", "t:2: a section does not end: '}' is missing" },
		{ "a = [ x,\n y\n", "t:1: a list does not end: ']' is missing" },
		{ "a = \"x\ny\"", "t:1: a string does not end on its line" },
		{ "a = \"x", "t:1: a string does not end" },
		{ "a = \"\\q\"", "t:1: unknown escape in a string" },
		{ "}", "t:1: a key is expected here" },
		{ "a b = 3", "t:1: write KEY = VALUE, or KEY NAME { ... }" },
		{ "a [ 3 ]", "t:1: '=' or '{' must follow a key; write [ a, b ] for several values" },
		{ "a = [ \"x\" y ]", "t:1: in a list, ',' or ']' must follow a value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		struct mm_conf *c = NULL;
		assert_int_equal(mm_conf_parse(&c, "t", bad[i].text, strlen(bad[i].text), &diag),
				 MM_ESYNTAX);
		assert_null(c);
		assert_memory_equal(diag.text, bad[i].message, strlen(bad[i].message));
	}
}

static void conf_bounds_its_depth(void **state)
{
	char text[200] = "";
	struct mm_diag diag = { "" };
	struct mm_conf *c;

	(void)state;
	for (int i = 0; i < 40; i++)
		strcat(text, "a {");
	assert_int_equal(mm_conf_parse(&c, "t", text, strlen(text), &diag), MM_ESYNTAX);
	assert_string_equal(diag.text, "t:1: sections are nested too deep");
}

/* --- globs ------------------------------------------------------------------- */

static void globs_match(void **state)
{
	static const struct { const char *glob, *text; int match; } cases[] = {
		{ "*", "", 1 }, { "a", "a", 1 }, { "a", "ab", 0 }, { "a", "", 0 },
		{ "svo::*", "svo::Tree::insert(int)", 1 }, { "svo::*", "xsvo::f", 0 },
		{ "*alloc*", "my_allocator", 1 }, { "a?c", "abc", 1 }, { "a?c", "ac", 0 },
		{ "[a-c]x", "bx", 1 }, { "[a-c]x", "dx", 0 }, { "[!a-c]x", "dx", 1 },
		{ "[]]", "]", 1 }, { "[a\\]]", "]", 1 }, { "\\*", "*", 1 }, { "\\*", "x", 0 },
		{ "*a*b*c", "xxaxxbxxc", 1 }, { "*a*b*c", "xxaxxbxx", 0 },
		{ "a**b", "ab", 1 }, { "*.so*", "libx.so.1", 1 }, { "operator\\[\\]", "operator[]", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (mm_glob_match(cases[i].glob, cases[i].text, strlen(cases[i].text)) !=
		    cases[i].match)
			fail_msg("%s on %s: not %d", cases[i].glob, cases[i].text, cases[i].match);
}

static void globs_are_checked(void **state)
{
	(void)state;
	assert_null(mm_glob_check("a[b-]*\\?"));
	assert_null(mm_glob_check("\\["));
	assert_non_null(mm_glob_check(""));
	assert_non_null(mm_glob_check("a\\"));
	assert_non_null(mm_glob_check("[a"));
	assert_non_null(mm_glob_check("\\\\[a"));
	assert_non_null(mm_glob_check("[]"));
}

/* Exponential matchers need minutes for this. */
static void globs_stay_quick(void **state)
{
	char text[4001];

	(void)state;
	memset(text, 'a', 4000);
	text[4000] = 0;
	assert_int_equal(mm_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text, 4000), 0);
}

static void paths_match_at_their_parts(void **state)
{
	(void)state;
	assert_true(mm_glob_match_path("src/svo/x*.c", "/home/me/src/svo/xy.c"));
	assert_true(mm_glob_match_path("xy.c", "/home/me/src/svo/xy.c"));
	assert_false(mm_glob_match_path("y.c", "/home/me/src/svo/xy.c"));
	assert_true(mm_glob_match_path("/home/*", "/home/me/src/svo/xy.c"));
	assert_false(mm_glob_match_path("/src/*", "/home/me/src/svo/xy.c"));
	assert_true(mm_glob_match_path("libsvo*", "/usr/lib/libsvo.so.1"));
}

static void functions_match_without_parameters(void **state)
{
	(void)state;
	assert_true(mm_glob_match_function("node_new", "node_new"));
	assert_true(mm_glob_match_function("svo::insert", "svo::insert(int, char)"));
	assert_true(mm_glob_match_function("svo::insert", "svo::insert(f(*)(int)) const"));
	assert_true(mm_glob_match_function("svo::insert(int)", "svo::insert(int)"));
	assert_false(mm_glob_match_function("svo::ins", "svo::insert(int)"));
	assert_true(mm_glob_match_function("(anonymous namespace)::f",
					   "(anonymous namespace)::f(int)"));
	assert_true(mm_glob_match_function("a::operator()", "a::operator()(int) const"));
}

/* --- rules ------------------------------------------------------------------- */

static int load(struct mm_categories **ret, const char *text, struct mm_diag *diag)
{
	char path[] = "/tmp/mmprof-categories-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	int err = mm_categories_load(ret, path, diag);
	unlink(path);
	return err;
}

static void six_are_built_in(void **state)
{
	static const struct { const char *name; uint64_t mib; } want[] = {
		{ "general", 64 }, { "svo_nodes", 256 }, { "sdf_fields", 512 },
		{ "narrow_band", 128 }, { "material_channels", 256 }, { "mesh_data", 128 },
	};
	struct mm_categories *c;
	uint32_t number;

	(void)state;
	assert_int_equal(mm_categories_load(&c, NULL, NULL), 0);
	assert_int_equal(mm_categories_count(c), 6);
	for (uint32_t i = 0; i < 6; i++) {
		assert_string_equal(mm_categories_name(c, i), want[i].name);
		assert_int_equal(mm_categories_budget(c, i), want[i].mib << 20);
	}
	assert_false(mm_categories_has_rules(c));
	assert_int_equal(mm_categories_intern(c, "mesh_data", &number), 0);
	assert_int_equal(number, 5);
	assert_int_equal(mm_categories_intern(c, "mine", &number), 0);
	assert_int_equal(number, 6);
	assert_true(mm_categories_budget(c, 6) == MM_UNKNOWN);
	mm_categories_free(c);
}

static void the_first_rule_wins(void **state)
{
	static const char text[] =
		"category textures { budget = 64MB, match = [ \"tex::*\", \"file:tex/*.c\" ] }\n"
		"category svo_nodes { match = \"tex::node\" }\n"
		"category svo_nodes { match = [ 'library:libsvo*', 'thread:svo-?' ] }\n"
		"category unused { budget = 1G }\n"
		"category general { match = [ function:*always* ] }\n";
	const struct mm_frame frames[] = {
		{ .function = "leaf", .file = "/s/leaf.c" },
		{ .function = "tex::node(int)", .file = "/s/node.c" },
	};
	const struct mm_frame always = { .function = "always", .file = "/s/tex/a.c" };
	struct mm_diag diag = { "" };
	struct mm_categories *c;

	(void)state;
	assert_int_equal(load(&c, text, &diag), 0);
	assert_true(mm_categories_has_rules(c));
	assert_true(mm_categories_has_thread_rules(c));
	assert_int_equal(mm_categories_match(c, "/bin/x", frames, 2), 0);
	assert_int_equal(mm_categories_match(c, "/bin/x", frames, 1), UINT32_MAX);
	assert_int_equal(mm_categories_match(c, "/lib/libsvo.so", frames, 1), 2);
	assert_int_equal(mm_categories_match(c, "/lib/libsvo.so", frames, 2), 0);
	assert_int_equal(mm_categories_match(c, "/bin/x", &always, 1), 0);
	assert_int_equal(mm_categories_match_thread(c, "svo-7"), 2);
	assert_int_equal(mm_categories_match_thread(c, "svo-77"), UINT32_MAX);
	assert_string_equal(mm_categories_name(c, mm_categories_of_rule(c, 0)), "textures");
	assert_string_equal(mm_categories_name(c, mm_categories_of_rule(c, 2)), "svo_nodes");
	assert_int_equal(mm_categories_of_rule(c, 3), MM_CATEGORY_GENERAL);
	assert_int_equal(mm_categories_budget(c, mm_categories_of_rule(c, 0)), 64000000);
	assert_int_equal(mm_categories_budget(c, mm_categories_of_rule(c, 1)), 256 << 20);
	assert_string_equal(mm_categories_name(c, 7), "unused");
	assert_int_equal(mm_categories_budget(c, 7), 1 << 30);
	mm_categories_free(c);
}

static void wrong_files_are_refused(void **state)
{
	static const struct { const char *text, *message; } bad[] = {
		{ "\nbudgets { }", ":2: unknown key 'budgets' (known: category)" },
		{ "category a {\n limit = 3 }", ":2: unknown key 'limit' (a category has budget "
		  "and match)" },
		{ "category a { budget = lots }", ":1: 'lots' is not a size (such as 256M or 64MB)" },
		{ "category a { budget = [1] }", ":1: 'budget' is one size, not a list" },
		{ "category a { match = [ x,\n'[y' ] }", ":2: '[y': ']' is missing after '['" },
		{ "category a { match = '' }", ":1: '': the pattern is empty" },
		{ "category a { match = 'file:' }", ":1: 'file:': the pattern is empty" },
		{ "category a { match = 'lib:x' }", ":1: 'lib:x': patterns begin with function:, "
		  "file:, library: or thread:, not 'lib:'" },
		{ "category a { match = x\n match = y }", ":2: 'match' is given twice (first in "
		  "line 1)" },
		{ "category { }", ":1: category needs a name: category NAME { ... }" },
		{ "category = 3", ":1: write category NAME { ... }, not category = 3" },
		{ "category a { match { } }", ":1: 'match' has a value, not a section" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		struct mm_categories *c = NULL;
		assert_int_equal(load(&c, bad[i].text, &diag), MM_ESYNTAX);
		assert_null(c);
		assert_memory_equal(diag.text, "/tmp/mmprof-categories-", 23);
		assert_string_equal(strchr(diag.text, ':'), bad[i].message);
	}
}

static void a_missing_file_is_named(void **state)
{
	struct mm_diag diag = { "" };
	struct mm_categories *c = NULL;

	(void)state;
	assert_int_equal(mm_categories_load(&c, "/nonexistent/c.conf", &diag), MM_ENOENT);
	assert_string_equal(diag.text, "/nonexistent/c.conf: No such file or directory");
	assert_int_equal(mm_categories_load(&c, "/tmp", &diag), MM_EIO);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_gives_items_with_lines),
		cmocka_unit_test(conf_refuses_with_a_line),
		cmocka_unit_test(conf_bounds_its_depth),
		cmocka_unit_test(globs_match),
		cmocka_unit_test(globs_are_checked),
		cmocka_unit_test(globs_stay_quick),
		cmocka_unit_test(paths_match_at_their_parts),
		cmocka_unit_test(functions_match_without_parameters),
		cmocka_unit_test(six_are_built_in),
		cmocka_unit_test(the_first_rule_wins),
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
