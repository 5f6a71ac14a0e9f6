/* main.c: finds the verb and hands over.
 *
 * Promise: `mmprof`, `mmprof --help` and `mmprof help` say what there is; a mistyped
 * verb gets a suggestion; everything else is the verb's own (cmd_<verb>.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct mm_cli_verb verbs[] = {
	{ "record", mm_cmd_record, "run a command and record its allocations" },
	{ "report", mm_cmd_report, "say where the memory of a recording went" },
	{ "run", mm_cmd_run, "run a command with the allocator engine as its malloc" },
	{ "replay", mm_cmd_replay, "run a recording through the allocator engine" },
	{ "top", mm_cmd_top, "see it on a full screen, live or over a trace (also: mmtop)" },
	{ "cat", mm_cmd_cat, "print the events of a trace" },
	{ "symbolize", mm_cmd_symbolize, "put function names and lines into a trace" },
	{ "import", mm_cmd_import, "make a trace of another tool's recording" },
	{ "doctor", mm_cmd_doctor, "check what works on this machine" },
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void print_help(void)
{
	puts("Usage: mmprof VERB [OPTION]... [ARGUMENT]...\n"
	     "Records every heap allocation of a program and reports where its memory went.\n");
	for (int i = 0; i < VERB_COUNT; i++)
		if (verbs[i].run)
			printf("  %-11s %s\n", verbs[i].name, verbs[i].summary);
	puts("\n"
	     "      --help     show this help and exit\n"
	     "      --version  show the version and exit\n"
	     "\n"
	     "Start with:\n"
	     "  mmprof record ./app     writes trace.bin\n"
	     "  mmprof report           reads it\n"
	     "  mmprof replay           runs it through the allocator engine\n"
	     "\n"
	     "Each verb answers --help. Manual: man mmprof");
}

static const struct mm_cli_verb *find(const char *name)
{
	for (int i = 0; i < VERB_COUNT; i++)
		if (verbs[i].run && strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[VERB_COUNT + 1];

	for (int i = 0; i < VERB_COUNT; i++)
		names[i] = verbs[i].name;
	names[VERB_COUNT] = NULL;
	const char *near = name[0] == '-' ? NULL : mm_cli_suggest(name, names);
	if (near)
		mm_cli_error("unknown verb '%s'; did you mean '%s'?", name, near);
	else
		mm_cli_error("unknown %s '%s'", name[0] == '-' ? "option" : "verb", name);
	mm_cli_hint();
	return MM_CLI_TROUBLE;
}

/* A standard stream that is closed stays unusable, but no file of ours takes its number. A
 * command that is run finds it closed. */
static void hold_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

/* Called by the name of its view. */
static int is_mmtop(const char *name)
{
	const char *last = strrchr(name, '/');

	return strcmp(last ? last + 1 : name, "mmtop") == 0;
}

int main(int argc, char **argv)
{
	char help[] = "--help";

	hold_streams();
	if (argc > 0 && is_mmtop(argv[0])) {
		mm_cli_set_verb("top");
		return mm_cmd_top(argc, argv);
	}
	if (argc < 2) {
		mm_cli_error("a verb is missing: record, report, ...");
		mm_cli_hint();
		return MM_CLI_TROUBLE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		mm_cli_version();
		return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
	}
	int asked = strcmp(argv[1], "help") == 0;
	if (strcmp(argv[1], "--help") == 0 || (asked && argc == 2)) {
		print_help();
		return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
	}
	const struct mm_cli_verb *verb = find(argv[1 + asked]);
	if (!verb)
		return unknown(argv[1 + asked]);
	mm_cli_set_verb(verb->name);
	if (!asked)
		return verb->run(argc - 1, argv + 1);
	char *args[] = { argv[2], help, NULL };
	return verb->run(2, args);
}
