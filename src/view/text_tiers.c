/* text_tiers.c: tiers, pressure and devices in the text report (text_parts.h). */
#include <inttypes.h>

#include "view/text_parts.h"
#include "view/text_pen.h"

enum { LISTED = 12 };

static const char *ppm(char *ret, uint64_t share)
{
	return mm_pen_share(ret, share, share == MM_UNKNOWN ? MM_UNKNOWN : 1000000);
}

/* --- pressure ------------------------------------------------------------------------------ */

static void put_entry(struct mm_pen *p, const struct mm_report *r, const struct mm_report_log *e)
{
	char time[MM_PEN_TEXT], size[MM_PEN_TEXT], was[MM_PEN_TEXT];

	fprintf(p->out, "%12s  %-6s ", mm_pen_time(time, e->t_ns), mm_log_kind_name(e->kind));
	if (e->kind == MM_LOG_LEVEL)
		fprintf(p->out, "%s -> %s", e->before == MM_UNKNOWN ? "-" : mm_level_name(e->before),
			mm_level_name(e->level));
	else if (e->kind == MM_LOG_MARK)
		mm_pen_text(p, e->text, (size_t)p->options->width - 24, 0);
	else
		mm_pen_text(p, *e->category ? e->category : "all", 20, 0);
	if (e->kind == MM_LOG_BUDGET)
		fprintf(p->out, " %s -> %s", mm_pen_size(p, was, e->before_bytes),
			mm_pen_size(p, size, e->bytes));
	else if (e->bytes != MM_UNKNOWN)
		fprintf(p->out, " %s", mm_pen_size(p, size, e->bytes));
	if (e->tier != MM_NO_TIER) {
		fputs(" from ", p->out);
		mm_pen_text(p, r->tiers.tiers[e->tier].name, 16, 0);
	}
	if (*e->cause) {
		fputs(": ", p->out);
		mm_pen_text(p, e->cause, 20, 0);
	}
	fputc('\n', p->out);
}

void mm_text_pressure(struct mm_pen *p, const struct mm_report *r)
{
	static const char *const sources[] = { "", "told by the program", "from samples" };
	const struct mm_report_pressure *q = &r->pressure;
	char rest[160], worst[MM_PEN_TEXT], size[MM_PEN_TEXT], limit[MM_PEN_TEXT];
	size_t first = q->log_count > LISTED ? q->log_count - LISTED : 0;

	if (q->worst_level == MM_UNKNOWN || !q->worst_level)
		return;
	snprintf(rest, sizeof rest, "%s at the end, %s at %s (%s)", mm_level_name(q->level),
		 mm_level_name(q->worst_level), mm_pen_time(worst, q->worst_at_ns),
		 sources[q->source]);
	mm_pen_title(p, "PRESSURE", rest);
	if (q->used_bytes != MM_UNKNOWN && q->limit_kind != MM_LIMIT_UNKNOWN)
		fprintf(p->out, "  %s used of %s, the limit of the %s\n",
			mm_pen_size(p, size, q->used_bytes),
			mm_pen_size(p, limit, q->sample.limit_bytes),
			q->limit_kind == MM_LIMIT_CGROUP ? "cgroup" : "machine");
	for (size_t i = first; i < q->log_count; i++)
		put_entry(p, r, &q->log[i]);
	if (first + q->log_left_out_count)
		fprintf(p->out, "%14s(%" PRIu64 " earlier; --json)\n", "",
			first + q->log_left_out_count);
}

/* --- tiers --------------------------------------------------------------------------------- */

static void put_tier(struct mm_pen *p, const struct mm_report_tier *t)
{
	char used[MM_PEN_TEXT], capacity[MM_PEN_TEXT], share[MM_PEN_TEXT], in[MM_PEN_TEXT],
		out[MM_PEN_TEXT], hit[MM_PEN_TEXT], stall[MM_PEN_TEXT];

	fprintf(p->out, "%10s %10s %7s %10s %10s %7s %10s  ", mm_pen_size(p, used, t->used_bytes),
		mm_pen_size(p, capacity, t->capacity_bytes), ppm(share, t->used_ppm),
		mm_pen_size(p, in, t->in_bytes), mm_pen_size(p, out, t->out_bytes),
		ppm(hit, t->hit_ppm), mm_pen_time(stall, t->stall_p99_ns));
	size_t taken = 73 + mm_pen_text(p, t->name, 12, 0);
	if (*t->type) {
		fputs(", ", p->out);
		mm_pen_text(p, t->type, mm_text_room(p, taken + 2), 0);
	}
	fputc('\n', p->out);
}

static void put_causes(struct mm_pen *p, const char *what, const struct mm_report_cause *c,
		       size_t n)
{
	char share[MM_PEN_TEXT], size[MM_PEN_TEXT], count[MM_PEN_TEXT];

	for (size_t i = 0; i < n && i < LISTED; i++) {
		fprintf(p->out, "%10s %10s %7s  %s: ", mm_pen_count(count, c[i].count),
			mm_pen_size(p, size, c[i].bytes), ppm(share, c[i].ppm), what);
		mm_pen_text(p, *c[i].name ? c[i].name : "cause not told", 20, 0);
		fputc('\n', p->out);
	}
}

void mm_text_tiers(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_tiers *t = &r->tiers;

	if (!t->count)
		return;
	mm_pen_title(p, "TIERS", "what lies in each at the end, and what moved");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%10s %10s %7s %10s %10s %7s %10s  tier\n", "used", "capacity", "full",
		"moved in", "moved out", "hits", "stall p99");
	mm_pen_plain(p);
	for (size_t i = 0; i < t->count && i < LISTED; i++)
		put_tier(p, &t->tiers[i]);
	if (t->count > LISTED)
		fprintf(p->out, "%71s(%zu more; --json)\n", "", t->count - LISTED);
	put_causes(p, "evicted", t->evictions, t->eviction_count);
	put_causes(p, "refused", t->denials, t->denial_count);
}

/* --- devices ------------------------------------------------------------------------------- */

void mm_text_gpu(struct mm_pen *p, const struct mm_report *r)
{
	const struct mm_report_gpu *g = &r->gpu;
	char use[MM_PEN_TEXT], budget[MM_PEN_TEXT], share[MM_PEN_TEXT], ours[MM_PEN_TEXT];

	if (!g->heap_count)
		return;
	mm_pen_title(p, "GPU", "heaps of devices at the end");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%10s %10s %7s %10s  heap\n", "in use", "budget", "full", "ours");
	mm_pen_plain(p);
	for (size_t i = 0; i < g->heap_count && i < LISTED; i++) {
		const struct mm_report_gpu_heap *h = &g->heaps[i];
		fprintf(p->out, "%10s %10s %7s %10s  %u of ", mm_pen_size(p, use, h->usage_bytes),
			mm_pen_size(p, budget, h->budget_bytes), ppm(share, h->used_ppm),
			mm_pen_size(p, ours, h->ours_bytes), h->number);
		const char *name = g->devices[h->device].name;
		size_t taken = 52 + mm_pen_text(p, *name ? name : "a device", 16, 0);
		fputc(' ', p->out);
		mm_pen_text(p, h->flags, mm_text_room(p, taken), 0);
		fputc('\n', p->out);
	}
	if (g->heap_count > LISTED)
		fprintf(p->out, "%42s(%zu more; --json)\n", "", g->heap_count - LISTED);
}
