/* text_head.c: head and foot of the text report: the run, its totals, warnings, and what
 * to look at next (text_parts.h). */
#include <stdarg.h>
#include <string.h>

#include "view/text_parts.h"

enum { LABEL = 13 };

static void line(struct mm_pen *p, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void line(struct mm_pen *p, const char *label, const char *format, ...)
{
	va_list ap;

	fputs("  ", p->out);
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%-*s", LABEL, label);
	mm_pen_plain(p);
	va_start(ap, format);
	vfprintf(p->out, format, ap);
	va_end(ap);
	fputc('\n', p->out);
}

static void warn(struct mm_pen *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct mm_pen *p, const char *format, ...)
{
	va_list ap;

	mm_pen_ink(p, MM_INK_WARN);
	fputs("  ! ", p->out);
	va_start(ap, format);
	vfprintf(p->out, format, ap);
	va_end(ap);
	mm_pen_plain(p);
	fputc('\n', p->out);
}

/* What the report leaves out: other processes, with their share of all allocations. */
static void put_others(struct mm_pen *p, const struct mm_report *r)
{
	uint64_t ours = 0, all = 0;
	size_t others = 0;
	char share[MM_PEN_TEXT];

	for (size_t i = 0; i < r->process_count; i++) {
		const struct mm_report_process *q = &r->processes[i];
		if (!q->recorded)
			continue;
		all += q->alloc_count;
		ours += q->selected ? q->alloc_count : 0;
		others += !q->selected;
	}
	if (others && all)
		line(p, "others", "%zu more process%s made %s of all allocations: --process all",
		     others, others == 1 ? "" : "es", mm_pen_share(share, all - ours, all));
}

static const char *end_text(const struct mm_report_run *run, char *buf, size_t size)
{
	switch (run->end) {
	case MM_END_EXIT: snprintf(buf, size, "exit %d", run->exit); break;
	case MM_END_SIGNAL: snprintf(buf, size, "killed by signal %d", run->exit); break;
	case MM_END_EXEC: snprintf(buf, size, "replaced by exec"); break;
	case MM_END_RUNNING: snprintf(buf, size, "still running when recording ended"); break;
	default: snprintf(buf, size, "end unknown");
	}
	return buf;
}

/* The process that the report is about; NULL when it is about all. */
static const struct mm_report_process *own_process(const struct mm_report *r)
{
	for (size_t i = 0; i < r->process_count && r->run.process != MM_NO_PROCESS; i++)
		if (r->processes[i].selected)
			return &r->processes[i];
	return NULL;
}

static uint64_t own_duration(const struct mm_report *r)
{
	const struct mm_report_process *q = own_process(r);

	return q && q->end_ns != MM_UNKNOWN && q->end_ns >= q->start_ns
		? q->end_ns - q->start_ns : r->run.duration_ns;
}

/* The command as typed, or that of the process asked for. */
static const char *headline(const struct mm_report *r)
{
	const struct mm_report_process *q = own_process(r);

	if (q && *r->query.process && *q->cmd)
		return q->cmd;
	return *r->run.cmd ? r->run.cmd : r->run.exe;
}

static void put_run(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_run *run = &r->run;
	char time[MM_PEN_TEXT], from[MM_PEN_TEXT], to[MM_PEN_TEXT], end[64];

	mm_pen_ink(p, MM_INK_STRONG);
	mm_pen_text(p, headline(r), (size_t)p->options->width, 0);
	mm_pen_plain(p);
	fputc('\n', p->out);
	if (run->process == MM_NO_PROCESS)
		line(p, "ran", "%s, all %zu processes", mm_pen_time(time, run->duration_ns),
		     r->process_count);
	else
		line(p, "ran", "%s, pid %u, %s", mm_pen_time(time, own_duration(r)), run->pid,
		     end_text(run, end, sizeof end));
	if (!run->whole)
		line(p, "range", "%s to %s: all figures are of it",
		     mm_pen_time(from, run->from_ns), mm_pen_time(to, run->to_ns));
	if (run->kept_from_ns > run->from_ns)
		line(p, "kept", "from %s on; before that only totals are known (--from %.6fs leaves it out)",
		     mm_pen_time(from, run->kept_from_ns), (double)run->kept_from_ns / 1e9);
}

static void put_live(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_totals *t = &r->totals;
	char size[MM_PEN_TEXT], count[MM_PEN_TEXT], time[MM_PEN_TEXT];
	const char *verdict = !t->discarded_count ? "still live" :
			      t->discarded_count >= t->all.live_count ?
			      "dropped by exec" : "still live or dropped by exec";

	if (t->peak_live_count == MM_UNKNOWN)
		line(p, "peak", "%s live, at %s, which is not in the trace",
		     mm_pen_size(p, size, t->peak_live_bytes), mm_pen_time(time, t->peak_at_ns));
	else
		line(p, "peak", "%s%s live in %s object%s, at %s",
		     t->peak_partial ? "at least " : "",
		     mm_pen_size(p, size, t->peak_live_bytes), mm_pen_count(count, t->peak_live_count),
		     t->peak_live_count == 1 ? "" : "s", mm_pen_time(time, t->peak_at_ns));
	line(p, "at the end", "%s in %s object%s %s", mm_pen_size(p, size, t->all.live_bytes),
	     mm_pen_count(count, t->all.live_count), t->all.live_count == 1 ? "" : "s", verdict);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Did one of the processes begin with its parent's heap? */
static int is_forked(const struct mm_report *r)
{
	for (size_t i = 0; i < r->process_count; i++)
		if (r->processes[i].selected && r->processes[i].start == MM_START_FORK)
			return 1;
	return 0;
}

static void put_calls(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_totals *t = &r->totals;
	char count[MM_PEN_TEXT], size[MM_PEN_TEXT], mean[MM_PEN_TEXT], share[MM_PEN_TEXT];
	uint64_t n = t->all.alloc_count;

	line(p, "allocated", "%s times, %s in all, %s on average", mm_pen_count(count, n),
	     mm_pen_size(p, size, t->all.alloc_bytes),
	     mm_pen_size(p, mean, n ? t->all.alloc_bytes / n : MM_UNKNOWN));
	line(p, "freed", "%s times", mm_pen_count(count, t->all.free_count));
	line(p, "temporary", "%s (%s of the allocations)",
	     mm_pen_count(count, t->all.temporary_count), mm_pen_share(share, t->all.temporary_count, n));
	if (t->realloc_count)
		line(p, "realloc", "%s times (each is one free and one allocation above)",
		     mm_pen_count(count, t->realloc_count));
	if (t->failed_count)
		line(p, "failed", "%s allocation%s failed", mm_pen_count(count, t->failed_count),
		     plural(t->failed_count));
	if (t->inherited_free_count && is_forked(r))
		line(p, "inherited", "%s free%s of what the parent process had allocated",
		     mm_pen_count(count, t->inherited_free_count),
		     plural(t->inherited_free_count));
	else if (t->inherited_free_count)
		line(p, "unknown", "%s free%s of what was never seen to be allocated",
		     mm_pen_count(count, t->inherited_free_count),
		     plural(t->inherited_free_count));
}

static void put_resident(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_totals *t = &r->totals;
	char peak[MM_PEN_TEXT], lost[MM_PEN_TEXT], share[MM_PEN_TEXT];

	if (t->unaccounted_bytes != MM_UNKNOWN)
		line(p, "resident", "%s at most; %s (%s) unaccounted",
		     mm_pen_size(p, peak, t->rss_peak_bytes),
		     mm_pen_size(p, lost, t->unaccounted_bytes),
		     mm_pen_share(share, t->unaccounted_bytes, t->unaccounted_rss_bytes));
	else if (t->rss_peak_bytes != MM_UNKNOWN)
		line(p, "resident", "%s at most", mm_pen_size(p, peak, t->rss_peak_bytes));
	if (*t->unaccounted_cause)
		line(p, "unseen", "%s", t->unaccounted_cause);
}

static void put_warnings(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_run *run = &r->run;
	char count[MM_PEN_TEXT], size[MM_PEN_TEXT];

	if (run->lost_events_count)
		warn(p, "%s events were not recorded: figures by site are too low, totals may be",
		     mm_pen_count(count, run->lost_events_count));
	if (run->unlisted_process_count)
		warn(p, "%s more process%s had no room in the trace",
		     mm_pen_count(count, run->unlisted_process_count),
		     run->unlisted_process_count == 1 ? "" : "es");
	if (run->damaged_count)
		warn(p, "the trace is damaged: %s in %s places could not be read",
		     mm_pen_size(p, size, run->damaged_bytes),
		     mm_pen_count(count, run->damaged_count));
	if (run->unattributed_count)
		warn(p, "%s allocation%s no known site",
		     mm_pen_count(count, run->unattributed_count),
		     run->unattributed_count == 1 ? " has" : "s have");
	if (r->totals.unknown_count)
		warn(p, "%s objects are left whose size is not known",
		     mm_pen_count(count, r->totals.unknown_count));
	if (!run->complete)
		warn(p, "the recording did not end properly: what was saved is shown");
	if (r->totals.implied_free_count)
		warn(p, "%s frees were not seen and are implied by reused addresses",
		     mm_pen_count(count, r->totals.implied_free_count));
}

void mm_text_head(struct mm_pen *p, const struct mm_report *r)
{
	put_run(p, r);
	put_others(p, r);
	put_warnings(p, r);
	put_calls(p, r);
	put_live(p, r);
	put_resident(p, r);
}

/* --- what next ----------------------------------------------------------------------- */

/* The trace as the next command needs it: nothing for the default, nor for a name that a
 * shell would read differently. */
static const char *trace_argument(const struct mm_report *r)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/+-";
	const char *t = r->run.trace;

	return strcmp(t, "trace.bin") == 0 || *t == '-' || t[strspn(t, plain)] ? "" : t;
}

static void hint(struct mm_pen *p, const struct mm_report *r, const char *verb,
		 const char *options, const char *what)
{
	const char *trace = trace_argument(r);
	int used = fprintf(p->out, "  mmprof %s%s%s%s%s", verb, *trace ? " " : "", trace,
			   *options ? " " : "", options);

	if (used < 41 || used + 1 + (int)strlen(what) <= p->options->width) {
		mm_pen_pad(p, used < 41 ? (size_t)(41 - used) : 1);
		mm_pen_ink(p, MM_INK_DIM);
		fputs(what, p->out);
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
}

void mm_text_hints(struct mm_pen *p, const struct mm_report *r)
{
	if (!p->options->overview)
		return;
	mm_pen_title(p, "NEXT", "");
	hint(p, r, "report", "--tree", "the calls that led to the peak");
	hint(p, r, "report", "--by function", "every function, with what it called");
	if (r->leaks.total.leak_count)
		hint(p, r, "report", "--metric leaks", "what was left, with full stacks");
	if (r->totals.all.temporary_count * 10 > r->totals.all.alloc_count)
		hint(p, r, "report", "--metric temporary", "who allocates for a moment only");
	if (r->process_count > 1 && r->run.process != MM_NO_PROCESS)
		hint(p, r, "report", "--process all", "all recorded processes together");
	if (r->run.whole)
		hint(p, r, "report", "--from 50%", "the second half of the run alone");
	hint(p, r, "replay", "", "the same run in another allocator");
	hint(p, r, "report", "--json", "everything, for programs");
}
