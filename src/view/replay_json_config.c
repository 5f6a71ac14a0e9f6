/* replay_json_config.c: what a configuration made of a replay, as JSON (replay_parts.h). */
#include "view/replay_parts.h"

static void put_dest(struct mm_jsonw *w, const struct mm_outcome_dest *d)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", d->name);
	mm_jsonw_text(w, "kind", d->strategy ? "heap" : "pool");
	mm_jsonw_text(w, "strategy", d->strategy);
	mm_jsonw_array(w, "block_bytes");
	for (size_t i = 0; i < d->depot_count; i++)
		mm_jsonw_u64(w, NULL, d->block_bytes[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_u64(w, "alloc_count", d->alloc_count);
	mm_jsonw_u64(w, "free_count", d->free_count);
	mm_jsonw_u64(w, "misfit_count", d->misfit_count);
	mm_jsonw_u64(w, "came_count", d->came_count);
	mm_jsonw_u64(w, "went_count", d->went_count);
	mm_jsonw_u64(w, "peak_committed_bytes", d->peak_committed_bytes);
	mm_jsonw_u64(w, "peak_requested_bytes", d->peak_requested_bytes);
	mm_jsonw_u64(w, "peak_live_count", d->peak_live_count);
	mm_json_moment(w, "at_peak", &d->at_peak);
	mm_json_moment(w, "at_end", &d->at_end);
	mm_jsonw_object_end(w);
}

static void put_category(struct mm_jsonw *w, const struct mm_outcome_category *c)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", c->name);
	mm_jsonw_u64(w, "budget_bytes", c->budget_bytes);
	mm_jsonw_u64(w, "alloc_count", c->alloc_count);
	mm_jsonw_u64(w, "alloc_bytes", c->alloc_bytes);
	mm_jsonw_u64(w, "live_end_bytes", c->live_bytes);
	mm_jsonw_u64(w, "live_end_count", c->live_count);
	mm_jsonw_u64(w, "peak_bytes", c->peak_bytes);
	mm_jsonw_u64(w, "peak_live_count", c->peak_count);
	mm_jsonw_u64(w, "peak_time_ns", c->peak_time_ns);
	mm_jsonw_u64(w, "exceeded_count", c->exceeded_count);
	mm_jsonw_u64(w, "above_alloc_count", c->above_count);
	mm_jsonw_u64(w, "most_above_bytes", c->most_above_bytes);
	mm_jsonw_u64(w, "first_exceeded_time_ns", c->first_time_ns);
	mm_jsonw_u64(w, "first_exceeded_event", c->first_event);
	mm_jsonw_object_end(w);
}

static void put_rule(struct mm_jsonw *w, const struct mm_outcome_rule *r)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "kind", r->kind);
	mm_jsonw_text(w, "name", r->name);
	mm_jsonw_u64(w, "line", r->line);
	mm_jsonw_text(w, "destination", r->dest);
	mm_jsonw_u64(w, "object_count", r->object_count);
	mm_jsonw_object_end(w);
}

void mm_json_configured(struct mm_jsonw *w, const struct mm_outcome *o)
{
	mm_jsonw_array(w, "destinations");
	for (size_t i = 0; i < o->dest_count; i++)
		put_dest(w, &o->dest[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "categories");
	for (size_t i = 0; i < o->category_count; i++)
		put_category(w, &o->category[i]);
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "rules");
	for (size_t i = 0; i < o->rule_count; i++)
		put_rule(w, &o->rule[i]);
	mm_jsonw_array_end(w);
}
