/* report_json_tables.c: tables, leaks, stacks, tree and metrics of the JSON report
 * (json_parts.h). */
#include <stdio.h>
#include <string.h>

#include "view/json_parts.h"

uint64_t mm_json_ppm(uint64_t part, uint64_t whole)
{
	if (part == MM_UNKNOWN || whole == MM_UNKNOWN || !whole)
		return MM_UNKNOWN;
	return (uint64_t)((unsigned __int128)part * 1000000 / whole);
}

void mm_json_measure(struct mm_jsonw *w, const struct mm_measure *m)
{
	mm_jsonw_u64(w, "alloc_count", m->alloc_count);
	mm_jsonw_u64(w, "alloc_bytes", m->alloc_bytes);
	mm_jsonw_u64(w, "free_count", m->free_count);
	mm_jsonw_u64(w, "free_bytes", m->free_bytes);
	mm_jsonw_u64(w, "temporary_count", m->temporary_count);
	mm_jsonw_u64(w, "peak_bytes", m->peak_bytes);
	mm_jsonw_u64(w, "peak_count", m->peak_count);
	mm_jsonw_u64(w, "live_bytes", m->live_bytes);
	mm_jsonw_u64(w, "live_count", m->live_count);
	mm_jsonw_u64(w, "leak_bytes", m->leak_bytes);
	mm_jsonw_u64(w, "leak_count", m->leak_count);
}

static void put_row_names(struct mm_jsonw *w, const struct mm_report *r,
			  const struct mm_report_row *row)
{
	if (row->stack != MM_NO_STACK) {
		mm_jsonw_text(w, "id", r->stacks[row->stack].id);
		mm_jsonw_u64(w, "stack", row->stack);
	}
	mm_jsonw_text(w, "name", row->name);
	mm_jsonw_text(w, "place", *row->place ? row->place : NULL);
	if (row->category != MM_NO_CATEGORY)
		mm_jsonw_text(w, "category", r->categories[row->category].name);
	if (row->process != MM_NO_PROCESS)
		mm_jsonw_u64(w, "process", row->process);
}

static int has_inclusive(enum mm_by by)
{
	return by == MM_BY_FUNCTION || by == MM_BY_FILE || by == MM_BY_LIBRARY;
}

static void put_row(struct mm_jsonw *w, const struct mm_report *r, enum mm_by by,
		    const struct mm_report_row *row)
{
	mm_jsonw_object(w, NULL);
	put_row_names(w, r, row);
	if (row->to_bytes) {
		mm_jsonw_u64(w, "from_bytes", row->from_bytes);
		mm_jsonw_u64(w, "below_bytes", row->to_bytes);
	}
	mm_json_measure(w, &row->own);
	if (has_inclusive(by)) {
		mm_jsonw_object(w, "inclusive");
		mm_json_measure(w, &row->inclusive);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_object_end(w);
}

static void put_sum(struct mm_jsonw *w, const char *key, size_t rows, const struct mm_measure *m)
{
	mm_jsonw_object(w, key);
	mm_jsonw_u64(w, "row_count", rows);
	mm_json_measure(w, m);
	mm_jsonw_object_end(w);
}

static void put_table(struct mm_jsonw *w, const struct mm_report *r,
		      const struct mm_report_table *t, const char *key)
{
	mm_jsonw_object(w, key);
	mm_jsonw_text(w, "by", mm_by_name(t->by));
	mm_jsonw_text(w, "metric", mm_metric_name(t->metric));
	mm_jsonw_array(w, "rows");
	for (size_t i = 0; i < t->count; i++)
		put_row(w, r, t->by, &t->rows[i]);
	mm_jsonw_array_end(w);
	put_sum(w, "rest", t->rest_count, &t->rest);
	put_sum(w, "total", t->count + t->rest_count, &t->total);
	mm_jsonw_object_end(w);
}

static void put_leaks(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "leaks");
	for (size_t i = 0; i < r->leaks.count; i++) {
		const struct mm_report_row *row = &r->leaks.rows[i];
		mm_jsonw_object(w, NULL);
		put_row_names(w, r, row);
		mm_jsonw_text(w, "verdict", "still_live");
		mm_jsonw_u64(w, "bytes", row->own.leak_bytes);
		mm_jsonw_u64(w, "count", row->own.leak_count);
		mm_jsonw_u64(w, "oldest_ns", row->oldest_ns);
		mm_jsonw_u64(w, "alloc_count", row->own.alloc_count);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_object(w, "leaks_rest");
	mm_jsonw_u64(w, "row_count", r->leaks.rest_count);
	mm_jsonw_u64(w, "bytes", r->leaks.rest.leak_bytes);
	mm_jsonw_u64(w, "count", r->leaks.rest.leak_count);
	mm_jsonw_object_end(w);
}

static void put_sites(struct mm_jsonw *w, const struct mm_report *r)
{
	/* Sites stand here whatever --by asks for: by the metric when by site, else by peak. */
	const struct mm_report_table *t = r->table.by == MM_BY_SITE ? &r->table : &r->peak;

	mm_jsonw_array(w, "sites");
	for (size_t i = 0; i < t->count; i++)
		put_row(w, r, MM_BY_SITE, &t->rows[i]);
	mm_jsonw_array_end(w);
	put_sum(w, "sites_rest", t->rest_count, &t->rest);
}

void mm_json_tables(struct mm_jsonw *w, const struct mm_report *r)
{
	put_sites(w, r);
	put_leaks(w, r);
	put_table(w, r, &r->temporary, "temporaries");
	put_table(w, r, &r->allocs, "callers");
	if (r->table.by == MM_BY_SITE)
		mm_jsonw_null(w, "table");
	else
		put_table(w, r, &r->table, "table");
}

/* --- stacks and frames --------------------------------------------------------------- */

static const char *const frame_kinds[] = { "user", "runtime", "category", "cut", "lost" };

static void put_frame(struct mm_jsonw *w, const struct mm_report_frame *f)
{
	char address[24];

	snprintf(address, sizeof address, "0x%llx", (unsigned long long)f->offset);
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", f->name);
	mm_jsonw_text(w, "function", *f->function ? f->function : NULL);
	mm_jsonw_text(w, "file", *f->file ? f->file : NULL);
	mm_jsonw_u64(w, "line", f->line ? f->line : MM_UNKNOWN);
	mm_jsonw_text(w, "module", *f->path ? f->path : NULL);
	mm_jsonw_text(w, "address", *f->path ? address : NULL);
	mm_jsonw_bool(w, "inlined", f->inlined);
	mm_jsonw_text(w, "kind", frame_kinds[f->kind <= MM_FRAME_LOST ? f->kind : 0]);
	mm_jsonw_object_end(w);
}

void mm_json_stacks(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "stacks");
	for (size_t i = 0; i < r->stack_count; i++) {
		const struct mm_report_stack *s = &r->stacks[i];
		mm_jsonw_object(w, NULL);
		mm_jsonw_text(w, "id", s->id);
		mm_jsonw_u64(w, "first", s->first);
		mm_jsonw_array(w, "frames");
		for (uint32_t k = 0; k < s->count; k++)
			mm_jsonw_u64(w, NULL, s->frames[k]);
		mm_jsonw_array_end(w);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_array(w, "frames");
	for (size_t i = 0; i < r->frame_count; i++)
		put_frame(w, &r->frames[i]);
	mm_jsonw_array_end(w);
}

void mm_json_tree(struct mm_jsonw *w, const struct mm_report *r)
{
	if (r->tree_kind == MM_TREE_NONE) {
		mm_jsonw_null(w, "tree");
		return;
	}
	mm_jsonw_object(w, "tree");
	mm_jsonw_text(w, "kind", r->tree_kind == MM_TREE_CALLERS ? "callers" : "callees");
	mm_jsonw_text(w, "metric", mm_metric_name(r->table.metric));
	mm_jsonw_u64(w, "floor", r->tree_floor);
	mm_jsonw_array(w, "nodes");
	for (size_t i = 0; i < r->tree_count; i++) {
		const struct mm_report_node *n = &r->tree[i];
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "parent", i ? n->parent : MM_UNKNOWN);
		mm_jsonw_u64(w, "depth", n->depth);
		mm_jsonw_u64(w, "frame", n->frame == UINT32_MAX ? MM_UNKNOWN : n->frame);
		if (n->folded)
			mm_jsonw_u64(w, "folded_count", n->folded_count);
		mm_jsonw_u64(w, "total", n->total);
		mm_jsonw_u64(w, "self", n->self);
		mm_jsonw_u64(w, "alloc_count", n->calls);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_jsonw_object_end(w);
}

/* --- metrics ------------------------------------------------------------------------- */

void mm_json_series(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "metrics");
	for (size_t i = 0; i < r->series_count; i++) {
		const struct mm_report_series *s = &r->series[i];
		mm_jsonw_object(w, NULL);
		mm_jsonw_text(w, "name", s->name);
		mm_jsonw_u64(w, "value_count", s->count);
		mm_jsonw_i64(w, "first", s->first);
		mm_jsonw_i64(w, "last", s->last);
		mm_jsonw_i64(w, "min", s->min);
		mm_jsonw_i64(w, "max", s->max);
		mm_jsonw_array(w, "t_ns");
		for (size_t k = 0; k < s->point_count; k++)
			mm_jsonw_u64(w, NULL, s->t_ns[k]);
		mm_jsonw_array_end(w);
		mm_jsonw_array(w, "values");
		for (size_t k = 0; k < s->point_count; k++)
			mm_jsonw_i64(w, NULL, s->values[k]);
		mm_jsonw_array_end(w);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static int put_domain(struct mm_jsonw *w, const struct mm_report *r, const char *prefix,
		      int count_only)
{
	size_t len = strlen(prefix);
	int n = 0;

	for (size_t i = 0; i < r->series_count; i++) {
		const struct mm_report_series *s = &r->series[i];
		if (strncmp(s->name, prefix, len) != 0 || s->name[len] != '.')
			continue;
		if (!count_only)
			mm_jsonw_i64(w, s->name + len + 1, s->last);
		n++;
	}
	return n;
}

void mm_json_domains(struct mm_jsonw *w, const struct mm_report *r)
{
	static const char *const prefixes[] = { "svo", "sdf" };

	mm_jsonw_object(w, "domains");
	for (size_t i = 0; i < 2; i++) {
		if (!put_domain(w, r, prefixes[i], 1)) {
			mm_jsonw_null(w, prefixes[i]);
			continue;
		}
		mm_jsonw_object(w, prefixes[i]);
		put_domain(w, r, prefixes[i], 0);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_object_end(w);
}
