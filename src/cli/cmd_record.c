/* cmd_record.c: mmprof record: runs a command and writes its trace.
 *
 * Promise: the command's status is ours (128 + signal); 125 means that we failed, and
 * then the command was not started or its recording is incomplete; 126 and 127 that it
 * could not be executed or found.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/install.h"
#include "base/registry.h"
#include "base/term.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/record_run.h"
#include "cli/record_top.h"
#include "collect/collector.h"
#include "collect/launch.h"
#include "collect/procfs.h"
#include "collect/program.h"
#include "collect/stampclock.h"
#include "core/shm.h"
#include "model/ahead.h"
#include "model/symbolise.h"
#include "symbol/categories.h"
#include "trace/writer.h"
#include "tui/tty.h"

enum { DEFAULT_DEPTH = 128, SYMBOLS_LEAST_MS = 20, SYMBOLS_MOST_MS = 2000 };

enum { O_OUTPUT, O_ON_FULL, O_DEPTH, O_MMAP, O_NO_FOLLOW, O_NO_ADDRESSES, O_FREE_STACKS,
	O_MAX_SIZE, O_KEEP, O_SYMBOLS, O_WAIT_ALL, O_RESOLUTION, O_CONFIG, O_TOP, O_QUIET };

static const struct mm_cli_option record_options[] = {
	[O_OUTPUT] = { "output", 'o', "FILE",
		"write the trace to FILE (default trace.bin; - is standard output;\n"
		"%p is the number of this process, %h the name of the host); an\n"
		"existing trace there becomes FILE.old" },
	[O_ON_FULL] = { "on-full", 0, "block|drop",
		"what the program does when we cannot keep up: wait (default) or\n"
		"go on unrecorded; what is dropped is counted and shown" },
	[O_DEPTH] = { "depth", 0, "N",
		"keep at most N frames of a stack, the innermost: 1 to 1024\n"
		"(default 128)" },
	[O_MMAP] = { "mmap", 0, NULL, "record mmap, munmap and mremap too" },
	[O_NO_FOLLOW] = { "no-follow", 0, NULL, "do not record child processes" },
	[O_NO_ADDRESSES] = { "no-addresses", 0, NULL,
		"leave addresses out of the trace, which is then smaller" },
	[O_FREE_STACKS] = { "free-stacks", 0, NULL, "record the stacks of frees too" },
	[O_MAX_SIZE] = { "max-size", 0, "SIZE",
		"let the trace grow to SIZE at most (16 KiB or more); what is still\n"
		"allocated may need more when the end is kept" },
	[O_KEEP] = { "keep", 0, "first|last",
		"with --max-size, which part of the run to keep (default last)" },
	[O_SYMBOLS] = { "symbols", 0, "names|full|none",
		"put function names in the trace: names and lines where debug\n"
		"information is at hand (default), all that can be found, or none" },
	[O_WAIT_ALL] = { "wait-all", 0, NULL,
		"go on until all recorded descendants have ended, not only COMMAND" },
	[O_RESOLUTION] = { "time-resolution", 0, "TIME",
		"keep times in units of TIME (default 1us)" },
	[O_CONFIG] = { "categories", 'c', "FILE",
		"check the category rules and budgets in FILE before the program\n"
		"starts; report applies them" },
	[O_TOP] = { "top", 't', NULL,
		"show the recording on the full screen (mmtop) while it is made; what\n"
		"COMMAND writes goes to FILE.out and FILE.err unless redirected" },
	[O_QUIET] = { "quiet", 'q', NULL, "print no status line and no summary" },
};

static const struct mm_cli_command record_command = {
	.verb = "record",
	.usage = "[OPTION]... [--] COMMAND [ARG]...",
	.about = "Runs COMMAND and writes every allocation of it and of its children to a\n"
		 "trace.",
	.more = "The exit status is COMMAND's, or 128 + N when signal N ended it; 125 if the\n"
		"recording failed, 126 if COMMAND cannot be executed, 127 if it is not found.",
	.options = record_options,
	.option_count = sizeof record_options / sizeof record_options[0],
	.trouble = MM_CLI_RECORD_FAILED,
	.stop_at_operand = 1,
};

struct record {
	struct mm_collect_options collect;
	struct mm_writer_options writer;
	const char *output, *config;
	char *path;     /* of the trace, templates filled in */
	char *program, *preload, *command;
	int symbols;    /* enum mm_symbolise_mode */
	int no_deadline; /* take the time that symbols need */
	struct mm_ahead *ahead; /* looks them up during the run; NULL = nobody does */
	struct mm_listener listener;
	int quiet, keep_given, status_shown, top;
	const struct mm_record_top *view; /* NULL = nobody watches */
	int trouble;    /* exit status when prepare fails */
};

/* --- options --------------------------------------------------------------- */

static int pick(const char *value, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	return -1;
}

static int bad(struct mm_cli_parse *p, const char *option)
{
	return mm_cli_usage(p, "--%s: '%s' is not valid", option, p->value);
}

static int set_choice(struct record *r, struct mm_cli_parse *p, int option)
{
	static const char *const full[] = { "block", "drop" }, *const keep[] = { "first", "last" },
		*const symbols[] = { "names", "full", "none" };
	int i;

	switch (option) {
	case O_ON_FULL:
		i = pick(p->value, full, 2);
		r->collect.shm_options |= i == 1 ? MM_OPT_DROP : 0;
		break;
	case O_KEEP:
		i = pick(p->value, keep, 2);
		r->writer.keep = i == 0 ? MM_KEEP_FIRST : MM_KEEP_LAST;
		r->keep_given = 1;
		break;
	default:
		i = pick(p->value, symbols, 3);
		r->symbols = i == 0 ? MM_SYMBOLISE_NAMES : i == 1 ? MM_SYMBOLISE_FULL
								   : MM_SYMBOLISE_NONE;
		r->no_deadline = i == 1;
	}
	return i < 0 ? bad(p, record_options[option].name) : 0;
}

static int set_number(struct record *r, struct mm_cli_parse *p, int option)
{
	char *end;
	long depth;

	switch (option) {
	case O_DEPTH:
		depth = strtol(p->value, &end, 10);
		if (*end || end == p->value || depth < 1 || depth > MM_DEPTH_MAX)
			return mm_cli_usage(p, "--depth: '%s' is not a number from 1 to %d",
					    p->value, MM_DEPTH_MAX);
		r->collect.depth = (uint32_t)depth;
		return 0;
	case O_MAX_SIZE:
		if (mm_parse_size(p->value, &r->writer.max_bytes) || !r->writer.max_bytes)
			return mm_cli_usage(p, "--max-size: '%s' is not a size", p->value);
		if (r->writer.max_bytes < MM_MAX_BYTES_LEAST)
			return mm_cli_usage(p, "--max-size: '%s' is less than 16 KiB, which a "
					    "trace needs at least", p->value);
		return 0;
	default:
		if (mm_parse_duration(p->value, &r->writer.time_resolution_ns) ||
		    !r->writer.time_resolution_ns)
			return mm_cli_usage(p, "--time-resolution: '%s' is not a time", p->value);
		return 0;
	}
}

static int set_option(struct record *r, struct mm_cli_parse *p, int option)
{
	switch (option) {
	case O_OUTPUT: r->output = p->value; return 0;
	case O_CONFIG: r->config = p->value; return 0;
	case O_QUIET: r->quiet = 1; return 0;
	case O_TOP: r->top = 1; return 0;
	case O_WAIT_ALL: r->collect.wait_all = 1; return 0;
	case O_NO_ADDRESSES: r->writer.no_addresses = 1; return 0;
	case O_MMAP: r->collect.shm_options |= MM_OPT_MMAP; return 0;
	case O_NO_FOLLOW: r->collect.shm_options |= MM_OPT_NO_FOLLOW; return 0;
	case O_FREE_STACKS: r->collect.shm_options |= MM_OPT_FREE_STACKS; return 0;
	case O_ON_FULL: case O_KEEP: case O_SYMBOLS: return set_choice(r, p, option);
	}
	return set_number(r, p, option);
}

/* 0 = go on; else the exit status, plus one. */
static int parse(struct record *r, int argc, char **argv)
{
	struct mm_cli_parse p;
	int option, status;

	mm_cli_begin(&p, &record_command, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0)
		if ((status = set_option(r, &p, option)) != 0)
			return status + 1;
	if (option == MM_CLI_STOP)
		return p.status + 1;
	if (p.operand >= argc)
		return mm_cli_usage(&p, "no command to record") + 1;
	if (r->keep_given && !r->writer.max_bytes)
		return mm_cli_usage(&p, "--keep needs --max-size") + 1;
	if (r->writer.max_bytes && !r->keep_given)
		r->writer.keep = MM_KEEP_LAST;
	if (r->writer.keep == MM_KEEP_LAST && strcmp(r->output, "-") == 0)
		return mm_cli_usage(&p, "--max-size cannot keep the last on standard output: "
				    "name a file with -o, or give --keep=first") + 1;
	if (r->top && strcmp(r->output, "-") == 0)
		return mm_cli_usage(&p, "--top shows a file: it cannot write to standard output") + 1;
	if (r->top && !mm_tty_usable(1))
		return mm_cli_usage(&p, "--top needs a terminal that can be drawn on") + 1;
	r->collect.argv = argv + p.operand;
	return 0;
}

static int exec_status(int err)
{
	return err == MM_ENOENT ? MM_CLI_RECORD_NOTFOUND
	     : err == MM_EPERM ? MM_CLI_RECORD_CANNOT : MM_CLI_RECORD_FAILED;
}

/* --- preparing ---------------------------------------------------------------- */

static char *fill_in(const char *template)
{
	struct mm_buf b = { 0 };
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	for (const char *t = template; *t; t++) {
		if (t[0] == '%' && t[1] == 'p')
			mm_buf_printf(&b, "%d", (int)getpid());
		else if (t[0] == '%' && t[1] == 'h')
			mm_buf_printf(&b, "%s", host);
		else if (t[0] == '%' && t[1] == '%')
			mm_buf_u8(&b, '%');
		else {
			mm_buf_u8(&b, (uint8_t)*t);
			continue;
		}
		t++;
	}
	mm_buf_u8(&b, 0);
	if (!b.failed)
		return (char *)b.data;
	mm_buf_deinit(&b);
	return NULL;
}

static uint64_t unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void describe_machine(struct mm_writer_options *w)
{
	w->start_unix_ns = unix_ns();
	w->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	w->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	w->mem_total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * w->page_bytes;
	w->tool = "mmprof " PACKAGE_VERSION;
}

/* All that can be known to be wrong before anything is started or overwritten. */
static int prepare(struct record *r, struct mm_diag *diag)
{
	struct mm_categories *categories;
	int err = mm_launch_find(&r->program, r->collect.argv[0], diag);

	r->trouble = exec_status(err);
	if (err)
		return err;
	r->trouble = MM_CLI_RECORD_FAILED;
	err = mm_program_check(r->program, diag);
	if (!err)
		err = mm_install_library(&r->preload, MM_LIBRARY_RECORD, diag);
	if (!err && r->config && !(err = mm_categories_load(&categories, r->config, diag)))
		mm_categories_free(categories);
	if (err)
		return err;
	r->path = fill_in(r->output);
	r->command = mm_procfs_quote(r->collect.argv);
	if (!r->path || !r->command)
		return MM_ENOMEM;
	r->collect.path = r->program;
	r->collect.preload = r->preload;
	r->writer.command = r->command;
	describe_machine(&r->writer);
	return MM_OK;
}

/* --- telling --------------------------------------------------------------------- */

static void show_status(void *ctx, const struct mm_collect_status *s)
{
	struct record *r = ctx;
	char time[MM_UNITS_TEXT], events[MM_UNITS_TEXT], live[MM_UNITS_TEXT],
		size[MM_UNITS_TEXT], lost[MM_UNITS_TEXT];

	if (tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	fprintf(stderr, "\r\033[K[mmprof] %s  %s events  live %s  trace %s  %s lost",
		mm_format_time(time, s->elapsed_ns), mm_format_count(events, s->events),
		mm_format_size(live, s->live_bytes), mm_format_size(size, s->trace_bytes),
		mm_format_count(lost, s->lost));
	if (s->processes > 1)
		fprintf(stderr, "  %u processes", s->processes);
	r->status_shown = 1;
}

static void clear_status(const struct record *r)
{
	if (r->status_shown)
		fputs("\r\033[K", stderr);
}

static void list_others(const struct mm_collect_result *res)
{
	for (uint32_t i = 0; i < res->other_count && i < MM_COLLECT_LISTED; i++)
		fprintf(stderr, "[mmprof] %s: %d %s\n",
			res->others[i].recorded ? "still running" : "not recorded",
			(int)res->others[i].pid, res->others[i].cmd);
	if (res->other_count > MM_COLLECT_LISTED)
		fprintf(stderr, "[mmprof] and %u more\n", res->other_count - MM_COLLECT_LISTED);
}

static void tell_next(const struct record *r, uint64_t bytes)
{
	int usual = strcmp(r->path, "trace.bin") == 0;
	char size[MM_UNITS_TEXT];

	mm_format_size(size, bytes);
	if (strcmp(r->path, "-") == 0)
		fprintf(stderr, "[mmprof] %s written to standard output, for mmprof report -\n", size);
	else
		fprintf(stderr, "[mmprof] %s: %s. Next: mmprof report%s%s\n", r->path, size,
			usual ? "" : " ", usual ? "" : r->path);
}

static void summarise(const struct record *r, const struct mm_collect_result *res,
		      uint64_t bytes)
{
	char a[MM_UNITS_TEXT], b[MM_UNITS_TEXT], c[MM_UNITS_TEXT], d[MM_UNITS_TEXT];

	fprintf(stderr, "[mmprof] %s event%s, %s lost, of %u process%s in %s\n",
		mm_format_count(a, res->events), res->events == 1 ? "" : "s",
		mm_format_count(b, res->lost), res->processes,
		res->processes == 1 ? "" : "es", mm_format_time(c, res->duration_ns));
	fprintf(stderr, "[mmprof] peak %s, still live %s in %s object%s, unaccounted %s\n",
		mm_format_size(a, res->totals.peak_bytes),
		mm_format_size(b, res->totals.live_bytes),
		mm_format_count(c, res->totals.live_count),
		res->totals.live_count == 1 ? "" : "s",
		res->unaccounted_bytes == MM_UNKNOWN ? "unknown"
			: mm_format_size(d, res->unaccounted_bytes));
	if (res->totals.implied)
		fprintf(stderr, "[mmprof] %s objects ended unseen: their addresses were "
			"allocated again\n", mm_format_count(a, res->totals.implied));
	if (res->malformed)
		fprintf(stderr, "[mmprof] %s pieces of shared memory were damaged by the "
			"program\n", mm_format_count(a, res->malformed));
	if (res->cause[0])
		fprintf(stderr, "[mmprof] %s%s\n",
			res->totals.allocs ? "unaccounted memory: " : "nothing recorded: ",
			res->cause);
	list_others(res);
	tell_next(r, bytes);
}

/* --- the end --------------------------------------------------------------------- */

/* Symbols are looked up while the program runs, if there are to be any in the trace. */
static void look_ahead(struct record *r)
{
	if (r->symbols == MM_SYMBOLISE_NONE || strcmp(r->path, "-") == 0 ||
	    mm_ahead_create(&r->ahead, r->symbols == MM_SYMBOLISE_NAMES, r->writer.cores))
		return;
	r->listener = (struct mm_listener){ mm_ahead_module, mm_ahead_frame, r->ahead };
	r->collect.listener = &r->listener;
}

static void drop_symbols(struct record *r)
{
	uint64_t spent;

	mm_symbols_destroy(mm_ahead_finish(r->ahead, &spent));
	r->ahead = NULL;
}

/* Names of what is on the stacks, within what looking ahead has left of a twentieth of the
 * run's time: report finds the rest. */
static void add_symbols(struct record *r, struct mm_writer *w, uint64_t run_ns)
{
	const uint64_t least = SYMBOLS_LEAST_MS * UINT64_C(1000000);
	uint64_t spent, budget = run_ns / 20;
	struct mm_symbols *symbols = mm_ahead_finish(r->ahead, &spent);
	struct mm_diag diag = { "" };

	if (budget > SYMBOLS_MOST_MS * UINT64_C(1000000))
		budget = SYMBOLS_MOST_MS * UINT64_C(1000000);
	budget = budget > least + spent ? budget - spent : least;
	r->ahead = NULL;
	int err = mm_symbolise_writer(w, r->path, r->symbols, symbols,
				      r->no_deadline ? 0 : mm_monotonic_ns() + budget, &diag);
	if (err && !r->quiet)
		mm_cli_warn("no symbols in the trace: %s", mm_diag_text(&diag, err));
}

/* Keeping the end needs what is alive there, however much that is. */
static void tell_bound(const struct record *r)
{
	char is[MM_UNITS_TEXT], bound[MM_UNITS_TEXT];
	struct stat st;

	if (strcmp(r->path, "-") == 0 || stat(r->path, &st) ||
	    (uint64_t)st.st_size <= r->writer.max_bytes)
		return;
	fprintf(stderr, "[mmprof] the trace takes %s, more than --max-size %s: what is alive, "
		"its sites and names need that\n", mm_format_size(is, (uint64_t)st.st_size),
		mm_format_size(bound, r->writer.max_bytes));
}

/* --- the verb ------------------------------------------------------------------- */

static int finish(struct record *r, struct mm_writer *w, const struct mm_collect_result *res)
{
	struct mm_writer_stats stats;
	struct mm_diag diag = { "" };
	struct stat st;
	int err = mm_writer_sync(w, UINT64_MAX, 1), e;

	if (!err)
		add_symbols(r, w, res->duration_ns);
	else
		drop_symbols(r);
	mm_writer_get_stats(w, &stats);
	e = mm_writer_close(w, &diag);
	if (strcmp(r->path, "-") && stat(r->path, &st) == 0)
		stats.bytes = (uint64_t)st.st_size; /* with symbols and all */
	err = err ? err : e;
	clear_status(r);
	if (err == MM_ELIMIT && !r->quiet)
		fprintf(stderr, "[mmprof] --max-size reached: %llu events at the end were not "
			"written\n", (unsigned long long)stats.lost_events);
	else if (err && err != MM_ELIMIT)
		mm_cli_error("%s (%llu events were not written)",
			     mm_diag_text(&diag, err), (unsigned long long)stats.lost_events);
	if (!r->quiet)
		summarise(r, res, stats.bytes);
	if (!r->quiet && r->writer.max_bytes)
		tell_bound(r);
	return err;
}

/* So that mmtop finds it. Where it cannot be noted it goes on unseen. */
static void note_recording(const struct record *r, pid_t command)
{
	struct mm_registry_entry e = { .command = command, .start_unix_ns = r->writer.start_unix_ns };

	if (strcmp(r->path, "-") == 0 || mm_registry_path(r->path, e.trace))
		return;
	snprintf(e.cmd, sizeof e.cmd, "%s", r->command);
	mm_registry_add(&e);
}

static void note_command(void *ctx, pid_t command)
{
	const struct record *r = ctx;

	mm_record_top_started(r->view);
	note_recording(r, command);
}

/* Nothing was started: the trace that stood there stands there again. */
static void undo(const struct record *r, ino_t before)
{
	char old[PATH_MAX];
	struct stat st;

	if (strcmp(r->path, "-") == 0)
		return;
	unlink(r->path);
	snprintf(old, sizeof old, "%s.old", r->path);
	if (before && stat(old, &st) == 0 && st.st_ino == before)
		rename(old, r->path);
}

static int record(struct record *r, struct mm_diag *diag)
{
	struct mm_collect_result res;
	struct mm_writer *w;
	struct stat st;
	ino_t before = stat(r->path, &st) == 0 ? st.st_ino : 0;

	note_recording(r, 0); /* first: whoever sees the file finds who is writing it */
	int err = mm_writer_open(&w, r->path, &r->writer, diag);
	if (err) {
		mm_registry_remove();
		mm_cli_fail(diag, err);
		return MM_CLI_RECORD_FAILED;
	}
	look_ahead(r);
	r->collect.started = note_command;
	r->collect.started_ctx = r;
	err = mm_collect(w, &r->collect, &res, diag);
	if (!res.started) {
		drop_symbols(r);
		mm_writer_close(w, NULL);
		mm_registry_remove();
		undo(r, before);
		mm_cli_fail(diag, err);
		return exec_status(err);
	}
	if (err)
		mm_cli_fail(diag, err);
	finish(r, w, &res);
	mm_registry_remove();
	return res.status;
}

/* A trace must not come to be where standard error is looked for. The command finds its
 * streams as we found them. */
static void open_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return;
}

static struct record defaults(void)
{
	return (struct record){ .output = "trace.bin", .collect.depth = DEFAULT_DEPTH,
		.writer.time_resolution_ns = 1000, .writer.source = "record",
		.symbols = MM_SYMBOLISE_FULL };
}

/* In the recorder's process, which has no terminal to say anything on. */
static int record_beside(void *ctx)
{
	struct mm_diag diag = { "" };

	return record(ctx, &diag);
}

static int record_with_view(struct record *r)
{
	struct mm_record_top top = { .trace = r->path, .categories = r->config,
		.record = record_beside, .ctx = r, .in_child = r->collect.in_child,
		.in_child_ctx = r->collect.in_child_ctx };

	r->view = &top;
	r->collect.show = NULL;
	r->collect.in_child = mm_record_top_in_child;
	r->collect.in_child_ctx = &top;
	return mm_record_top(&top);
}

static int prepare_and_record(struct record *r)
{
	struct mm_diag diag = { "" };
	int status, err;

	if (!r->quiet && mm_term_is(STDERR_FILENO)) {
		r->collect.show = show_status;
		r->collect.show_ctx = r;
	}
	if ((err = prepare(r, &diag))) {
		mm_cli_fail(&diag, err);
		status = r->trouble;
	} else {
		status = r->top ? record_with_view(r) : record(r, &diag);
	}
	free(r->path);
	free(r->command);
	free(r->program);
	free(r->preload);
	return status;
}

int mm_record_run(const struct mm_record_run *q)
{
	struct record r = defaults();

	open_streams();
	r.output = q->output;
	r.writer.source = q->source;
	r.collect.argv = q->argv;
	r.collect.behind = q->behind;
	r.collect.in_child = q->in_child;
	r.collect.in_child_ctx = q->in_child_ctx;
	r.top = q->top;
	return prepare_and_record(&r);
}

int mm_cmd_record(int argc, char **argv)
{
	struct record r = defaults();

	open_streams();
	int status = parse(&r, argc, argv);
	return status ? status - 1 : prepare_and_record(&r);
}
