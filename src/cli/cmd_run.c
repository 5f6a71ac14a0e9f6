/* cmd_run.c: `mmprof run`: a command with the engine as its malloc. */
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/heap.h"
#include "base/install.h"
#include "cli/cli.h"
#include "cli/record_run.h"
#include "collect/launch.h"
#include "collect/program.h"
#include "manager/run_front.h"
#include "replay/replay_conf.h"
#include "replay/words.h"
#include "tui/tty.h"

enum run_option { OPT_STRATEGY, OPT_CHECK, OPT_STATS, OPT_CONFIG, OPT_TRACE, OPT_TOP };

static const struct mm_cli_option run_options[] = {
	[OPT_STRATEGY] = { "strategy", 's', "S", "how blocks are placed: size-class (default),\n"
		"first-fit, best-fit or numa-aware (size classes with memory\n"
		"of each node's own)" },
	[OPT_CHECK] = { "check", 0, "LEVEL", "on = double and invalid frees, and writes behind a block;\n"
		"sampled = guard page and quarantine for one block in 20,000;\n"
		"full = for every block; off (default). What is caught ends\n"
		"the program with a line. size-class only" },
	[OPT_STATS] = { "stats", 0, NULL, "say on standard error where the memory is when COMMAND\n"
		"ends; costs 2 bytes a block" },
	[OPT_CONFIG] = { "config", 'c', "FILE", "strategy and check from FILE, where no option says\n"
		"otherwise; categories, sites and pools are for mmprof replay" },
	[OPT_TRACE] = { "trace", 't', "FILE", "record to FILE meanwhile, as mmprof record does, with the\n"
		"engine's own slabs: mmprof report says how much of them is free" },
	[OPT_TOP] = { "top", 0, NULL, "with --trace: show it on the full screen (mmtop) meanwhile" },
};

static const struct mm_cli_command run_command = {
	.verb = "run",
	.usage = "[OPTION]... [--] COMMAND [ARGUMENT]...",
	.about = "Runs COMMAND with mmprof's allocator engine as its malloc, and its children too.",
	.more = "The exit status is COMMAND's; 125 when mmprof itself fails, 126 when COMMAND cannot be\n"
		"executed, 127 when it is not found.\n"
		"\n"
		"Examples:\n"
		"  mmprof run ./app\n"
		"  mmprof run --stats --strategy best-fit ./app\n"
		"  mmprof run --check full ./app\n"
		"  mmprof run -c memory.conf ./app\n"
		"  mmprof run --trace trace.bin ./app\n",
	.options = run_options,
	.option_count = sizeof run_options / sizeof *run_options,
	.trouble = MM_CLI_RECORD_FAILED,
	.stop_at_operand = 1,
};

struct run_wish {
	enum mm_strategy strategy;
	enum mm_check check;
	int stats, has_strategy, has_check, top;
	const char *config, *trace;
	char **argv;
};

/* 0, or the exit status. */
static int take_run_option(struct mm_cli_parse *p, struct run_wish *q, enum run_option o)
{
	char text[MM_WORDS_TEXT];

	switch (o) {
	case OPT_STATS: q->stats = 1; break;
	case OPT_CONFIG: q->config = p->value; break;
	case OPT_TRACE: q->trace = p->value; break;
	case OPT_TOP: q->top = 1; break;
	case OPT_CHECK:
		q->has_check = 1;
		if (mm_check_of(p->value, &q->check))
			return mm_cli_usage(p, "--check: %s", mm_words_no_check(text, p->value));
		break;
	case OPT_STRATEGY:
		q->has_strategy = 1;
		if (mm_strategy_of(p->value, &q->strategy))
			return mm_cli_usage(p, "%s", mm_words_no_strategy(text, p->value));
		break;
	}
	return 0;
}

/* What the options do not say. */
static int take_run_config(struct run_wish *q)
{
	struct mm_replay_conf *conf;
	struct mm_diag diag = { "" };
	int err = mm_replay_conf_load(&conf, q->config, &diag);

	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_RECORD_FAILED;
	}
	if (conf->has_strategy && !q->has_strategy)
		q->strategy = conf->strategy;
	if (conf->has_check && !q->has_check)
		q->check = conf->check;
	if (conf->rule_count || conf->dest_count > 1)
		mm_cli_warn("%s: categories, sites and pools are for mmprof replay: left out",
			    q->config);
	mm_replay_conf_free(conf);
	return 0;
}

/* 0 to go on, else *ret is the exit status. */
static int parse_run(struct mm_cli_parse *p, struct run_wish *q, int argc, char **argv, int *ret)
{
	int o;

	mm_cli_begin(p, &run_command, argc, argv);
	while ((o = mm_cli_next(p)) >= 0)
		if ((*ret = take_run_option(p, q, (enum run_option)o)) != 0)
			return 1;
	*ret = p->status;
	if (o == MM_CLI_STOP)
		return 1;
	if (p->operand >= argc) {
		*ret = mm_cli_usage(p, "no command to run");
		return 1;
	}
	q->argv = argv + p->operand;
	if (q->top && !q->trace) {
		*ret = mm_cli_usage(p, "--top shows a recording: it needs --trace");
		return 1;
	}
	if (q->top && !mm_tty_usable(1)) {
		*ret = mm_cli_usage(p, "--top needs a terminal that can be drawn on");
		return 1;
	}
	if (q->config && (*ret = take_run_config(q)) != 0)
		return 1;
	if (!q->check || q->strategy == MM_STRATEGY_SIZE_CLASS)
		return 0;
	*ret = mm_cli_usage(p, "--check is for --strategy size-class, not for %s",
			    mm_strategy_name(q->strategy));
	return 1;
}

static int exec_trouble(int err)
{
	return err == MM_ENOENT ? MM_CLI_RECORD_NOTFOUND
		: err == MM_EPERM ? MM_CLI_RECORD_CANNOT : MM_CLI_RECORD_FAILED;
}

/* NUMA nodes of this machine. */
static int nodes_here(void)
{
	return numa_available() < 0 ? 1 : numa_max_node() + 1;
}

/* What the engine is to be. The teller is the process that says this. */
static void set_variable(void *ctx)
{
	const struct run_wish *q = ctx;
	char text[48];

	snprintf(text, sizeof text, "1 %u %u %d %d", (unsigned)q->strategy % 10,
		 (unsigned)q->check % 10, q->stats ? (int)getpid() : 0, nodes_here());
	setenv(MM_RUN_ENV, text, 1);
}

/* The exit status. */
static int run_recorded(struct run_wish *q)
{
	struct mm_record_run r = { .argv = q->argv, .output = q->trace, .source = "run", .top = q->top,
		.in_child = set_variable, .in_child_ctx = q };
	struct mm_diag diag = { "" };
	char *library = NULL;
	int status = MM_CLI_RECORD_FAILED;
	int err = mm_install_library(&library, MM_LIBRARY_RUN, &diag);

	if (err) {
		mm_cli_fail(&diag, err);
	} else {
		r.behind = library;
		status = mm_record_run(&r);
	}
	free(library);
	return status;
}

static int become(struct run_wish *q, int *ret_status, struct mm_diag *diag)
{
	char *program = NULL, *preload = NULL;
	int err = mm_launch_find(&program, q->argv[0], diag);

	*ret_status = exec_trouble(err);
	if (err)
		return err;
	*ret_status = MM_CLI_RECORD_FAILED;
	err = mm_program_check(program, diag);
	if (!err)
		err = mm_install_library(&preload, MM_LIBRARY_RUN, diag);
	if (!err) {
		struct mm_launch l = { .path = program, .argv = q->argv, .preload = preload };
		set_variable(q); /* the command has our number */
		err = mm_launch_become(&l, diag);
		*ret_status = exec_trouble(err);
	}
	free(preload);
	free(program);
	return err;
}

int mm_cmd_run(int argc, char **argv)
{
	struct run_wish q = { .strategy = MM_STRATEGY_SIZE_CLASS };
	struct mm_cli_parse p;
	struct mm_diag diag = { "" };
	int status;

	if (parse_run(&p, &q, argc, argv, &status))
		return status;
	if (q.trace)
		return run_recorded(&q);
	int err = become(&q, &status, &diag);
	mm_cli_fail(&diag, err);
	return status;
}
