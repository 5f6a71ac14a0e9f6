/* report_json_tiers.c: tiers, moves, evictions, pressure and devices of the JSON report
 * (json_parts.h). */
#include "view/json_parts.h"

static void put_known(struct mm_jsonw *w, const char *key, const char *text)
{
	mm_jsonw_text(w, key, *text ? text : NULL);
}

static void put_place(struct mm_jsonw *w, const char *key, uint32_t tier)
{
	mm_jsonw_u64(w, key, tier == MM_NO_TIER ? MM_UNKNOWN : tier);
}

/* --- tiers ------------------------------------------------------------------------------- */

static void put_tier(struct mm_jsonw *w, const struct mm_report_tier *t)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", t->name);
	put_known(w, "type", t->type);
	mm_jsonw_u64(w, "process", t->process);
	mm_jsonw_u64(w, "number", t->number);
	put_place(w, "part_of", t->part_of);
	mm_jsonw_u64(w, "capacity_bytes", t->capacity_bytes);
	mm_jsonw_u64(w, "used_bytes", t->used_bytes);
	mm_jsonw_u64(w, "used_at_ns", t->used_at_ns);
	mm_jsonw_u64(w, "used_ppm", t->used_ppm);
	mm_jsonw_u64(w, "hit_count", t->hit_count);
	mm_jsonw_u64(w, "miss_count", t->miss_count);
	mm_jsonw_u64(w, "hit_ppm", t->hit_ppm);
	mm_jsonw_u64(w, "in_bytes", t->in_bytes);
	mm_jsonw_u64(w, "in_count", t->in_count);
	mm_jsonw_u64(w, "in_bytes_per_s", t->in_bytes_per_s);
	mm_jsonw_u64(w, "out_bytes", t->out_bytes);
	mm_jsonw_u64(w, "out_count", t->out_count);
	mm_jsonw_u64(w, "out_bytes_per_s", t->out_bytes_per_s);
	mm_jsonw_u64(w, "evict_count", t->evict_count);
	mm_jsonw_u64(w, "evict_bytes", t->evict_bytes);
	mm_jsonw_u64(w, "stall_count", t->stall_count);
	mm_jsonw_u64(w, "stall_ns", t->stall_ns);
	mm_jsonw_u64(w, "stall_p99_ns", t->stall_p99_ns);
	mm_jsonw_u64(w, "stall_max_ns", t->stall_max_ns);
	mm_jsonw_object_end(w);
}

static void put_residency(struct mm_jsonw *w, const struct mm_report_residency *r, size_t tiers)
{
	mm_jsonw_object(w, NULL);
	put_known(w, "category", r->category);
	mm_jsonw_array(w, "bytes_by_tier");
	for (size_t i = 0; i < tiers; i++)
		mm_jsonw_u64(w, NULL, r->tier_bytes[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_u64(w, "total_bytes", r->total_bytes);
	mm_jsonw_u64(w, "move_count", r->move_count);
	mm_jsonw_u64(w, "moved_bytes", r->moved_bytes);
	mm_jsonw_u64(w, "moves_per_s", r->moves_per_s);
	mm_jsonw_u64(w, "evict_count", r->evict_count);
	mm_jsonw_u64(w, "evict_bytes", r->evict_bytes);
	mm_jsonw_u64(w, "deny_count", r->deny_count);
	mm_jsonw_u64(w, "deny_bytes", r->deny_bytes);
	mm_jsonw_object_end(w);
}

static void put_causes(struct mm_jsonw *w, const char *key, const struct mm_report_cause *c,
		       size_t n)
{
	mm_jsonw_array(w, key);
	for (size_t i = 0; i < n; i++) {
		mm_jsonw_object(w, NULL);
		put_known(w, "cause", c[i].name);
		mm_jsonw_u64(w, "count", c[i].count);
		mm_jsonw_u64(w, "bytes", c[i].bytes);
		mm_jsonw_u64(w, "ppm", c[i].ppm);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_moves(struct mm_jsonw *w, const struct mm_report_tiers *t)
{
	mm_jsonw_object(w, "moves");
	mm_jsonw_u64(w, "window_from_ns", t->window_from_ns);
	mm_jsonw_u64(w, "window_ns", t->window_ns);
	mm_jsonw_array(w, "cells");
	for (size_t i = 0; i < t->move_count; i++) {
		const struct mm_report_tier_move *m = &t->moves[i];
		mm_jsonw_object(w, NULL);
		put_place(w, "from", m->from);
		put_place(w, "to", m->to);
		mm_jsonw_u64(w, "move_count", m->move_count);
		mm_jsonw_u64(w, "bytes", m->bytes);
		mm_jsonw_u64(w, "block_count", m->block_count);
		mm_jsonw_u64(w, "stall_ns", m->stall_ns);
		mm_jsonw_u64(w, "window_count", m->window_count);
		mm_jsonw_u64(w, "window_bytes", m->window_bytes);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	put_causes(w, "causes", t->move_causes, t->move_cause_count);
	mm_jsonw_object_end(w);
}

void mm_json_tiers(struct mm_jsonw *w, const struct mm_report *r)
{
	const struct mm_report_tiers *t = &r->tiers;

	mm_jsonw_array(w, "tiers");
	for (size_t i = 0; i < t->count; i++)
		put_tier(w, &t->tiers[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "residency");
	for (size_t i = 0; i < t->residency_count; i++)
		put_residency(w, &t->residency[i], t->count);
	mm_jsonw_array_end(w);
	put_moves(w, t);
	put_causes(w, "evictions", t->evictions, t->eviction_count);
	put_causes(w, "denials", t->denials, t->denial_count);
}

/* --- pressure ------------------------------------------------------------------------------ */

static void put_log(struct mm_jsonw *w, const struct mm_report_log *e)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "t_ns", e->t_ns);
	mm_jsonw_text(w, "kind", mm_log_kind_name(e->kind));
	mm_jsonw_u64(w, "process", e->process);
	mm_jsonw_u64(w, "level", e->level);
	mm_jsonw_u64(w, "before", e->before);
	put_known(w, "category", e->category);
	put_known(w, "cause", e->cause);
	put_known(w, "text", e->text);
	put_place(w, "tier", e->tier);
	mm_jsonw_u64(w, "bytes", e->bytes);
	mm_jsonw_u64(w, "before_bytes", e->before_bytes);
	mm_jsonw_object_end(w);
}

static void put_rule(struct mm_jsonw *w, const struct mm_report_pressure *p)
{
	mm_jsonw_array(w, "levels");
	for (int i = 0; i < MM_LEVEL_COUNT; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_text(w, "name", mm_level_name((uint64_t)i));
		mm_jsonw_u64(w, "threshold_ppm", p->threshold_ppm[i]);
		mm_jsonw_u64(w, "spent_ns", p->level_ns[i]);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_u64(w, "hysteresis_ppm", p->hysteresis_ppm);
	mm_jsonw_u64(w, "raise_full_ppm", p->full_ppm);
}

static void put_current(struct mm_jsonw *w, const struct mm_report_pressure *p)
{
	static const char *const limits[] = { NULL, "cgroup", "machine" };

	mm_jsonw_u64(w, "sample_at_ns", p->sample_at_ns);
	mm_jsonw_text(w, "limit_kind", limits[p->limit_kind]);
	mm_jsonw_u64(w, "limit_bytes", p->sample.limit_bytes);
	mm_jsonw_u64(w, "used_bytes", p->used_bytes);
	mm_jsonw_u64(w, "used_ppm", p->used_ppm);
	mm_jsonw_u64(w, "rss_bytes", p->sample.rss_bytes);
	mm_jsonw_u64(w, "anon_bytes", p->sample.anon_bytes);
	mm_jsonw_u64(w, "mem_available_bytes", p->sample.mem_available_bytes);
	mm_jsonw_u64(w, "cgroup_bytes", p->sample.cgroup_bytes);
	mm_jsonw_u64(w, "psi_some_ppm", p->sample.psi_some_ppm);
	mm_jsonw_u64(w, "psi_full_ppm", p->sample.psi_full_ppm);
}

void mm_json_pressure(struct mm_jsonw *w, const struct mm_report *r)
{
	static const char *const sources[] = { NULL, "told", "samples" };
	const struct mm_report_pressure *p = &r->pressure;

	mm_jsonw_object(w, "pressure");
	mm_jsonw_text(w, "source", sources[p->source]);
	mm_jsonw_u64(w, "level", p->level);
	mm_jsonw_text(w, "name", mm_level_name(p->level));
	mm_jsonw_u64(w, "since_ns", p->since_ns);
	put_known(w, "cause", p->cause);
	mm_jsonw_u64(w, "worst_level", p->worst_level);
	mm_jsonw_u64(w, "worst_at_ns", p->worst_at_ns);
	mm_jsonw_u64(w, "transition_count", p->transition_count);
	put_current(w, p);
	put_rule(w, p);
	mm_jsonw_array(w, "log");
	for (size_t i = 0; i < p->log_count; i++)
		put_log(w, &p->log[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_u64(w, "log_left_out_count", p->log_left_out_count);
	mm_jsonw_object_end(w);
}

/* --- devices ------------------------------------------------------------------------------- */

static void put_heap(struct mm_jsonw *w, const struct mm_report_gpu_heap *h)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "device", h->device);
	mm_jsonw_u64(w, "number", h->number);
	put_known(w, "flags", h->flags);
	mm_jsonw_u64(w, "told_at_ns", h->told_at_ns);
	mm_jsonw_u64(w, "budget_bytes", h->budget_bytes);
	mm_jsonw_u64(w, "usage_bytes", h->usage_bytes);
	mm_jsonw_u64(w, "used_ppm", h->used_ppm);
	mm_jsonw_u64(w, "ours_bytes", h->ours_bytes);
	mm_jsonw_u64(w, "others_bytes", h->others_bytes);
	mm_jsonw_u64(w, "block_count", h->block_count);
	mm_jsonw_u64(w, "alloc_count", h->alloc_count);
	mm_jsonw_u64(w, "unused_bytes", h->unused_bytes);
	mm_jsonw_u64(w, "upload_bytes", h->upload_bytes);
	mm_jsonw_u64(w, "upload_bytes_per_s", h->upload_bytes_per_s);
	mm_jsonw_u64(w, "download_bytes", h->download_bytes);
	mm_jsonw_u64(w, "download_bytes_per_s", h->download_bytes_per_s);
	mm_jsonw_u64(w, "movable_bytes", h->movable_bytes);
	mm_jsonw_u64(w, "movable_block_count", h->movable_block_count);
	mm_jsonw_object_end(w);
}

static void put_kind(struct mm_jsonw *w, const struct mm_report_gpu_kind *k)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "heap", k->heap);
	put_known(w, "type", k->type);
	put_known(w, "category", k->category);
	mm_jsonw_u64(w, "count", k->count);
	mm_jsonw_u64(w, "bytes", k->bytes);
	mm_jsonw_u64(w, "mean_bytes", k->mean_bytes);
	mm_jsonw_u64(w, "dedicated_count", k->dedicated_count);
	mm_jsonw_u64(w, "mapped_count", k->mapped_count);
	mm_jsonw_u64(w, "age_ns", k->age_ns);
	mm_jsonw_object_end(w);
}

static void put_block(struct mm_jsonw *w, const struct mm_report_gpu_block *b)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "heap", b->heap);
	mm_jsonw_u64(w, "number", b->number);
	mm_jsonw_u64(w, "size_bytes", b->size_bytes);
	mm_jsonw_u64(w, "used_bytes", b->used_bytes);
	mm_jsonw_u64(w, "used_ppm", b->used_ppm);
	mm_jsonw_u64(w, "largest_free_bytes", b->largest_free_bytes);
	mm_jsonw_u64(w, "fragmentation_ppm", b->fragmentation_ppm);
	put_known(w, "map", b->map);
	mm_jsonw_object_end(w);
}

static void put_devices(struct mm_jsonw *w, const struct mm_report_gpu *g)
{
	mm_jsonw_array(w, "devices");
	for (size_t i = 0; i < g->device_count; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "process", g->devices[i].process);
		mm_jsonw_u64(w, "number", g->devices[i].number);
		put_known(w, "name", g->devices[i].name);
		put_known(w, "driver", g->devices[i].driver);
		put_known(w, "source", g->devices[i].source);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

void mm_json_gpu(struct mm_jsonw *w, const struct mm_report *r)
{
	const struct mm_report_gpu *g = &r->gpu;

	mm_jsonw_object(w, "gpu");
	put_devices(w, g);
	mm_jsonw_array(w, "heaps");
	for (size_t i = 0; i < g->heap_count; i++)
		put_heap(w, &g->heaps[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "kinds");
	for (size_t i = 0; i < g->kind_count; i++)
		put_kind(w, &g->kinds[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "blocks");
	for (size_t i = 0; i < g->block_count; i++)
		put_block(w, &g->blocks[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_object_end(w);
}
