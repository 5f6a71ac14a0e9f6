/* sum_events.c: events and live objects into sums (sum_events.h). */
#include "model/sum_events.h"

#include <string.h>

#include "base/buf.h"
#include "core/error.h"

unsigned mm_sums_size_bucket(uint64_t size)
{
	unsigned k = size ? 64 - (unsigned)__builtin_clzll(size) : 0;

	return k < MM_SIZE_BUCKETS ? k : MM_SIZE_BUCKETS - 1;
}

unsigned mm_sums_life_bucket(uint64_t ns)
{
	unsigned k = ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;

	return k < MM_LIFE_BUCKETS ? k : MM_LIFE_BUCKETS - 1;
}

/* --- running totals ------------------------------------------------------------------ */

static void total_birth(struct mm_totals *t, const struct mm_event *ev)
{
	t->allocs++;
	t->alloc_bytes += ev->size;
	t->live_count++;
	t->live_bytes += ev->size;
	t->reallocs += ev->kind == MM_EV_REALLOC_IN;
}

static void total_death(struct mm_totals *t, const struct mm_event *ev)
{
	if (ev->kind == MM_EV_INHERITED) {
		t->inherited++;
		return;
	}
	t->frees++;
	t->live_count--;
	t->implied += ev->kind == MM_EV_IMPLIED;
	t->temporaries += ev->temporary != 0;
	if (ev->size == MM_UNKNOWN) {
		t->unknown_count -= t->unknown_count != 0;
	} else {
		t->free_bytes += ev->size;
		t->live_bytes -= ev->size;
	}
}

void mm_sum_total(void *arg, const struct mm_event *ev, struct mm_point after)
{
	struct mm_sums *f = arg;

	(void)after;
	if (mm_event_is_birth(ev->kind))
		total_birth(&f->end, ev);
	else if (mm_event_is_death(ev->kind))
		total_death(&f->end, ev);
	else
		f->end.failed += ev->kind == MM_EV_FAILED;
}

/* --- sums ---------------------------------------------------------------------------- */

static void measure_birth(struct mm_measure *m, uint64_t size)
{
	m->alloc_count++;
	m->alloc_bytes += size;
}

static void measure_death(struct mm_measure *m, uint64_t size, int temporary)
{
	m->free_count++;
	m->free_bytes += size == MM_UNKNOWN ? 0 : size;
	m->temporary_count += temporary;
}

static struct mm_sum_category *category_of(struct mm_sums *f, uint32_t site, uint32_t thread)
{
	uint32_t c = mm_shares_category(f->shares, site, thread);

	return &f->categories[c < f->category_count ? c : MM_CATEGORY_GENERAL];
}

static void watch_budget(struct mm_sum_category *c, uint64_t time)
{
	if (c->live > c->limit && c->exceeded_time == MM_UNKNOWN)
		c->exceeded_time = time;
}

/* Budgets that came into force until `time`. */
static void take_budgets(struct mm_sums *f, uint64_t time)
{
	for (; f->budget_at < f->budget_count && f->budgets[f->budget_at].time <= time;
	     f->budget_at++) {
		const struct mm_budget_step *b = &f->budgets[f->budget_at];
		if (b->category >= f->category_count)
			continue;
		f->categories[b->category].limit = b->bytes;
		watch_budget(&f->categories[b->category], b->time);
	}
}

static void account_birth(struct mm_sums *f, const struct mm_event *ev)
{
	measure_birth(mm_sum_site(f, ev->site), ev->size);
	measure_birth(mm_sum_thread(f, ev->thread), ev->size);
	measure_birth(&f->sizes[mm_sums_size_bucket(ev->size)], ev->size);
	if (!f->sweep)
		return;
	struct mm_sum_category *c = category_of(f, ev->site, ev->thread);
	measure_birth(&c->own, ev->size);
	c->live += ev->size;
	if (c->live > c->peak_bytes) {
		c->peak_bytes = c->live;
		c->peak_time = ev->time;
	}
	watch_budget(c, ev->time);
}

static void account_death(struct mm_sums *f, const struct mm_event *ev)
{
	int temporary = ev->temporary != 0;
	int known = ev->size != MM_UNKNOWN;

	measure_death(mm_sum_site(f, ev->born_site), ev->size, temporary);
	measure_death(mm_sum_thread(f, known ? ev->born_thread : MM_NO_THREAD), ev->size,
		      temporary);
	if (known) {
		unsigned k = mm_sums_life_bucket(ev->time - ev->born_time);
		f->life_count[k]++;
		f->life_bytes[k] += ev->size;
		measure_death(&f->sizes[mm_sums_size_bucket(ev->size)], ev->size, temporary);
	}
	if (!f->sweep)
		return;
	struct mm_sum_category *c = category_of(f, ev->born_site, ev->born_thread);
	measure_death(&c->own, ev->size, temporary);
	c->live -= known && ev->size <= c->live ? ev->size : 0;
}

/* --- timeline of a sweep ------------------------------------------------------------- */

static uint64_t point_of(const struct mm_sums *f, uint64_t time)
{
	uint64_t span = f->to == MM_UNKNOWN
		? mm_reader_chunk(f->reader, f->process, f->end_at.chunk)->last_time + 1 - f->from
		: f->to - f->from;
	uint64_t n = f->point_wanted ? f->point_wanted : 1;

	return time < f->from || !span ? 0
		: (uint64_t)((unsigned __int128)(time - f->from) * n / span);
}

/* The last point, or a fresh one when the event's time belongs to a later one. */
static struct mm_sum_point *point_for(struct mm_sums *f, uint64_t time)
{
	struct mm_sum_point *last = f->point_count ? &f->points[f->point_count - 1] : NULL;

	if (last && point_of(f, last->time) == point_of(f, time))
		return last;
	if (MM_GROW(f->points, f->point_cap, f->point_count + 1)) {
		f->failed = MM_ENOMEM;
		return NULL;
	}
	last = &f->points[f->point_count++];
	*last = (struct mm_sum_point){ .peak_bytes = f->end.live_bytes };
	return last;
}

static void note_point(struct mm_sums *f, const struct mm_event *ev)
{
	struct mm_sum_point *p = point_for(f, ev->time);

	if (!p)
		return;
	p->time = ev->time;
	p->live_bytes = f->end.live_bytes;
	p->live_count = f->end.live_count;
	if (p->live_bytes > p->peak_bytes)
		p->peak_bytes = p->live_bytes;
	if (mm_event_is_birth(ev->kind)) {
		p->alloc_count++;
		p->alloc_bytes += ev->size;
	} else if (mm_event_is_death(ev->kind)) {
		p->free_count += ev->kind != MM_EV_INHERITED;
	}
}

void mm_sum_account(void *arg, const struct mm_event *ev, struct mm_point after)
{
	struct mm_sums *f = arg;

	/* What a lost chunk did is in the totals of the next. */
	if (after.index == 1)
		f->end = mm_reader_chunk(f->reader, f->process, after.chunk)->before;
	mm_sum_total(f, ev, after);
	if (f->sweep)
		take_budgets(f, ev->time);
	if (mm_event_is_birth(ev->kind))
		account_birth(f, ev);
	else if (mm_event_is_death(ev->kind) && ev->kind != MM_EV_INHERITED)
		account_death(f, ev);
	note_point(f, ev);
	if (f->sweep && f->progress && after.index == 1)
		mm_progress_step(f->progress, after.chunk - f->begin_at.chunk,
				 f->end_at.chunk - f->begin_at.chunk + 1);
}

/* --- live objects -------------------------------------------------------------------- */

void mm_sum_each_live(const struct mm_sums *f, void (*fn)(void *arg, const struct mm_object *o),
		      void *arg)
{
	const struct mm_objects *objects = mm_visit_objects(&f->visit);
	struct mm_object o;
	uint32_t slot;
	size_t at = 0;

	for (size_t i = 0; f->census.taken && i < f->census.count; i++)
		fn(arg, &f->census.objects[i]);
	if (f->census.taken)
		return;
	while (objects && mm_objects_next(objects, &at, &slot, &o))
		if (o.size != MM_UNKNOWN)
			fn(arg, &o);
}

static void begin_object(void *arg, const struct mm_object *o)
{
	struct mm_sums *f = arg;
	struct mm_sum_category *c = category_of(f, o->site, o->thread);

	c->live += o->size;
	c->peak_bytes = c->live;
	c->peak_time = f->from;
}

void mm_sum_begin_categories(struct mm_sums *f)
{
	/* Only what is in force when the range begins: what was exceeded before is not asked. */
	take_budgets(f, f->from);
	mm_sum_each_live(f, begin_object, f);
	for (uint32_t i = 0; i < f->category_count; i++)
		watch_budget(&f->categories[i], f->from);
	f->category_peaks = 1;
}

static void measure_peak(struct mm_measure *m, uint64_t size)
{
	m->peak_bytes += size;
	m->peak_count++;
}

static void peak_object(void *arg, const struct mm_object *o)
{
	struct mm_sums *f = arg;
	measure_peak(mm_sum_site(f, o->site), o->size);
	measure_peak(mm_sum_thread(f, o->thread), o->size);
	measure_peak(&f->sizes[mm_sums_size_bucket(o->size)], o->size);
	measure_peak(&category_of(f, o->site, o->thread)->own, o->size);
	f->peak_count++;
}

void mm_sum_snapshot_peak(struct mm_sums *f)
{
	mm_sum_each_live(f, peak_object, f);
}

static void measure_live(struct mm_measure *m, uint64_t size, int leak)
{
	m->live_bytes += size;
	m->live_count++;
	if (leak) {
		m->leak_bytes += size;
		m->leak_count++;
	}
}

static void end_object(void *arg, const struct mm_object *o)
{
	struct mm_sums *f = arg;
	int leak = !f->discards && o->time >= f->from;
	uint32_t site = o->site < f->site_count ? o->site : 0;

	measure_live(&f->sites[site], o->size, leak);
	measure_live(mm_sum_thread(f, o->thread), o->size, leak);
	measure_live(&f->sizes[mm_sums_size_bucket(o->size)], o->size, leak);
	measure_live(&category_of(f, o->site, o->thread)->own, o->size, leak);
	if (o->time < f->oldest[site])
		f->oldest[site] = o->time;
}

void mm_sum_snapshot_end(struct mm_sums *f)
{
	mm_sum_each_live(f, end_object, f);
}

static void set_live(const struct mm_sums *f, struct mm_measure *m, uint64_t bytes, uint64_t count)
{
	m->live_bytes = bytes;
	m->live_count = count;
	m->leak_bytes = f->discards ? 0 : bytes;
	m->leak_count = f->discards ? 0 : count;
}

static void derive_live(const struct mm_sums *f, struct mm_measure *m)
{
	set_live(f, m, m->alloc_bytes - m->free_bytes, m->alloc_count - m->free_count);
}

void mm_sum_derive_end(struct mm_sums *f)
{
	for (uint32_t i = 0; i < f->site_count; i++)
		derive_live(f, &f->sites[i]);
	for (uint32_t i = 0; i < f->thread_count; i++)
		derive_live(f, &f->threads[i]);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		derive_live(f, &f->sizes[i]);
}

void mm_sum_parts_end(struct mm_sums *f, const struct mm_parts *p)
{
	for (uint32_t i = 0; i < f->site_count; i++)
		set_live(f, &f->sites[i], p->sites[i].bytes, p->sites[i].count);
	for (uint32_t i = 0; i < f->thread_count; i++)
		set_live(f, &f->threads[i], p->threads[i].bytes, p->threads[i].count);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		set_live(f, &f->sizes[i], p->sizes[i].bytes, p->sizes[i].count);
}

static void set_peak(struct mm_measure *m, const struct mm_part_sum *p)
{
	m->peak_bytes = p->bytes;
	m->peak_count = p->count;
}

void mm_sum_parts_peak(struct mm_sums *f, const struct mm_parts *p)
{
	for (uint32_t i = 0; i < f->site_count; i++)
		set_peak(&f->sites[i], &p->sites[i]);
	for (uint32_t i = 0; i < f->thread_count; i++)
		set_peak(&f->threads[i], &p->threads[i]);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		set_peak(&f->sizes[i], &p->sizes[i]);
	f->peak_count = p->all.count;
}

/* --- what is not known --------------------------------------------------------------- */

static void each_measure(struct mm_sums *f, void (*fn)(struct mm_measure *m))
{
	for (uint32_t i = 0; i < f->site_count; i++)
		fn(&f->sites[i]);
	for (uint32_t i = 0; i < f->thread_count; i++)
		fn(&f->threads[i]);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		fn(&f->sizes[i]);
}

static void unknown_peak(struct mm_measure *m)
{
	m->peak_bytes = m->peak_count = MM_UNKNOWN;
}

static void unknown_live(struct mm_measure *m)
{
	m->live_bytes = m->live_count = MM_UNKNOWN;
}

static void unknown_leaks(struct mm_measure *m)
{
	m->leak_bytes = m->leak_count = MM_UNKNOWN;
}

void mm_sum_unknown_peak(struct mm_sums *f)
{
	each_measure(f, unknown_peak);
	f->peak_count = MM_UNKNOWN;
}

void mm_sum_unknown_live(struct mm_sums *f)
{
	each_measure(f, unknown_live);
}

void mm_sum_unknown_leaks(struct mm_sums *f)
{
	each_measure(f, unknown_leaks);
}

/* --- all of it ----------------------------------------------------------------------- */

/* Of a whole run what lives at the end leaks, wherever it came from. */
static void count_leaks(const struct mm_sums *f, struct mm_measure *all)
{
	if (f->from == 0 && f->to == MM_UNKNOWN) {
		all->leak_bytes = f->discards ? 0 : all->live_bytes;
		all->leak_count = f->discards ? 0 : all->live_count;
		return;
	}
	for (uint32_t i = 0; i < f->site_count; i++) {
		if (f->sites[i].leak_bytes == MM_UNKNOWN) {
			all->leak_bytes = all->leak_count = MM_UNKNOWN;
			return;
		}
		all->leak_bytes += f->sites[i].leak_bytes;
		all->leak_count += f->sites[i].leak_count;
	}
}

struct mm_measure mm_sums_all(const struct mm_sums *f)
{
	const struct mm_totals *a = &f->begin, *b = &f->end;
	struct mm_measure all = {
		.alloc_count = b->allocs - a->allocs, .alloc_bytes = b->alloc_bytes - a->alloc_bytes,
		.free_count = b->frees - a->frees, .free_bytes = b->free_bytes - a->free_bytes,
		.temporary_count = b->temporaries - a->temporaries,
		.peak_bytes = f->peak_bytes, .peak_count = f->peak_count,
		.live_bytes = b->live_bytes, .live_count = b->live_count,
	};

	count_leaks(f, &all);
	return all;
}

/* Without a sweep a category has what its sites have, if threads do not decide; its own peak
 * is known where there is but one. */
static void sum_categories(struct mm_sums *f)
{
	int plain = f->shares->plain, known = plain || !f->shares->thread_rule;

	for (uint32_t i = 0; i < f->category_count; i++) {
		f->categories[i].own = (struct mm_measure){ 0 };
		if (!known)
			memset(&f->categories[i].own, 0xff, sizeof f->categories[i].own);
		f->categories[i].peak_bytes = plain ? 0 : MM_UNKNOWN;
		f->categories[i].peak_time = plain ? 0 : MM_UNKNOWN;
	}
	for (uint32_t i = 0; i < f->site_count && known; i++)
		mm_measure_add(&category_of(f, i, MM_NO_THREAD)->own, &f->sites[i]);
	if (plain) {
		f->categories[MM_CATEGORY_GENERAL].peak_bytes = f->peak_bytes;
		f->categories[MM_CATEGORY_GENERAL].peak_time = f->peak_time;
	}
}

void mm_sum_finish(struct mm_sums *f)
{
	uint64_t counted = 0;

	for (uint32_t i = 0; i < f->site_count; i++)
		counted += f->sites[i].alloc_count;
	uint64_t all = f->end.allocs - f->begin.allocs;
	f->unattributed_count = all > counted ? all - counted : 0;
	if (f->sweep)
		return;
	sum_categories(f);
}
