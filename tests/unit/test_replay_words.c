/* test_replay_words.c: configurations of replays: what is refused, with its line, and what just
 * passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "replay/replay_conf.h"
#include "symbol/categories.h"

static uint64_t draw_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

#define ROOT " (one of category, check, heap, pool, site, strategy)"
#define STRATEGIES " (one of size-class, first-fit, best-fit, numa-aware)"

static void wrong_configurations_are_refused(void **state)
{
	static const struct { const char *text, *message; } bad[] = {
		{ "pols { }", ":1: unknown key 'pols'; did you mean 'pool'?" ROOT },
		{ "\nblah = 3", ":2: unknown key 'blah'" ROOT },
		{ "strategy = best-fitt", ":1: unknown strategy 'best-fitt'; did you mean 'best-fit'?" STRATEGIES },
		{ "strategy = [ a, b ]", ":1: 'strategy' has one value" },
		{ "strategy = best-fit\nstrategy = best-fit",
		  ":2: 'strategy' is given twice (first in line 1)" },
		{ "check = most", ":1: check: unknown level 'most' (one of off, on, sampled, full)" },
		{ "check = ful", ":1: check: unknown level 'ful'; did you mean 'full'? "
		  "(one of off, on, sampled, full)" },
		{ "pool a { size = 0 }", ":1: a pool of blocks of 0 bytes" },
		{ "pool a { size = big }", ":1: 'big' is not a size (such as 24 or 4K) and not object" },
		{ "pool a { size = 2G }", ":1: '2G': a block of a pool has at most 1 GiB" },
		{ "pool a { size = [ 24,\n20 ] }", ":2: '20': blocks of 24 bytes are given twice" },
		{ "pool a { size = [ ] }", ":1: 'size' has no size" },
		{ "pool a { siz = 3 }", ":1: unknown key 'siz'; did you mean 'size'?" },
		{ "pool a { }\npool a { }", ":2: pool 'a' is given twice (first in line 1)" },
		{ "pool = 3", ":1: write pool NAME { ... }" },
		{ "site x { }", ":1: site 'x' needs a pool, a heap or a strategy" },
		{ "site x { pool = q }", ":1: unknown pool 'q'" },
		{ "pool nodes { }\nsite x { pool = node }",
		  ":2: unknown pool 'node'; did you mean 'nodes'?" },
		{ "site '[x' { strategy = best-fit }", ":1: '[x': ']' is missing after '['" },
		{ "site x { strategy = best-fit }\nsite x { strategy = best-fit }",
		  ":2: site 'x' is given twice (first in line 1)" },
		{ "pool p { }\ncategory svo_nodes { pool = p\n strategy = best-fit }",
		  ":3: 'svo_nodes' has a pool (line 2) or a strategy, not both" },
		{ "heap h { }\npool p { }\nsite x { heap = h; pool = p }",
		  ":3: 'x' has a pool (line 3) or a heap, not both" },
		{ "heap h { size = 3 }", ":1: unknown key 'size' (only strategy)" },
		{ "heap h { strategy = best }", ":1: unknown strategy 'best'; did you mean 'best-fit'?" STRATEGIES },
		{ "heap h { }\npool h { }", ":1: heap 'h' is given twice (first in line 2)" },
		{ "pool nodes { }\nsite x { heap = nodes }", ":2: unknown heap 'nodes'" },
		{ "category svo_nodes { budget = 9999999P }",
		  ":1: '9999999P' is not a size (such as 256M or 64MB)" },
		{ "category svo_nodes { budget = 9223372036854775809 }",
		  ":1: '9223372036854775809': a budget is at most 2^63 bytes" },
		{ "category svo_nodes { }\ncategory svo_nodes { }",
		  ":2: category 'svo_nodes' is given twice (first in line 1)" },
		{ "category svo_nodes { pol = 3 }", ":1: unknown key 'pol'; did you mean 'pool'? "
		  "(one of budget, heap, match, pool, strategy)" },
		{ "category svo_nodes { pool = p; pool = p }",
		  ":1: 'pool' is given twice (first in line 1)" },
		{ "pool a { size = 24, 32 }",
		  ":1: '=' or '{' must follow a key; write [ a, b ] for several values" },
		{ "strategy best-fit\n\n", ":1: write KEY = VALUE, or KEY NAME { ... }" },
		{ "pool a {", ":1: a section does not end: '}' is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mm_diag diag = { "" };
		struct mm_replay_conf *c = NULL;
		int err = mm_replay_conf_parse(&c, "name", bad[i].text, strlen(bad[i].text), &diag);
		if (err != MM_ESYNTAX)
			fail_msg("%s: %d", bad[i].text, err);
		assert_null(c);
		assert_memory_equal(diag.text, "name", 4);
		assert_string_equal(diag.text + 4, bad[i].message);
	}
}

/* Whatever a file holds, it is read or refused with its line. */
static void mutilated_configurations(void **state)
{
	static const char whole[] =
		"strategy = best-fit\ncheck = on\npool a { size = [ 24, 1K ] }\npool b { size = object }\n"
		"category svo_nodes { match = [ 'svo::*', \"file:x*.c\" ]; budget = 256M; pool = a }\n"
		"category x { match = []; strategy = size-class }\nsite '*alloc*' { pool = b }\n";
	uint64_t seed = 1234567;
	char text[sizeof whole];
	size_t read = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct mm_replay_conf *c = NULL;
		struct mm_diag diag = { "" };
		memcpy(text, whole, sizeof whole);
		for (uint64_t n = draw_next(&seed) % 4; n; n--)
			text[draw_next(&seed) % (sizeof whole - 1)] =
				"{}[]=;,#\n\"'\\ abp0*"[draw_next(&seed) % 19];
		int err = mm_replay_conf_parse(&c, "name", text,
					       draw_next(&seed) % sizeof whole, &diag);
		if (err) {
			assert_int_equal(err, MM_ESYNTAX);
			assert_memory_equal(diag.text, "name:", 5);
			assert_in_range(diag.text[5], '1', '9');
			assert_null(c);
			refused++;
		} else {
			read++;
		}
		mm_replay_conf_free(c);
	}
	assert_true(read > 300 && refused > 3000);
}

static void largest_budget(void **state)
{
	static const char text[] = "category svo_nodes { budget = 9223372036854775808 }";
	struct mm_replay_conf *c = NULL;

	(void)state;
	assert_int_equal(mm_replay_conf_parse(&c, "name", text, sizeof text - 1, NULL), 0);
	assert_true(mm_categories_budget(c->categories, c->rule[0].category) == UINT64_C(1) << 63);
	mm_replay_conf_free(c);
}

static void too_many_destinations(void **state)
{
	char text[8192] = "";
	struct mm_replay_conf *c = NULL;
	struct mm_diag diag = { "" };

	(void)state;
	for (int i = 0; i < MM_DESTS_MOST; i++)
		snprintf(text + strlen(text), 32, "pool p%d { }\n", i);
	assert_int_equal(mm_replay_conf_parse(&c, "name", text, strlen(text), &diag), MM_ESYNTAX);
	assert_string_equal(diag.text,
			    "name:64: 'p63': more than 63 pools, heaps and strategies");
}

static void a_missing_file(void **state)
{
	struct mm_replay_conf *c = NULL;
	struct mm_diag diag = { "" };

	(void)state;
	assert_int_equal(mm_replay_conf_load(&c, "/nonexistent/c.conf", &diag), MM_ENOENT);
	assert_string_equal(diag.text, "/nonexistent/c.conf: No such file or directory");
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_configurations_are_refused),
		cmocka_unit_test(mutilated_configurations),
		cmocka_unit_test(largest_budget),
		cmocka_unit_test(too_many_destinations),
		cmocka_unit_test(a_missing_file),
	};

	return cmocka_run_group_tests_name("replay_words", tests, NULL, NULL);
}
