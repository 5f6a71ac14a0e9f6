/* top_time.c: ranges, steps and playback (top_parts.h).
 *
 * The moment shown is the end of the range: MM_UNKNOWN follows the trace.
 */
#include "tui/top_parts.h"

enum { STEPS = 100 /* of the whole run */, PLAY_STEPS = 200 };

uint64_t mm_top_duration(const struct mm_top *t)
{
	return t->report ? t->report->run.duration_ns : 0;
}

static uint64_t moment(const struct mm_top *t)
{
	return t->to == MM_UNKNOWN ? mm_top_duration(t) : t->to;
}

/* A trace has nothing before what it kept. */
static uint64_t earliest(const struct mm_top *t)
{
	uint64_t from = t->report ? t->report->run.kept_from_ns : 0;

	return (t->from > from ? t->from : from) + 1;
}

static void go_to(struct mm_top *t, uint64_t to)
{
	if (to >= mm_top_duration(t)) {
		mm_top_range(t, t->from, MM_UNKNOWN);
		return;
	}
	mm_top_range(t, t->from, to < earliest(t) ? earliest(t) : to);
}

static void step(struct mm_top *t, int way, unsigned steps)
{
	uint64_t by = mm_top_duration(t) / steps, now = moment(t);

	by = by ? by : 1;
	go_to(t, way < 0 ? (now > by ? now - by : 0) : now + by);
}

static void begin_range(struct mm_top *t)
{
	uint64_t now = t->screen == MM_SCREEN_TIMELINE && t->timeline.cursor != MM_UNKNOWN
		? t->timeline.cursor : moment(t);

	if (now >= mm_top_duration(t)) {
		mm_top_say(t, MM_STYLE_BAD, "nothing comes after this moment: [ goes back in time");
		return;
	}
	mm_top_range(t, now, now < t->to ? t->to : MM_UNKNOWN);
	mm_top_say(t, MM_STYLE_NOTE, "the range begins here: b ends it, x is the whole run again");
}

static void end_range(struct mm_top *t)
{
	uint64_t now = t->screen == MM_SCREEN_TIMELINE && t->timeline.cursor != MM_UNKNOWN
		? t->timeline.cursor : moment(t);

	if (now <= t->from) {
		mm_top_say(t, MM_STYLE_BAD, "a range ends after it begins");
		return;
	}
	go_to(t, now);
}

static void play(struct mm_top *t)
{
	t->playing = !t->playing;
	t->paused = 0;
	if (t->playing && t->to == MM_UNKNOWN)
		go_to(t, earliest(t));
}

static void go_to_peak(struct mm_top *t)
{
	if (!t->report || t->report->totals.peak_at_ns == MM_UNKNOWN)
		return;
	t->timeline.cursor = t->report->totals.peak_at_ns + 1;
	go_to(t, t->timeline.cursor); /* just behind it, so that it is in the range */
}

int mm_top_time_act(struct mm_top *t, enum mm_action action)
{
	switch (action) {
	case MM_ACT_STEP_BACK: step(t, -1, STEPS); return 1;
	case MM_ACT_STEP_ON: step(t, 1, STEPS); return 1;
	case MM_ACT_RANGE_BEGIN: begin_range(t); return 1;
	case MM_ACT_RANGE_END: end_range(t); return 1;
	case MM_ACT_RANGE_CLEAR: mm_top_range(t, 0, MM_UNKNOWN); return 1;
	case MM_ACT_PLAY: play(t); return 1;
	case MM_ACT_NOW:
		t->paused = t->playing = 0;
		t->timeline.cursor = MM_UNKNOWN;
		mm_top_range(t, t->from, MM_UNKNOWN);
		return 1;
	case MM_ACT_PEAK: go_to_peak(t); return 1;
	default: return 0;
	}
}

int mm_top_play_on(struct mm_top *t)
{
	step(t, 1, PLAY_STEPS);
	if (t->to == MM_UNKNOWN)
		t->playing = 0;
	return 1;
}
