/* test_jsonw.c: the JSON writer, byte by byte, and through an independent reader (cJSON). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/error.h"
#include "trace/event.h"
#include "view/jsonw.h"

struct json_text {
	char *text;
	size_t size;
	FILE *out;
	struct mm_jsonw w;
};

static void begin(struct json_text *t, int lines)
{
	t->out = open_memstream(&t->text, &t->size);
	assert_non_null(t->out);
	mm_jsonw_begin(&t->w, t->out, lines);
}

static void assert_text(struct json_text *t, const char *want)
{
	assert_int_equal(mm_jsonw_end(&t->w), 0);
	fclose(t->out);
	assert_string_equal(t->text, want);
	free(t->text);
}

static void containers_nest(void **state)
{
	struct json_text t;

	(void)state;
	begin(&t, 0);
	mm_jsonw_object(&t.w, NULL);
	mm_jsonw_array(&t.w, "a");
	mm_jsonw_u64(&t.w, NULL, 1);
	mm_jsonw_array(&t.w, NULL);
	mm_jsonw_array_end(&t.w);
	mm_jsonw_object(&t.w, NULL);
	mm_jsonw_bool(&t.w, "b", 1);
	mm_jsonw_null(&t.w, "n");
	mm_jsonw_object_end(&t.w);
	mm_jsonw_array_end(&t.w);
	mm_jsonw_text(&t.w, "t", NULL);
	mm_jsonw_object_end(&t.w);
	assert_text(&t, "{\"a\":[1,[],{\"b\":true,\"n\":null}],\"t\":null}\n");
}

static void lines_down_to_a_depth(void **state)
{
	struct json_text t;

	(void)state;
	begin(&t, 1);
	mm_jsonw_object(&t.w, NULL);
	mm_jsonw_array(&t.w, "a");
	mm_jsonw_u64(&t.w, NULL, 1);
	mm_jsonw_u64(&t.w, NULL, 2);
	mm_jsonw_array_end(&t.w);
	mm_jsonw_bool(&t.w, "b", 0);
	mm_jsonw_object_end(&t.w);
	assert_text(&t, "{\n \"a\":[1,2],\n \"b\":false\n}\n");
}

static void integers_keep_every_digit(void **state)
{
	struct json_text t;

	(void)state;
	begin(&t, 0);
	mm_jsonw_array(&t.w, NULL);
	mm_jsonw_u64(&t.w, NULL, 0);
	mm_jsonw_u64(&t.w, NULL, UINT64_C(9007199254740992));
	mm_jsonw_u64(&t.w, NULL, UINT64_C(9007199254740993));
	mm_jsonw_u64(&t.w, NULL, UINT64_MAX - 1);
	mm_jsonw_u64(&t.w, NULL, MM_UNKNOWN);
	mm_jsonw_i64(&t.w, NULL, -1);
	mm_jsonw_i64(&t.w, NULL, INT64_MIN);
	mm_jsonw_array_end(&t.w);
	assert_text(&t, "[0,9007199254740992,\"9007199254740993\",\"18446744073709551614\",null,"
			"-1,\"-9223372036854775808\"]\n");
}

static void strings_are_escaped(void **state)
{
	struct json_text t;

	(void)state;
	begin(&t, 0);
	mm_jsonw_array(&t.w, NULL);
	mm_jsonw_text(&t.w, NULL, "a\"b\\c\n\t\033[31m\177");
	mm_jsonw_text(&t.w, NULL, "\xc3\xa9 \xf0\x9f\x98\x80");
	mm_jsonw_text(&t.w, NULL, "\xff|\xc3|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80");
	mm_jsonw_text(&t.w, NULL, "");
	mm_jsonw_array_end(&t.w);
	assert_text(&t, "[\"a\\\"b\\\\c\\u000a\\u0009\\u001b[31m\\u007f\","
			"\"\xc3\xa9 \xf0\x9f\x98\x80\","
			"\"\\ufffd|\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|"
			"\\ufffd\\ufffd\\ufffd\\ufffd\",\"\"]\n");
}

/* Every byte value, and random runs of them, come out as JSON that another reader takes. */
static void any_bytes_give_json(void **state)
{
	unsigned seed = 12345;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct json_text t;
		char text[64];
		for (size_t i = 0; i + 1 < sizeof text; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = round ? (char)(seed >> 16) : (char)(i * 4 + 1);
		}
		text[sizeof text - 1] = 0;
		begin(&t, 2);
		mm_jsonw_object(&t.w, NULL);
		mm_jsonw_text(&t.w, text, text);
		mm_jsonw_object_end(&t.w);
		assert_int_equal(mm_jsonw_end(&t.w), 0);
		fclose(t.out);
		cJSON *json = cJSON_Parse(t.text);
		assert_non_null(json);
		assert_int_equal(cJSON_GetArraySize(json), 1);
		assert_string_equal(json->child->string, json->child->valuestring);
		cJSON_Delete(json);
		free(t.text);
	}
}

static void unbalanced_use_is_told(void **state)
{
	struct json_text t;

	(void)state;
	begin(&t, 0);
	mm_jsonw_object(&t.w, NULL);
	assert_int_equal(mm_jsonw_end(&t.w), MM_EINVAL);
	fclose(t.out);
	free(t.text);
	begin(&t, 0);
	mm_jsonw_array(&t.w, NULL);
	mm_jsonw_array_end(&t.w);
	mm_jsonw_array_end(&t.w);
	assert_int_equal(mm_jsonw_end(&t.w), MM_EINVAL);
	fclose(t.out);
	free(t.text);
	begin(&t, 0);
	for (int i = 0; i < 2 * MM_JSONW_DEPTH; i++)
		mm_jsonw_array(&t.w, NULL);
	assert_int_equal(mm_jsonw_end(&t.w), MM_EINVAL);
	fclose(t.out);
	free(t.text);
}

static void full_disks_are_told(void **state)
{
	struct mm_jsonw w;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip();
	mm_jsonw_begin(&w, full, 0);
	mm_jsonw_text(&w, NULL, "x");
	assert_int_equal(mm_jsonw_end(&w), MM_EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_nest),
		cmocka_unit_test(lines_down_to_a_depth),
		cmocka_unit_test(integers_keep_every_digit),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(any_bytes_give_json),
		cmocka_unit_test(unbalanced_use_is_told),
		cmocka_unit_test(full_disks_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
