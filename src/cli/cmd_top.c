/* cmd_top.c: `mmprof top`, also called mmtop: options, a trace, a screen. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/term.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/top_find.h"
#include "cli/top_source.h"
#include "cli/top_view.h"
#include "tui/tty.h"

enum option { OPT_PID, OPT_LIST, OPT_DELAY, OPT_COUNT, OPT_ONCE, OPT_BATCH, OPT_JSON, OPT_SCREEN, OPT_FILTER,
	OPT_CATEGORIES, OPT_PROCESS, OPT_SIZE, OPT_ASCII, OPT_COLOR, OPT_MOUSE, OPT_PLAIN,
	OPT_READONLY, OPT_COPY, OPT_NOSYMBOLS, OPT_SCRIPT };

static const struct mm_cli_option options[] = {
	[OPT_PID] = { "pid", 'p', "PID", "the recording of this process, or of one of its children" },
	[OPT_LIST] = { "list", 0, NULL, "say what is being recorded, and exit" },
	[OPT_DELAY] = { "delay", 'd', "TIME", "between two looks at a live recording (default 1s)" },
	[OPT_COUNT] = { "count", 'n', "N", "with --batch: so many screens, then the end" },
	[OPT_ONCE] = { "once", 0, NULL, "print one screen as text and exit" },
	[OPT_BATCH] = { "batch", 'b', NULL, "print screen after screen as text" },
	[OPT_JSON] = { "json", 'j', NULL, "print the report as JSON instead (implies --once)" },
	[OPT_SCREEN] = { "screen", 's', "NAME", "begin with: overview, categories, tiers, fragmap, leaks,\n"
		"calls, timeline, threads or gpu" },
	[OPT_FILTER] = { "filter", 'F', "TEXT", "only rows of which a text holds TEXT" },
	[OPT_CATEGORIES] = { "categories", 'c', "FILE", "rules that put sites into categories" },
	[OPT_PROCESS] = { "process", 0, "PID", "another process of the trace: a PID, #NUMBER, or all" },
	[OPT_SIZE] = { "size", 0, "COLSxROWS", "size of what --once, --batch, --plain and --script draw\n"
		"(default: the terminal's, or 100x30)" },
	[OPT_ASCII] = { "ascii", 0, NULL, "draw with ASCII only" },
	[OPT_COLOR] = { "color", 0, "auto|always|never", "when to use colours (default auto)" },
	[OPT_MOUSE] = { "mouse", 0, NULL, "take clicks and the wheel" },
	[OPT_PLAIN] = { "plain", 0, NULL, "for readers of screens: lines of text, no bars and curves" },
	[OPT_READONLY] = { "readonly", 0, NULL, "never write a file" },
	[OPT_COPY] = { "copy", 0, NULL, "let c put a row into the terminal's clipboard" },
	[OPT_NOSYMBOLS] = { "no-symbols", 0, NULL, "only the names that the trace holds" },
	[OPT_SCRIPT] = { "script", 0, "FILE", "take keys from FILE (- = standard input), without a\n"
		"terminal: man mmtop" },
};

static const struct mm_cli_command command = {
	.verb = "top",
	.usage = "[OPTION]... [TRACE]",
	.about = "Shows a recording on a full screen, while it is made or afterwards. TRACE is what is being\n"
		 "recorded, or trace.bin, unless given.",
	.more = "Press ? for the keys, 1 to 9 for the screens, q to quit.\n"
		"\n"
		"Examples:\n"
		"  mmprof top                          trace.bin, from its end; [ and ] step in time\n"
		"  mmprof top -p 4242                  what is being recorded there, as it grows\n"
		"  mmprof top --once --screen leaks    one screen as text\n"
		"  mmprof top --json --once | jq .totals\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.trouble = MM_CLI_TROUBLE,
};

struct request {
	struct mm_top_view view;
	struct mm_top_source_options source;
	const char *pid, *trace;
	int once, list, undrawable;
};

static int take_screen(struct mm_cli_parse *p, struct request *q)
{
	for (int i = 0; i < MM_SCREEN_COUNT; i++)
		if (strcmp(p->value, mm_screen_name((enum mm_screen)i)) == 0) {
			q->view.top.screen = (enum mm_screen)i;
			return 0;
		}
	return mm_cli_usage(p, "--screen: '%s' is none of overview, categories, tiers, fragmap, leaks, "
			    "calls, timeline, threads, gpu", p->value);
}

static int take_colour(struct mm_cli_parse *p, struct request *q)
{
	if (strcmp(p->value, "always") == 0)
		q->view.colour = 1;
	else if (strcmp(p->value, "never") == 0)
		q->view.colour = 0;
	else if (strcmp(p->value, "auto") != 0)
		return mm_cli_usage(p, "--color: '%s' is none of auto, always, never", p->value);
	return 0;
}

static int take_size(struct mm_cli_parse *p, struct request *q)
{
	int end = 0;

	if (sscanf(p->value, "%4dx%4d%n", &q->view.cols, &q->view.rows, &end) != 2 || p->value[end] ||
	    q->view.rows < 1 || q->view.cols < 1 || q->view.rows > MM_CANVAS_MOST ||
	    q->view.cols > MM_CANVAS_MOST)
		return mm_cli_usage(p, "--size: '%s' is not COLUMNSxROWS, each 1 to 1000", p->value);
	return 0;
}

static int take_number(struct mm_cli_parse *p, struct request *q, enum option o)
{
	char *end;

	if (o == OPT_DELAY) {
		if (mm_parse_duration(p->value, &q->view.delay_ns) || q->view.delay_ns < 10000000)
			return mm_cli_usage(p, "--delay: '%s' is not a time of 10ms or more", p->value);
		return 0;
	}
	q->view.count = strtoul(p->value, &end, 10);
	if (*p->value < '0' || *p->value > '9' || *end || !q->view.count)
		return mm_cli_usage(p, "--count: '%s' is not a number from 1", p->value);
	return 0;
}

static int take_option(struct mm_cli_parse *p, struct request *q, enum option o)
{
	switch (o) {
	case OPT_PID: q->pid = p->value; break;
	case OPT_LIST: q->list = 1; break;
	case OPT_DELAY: case OPT_COUNT: return take_number(p, q, o);
	case OPT_ONCE: q->once = 1; break;
	case OPT_BATCH: q->view.batch = 1; break;
	case OPT_JSON: q->view.json = 1; break;
	case OPT_SCREEN: return take_screen(p, q);
	case OPT_FILTER: q->view.top.filter = p->value; break;
	case OPT_CATEGORIES: q->source.categories = p->value; break;
	case OPT_PROCESS: q->source.process = p->value; break;
	case OPT_SIZE: return take_size(p, q);
	case OPT_ASCII: q->view.top.ascii = 1; break;
	case OPT_COLOR: return take_colour(p, q);
	case OPT_MOUSE: q->view.mouse = 1; break;
	case OPT_PLAIN: q->view.top.plain = 1; break;
	case OPT_READONLY: q->view.top.readonly = 1; break;
	case OPT_COPY: q->view.top.copy = 1; break;
	case OPT_NOSYMBOLS: q->source.no_symbols = 1; break;
	case OPT_SCRIPT: q->view.script = p->value; break;
	}
	return 0;
}

/* What was not said is as the terminal is. */
static void settle(struct request *q)
{
	int usable = mm_tty_usable(0);

	if (!q->view.cols) {
		q->view.cols = mm_term_columns(STDOUT_FILENO, 100);
		/* The prompt that follows has a row, too. */
		q->view.rows = mm_term_rows(STDOUT_FILENO, 31) - 1;
	}
	if (q->view.rows < 1)
		q->view.rows = 1;
	if (q->view.rows > MM_CANVAS_MOST)
		q->view.rows = MM_CANVAS_MOST;
	if (q->view.cols > MM_CANVAS_MOST)
		q->view.cols = MM_CANVAS_MOST;
	q->view.top.all = q->view.json && !q->view.batch;
	if (q->once || (q->view.json && !q->view.batch)) {
		q->view.batch = 1;
		q->view.count = 1;
	}
	if (!q->view.batch && !q->view.script && !q->view.top.plain && !usable) {
		q->undrawable = 1;
		q->view.batch = 1;
		q->view.count = 1;
	}
	if (!mm_term_utf8())
		q->view.top.ascii = 1;
}

/* 0 to go on, else *ret is the exit status. */
static int parse(struct mm_cli_parse *p, struct request *q, int argc, char **argv, int *ret)
{
	int o;

	mm_cli_begin(p, &command, argc, argv);
	while ((o = mm_cli_next(p)) >= 0) {
		*ret = take_option(p, q, (enum option)o);
		if (*ret)
			return 1;
	}
	*ret = p->status;
	if (o == MM_CLI_STOP)
		return 1;
	if (argc - p->operand > 1) {
		*ret = mm_cli_usage(p, "more than one trace: '%s'", argv[p->operand + 1]);
		return 1;
	}
	q->trace = p->operand < argc ? argv[p->operand] : NULL;
	if (q->pid && q->trace) {
		*ret = mm_cli_usage(p, "--pid finds the trace by itself: leave out '%s'", q->trace);
		return 1;
	}
	if (q->view.count && !q->view.batch && !q->once) {
		*ret = mm_cli_usage(p, "--count is of --batch");
		return 1;
	}
	if (q->view.script && (q->view.batch || q->once || q->view.json)) {
		*ret = mm_cli_usage(p, "--script prints nothing by itself: leave out --once, --batch and --json, "
				    "and let it say :save-screen or :json");
		return 1;
	}
	settle(q);
	return 0;
}

static int find_and_view(struct request *q, struct mm_diag *diag)
{
	struct mm_top_find found;
	struct mm_top_source *source;
	int err = mm_top_find(&found, q->pid, q->trace, diag);

	if (err)
		return err;
	q->source.trace = found.trace;
	q->source.live = found.live ? &found.entry : NULL;
	if (found.process[0] && !q->source.process)
		q->source.process = found.process;
	err = mm_top_source_open(&source, &q->source, diag);
	if (!err && q->undrawable)
		mm_cli_warn("this is no terminal that can be drawn on: one screen as text, as with --once");
	if (!err) {
		mm_top_view(&q->view, mm_top_source_view(source), diag, &err);
		mm_top_source_close(source);
	}
	mm_top_find_deinit(&found);
	return err;
}

int mm_cmd_top(int argc, char **argv)
{
	struct request q = { .view = { .delay_ns = 1000000000,
		.colour = mm_term_colours(STDOUT_FILENO) } };
	struct mm_cli_parse p;
	struct mm_diag diag = { "" };
	int status;

	if (parse(&p, &q, argc, argv, &status))
		return status;
	int err = q.list ? mm_top_find_list(&diag) : find_and_view(&q, &diag);
	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
}
