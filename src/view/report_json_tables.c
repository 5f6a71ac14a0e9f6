/* report_json_tables.c: tables, leaks, stacks, tree and metrics of the JSON report
 * (json_parts.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/json_parts.h"

enum { LIST_MOST = 32 };
#define DEPTHS "nodes_by_depth_count"

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
		if (r->leak_rows)
			mm_json_leak(w, &r->leak_rows[i]);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
	mm_json_leak_steps(w, r);
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

/* "svo.nodes_by_depth_count.3" of the list "nodes_by_depth_count": 3; -1 = no such metric. */
static long list_place(const char *metric, const char *domain, const char *list)
{
	char prefix[96], *end;
	long place;
	int n = snprintf(prefix, sizeof prefix, "%s.%s.", domain, list);

	if (strncmp(metric, prefix, (size_t)n) != 0 || !metric[n])
		return -1;
	place = strtol(metric + n, &end, 10);
	return *end || place < 0 || place >= LIST_MOST ? -1 : place;
}

/* An array, as long as its highest place that was told; null without any. */
static void put_list(struct mm_jsonw *w, const struct mm_report *r, const char *domain,
		     const char *list)
{
	const struct mm_report_series *at[LIST_MOST] = { NULL };
	long length = 0;

	for (size_t i = 0; i < r->series_count; i++) {
		long place = list_place(r->series[i].name, domain, list);
		if (place < 0)
			continue;
		at[place] = &r->series[i];
		length = place >= length ? place + 1 : length;
	}
	if (!length) {
		mm_jsonw_null(w, list);
		return;
	}
	mm_jsonw_array(w, list);
	for (long i = 0; i < length; i++)
		if (at[i])
			mm_jsonw_i64(w, NULL, at[i]->last);
		else
			mm_jsonw_null(w, NULL);
	mm_jsonw_array_end(w);
}

/* What the program told under names of its own. */
static void put_others(struct mm_jsonw *w, const struct mm_report *r,
		       const struct mm_report_domain *d)
{
	size_t len = strlen(d->name);

	for (size_t i = 0; i < r->series_count; i++) {
		const struct mm_report_series *s = &r->series[i];
		size_t k = 0;
		if (strncmp(s->name, d->name, len) != 0 || s->name[len] != '.' ||
		    list_place(s->name, d->name, DEPTHS) >= 0 ||
		    strcmp(s->name + len + 1, DEPTHS) == 0)
			continue;
		while (k < d->count && strcmp(s->name + len + 1, d->members[k].name) != 0)
			k++;
		if (k == d->count)
			mm_jsonw_i64(w, s->name + len + 1, s->last);
	}
}

static void put_domain(struct mm_jsonw *w, const struct mm_report *r, enum mm_domain which)
{
	struct mm_report_domain d;

	mm_report_domain(r, which, &d);
	if (!d.told) {
		mm_jsonw_null(w, d.name);
		return;
	}
	mm_jsonw_object(w, d.name);
	if (which == MM_DOMAIN_SVO)
		put_list(w, r, d.name, DEPTHS);
	for (size_t i = 0; i < d.count; i++)
		if (d.members[i].known)
			mm_jsonw_i64(w, d.members[i].name, d.members[i].value);
		else
			mm_jsonw_null(w, d.members[i].name);
	put_others(w, r, &d);
	mm_jsonw_object_end(w);
}

void mm_json_domains(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_object(w, "domains");
	for (int i = 0; i < MM_DOMAIN_COUNT; i++)
		put_domain(w, r, (enum mm_domain)i);
	mm_jsonw_object_end(w);
}
