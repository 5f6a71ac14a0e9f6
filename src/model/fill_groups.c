/* fill_groups.c: tables by function, file, library, category, thread and size (work.h).
 *
 * Vocabulary: group = a row in the making, found by its key: an interned text for names,
 * so that equal names are equal pointers. A site belongs to the group of its first
 * frame that is not the runtime's (own) and to those of all its frames (inclusive).
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/units.h"
#include "core/error.h"
#include "model/work.h"

struct group {
	struct mm_report_row row;
	uint32_t seen; /* serial of the last stack counted in `inclusive` */
};

struct grouping {
	struct mm_work *work;
	enum mm_by by;
	struct group *groups;
	size_t count, cap;
	struct mm_map by_key; /* key -> group + 1 */
	uint32_t serial;
	uint32_t *path;       /* frames of the stack in hand */
	size_t path_cap;
};

static int find_group(struct grouping *g, uint64_t key, struct group **ret)
{
	struct mm_map_place *place = mm_map_find(&g->by_key, key);

	if (place) {
		*ret = &g->groups[place->value - 1];
		return MM_OK;
	}
	if (MM_GROW(g->groups, g->cap, g->count + 1) ||
	    mm_map_set(&g->by_key, key, (uint32_t)g->count + 1))
		return MM_ENOMEM;
	*ret = &g->groups[g->count++];
	**ret = (struct group){ .row = { .name = "", .place = "", .stack = MM_NO_STACK,
		.category = MM_NO_CATEGORY, .process = MM_NO_PROCESS, .oldest_ns = MM_UNKNOWN } };
	return MM_OK;
}

/* --- by a property of frames --------------------------------------------------------- */

static const char *library_name(struct grouping *g, const struct mm_report_frame *f)
{
	return *f->library ? mm_report_store_printf(g->work->store, "[%s]", f->library) : f->name;
}

static const char *frame_key(struct grouping *g, const struct mm_report_frame *f)
{
	if (f->kind == MM_FRAME_CUT || f->kind == MM_FRAME_LOST)
		return f->name;
	switch (g->by) {
	case MM_BY_FUNCTION: return *f->function ? f->function : library_name(g, f);
	case MM_BY_FILE: return *f->file ? f->file : library_name(g, f);
	default: return *f->library ? f->library : "[unknown]";
	}
}

static const char *frame_where(struct grouping *g, const struct mm_report_frame *f)
{
	const char *slash = strrchr(f->file, '/');

	switch (g->by) {
	case MM_BY_FUNCTION:
		if (!*f->function)
			return f->path;
		return *f->file ? mm_report_store_text(g->work->store, slash ? slash + 1 : f->file)
				: f->library;
	case MM_BY_LIBRARY: return f->path;
	default: return "";
	}
}

static int frame_group(struct grouping *g, uint32_t frame, struct group **ret)
{
	const struct mm_report_frame *f = mm_naming_frame(g->work->naming, frame);
	const char *key = frame_key(g, f);
	int err = find_group(g, (uintptr_t)key, ret);

	if (!err && !*(*ret)->row.name) {
		(*ret)->row.name = key;
		(*ret)->row.place = frame_where(g, f);
	}
	return err;
}

static int is_empty(const struct mm_measure *m)
{
	return !m->alloc_count && !m->free_count && !m->live_count && !m->peak_count;
}

static int add_inclusive(struct grouping *g, uint32_t frame, const struct mm_measure *m)
{
	struct group *group;
	int err = frame_group(g, frame, &group);

	if (!err && group->seen != g->serial) {
		group->seen = g->serial;
		mm_measure_add(&group->row.inclusive, m);
	}
	return err;
}

/* The inclusive sums of one stack. */
static int add_callers(struct grouping *g, size_t n, const struct mm_measure *m)
{
	int err = MM_OK;

	g->serial++;
	for (size_t i = 0; !err && i < n; i++)
		if (mm_naming_frame(g->work->naming, g->path[i])->kind != MM_FRAME_CATEGORY)
			err = add_inclusive(g, g->path[i], m);
	return err;
}

static int own_group(struct grouping *g, size_t n, struct group **ret)
{
	const char *none = mm_report_store_text(g->work->store, "[no stack]");

	if (n)
		return frame_group(g, g->path[mm_ranking_first(&g->work->ground, g->path, n)], ret);
	int err = find_group(g, (uintptr_t)none, ret);
	if (!err)
		(*ret)->row.name = none;
	return err;
}

static int add_own(struct grouping *g, size_t n, const struct mm_measure *m, uint64_t oldest)
{
	struct group *group;
	int err = own_group(g, n, &group);

	if (err)
		return err;
	if (!n)
		mm_measure_add(&group->row.inclusive, m);
	mm_measure_add(&group->row.own, m);
	if (oldest < group->row.oldest_ns)
		group->row.oldest_ns = oldest;
	return MM_OK;
}

static int add_site(struct grouping *g, struct mm_place place)
{
	const struct mm_sums *s = &g->work->sums[place.sum];
	size_t n;
	int err = mm_ranking_frames(&g->work->ground, place, &g->path, &g->path_cap, &n);

	if (!err)
		err = add_callers(g, n, &s->sites[place.site]);
	return err ? err : add_own(g, n, &s->sites[place.site], s->oldest[place.site]);
}

static int flag_sites(struct mm_work *w, size_t sum, uint8_t **ret)
{
	const struct mm_sums *s = &w->sums[sum];
	uint8_t *wanted = calloc(s->site_count, 1);

	if (!wanted)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < s->site_count; i++)
		wanted[i] = !is_empty(&s->sites[i]) && mm_ranking_keeps(&w->ground, sum, i);
	*ret = wanted;
	return MM_OK;
}

static int group_frames(struct grouping *g)
{
	struct mm_work *w = g->work;

	for (size_t k = 0; k < w->ready; k++) {
		const struct mm_sums *s = &w->sums[k];
		uint8_t *wanted = NULL;
		int err = flag_sites(w, k, &wanted);
		if (!err)
			err = mm_naming_prepare_flagged(w->naming, s->process, wanted);
		for (uint32_t i = 0; !err && i < s->site_count; i++)
			if (wanted[i])
				err = add_site(g, (struct mm_place){ (uint32_t)k, i });
		free(wanted);
		if (err)
			return err;
	}
	return MM_OK;
}

/* --- by what is no frame ------------------------------------------------------------- */

static int plain_group(struct grouping *g, uint64_t key, const char *name, const char *place,
		       uint32_t process, const struct mm_measure *m)
{
	struct group *group;
	int err = find_group(g, key, &group);

	if (err)
		return err;
	group->row.name = name;
	group->row.place = place;
	group->row.process = process;
	mm_measure_add(&group->row.own, m);
	group->row.inclusive = group->row.own;
	return MM_OK;
}

static int group_categories(struct grouping *g)
{
	const struct mm_report *r = g->work->report;
	int err = MM_OK;

	for (size_t i = 0; !err && i < r->category_count; i++)
		if (!is_empty(&r->categories[i].own))
			err = plain_group(g, i + 1, r->categories[i].name, "", MM_NO_PROCESS,
					  &r->categories[i].own);
	return err;
}

static int group_threads(struct grouping *g)
{
	const struct mm_report *r = g->work->report;
	int err = MM_OK;

	for (size_t i = 0; !err && i < r->thread_count; i++) {
		const struct mm_report_thread *t = &r->threads[i];
		err = plain_group(g, i + 1, t->name, t->tid
				  ? mm_report_store_printf(g->work->store, "tid %u", t->tid) : "",
				  t->process, &t->own);
	}
	return err;
}

static int size_group(struct grouping *g, unsigned k, const struct mm_measure *m)
{
	char low[MM_UNITS_TEXT], high[MM_UNITS_TEXT];
	uint64_t from = k ? UINT64_C(1) << (k - 1) : 0;
	uint64_t to = k == MM_SIZE_BUCKETS - 1 ? MM_UNKNOWN : UINT64_C(1) << k;
	struct mm_report_store *store = g->work->store;
	const char *name = k < 2 ? mm_report_store_printf(store, "%u B", k)
		: to == MM_UNKNOWN ? mm_report_store_printf(store, "%s and more",
							    mm_format_size(low, from))
		: mm_report_store_printf(store, "%s .. %s", mm_format_size(low, from),
					 mm_format_size(high, to - 1));
	int err = plain_group(g, k + 1, name, "", MM_NO_PROCESS, m);

	if (!err) {
		struct group *group;
		err = find_group(g, k + 1, &group);
		group->row.from_bytes = from;
		group->row.to_bytes = to;
	}
	return err;
}

static int group_sizes(struct grouping *g)
{
	const struct mm_work *w = g->work;
	int err = MM_OK;

	for (unsigned k = 0; !err && k < MM_SIZE_BUCKETS; k++) {
		struct mm_measure m = { 0 };
		for (size_t i = 0; i < w->ready; i++)
			mm_measure_add(&m, &w->sums[i].sizes[k]);
		if (!w->sums[0].sweep) /* digests do not say */
			m.temporary_count = MM_UNKNOWN;
		if (!is_empty(&m))
			err = size_group(g, k, &m);
	}
	return err;
}

/* --- the table ----------------------------------------------------------------------- */

static int group_order(const void *a, const void *b, void *arg)
{
	const struct mm_report_row *x = &((const struct group *)a)->row;
	const struct mm_report_row *y = &((const struct group *)b)->row;
	enum mm_metric metric = *(const enum mm_metric *)arg;
	uint64_t p = mm_measure_get(&x->own, metric), q = mm_measure_get(&y->own, metric);

	if (p != q)
		return p > q ? -1 : 1;
	p = mm_measure_get(&x->inclusive, metric);
	q = mm_measure_get(&y->inclusive, metric);
	if (p != q)
		return p > q ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int make_table(struct grouping *g, struct mm_report_table *ret)
{
	const struct mm_model_options *o = g->work->options;
	enum mm_metric metric = o->metric;
	size_t n = g->count;
	struct mm_measure lost;
	struct mm_report_table t = { .by = o->by, .metric = metric };

	if (n)
		qsort_r(g->groups, n, sizeof *g->groups, group_order, &metric);
	/* A name that only passes on, and that nothing passed through, says nothing. */
	while (n && !mm_measure_get(&g->groups[n - 1].row.own, metric) &&
	       !mm_measure_get(&g->groups[n - 1].row.inclusive, metric))
		n--;
	t.count = o->top && o->top < n ? o->top : n;
	t.rest_count = n - t.count;
	t.rows = mm_report_store_alloc(g->work->store, t.count, sizeof *t.rows);
	if (t.count && !t.rows)
		return MM_ENOMEM;
	mm_ranking_total(&g->work->ground, &t.total, &lost);
	if (!g->work->ground.matched)
		mm_measure_add(&t.total, &lost);
	t.rest = t.total;
	for (size_t i = 0; i < t.count; i++) {
		t.rows[i] = g->groups[i].row;
		mm_measure_take(&t.rest, &t.rows[i].own);
	}
	*ret = t;
	return MM_OK;
}

int mm_fill_groups(struct mm_work *w, struct mm_report_table *ret)
{
	struct grouping g = { .work = w, .by = w->options->by };
	int err;

	switch (g.by) {
	case MM_BY_CATEGORY: err = group_categories(&g); break;
	case MM_BY_THREAD: err = group_threads(&g); break;
	case MM_BY_SIZE: err = group_sizes(&g); break;
	default: err = group_frames(&g);
	}
	if (!err)
		err = make_table(&g, ret);
	mm_map_deinit(&g.by_key);
	free(g.groups);
	free(g.path);
	return err;
}
