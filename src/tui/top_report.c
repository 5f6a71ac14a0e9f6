/* top_report.c: what mmtop asks of its source, and what comes of it (top.h).
 *
 * Vocabulary: stale = there may be another answer to the question by now; span = the report of
 * the time that the timeline shows, where that is not the range.
 */
#include <string.h>

#include "core/error.h"
#include "tui/top_parts.h"

struct mm_question mm_top_question(const struct mm_top *t)
{
	struct mm_question q = { .from_ns = t->from, .to_ns = t->to, .metric = t->metric,
		.all = t->options.all };
	const struct mm_pane *p = mm_pane_of(t->screen);

	memcpy(q.process, t->process, sizeof q.process);
	if (p->ask)
		p->ask(t, &q);
	return q;
}

static struct mm_question span_question(const struct mm_top *t)
{
	struct mm_question q = { .from_ns = t->timeline.shown_from, .to_ns = t->timeline.shown_to,
		.metric = t->metric };

	memcpy(q.process, t->process, sizeof q.process);
	return q;
}

void mm_top_ask_again(struct mm_top *t)
{
	struct mm_question q = mm_top_question(t);

	struct mm_question span = span_question(t);

	t->stale |= !t->report || !mm_question_same(&q, &t->asked);
	t->span_stale |= t->screen == MM_SCREEN_TIMELINE && !mm_question_same(&span, &t->span_asked);
}

const struct mm_report *mm_top_span(const struct mm_top *t)
{
	return t->span ? t->span : t->report;
}

static void drop_span(struct mm_top *t)
{
	mm_report_free(t->span);
	t->span = NULL;
}

/* The timeline shows more time than the range, or less. */
static int update_span(struct mm_top *t, struct mm_diag *diag)
{
	struct mm_question q = span_question(t);
	struct mm_report *r;

	t->span_stale = 0;
	if (t->screen != MM_SCREEN_TIMELINE ||
	    (q.from_ns == t->asked.from_ns && q.to_ns == t->asked.to_ns)) {
		drop_span(t);
		t->span_asked = q;
		return MM_OK;
	}
	int err = t->source->report(t->source->ctx, &q, &r, diag);
	if (err == MM_EAGAIN) {
		t->span_stale = 1;
		return MM_OK;
	}
	drop_span(t);
	if (!err)
		t->span = r;
	t->span_asked = q;
	return err;
}

static void take_report(struct mm_top *t, struct mm_report *r, const struct mm_question *q)
{
	if (t->report != t->mark)
		mm_report_free(t->report);
	t->report = r;
	t->asked = *q;
}

/* The question as it was when there was an answer: what cannot be answered is not asked on. */
static void go_back(struct mm_top *t)
{
	t->from = t->asked.from_ns;
	t->to = t->asked.to_ns;
	t->metric = t->asked.metric;
	memcpy(t->process, t->asked.process, sizeof t->process);
}

/* Not of what comes by itself. */
int mm_top_waits(const struct mm_top *t)
{
	struct mm_question q = mm_top_question(t), span = span_question(t);

	return t->report && ((t->stale && !mm_question_same(&q, &t->asked)) ||
			     (t->span_stale && !mm_question_same(&span, &t->span_asked)));
}

static int refresh_span(struct mm_top *t)
{
	struct mm_diag why = { "" };
	int err = t->span_stale && t->report ? update_span(t, &why) : MM_OK;

	if (err)
		mm_top_say(t, MM_STYLE_BAD, "%s", mm_diag_text(&why, err));
	return err == MM_ENOMEM ? err : MM_OK;
}

int mm_top_update(struct mm_top *t, struct mm_diag *diag)
{
	struct mm_diag why = { "" };
	struct mm_report *r;

	if (!t->stale)
		return refresh_span(t);
	struct mm_question q = mm_top_question(t);
	int err = t->source->report(t->source->ctx, &q, &r, &why);
	if (err == MM_EAGAIN)
		return MM_OK;
	t->stale = 0;
	if (!err) {
		take_report(t, r, &q);
		t->span_stale = 1;
		err = refresh_span(t);
		return err ? err : mm_top_arrange(t);
	}
	if (!t->report && t->source->state(t->source->ctx) == MM_SOURCE_LIVE && err == MM_ENOENT) {
		t->stale = 1; /* nothing has happened yet */
		return MM_OK;
	}
	if (!t->report) {
		if (diag)
			*diag = why;
		return err;
	}
	go_back(t);
	mm_top_say(t, MM_STYLE_BAD, "%s", mm_diag_text(&why, err));
	return MM_OK;
}

void mm_top_range(struct mm_top *t, uint64_t from, uint64_t to)
{
	t->from = from;
	t->to = to;
	mm_top_ask_again(t);
}

void mm_top_process(struct mm_top *t, const char *process)
{
	snprintf(t->process, sizeof t->process, "%s", process);
	/* What belongs to the memory of the other one. */
	if (t->mark != t->report)
		mm_report_free(t->mark);
	t->mark = NULL;
	memset(&t->fragmap, 0, sizeof t->fragmap);
	t->calls.zoom = 0;
	mm_top_ask_again(t);
}

/* The next one that was recorded, round and round. */
void mm_top_next_process(struct mm_top *t)
{
	const struct mm_report *r = t->report;
	char text[MM_QUESTION_PROCESS];
	size_t n = r ? r->process_count : 0, at = r && r->run.process != MM_NO_PROCESS ? r->run.process : n - 1;

	for (size_t k = 1; k <= n; k++) {
		const struct mm_report_process *p = &r->processes[(at + k) % n];
		if (!p->recorded || p->number == r->run.process)
			continue;
		snprintf(text, sizeof text, "#%u", p->number);
		mm_top_process(t, text);
		return;
	}
	mm_top_say(t, MM_STYLE_NOTE, "this trace holds one process");
}

int mm_top_moves(const struct mm_top *t)
{
	return t->playing || t->source->pending(t->source->ctx) ||
	       (!t->paused && t->source->state(t->source->ctx) == MM_SOURCE_LIVE);
}

int mm_top_plays(const struct mm_top *t)
{
	return t->playing;
}

/* The last view stays. */
static void say_end(struct mm_top *t)
{
	switch (t->source->state(t->source->ctx)) {
	case MM_SOURCE_ENDED:
		mm_top_say(t, MM_STYLE_NOTE, "the recording has ended");
		break;
	case MM_SOURCE_KILLED:
		mm_top_say(t, MM_STYLE_BAD, "the recorder is gone before its end: what it saved is shown");
		break;
	default: break;
	}
}

int mm_top_tick(struct mm_top *t)
{
	return t->playing ? mm_top_play_on(t) : mm_top_hear(t);
}

int mm_top_hear(struct mm_top *t)
{
	struct mm_diag diag = { "" };

	if (t->paused) /* every screen is then of the same moment */
		return 0;
	int got = t->source->refresh(t->source->ctx, &diag);
	enum mm_source_state state = t->source->state(t->source->ctx);
	if (state != t->seen)
		say_end(t);
	t->seen = state;
	if (got < 0)
		mm_top_say(t, MM_STYLE_BAD, "%s", mm_diag_text(&diag, got));
	/* A moment of the past does not change, but for names that come. */
	int live = t->source->state(t->source->ctx) != MM_SOURCE_FILE;
	if (got > 0 && (t->to == MM_UNKNOWN || !t->report || !live ||
			t->source->pending(t->source->ctx)))
		t->stale = 1;
	return got != 0;
}
