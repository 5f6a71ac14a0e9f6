/* replay_text.c: the account of one replay, or a table of several (replay_text.h). */
#include "view/replay_text.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "view/replay_parts.h"
#include "view/text_pen.h"

enum { LABEL_COLUMNS = 15, FIGURE_COLUMNS = 14 };

/* --- figures ------------------------------------------------------------------------------ */

static const char *ratio_text(char *buf, uint64_t ppm)
{
	if (ppm == MM_UNKNOWN)
		return strcpy(buf, "-");
	snprintf(buf, MM_PEN_TEXT, "%" PRIu64 ".%03" PRIu64, ppm / 1000000, ppm % 1000000 / 1000);
	return buf;
}

static void label(struct mm_pen *p, const char *text)
{
	fputs("  ", p->out);
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%-*s", LABEL_COLUMNS, text);
	mm_pen_plain(p);
}

/* --- one strategy --------------------------------------------------------------------------- */

static void put_counts(struct mm_pen *p, const struct mm_outcome *o)
{
	char a[MM_PEN_TEXT], b[MM_PEN_TEXT], c[MM_PEN_TEXT], d[MM_PEN_TEXT];

	label(p, "events");
	fprintf(p->out, "%s: %s allocated, %s freed; %s reallocs", mm_pen_count(a, o->event_count),
		mm_pen_count(b, o->alloc_count), mm_pen_count(c, o->free_count),
		mm_pen_count(d, o->realloc_count));
	if (o->moved_count)
		fprintf(p->out, ", %s moved (%s)", mm_pen_count(a, o->moved_count),
			mm_pen_size(p, b, o->copied_bytes));
	fputc('\n', p->out);
	label(p, "pages");
	fprintf(p->out, "%s obtained, %s given back\n", mm_pen_count(a, o->committed_pages),
		mm_pen_count(b, o->purged_pages));
}

static void put_term(struct mm_pen *p, const char *name, const char *means,
		     const struct mm_moment_account *peak, uint64_t at_peak, uint64_t at_end)
{
	char a[MM_PEN_TEXT], b[MM_PEN_TEXT], share[MM_PEN_TEXT];

	label(p, name);
	fprintf(p->out, "%*s %8s %*s", FIGURE_COLUMNS, mm_pen_size(p, a, at_peak),
		mm_pen_share(share, at_peak, peak->committed_bytes), FIGURE_COLUMNS,
		mm_pen_size(p, b, at_end));
	if (p->options->width >= 100) {
		mm_pen_ink(p, MM_INK_DIM);
		fprintf(p->out, "   %s", means);
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
}

static void put_account(struct mm_pen *p, const struct mm_outcome *o)
{
	const struct mm_moment_account *k = &o->at_peak, *e = &o->at_end;
	char time[MM_PEN_TEXT];

	mm_pen_title(p, "Where the memory is", "");
	label(p, "");
	fprintf(p->out, "%*s %8s %*s\n", FIGURE_COLUMNS, "at the peak", "", FIGURE_COLUMNS,
		"at the end");
	put_term(p, "committed", "obtained from the system", k, k->committed_bytes,
		 e->committed_bytes);
	put_term(p, "requested", "by live objects", k, k->requested_bytes, e->requested_bytes);
	put_term(p, "internal", "granted to them beyond that", k, k->internal_bytes,
		 e->internal_bytes);
	put_term(p, "cached", "ready in threads", k, k->cached_bytes, e->cached_bytes);
	put_term(p, "slab-external", "free between live objects", k, k->slab_external_bytes,
		 e->slab_external_bytes);
	put_term(p, "tail", "of slabs, too short for a block", k, k->tail_bytes, e->tail_bytes);
	put_term(p, "retained", "pages kept to be used again", k, k->retained_bytes,
		 e->retained_bytes);
	put_term(p, "metadata", "the engine's own", k, k->metadata_bytes, e->metadata_bytes);
	label(p, "the peak was");
	fprintf(p->out, "at %s\n", mm_pen_time(time, k->time_ns));
}

static void put_measures(struct mm_pen *p, const struct mm_measures *m)
{
	char f1[MM_PEN_TEXT], f2[MM_PEN_TEXT], f3[MM_PEN_TEXT], f4[MM_PEN_TEXT];

	mm_pen_title(p, "Committed over requested", "(Johnstone and Wilson)");
	label(p, "F1 mean");
	fprintf(p->out, "%s\n", ratio_text(f1, m->f1_ppm));
	label(p, "F2 requested");
	fprintf(p->out, "%s   when most was requested\n", ratio_text(f2, m->f2_ppm));
	label(p, "F3 committed");
	fprintf(p->out, "%s   when most was committed\n", ratio_text(f3, m->f3_ppm));
	label(p, "F4 peaks");
	fprintf(p->out, "%s   largest committed over largest requested\n", ratio_text(f4, m->f4_ppm));
}

static void put_curve(struct mm_pen *p, const struct mm_outcome *o)
{
	uint64_t committed[MM_OUTCOME_POINTS], requested[MM_OUTCOME_POINTS];
	size_t room = (size_t)p->options->width - LABEL_COLUMNS - 4, n = o->point_count;
	size_t cells = n < room ? n : room;

	if (n < 2)
		return;
	for (size_t i = 0; i < cells; i++) {
		committed[i] = o->point[i * n / cells].committed_bytes;
		requested[i] = o->point[i * n / cells].requested_bytes;
	}
	mm_pen_title(p, "Over the events", "");
	label(p, "committed");
	mm_pen_spark(p, committed, cells, o->at_peak.committed_bytes);
	fputc('\n', p->out);
	label(p, "requested");
	mm_pen_spark(p, requested, cells, o->at_peak.committed_bytes);
	fputc('\n', p->out);
}

static void put_occupancy(struct mm_pen *p, const struct mm_outcome *o)
{
	uint64_t most = 0;
	char count[MM_PEN_TEXT], name[MM_PEN_TEXT];

	for (int i = 0; i < MM_OUTCOME_OCCUPANCY; i++)
		most = o->occupancy[i] > most ? o->occupancy[i] : most;
	if (!most)
		return;
	mm_pen_title(p, "Slabs by how full they are at the peak", "");
	for (int i = 0; i < MM_OUTCOME_OCCUPANCY; i++) {
		if (!o->occupancy[i])
			continue;
		snprintf(name, sizeof name, i ? "up to %d %%" : "empty", i * 10);
		label(p, name);
		fprintf(p->out, "%10s  ", mm_pen_count(count, o->occupancy[i]));
		mm_pen_bar(p, o->occupancy[i], most, 40);
		fputc('\n', p->out);
	}
}

static void put_share(struct mm_pen *p, const char *name, uint64_t ppm, const char *means)
{
	label(p, name);
	if (ppm == MM_UNKNOWN)
		fprintf(p->out, "%7s", "-");
	else
		fprintf(p->out, "%5.1f %%", (double)ppm / 10000);
	if (p->options->width >= 80) {
		mm_pen_ink(p, MM_INK_DIM);
		fprintf(p->out, "   %s", means);
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
}

static void put_layout(struct mm_pen *p, const struct mm_layout *l)
{
	char a[MM_PEN_TEXT], b[MM_PEN_TEXT];

	if (!l->known)
		return;
	mm_pen_title(p, "How what is free lies at the peak", "");
	label(p, "ranges");
	fprintf(p->out, "%s, the largest of %s\n", mm_pen_count(a, l->range_count),
		mm_pen_size(p, b, l->largest_bytes));
	put_share(p, "scattered", l->scattered_ppm, "of it lies outside the largest range");
	put_share(p, "no 256 B", l->unusable_ppm[4], "of it lies in no piece of 256 bytes");
	put_share(p, "no 4 KiB", l->unusable_ppm[8], "of it lies in no piece of 4 KiB");
	put_share(p, "no 64 KiB", l->unusable_ppm[12], "of it lies in no piece of 64 KiB");
	put_share(p, "utilised", l->utilised_ppm, "of the blocks of slabs are out");
	put_share(p, "meshable", l->meshable_ppm, "of pairs of slabs have nothing at the same place");
	put_share(p, "huge", l->huge_ppm, "of the pages in use fill ranges of 2 MiB");
}

static void put_nodes(struct mm_pen *p, const struct mm_outcome *o)
{
	char a[MM_PEN_TEXT], b[MM_PEN_TEXT], c[MM_PEN_TEXT], name[MM_PEN_TEXT];

	if (o->node_count < 2)
		return;
	mm_pen_title(p, "Nodes of the imagined machine", "");
	for (size_t i = 0; i < o->node_count; i++) {
		snprintf(name, sizeof name, "node %zu", i);
		label(p, name);
		fprintf(p->out, "%*s in slabs, %s in large blocks at the peak; %s frees of others' blocks\n",
			FIGURE_COLUMNS, mm_pen_size(p, a, o->node[i].slab_bytes),
			mm_pen_size(p, b, o->node[i].large_bytes),
			mm_pen_count(c, o->node[i].remote_free_count));
	}
}

/* --- what one should know ------------------------------------------------------------------- */

static void put_remark(struct mm_pen *p, uint64_t count, const char *text)
{
	char n[MM_PEN_TEXT];

	if (!count)
		return;
	mm_pen_ink(p, MM_INK_WARN);
	fprintf(p->out, "  ! %s %s\n", mm_pen_count(n, count), text);
	mm_pen_plain(p);
}

static void put_remarks(struct mm_pen *p, const struct mm_outcome *o)
{
	put_remark(p, o->failed_count, "allocations had no room");
	put_remark(p, o->unknown_free_count, "frees name no live object: left out");
	put_remark(p, o->lost_object_count, "objects whose end is missing: freed when their place was taken");
	put_remark(p, o->note_count, "objects inside others (mm_note_alloc): left out");
	put_remark(p, o->seeded_count, "objects lived before the trace begins: placed first");
	put_remark(p, o->law_broken_count, "moments at which the account does not add up: please report this");
}

/* --- who pins memory ------------------------------------------------------------------------- */

static void put_pin(struct mm_pen *p, const struct mm_pinned *all, const struct mm_pinned_row *row)
{
	char bytes[MM_PEN_TEXT], share[MM_PEN_TEXT], count[MM_PEN_TEXT];
	size_t room = (size_t)p->options->width - 36;

	fprintf(p->out, "  %11s %7s %11s   ", mm_pen_size(p, bytes, row->bytes),
		mm_pen_share(share, row->bytes, all->free_bytes),
		mm_pen_count(count, row->object_count));
	room -= mm_pen_name(p, row->name, room);
	if (*row->file && room > 12) {
		mm_pen_ink(p, MM_INK_DIM);
		fputs("  ", p->out);
		mm_pen_text(p, row->file, room - 10, 1);
		fprintf(p->out, ":%u", row->line);
		mm_pen_plain(p);
	}
	fputc('\n', p->out);
	if (!*row->callers)
		return;
	mm_pen_pad(p, 36);
	mm_pen_ink(p, MM_INK_DIM);
	fputs("< ", p->out);
	mm_pen_text(p, row->callers, (size_t)p->options->width - 38, 0);
	mm_pen_plain(p);
	fputc('\n', p->out);
}

static void put_pinned(struct mm_pen *p, const struct mm_pinned *all)
{
	char bytes[MM_PEN_TEXT], share[MM_PEN_TEXT], count[MM_PEN_TEXT];

	mm_pen_ink(p, MM_INK_STRONG);
	fprintf(p->out, "  %11s %7s %11s   %s\n", "pinned", "", "objects", "allocated by");
	mm_pen_plain(p);
	for (size_t i = 0; i < all->row_count; i++)
		put_pin(p, all, &all->row[i]);
	if (all->rest_bytes)
		fprintf(p->out, "  %11s %7s %11s   %s more sites\n",
			mm_pen_size(p, bytes, all->rest_bytes),
			mm_pen_share(share, all->rest_bytes, all->free_bytes), "",
			mm_pen_count(count, all->site_count - all->row_count));
	if (all->nobody_bytes)
		fprintf(p->out, "  %11s %7s %11s   nobody: all other blocks are ready in threads\n",
			mm_pen_size(p, bytes, all->nobody_bytes),
			mm_pen_share(share, all->nobody_bytes, all->free_bytes), "");
}

static void put_pins_of_engine(struct mm_pen *p, const struct mm_outcome *o)
{
	if (!o->pinned.free_bytes)
		return;
	mm_pen_title(p, "Who keeps half-empty slabs", "(at the peak: slab-external bytes by site)");
	put_pinned(p, &o->pinned);
}

static void put_recorded(struct mm_pen *p, const struct mm_recorded_heap *h,
			 uint32_t page_bytes)
{
	char a[MM_PEN_TEXT], b[MM_PEN_TEXT], c[MM_PEN_TEXT];

	if (!h->known)
		return;
	mm_pen_title(p, "The heap that was recorded", "(from its addresses, when most was requested)");
	label(p, "pages");
	fprintf(p->out, "%s in pages of %u bytes that hold %s\n",
		mm_pen_size(p, a, h->committed_bytes), page_bytes,
		mm_pen_size(p, b, h->requested_bytes));
	label(p, "between");
	fprintf(p->out, "%s free, or its allocator's own\n", mm_pen_size(p, c, h->pinned.free_bytes));
	put_pinned(p, &h->pinned);
}

static void put_one(struct mm_pen *p, const struct mm_outcome *o)
{
	put_counts(p, o);
	put_remarks(p, o);
	put_account(p, o);
	put_measures(p, &o->measures);
	put_curve(p, o);
	put_occupancy(p, o);
	put_layout(p, &o->layout);
	put_nodes(p, o);
	mm_text_map(p, o);
	mm_text_configured(p, o);
	put_pins_of_engine(p, o);
}

/* --- several --------------------------------------------------------------------------------- */

/* Columns of the first one: as the longest name has, within reason. */
static size_t names_columns(const struct mm_pen *p, const struct mm_comparison *c)
{
	enum { LEAST = 12, MOST = 28 };
	size_t columns = LEAST;

	for (size_t i = 0; i < c->count; i++) {
		size_t n = mm_pen_columns(p, c->outcome[i].name);
		columns = n > columns ? n : columns;
	}
	return columns < MOST ? columns : MOST;
}

static void put_row(struct mm_pen *p, const struct mm_outcome *o, size_t columns)
{
	const struct mm_moment_account *k = &o->at_peak;
	const uint64_t bytes[] = { k->committed_bytes, k->internal_bytes, k->cached_bytes,
		k->slab_external_bytes, k->tail_bytes + k->retained_bytes, k->metadata_bytes };
	char buf[MM_PEN_TEXT];

	fputs("  ", p->out);
	mm_pen_pad(p, columns - mm_pen_text(p, o->name, columns, 0));
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		fprintf(p->out, " %11s", mm_pen_size(p, buf, bytes[i]));
	fprintf(p->out, " %7s", ratio_text(buf, o->measures.f1_ppm));
	fprintf(p->out, " %7s\n", ratio_text(buf, o->measures.f4_ppm));
}

/* Categories are the same under every strategy: once will do. */
static void put_more(struct mm_pen *p, const struct mm_comparison *c, const struct mm_outcome *o)
{
	if (o->config || !c->outcome[c->count - 1].config)
		mm_text_configured(p, o);
	if (o->config)
		put_pins_of_engine(p, o);
}

static void put_table(struct mm_pen *p, const struct mm_comparison *c)
{
	size_t columns = names_columns(p, c);

	fputc('\n', p->out);
	mm_pen_ink(p, MM_INK_STRONG);
	fprintf(p->out, "  %-*s %11s %11s %11s %11s %11s %11s %7s %7s\n", (int)columns, "strategy",
		"committed", "internal", "cached", "external", "tail, kept", "metadata", "F1", "F4");
	mm_pen_plain(p);
	for (size_t i = 0; i < c->count; i++)
		put_row(p, &c->outcome[i], columns);
	for (size_t i = 0; i < c->count; i++)
		put_remarks(p, &c->outcome[i]);
	for (size_t i = 0; i < c->count; i++)
		if (c->outcome[i].config || i == 0)
			put_more(p, c, &c->outcome[i]);
	for (size_t i = 0; i < c->count; i++)
		mm_text_map(p, &c->outcome[i]);
}

static void put_machine(struct mm_pen *p, const struct mm_outcome *o)
{
	fprintf(p->out, "simulated: pages of %u bytes, %u cores, %u node%s", o->machine.page_bytes,
		o->machine.cores, o->machine.nodes, o->machine.nodes == 1 ? "" : "s");
	if (strcmp(o->check, "off"))
		fprintf(p->out, "; check %s, seed %" PRIu64, o->check, o->seed);
	fputc('\n', p->out);
}

int mm_replay_text(const struct mm_comparison *c, const struct mm_text_options *options,
		   FILE *out)
{
	struct mm_pen p = { out, options };
	const struct mm_outcome *first = &c->outcome[0];
	char requested[MM_PEN_TEXT], time[MM_PEN_TEXT];

	mm_pen_ink(&p, MM_INK_STRONG);
	mm_pen_text(&p, c->cmd, (size_t)options->width, 0);
	mm_pen_plain(&p);
	fputc('\n', out);
	label(&p, c->count == 1 ? first->strategy : "strategies");
	put_machine(&p, first);
	label(&p, "requested");
	fprintf(out, "%s at most, at %s\n",
		mm_pen_size(&p, requested, first->requested.requested_bytes),
		mm_pen_time(time, first->requested.time_ns));
	if (c->count == 1)
		put_one(&p, first);
	else
		put_table(&p, c);
	put_recorded(&p, &c->recorded, first->machine.page_bytes);
	return fflush(out) || ferror(out) ? MM_EIO : MM_OK;
}
