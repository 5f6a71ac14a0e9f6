/* fill_totals.c: totals of a report, and the memory that no event explains (work.h). */
#include <stdlib.h>

#include "collect/unaccounted.h"
#include "core/error.h"
#include "model/work.h"

static void add_totals(struct mm_report_totals *t, const struct mm_sums *s)
{
	const struct mm_totals *a = &s->begin, *b = &s->end;
	struct mm_measure all = mm_sums_all(s);

	mm_measure_add(&t->all, &all);
	t->failed_count += b->failed - a->failed;
	t->implied_free_count += b->implied - a->implied;
	t->inherited_free_count += b->inherited - a->inherited;
	t->realloc_count += b->reallocs - a->reallocs;
	t->live_begin_bytes += a->live_bytes;
	t->live_begin_count += a->live_count;
	t->unknown_count += b->unknown_count;
	if (s->discards && s->to == MM_UNKNOWN) {
		t->discarded_bytes += b->live_bytes;
		t->discarded_count += b->live_count;
	}
}

/* --- unaccounted --------------------------------------------------------------------- */

/* Most bytes ever live at once until the end of a chunk. */
static uint64_t peak_until(const struct mm_work *w, uint32_t chunk)
{
	const struct mm_chunk_info *c = mm_reader_chunk(w->reader, w->selected[0], chunk);

	return c->peak_bytes > c->before.peak_bytes ? c->peak_bytes : c->before.peak_bytes;
}

static uint64_t excess(const struct mm_note_sample *s, uint64_t peak)
{
	uint64_t explained = peak + s->mapped_bytes;

	return s->sample.anon_bytes > explained ? s->sample.anon_bytes - explained : 0;
}

static void weigh_sample(struct mm_report_totals *t, const struct mm_note_sample *s,
			 uint64_t peak)
{
	if (t->unaccounted_bytes != MM_UNKNOWN && excess(s, peak) <= t->unaccounted_bytes)
		return;
	t->unaccounted_bytes = excess(s, peak);
	t->unaccounted_at_ns = s->time;
	t->unaccounted_rss_bytes = s->sample.rss_bytes;
}

static int in_range(const struct mm_work *w, const struct mm_note_sample *s)
{
	return s->time >= w->from && s->time < w->to;
}

static void weigh_samples(struct mm_work *w)
{
	for (size_t i = 0; i < w->notes.sample_count; i++) {
		const struct mm_note_sample *s = &w->notes.samples[i];
		if (in_range(w, s) && s->sample.anon_bytes != MM_UNKNOWN &&
		    s->sample.rss_bytes != MM_UNKNOWN)
			weigh_sample(&w->report->totals, s, peak_until(w, s->at.chunk));
	}
}

static int fill_unaccounted(struct mm_work *w)
{
	struct mm_report_totals *t = &w->report->totals;
	char cause[256] = "";

	t->unaccounted_bytes = t->unaccounted_at_ns = MM_UNKNOWN;
	t->unaccounted_rss_bytes = t->unaccounted_ppm = MM_UNKNOWN;
	t->unaccounted_cause = "";
	/* Of several processes pages may be shared: no sum of theirs would be true. */
	if (w->selected_count != 1)
		return MM_OK;
	weigh_samples(w);
	if (!t->all.alloc_count)
		mm_unaccounted_hidden(mm_reader_process(w->reader, w->selected[0])->exe, cause,
				      sizeof cause);
	t->unaccounted_cause = mm_report_store_text(w->store, cause);
	if (t->unaccounted_bytes == MM_UNKNOWN)
		return MM_OK;
	t->unaccounted_ppm = t->unaccounted_rss_bytes
		? (uint64_t)((unsigned __int128)t->unaccounted_bytes * 1000000 /
			     t->unaccounted_rss_bytes) : 0;
	if (mm_unaccounted_matters(t->unaccounted_bytes, t->unaccounted_rss_bytes))
		mm_unaccounted_cause(mm_reader_process(w->reader, w->selected[0])->exe, cause,
				     sizeof cause);
	t->unaccounted_cause = mm_report_store_text(w->store, cause);
	return MM_OK;
}

static uint64_t rss_peak(const struct mm_work *w)
{
	uint64_t peak = MM_UNKNOWN;

	if (w->selected_count != 1)
		return MM_UNKNOWN;
	for (size_t i = 0; i < w->notes.sample_count; i++) {
		const struct mm_note_sample *s = &w->notes.samples[i];
		/* The high-water mark is that of the life so far, a range's own is not known. */
		uint64_t v = w->from || s->sample.rss_peak_bytes == MM_UNKNOWN
			? s->sample.rss_bytes : s->sample.rss_peak_bytes;
		if (!in_range(w, s) || v == MM_UNKNOWN)
			continue;
		if (peak == MM_UNKNOWN || v > peak)
			peak = v;
	}
	return peak;
}

/* Did one of several processes do something that nobody knows the moment of? */
static int lacks_events(const struct mm_work *w)
{
	for (size_t i = 0; i < w->ready; i++)
		if (w->sums[i].unattributed_count || w->sums[i].tail_unseen)
			return 1;
	return w->all && mm_reader_info(w->reader)->unlisted_processes != 0;
}

static void fill_peak(struct mm_work *w, struct mm_report_totals *t)
{
	t->peak_partial = w->selected_count > 1 && lacks_events(w);
	t->peak_live_bytes = t->all.peak_bytes;
	/* Bytes of no object: the peak lies in what was not recorded. */
	t->peak_live_count = t->all.peak_bytes && !t->all.peak_count ? MM_UNKNOWN :
			     t->all.peak_count;
	for (size_t i = 0; i < w->ready; i++)
		if (w->sums[i].peak_time > t->peak_at_ns)
			t->peak_at_ns = w->sums[i].peak_time;
}

int mm_fill_totals(struct mm_work *w)
{
	struct mm_report_totals *t = &w->report->totals;

	for (size_t i = 0; i < w->ready; i++)
		add_totals(t, &w->sums[i]);
	fill_peak(w, t);
	t->rss_peak_bytes = rss_peak(w);
	t->mapped_bytes = w->notes.map_count == 0 ? MM_UNKNOWN
		: w->notes.map_bytes > w->notes.unmap_bytes
			? w->notes.map_bytes - w->notes.unmap_bytes : 0;
	return fill_unaccounted(w);
}
