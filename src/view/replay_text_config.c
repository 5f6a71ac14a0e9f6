/* replay_text_config.c: what a configuration made of a replay, as tables (replay_parts.h). */
#include <inttypes.h>

#include "view/replay_parts.h"

enum { NAME_COLUMNS = 20, CELL_COLUMNS = 11 };

static void put_heads(struct mm_pen *p, const char *first, const char *const *heads)
{
	mm_pen_ink(p, MM_INK_STRONG);
	fprintf(p->out, "  %-*s", NAME_COLUMNS, first);
	for (; *heads; heads++)
		fprintf(p->out, "%*s", CELL_COLUMNS, *heads);
	mm_pen_plain(p);
	fputc('\n', p->out);
}

static void put_name(struct mm_pen *p, const char *name)
{
	size_t used;

	fputs("  ", p->out);
	used = mm_pen_text(p, name, NAME_COLUMNS, 0);
	mm_pen_pad(p, NAME_COLUMNS - used);
}

static void put_sizes(struct mm_pen *p, const uint64_t *bytes, size_t count)
{
	char buf[MM_PEN_TEXT];

	for (size_t i = 0; i < count; i++)
		fprintf(p->out, " %*s", CELL_COLUMNS - 1, mm_pen_size(p, buf, bytes[i]));
}

static void put_figures(struct mm_pen *p, const uint64_t *counts, size_t count)
{
	char buf[MM_PEN_TEXT];

	for (size_t i = 0; i < count; i++)
		fprintf(p->out, " %*s", CELL_COLUMNS - 1, mm_pen_count(buf, counts[i]));
}

/* --- destinations ------------------------------------------------------------------------- */

static void put_split(struct mm_pen *p, const char *name, const struct mm_moment_account *a)
{
	const uint64_t bytes[] = { a->committed_bytes, a->requested_bytes, a->internal_bytes,
		a->cached_bytes, a->slab_external_bytes, a->tail_bytes + a->retained_bytes,
		a->metadata_bytes };

	put_name(p, name);
	put_sizes(p, bytes, sizeof bytes / sizeof *bytes);
	fputc('\n', p->out);
}

static void put_splits(struct mm_pen *p, const struct mm_outcome *o)
{
	static const char *const heads[] = { "committed", "requested", "internal", "cached",
		"external", "tail, kept", "metadata", NULL };

	mm_pen_title(p, "Destinations", "(at the peak of all)");
	put_heads(p, "", heads);
	for (size_t i = 0; i < o->dest_count; i++)
		put_split(p, o->dest[i].name, &o->dest[i].at_peak);
	put_split(p, "all", &o->at_peak);
}

/* What it is, shortened where a pool has many sizes. */
static void put_kind(struct mm_pen *p, const struct mm_outcome_dest *d)
{
	enum { SHOWN = 3 };

	fputs("   ", p->out);
	mm_pen_ink(p, MM_INK_DIM);
	if (d->strategy)
		fputs(d->strategy, p->out);
	else
		fputs(d->depot_count ? "pool of" : "pool", p->out);
	for (size_t i = 0; i < d->depot_count && i < SHOWN; i++)
		fprintf(p->out, "%s %" PRIu32, i ? "," : "", d->block_bytes[i]);
	if (d->depot_count > SHOWN)
		fprintf(p->out, " and %zu more sizes", d->depot_count - SHOWN);
	mm_pen_plain(p);
	fputc('\n', p->out);
}

static void put_traffic(struct mm_pen *p, const struct mm_outcome *o)
{
	static const char *const heads[] = { "own peak", "allocated", "most live", "misfits",
		"came", "went", NULL };

	fputc('\n', p->out);
	put_heads(p, "", heads);
	for (size_t i = 0; i < o->dest_count; i++) {
		const struct mm_outcome_dest *d = &o->dest[i];
		const uint64_t counts[] = { d->alloc_count, d->peak_live_count, d->misfit_count,
			d->came_count, d->went_count };
		put_name(p, d->name);
		put_sizes(p, &d->peak_committed_bytes, 1);
		put_figures(p, counts, sizeof counts / sizeof *counts);
		put_kind(p, d);
	}
}

/* --- categories ---------------------------------------------------------------------------- */

static void put_category(struct mm_pen *p, const struct mm_outcome_category *c)
{
	const uint64_t bytes[] = { c->budget_bytes, c->peak_bytes };
	char buf[MM_PEN_TEXT];

	put_name(p, c->name);
	put_sizes(p, bytes, sizeof bytes / sizeof *bytes);
	fprintf(p->out, " %*s", CELL_COLUMNS - 1, mm_pen_time(buf, c->peak_time_ns));
	put_figures(p, &c->alloc_count, 1);
	if (c->exceeded_count) {
		mm_pen_ink(p, MM_INK_WARN);
		put_sizes(p, &c->most_above_bytes, 1);
		put_figures(p, &c->exceeded_count, 1);
		fprintf(p->out, " %*s", CELL_COLUMNS - 1, mm_pen_time(buf, c->first_time_ns));
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
}

static void put_categories(struct mm_pen *p, const struct mm_outcome *o)
{
	static const char *const heads[] = { "budget", "peak", "at", "allocated", "above by",
		"times", "first at", NULL };

	mm_pen_title(p, "Categories", "(requested bytes, and what they would have been above budget)");
	put_heads(p, "", heads);
	for (size_t i = 0; i < o->category_count; i++)
		put_category(p, &o->category[i]);
}

void mm_text_configured(struct mm_pen *p, const struct mm_outcome *o)
{
	if (o->dest_count) {
		put_splits(p, o);
		put_traffic(p, o);
	}
	if (o->category_count)
		put_categories(p, o);
}
