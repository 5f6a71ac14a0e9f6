/* cmd_doctor.c: mmprof doctor: what works on this machine.
 *
 * Promise: ends with 0 exactly when a recording works here, which it finds out by
 * making one of /bin/true in a temporary folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/term.h"
#include "cli/cli.h"
#include "view/jsonw.h"

static const struct mm_cli_option doctor_options[] = {
	{ "json", 0, NULL, "print JSON (schema mmprof.doctor/1)" },
};

static const struct mm_cli_command doctor_command = {
	.verb = "doctor",
	.usage = "[OPTION]...",
	.about = "Checks what recording and reporting need from this machine.\n"
		 "Exit status: 0 if recording works, 2 if it does not.",
	.options = doctor_options,
	.option_count = sizeof doctor_options / sizeof doctor_options[0],
	.trouble = MM_CLI_TROUBLE,
};

/* Runs our own `record` on /bin/true without a word: its exit status, or -1. */
static int try_record(const char *trace)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(125);
		execl("/proc/self/exe", "mmprof", "record", "-q", "-o", trace, "--",
		      "/bin/true", (char *)NULL);
		_exit(125);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ask_recording(struct mm_checks *c)
{
	const char *tmp = getenv("TMPDIR");
	char dir[512], trace[600];
	struct stat st;

	snprintf(dir, sizeof dir, "%s/mmprof-doctor-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		mm_checks_add(c, "recording", "a trial run", MM_CHECK_FAIL, "%s: %s", dir,
			      strerror(errno));
		return;
	}
	snprintf(trace, sizeof trace, "%s/trace.bin", dir);
	int status = try_record(trace);
	int written = stat(trace, &st) == 0 && st.st_size > 0;
	if (status == 0 && written)
		mm_checks_add(c, "recording", "a trial run", MM_CHECK_OK,
			      "recorded /bin/true, %lld bytes", (long long)st.st_size);
	else
		mm_check_advise(mm_checks_add(c, "recording", "a trial run", MM_CHECK_FAIL,
					      "mmprof record /bin/true ended with status %d%s",
					      status, written ? "" : " and wrote nothing"),
				"run it by hand to see why: mmprof record -o %s/t /bin/true",
				tmp && tmp[0] ? tmp : "/tmp");
	unlink(trace);
	rmdir(dir);
}

static const char *colour_of(enum mm_check_state state, int colours)
{
	static const char *const codes[] = { "\033[32m", "\033[36m", "\033[33m", "\033[31m" };
	return colours ? codes[state] : "";
}

static void print_text(const struct mm_checks *c)
{
	const char *group = "";
	int colours = mm_term_colours(STDOUT_FILENO);

	for (size_t i = 0; i < c->count; i++) {
		const struct mm_check *k = &c->list[i];
		if (strcmp(group, k->group) != 0)
			printf("%s%s\n", i ? "\n" : "", k->group);
		group = k->group;
		printf("  %s%-8s%s %-18s %s\n", colour_of(k->state, colours),
		       mm_check_state_name(k->state), colours ? "\033[0m" : "", k->name,
		       k->detail);
		if (k->advice[0])
			printf("  %-8s %-18s -> %s\n", "", "", k->advice);
	}
}

static void print_json(const struct mm_checks *c, int works)
{
	struct mm_jsonw w;

	mm_jsonw_begin(&w, stdout, 2);
	mm_jsonw_object(&w, NULL);
	mm_jsonw_text(&w, "schema", "mmprof.doctor/1");
	mm_jsonw_bool(&w, "recording_works", works);
	mm_jsonw_array(&w, "checks");
	for (size_t i = 0; i < c->count; i++) {
		const struct mm_check *k = &c->list[i];
		mm_jsonw_object(&w, NULL);
		mm_jsonw_text(&w, "group", k->group);
		mm_jsonw_text(&w, "name", k->name);
		mm_jsonw_text(&w, "state", mm_check_state_name(k->state));
		mm_jsonw_text(&w, "detail", k->detail);
		mm_jsonw_text(&w, "advice", k->advice[0] ? k->advice : NULL);
		mm_jsonw_object_end(&w);
	}
	mm_jsonw_array_end(&w);
	mm_jsonw_object_end(&w);
	mm_jsonw_end(&w);
}

int mm_cmd_doctor(int argc, char **argv)
{
	struct mm_cli_parse p;
	struct mm_checks *c;
	int json = 0, works = 1, option;

	mm_cli_begin(&p, &doctor_command, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0)
		json |= option == 0;
	if (option == MM_CLI_STOP)
		return p.status;
	if (p.operand < argc)
		return mm_cli_usage(&p, "'%s': no argument is expected", argv[p.operand]);
	c = calloc(1, sizeof *c);
	if (!c) {
		mm_cli_fail(NULL, MM_ENOMEM);
		return MM_CLI_TROUBLE;
	}
	mm_host_kernel(c);
	mm_host_library(c);
	mm_host_limits(c, ".");
	mm_host_symbols(c);
	mm_host_terminal(c);
	ask_recording(c);
	for (size_t i = 0; i < c->count; i++)
		works &= c->list[i].state != MM_CHECK_FAIL;
	if (json)
		print_json(c, works);
	else
		print_text(c);
	if (!json)
		puts(works ? "\nRecording works here." : "\nRecording does not work here.");
	free(c);
	return mm_cli_flush(works ? MM_CLI_OK : MM_CLI_TROUBLE, MM_CLI_TROUBLE);
}
