/* fill_live.c: how fast things went last, and what of that which lives seems to leak (work.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

#define WINDOW_NS UINT64_C(1000000000)

const char *mm_leak_verdict_name(enum mm_leak_verdict verdict)
{
	static const char *const names[] = { "unknown", "grow", "one", "still", "cache" };

	return (unsigned)verdict < sizeof names / sizeof *names ? names[verdict] : NULL;
}

const char *mm_leak_verdict_word(enum mm_leak_verdict verdict)
{
	static const char *const words[] = { "-", "GROW", "ONE", "STILL", "CACHE?" };

	return (unsigned)verdict < sizeof words / sizeof *words ? words[verdict] : NULL;
}

/* Chunks that end before `time`. */
static uint32_t chunks_before(const struct mm_work *w, uint32_t process, uint64_t time)
{
	uint32_t low = 0, high = mm_reader_chunks(w->reader, process);

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (mm_reader_chunk(w->reader, process, mid)->last_time < time)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint64_t range_end(const struct mm_work *w)
{
	uint64_t duration = mm_reader_info(w->reader)->duration_ns;

	return w->to < duration ? w->to : duration;
}

/* --- rates --------------------------------------------------------------------------- */

/* The latest moment up to `time` at which the totals are those before chunk `c`, which is the
 * first that does not end before it. */
static uint64_t moment_before(const struct mm_work *w, uint32_t process, uint32_t c, uint64_t time)
{
	uint64_t first = c < mm_reader_chunks(w->reader, process)
		? mm_reader_chunk(w->reader, process, c)->first_time : MM_UNKNOWN;
	uint64_t last = c ? mm_reader_chunk(w->reader, process, c - 1)->last_time + 1 : 0;

	return time <= first ? time : last;
}

int mm_fill_rates(struct mm_work *w)
{
	struct mm_report_rates *r = &w->report->rates;
	uint64_t end = range_end(w), begin = end > WINDOW_NS ? end - WINDOW_NS : 0;

	*r = (struct mm_report_rates){ MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN,
				       MM_UNKNOWN, 0 };
	if (w->ready != 1 || w->sums[0].tail_unseen || !mm_reader_chunks(w->reader, w->selected[0]))
		return MM_OK;
	const struct mm_totals *b = &w->sums[0].end, *a;
	uint32_t process = w->selected[0], c = begin ? chunks_before(w, process, begin + 1) : 0;
	a = c < mm_reader_chunks(w->reader, process)
		? &mm_reader_chunk(w->reader, process, c)->before : mm_reader_last(w->reader, process);
	*r = (struct mm_report_rates){
		.window_ns = begin ? end + 1 - moment_before(w, process, c, begin + 1) : end,
		.alloc_count = b->allocs - a->allocs, .alloc_bytes = b->alloc_bytes - a->alloc_bytes,
		.free_count = b->frees - a->frees, .free_bytes = b->free_bytes - a->free_bytes,
		.temporary_count = b->temporaries - a->temporaries,
		.live_bytes_change = (int64_t)(b->live_bytes - a->live_bytes),
	};
	return MM_OK;
}

/* --- leaks --------------------------------------------------------------------------- */

struct trend { /* of one process */
	struct mm_work *work;
	const struct mm_sums *sums;
	struct mm_visit visit;  /* of a small trace: steps are exact then, for a screen as for a report */
	struct mm_point point;  /* up to which `live` was read so */
	uint64_t *live;   /* by site, at the step reached */
	uint8_t *freed;   /* by site: some object was */
	uint32_t at;      /* chunks in `live` */
	int unknown;      /* from here on */
};

static void add_live(void *arg, const struct mm_digest *d)
{
	struct trend *t = arg;

	for (size_t i = 0; i < d->site_count; i++) {
		const struct mm_digest_site *s = &d->sites[i];
		uint32_t site = s->site < t->sums->site_count ? s->site : 0;
		t->live[site] += s->bytes_in - s->bytes_out;
		t->freed[site] |= s->frees != 0;
	}
}

/* Steps far apart are taken where many digests are summed up already. */
static uint32_t step_chunk(const struct trend *t, uint64_t time)
{
	uint32_t c = chunks_before(t->work, t->sums->process, time);
	uint32_t all = t->sums->end_at.chunk + 1;

	if (all >= 4 * MM_LEAK_STEPS * MM_TOWER_CHUNKS)
		c -= c % MM_TOWER_CHUNKS;
	/* Where two chunks share a moment there is none between them. */
	while (c && c < mm_reader_chunks(t->work->reader, t->sums->process) &&
	       mm_reader_chunk(t->work->reader, t->sums->process, c)->first_time ==
	       mm_reader_chunk(t->work->reader, t->sums->process, c - 1)->last_time)
		c--;
	return c;
}

static void note_life(void *arg, const struct mm_event *ev, struct mm_point after)
{
	struct trend *t = arg;
	uint32_t birth = ev->site < t->sums->site_count ? ev->site : 0;
	uint32_t born = ev->born_site < t->sums->site_count ? ev->born_site : 0;

	(void)after;
	if (mm_event_is_birth(ev->kind)) {
		t->live[birth] += ev->size;
	} else if (mm_event_is_death(ev->kind) && ev->kind != MM_EV_INHERITED) {
		t->live[born] -= ev->size != MM_UNKNOWN ? ev->size : 0;
		t->freed[born] = 1;
		t->unknown |= ev->size == MM_UNKNOWN;
	}
}

/* Every event before `time`. */
static int read_to(struct trend *t, uint64_t time)
{
	struct mm_point p;
	int err = t->unknown ? MM_OK : mm_visit_point(&t->visit, time, &p);

	if (err || t->unknown || mm_point_compare(p, t->point) <= 0)
		return err;
	err = mm_visit_to(&t->visit, t->point, p, note_life, t, NULL);
	t->point = p;
	return err;
}

static int go_to(struct trend *t, uint32_t chunk)
{
	struct mm_learnt *l = t->sums->learnt;
	uint32_t at = chunk;

	if (t->unknown || chunk <= t->at)
		return MM_OK;
	int err = mm_tower_sum(&l->tower, t->work->reader, t->sums->process, t->at, chunk, add_live, t,
			       &at);
	t->unknown = at < chunk || mm_learnt_has_gap(l, t->at, chunk);
	t->at = chunk;
	return err;
}

static int64_t growth(uint64_t before, uint64_t after, uint64_t ns)
{
	__int128 rise = (__int128)(int64_t)(after - before) * 1000000000;

	return (int64_t)(rise / (__int128)ns);
}

static enum mm_leak_verdict judge(const struct mm_report_leak *l, const struct mm_measure *m)
{
	uint64_t half = l->live_bytes[MM_LEAK_STEPS / 2 - 1];
	uint64_t late = l->live_bytes[MM_LEAK_STEPS * 3 / 4 - 1];
	uint64_t end = l->live_bytes[MM_LEAK_STEPS - 1];

	if (half == MM_UNKNOWN || late == MM_UNKNOWN || end == MM_UNKNOWN)
		return MM_LEAK_UNKNOWN;
	if (m->live_count == 1)
		return MM_LEAK_ONE;
	if (end > late && late > half)
		return MM_LEAK_GROW;
	return l->never_freed ? MM_LEAK_STILL : MM_LEAK_CACHE;
}

static void finish_leak(const struct mm_work *w, const struct trend *t, uint32_t site,
			struct mm_report_leak *l)
{
	const struct mm_measure *m = &t->sums->sites[site];
	const uint64_t *when = w->report->leak_steps_ns;
	uint64_t half = l->live_bytes[MM_LEAK_STEPS / 2 - 1];
	uint64_t span = when[MM_LEAK_STEPS - 1] - when[MM_LEAK_STEPS / 2 - 1];

	l->live_bytes[MM_LEAK_STEPS - 1] = m->live_bytes;
	l->never_freed = !t->unknown && !t->freed[site] && !m->free_count;
	if (half != MM_UNKNOWN && m->live_bytes != MM_UNKNOWN && span) {
		l->growth_known = 1;
		l->growth_bytes_per_s = growth(half, m->live_bytes, span);
	}
	l->verdict = (uint8_t)judge(l, m);
}

static int take_steps(struct trend *t)
{
	struct mm_report *r = t->work->report;
	uint64_t from = t->work->from, end = range_end(t->work);

	for (unsigned k = 0; k < MM_LEAK_STEPS; k++) {
		uint64_t time = from + (uint64_t)((unsigned __int128)(end - from) * (k + 1) /
						  MM_LEAK_STEPS);
		uint32_t chunk = k + 1 < MM_LEAK_STEPS ? step_chunk(t, time) : t->sums->end_at.chunk;
		int exact = t->work->small, err = exact ? read_to(t, time) : go_to(t, chunk);
		if (err)
			return err;
		r->leak_steps_ns[k] = exact ? time : k + 1 < MM_LEAK_STEPS
			? moment_before(t->work, t->sums->process, chunk, time) : end;
		for (size_t i = 0; i < r->leaks.count; i++)
			if (t->work->leak_places[i].sum == (uint32_t)(t->sums - t->work->sums))
				r->leak_rows[i].live_bytes[k] = t->unknown ? MM_UNKNOWN
					: t->live[t->work->leak_places[i].site];
	}
	return MM_OK;
}

static int follow(struct mm_work *w, const struct mm_sums *s)
{
	struct trend t = { .work = w, .sums = s, .live = calloc(s->site_count, sizeof *t.live),
			   .freed = calloc(s->site_count, 1) };
	int err = t.live && t.freed ? MM_OK : MM_ENOMEM;

	mm_visit_init(&t.visit, w->reader, s->process);
	t.unknown = s->tail_unseen || s->has_gaps || !mm_reader_chunks(w->reader, s->process);
	if (!err)
		err = take_steps(&t);
	for (size_t i = 0; !err && i < w->report->leaks.count; i++)
		if (w->leak_places[i].sum == (uint32_t)(s - w->sums))
			finish_leak(w, &t, w->leak_places[i].site, &w->report->leak_rows[i]);
	mm_visit_deinit(&t.visit);
	free(t.live);
	free(t.freed);
	return err;
}

int mm_fill_leaks(struct mm_work *w)
{
	struct mm_report *r = w->report;
	int err = MM_OK;

	r->leak_rows = mm_report_store_alloc(w->store, r->leaks.count, sizeof *r->leak_rows);
	if (r->leaks.count && !r->leak_rows)
		return MM_ENOMEM;
	for (size_t i = 0; i < r->leaks.count; i++)
		memset(r->leak_rows[i].live_bytes, 0xff, sizeof r->leak_rows[i].live_bytes);
	if (w->options->quick && !w->options->objects) {
		if (r->leaks.count)
			memset(r->leak_steps_ns, 0xff, sizeof r->leak_steps_ns);
		return MM_OK;
	}
	for (size_t i = 0; !err && r->leaks.count && i < w->ready; i++)
		err = follow(w, &w->sums[i]);
	return err;
}
