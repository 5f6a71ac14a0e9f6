/* sums.c: sums of one process over a range (sums.h). */
#include "model/sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "model/parts.h"
#include "model/sum_events.h"

enum { QUICK_BACK = 24 }; /* chunks that are searched for who held the peak */

int mm_sums_init(struct mm_sums *f, struct mm_reader *r, struct mm_learnt *learnt,
		 uint64_t from, uint64_t to)
{
	const struct mm_shares *shares = &learnt->shares;
	uint32_t process = learnt->process;

	memset(f, 0, sizeof *f);
	f->reader = r;
	f->process = process;
	f->learnt = learnt;
	f->shares = shares;
	f->from = from;
	f->to = to;
	f->site_count = mm_reader_sites(r, process);
	f->thread_count = mm_reader_threads(r, process) + 1;
	f->category_count = mm_categories_count(shares->categories);
	f->site_count += f->site_count == 0;
	f->sites = calloc(f->site_count, sizeof *f->sites);
	f->oldest = malloc(f->site_count * sizeof *f->oldest);
	f->threads = calloc(f->thread_count, sizeof *f->threads);
	f->categories = calloc(f->category_count, sizeof *f->categories);
	mm_visit_init(&f->visit, r, process);
	if (!f->sites || !f->oldest || !f->threads || !f->categories) {
		mm_sums_deinit(f);
		return MM_ENOMEM;
	}
	for (uint32_t i = 0; i < f->category_count; i++)
		f->categories[i].limit = f->categories[i].exceeded_time = MM_UNKNOWN;
	memset(f->oldest, 0xff, f->site_count * sizeof *f->oldest);
	f->discards = mm_reader_process(r, process)->end == MM_END_EXEC;
	return MM_OK;
}

void mm_sums_deinit(struct mm_sums *f)
{
	mm_visit_deinit(&f->visit);
	mm_census_deinit(&f->census);
	free(f->sites);
	free(f->oldest);
	free(f->threads);
	free(f->categories);
	free(f->points);
	f->sites = NULL;
	f->oldest = NULL;
	f->threads = NULL;
	f->categories = NULL;
	f->points = NULL;
}

/* --- digests ------------------------------------------------------------------------- */

static void add_sums(struct mm_measure *m, uint64_t allocs, uint64_t frees, uint64_t in,
		     uint64_t out, uint64_t temporaries)
{
	m->alloc_count += allocs;
	m->alloc_bytes += in;
	m->free_count += frees;
	m->free_bytes += out;
	m->temporary_count += temporaries;
}

static void add_digest(void *arg, const struct mm_digest *d)
{
	struct mm_sums *f = arg;

	for (size_t i = 0; i < d->site_count; i++) {
		const struct mm_digest_site *s = &d->sites[i];
		add_sums(mm_sum_site(f, s->site), s->allocs, s->frees, s->bytes_in,
			 s->bytes_out, s->temporaries);
	}
	for (size_t i = 0; i < d->thread_count; i++) {
		const struct mm_digest_thread *t = &d->threads[i];
		add_sums(mm_sum_thread(f, t->thread), t->allocs, t->frees, t->bytes_in,
			 t->bytes_out, t->temporaries);
	}
	for (int i = 0; i < MM_LIFE_BUCKETS; i++) {
		f->life_count[i] += d->life_count[i];
		f->life_bytes[i] += d->life_bytes[i];
	}
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		add_sums(&f->sizes[i], d->size_count[i], d->size_freed_count[i],
			 d->size_bytes[i], d->size_freed_bytes[i], 0);
}

/* Running totals when `chunk` is over. */
static const struct mm_totals *totals_after(const struct mm_sums *f, uint32_t chunk)
{
	return chunk + 1 < mm_reader_chunks(f->reader, f->process)
		? &mm_reader_chunk(f->reader, f->process, chunk + 1)->before
		: mm_reader_last(f->reader, f->process);
}

/* Of whole chunks: some of them together make one point. */
static int whole_points(struct mm_sums *f, uint32_t first, uint32_t end)
{
	uint32_t all = f->end_at.chunk - f->begin_at.chunk + 1;
	uint32_t each = (all + MM_SUM_POINTS - 1) / MM_SUM_POINTS;

	for (uint32_t c = first, last; c < end; c = last + 1) {
		last = end - c < each ? end - 1 : c + each - 1;
		const struct mm_totals *after = totals_after(f, last);
		const struct mm_totals *before =
			&mm_reader_chunk(f->reader, f->process, c)->before;
		uint64_t peak = 0;
		for (uint32_t i = c; i <= last; i++)
			peak = f->learnt->peaks[i] > peak ? f->learnt->peaks[i] : peak;
		if (MM_GROW(f->points, f->point_cap, f->point_count + 1))
			return MM_ENOMEM;
		f->points[f->point_count++] = (struct mm_sum_point){
			.time = mm_reader_chunk(f->reader, f->process, last)->last_time,
			.live_bytes = after->live_bytes, .live_count = after->live_count,
			.peak_bytes = peak, .alloc_count = after->allocs - before->allocs,
			.alloc_bytes = after->alloc_bytes - before->alloc_bytes,
			.free_count = after->frees - before->frees,
		};
	}
	return MM_OK;
}

/* Events a .. b, by a walk when they cannot be had without. */
static int walk_part(struct mm_sums *f, struct mm_point a, struct mm_point b, mm_visit_fn fn,
		     void *arg, struct mm_diag *diag)
{
	struct mm_part *part;
	int err = f->sweep ? 1 : mm_learnt_part(f->learnt, f->reader, a.chunk, b.index, UINT32_MAX,
					    &part);

	if (!err)
		mm_part_walk(part, f->reader, f->learnt, a.index, b.index, fn, arg);
	if (err == 1)
		err = mm_visit_to(&f->visit, a, b, fn, arg, diag);
	return err ? err : f->failed;
}

/* Chunks first .. end, which lie wholly in the range, by digests; those without by their
 * events. */
static int collect_whole(struct mm_sums *f, uint32_t first, uint32_t end, struct mm_diag *diag)
{
	while (first < end) {
		uint32_t at;
		int err = mm_tower_sum(&f->learnt->tower, f->reader, f->process, first, end,
				       add_digest, f, &at);
		if (!err)
			err = whole_points(f, first, at);
		if (err)
			return err;
		f->has_gaps |= mm_learnt_has_gap(f->learnt, first, at);
		if (at > first)
			f->end = *totals_after(f, at - 1);
		if (at < end) {
			struct mm_point a = { at, 0 }, b = { at,
				(uint32_t)mm_reader_chunk(f->reader, f->process, at)->events };
			f->has_gaps = 1;
			err = mm_visit_to(&f->visit, a, b, mm_sum_account, f, diag);
			if (err || f->failed)
				return err ? err : f->failed;
			at++;
		}
		first = at;
	}
	return MM_OK;
}

static uint32_t events_of(const struct mm_sums *f, uint32_t chunk)
{
	return (uint32_t)mm_reader_chunk(f->reader, f->process, chunk)->events;
}

/* Part of one chunk. */
static int collect_part(struct mm_sums *f, struct mm_point a, struct mm_point b,
			struct mm_diag *diag)
{
	f->has_gaps |= mm_learnt_has_gap(f->learnt, a.chunk, a.chunk + 1);
	return walk_part(f, a, b, mm_sum_account, f, diag);
}

static int collect_digests(struct mm_sums *f, struct mm_diag *diag)
{
	struct mm_point a = f->begin_at, b = f->end_at;
	int part_first = a.index != 0, part_last = b.index != events_of(f, b.chunk);
	uint32_t first = a.chunk + (uint32_t)part_first, end = b.chunk + (uint32_t)!part_last;
	int err = MM_OK;

	if (a.chunk == b.chunk && (part_first || part_last))
		return collect_part(f, a, b, diag);
	if (part_first)
		err = collect_part(f, a, (struct mm_point){ a.chunk, events_of(f, a.chunk) }, diag);
	if (!err)
		err = collect_whole(f, first, end, diag);
	if (!err && part_last)
		err = collect_part(f, (struct mm_point){ b.chunk, 0 }, b, diag);
	return err;
}

/* --- the peak ------------------------------------------------------------------------ */

struct peak_search {
	struct mm_sums *sums;
	struct mm_point from, after; /* of the best so far */
	uint64_t live;
};

static void watch_live(void *arg, const struct mm_event *ev, struct mm_point after)
{
	struct peak_search *p = arg;

	if (mm_event_is_birth(ev->kind))
		p->live += ev->size;
	else if (mm_event_is_death(ev->kind) && ev->size != MM_UNKNOWN)
		p->live -= ev->size;
	if (mm_point_compare(after, p->from) > 0 && p->live > p->sums->peak_bytes) {
		p->sums->peak_bytes = p->live;
		p->sums->peak_time = ev->time;
		p->after = after;
	}
}

/* In the events a .. b of a chunk. */
static int search_part(struct peak_search *p, const struct mm_chunk_info *info, uint32_t chunk,
		       uint32_t a, uint32_t b, struct mm_diag *diag)
{
	p->live = info->before.live_bytes;
	p->from = (struct mm_point){ chunk, a };
	return walk_part(p->sums, (struct mm_point){ chunk, 0 }, (struct mm_point){ chunk, b },
			 watch_live, p, diag);
}

static int find_peak(struct mm_sums *f, struct mm_diag *diag)
{
	struct peak_search p = { .sums = f, .after = f->begin_at };
	int err = MM_OK;

	f->peak_bytes = f->begin.live_bytes;
	f->peak_time = f->from;
	for (uint32_t c = f->begin_at.chunk; !err && c <= f->end_at.chunk; c++) {
		if (f->learnt->peaks[c] <= f->peak_bytes)
			continue;
		const struct mm_chunk_info *info = mm_reader_chunk(f->reader, f->process, c);
		uint32_t a = c == f->begin_at.chunk ? f->begin_at.index : 0;
		uint32_t b = c == f->end_at.chunk ? f->end_at.index : (uint32_t)info->events;

		if (info->peak_bytes <= f->peak_bytes)
			continue;
		if (a == 0 && b == info->events) {
			f->peak_bytes = info->peak_bytes;
			f->peak_time = info->peak_time;
			p.after = (struct mm_point){ c, info->peak_index + 1 };
		} else {
			err = search_part(&p, info, c, a, b, diag);
		}
	}
	f->peak_at = p.after;
	return err;
}

/* Totals at the range's end as far as the trace tells them: of a part, those before the
 * chunk that the range ends in. */
static const struct mm_totals *last_totals(const struct mm_sums *f)
{
	return f->to == MM_UNKNOWN ? mm_reader_totals(f->reader, f->process)
		: &mm_reader_chunk(f->reader, f->process, f->end_at.chunk)->before;
}

/* From the start on the running totals know a peak that no chunk of the file holds. */
static void weigh_unseen_peak(struct mm_sums *f)
{
	const struct mm_totals *t = last_totals(f);

	if (f->from || t->peak_time >= f->to || t->peak_bytes <= f->peak_bytes)
		return;
	f->peak_unseen = 1;
	f->peak_bytes = t->peak_bytes;
	f->peak_time = t->peak_time;
	f->peak_at = (struct mm_point){ 0, 0 };
}

/* --- all together -------------------------------------------------------------------- */

static int find_range(struct mm_sums *f, struct mm_diag *diag)
{
	struct mm_point start = { 0, 0 };
	int err = f->from ? mm_visit_point(&f->visit, f->from, &f->begin_at) : MM_OK;

	if (!f->from)
		f->begin_at = start;
	if (!err && f->to == MM_UNKNOWN)
		f->end_at = mm_visit_end(&f->visit);
	else if (!err)
		err = mm_visit_point(&f->visit, f->to, &f->end_at);
	/* It did nothing yet since the kept part began: as it was then. */
	if (!f->from && !mm_point_compare(f->end_at, start))
		f->end = mm_reader_chunk(f->reader, f->process, 0)->before;
	if (err || !f->from)
		return err;
	/* The totals at the range's start: those of its chunk and the events up to it. */
	f->end = mm_reader_chunk(f->reader, f->process, f->begin_at.chunk)->before;
	if (f->begin_at.index)
		err = walk_part(f, (struct mm_point){ f->begin_at.chunk, 0 }, f->begin_at,
				mm_sum_total, f, diag);
	f->begin = f->end;
	return err;
}

static int collect_sweep(struct mm_sums *f, struct mm_diag *diag)
{
	int err = mm_visit_to(&f->visit, f->begin_at, f->begin_at, NULL, NULL, diag);

	if (err)
		return err;
	mm_sum_begin_categories(f);
	err = mm_visit_to(&f->visit, f->begin_at, f->peak_at, mm_sum_account, f, diag);
	if (err || f->failed)
		return err ? err : f->failed;
	if (f->peak_bytes && !f->peak_unseen)
		mm_sum_snapshot_peak(f);
	err = mm_visit_to(&f->visit, f->peak_at, f->end_at, mm_sum_account, f, diag);
	return err ? err : f->failed;
}

/* Who lives at a point, by sums: 0, 1 = only a visit tells, or an error. */
static int tell_parts(struct mm_sums *f, struct mm_point at, uint32_t most,
		      void (*take)(struct mm_sums *f, const struct mm_parts *p))
{
	struct mm_parts parts = { 0 };
	int err = mm_parts_at(&parts, f->reader, f->learnt, at, most, f->site_count,
			      f->thread_count);

	if (!err)
		take(f, &parts);
	mm_parts_deinit(&parts);
	return err;
}

static int collect_peak_quickly(struct mm_sums *f)
{
	struct mm_point *hopeless = &f->learnt->hopeless, at = f->peak_at;
	int err = 1;

	if (hopeless->chunk != at.chunk + 1 || hopeless->index != at.index)
		err = tell_parts(f, at, QUICK_BACK, mm_sum_parts_peak);
	if (err > 0) {
		*hopeless = (struct mm_point){ at.chunk + 1, at.index };
		mm_sum_unknown_peak(f);
	}
	return err < 0 ? err : MM_OK;
}

static int collect_by_digests(struct mm_sums *f, struct mm_diag *diag)
{
	int err = collect_digests(f, diag);

	if (!err && f->peak_bytes == MM_UNKNOWN)
		mm_sum_unknown_peak(f);
	if (err || f->peak_unseen || !f->peak_bytes)
		return err;
	if (f->quick)
		return collect_peak_quickly(f);
	err = tell_parts(f, f->peak_at, UINT32_MAX, mm_sum_parts_peak);
	if (err <= 0)
		return err;
	err = mm_visit_to(&f->visit, f->peak_at, f->peak_at, NULL, NULL, diag);
	if (!err)
		mm_sum_snapshot_peak(f);
	return err;
}

/* Quickly: what lives as a sum; who of it was born in the range only when that is all. */
static int collect_end_quickly(struct mm_sums *f)
{
	int err = tell_parts(f, f->end_at, UINT32_MAX, mm_sum_parts_end);

	if (err < 0)
		return err;
	if (err)
		mm_sum_unknown_live(f);
	if (err || (f->from && !f->discards))
		mm_sum_unknown_leaks(f);
	return MM_OK;
}

/* Of an undamaged process from its start on the digests say what lives at its end, too: what
 * was born and did not die. Only who was born when takes a visit. */
static int collect_end(struct mm_sums *f, struct mm_diag *diag)
{
	int whole = f->from == 0 && (f->to == MM_UNKNOWN || f->quick) && !f->has_gaps;

	if (f->tail_unseen)
		return MM_OK;
	if (!f->sweep && whole && !f->births_wanted) {
		mm_sum_derive_end(f);
		return MM_OK;
	}
	if (f->quick && !f->births_wanted)
		return collect_end_quickly(f);
	int err = f->sweep ? 1 : mm_census_take(&f->census, f->reader, f->learnt, f->end_at,
						f->end.live_count);
	if (err == 1)
		err = mm_visit_to(&f->visit, f->end_at, f->end_at, NULL, NULL, diag);
	if (!err)
		mm_sum_snapshot_end(f);
	return err;
}

/* The file holds no event of the process: since its checkpoint, if it has one, it has been as
 * its totals say. Of the time before only the whole is known. */
static int collect_bare(struct mm_sums *f, struct mm_diag *diag)
{
	const struct mm_process *p = mm_reader_process(f->reader, f->process);
	struct mm_point start = { 0, 0 };

	if (f->to != MM_UNKNOWN && p->start_time >= f->to)
		return MM_OK;
	f->end = *mm_reader_totals(f->reader, f->process);
	if (f->from > p->start_time)
		f->begin = f->end;
	if (!f->peak_given) {
		f->peak_unseen = !f->from;
		f->peak_bytes = f->from ? f->end.live_bytes : f->end.peak_bytes;
		f->peak_time = f->from ? f->from : f->end.peak_time;
	}
	int err = mm_visit_to(&f->visit, start, start, NULL, NULL, diag);
	if (err)
		return err;
	if (f->peak_bytes && !f->peak_unseen)
		mm_sum_snapshot_peak(f);
	mm_sum_snapshot_end(f);
	mm_sum_finish(f);
	return MM_OK;
}

/* Does the trace lack what the process did last? */
static int lacks_tail(const struct mm_sums *f)
{
	return f->to == MM_UNKNOWN && memcmp(mm_reader_totals(f->reader, f->process),
					     mm_reader_last(f->reader, f->process),
					     sizeof(struct mm_totals)) != 0;
}

int mm_sums_collect(struct mm_sums *f, struct mm_diag *diag)
{
	if (!mm_reader_chunks(f->reader, f->process))
		return collect_bare(f, diag);
	f->tail_unseen = lacks_tail(f);
	f->sweep |= !f->shares->plain && !f->quick;
	int err = find_range(f, diag);
	if (!err && !f->peak_given) {
		err = find_peak(f, diag);
		weigh_unseen_peak(f);
	}
	/* Nothing happened here between the range's start and a peak that lies before it. */
	if (mm_point_compare(f->peak_at, f->begin_at) < 0)
		f->peak_at = f->begin_at;
	if (!err)
		err = f->sweep ? collect_sweep(f, diag) : collect_by_digests(f, diag);
	if (!err)
		err = collect_end(f, diag);
	if (err)
		return err;
	if (f->to == MM_UNKNOWN)
		f->end = *mm_reader_totals(f->reader, f->process);
	mm_sum_finish(f);
	return MM_OK;
}
