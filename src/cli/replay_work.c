/* replay_work.c: names, replays and what is shown of them (replay_work.h). */
#include "cli/replay_work.h"

#include "config.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/term.h"
#include "base/units.h"
#include "model/choose.h"
#include "model/naming.h"
#include "model/report_store.h"
#include "replay/contest.h"
#include "symbol/symbol.h"
#include "view/contest_view.h"
#include "view/replay_json.h"
#include "view/replay_text.h"

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

static int replay_all(struct mm_replay_wish *q, struct mm_reader *r, struct mm_comparison *c,
		      struct mm_diag *diag)
{
	struct mm_progress progress;
	int err = MM_OK;

	q->replay.progress = step;
	q->replay.progress_arg = &progress;
	for (size_t i = 0; !err && i < q->names; i++) {
		if ((err = mm_strategy_of(q->name[i], &q->replay.strategy)))
			break;
		mm_progress_begin(&progress, q->name[i], q->quiet);
		err = mm_replay_run(r, &q->replay, &c->outcome[i], diag);
		mm_progress_end(&progress);
	}
	if (!err && q->replay.naming)
		err = mm_replay_recorded(r, &q->replay, &c->recorded, diag);
	return err;
}

static struct mm_text_options text_options(const struct mm_replay_wish *q)
{
	setlocale(LC_CTYPE, "");
	struct mm_text_options text = {
		.width = q->width ? q->width : mm_term_columns(STDOUT_FILENO, 100),
		.colour = mm_term_colours(STDOUT_FILENO), .utf8 = mm_term_utf8(),
		.bytes = q->bytes };
	if (text.width < 60)
		text.width = 60;
	return text;
}

static int show_all(const struct mm_replay_wish *q, const struct mm_comparison *c)
{
	struct mm_text_options text = text_options(q);

	return q->json ? mm_replay_json(c, PACKAGE_VERSION, stdout)
		       : mm_replay_text(c, &text, stdout);
}

static int take_range(struct mm_replay_wish *q, struct mm_reader *r, struct mm_diag *diag)
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

static int begin_names(struct names *n, struct mm_replay_wish *q, struct mm_reader *r)
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

static int work_on(struct mm_replay_wish *q, struct mm_reader *r, struct mm_outcome *out,
		   struct mm_diag *diag)
{
	struct mm_comparison c = { .trace = q->trace, .outcome = out, .count = q->names };
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
	for (size_t i = 0; !err && i < q->names; i++)
		if (out[i].check_rule)
			err = mm_fail(diag, MM_ECORRUPT, "%s: the engine's own check failed (rule %llu): "
				      "please report this with the trace", out[i].strategy,
				      (unsigned long long)out[i].check_rule);
	end_names(&names);
	return err;
}

static int simulate(struct mm_replay_wish *q, struct mm_reader *r, struct mm_diag *diag)
{
	struct mm_outcome *out = calloc(q->names, sizeof *out);
	int err = out ? work_on(q, r, out, diag) : MM_ENOMEM;

	free(out);
	return err;
}

/* --- real ---------------------------------------------------------------------------------- */

static int execute(struct mm_replay_wish *q, struct mm_reader *r, struct mm_diag *diag)
{
	struct mm_progress progress;
	struct mm_contest_options o = { .trace = q->trace, .rounds = q->rounds,
		.keep_threads = q->keep_threads, .touch_all = q->touch_all, .progress = step,
		.progress_arg = &progress };
	struct mm_contestant all[MM_REPLAY_NAMES] = { { 0 } };
	struct mm_contest c = { .trace = q->trace, .contestant = all, .count = q->names };
	struct mm_text_options text = text_options(q);
	int err = mm_choose_process(r, q->process, &o.process, diag);

	if (err)
		return err;
	if (strcmp(q->trace, "-") == 0)
		return mm_fail(diag, MM_EINVAL, "--real reads the trace several times: give a file");
	for (size_t i = 0; i < q->names; i++)
		all[i].name = q->name[i];
	c.cmd = mm_reader_process(r, o.process)->cmd;
	c.pid = mm_reader_process(r, o.process)->pid;
	mm_progress_begin(&progress, "executing", q->quiet);
	err = mm_contest_run(&o, &c, diag);
	mm_progress_end(&progress);
	if (!err && (q->json ? mm_contest_json(&c, PACKAGE_VERSION, stdout)
			     : mm_contest_text(&c, &text, stdout)))
		err = mm_fail_errno(diag, "standard output");
	return err;
}

int mm_replay_work(struct mm_replay_wish *q, struct mm_diag *diag)
{
	struct mm_reader *r = NULL;
	int err = mm_reader_open(&r, q->trace, diag);

	if (!err)
		err = q->real ? execute(q, r, diag) : simulate(q, r, diag);
	if (r)
		mm_reader_close(r);
	return err;
}
