/* select.c: the processes a report counts, and its range of time (work.h). */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "core/error.h"
#include "model/choose.h"
#include "model/work.h"

static void select_all(struct mm_work *w)
{
	w->all = 1;
	for (uint32_t i = 0; i < mm_reader_processes(w->reader); i++)
		if (mm_choose_is_recorded(w->reader, i))
			w->selected[w->selected_count++] = i;
}

int mm_work_select(struct mm_work *w, struct mm_diag *diag)
{
	const char *text = w->options->process;
	uint32_t n = mm_reader_processes(w->reader), one;

	if (!n)
		return mm_fail(diag, MM_ENOENT, "%s holds no process: record again",
			       w->options->trace ? w->options->trace : "the trace");
	w->selected = calloc(n, sizeof *w->selected);
	if (!w->selected)
		return MM_ENOMEM;
	if (text && strcmp(text, "all") == 0) {
		select_all(w);
		return w->selected_count ? MM_OK
			: mm_fail(diag, MM_ENOENT, "no process of the trace was recorded");
	}
	int err = mm_choose_process(w->reader, text, &one, diag);
	if (err == MM_EINVAL)
		return mm_fail(diag, err, "'%s' is not a process: give a PID, #NUMBER or all", text);
	if (err)
		return err;
	w->selected[w->selected_count++] = one;
	return MM_OK;
}

/* --- range --------------------------------------------------------------------------- */

/* The moment just after the peak was reached, so that [a, peak) holds it. */
static uint64_t peak_moment(struct mm_work *w)
{
	const struct mm_totals *best = mm_reader_totals(w->reader, w->selected[0]);

	for (size_t i = 1; i < w->selected_count; i++) {
		const struct mm_totals *t = mm_reader_totals(w->reader, w->selected[i]);
		if (t->peak_bytes > best->peak_bytes)
			best = t;
	}
	return best->peak_time + 1;
}

static int parse_end(struct mm_work *w, const char *option, const char *text, uint64_t *ret,
		     struct mm_diag *diag)
{
	uint64_t duration = mm_reader_info(w->reader)->duration_ns;
	struct mm_moment m;

	if (mm_parse_time(text, &m))
		return mm_fail(diag, MM_EINVAL, "--%s: '%s' is not a time; give 12.5s, 1:02.5, 50%%, "
			       "peak or mark:NAME", option, text);
	switch (m.kind) {
	case MM_MOMENT_NS: *ret = m.ns; break;
	case MM_MOMENT_RATIO:
		*ret = (uint64_t)((unsigned __int128)duration * m.ppm / 1000000);
		break;
	case MM_MOMENT_PEAK: *ret = peak_moment(w); break;
	default:
		*ret = mm_notes_mark(&w->notes, m.mark);
		if (*ret == MM_UNKNOWN)
			return mm_fail(diag, MM_ENOENT, "--%s: the trace has no mark '%s'", option,
				       m.mark);
	}
	return MM_OK;
}

/* A range of which nothing can be said is refused. */
static int check_range(const struct mm_work *w, struct mm_diag *diag)
{
	const struct mm_model_options *o = w->options;
	uint64_t duration = mm_reader_info(w->reader)->duration_ns;
	uint64_t kept_from = mm_reader_info(w->reader)->kept_from_ns;

	if (w->from >= w->to)
		return mm_fail(diag, MM_EINVAL, "the range is empty: --from %s is not before --to %s",
			       o->from ? o->from : "0s", o->to);
	if (w->from > duration)
		return mm_fail(diag, MM_EINVAL, "--from %s lies behind the end of the trace, which "
			       "is at %.6fs", o->from, (double)duration / 1e9);
	if (w->to <= kept_from)
		return mm_fail(diag, MM_EINVAL, "--to %s lies before what the trace holds, which "
			       "begins at %.6fs", o->to, (double)kept_from / 1e9);
	return MM_OK;
}

int mm_work_range(struct mm_work *w, struct mm_diag *diag)
{
	const struct mm_model_options *o = w->options;
	int err = MM_OK;

	w->from = 0;
	w->to = MM_UNKNOWN;
	if (o->from)
		err = parse_end(w, "from", o->from, &w->from, diag);
	if (!err && o->to)
		err = parse_end(w, "to", o->to, &w->to, diag);
	return err ? err : check_range(w, diag);
}

uint64_t mm_work_window(const struct mm_work *w)
{
	const uint64_t window = UINT64_C(10000000000);
	uint64_t end = w->report->run.to_ns;

	return end > window && end - window > w->from ? end - window : w->from;
}
