/* replay_json.c: outcomes of replays as JSON (replay_json.h). */
#include "view/replay_json.h"

#include <inttypes.h>

#include "core/error.h"
#include "view/jsonw.h"
#include "view/replay_parts.h"

void mm_json_moment(struct mm_jsonw *w, const char *key, const struct mm_moment_account *a)
{
	mm_jsonw_object(w, key);
	mm_jsonw_u64(w, "time_ns", a->time_ns);
	mm_jsonw_u64(w, "event", a->event);
	mm_jsonw_u64(w, "committed_bytes", a->committed_bytes);
	mm_jsonw_u64(w, "requested_bytes", a->requested_bytes);
	mm_jsonw_u64(w, "internal_bytes", a->internal_bytes);
	mm_jsonw_u64(w, "cached_bytes", a->cached_bytes);
	mm_jsonw_u64(w, "slab_external_bytes", a->slab_external_bytes);
	mm_jsonw_u64(w, "tail_bytes", a->tail_bytes);
	mm_jsonw_u64(w, "retained_bytes", a->retained_bytes);
	mm_jsonw_u64(w, "metadata_bytes", a->metadata_bytes);
	mm_jsonw_u64(w, "live_count", a->live_count);
	mm_jsonw_u64(w, "slab_count", a->slab_count);
	mm_jsonw_object_end(w);
}

static void put_counts(struct mm_jsonw *w, const struct mm_outcome *o)
{
	mm_jsonw_u64(w, "event_count", o->event_count);
	mm_jsonw_u64(w, "alloc_count", o->alloc_count);
	mm_jsonw_u64(w, "free_count", o->free_count);
	mm_jsonw_u64(w, "realloc_count", o->realloc_count);
	mm_jsonw_u64(w, "moved_count", o->moved_count);
	mm_jsonw_u64(w, "copied_bytes", o->copied_bytes);
	mm_jsonw_u64(w, "zeroed_bytes", o->zeroed_bytes);
	mm_jsonw_u64(w, "failed_count", o->failed_count);
	mm_jsonw_u64(w, "unknown_free_count", o->unknown_free_count);
	mm_jsonw_u64(w, "note_count", o->note_count);
	mm_jsonw_u64(w, "seeded_count", o->seeded_count);
	mm_jsonw_u64(w, "lost_object_count", o->lost_object_count);
	mm_jsonw_u64(w, "law_broken_count", o->law_broken_count);
	mm_jsonw_u64(w, "check_rule", o->check_rule);
	mm_jsonw_u64(w, "committed_page_count", o->committed_pages);
	mm_jsonw_u64(w, "purged_page_count", o->purged_pages);
}

static void put_layout(struct mm_jsonw *w, const struct mm_layout *l)
{
	if (!l->known) {
		mm_jsonw_null(w, "layout");
		return;
	}
	mm_jsonw_object(w, "layout");
	mm_jsonw_u64(w, "free_bytes", l->free_bytes);
	mm_jsonw_u64(w, "range_count", l->range_count);
	mm_jsonw_u64(w, "largest_bytes", l->largest_bytes);
	mm_jsonw_array(w, "unusable_ppm");
	for (int j = 0; j < MM_OUTCOME_POWERS; j++)
		mm_jsonw_u64(w, NULL, l->unusable_ppm[j]);
	mm_jsonw_array_end(w);
	mm_jsonw_u64(w, "scattered_ppm", l->scattered_ppm);
	mm_jsonw_u64(w, "spread_ppm", l->spread_ppm);
	mm_jsonw_u64(w, "utilised_ppm", l->utilised_ppm);
	mm_jsonw_u64(w, "huge_ppm", l->huge_ppm);
	mm_jsonw_u64(w, "mesh_pair_count", l->mesh_pairs);
	mm_jsonw_u64(w, "meshable_ppm", l->meshable_ppm);
	mm_jsonw_object_end(w);
}

static void put_measures(struct mm_jsonw *w, const struct mm_outcome *o)
{
	mm_jsonw_object(w, "measures");
	mm_jsonw_u64(w, "f1_ppm", o->measures.f1_ppm);
	mm_jsonw_u64(w, "f2_ppm", o->measures.f2_ppm);
	mm_jsonw_u64(w, "f3_ppm", o->measures.f3_ppm);
	mm_jsonw_u64(w, "f4_ppm", o->measures.f4_ppm);
	mm_jsonw_object_end(w);
	mm_jsonw_object(w, "largest_requested");
	mm_jsonw_u64(w, "time_ns", o->requested.time_ns);
	mm_jsonw_u64(w, "event", o->requested.event);
	mm_jsonw_u64(w, "requested_bytes", o->requested.requested_bytes);
	mm_jsonw_u64(w, "committed_bytes", o->requested.committed_bytes);
	mm_jsonw_object_end(w);
}

static void put_pinned(struct mm_jsonw *w, const struct mm_pinned *all)
{
	mm_jsonw_object(w, "pinned");
	mm_jsonw_u64(w, "free_bytes", all->free_bytes);
	mm_jsonw_u64(w, "nobody_bytes", all->nobody_bytes);
	mm_jsonw_u64(w, "rest_bytes", all->rest_bytes);
	mm_jsonw_u64(w, "site_count", all->site_count);
	mm_jsonw_array(w, "sites");
	for (size_t i = 0; i < all->row_count; i++) {
		const struct mm_pinned_row *row = &all->row[i];
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "site", row->site);
		mm_jsonw_u64(w, "bytes", row->bytes);
		mm_jsonw_u64(w, "object_count", row->object_count);
		mm_jsonw_text(w, "name", row->name);
		mm_jsonw_text(w, "file", *row->file ? row->file : NULL);
		mm_jsonw_u64(w, "line", row->line ? row->line : MM_UNKNOWN);
		mm_jsonw_text(w, "callers", row->callers);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_object_end(w);
}

static void put_recorded(struct mm_jsonw *w, const struct mm_recorded_heap *h)
{
	if (!h->known) {
		mm_jsonw_null(w, "recorded");
		return;
	}
	mm_jsonw_object(w, "recorded");
	mm_jsonw_u64(w, "time_ns", h->time_ns);
	mm_jsonw_u64(w, "requested_bytes", h->requested_bytes);
	mm_jsonw_u64(w, "committed_bytes", h->committed_bytes);
	put_pinned(w, &h->pinned);
	mm_jsonw_object_end(w);
}

static void put_map(struct mm_jsonw *w, const struct mm_outcome *o)
{
	static const char *const kinds[] = { "slab", "part", "large" };

	if (!o->map_taken) {
		mm_jsonw_null(w, "map");
		return;
	}
	mm_jsonw_array(w, "map");
	for (size_t i = 0; i < o->map_count; i++) {
		const struct mm_map_row *r = &o->map[i];
		char addr[24];
		snprintf(addr, sizeof addr, "0x%" PRIx64, r->addr);
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "destination", r->dest);
		mm_jsonw_text(w, "kind", kinds[r->kind]);
		mm_jsonw_text(w, "address", addr);
		mm_jsonw_u64(w, "bytes", r->bytes);
		mm_jsonw_u64(w, "external_bytes", r->external_bytes);
		mm_jsonw_u64(w, "block_bytes", r->kind == MM_MAP_LARGE ? r->bytes : r->block_bytes);
		mm_jsonw_u64(w, "block_count", r->blocks);
		mm_jsonw_u64(w, "free_count", r->free);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_outcome(struct mm_jsonw *w, const struct mm_outcome *o)
{
	char finger[24];

	snprintf(finger, sizeof finger, "%016" PRIx64, o->fingerprint);
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", o->name);
	mm_jsonw_text(w, "strategy", o->strategy);
	mm_jsonw_text(w, "config", o->config);
	mm_jsonw_text(w, "mode", "simulated");
	mm_jsonw_text(w, "check", o->check);
	mm_jsonw_u64(w, "seed", o->seed);
	put_counts(w, o);
	mm_json_moment(w, "at_peak", &o->at_peak);
	mm_json_moment(w, "at_end", &o->at_end);
	put_measures(w, o);
	mm_jsonw_array(w, "occupancy");
	for (int i = 0; i < MM_OUTCOME_OCCUPANCY; i++)
		mm_jsonw_u64(w, NULL, o->occupancy[i]);
	mm_jsonw_array_end(w);
	put_layout(w, &o->layout);
	put_map(w, o);
	mm_jsonw_array(w, "nodes");
	for (size_t i = 0; i < o->node_count; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "slab_bytes", o->node[i].slab_bytes);
		mm_jsonw_u64(w, "large_bytes", o->node[i].large_bytes);
		mm_jsonw_u64(w, "remote_free_count", o->node[i].remote_free_count);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "timeline");
	for (size_t i = 0; i < o->point_count; i++)
		mm_json_moment(w, NULL, &o->point[i]);
	mm_jsonw_array_end(w);
	if (o->pinned.row)
		put_pinned(w, &o->pinned);
	else
		mm_jsonw_null(w, "pinned");
	mm_json_configured(w, o);
	mm_jsonw_text(w, "fingerprint", finger);
	mm_jsonw_object_end(w);
}

int mm_replay_json(const struct mm_comparison *c, const char *version, FILE *out)
{
	struct mm_jsonw w;

	mm_jsonw_begin(&w, out, 3);
	mm_jsonw_object(&w, NULL);
	mm_jsonw_text(&w, "schema", MM_OUTCOME_SCHEMA);
	mm_jsonw_u64(&w, "minor", MM_OUTCOME_MINOR);
	mm_jsonw_text(&w, "tool", version);
	mm_jsonw_object(&w, "run");
	mm_jsonw_text(&w, "trace", c->trace);
	mm_jsonw_text(&w, "cmd", c->cmd);
	mm_jsonw_u64(&w, "pid", c->pid);
	mm_jsonw_u64(&w, "from_ns", c->from_ns);
	mm_jsonw_u64(&w, "to_ns", c->to_ns);
	mm_jsonw_object_end(&w);
	mm_jsonw_object(&w, "machine");
	mm_jsonw_u64(&w, "page_bytes", c->outcome[0].machine.page_bytes);
	mm_jsonw_u64(&w, "cores_count", c->outcome[0].machine.cores);
	mm_jsonw_u64(&w, "nodes_count", c->outcome[0].machine.nodes);
	mm_jsonw_object_end(&w);
	mm_jsonw_array(&w, "replays");
	for (size_t i = 0; i < c->count; i++)
		put_outcome(&w, &c->outcome[i]);
	mm_jsonw_array_end(&w);
	put_recorded(&w, &c->recorded);
	mm_jsonw_object_end(&w);
	int err = mm_jsonw_end(&w);
	return fflush(out) ? MM_EIO : err;
}
