/* cmd_report.c: `mmprof report`: options, a trace, a report as text or JSON. */
#include "config.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/term.h"
#include "cli/cli.h"
#include "model/model.h"
#include "symbol/categories.h"
#include "symbol/symbol.h"
#include "trace/reader.h"
#include "view/report_json.h"
#include "view/report_text.h"

enum option { OPT_BY, OPT_METRIC, OPT_FROM, OPT_TO, OPT_ROWS, OPT_TREE, OPT_MATCH,
	OPT_PROCESS, OPT_CATEGORIES, OPT_MAP, OPT_JSON, OPT_BYTES, OPT_PATHS, OPT_WIDTH, OPT_NOSYMBOLS,
	OPT_QUIET };

static const struct mm_cli_option options[] = {
	[OPT_BY] = { "by", 'b', "KEY", "one row for each site, function, file, library, category,\n"
		     "thread or size" },
	[OPT_METRIC] = { "metric", 'm', "M", "what to sort by: peak, live, allocs, bytes,\n"
			 "temporary or leaks" },
	[OPT_FROM] = { "from", 0, "TIME", "count from here: 12.5s, 1:02.5, 50%, peak, mark:NAME" },
	[OPT_TO] = { "to", 0, "TIME", "count to here, not included" },
	[OPT_ROWS] = { "rows", 'n', "N", "rows of a table; 0 = all that have a figure (default 10,\n"
		"JSON 50)" },
	[OPT_TREE] = { "tree", 't', "[=callers]", "the calls from main to where memory was asked for;\n"
		       "--tree=callers: from there back to main" },
	[OPT_MATCH] = { "match", 0, "GLOB", "only stacks with a function, file or library like this" },
	[OPT_PROCESS] = { "process", 'p', "PID", "another process of the trace: a PID, #NUMBER,\n"
			  "or all: what each allocated itself" },
	[OPT_CATEGORIES] = { "categories", 'c', "FILE", "rules that put sites into categories" },
	[OPT_MAP] = { "map", 0, "[=CELLS]", "in JSON: where live objects lie, as so many cells (default\n1024), holes and ranges of addresses" },
	[OPT_JSON] = { "json", 'j', NULL, "as JSON, schema mmprof.report/1" },
	[OPT_BYTES] = { "bytes", 0, NULL, "exact bytes instead of KiB, MiB" },
	[OPT_PATHS] = { "full-paths", 0, NULL, "do not shorten names and paths" },
	[OPT_WIDTH] = { "width", 0, "COLUMNS", "width of the text, 60 to 1000 (default: the\n"
		"terminal's, or 100)" },
	[OPT_NOSYMBOLS] = { "no-symbols", 0, NULL, "only the names that the trace holds" },
	[OPT_QUIET] = { "quiet", 'q', NULL, "no progress line" },
};

static const struct mm_cli_command command = {
	.verb = "report",
	.usage = "[OPTION]... [TRACE]",
	.about = "Says where the memory of a recording went. TRACE is trace.bin unless given; - is\n"
		 "standard input. Without --by, --metric or --tree, an overview.",
	.more = "Words:\n"
		"  peak       live at the moment when most bytes were live\n"
		"  live       live at the end of the range (--to)\n"
		"  leaks      allocated in the range and still live at its end\n"
		"  temporary  freed by its own thread with no other allocation between\n"
		"  site       a call stack that allocated\n"
		"\n"
		"Examples:\n"
		"  mmprof report                           the overview of trace.bin\n"
		"  mmprof report --metric leaks            what was left, with full stacks\n"
		"  mmprof report --by library -n 5         who holds the peak\n"
		"  mmprof report --tree --match '*parse*'  only below functions like these\n"
		"  mmprof report --from mark:load --to mark:save --metric live\n"
		"  mmprof report --json -n 0 | jq .totals\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.trouble = MM_CLI_TROUBLE,
};

struct request {
	struct mm_model_options model;
	const char *categories;
	int rows_given, json, bytes, full_paths, width, no_symbols, quiet, overview;
};

static int choose(const char *text, const char *(*name)(unsigned), unsigned count, unsigned *ret)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(text, name(i)) == 0) {
			*ret = i;
			return 0;
		}
	return -1;
}

static const char *by_name(unsigned i)
{
	return mm_by_name((enum mm_by)i);
}

static const char *metric_name(unsigned i)
{
	return mm_metric_name((enum mm_metric)i);
}

static int number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	*ret = strtoul(text, &end, 10);
	return *end || *ret > most ? -1 : 0;
}

static int take_number(struct mm_cli_parse *p, struct request *q, enum option o)
{
	unsigned long n;

	if (o == OPT_ROWS) {
		if (number(p->value, 1000000000, &n))
			return mm_cli_usage(p, "--rows: '%s' is not a number", p->value);
		q->model.top = n;
		q->rows_given = 1;
		return 0;
	}
	if (number(p->value, 1000, &n) || n < 60)
		return mm_cli_usage(p, "--width: '%s' is not a width from 60 to 1000", p->value);
	q->width = (int)n;
	return 0;
}

static int take_key(struct mm_cli_parse *p, struct request *q, enum option o)
{
	unsigned k;

	if (o == OPT_BY) {
		if (choose(p->value, by_name, MM_BY_COUNT, &k))
			return mm_cli_usage(p, "--by: '%s' is none of site, function, file, library, "
					    "category, thread, size", p->value);
		q->model.by = (enum mm_by)k;
	} else {
		if (choose(p->value, metric_name, MM_METRIC_COUNT, &k))
			return mm_cli_usage(p, "--metric: '%s' is none of peak, live, allocs, bytes, "
					    "temporary, leaks", p->value);
		q->model.metric = (enum mm_metric)k;
	}
	q->overview = 0;
	return 0;
}

static int take_tree(struct mm_cli_parse *p, struct request *q)
{
	if (!p->value || strcmp(p->value, "callees") == 0)
		q->model.tree = MM_TREE_CALLEES;
	else if (strcmp(p->value, "callers") == 0)
		q->model.tree = MM_TREE_CALLERS;
	else
		return mm_cli_usage(p, "--tree: '%s' is neither callees nor callers", p->value);
	return 0;
}

static int take_map(struct mm_cli_parse *p, struct request *q)
{
	unsigned long n = 1024;

	if (p->value && (number(p->value, 1000000, &n) || !n))
		return mm_cli_usage(p, "--map: '%s' is not a number of cells from 1 to 1000000",
				    p->value);
	q->model.map = (struct mm_map_request){ .want = 1, .cells = (uint32_t)n };
	return 0;
}

static int take_option(struct mm_cli_parse *p, struct request *q, enum option o)
{
	switch (o) {
	case OPT_BY: case OPT_METRIC: return take_key(p, q, o);
	case OPT_ROWS: case OPT_WIDTH: return take_number(p, q, o);
	case OPT_FROM: q->model.from = p->value; break;
	case OPT_TO: q->model.to = p->value; break;
	case OPT_TREE: return take_tree(p, q);
	case OPT_MATCH: q->model.match = p->value; q->overview = 0; break;
	case OPT_PROCESS: q->model.process = p->value; break;
	case OPT_CATEGORIES: q->categories = p->value; break;
	case OPT_MAP: return take_map(p, q);
	case OPT_JSON: q->json = 1; break;
	case OPT_BYTES: q->bytes = 1; break;
	case OPT_PATHS: q->full_paths = 1; break;
	case OPT_NOSYMBOLS: q->no_symbols = 1; break;
	case OPT_QUIET: q->quiet = 1; break;
	}
	return 0;
}

/* 0 to go on, else *ret is the exit status. */
static int parse(struct mm_cli_parse *p, struct request *q, int argc, char **argv, int *ret)
{
	int o;

	q->overview = 1;
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
	if (q->model.map.want && !q->json) {
		*ret = mm_cli_usage(p, "--map: only with --json; mmtop draws it");
		return 1;
	}
	q->model.trace = p->operand < argc ? argv[p->operand] : "trace.bin";
	if (q->model.tree != MM_TREE_NONE)
		q->overview = 0;
	if (!q->rows_given)
		/* An overview draws rows that look the same as one: it needs more of them. */
		q->model.top = q->json ? 50 : q->overview ? 40 : 10;
	q->model.tree_ppm = q->rows_given && !q->model.top ? 0 : 5000;
	return 0;
}

static int show(const struct mm_report *r, const struct request *q)
{
	setlocale(LC_CTYPE, "");
	struct mm_text_options text = {
		.width = q->width ? q->width : mm_term_columns(STDOUT_FILENO, 100),
		.colour = mm_term_colours(STDOUT_FILENO), .utf8 = mm_term_utf8(),
		.bytes = q->bytes, .full_paths = q->full_paths, .overview = q->overview,
		.peak_rows = q->rows_given ? 0 : 10, .rows = q->rows_given ? 0 : 5,
	};
	if (text.width < 60)
		text.width = 60;
	return q->json ? mm_report_json(r, PACKAGE_VERSION, stdout)
		       : mm_report_text(r, &text, stdout);
}

static int make_report(struct request *q, struct mm_reader *r, struct mm_report **ret,
		       struct mm_diag *diag)
{
	struct mm_symbol_options how = { .debuginfod = 1 };
	struct mm_symbols *symbols = NULL;
	struct mm_progress progress;
	int err = q->no_symbols ? MM_OK : mm_symbols_create(&symbols, &how);

	if (err)
		return err;
	mm_progress_begin(&progress, "reading", q->quiet);
	q->model.symbols = symbols;
	q->model.progress = &progress;
	err = mm_model_report(ret, r, &q->model, diag);
	mm_progress_end(&progress);
	if (symbols)
		mm_symbols_destroy(symbols);
	return err;
}

static int run(struct request *q, struct mm_diag *diag)
{
	struct mm_reader *reader = NULL;
	struct mm_report *report = NULL;
	int err = mm_categories_load(&q->model.categories, q->categories, diag);

	if (!err)
		err = mm_reader_open(&reader, q->model.trace, diag);
	if (!err)
		err = make_report(q, reader, &report, diag);
	if (reader)
		mm_reader_close(reader);
	if (!err && !report->run.complete)
		mm_cli_warn("%s: the recording did not end properly: what was saved is shown",
			    q->model.trace);
	if (!err && report->run.lost_events_count)
		mm_cli_warn("%s: %llu events were not recorded: figures by site are too "
			    "low, totals may be", q->model.trace,
			    (unsigned long long)report->run.lost_events_count);
	if (!err && show(report, q))
		err = mm_fail_errno(diag, "standard output");
	mm_report_free(report);
	if (q->model.categories)
		mm_categories_free(q->model.categories);
	return err;
}

int mm_cmd_report(int argc, char **argv)
{
	struct request q = { .overview = 1 };
	struct mm_cli_parse p;
	struct mm_diag diag = { "" };
	int status;

	if (parse(&p, &q, argc, argv, &status))
		return status;
	int err = run(&q, &diag);
	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
}
