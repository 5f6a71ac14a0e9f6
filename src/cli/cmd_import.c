/* cmd_import.c: mmprof import: a recording of another tool becomes a trace.
 *
 * Promise: a bad input is one line on stderr and status 2, and nothing is written; an
 * input that ends too early is a warning, and what it had is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/units.h"
#include "cli/cli.h"
#include "collect/heaptrack.h"

enum { OPTION_OUTPUT, OPTION_QUIET };

static const struct mm_cli_option import_options[] = {
	{ "output", 'o', "FILE", "trace to write (default trace.bin; - = standard output);\n"
				 "an existing trace there becomes FILE.old" },
	{ "quiet", 'q', NULL, "say nothing but warnings and errors" },
};

static const struct mm_cli_command import_command = {
	.verb = "import",
	.usage = "[OPTION]... RECORDING",
	.about = "Makes a trace of a recording that heaptrack made: heaptrack.APP.PID.zst as it\n"
		 "stands, a raw one (heaptrack --raw), either of them unpacked, or - for standard\n"
		 "input. File formats up to 3.",
	.more = "A gzip'ed recording: gunzip -c RECORDING | mmprof import - -o TRACE\n"
		"A recording has one clock tick in 10 ms and does not tell threads apart; an\n"
		"interpreted one (the default of heaptrack) has no addresses either.",
	.options = import_options,
	.option_count = sizeof import_options / sizeof import_options[0],
	.trouble = MM_CLI_TROUBLE,
};

struct recording {
	int fd;
	uint64_t done, total; /* bytes */
	struct mm_progress progress;
};

static ssize_t read_recording(void *arg, void *buf, size_t len)
{
	struct recording *r = arg;
	ssize_t n = read(r->fd, buf, len);

	if (n > 0)
		mm_progress_step(&r->progress, r->done += (uint64_t)n, r->total);
	return n;
}

static int open_recording(struct recording *r, const char *path)
{
	struct stat st;

	r->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0) {
		mm_cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode))
		r->total = (uint64_t)st.st_size;
	return 0;
}

static void print_summary(const struct mm_import_summary *s, const char *out)
{
	char allocs[MM_UNITS_TEXT], frees[MM_UNITS_TEXT], time[MM_UNITS_TEXT];
	char peak[MM_UNITS_TEXT], live[MM_UNITS_TEXT], size[MM_UNITS_TEXT];
	struct stat st;

	fprintf(stderr,
		"heaptrack %u.%u.%u, %s recording: %s allocations, %s frees in %s\n"
		"peak %s, still live %s\n",
		s->tool_version >> 16, s->tool_version >> 8 & 255, s->tool_version & 255,
		s->interpreted ? "interpreted" : "raw", mm_format_count(allocs, s->totals.allocs),
		mm_format_count(frees, s->totals.frees), mm_format_time(time, s->duration_ns),
		mm_format_size(peak, s->totals.peak_bytes),
		mm_format_size(live, s->totals.live_bytes));
	if (s->totals.inherited > 0)
		fprintf(stderr, "%s frees of blocks from before the recording\n",
			mm_format_count(frees, s->totals.inherited));
	if (strcmp(out, "-") != 0 && stat(out, &st) == 0)
		fprintf(stderr, "wrote %s (%s). Next: mmprof report %s\n", out,
			mm_format_size(size, (uint64_t)st.st_size), out);
}

static int import(const char *path, const char *out, int quiet)
{
	struct recording r = { .fd = -1 };
	struct mm_text_input input = { read_recording, &r, path };
	struct mm_import_summary sum;
	struct mm_diag diag = {0};
	char what[256];
	int err;

	if (strcmp(out, "-") == 0 && isatty(STDOUT_FILENO)) {
		mm_cli_error("a trace is not written to a terminal: give -o FILE");
		return MM_CLI_TROUBLE;
	}
	if (open_recording(&r, path) != 0)
		return MM_CLI_TROUBLE;
	snprintf(what, sizeof what, "importing %s", path);
	mm_progress_begin(&r.progress, what, quiet);
	err = mm_import_heaptrack(&input, out, &sum, &diag);
	mm_progress_end(&r.progress);
	if (r.fd != STDIN_FILENO)
		close(r.fd);
	if (err != MM_OK) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	if (sum.cut)
		mm_cli_warn("%s: ends too early, after line %llu: what came before was imported",
			    path, (unsigned long long)sum.lines);
	if (!quiet)
		print_summary(&sum, out);
	return MM_CLI_OK;
}

int mm_cmd_import(int argc, char **argv)
{
	struct mm_cli_parse p;
	const char *out = "trace.bin";
	int option, quiet = 0;

	mm_cli_begin(&p, &import_command, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0) {
		if (option == OPTION_OUTPUT)
			out = p.value;
		else
			quiet = 1;
	}
	if (option == MM_CLI_STOP)
		return p.status;
	if (argc - p.operand != 1)
		return mm_cli_usage(&p, argc == p.operand ? "which recording?"
							  : "one recording at a time");
	return import(argv[p.operand], out, quiet);
}
