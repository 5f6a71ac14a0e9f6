/* fill_pools.c: pools of the engine, by what it told of them (work.h). */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"
#include "model/work.h"

struct pool_fill {
	struct mm_work *w;
	const struct mm_sums *sums;   /* of the process at hand */
	struct mm_map by_number;      /* its rows: place + 1 */
	struct mm_report_pool *rows;
	size_t count, cap;
	int bounded;                  /* slabs may have come before what the trace holds */
};

/* The row of a pool of this process, made if there is none; NULL without memory. */
static struct mm_report_pool *pool_row(struct pool_fill *f, uint32_t number)
{
	struct mm_map_place *place = number ? mm_map_find(&f->by_number, number) : NULL;

	if (place)
		return &f->rows[place->value - 1];
	if (!number || MM_GROW(f->rows, f->cap, f->count + 1) ||
	    mm_map_set(&f->by_number, number, (uint32_t)f->count + 1))
		return NULL;
	struct mm_report_pool *row = &f->rows[f->count++];
	*row = (struct mm_report_pool){
		.name = mm_report_store_printf(f->w->store, "pool %u", number), .category = "",
		.process = f->sums->process, .number = number, .block_bytes = MM_UNKNOWN };
	return row;
}

/* --- slabs --------------------------------------------------------------------------------- */

static void name_pool(struct pool_fill *f, struct mm_report_pool *row,
		      const struct mm_note_pool *n)
{
	const struct mm_site *site = mm_reader_site(f->w->reader, n->process, n->site);

	row->name = n->name;
	row->block_bytes = n->bytes ? n->bytes : MM_UNKNOWN;
	row->under_malloc = (n->flags & MM_POOLF_MALLOC) != 0;
	row->inherited = n->blocks != 0 || (row->under_malloc && n->flags & MM_POOLF_AGAIN);
	if (site->kind == MM_SITE_CATEGORY && site->value)
		row->category = mm_report_store_text(f->w->store,
			mm_reader_string(f->w->reader, n->process, (uint32_t)site->value));
}

static void take_bytes(struct mm_report_pool *row, uint64_t came, uint64_t went)
{
	uint64_t have = row->committed_bytes + came;

	row->committed_bytes = went < have ? have - went : 0;
}

static void take_slab(const struct pool_fill *f, struct mm_report_pool *row,
		      const struct mm_note_pool *n)
{
	if (n->kind == MM_EV_SLAB) {
		row->slab_count++;
		take_bytes(row, n->bytes, 0);
	} else if (n->kind == MM_EV_SLAB_SIZE) {
		take_bytes(row, n->bytes, n->blocks);
	} else {
		row->slab_count -= row->slab_count != 0;
		take_bytes(row, 0, n->bytes);
	}
	if (mm_point_compare(n->at, f->sums->peak_at) <= 0)
		row->at_peak_committed_bytes = row->committed_bytes;
	if (row->committed_bytes > row->peak_committed_bytes || n->time < f->w->from) {
		row->peak_committed_bytes = row->committed_bytes;
		row->peak_at_ns = n->time < f->w->from ? f->w->from : n->time;
	}
}

static int take_pool_note(struct pool_fill *f, const struct mm_note_pool *n)
{
	struct mm_report_pool *row;

	if (n->process != f->sums->process || !n->pool || n->time >= f->w->to)
		return MM_OK;
	if (!(row = pool_row(f, n->pool)))
		return MM_ENOMEM;
	if (n->kind == MM_EV_POOL)
		name_pool(f, row, n);
	else if (n->kind == MM_EV_POOL_END)
		row->ended = 1;
	else
		take_slab(f, row, n);
	return MM_OK;
}

/* --- blocks -------------------------------------------------------------------------------- */

static void add_blocks(struct mm_report_pool *row, const struct mm_measure *m)
{
	row->alloc_count += m->alloc_count;
	row->alloc_bytes += m->alloc_bytes;
	row->free_count += m->free_count;
	row->live_count += m->live_count;
	row->live_bytes += m->live_bytes;
	row->at_peak_live_bytes += m->peak_bytes;
}

static int take_sites(struct pool_fill *f)
{
	struct mm_measure plain = { 0 };

	for (uint32_t i = 0; i < f->sums->site_count; i++) {
		const struct mm_site *s = mm_reader_site(f->w->reader, f->sums->process, i);
		struct mm_report_pool *row;
		if (s->kind != MM_SITE_CATEGORY || !s->module) {
			mm_measure_add(&plain, &f->sums->sites[i]);
			continue;
		}
		if (!(row = pool_row(f, s->module)))
			return MM_ENOMEM;
		add_blocks(row, &f->sums->sites[i]);
	}
	for (size_t i = 0; i < f->count; i++)
		if (f->rows[i].under_malloc && f->rows[i].process == f->sums->process)
			add_blocks(&f->rows[i], &plain);
	return MM_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static uint64_t free_share(uint64_t live, uint64_t committed)
{
	if (live == MM_UNKNOWN || committed == MM_UNKNOWN || committed == 0)
		return MM_UNKNOWN;
	return live >= committed ? 0
		: (uint64_t)((unsigned __int128)(committed - live) * 1000000 / committed);
}

static void settle(const struct pool_fill *f, struct mm_report_pool *row)
{
	if (row->inherited)
		row->live_count = row->live_bytes = row->at_peak_live_bytes = MM_UNKNOWN;
	if (f->bounded)
		row->slab_count = row->committed_bytes = row->peak_committed_bytes =
			row->peak_at_ns = row->at_peak_committed_bytes = MM_UNKNOWN;
	if (f->sums->peak_unseen)
		row->at_peak_live_bytes = row->at_peak_committed_bytes = MM_UNKNOWN;
	if (f->sums->tail_unseen)
		row->live_count = row->live_bytes = MM_UNKNOWN;
	row->fragmentation_ppm = free_share(row->live_bytes, row->committed_bytes);
	row->at_peak_fragmentation_ppm = free_share(row->at_peak_live_bytes,
						    row->at_peak_committed_bytes);
}

static int fill_process_pools(struct pool_fill *f, const struct mm_sums *sums)
{
	const struct mm_notes *notes = &f->w->notes;
	size_t first = f->count;
	int err = MM_OK;

	f->sums = sums;
	f->bounded = sums->has_gaps || mm_reader_info(f->w->reader)->kept_from_ns != 0;
	mm_map_deinit(&f->by_number);
	for (size_t i = 0; !err && i < notes->pool_count; i++)
		err = take_pool_note(f, &notes->pools[i]);
	if (!err)
		err = take_sites(f);
	for (size_t i = first; i < f->count; i++)
		settle(f, &f->rows[i]);
	return err;
}

static int most_first(const void *a, const void *b)
{
	const struct mm_report_pool *x = a, *y = b;

	if (x->peak_committed_bytes != y->peak_committed_bytes)
		return x->peak_committed_bytes > y->peak_committed_bytes ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

int mm_fill_pools(struct mm_work *w)
{
	struct pool_fill f = { .w = w };
	struct mm_report *r = w->report;
	int err = MM_OK;

	for (size_t i = 0; !err && i < w->ready; i++)
		err = fill_process_pools(&f, &w->sums[i]);
	if (!err && f.count) {
		qsort(f.rows, f.count, sizeof *f.rows, most_first);
		r->pools = mm_report_store_copy(w->store, f.rows, f.count, sizeof *f.rows);
		r->pool_count = r->pools ? f.count : 0;
		err = r->pools ? MM_OK : MM_ENOMEM;
	}
	mm_map_deinit(&f.by_number);
	free(f.rows);
	return err;
}
