/* test_cli.c: option tables and suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct mm_cli_option options[] = {
	{ "output", 'o', "FILE", "where to" },
	{ "quiet", 'q', NULL, "silence" },
	{ "depth", 0, "N", "frames" },
	{ "tree", 't', "[=callers]", "calls" },
};

static const struct mm_cli_command command = {
	.verb = "thing", .usage = "[OPTION]...", .about = "Does a thing.",
	.options = options, .option_count = 4, .trouble = 125,
};

static const struct mm_cli_command stopping = {
	.verb = "thing", .usage = "[OPTION]... COMMAND", .about = "Runs a thing.",
	.options = options, .option_count = 4, .trouble = 125, .stop_at_operand = 1,
};

/* Parses a NULL-terminated argv; writes "o=FILE q d=N" into got and the operand's index. */
static int parse(const struct mm_cli_command *c, char **argv, char *got, int *operand)
{
	struct mm_cli_parse p;
	int argc = 0, option;

	while (argv[argc])
		argc++;
	got[0] = 0;
	mm_cli_begin(&p, c, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0) {
		strcat(got, options[option].name);
		if (p.value) {
			strcat(got, "=");
			strcat(got, p.value);
		}
		strcat(got, " ");
	}
	*operand = p.operand;
	return option == MM_CLI_END ? 0 : p.status;
}

static void options_are_read(void **state)
{
	char *argv[] = { (char *)"thing", (char *)"-qo", (char *)"f", (char *)"--depth=3",
			 (char *)"--output", (char *)"g", (char *)"left", NULL };
	char got[256];
	int operand;

	(void)state;
	assert_int_equal(parse(&command, argv, got, &operand), 0);
	assert_string_equal(got, "quiet output=f depth=3 output=g ");
	assert_string_equal(argv[operand], "left");
}

static void operands_may_come_first(void **state)
{
	char *argv[] = { (char *)"thing", (char *)"left", (char *)"-q", NULL };
	char got[256];
	int operand;

	(void)state;
	assert_int_equal(parse(&command, argv, got, &operand), 0);
	assert_string_equal(got, "quiet ");
	assert_string_equal(argv[operand], "left");
}

static void an_argument_may_be_left_out(void **state)
{
	char *argv[] = { (char *)"thing", (char *)"-t", (char *)"left", (char *)"--tree",
			 (char *)"--tree=callers", (char *)"-tcallees", NULL };
	char got[256];
	int operand;

	(void)state;
	assert_int_equal(parse(&command, argv, got, &operand), 0);
	assert_string_equal(got, "tree tree tree=callers tree=callees ");
	assert_string_equal(argv[operand], "left");
}

static void a_command_keeps_its_own_options(void **state)
{
	char *argv[] = { (char *)"thing", (char *)"-q", (char *)"ls", (char *)"-o",
			 (char *)"--depth=1", NULL };
	char *dashes[] = { (char *)"thing", (char *)"--", (char *)"-o", NULL };
	char got[256];
	int operand;

	(void)state;
	assert_int_equal(parse(&stopping, argv, got, &operand), 0);
	assert_string_equal(got, "quiet ");
	assert_int_equal(operand, 2);
	assert_int_equal(parse(&stopping, dashes, got, &operand), 0);
	assert_int_equal(operand, 2);
}

/* Runs parse with stderr and stdout in pipes; the first line of each is returned. */
static int parse_loudly(char **argv, char *out, char *err)
{
	char got[256];
	int operand, saved[2] = { dup(1), dup(2) }, pipes[2][2];
	char *texts[2] = { out, err };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		fflush(i ? stderr : stdout);
		dup2(pipes[i][1], i + 1);
		close(pipes[i][1]);
	}
	int status = parse(&command, argv, got, &operand);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
		ssize_t n = read(pipes[i][0], texts[i], 4095);
		texts[i][n > 0 ? n : 0] = 0;
		texts[i][strcspn(texts[i], "\n")] = 0;
		close(pipes[i][0]);
	}
	return status;
}

static void wrong_usage_is_told(void **state)
{
	char *near[] = { (char *)"thing", (char *)"--ouptut=x", NULL };
	char *missing[] = { (char *)"thing", (char *)"--depth", NULL };
	char *letter[] = { (char *)"thing", (char *)"-x", NULL };
	char out[4096], err[4096];

	(void)state;
	mm_cli_set_verb("thing");
	assert_int_equal(parse_loudly(near, out, err), 125);
	assert_string_equal(err,
		"mmprof thing: unknown option '--ouptut'; did you mean '--output'?");
	assert_int_equal(parse_loudly(missing, out, err), 125);
	assert_string_equal(err, "mmprof thing: option '--depth' needs an argument");
	assert_int_equal(parse_loudly(letter, out, err), 125);
	assert_string_equal(err, "mmprof thing: unknown option '-x'");
	assert_string_equal(out, "");
}

static void help_and_version_go_to_stdout(void **state)
{
	char *help[] = { (char *)"thing", (char *)"--help", NULL };
	char *version[] = { (char *)"thing", (char *)"--version", NULL };
	char out[4096], err[4096];

	(void)state;
	assert_int_equal(parse_loudly(help, out, err), 0);
	assert_string_equal(out, "Usage: mmprof thing [OPTION]...");
	assert_string_equal(err, "");
	assert_int_equal(parse_loudly(version, out, err), 0);
	assert_int_equal(strncmp(out, "mmprof (mmprof) ", 16), 0);
}

static void suggestions_are_near(void **state)
{
	static const char *const names[] = { "record", "report", "cat", "symbolize", NULL };

	(void)state;
	assert_string_equal(mm_cli_suggest("recrod", names), "record");
	assert_string_equal(mm_cli_suggest("reprot", names), "report");
	assert_string_equal(mm_cli_suggest("symbolise", names), "symbolize");
	assert_string_equal(mm_cli_suggest("REPORT", names), "report");
	assert_string_equal(mm_cli_suggest("symb", names), "symbolize");
	assert_null(mm_cli_suggest("re", names)); /* several begin so */
	assert_string_equal(mm_cli_suggest("ca", names), "cat");
	assert_null(mm_cli_suggest("coo", names));
	assert_null(mm_cli_suggest("frobnicate", names));
	assert_null(mm_cli_suggest("a-text-that-is-much-longer-than-any-of-the-names", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(operands_may_come_first),
		cmocka_unit_test(an_argument_may_be_left_out),
		cmocka_unit_test(a_command_keeps_its_own_options),
		cmocka_unit_test(wrong_usage_is_told),
		cmocka_unit_test(help_and_version_go_to_stdout),
		cmocka_unit_test(suggestions_are_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
