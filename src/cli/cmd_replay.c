/* cmd_replay.c: `mmprof replay`: options, a trace, an account of the engine under it. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/term.h"
#include "base/units.h"
#include "cli/cli.h"
#include "model/choose.h"
#include "model/naming.h"
#include "model/report_store.h"
#include "replay/replay.h"
#include "symbol/symbol.h"
#include "view/replay_json.h"
#include "view/replay_text.h"

enum option { OPT_STRATEGY, OPT_COMPARE, OPT_FROM, OPT_TO, OPT_PROCESS, OPT_PAGES, OPT_CORES,
	OPT_NODES, OPT_ROWS, OPT_NOPINNED, OPT_NOSYMBOLS, OPT_JSON, OPT_BYTES, OPT_WIDTH, OPT_QUIET };

static const struct mm_cli_option options[] = {
	[OPT_STRATEGY] = { "strategy", 's', "S", "how the engine places blocks (default size-class)" },
	[OPT_COMPARE] = { "compare", 0, "LIST", "these strategies, separated by commas, in one table;\n"
		"all = every one" },
	[OPT_FROM] = { "from", 0, "TIME", "look from here on: 12.5s, 1:02.5, 50%, peak. What was\n"
		"allocated before is there all the same" },
	[OPT_TO] = { "to", 0, "TIME", "stop here" },
	[OPT_PROCESS] = { "process", 'p', "PID", "another process of the trace: a PID or #NUMBER" },
	[OPT_PAGES] = { "pages", 0, "SIZE", "page size of the machine that is imagined: 4K to 64K\n"
		"(default 4K)" },
	[OPT_CORES] = { "cores", 0, "N", "its cores (default 8)" },
	[OPT_NODES] = { "nodes", 0, "N", "its NUMA nodes (default 1)" },
	[OPT_ROWS] = { "rows", 'n', "N", "sites that pin memory; 0 = all (default 10, JSON 50)" },
	[OPT_NOPINNED] = { "no-pinned", 0, NULL, "do not ask which sites pin memory: half the time" },
	[OPT_NOSYMBOLS] = { "no-symbols", 0, NULL, "only the names that the trace holds" },
	[OPT_JSON] = { "json", 'j', NULL, "as JSON, schema mmprof.replay/1" },
	[OPT_BYTES] = { "bytes", 0, NULL, "exact bytes instead of KiB, MiB" },
	[OPT_WIDTH] = { "width", 0, "COLUMNS", "width of the text, 60 to 1000 (default: the\n"
		"terminal's, or 100)" },
	[OPT_QUIET] = { "quiet", 'q', NULL, "no progress line" },
};

static const struct mm_cli_command replay_command = {
	.verb = "replay",
	.usage = "[OPTION]... [TRACE]",
	.about = "Runs the allocations of a recording through the allocator engine and says how much\n"
		 "memory it would have taken, and what for. TRACE is trace.bin unless given.",
	.more = "Nothing is really allocated, and no clock is read: a heap of 100 GiB replays in a few\n"
		"megabytes, and the output is the same on every machine.\n"
		"\n"
		"Words:\n"
		"  committed  obtained from the system; the sum of all that follows\n"
		"  requested  what the program asked for and has not freed\n"
		"  internal   granted to live objects beyond that\n"
		"  cached     free blocks that threads have ready\n"
		"  external   free blocks between live objects\n"
		"  retained   pages kept to be used again\n"
		"\n"
		"Examples:\n"
		"  mmprof replay                        trace.bin under size classes\n"
		"  mmprof replay --compare all          every strategy in one table\n"
		"  mmprof replay --json | jq '.replays[0].at_peak'\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.trouble = MM_CLI_TROUBLE,
};

struct wish {
	const char *trace, *from, *to, *process;
	enum mm_strategy strategy[MM_STRATEGIES];
	size_t strategies;
	struct mm_replay_options replay;
	int json, bytes, quiet, width, no_pinned, no_symbols, rows_given;
	uint32_t rows;
};

/* --- options ------------------------------------------------------------------------------ */

static int add_strategy(struct mm_cli_parse *p, struct wish *q, const char *name)
{
	const char *names[MM_STRATEGIES + 1] = { NULL }, *near;
	enum mm_strategy s;

	if (!mm_strategy_of(name, &s)) {
		if (q->strategies < MM_STRATEGIES)
			q->strategy[q->strategies++] = s;
		return 0;
	}
	for (int i = 0; i < MM_STRATEGIES; i++)
		names[i] = mm_strategy_name((enum mm_strategy)i);
	near = mm_cli_suggest(name, names);
	if (near)
		return mm_cli_usage(p, "unknown strategy '%s'; did you mean '%s'?", name, near);
	return mm_cli_usage(p, "unknown strategy '%s'; '--compare all' shows every one", name);
}

static int take_list(struct mm_cli_parse *p, struct wish *q)
{
	char list[256], *at = list, *name;
	int status = 0;

	q->strategies = 0;
	if (strcmp(p->value, "all") == 0) {
		for (int i = 0; i < MM_STRATEGIES; i++)
			q->strategy[q->strategies++] = (enum mm_strategy)i;
		return 0;
	}
	if (strlen(p->value) >= sizeof list)
		return mm_cli_usage(p, "--compare: the list is too long");
	strcpy(list, p->value);
	while (!status && (name = strsep(&at, ",")) != NULL)
		status = add_strategy(p, q, name);
	return status;
}

static int take_number(struct mm_cli_parse *p, const char *option, uint32_t least, uint32_t most,
		       uint32_t *ret)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(p->value, &end, 10);
	if (errno || *end || end == p->value || p->value[0] == '-' || n < least || n > most)
		return mm_cli_usage(p, "--%s: '%s' is not a number from %u to %u", option, p->value,
				    least, most);
	*ret = (uint32_t)n;
	return 0;
}

static int take_pages(struct mm_cli_parse *p, struct wish *q)
{
	uint64_t bytes;

	if (mm_parse_size(p->value, &bytes) || bytes < 4096 || bytes > 65536 ||
	    bytes & (bytes - 1))
		return mm_cli_usage(p, "--pages: '%s' is none of 4K, 8K, 16K, 32K, 64K", p->value);
	q->replay.page_bytes = (uint32_t)bytes;
	return 0;
}

static int take_wish(struct mm_cli_parse *p, struct wish *q, enum option o)
{
	switch (o) {
	case OPT_STRATEGY: q->strategies = 0; return add_strategy(p, q, p->value);
	case OPT_COMPARE: return take_list(p, q);
	case OPT_FROM: q->from = p->value; break;
	case OPT_TO: q->to = p->value; break;
	case OPT_PROCESS: q->process = p->value; break;
	case OPT_PAGES: return take_pages(p, q);
	case OPT_CORES: return take_number(p, "cores", 1, 4096, &q->replay.cores);
	case OPT_NODES: return take_number(p, "nodes", 1, 64, &q->replay.nodes);
	case OPT_ROWS: q->rows_given = 1; return take_number(p, "rows", 0, 1000000, &q->rows);
	case OPT_NOPINNED: q->no_pinned = 1; break;
	case OPT_NOSYMBOLS: q->no_symbols = 1; break;
	case OPT_JSON: q->json = 1; break;
	case OPT_BYTES: q->bytes = 1; break;
	case OPT_WIDTH: return take_number(p, "width", 60, 1000, (uint32_t *)&q->width);
	case OPT_QUIET: q->quiet = 1; break;
	}
	return 0;
}

/* 0 to go on, else *ret is the exit status. */
static int parse_wish(struct mm_cli_parse *p, struct wish *q, int argc, char **argv, int *ret)
{
	int o;

	mm_cli_begin(p, &replay_command, argc, argv);
	while ((o = mm_cli_next(p)) >= 0)
		if ((*ret = take_wish(p, q, (enum option)o)) != 0)
			return 1;
	*ret = p->status;
	if (o == MM_CLI_STOP)
		return 1;
	if (argc - p->operand > 1) {
		*ret = mm_cli_usage(p, "more than one trace: '%s'", argv[p->operand + 1]);
		return 1;
	}
	q->trace = p->operand < argc ? argv[p->operand] : "trace.bin";
	q->replay.pinned_rows = q->rows_given ? q->rows : q->json ? 50 : 10;
	if (!q->strategies)
		q->strategy[q->strategies++] = MM_STRATEGY_SIZE_CLASS;
	return 0;
}

/* --- the work ------------------------------------------------------------------------------ */

static int moment_of(struct mm_reader *r, uint32_t process, const char *option, const char *text,
		     uint64_t *ret, struct mm_diag *diag)
{
	struct mm_moment m;

	if (!text)
		return MM_OK;
	if (mm_parse_time(text, &m) || m.kind == MM_MOMENT_MARK)
		return mm_fail(diag, MM_EINVAL, "--%s: '%s' is not a time; give 12.5s, 1:02.5, 50%% "
			       "or peak", option, text);
	switch (m.kind) {
	case MM_MOMENT_NS: *ret = m.ns; break;
	case MM_MOMENT_RATIO:
		*ret = (uint64_t)((unsigned __int128)mm_reader_info(r)->duration_ns * m.ppm /
				  1000000);
		break;
	default: *ret = mm_reader_totals(r, process)->peak_time + 1;
	}
	return MM_OK;
}

static void step(void *arg, uint64_t done, uint64_t total)
{
	mm_progress_step(arg, done, total);
}

static int replay_all(struct wish *q, struct mm_reader *r, struct mm_comparison *c,
		      struct mm_diag *diag)
{
	struct mm_progress progress;
	int err = MM_OK;

	q->replay.progress = step;
	q->replay.progress_arg = &progress;
	for (size_t i = 0; !err && i < q->strategies; i++) {
		q->replay.strategy = q->strategy[i];
		mm_progress_begin(&progress, mm_strategy_name(q->strategy[i]), q->quiet);
		err = mm_replay_run(r, &q->replay, &c->outcome[i], diag);
		mm_progress_end(&progress);
	}
	if (!err && q->replay.naming)
		err = mm_replay_recorded(r, &q->replay, &c->recorded, diag);
	return err;
}

static int show_all(const struct wish *q, const struct mm_comparison *c)
{
	setlocale(LC_CTYPE, "");
	struct mm_text_options text = {
		.width = q->width ? q->width : mm_term_columns(STDOUT_FILENO, 100),
		.colour = mm_term_colours(STDOUT_FILENO), .utf8 = mm_term_utf8(),
		.bytes = q->bytes };
	if (text.width < 60)
		text.width = 60;
	return q->json ? mm_replay_json(c, PACKAGE_VERSION, stdout)
		       : mm_replay_text(c, &text, stdout);
}

static int take_range(struct wish *q, struct mm_reader *r, struct mm_diag *diag)
{
	int err = mm_choose_process(r, q->process, &q->replay.process, diag);

	q->replay.to_ns = MM_UNKNOWN;
	if (!err)
		err = moment_of(r, q->replay.process, "from", q->from, &q->replay.from_ns, diag);
	if (!err)
		err = moment_of(r, q->replay.process, "to", q->to, &q->replay.to_ns, diag);
	if (!err && q->replay.from_ns >= q->replay.to_ns)
		err = mm_fail(diag, MM_EINVAL, "--from %s is not before --to %s",
			      q->from ? q->from : "0s", q->to ? q->to : "the end");
	return err;
}

/* What names are made with, and where they are kept. */
struct names {
	struct mm_symbols *symbols;
	struct mm_report_store *store;
	struct mm_naming *naming;
};

static int begin_names(struct names *n, struct wish *q, struct mm_reader *r)
{
	struct mm_symbol_options how = { .debuginfod = 1 };
	int err = q->no_symbols ? MM_OK : mm_symbols_create(&n->symbols, &how);

	if (!err && !(n->store = mm_report_store_create()))
		err = MM_ENOMEM;
	if (!err)
		err = mm_naming_create(&n->naming, r, n->symbols, n->store, NULL);
	q->replay.naming = n->naming;
	q->replay.store = n->store;
	return err;
}

static void end_names(struct names *n)
{
	if (n->naming)
		mm_naming_destroy(n->naming);
	if (n->symbols)
		mm_symbols_destroy(n->symbols);
	mm_report_store_free(n->store);
}

static int work_on(struct wish *q, struct mm_reader *r, struct mm_outcome *out,
		   struct mm_diag *diag)
{
	struct mm_comparison c = { .trace = q->trace, .outcome = out, .count = q->strategies };
	struct names names = { 0 };
	int err = take_range(q, r, diag);

	if (!err && !q->no_pinned)
		err = begin_names(&names, q, r);
	if (!err)
		err = replay_all(q, r, &c, diag);
	if (!err) {
		const struct mm_process *p = mm_reader_process(r, q->replay.process);
		c.cmd = p->cmd;
		c.pid = p->pid;
		c.from_ns = q->replay.from_ns;
		c.to_ns = q->replay.to_ns;
		if (show_all(q, &c))
			err = mm_fail_errno(diag, "standard output");
	}
	for (size_t i = 0; !err && i < q->strategies; i++)
		if (out[i].check_rule)
			err = mm_fail(diag, MM_ECORRUPT, "%s: the engine's own check failed (rule %llu): "
				      "please report this with the trace", out[i].strategy,
				      (unsigned long long)out[i].check_rule);
	end_names(&names);
	return err;
}

static int run_wish(struct wish *q, struct mm_diag *diag)
{
	struct mm_outcome *out = calloc(q->strategies, sizeof *out);
	struct mm_reader *r = NULL;
	int err = out ? mm_reader_open(&r, q->trace, diag) : MM_ENOMEM;

	if (!err)
		err = work_on(q, r, out, diag);
	if (r)
		mm_reader_close(r);
	free(out);
	return err;
}

int mm_cmd_replay(int argc, char **argv)
{
	struct wish q = { 0 };
	struct mm_cli_parse p;
	struct mm_diag diag = { "" };
	int status;

	if (parse_wish(&p, &q, argc, argv, &status))
		return status;
	int err = run_wish(&q, &diag);
	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
}
