/* report_json_live.c: rates, what leaks did, and the map of the heap in the JSON report
 * (json_parts.h). */
#include <inttypes.h>
#include <stdio.h>

#include "view/json_parts.h"

static void put_address(struct mm_jsonw *w, const char *key, uint64_t addr)
{
	char text[24];

	snprintf(text, sizeof text, "0x%" PRIx64, addr);
	mm_jsonw_text(w, key, text);
}

void mm_json_rates(struct mm_jsonw *w, const struct mm_report *r)
{
	const struct mm_report_rates *a = &r->rates;

	mm_jsonw_object(w, "rates");
	mm_jsonw_u64(w, "window_ns", a->window_ns);
	mm_jsonw_u64(w, "alloc_count", a->alloc_count);
	mm_jsonw_u64(w, "alloc_bytes", a->alloc_bytes);
	mm_jsonw_u64(w, "free_count", a->free_count);
	mm_jsonw_u64(w, "free_bytes", a->free_bytes);
	mm_jsonw_u64(w, "temporary_count", a->temporary_count);
	if (a->window_ns == MM_UNKNOWN)
		mm_jsonw_null(w, "live_bytes_change");
	else
		mm_jsonw_i64(w, "live_bytes_change", a->live_bytes_change);
	mm_jsonw_object_end(w);
}

void mm_json_leak(struct mm_jsonw *w, const struct mm_report_leak *l)
{
	const char *name = mm_leak_verdict_name((enum mm_leak_verdict)l->verdict);

	if (l->verdict == MM_LEAK_UNKNOWN || !name)
		mm_jsonw_null(w, "trend");
	else
		mm_jsonw_text(w, "trend", name);
	mm_jsonw_array(w, "trend_live_bytes");
	for (int i = 0; i < MM_LEAK_STEPS; i++)
		mm_jsonw_u64(w, NULL, l->live_bytes[i]);
	mm_jsonw_array_end(w);
	if (l->growth_known)
		mm_jsonw_i64(w, "growth_bytes_per_s", l->growth_bytes_per_s);
	else
		mm_jsonw_null(w, "growth_bytes_per_s");
	mm_jsonw_bool(w, "never_freed", l->never_freed);
}

void mm_json_leak_steps(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "leaks_trend_ns");
	for (int i = 0; r->leaks.count && i < MM_LEAK_STEPS; i++)
		mm_jsonw_u64(w, NULL, r->leak_steps_ns[i]);
	mm_jsonw_array_end(w);
}

/* --- the map ----------------------------------------------------------------------------- */

static void put_holes(struct mm_jsonw *w, const struct mm_report_map *m)
{
	mm_jsonw_array(w, "holes");
	for (int i = 0; i < MM_MAP_HOLES; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "below_bytes", i + 1 < MM_MAP_HOLES ? UINT64_C(4096) << 2 * i
								   : MM_UNKNOWN);
		mm_jsonw_u64(w, "count", m->hole_counts[i]);
		mm_jsonw_u64(w, "bytes", m->hole_bytes[i]);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_ranges(struct mm_jsonw *w, const struct mm_report_map *m)
{
	mm_jsonw_array(w, "ranges");
	for (size_t i = 0; i < m->range_count; i++) {
		mm_jsonw_object(w, NULL);
		put_address(w, "address", m->ranges[i].addr);
		mm_jsonw_u64(w, "bytes", m->ranges[i].bytes);
		mm_jsonw_u64(w, "live_bytes", m->ranges[i].live_bytes);
		mm_jsonw_u64(w, "object_count", m->ranges[i].object_count);
		mm_jsonw_u64(w, "page_count", m->ranges[i].page_count);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_cell(struct mm_jsonw *w, const struct mm_report *r,
		     const struct mm_report_map_cell *c)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "live_bytes", c->live_bytes);
	mm_jsonw_u64(w, "pinned_bytes", c->pinned_bytes);
	mm_jsonw_u64(w, "object_count", c->object_count);
	mm_jsonw_u64(w, "oldest_ns", c->oldest_ns);
	if (c->category < r->category_count)
		mm_jsonw_text(w, "category", r->categories[c->category].name);
	else
		mm_jsonw_null(w, "category");
	mm_jsonw_object_end(w);
}

static void put_cells(struct mm_jsonw *w, const struct mm_report *r)
{
	const struct mm_report_map *m = &r->map;

	mm_jsonw_object(w, "cells");
	put_address(w, "address", m->cell_addr);
	mm_jsonw_u64(w, "cell_bytes", m->cell_bytes);
	mm_jsonw_array(w, "rows");
	for (size_t i = 0; i < m->cell_count; i++)
		put_cell(w, r, &m->cells[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_object_end(w);
}

static void put_slabs(struct mm_jsonw *w, const struct mm_report_map *m)
{
	mm_jsonw_array(w, "slabs");
	for (size_t i = 0; i < m->slab_count; i++) {
		const struct mm_report_map_slab *s = &m->slabs[i];
		mm_jsonw_object(w, NULL);
		put_address(w, "address", s->addr);
		mm_jsonw_u64(w, "bytes", s->bytes);
		mm_jsonw_u64(w, "pool", s->pool);
		mm_jsonw_u64(w, "block_count", s->block_count ? s->block_count : MM_UNKNOWN);
		mm_jsonw_u64(w, "used_count", s->used_count);
		mm_jsonw_u64(w, "used_bytes", s->used_bytes);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

void mm_json_map(struct mm_jsonw *w, const struct mm_report *r)
{
	const struct mm_report_map *m = &r->map;

	if (!m->wanted || !m->known) {
		mm_jsonw_null(w, "heap_map");
		return;
	}
	mm_jsonw_object(w, "heap_map");
	mm_jsonw_u64(w, "page_bytes", m->page_bytes);
	mm_jsonw_u64(w, "live_bytes", m->live_bytes);
	mm_jsonw_u64(w, "object_count", m->object_count);
	mm_jsonw_u64(w, "slack_bytes", m->slack_bytes);
	mm_jsonw_u64(w, "touched_bytes", m->touched_bytes);
	mm_jsonw_u64(w, "not_returnable_bytes", m->not_returnable_bytes);
	mm_jsonw_u64(w, "not_returnable_ppm", m->free_ppm);
	mm_jsonw_u64(w, "free_bytes", m->free_bytes);
	mm_jsonw_u64(w, "hole_count", m->hole_count);
	mm_jsonw_u64(w, "largest_hole_bytes", m->largest_hole_bytes);
	mm_jsonw_u64(w, "external_ppm", m->external_ppm);
	put_holes(w, m);
	put_ranges(w, m);
	put_cells(w, r);
	put_slabs(w, m);
	mm_jsonw_object_end(w);
}
