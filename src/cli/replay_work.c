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
#include "cli/cli.h"
#include "cli/replay_setup.h"
#include "model/trace_notes.h"
#include "replay/contest.h"
#include "view/contest_view.h"
#include "view/replay_json.h"
#include "view/replay_text.h"

/* --- the work ------------------------------------------------------------------------------ */

static int find_mark(struct mm_reader *r, uint32_t process, const char *option, const char *mark,
		     uint64_t *ret, struct mm_diag *diag)
{
	struct mm_report_store *store = mm_report_store_create();
	struct mm_notes notes = { 0 };
	int err = store ? mm_notes_read(&notes, r, process, store) : MM_ENOMEM;
	uint64_t time = err ? MM_UNKNOWN : mm_notes_mark(&notes, mark);

	mm_notes_deinit(&notes);
	mm_report_store_free(store);
	if (err)
		return err;
	if (time == MM_UNKNOWN)
		return mm_fail(diag, MM_ENOENT, "--%s: the trace has no mark '%s'", option, mark);
	*ret = time;
	return MM_OK;
}

static int moment_of(struct mm_reader *r, uint32_t process, const char *option, const char *text,
		     uint64_t *ret, struct mm_diag *diag)
{
	struct mm_moment m;

	if (!text)
		return MM_OK;
	if (mm_parse_time(text, &m))
		return mm_fail(diag, MM_EINVAL, "--%s: '%s' is not a time; give 12.5s, 1:02.5, 50%%, "
			       "peak or mark:NAME", option, text);
	switch (m.kind) {
	case MM_MOMENT_NS: *ret = m.ns; break;
	case MM_MOMENT_MARK: return find_mark(r, process, option, m.mark, ret, diag);
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

static int replay_one(struct mm_replay_wish *q, struct mm_reader *r, const char *name,
		      struct mm_outcome *ret, struct mm_diag *diag)
{
	struct mm_progress progress;
	int err;

	q->replay.progress = step;
	q->replay.progress_arg = &progress;
	mm_progress_begin(&progress, name, q->quiet);
	err = mm_replay_run(r, &q->replay, ret, diag);
	mm_progress_end(&progress);
	return err;
}

/* The name of a configuration: its file's. */
static const char *conf_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int replay_configured(struct mm_replay_wish *q, struct mm_reader *r,
			     const struct mm_replay_setup *s, struct mm_outcome *ret,
			     struct mm_diag *diag)
{
	q->replay.router = &s->routed;
	q->replay.name = conf_name(s->conf->path);
	q->replay.strategy = s->conf->strategy;
	return replay_one(q, r, q->replay.name, ret, diag);
}

static int replay_all(struct mm_replay_wish *q, struct mm_reader *r,
		      const struct mm_replay_setup *s, struct mm_comparison *c,
		      struct mm_diag *diag)
{
	int err = MM_OK;

	q->replay.router = s->has_plain ? &s->plain : NULL;
	for (size_t i = 0; !err && i < q->names; i++)
		if (!(err = mm_strategy_of(q->name[i], &q->replay.strategy)))
			err = replay_one(q, r, q->name[i], &c->outcome[i], diag);
	if (!err && s->conf)
		err = replay_configured(q, r, s, &c->outcome[q->names], diag);
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

static int from_the_end(const struct mm_replay_wish *q, const struct mm_reader *r,
			struct mm_diag *diag)
{
	char end[MM_UNITS_TEXT];

	mm_format_time(end, mm_reader_info(r)->duration_ns);
	return mm_fail(diag, MM_EINVAL, "--from %s: the recording ends at %s", q->from, end);
}

static int take_range(struct mm_replay_wish *q, struct mm_reader *r, struct mm_diag *diag)
{
	int err = mm_choose_process(r, q->process, &q->replay.process, diag);

	q->replay.to_ns = MM_UNKNOWN;
	if (!err)
		err = moment_of(r, q->replay.process, "from", q->from, &q->replay.from_ns, diag);
	if (!err)
		err = moment_of(r, q->replay.process, "to", q->to, &q->replay.to_ns, diag);
	if (!err && !q->from && q->replay.to_ns == 0)
		err = mm_fail(diag, MM_EINVAL, "--to %s: there is nothing before it", q->to);
	if (!err && q->replay.from_ns >= q->replay.to_ns)
		err = mm_fail(diag, MM_EINVAL, "--from %s is not before --to %s",
			      q->from ? q->from : "0s", q->to ? q->to : "the end");
	if (!err && q->replay.from_ns > mm_reader_info(r)->duration_ns)
		err = from_the_end(q, r, diag);
	return err;
}

static int check_engine(const struct mm_comparison *c, struct mm_diag *diag)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->outcome[i].check_rule)
			return mm_fail(diag, MM_ECORRUPT, "%s: the engine's own check failed (rule "
				       "%llu): please report this with the trace",
				       c->outcome[i].name,
				       (unsigned long long)c->outcome[i].check_rule);
	return MM_OK;
}

static void warn_line(const char *text)
{
	mm_cli_warn("%s", text);
}

static int replay_and_show(struct mm_replay_wish *q, struct mm_reader *r,
			   const struct mm_replay_setup *s, struct mm_comparison *c,
			   struct mm_diag *diag)
{
	const struct mm_process *p = mm_reader_process(r, q->replay.process);
	int err;

	q->replay.store = s->store;
	q->replay.naming = q->no_pinned ? NULL : s->naming;
	if ((err = replay_all(q, r, s, c, diag)))
		return err;
	c->cmd = p->cmd;
	c->pid = p->pid;
	c->from_ns = q->replay.from_ns;
	c->to_ns = q->replay.to_ns;
	if (show_all(q, c))
		return mm_fail_errno(diag, "standard output");
	if (s->conf)
		mm_replay_setup_idle(s, &c->outcome[c->count - 1], warn_line);
	return check_engine(c, diag);
}

static int work_on(struct mm_replay_wish *q, struct mm_reader *r,
		   const struct mm_replay_conf *conf, struct mm_outcome *out, struct mm_diag *diag)
{
	struct mm_comparison c = { .trace = q->trace, .outcome = out,
				   .count = q->names + (conf != NULL) };
	struct mm_replay_setup s = { 0 };
	int err = take_range(q, r, diag);

	if (!err)
		err = mm_replay_setup_begin(&s, r, q->replay.process, conf,
					    !q->no_symbols && (conf || !q->no_pinned), diag);
	if (!err)
		err = replay_and_show(q, r, &s, &c, diag);
	mm_replay_setup_end(&s);
	return err;
}

/* What the command line says wins over the configuration. */
static int read_config(struct mm_replay_wish *q, struct mm_replay_conf **ret, struct mm_diag *diag)
{
	int err = q->config ? mm_replay_conf_load(ret, q->config, diag) : MM_OK;

	if (err || !q->config)
		return err;
	if (q->strategy_given && !q->compared) {
		(*ret)->has_strategy = 1;
		mm_strategy_of(q->name[0], &(*ret)->strategy);
	}
	if (!q->strategy_given && !q->compared && (*ret)->has_strategy)
		q->name[0] = mm_strategy_name((*ret)->strategy);
	if (!q->check_given && (*ret)->has_check)
		q->replay.check = (*ret)->check;
	return MM_OK;
}

static int simulate(struct mm_replay_wish *q, struct mm_reader *r, struct mm_diag *diag)
{
	struct mm_outcome *out = calloc(q->names + 1, sizeof *out);
	struct mm_replay_conf *conf = NULL;
	int err = out ? read_config(q, &conf, diag) : MM_ENOMEM;

	if (!err)
		err = work_on(q, r, conf, out, diag);
	mm_replay_conf_free(conf);
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
