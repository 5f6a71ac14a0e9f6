/* cmd_replay.c: `mmprof replay`: options, a trace, an account of the engine under it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/replay_work.h"
#include "replay/contest.h"
#include "replay/words.h"

enum option { OPT_STRATEGY, OPT_COMPARE, OPT_CONFIG, OPT_CHECK, OPT_SEED, OPT_FROM, OPT_TO, OPT_PROCESS, OPT_PAGES, OPT_CORES,
	OPT_NODES, OPT_REAL, OPT_THREADS,
	OPT_TOUCH, OPT_ROUNDS, OPT_ROWS, OPT_MAP, OPT_NOPINNED, OPT_NOSYMBOLS, OPT_JSON, OPT_BYTES, OPT_WIDTH, OPT_QUIET };

static const struct mm_cli_option options[] = {
	[OPT_STRATEGY] = { "strategy", 's', "S", "how the engine places blocks: size-class (default), first-fit,\n"
		"best-fit or numa-aware" },
	[OPT_COMPARE] = { "compare", 0, "LIST", "these strategies, separated by commas, in one table:\n"
		"size-class, first-fit, best-fit, numa-aware; all = every one" },
	[OPT_CONFIG] = { "config", 'c', "FILE", "what if: categories and sites to pools, strategies and\n"
		"budgets of their own, beside the same without FILE" },
	[OPT_CHECK] = { "check", 0, "LEVEL", "what checking costs in memory: on, sampled or full, as with\n"
		"mmprof run; off (default). Heaps by size-class only" },
	[OPT_SEED] = { "seed", 0, "N", "of what is drawn by chance: --check sampled (default 0)" },
	[OPT_FROM] = { "from", 0, "TIME", "look from here on: 12.5s, 1:02.5, 50%, peak, mark:NAME.\n"
		"What was allocated before is there all the same" },
	[OPT_TO] = { "to", 0, "TIME", "stop here" },
	[OPT_PROCESS] = { "process", 'p', "PID", "another process of the trace: a PID or #NUMBER" },
	[OPT_PAGES] = { "pages", 0, "SIZE", "page size of the machine that is imagined: 4K to 64K\n"
		"(default 4K)" },
	[OPT_CORES] = { "cores", 0, "N", "its cores (default 8)" },
	[OPT_NODES] = { "nodes", 0, "N", "its NUMA nodes (default 1)" },
	[OPT_REAL] = { "real", 0, NULL, "execute the recording against memory, each allocator in a\n"
		"process of its own, and measure time and memory; then LIST may\n"
		"also hold glibc, none (the harness alone) and shared libraries\n"
		"such as libjemalloc.so.2" },
	[OPT_THREADS] = { "threads", 0, "HOW", "--real: one = all on one thread, in the order of the\n"
		"recording (default); keep = one for each that was recorded" },
	[OPT_TOUCH] = { "touch", 0, "WHAT", "--real: pages = write a byte of each page of a block\n"
		"(default); all = every byte" },
	[OPT_ROUNDS] = { "rounds", 0, "N", "--real: times each is run, in turn (default 3)" },
	[OPT_ROWS] = { "rows", 'n', "N", "sites that pin memory; 0 = all (default 10, JSON 50)" },
	[OPT_MAP] = { "map", 0, NULL, "a map of the heap at the end, or at --to: its slabs by size of\n"
		"block, and how full each is; with --json a list of them" },
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
	.more = "Without --real nothing is really allocated, and no clock is read: a heap of 100 GiB replays in a few\n"
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
		"What if (-c; the man page has all of it):\n"
		"  strategy = best-fit                          of all that goes nowhere else\n"
		"  pool nodes { size = 24 }                     or [ 24, 32 ]; object = any size\n"
		"  category svo_nodes { match = [ \"svo::*\" ]; budget = 256M; pool = nodes }\n"
		"  site \"*octree_alloc*\" { strategy = first-fit }   before categories\n"
		"\n"
		"Examples:\n"
		"  mmprof replay                        trace.bin under size classes\n"
		"  mmprof replay --compare all          every strategy in one table\n"
		"  mmprof replay -c what.conf           the same with and without what.conf\n"
		"  mmprof replay --real --compare none,size-class,glibc,libjemalloc.so.2\n"
		"  mmprof replay --json | jq '.replays[0].at_peak'\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.trouble = MM_CLI_TROUBLE,
};

/* --- options ------------------------------------------------------------------------------ */

static int add_name(struct mm_cli_parse *p, struct mm_replay_wish *q, const char *name)
{
	if (q->names == MM_REPLAY_NAMES)
		return mm_cli_usage(p, "--compare: more than %d names", MM_REPLAY_NAMES);
	q->name[q->names++] = name;
	return 0;
}

static int add_every(struct mm_cli_parse *p, struct mm_replay_wish *q)
{
	int status = 0;

	for (int i = 0; !status && i < MM_STRATEGIES; i++)
		status = add_name(p, q, mm_strategy_name((enum mm_strategy)i));
	return status;
}

/* The list is cut up where it stands, in argv. */
static int take_list(struct mm_cli_parse *p, struct mm_replay_wish *q)
{
	char *at = (char *)(uintptr_t)p->value, *name;
	int status = 0;

	q->names = 0;
	while (!status && (name = strsep(&at, ",")) != NULL)
		status = strcmp(name, "all") ? add_name(p, q, name) : add_every(p, q);
	return status;
}

static int unknown_name(struct mm_cli_parse *p, const struct mm_replay_wish *q, const char *name)
{
	char text[MM_WORDS_TEXT];

	if (!*name && q->compared)
		return mm_cli_usage(p, "--compare: a name is missing: write a,b,c or all");
	if (!q->real && mm_contest_knows(name))
		return mm_cli_usage(p, "'%s' is no strategy of the engine: --real executes the "
				    "recording with any allocator", name);
	return mm_cli_usage(p, "%s", q->real ? mm_words_no_allocator(text, name)
					     : mm_words_no_strategy(text, name));
}

static int check_names(struct mm_cli_parse *p, struct mm_replay_wish *q)
{
	enum mm_strategy s;
	int status = 0;

	if (!q->names)
		q->name[q->names++] = mm_strategy_name(MM_STRATEGY_SIZE_CLASS);
	for (size_t i = 0; !status && i < q->names; i++)
		if (mm_strategy_of(q->name[i], &s) && !(q->real && mm_contest_knows(q->name[i])))
			status = unknown_name(p, q, q->name[i]);
	if (!status && !q->real && q->real_only)
		status = mm_cli_usage(p, "--threads, --touch and --rounds are for --real");
	if (!status && q->real && (q->from || q->to))
		status = mm_cli_usage(p, "--from and --to are not for --real: it executes the whole run");
	if (!status && q->replay.check && !q->compared && !q->config &&
	    strcmp(q->name[0], mm_strategy_name(MM_STRATEGY_SIZE_CLASS)))
		status = mm_cli_usage(p, "--check is for --strategy size-class, not for %s",
				      q->name[0]);
	if (!status && q->real && (q->config || q->check_given || q->seed_given || q->replay.map))
		status = mm_cli_usage(p, "--config, --check, --seed and --map are not for --real");
	return status;
}

static int take_word(struct mm_cli_parse *p, const char *option, const char *off, const char *on,
		     int *ret)
{
	if (strcmp(p->value, on) && strcmp(p->value, off))
		return mm_cli_usage(p, "--%s: '%s' is neither %s nor %s", option, p->value, off, on);
	*ret = strcmp(p->value, on) == 0;
	return 0;
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

static int take_seed(struct mm_cli_parse *p, uint64_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(p->value, &end, 10);
	if (errno || *end || end == p->value || p->value[0] == '-')
		return mm_cli_usage(p, "--seed: '%s' is not a number below 2^64", p->value);
	*ret = n;
	return 0;
}

static int take_pages(struct mm_cli_parse *p, struct mm_replay_wish *q)
{
	uint64_t bytes;

	if (mm_parse_size(p->value, &bytes) || bytes < 4096 || bytes > 65536 ||
	    bytes & (bytes - 1))
		return mm_cli_usage(p, "--pages: '%s' is none of 4K, 8K, 16K, 32K, 64K", p->value);
	q->replay.page_bytes = (uint32_t)bytes;
	return 0;
}

static int take_wish(struct mm_cli_parse *p, struct mm_replay_wish *q, enum option o)
{
	char text[MM_WORDS_TEXT];

	switch (o) {
	case OPT_STRATEGY:
		q->names = q->compared = 0;
		q->strategy_given = 1;
		return add_name(p, q, p->value);
	case OPT_COMPARE:
		q->compared = 1;
		return take_list(p, q);
	case OPT_CONFIG: q->config = p->value; break;
	case OPT_CHECK:
		q->check_given = 1;
		return mm_check_of(p->value, &q->replay.check)
			? mm_cli_usage(p, "--check: %s", mm_words_no_check(text, p->value))
			: 0;
	case OPT_SEED: q->seed_given = 1; return take_seed(p, &q->replay.seed);
	case OPT_FROM: q->from = p->value; break;
	case OPT_TO: q->to = p->value; break;
	case OPT_PROCESS: q->process = p->value; break;
	case OPT_PAGES: return take_pages(p, q);
	case OPT_CORES: return take_number(p, "cores", 1, 4096, &q->replay.cores);
	case OPT_NODES: return take_number(p, "nodes", 1, 64, &q->replay.nodes);
	case OPT_REAL: q->real = 1; break;
	case OPT_THREADS: q->real_only = 1; return take_word(p, "threads", "one", "keep", &q->keep_threads);
	case OPT_TOUCH: q->real_only = 1; return take_word(p, "touch", "pages", "all", &q->touch_all);
	case OPT_ROUNDS: q->real_only = 1; return take_number(p, "rounds", 1, 99, &q->rounds);
	case OPT_ROWS: q->rows_given = 1; return take_number(p, "rows", 0, 1000000, &q->rows);
	case OPT_MAP: q->replay.map = 1; break;
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
static int parse_wish(struct mm_cli_parse *p, struct mm_replay_wish *q, int argc, char **argv, int *ret)
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
	*ret = check_names(p, q);
	return *ret != 0;
}

int mm_cmd_replay(int argc, char **argv)
{
	struct mm_replay_wish q = { 0 };
	struct mm_cli_parse p;
	struct mm_diag diag = { "" };
	int status;

	if ((status = mm_contest_child()) >= 0)
		return status;
	if (parse_wish(&p, &q, argc, argv, &status))
		return status;
	int err = mm_replay_work(&q, &diag);
	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	return mm_cli_flush(MM_CLI_OK, MM_CLI_TROUBLE);
}
