/* contest_text.c: the table of a contest (contest_view.h). */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "view/contest_view.h"
#include "view/text_pen.h"

/* Nanoseconds with one digit. */
static const char *ns_text(char *buf, uint64_t ps)
{
	snprintf(buf, MM_PEN_TEXT, "%" PRIu64 ".%" PRIu64, ps / 1000, ps % 1000 / 100);
	return buf;
}

static void put_row(struct mm_pen *p, const struct mm_contest *c, const struct mm_contestant *a)
{
	char ns[MM_PEN_TEXT], low[MM_PEN_TEXT], high[MM_PEN_TEXT], less[MM_PEN_TEXT] = "-",
		rss[MM_PEN_TEXT], end[MM_PEN_TEXT], pause[MM_PEN_TEXT], range[2 * MM_PEN_TEXT + 8];

	if (c->none_ps != MM_UNKNOWN)
		ns_text(less, a->median_ps > c->none_ps ? a->median_ps - c->none_ps : 0);
	snprintf(range, sizeof range, "[%s %s]", ns_text(low, a->low_ps), ns_text(high, a->high_ps));
	fprintf(p->out, "  %-22s %8s %-17s %8s %11s %11s %11s\n", a->name,
		ns_text(ns, a->median_ps), range, less, mm_pen_size(p, rss, a->rss_bytes),
		mm_pen_size(p, end, a->end_bytes), mm_pen_time(pause, a->pause_ns));
}

static void put_times(struct mm_pen *p, const struct mm_contest *c)
{
	char p50[MM_PEN_TEXT], p99[MM_PEN_TEXT], p999[MM_PEN_TEXT], count[MM_PEN_TEXT];

	mm_pen_ink(p, MM_INK_STRONG);
	fprintf(p->out, "\n  %-22s %9s %9s %9s %11s\n", "single calls", "50 %", "99 %", "99.9 %",
		"timed");
	mm_pen_plain(p);
	for (size_t i = 0; i < c->count; i++) {
		const struct mm_contestant *a = &c->contestant[i];
		fprintf(p->out, "  %-22s %9s %9s %9s %11s\n", a->name, mm_pen_time(p50, a->p50_ns),
			mm_pen_time(p99, a->p99_ns), mm_pen_time(p999, a->p999_ns),
			mm_pen_count(count, a->sample_count));
	}
}

int mm_contest_text(const struct mm_contest *c, const struct mm_text_options *options, FILE *out)
{
	struct mm_pen p = { out, options };
	char count[MM_PEN_TEXT];

	mm_pen_ink(&p, MM_INK_STRONG);
	mm_pen_text(&p, c->cmd, (size_t)options->width, 0);
	mm_pen_plain(&p);
	fprintf(out, "\n  executed: %s calls on %u thread%s, %s touched, %" PRIu64 " round%s in turn,"
		" each in a process of its own\n\n", mm_pen_count(count, c->contestant[0].op_count),
		c->threads, c->threads == 1 ? "" : "s",
		c->touch_all ? "every byte" : "a byte of each page", c->contestant[0].round_count,
		c->contestant[0].round_count == 1 ? "" : "s");
	mm_pen_ink(&p, MM_INK_STRONG);
	fprintf(out, "  %-22s %8s %-17s %8s %11s %11s %11s\n", "allocator", "ns a call",
		"[low high]", "net", "peak memory", "at the end", "worst 64");
	mm_pen_plain(&p);
	for (size_t i = 0; i < c->count; i++)
		put_row(&p, c, &c->contestant[i]);
	put_times(&p, c);
	for (size_t i = 0; i < c->count; i++)
		if (c->contestant[i].failed_count) {
			mm_pen_ink(&p, MM_INK_WARN);
			fprintf(out, "  ! %s: %s calls found no memory\n", c->contestant[i].name,
				mm_pen_count(count, c->contestant[i].failed_count));
			mm_pen_plain(&p);
		}
	fprintf(out, "\n  single calls: one of 64 is timed; of those, this share took no longer (clock: %" PRIu64 " ns)\n",
		c->clock_step_ns);
	if (c->none_ps != MM_UNKNOWN)
		fputs("  net: less what the harness takes with no allocator (none)\n", out);
	return fflush(out) || ferror(out) ? MM_EIO : MM_OK;
}
