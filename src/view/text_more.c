/* text_more.c: timeline, categories, threads, processes, histograms, marks and metrics of
 * the text report (text_parts.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/text_parts.h"

enum { LISTED = 8, SPARK_LABEL = 8, SHOWN = 12 };

/* --- timeline ------------------------------------------------------------------------ */

/* Largest value in each column's time; where nothing happened, what was there before. */
static void resample(const struct mm_report *r, const uint64_t *value, const uint64_t *after,
		     uint64_t *columns, size_t n)
{
	const struct mm_report_timeline *t = &r->timeline;
	uint64_t from = r->run.from_ns, span = r->run.to_ns - r->run.from_ns;
	uint64_t now = 0;
	size_t i = 0;

	for (size_t c = 0; c < n; c++) {
		uint64_t end = from + (uint64_t)((unsigned __int128)span * (c + 1) / n);
		columns[c] = now;
		for (; i < t->count && (t->t_ns[i] < end || c + 1 == n); i++) {
			if (value[i] != MM_UNKNOWN && value[i] > columns[c])
				columns[c] = value[i];
			if (after[i] != MM_UNKNOWN)
				now = after[i];
		}
	}
}

static void put_spark(struct mm_pen *p, const struct mm_report *r, const char *label,
		      const uint64_t *value, const uint64_t *after)
{
	size_t n = (size_t)p->options->width - SPARK_LABEL - 4;
	uint64_t *columns, max = 0;
	char size[MM_PEN_TEXT];

	n = n > 200 ? 200 : n - 12;
	columns = calloc(n, sizeof *columns);
	if (!columns)
		return;
	resample(r, value, after, columns, n);
	for (size_t i = 0; i < n; i++)
		max = columns[i] > max ? columns[i] : max;
	fprintf(p->out, "  %-*s|", SPARK_LABEL - 2, label);
	mm_pen_spark(p, columns, n, max);
	fprintf(p->out, "| %s\n", mm_pen_size(p, size, max));
	free(columns);
}

static int has_rss(const struct mm_report_timeline *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rss_bytes[i] != MM_UNKNOWN)
			return 1;
	return 0;
}

/* A caret under each mark's time. */
static void put_mark_line(struct mm_pen *p, const struct mm_report *r)
{
	size_t n = (size_t)p->options->width - SPARK_LABEL - 4;
	uint64_t span = r->run.to_ns - r->run.from_ns;
	char line[224];

	n = n > 200 ? 200 : n - 12;
	if (!r->mark_count || !span)
		return;
	memset(line, ' ', n);
	line[n] = 0;
	for (size_t i = 0; i < r->mark_count; i++) {
		uint64_t at = r->marks[i].t_ns - r->run.from_ns;
		line[at >= span ? n - 1 : (size_t)((unsigned __int128)at * n / span)] = '^';
	}
	fprintf(p->out, "  %-*s %s\n", SPARK_LABEL - 2, "marks", line);
}

void mm_text_timeline(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_timeline *t = &r->timeline;
	char from[MM_PEN_TEXT], to[MM_PEN_TEXT], rest[128];

	if (t->count < 2 || r->run.to_ns <= r->run.from_ns)
		return;
	snprintf(rest, sizeof rest, "%s to %s", mm_pen_time(from, r->run.from_ns),
		 mm_pen_time(to, r->run.to_ns));
	mm_pen_title(p, "TIMELINE", rest);
	put_spark(p, r, "heap", t->peak_bytes, t->live_bytes);
	if (has_rss(t))
		put_spark(p, r, "rss", t->rss_bytes, t->rss_bytes);
	put_mark_line(p, r);
}

/* --- categories ---------------------------------------------------------------------- */

static int in_use(const struct mm_report_category *c)
{
	return c->own.alloc_count || c->peak_live_bytes;
}

void mm_text_categories(struct mm_pen *p, const struct mm_report *r)
{
	size_t used = 0;

	for (size_t i = 0; i < r->category_count; i++)
		used += in_use(&r->categories[i]);
	if (used < 2)
		return;
	mm_pen_title(p, "CATEGORIES", "each with its own peak");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%12s %12s %8s %12s  category\n", "own peak", "budget", "used",
		"at the peak");
	mm_pen_plain(p);
	for (size_t i = 0; i < r->category_count; i++) {
		const struct mm_report_category *c = &r->categories[i];
		char peak[MM_PEN_TEXT], budget[MM_PEN_TEXT], share[MM_PEN_TEXT], at[MM_PEN_TEXT];
		if (!in_use(c))
			continue;
		fprintf(p->out, "%12s %12s %8s %12s  ", mm_pen_size(p, peak, c->peak_live_bytes),
			mm_pen_size(p, budget, c->budget_bytes),
			mm_pen_share(share, c->peak_live_bytes, c->budget_bytes),
			mm_pen_size(p, at, c->own.peak_bytes));
		mm_pen_text(p, c->name, 16, 0);
		if (c->over) {
			mm_pen_ink(p, MM_INK_WARN);
			fputs("  over budget", p->out);
			mm_pen_plain(p);
		}
		fputc('\n', p->out);
	}
}

/* --- threads and processes ----------------------------------------------------------- */

void mm_text_threads(struct mm_pen *p, const struct mm_report *r)
{
	if (r->thread_count < 2)
		return;
	mm_pen_title(p, "THREADS", "by where objects were born");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%12s %12s %12s  thread\n", "at the peak", "allocated", "calls");
	mm_pen_plain(p);
	for (size_t i = 0; i < r->thread_count && i < LISTED; i++) {
		const struct mm_report_thread *t = &r->threads[i];
		char peak[MM_PEN_TEXT], bytes[MM_PEN_TEXT], count[MM_PEN_TEXT];
		fprintf(p->out, "%12s %12s %12s  ", mm_pen_size(p, peak, t->own.peak_bytes),
			mm_pen_size(p, bytes, t->own.alloc_bytes),
			mm_pen_count(count, t->own.alloc_count));
		mm_pen_text(p, t->name, 20, 0);
		if (t->tid)
			fprintf(p->out, " (tid %u)", t->tid);
		fputc('\n', p->out);
	}
	if (r->thread_count > LISTED)
		fprintf(p->out, "%40s(%zu more; --by thread)\n", "", r->thread_count - LISTED);
}

void mm_text_processes(struct mm_pen *p, const struct mm_report *r)
{
	size_t listed = 0;

	if (r->process_count < 2)
		return;
	mm_pen_title(p, "PROCESSES", "* = counted in this report");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "  %8s %12s %12s  command\n", "pid", "peak", "calls");
	mm_pen_plain(p);
	for (size_t i = 0; i < r->process_count && listed < 2 * LISTED; i++, listed++) {
		const struct mm_report_process *q = &r->processes[i];
		char peak[MM_PEN_TEXT], count[MM_PEN_TEXT];
		fprintf(p->out, "%c %8u ", q->selected ? '*' : ' ', q->pid);
		if (q->recorded)
			fprintf(p->out, "%12s %12s  ", mm_pen_size(p, peak, q->peak_live_bytes),
				mm_pen_count(count, q->alloc_count));
		else
			fprintf(p->out, "%25s  ", "not recorded");
		mm_pen_text(p, *q->cmd ? q->cmd : q->exe, (size_t)p->options->width - 38, 0);
		fputc('\n', p->out);
	}
	if (r->process_count > listed)
		fprintf(p->out, "%38s(%zu more)\n", "", r->process_count - listed);
}

/* --- histograms ---------------------------------------------------------------------- */

/* Adjacent buckets joined until at most SHOWN are left; returns how many. */
static size_t join_buckets(const struct mm_report_bucket *b, size_t n,
			   struct mm_report_bucket *joined)
{
	size_t each = (n + SHOWN - 1) / SHOWN, count = 0;

	for (size_t i = 0; i < n; i++) {
		if (i % each == 0) {
			joined[count++] = b[i];
			continue;
		}
		joined[count - 1].high = b[i].high;
		joined[count - 1].count += b[i].count;
		joined[count - 1].bytes += b[i].bytes;
	}
	return count;
}

static void put_bucket(struct mm_pen *p, const struct mm_report_bucket *b, int is_time,
		       uint64_t most, uint64_t total)
{
	size_t width = (size_t)p->options->width > 64 ? (size_t)p->options->width - 60 : 8;
	char edge[MM_PEN_TEXT], count[MM_PEN_TEXT], share[MM_PEN_TEXT];
	const char *text = b->high == MM_UNKNOWN ? "more"
		: is_time ? mm_pen_time(edge, b->high) : mm_pen_size(p, edge, b->high - 1);
	const char *sign = b->high == MM_UNKNOWN ? "" : is_time ? "<" : "<=";

	fprintf(p->out, "  %4s %10s %14s %8s  ", sign, text, mm_pen_count(count, b->count),
		mm_pen_share(share, b->count, total));
	mm_pen_bar(p, b->count, most, width > 50 ? 50 : width);
	fputc('\n', p->out);
}

static void put_histogram(struct mm_pen *p, const struct mm_report_bucket *all, size_t n,
			  int is_time)
{
	struct mm_report_bucket b[SHOWN];
	uint64_t most = 0, total = 0;

	n = join_buckets(all, n, b);
	for (size_t i = 0; i < n; i++) {
		most = b[i].count > most ? b[i].count : most;
		total += b[i].count;
	}
	for (size_t i = 0; i < n; i++)
		put_bucket(p, &b[i], is_time, most, total);
}

void mm_text_histograms(struct mm_pen *p, const struct mm_report *r)
{
	if (r->size_count) {
		mm_pen_title(p, "SIZES", "allocations by bytes asked for");
		put_histogram(p, r->sizes, r->size_count, 0);
	}
	if (r->lifetime_count) {
		mm_pen_title(p, "LIFETIMES", "of what was freed");
		put_histogram(p, r->lifetimes, r->lifetime_count, 1);
	}
}

/* --- marks and metrics --------------------------------------------------------------- */

static uint64_t live_at(const struct mm_report *r, uint64_t time)
{
	uint64_t live = r->totals.live_begin_bytes;

	for (size_t i = 0; i < r->timeline.count && r->timeline.t_ns[i] <= time; i++)
		live = r->timeline.live_bytes[i];
	return live;
}

static void put_marks(struct mm_pen *p, const struct mm_report *r)
{
	size_t listed = r->mark_count < 2 * LISTED ? r->mark_count : 2 * LISTED;

	mm_pen_title(p, "MARKS", "set by the program, with the heap about then");
	for (size_t i = 0; i < listed; i++) {
		char time[MM_PEN_TEXT], size[MM_PEN_TEXT];
		fprintf(p->out, "%12s %12s  ", mm_pen_time(time, r->marks[i].t_ns),
			mm_pen_size(p, size, live_at(r, r->marks[i].t_ns)));
		mm_pen_text(p, r->marks[i].text, (size_t)p->options->width - 28, 0);
		fputc('\n', p->out);
	}
	if (r->mark_count > listed)
		fprintf(p->out, "%27s(%zu more)\n", "", r->mark_count - listed);
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

static void put_member(struct mm_pen *p, const struct mm_report_domain *d,
		       const struct mm_report_member *m)
{
	char size[MM_PEN_TEXT];

	if (ends_with(m->name, "_bytes") && m->value >= 0)
		fprintf(p->out, "%14s", mm_pen_size(p, size, (uint64_t)m->value));
	else if (ends_with(m->name, "_ppm"))
		fprintf(p->out, "%14.3f", (double)m->value / 1e6);
	else
		fprintf(p->out, "%14" PRId64, m->value);
	fprintf(p->out, "  %s.%.*s\n", d->name,
		(int)strlen(m->name) - (ends_with(m->name, "_ppm") ? 4 : 0), m->name);
}

/* Octrees and distance fields: only what was told or follows from it. */
static void put_domains(struct mm_pen *p, const struct mm_report *r)
{
	struct mm_report_domain d;
	int titled = 0;

	for (int which = 0; which < MM_DOMAIN_COUNT; which++) {
		mm_report_domain(r, (enum mm_domain)which, &d);
		for (size_t i = 0; i < d.count; i++) {
			if (!d.members[i].known)
				continue;
			if (!titled++)
				mm_pen_title(p, "OCTREES AND DISTANCE FIELDS",
					     "as the program last reported them");
			put_member(p, &d, &d.members[i]);
		}
	}
}

void mm_text_notes(struct mm_pen *p, const struct mm_report *r)
{
	if (r->mark_count)
		put_marks(p, r);
	put_domains(p, r);
	if (!r->series_count)
		return;
	mm_pen_title(p, "METRICS", "reported by the program");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%14s %14s %14s %10s  metric\n", "last", "least", "most", "values");
	mm_pen_plain(p);
	for (size_t i = 0; i < r->series_count; i++) {
		const struct mm_report_series *s = &r->series[i];
		fprintf(p->out, "%14" PRId64 " %14" PRId64 " %14" PRId64 " %10zu  ", s->last,
			s->min, s->max, s->count);
		mm_pen_text(p, s->name, (size_t)p->options->width - 58, 0);
		fputc('\n', p->out);
	}
}
