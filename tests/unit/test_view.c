/* test_view.c: texts made fit for a terminal, the text report line by line, and the same
 * numbers in text and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "modelkit.h"
#include "model/naming.h"
#include "view/report_json.h"
#include "view/report_text.h"
#include "view/text_pen.h"
#include "base/utf8.h"

/* --- texts --------------------------------------------------------------------------------- */

static void escapes_leave_nothing_dangerous(void **state)
{
	static const struct { const char *in, *out, *ascii; } cases[] = {
		{ "plain", "plain", "plain" },
		{ "a\033[2Jb", "a\\x1b[2Jb", "a\\x1b[2Jb" },
		{ "two\nlines\r\t", "two\\x0alines\\x0d\\x09", "two\\x0alines\\x0d\\x09" },
		{ "\xc3\xa9", "\xc3\xa9", "\\u{e9}" },
		{ "\xff\xfe", "\\xff\\xfe", "\\xff\\xfe" },
		{ "x\xe2\x80\xaey", "x\\u{202e}y", "x\\u{202e}y" }, /* right-to-left override */
		{ "\xc2\x9b", "\\u{9b}", "\\u{9b}" },               /* C1 control */
		{ "\xe2\x80\xa8", "\\u{2028}", "\\u{2028}" },       /* line separator */
		{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },         /* overlong */
	};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(mm_utf8_escape(buf, sizeof buf, cases[i].in, 0), cases[i].out);
		assert_string_equal(mm_utf8_escape(buf, sizeof buf, cases[i].in, 1),
				    cases[i].ascii);
	}
	assert_string_equal(mm_utf8_escape(buf, 6, "abcd\033", 0), "abcd"); /* never half */
}

static void texts_are_shortened_by_columns(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(mm_utf8_shorten(strcpy(buf, "short"), 8, 0), "short");
	assert_string_equal(mm_utf8_shorten(strcpy(buf, "abcdefghijklmnop"), 12, 0),
			    "abcdef...nop");
	assert_string_equal(mm_utf8_shorten(strcpy(buf, "/a/long/path/x.c"), 10, 1),
			    "...ath/x.c");
	assert_string_equal(mm_utf8_shorten(strcpy(buf, "abcdefghij"), 4, 0), "abcd");
	assert_int_equal(mm_utf8_columns("\xe6\xbc\xa2\xe5\xad\x97" "e\xcc\x81"), 5);
	for (size_t columns = 1; columns < 20; columns++) {
		strcpy(buf, "\xe6\xbc\xa2\xe5\xad\x97 ab \xe6\xbc\xa2\xe5\xad\x97 cd \xc3\xa9");
		assert_true(mm_utf8_columns(mm_utf8_shorten(buf, columns, 0)) <= columns);
	}
}

static void runtime_functions_are_known(void **state)
{
	static const char *const runtime[] = {
		"malloc", "operator new(unsigned long)", "sqlite3DbMallocRaw", "xstrdup",
		"std::vector<int>::push_back(int const&)", "void std::sort<int*>(int*, int*)",
		"std::pair<int, int>* std::__uninitialized_copy<false>(int*)",
		"__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)",
		"alloc::vec::Vec<T>::push", "__rust_alloc", "PyMem_RawRealloc", "mm_note_alloc",
	};
	static const char *const user[] = {
		"main", "node_new", "std_parse", "svo::insert(int)", "buffer_alloc",
		"std::vector<int> make<int>(int)", "user::operator new(unsigned long)",
		"Pool::malloc_stats()", "void walk<std::string>(std::string)", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
		if (!mm_naming_is_runtime(runtime[i]))
			fail_msg("'%s' is runtime", runtime[i]);
	for (size_t i = 0; i < sizeof user / sizeof *user; i++)
		if (mm_naming_is_runtime(user[i]))
			fail_msg("'%s' is the user's", user[i]);
}

/* --- the pen -------------------------------------------------------------------------------- */

static struct mm_text_options plain = { .width = 80, .overview = 1 };

static char *name_in(const char *name, size_t columns)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct mm_pen pen = { out, &plain };

	mm_pen_name(&pen, name, columns);
	fclose(out);
	return text;
}

static void long_names_lose_arguments_first(void **state)
{
	static const struct { const char *name; size_t columns; const char *want; } cases[] = {
		{ "f(int)", 10, "f(int)" },
		{ "insert(Node*, std::string const&)", 12, "insert(..)" },
		{ "map<int, std::string>::insert(int)", 26, "map<int, st...nsert(..)" },
		{ "map<int, std::string>::insert(int)", 18, "map<..>::insert(..)" },
		{ "f()", 10, "f()" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *got = name_in(cases[i].name, cases[i].columns);
		if (i == 2 || i == 3)
			assert_true(strlen(got) <= cases[i].columns);
		else
			assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static void figures_read_well(void **state)
{
	struct mm_text_options bytes = { .width = 80, .bytes = 1 };
	struct mm_pen human = { stdout, &plain }, exact = { stdout, &bytes };
	char buf[MM_PEN_TEXT];

	(void)state;
	assert_string_equal(mm_pen_size(&human, buf, 1536), "1.50 KiB");
	assert_string_equal(mm_pen_size(&exact, buf, 1536), "1,536");
	assert_string_equal(mm_pen_size(&exact, buf, MM_UNKNOWN), "-");
	assert_string_equal(mm_pen_count(buf, 1234567), "1,234,567");
	assert_string_equal(mm_pen_time(buf, MM_UNKNOWN), "-");
	assert_string_equal(mm_pen_share(buf, 1, 3), "33.3 %");
	assert_string_equal(mm_pen_share(buf, 2, 3), "66.7 %");
	assert_string_equal(mm_pen_share(buf, 0, 3), "0.0 %");
	assert_string_equal(mm_pen_share(buf, 1, 100000), "<0.1 %");
	assert_string_equal(mm_pen_share(buf, 5, 0), "-");
	assert_string_equal(mm_pen_share(buf, UINT64_MAX - 1, UINT64_MAX - 1), "100.0 %");
}

/* --- whole reports ---------------------------------------------------------------------------- */

#define HOSTILE "evil\033[2J\nforged: 0 B\xff\xe2\x80\xae"

static struct mm_report *hostile_report(struct kit *k, enum mm_tree tree)
{
	struct mm_model_options o = { .tree = tree };

	kit_begin(k);
	uint32_t p = kit_process(k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(k, p, 1, HOSTILE), u = kit_thread(k, p, 2, "u");
	uint32_t pushed = kit_category(k, p, 0, HOSTILE);
	uint32_t site = kit_site(k, p, pushed, HOSTILE, HOSTILE, 9);
	kit_text(k, p, MM_EV_MARK, HOSTILE, 0, 1);
	kit_text(k, p, MM_EV_METRIC, HOSTILE, 5, 1);
	kit_text(k, p, MM_EV_METRIC, "svo.nodes", 7, 1);
	kit_text(k, p, MM_EV_METRIC, "svo." HOSTILE, 6, 1);
	kit_text(k, p, MM_EV_METRIC, "svo.nodes_by_depth_count." HOSTILE, 8, 1);
	kit_text(k, p, MM_EV_METRIC, "svo.nodes_by_depth_count.2", 9, 1);
	kit_text(k, p, MM_EV_METRIC, "svo.nodes_by_depth_count.99999999999", 9, 1);
	kit_text(k, p, MM_EV_METRIC, "svo.full_grid_bytes", 4096, 1);
	size_t gone = kit_alloc(k, p, t, site, 100, 2);
	kit_free(k, gone, t, 3);
	kit_alloc(k, p, u, kit_site(k, p, site, "inner", "", 0), 50, 4);
	kit_alloc(k, p, u, 0, 20, 5);
	kit_reader(k);
	return kit_report(k, &o);
}

static char *text_of(const struct mm_report *r, const struct mm_text_options *o)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(mm_report_text(r, o, out), 0);
	fclose(out);
	return text;
}

static cJSON *json_of(const struct mm_report *r)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(mm_report_json(r, "1.2.3", out), 0);
	fclose(out);
	cJSON *json = cJSON_Parse(text);
	assert_non_null(json);
	free(text);
	return json;
}

static void assert_fits(const char *text, size_t width)
{
	const char *line = text;

	while (*line) {
		const char *end = strchr(line, '\n');
		assert_non_null(end);
		char *copy = strndup(line, (size_t)(end - line));
		if (mm_utf8_columns(copy) > width)
			fail_msg("wider than %zu: %s", width, copy);
		free(copy);
		line = end + 1;
	}
}

static void hostile_names_cannot_forge_lines(void **state)
{
	static const int widths[] = { 60, 80, 120, 200 };

	(void)state;
	for (int tree = 0; tree < 3; tree++) {
		struct kit k;
		struct mm_report *r = hostile_report(&k, (enum mm_tree)tree);
		for (size_t i = 0; i < 4; i++)
			for (int utf8 = 0; utf8 < 2; utf8++) {
				struct mm_text_options o = { .width = widths[i], .utf8 = utf8,
							     .overview = tree == 0 };
				char *text = text_of(r, &o);
				assert_null(strchr(text, '\033'));
				assert_null(strstr(text, "\nforged"));
				assert_null(strstr(text, "\xe2\x80\xae"));
				assert_non_null(strstr(text, "evil"));
				for (const char *c = text; !utf8 && *c; c++)
					assert_true(*c == '\n' || (*c >= ' ' && *c < 127));
				if (widths[i] >= 80)
					assert_fits(text, (size_t)widths[i]);
				free(text);
			}
		cJSON_Delete(json_of(r));
		mm_report_free(r);
		kit_end(&k);
	}
}

static double number(const cJSON *json, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);

	assert_true(cJSON_IsNumber(item));
	return item->valuedouble;
}

static void text_and_json_say_the_same(void **state)
{
	struct mm_text_options o = { .width = 120, .bytes = 1, .overview = 1 };
	struct kit k;
	struct mm_report *r = hostile_report(&k, MM_TREE_NONE);
	char *text = text_of(r, &o), want[128];
	cJSON *json = json_of(r);
	cJSON *totals = cJSON_GetObjectItem(json, "totals");

	(void)state;
	snprintf(want, sizeof want, "%.0f live in %.0f object%s, at %.0f ns",
		 number(totals, "peak_live_bytes"), number(totals, "peak_live_count"),
		 number(totals, "peak_live_count") > 1 ? "s" : "", number(totals, "peak_at_ns"));
	assert_non_null(strstr(text, want));
	snprintf(want, sizeof want, "allocated    %.0f times, %.0f in all",
		 number(totals, "alloc_count"), number(totals, "alloc_bytes"));
	assert_non_null(strstr(text, want));
	snprintf(want, sizeof want, "at the end   %.0f in %.0f objects still live",
		 number(totals, "live_end_bytes"), number(totals, "live_end_count"));
	assert_non_null(strstr(text, want));
	assert_int_equal(number(totals, "peak_live_bytes"), 100);
	assert_int_equal(number(totals, "alloc_count"), 3);
	assert_int_equal(number(totals, "temporary_count"), 1);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(totals, "unaccounted_bytes")));
	cJSON *domains = cJSON_GetObjectItem(json, "domains");
	assert_int_equal(number(cJSON_GetObjectItem(domains, "svo"), "nodes"), 7);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(domains, "sdf")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(domains, "svo_sdf")));
	cJSON *svo = cJSON_GetObjectItem(domains, "svo");
	assert_int_equal(number(svo, "full_grid_bytes"), 4096);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(svo, "inner_bytes")));
	cJSON *depths = cJSON_GetObjectItem(svo, "nodes_by_depth_count");
	assert_int_equal(cJSON_GetArraySize(depths), 3);
	assert_true(cJSON_IsNull(cJSON_GetArrayItem(depths, 0)));
	assert_int_equal(cJSON_GetArrayItem(depths, 2)->valueint, 9);
	assert_non_null(strstr(text, "         4,096  svo.full_grid_bytes\n"));
	assert_null(strstr(text, "svo.inner_bytes"));
	cJSON_Delete(json);
	free(text);
	mm_report_free(r);
	kit_end(&k);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (size_t i = 0; text[i]; i++)
		n += strncmp(text + i, what, len) == 0;
	return n;
}

/* Three sites of one line: two from a, one from b; the two together are the largest. */
static void rows_that_look_the_same_are_one(void **state)
{
	struct mm_text_options o = { .width = 100, .bytes = 1, .overview = 1 };
	struct mm_model_options all = { .top = 0 };
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t main_site = kit_site(&k, p, 0, "main", "m.c", 1);
	uint32_t a = kit_site(&k, p, main_site, "a", "m.c", 2);
	uint32_t b = kit_site(&k, p, main_site, "b", "m.c", 3);
	uint32_t wrap = kit_site(&k, p, a, "std::wrap()", "", 0);
	kit_alloc(&k, p, t, kit_site(&k, p, a, "make", "m.c", 9), 300, 1);
	kit_alloc(&k, p, t, kit_site(&k, p, b, "make", "m.c", 9), 400, 2);
	kit_alloc(&k, p, t, kit_site(&k, p, wrap, "make", "m.c", 9), 200, 3);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &all);
	char *text = text_of(r, &o);
	assert_non_null(strstr(text, "         500   55.6 %            2  make  m.c:9\n"
			       "                                    < a < main  (2 stacks)\n"
			       "         400   44.4 %            1  make  m.c:9\n"
			       "                                    < b < main\n"));
	free(text);
	o.peak_rows = 1; /* what is cut off is in the rest */
	text = text_of(r, &o);
	assert_non_null(strstr(text, "         400   44.4 %            1  (1 more;"));
	free(text);
	o.overview = 0; /* asked for by site: each for itself, with its whole stack */
	text = text_of(r, &o);
	assert_int_equal(times(text, "  make  m.c:9"), 3);
	assert_int_equal(times(text, "std::wrap()"), 1);
	free(text);
	mm_report_free(r);
	kit_end(&k);
}

static void same_report_same_bytes(void **state)
{
	struct kit k;
	struct mm_report *r = hostile_report(&k, MM_TREE_CALLEES);
	cJSON *a = json_of(r), *b = json_of(r);
	char *x = cJSON_Print(a), *y = cJSON_Print(b);

	(void)state;
	assert_string_equal(x, y);
	free(x);
	free(y);
	cJSON_Delete(a);
	cJSON_Delete(b);
	mm_report_free(r);
	kit_end(&k);
}

static void colour_only_when_asked(void **state)
{
	struct mm_text_options o = { .width = 100, .overview = 1 };
	struct kit k;
	struct mm_report *r = hostile_report(&k, MM_TREE_NONE);
	char *without = text_of(r, &o), *with, *to;

	(void)state;
	o.colour = 1;
	with = text_of(r, &o);
	assert_null(strchr(without, '\033'));
	assert_non_null(strstr(with, "\033[1;36mPEAK\033[0m"));
	/* Without the codes the two are the same. */
	to = with;
	for (char *c = with; *c; c++) {
		if (*c == '\033')
			c = strchr(c, 'm');
		else
			*to++ = *c;
	}
	*to = 0;
	assert_string_equal(with, without);
	free(with);
	free(without);
	mm_report_free(r);
	kit_end(&k);
}

static void full_disk_is_told(void **state)
{
	struct kit k;
	struct mm_report *r = hostile_report(&k, MM_TREE_NONE);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (full) {
		assert_true(mm_report_text(r, &plain, full) < 0);
		fclose(full);
		full = fopen("/dev/full", "w");
		assert_true(mm_report_json(r, "1", full) < 0);
		fclose(full);
	}
	mm_report_free(r);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_leave_nothing_dangerous),
		cmocka_unit_test(texts_are_shortened_by_columns),
		cmocka_unit_test(runtime_functions_are_known),
		cmocka_unit_test(long_names_lose_arguments_first),
		cmocka_unit_test(figures_read_well),
		cmocka_unit_test(hostile_names_cannot_forge_lines),
		cmocka_unit_test(text_and_json_say_the_same),
		cmocka_unit_test(rows_that_look_the_same_are_one),
		cmocka_unit_test(same_report_same_bytes),
		cmocka_unit_test(colour_only_when_asked),
		cmocka_unit_test(full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
