/* cmd_symbolize.c: `mmprof symbolize`: names for an existing trace, kept in it.
 *
 * Promise: the trace is replaced by a checked copy with more in it, in one step, or it is
 * left as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/units.h"
#include "cli/cli.h"
#include "core/error.h"
#include "model/symbolise.h"
#include "symbol/symbol.h"
#include "trace/reader.h"
#include "trace/writer.h"

enum { OPT_SYMBOLS, OPT_OUTPUT, OPT_QUIET };

static const struct mm_cli_option symbolize_options[] = {
	[OPT_SYMBOLS] = { "symbols", 0, "KIND",
		"names = functions from symbol tables; full = lines and inlined\n"
		"functions too, where debug information is at hand (default)" },
	[OPT_OUTPUT] = { "output", 'o', "FILE", "write a new trace, leave TRACE as it is" },
	[OPT_QUIET] = { "quiet", 'q', NULL, "no summary, no progress" },
};

static const struct mm_cli_command symbolize_command = {
	.verb = "symbolize",
	.usage = "[OPTION]... [TRACE]",
	.about = "Looks up what the addresses in TRACE (default trace.bin) are called and keeps the\n"
		 "answers in it, so that it can be read where the programs are not.",
	.more = "With DEBUGINFOD_URLS set, debug information that is missing here is asked for\n"
		"there.",
	.options = symbolize_options,
	.option_count = sizeof symbolize_options / sizeof symbolize_options[0],
	.trouble = MM_CLI_TROUBLE,
};

struct symbolize {
	const char *trace, *output; /* output NULL = in place */
	int names_only, quiet;
	char *target;               /* the file to make or replace */
	char *part;                 /* the copy being worked on; "" = none yet */
};

/* The copy that is being worked on, for clean_up alone. */
static char part_name[PATH_MAX];

/* Interrupted: nothing is left behind, the trace is as it was. */
static void clean_up(int sig)
{
	if (part_name[0])
		unlink(part_name);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void watch_signals(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (signal(ends[i], clean_up) == SIG_IGN)
			signal(ends[i], SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full file is an error to report */
}

static int copy_bytes(int from, int to, struct mm_diag *diag, const char *path)
{
	char buf[64 * 1024];
	ssize_t n;

	while ((n = read(from, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mm_fail_errno(diag, "%s: cannot read", path);
		for (ssize_t at = 0, k; at < n; at += k) {
			k = write(to, buf + at, (size_t)(n - at));
			if (k < 0 && errno == EINTR)
				k = 0;
			else if (k <= 0)
				return mm_fail_errno(diag, "%s: cannot write a copy beside it",
						     path);
		}
	}
	return MM_OK;
}

/* Makes the copy's file, known to clean_up from its first moment on: a descriptor or -1. */
static int make_part(char *pattern)
{
	sigset_t ends, before;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before);
	int fd = mkostemp(pattern, O_CLOEXEC);
	if (fd >= 0)
		snprintf(part_name, sizeof part_name, "%s", pattern);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return fd;
}

/* A private copy in the folder of the target. */
static int make_copy(struct symbolize *s, struct mm_diag *diag)
{
	struct stat st;
	int err;

	int from = open(s->trace, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st)) {
		err = mm_fail_errno(diag, "%s", s->trace);
		if (from >= 0)
			close(from);
		return err;
	}
	if (asprintf(&s->part, "%s.XXXXXX", s->target) < 0) {
		s->part = NULL;
		close(from);
		return MM_ENOMEM;
	}
	int to = make_part(s->part);
	if (to < 0) {
		err = mm_fail_errno(diag, "%s: cannot write a copy beside it", s->target);
		s->part[0] = 0;
	} else {
		err = copy_bytes(from, to, diag, s->trace);
		if (!err && fchmod(to, st.st_mode & 0777))
			err = mm_fail_errno(diag, "%s", s->part);
		if (close(to) && !err)
			err = mm_fail_errno(diag, "%s", s->part);
	}
	close(from);
	return err;
}

static int resolve(struct symbolize *s, struct mm_reader *r, struct mm_writer *w,
		   struct mm_symbolise_result *result)
{
	struct mm_symbol_options options = { .no_debug = s->names_only, .debuginfod = 1 };
	struct mm_symbols *symbols;
	struct mm_progress progress;
	int err = mm_symbols_create(&symbols, &options);

	if (err)
		return err;
	mm_progress_begin(&progress, "looking up addresses", s->quiet);
	err = mm_symbolise(w, r, symbols, 0, &progress, result);
	mm_progress_end(&progress);
	mm_symbols_destroy(symbols);
	return err;
}

/* The copy must hold what the trace holds. */
static int check_copy(struct symbolize *s, struct mm_reader *before, struct mm_diag *diag)
{
	struct mm_reader *after;
	int err = mm_reader_open(&after, s->part, diag);

	if (err)
		return err;
	int same = mm_reader_processes(before) == mm_reader_processes(after) &&
		   mm_reader_info(before)->damaged_blocks >= mm_reader_info(after)->damaged_blocks;
	for (uint32_t i = 0; same && i < mm_reader_processes(before); i++)
		same = mm_reader_chunks(before, i) == mm_reader_chunks(after, i) &&
		       mm_reader_sites(before, i) == mm_reader_sites(after, i) &&
		       memcmp(mm_reader_totals(before, i), mm_reader_totals(after, i),
			      sizeof(struct mm_totals)) == 0;
	mm_reader_close(after);
	return same ? MM_OK : mm_fail(diag, MM_EIO, "%s: the copy with symbols came out "
				      "different; the trace is left as it was", s->trace);
}

static int put_in_place(struct symbolize *s, struct mm_diag *diag)
{
	int fd = open(s->part, O_RDONLY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd);

	if (fd >= 0)
		close(fd);
	if (!failed && s->output) {
		/* link refuses a name that is taken, rename would not */
		failed = link(s->part, s->target);
		if (!failed)
			return MM_OK;
	} else if (!failed) {
		failed = rename(s->part, s->target);
		if (!failed)
			s->part[0] = part_name[0] = 0;
	}
	return failed ? mm_fail_errno(diag, "%s", s->target) : MM_OK;
}

/* A recorder that goes on writing would write to the file that was replaced. */
static int is_growing(const struct symbolize *s, const struct mm_reader *r)
{
	struct stat st;

	return !s->output && !mm_reader_info(r)->complete && stat(s->trace, &st) == 0 &&
	       time(NULL) - st.st_mtime < 3;
}

static int add_symbols(struct symbolize *s, struct mm_reader *r,
		       struct mm_symbolise_result *result, struct mm_diag *diag)
{
	struct mm_writer *w;

	if (is_growing(s, r))
		return mm_fail(diag, MM_EAGAIN, "%s is still being recorded: try again when that "
			       "has ended, or use -o", s->trace);
	int err = make_copy(s, diag);
	if (!err)
		err = mm_writer_append(&w, s->part, diag);
	if (err)
		return err;
	err = resolve(s, r, w, result);
	int closed = mm_writer_close(w, err ? NULL : diag);
	if (!err)
		err = closed;
	if (!err)
		err = check_copy(s, r, diag);
	if (!err && (result->added || s->output))
		err = put_in_place(s, diag);
	return err;
}

static void print_result(const struct symbolize *s, const struct mm_symbolise_result *n)
{
	char all[MM_UNITS_TEXT], added[MM_UNITS_TEXT], kept[MM_UNITS_TEXT], rest[MM_UNITS_TEXT];

	if (!s->quiet)
		printf("%s: %s addresses: %s named now, %s before, %s unknown\n",
		       s->output ? s->output : s->trace, mm_format_count(all, n->addresses),
		       mm_format_count(added, n->added), mm_format_count(kept, n->kept),
		       mm_format_count(rest, n->unknown));
}

static int symbolize(struct symbolize *s)
{
	struct mm_symbolise_result result = { 0 };
	struct mm_diag diag = { "" };
	struct mm_reader *r;
	int err = mm_reader_open(&r, s->trace, &diag);

	watch_signals();
	if (!err) {
		/* through a link, the file it names is the one to replace */
		s->target = s->output ? strdup(s->output) : realpath(s->trace, NULL);
		err = s->target ? add_symbols(s, r, &result, &diag) : MM_ENOMEM;
		mm_reader_close(r);
	}
	if (s->part && s->part[0])
		unlink(s->part);
	part_name[0] = 0;
	free(s->part);
	free(s->target);
	if (err)
		mm_cli_fail(&diag, err);
	else
		print_result(s, &result);
	return mm_cli_flush(err ? MM_CLI_TROUBLE : MM_CLI_OK, MM_CLI_TROUBLE);
}

int mm_cmd_symbolize(int argc, char **argv)
{
	struct symbolize s = { .trace = "trace.bin" };
	struct mm_cli_parse p;
	int option;

	mm_cli_begin(&p, &symbolize_command, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0) {
		if (option == OPT_OUTPUT)
			s.output = p.value;
		else if (option == OPT_QUIET)
			s.quiet = 1;
		else if (strcmp(p.value, "names") == 0 || strcmp(p.value, "full") == 0)
			s.names_only = p.value[0] == 'n';
		else
			return mm_cli_usage(&p, "--symbols: '%s' is neither names nor full",
					    p.value);
	}
	if (option == MM_CLI_STOP)
		return p.status;
	if (argc - p.operand > 1)
		return mm_cli_usage(&p, "one trace at a time");
	if (p.operand < argc)
		s.trace = argv[p.operand];
	if (strcmp(s.trace, "-") == 0 || (s.output && strcmp(s.output, "-") == 0))
		return mm_cli_usage(&p, "a file is needed, not a stream");
	return symbolize(&s);
}
