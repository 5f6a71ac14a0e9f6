/* fill_map.c: where live objects, and slabs of the engine, lie (work.h). */
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"
#include "model/spread.h"
#include "model/sum_events.h"
#include "model/work.h"

struct gathering {
	const struct mm_sums *sums;
	struct mm_placed *objects;
	size_t count, cap;
	uint64_t placeless;
	int failed;
};

static void take_object(void *arg, const struct mm_object *o)
{
	struct gathering *g = arg;

	if (!o->addr) {
		g->placeless++;
		return;
	}
	if (g->failed || MM_GROW(g->objects, g->cap, g->count + 1)) {
		g->failed = 1;
		return;
	}
	uint32_t category = mm_shares_category(g->sums->shares, o->site, o->thread);
	g->objects[g->count++] = (struct mm_placed){ o->addr, o->size, o->time, category, 0 };
}

/* --- slabs ----------------------------------------------------------------------------- */

struct slabs {
	struct mm_report_map_slab *all; /* bytes 0 = gone */
	size_t count, cap;
	struct mm_map at; /* address -> place + 1 */
};

static int take_slab(struct slabs *s, const struct mm_note_pool *n)
{
	struct mm_map_place *place = n->addr ? mm_map_find(&s->at, n->addr) : NULL;
	struct mm_report_map_slab *slab = place ? &s->all[place->value - 1] : NULL;

	if (n->kind == MM_EV_SLAB_END || n->kind == MM_EV_SLAB_SIZE) {
		if (slab)
			slab->bytes = n->kind == MM_EV_SLAB_SIZE ? n->bytes : 0;
		return MM_OK;
	}
	if (n->kind != MM_EV_SLAB || !n->addr)
		return MM_OK;
	if (!slab) {
		if (MM_GROW(s->all, s->cap, s->count + 1) ||
		    mm_map_set(&s->at, n->addr, (uint32_t)s->count + 1))
			return MM_ENOMEM;
		slab = &s->all[s->count++];
	}
	*slab = (struct mm_report_map_slab){ .addr = n->addr, .bytes = n->bytes,
		.process = n->process, .pool = n->pool, .block_count = n->blocks };
	return MM_OK;
}

static int slab_order(const void *a, const void *b)
{
	const struct mm_report_map_slab *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int fill_slabs(struct mm_work *w)
{
	struct mm_report_map *m = &w->report->map;
	struct slabs s = { 0 };
	size_t n = 0;
	int err = MM_OK;

	for (size_t i = 0; !err && i < w->notes.pool_count; i++)
		if (w->notes.pools[i].time < w->to)
			err = take_slab(&s, &w->notes.pools[i]);
	for (size_t i = 0; i < s.count; i++)
		if (s.all[i].bytes)
			s.all[n++] = s.all[i];
	if (!err && n) {
		qsort(s.all, n, sizeof *s.all, slab_order);
		m->slabs = mm_report_store_copy(w->store, s.all, n, sizeof *s.all);
		m->slab_count = m->slabs ? n : 0;
		err = m->slabs ? MM_OK : MM_ENOMEM;
	}
	mm_map_deinit(&s.at);
	free(s.all);
	return err;
}

/* --- the map --------------------------------------------------------------------------- */

static uint64_t page_bytes(const struct mm_work *w)
{
	uint64_t page = mm_reader_info(w->reader)->page_bytes;

	return page && !(page & (page - 1)) && page <= 1 << 30 ? page : 4096;
}

int mm_fill_map(struct mm_work *w)
{
	struct mm_report_map *m = &w->report->map;
	struct gathering g = { .sums = w->sums };
	const struct mm_totals *t = w->ready == 1 ? &w->sums[0].end : NULL;

	*m = (struct mm_report_map){ .wanted = w->options->map.want != 0, .shown = UINT32_MAX };
	/* Of several processes the same addresses are different memory. */
	if (!m->wanted || !t || w->sums[0].tail_unseen || t->unknown_count)
		return MM_OK;
	mm_sum_each_live(w->sums, take_object, &g);
	int err = g.failed ? MM_ENOMEM : MM_OK;
	m->known = !err && !g.placeless && g.count == t->live_count;
	m->page_bytes = page_bytes(w);
	if (!err && m->known)
		err = fill_slabs(w);
	if (!err && m->known)
		err = mm_placed_sort(g.objects, g.count);
	if (!err && m->known)
		err = mm_spread_objects(m, g.objects, g.count, &w->options->map,
				   mm_categories_count(w->options->categories), w->store);
	free(g.objects);
	return err;
}
