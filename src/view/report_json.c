/* report_json.c: the report as JSON (report_json.h): run, totals and everything that is
 * no table; tables and trees are in report_json_tables.c. */
#include "view/report_json.h"

#include <string.h>

#include "base/ratios.h"
#include "view/json_parts.h"
#include "view/jsonw.h"

static const char *end_name(unsigned end)
{
	static const char *const names[] = { "running", "exit", "signal", "exec", "unknown" };

	return end < sizeof names / sizeof *names ? names[end] : "unknown";
}

static void put_exit(struct mm_jsonw *w, unsigned end, int32_t status)
{
	mm_jsonw_text(w, "end", end_name(end));
	if (end == MM_END_EXIT)
		mm_jsonw_i64(w, "exit", status);
	else
		mm_jsonw_null(w, "exit");
	if (end == MM_END_SIGNAL)
		mm_jsonw_i64(w, "signal", status);
	else
		mm_jsonw_null(w, "signal");
}

static void put_run(struct mm_jsonw *w, const struct mm_report_run *run)
{
	mm_jsonw_object(w, "run");
	mm_jsonw_text(w, "trace", run->trace);
	mm_jsonw_text(w, "cmd", run->cmd);
	mm_jsonw_text(w, "exe", run->exe);
	mm_jsonw_text(w, "source", run->source);
	mm_jsonw_text(w, "recorded_by", run->tool);
	if (run->process == MM_NO_PROCESS)
		mm_jsonw_null(w, "pid");
	else
		mm_jsonw_u64(w, "pid", run->pid);
	put_exit(w, run->end, run->exit);
	mm_jsonw_u64(w, "lost_events_count", run->lost_events_count);
	mm_jsonw_u64(w, "kept_from_ns", run->kept_from_ns);
	mm_jsonw_u64(w, "unlisted_process_count", run->unlisted_process_count);
	mm_jsonw_u64(w, "event_count", run->event_count);
	mm_jsonw_u64(w, "duration_ns", run->duration_ns);
	mm_jsonw_u64(w, "start_unix_ns", run->start_unix_ns);
	mm_jsonw_u64(w, "from_ns", run->from_ns);
	mm_jsonw_u64(w, "to_ns", run->to_ns);
	mm_jsonw_bool(w, "whole", run->whole);
	mm_jsonw_u64(w, "time_resolution_ns", run->time_resolution_ns);
	mm_jsonw_u64(w, "trace_bytes", run->file_bytes);
	mm_jsonw_u64(w, "trace_version", run->version);
	mm_jsonw_bool(w, "complete", run->complete);
	mm_jsonw_u64(w, "damaged_count", run->damaged_count);
	mm_jsonw_u64(w, "damaged_bytes", run->damaged_bytes);
	mm_jsonw_u64(w, "unattributed_count", run->unattributed_count);
	mm_jsonw_u64(w, "cores_count", run->cores);
	mm_jsonw_u64(w, "page_bytes", run->page_bytes);
	mm_jsonw_u64(w, "mem_total_bytes", run->mem_total_bytes);
	mm_jsonw_object_end(w);
}

static void put_totals(struct mm_jsonw *w, const struct mm_report_totals *t)
{
	mm_jsonw_object(w, "totals");
	mm_jsonw_u64(w, "alloc_count", t->all.alloc_count);
	mm_jsonw_u64(w, "free_count", t->all.free_count);
	mm_jsonw_u64(w, "alloc_bytes", t->all.alloc_bytes);
	mm_jsonw_u64(w, "free_bytes", t->all.free_bytes);
	mm_jsonw_u64(w, "peak_live_bytes", t->peak_live_bytes);
	mm_jsonw_u64(w, "peak_live_count", t->peak_live_count);
	mm_jsonw_u64(w, "peak_at_ns", t->peak_at_ns);
	mm_jsonw_bool(w, "peak_partial", t->peak_partial);
	mm_jsonw_u64(w, "live_begin_bytes", t->live_begin_bytes);
	mm_jsonw_u64(w, "live_begin_count", t->live_begin_count);
	mm_jsonw_u64(w, "live_end_bytes", t->all.live_bytes);
	mm_jsonw_u64(w, "live_end_count", t->all.live_count);
	mm_jsonw_u64(w, "leak_bytes", t->all.leak_bytes);
	mm_jsonw_u64(w, "leak_count", t->all.leak_count);
	mm_jsonw_u64(w, "discarded_bytes", t->discarded_bytes);
	mm_jsonw_u64(w, "discarded_count", t->discarded_count);
	mm_jsonw_u64(w, "temporary_count", t->all.temporary_count);
	mm_jsonw_u64(w, "temporary_ppm", mm_ratio_ppm(t->all.temporary_count, t->all.alloc_count));
	mm_jsonw_u64(w, "realloc_count", t->realloc_count);
	mm_jsonw_u64(w, "failed_count", t->failed_count);
	mm_jsonw_u64(w, "implied_free_count", t->implied_free_count);
	mm_jsonw_u64(w, "inherited_free_count", t->inherited_free_count);
	mm_jsonw_u64(w, "unknown_size_count", t->unknown_count);
	mm_jsonw_u64(w, "mapped_bytes", t->mapped_bytes);
	mm_jsonw_u64(w, "rss_peak_bytes", t->rss_peak_bytes);
	mm_jsonw_u64(w, "unaccounted_bytes", t->unaccounted_bytes);
	mm_jsonw_u64(w, "unaccounted_at_ns", t->unaccounted_at_ns);
	mm_jsonw_u64(w, "unaccounted_rss_bytes", t->unaccounted_rss_bytes);
	mm_jsonw_u64(w, "unaccounted_ppm", t->unaccounted_ppm);
	mm_jsonw_text(w, "unaccounted_cause", *t->unaccounted_cause ? t->unaccounted_cause : NULL);
	mm_jsonw_object_end(w);
}

static void put_process(struct mm_jsonw *w, const struct mm_report_process *p)
{
	static const char *const starts[] = { "command", "fork", "exec", "unrecorded" };

	mm_jsonw_object(w, NULL);
	mm_jsonw_u64(w, "number", p->number);
	mm_jsonw_u64(w, "pid", p->pid);
	mm_jsonw_u64(w, "ppid", p->ppid);
	if (p->parent == MM_NO_PROCESS)
		mm_jsonw_null(w, "parent");
	else
		mm_jsonw_u64(w, "parent", p->parent);
	mm_jsonw_text(w, "start", p->start < 4 ? starts[p->start] : "unrecorded");
	put_exit(w, p->end, p->status);
	mm_jsonw_bool(w, "recorded", p->recorded);
	mm_jsonw_bool(w, "selected", p->selected);
	mm_jsonw_text(w, "exe", *p->exe ? p->exe : NULL);
	mm_jsonw_text(w, "cmd", p->cmd);
	mm_jsonw_u64(w, "start_ns", p->start_ns);
	mm_jsonw_u64(w, "end_ns", p->end_ns);
	mm_jsonw_u64(w, "inherited_bytes", p->inherited_bytes);
	mm_jsonw_u64(w, "alloc_count", p->alloc_count);
	mm_jsonw_u64(w, "alloc_bytes", p->alloc_bytes);
	mm_jsonw_u64(w, "peak_live_bytes", p->peak_live_bytes);
	mm_jsonw_u64(w, "live_end_bytes", p->live_end_bytes);
	mm_jsonw_object_end(w);
}

static void put_processes(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "processes");
	for (size_t i = 0; i < r->process_count; i++)
		put_process(w, &r->processes[i]);
	mm_jsonw_array_end(w);
}

static void put_categories(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "categories");
	for (size_t i = 0; i < r->category_count; i++) {
		const struct mm_report_category *c = &r->categories[i];
		mm_jsonw_object(w, NULL);
		mm_jsonw_text(w, "name", c->name);
		mm_jsonw_u64(w, "budget_bytes", c->budget_bytes);
		mm_jsonw_u64(w, "peak_bytes", c->peak_live_bytes);
		mm_jsonw_u64(w, "peak_at_ns", c->peak_at_ns);
		mm_jsonw_u64(w, "used_ppm", c->used_ppm);
		mm_jsonw_bool(w, "over", c->over);
		mm_jsonw_u64(w, "exceeded_at_ns", c->exceeded_at_ns);
		mm_jsonw_u64(w, "at_peak_bytes", c->own.peak_bytes);
		mm_jsonw_u64(w, "at_peak_count", c->own.peak_count);
		mm_jsonw_u64(w, "live_bytes", c->own.live_bytes);
		mm_jsonw_u64(w, "live_count", c->own.live_count);
		mm_jsonw_u64(w, "alloc_count", c->own.alloc_count);
		mm_jsonw_u64(w, "alloc_bytes", c->own.alloc_bytes);
		mm_jsonw_u64(w, "free_count", c->own.free_count);
		mm_jsonw_u64(w, "temporary_count", c->own.temporary_count);
		mm_jsonw_u64(w, "leak_bytes", c->own.leak_bytes);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_pool(struct mm_jsonw *w, const struct mm_report_pool *q)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "name", q->name);
	mm_jsonw_u64(w, "number", q->number);
	mm_jsonw_u64(w, "process", q->process);
	mm_jsonw_text(w, "category", *q->category ? q->category : NULL);
	mm_jsonw_bool(w, "under_malloc", q->under_malloc);
	mm_jsonw_bool(w, "inherited", q->inherited);
	mm_jsonw_bool(w, "ended", q->ended);
	mm_jsonw_u64(w, "block_bytes", q->block_bytes);
	mm_jsonw_u64(w, "alloc_count", q->alloc_count);
	mm_jsonw_u64(w, "alloc_bytes", q->alloc_bytes);
	mm_jsonw_u64(w, "free_count", q->free_count);
	mm_jsonw_u64(w, "live_count", q->live_count);
	mm_jsonw_u64(w, "live_bytes", q->live_bytes);
	mm_jsonw_u64(w, "slab_count", q->slab_count);
	mm_jsonw_u64(w, "committed_bytes", q->committed_bytes);
	mm_jsonw_u64(w, "peak_committed_bytes", q->peak_committed_bytes);
	mm_jsonw_u64(w, "peak_at_ns", q->peak_at_ns);
	mm_jsonw_u64(w, "fragmentation_ppm", q->fragmentation_ppm);
	mm_jsonw_u64(w, "at_peak_live_bytes", q->at_peak_live_bytes);
	mm_jsonw_u64(w, "at_peak_committed_bytes", q->at_peak_committed_bytes);
	mm_jsonw_u64(w, "at_peak_fragmentation_ppm", q->at_peak_fragmentation_ppm);
	mm_jsonw_text(w, "source", "slab events");
	mm_jsonw_object_end(w);
}

static void put_pools(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "pools");
	for (size_t i = 0; i < r->pool_count; i++)
		put_pool(w, &r->pools[i]);
	mm_jsonw_array_end(w);
}

static void put_threads(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "threads");
	for (size_t i = 0; i < r->thread_count; i++) {
		const struct mm_report_thread *t = &r->threads[i];
		mm_jsonw_object(w, NULL);
		if (t->tid)
			mm_jsonw_u64(w, "tid", t->tid);
		else
			mm_jsonw_null(w, "tid");
		mm_jsonw_u64(w, "process", t->process);
		mm_jsonw_text(w, "name", t->name);
		mm_jsonw_u64(w, "start_ns", t->start_ns);
		mm_json_measure(w, &t->own);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_buckets(struct mm_jsonw *w, const struct mm_report_bucket *b, size_t n,
			const char *low, const char *high)
{
	mm_jsonw_array(w, "buckets");
	for (size_t i = 0; i < n; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, low, b[i].low);
		mm_jsonw_u64(w, high, b[i].high);
		mm_jsonw_u64(w, "count", b[i].count);
		mm_jsonw_u64(w, "bytes", b[i].bytes);
		if (b[i].live_count != MM_UNKNOWN) {
			mm_jsonw_u64(w, "live_count", b[i].live_count);
			mm_jsonw_u64(w, "live_bytes", b[i].live_bytes);
		}
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_histograms(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_object(w, "lifetimes");
	mm_jsonw_u64(w, "p50_ns", mm_report_lifetime_quantile(r, 500000));
	mm_jsonw_u64(w, "p90_ns", mm_report_lifetime_quantile(r, 900000));
	mm_jsonw_u64(w, "p99_ns", mm_report_lifetime_quantile(r, 990000));
	put_buckets(w, r->lifetimes, r->lifetime_count, "from_ns", "below_ns");
	mm_jsonw_object_end(w);
	mm_jsonw_object(w, "sizes");
	put_buckets(w, r->sizes, r->size_count, "from_bytes", "below_bytes");
	mm_jsonw_object_end(w);
}

static void put_array(struct mm_jsonw *w, const char *key, const uint64_t *values, size_t n)
{
	mm_jsonw_array(w, key);
	for (size_t i = 0; i < n; i++)
		mm_jsonw_u64(w, NULL, values[i]);
	mm_jsonw_array_end(w);
}

static void put_timeline(struct mm_jsonw *w, const struct mm_report_timeline *t)
{
	mm_jsonw_object(w, "timeline");
	put_array(w, "t_ns", t->t_ns, t->count);
	put_array(w, "live_bytes", t->live_bytes, t->count);
	put_array(w, "live_count", t->live_count, t->count);
	put_array(w, "peak_bytes", t->peak_bytes, t->count);
	put_array(w, "alloc_count", t->alloc_count, t->count);
	put_array(w, "alloc_bytes", t->alloc_bytes, t->count);
	put_array(w, "free_count", t->free_count, t->count);
	put_array(w, "rss_bytes", t->rss_bytes, t->count);
	mm_jsonw_object_end(w);
}

static void put_marks(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "marks");
	for (size_t i = 0; i < r->mark_count; i++) {
		mm_jsonw_object(w, NULL);
		mm_jsonw_text(w, "text", r->marks[i].text);
		mm_jsonw_u64(w, "t_ns", r->marks[i].t_ns);
		mm_jsonw_u64(w, "process", r->marks[i].process);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_samples(struct mm_jsonw *w, const struct mm_report *r)
{
	mm_jsonw_array(w, "samples");
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct mm_sample *s = &r->samples[i].sample;
		mm_jsonw_object(w, NULL);
		mm_jsonw_u64(w, "t_ns", r->samples[i].t_ns);
		mm_jsonw_u64(w, "process", r->samples[i].process);
		mm_jsonw_u64(w, "rss_bytes", s->rss_bytes);
		mm_jsonw_u64(w, "anon_bytes", s->anon_bytes);
		mm_jsonw_u64(w, "rss_peak_bytes", s->rss_peak_bytes);
		mm_jsonw_u64(w, "mem_available_bytes", s->mem_available_bytes);
		mm_jsonw_u64(w, "limit_bytes", s->limit_bytes);
		mm_jsonw_u64(w, "cgroup_bytes", s->cgroup_bytes);
		mm_jsonw_u64(w, "psi_some_ppm", s->psi_some_ppm);
		mm_jsonw_u64(w, "psi_full_ppm", s->psi_full_ppm);
		mm_jsonw_object_end(w);
	}
	mm_jsonw_array_end(w);
}

static void put_query(struct mm_jsonw *w, const struct mm_report_query *q)
{
	mm_jsonw_object(w, "query");
	mm_jsonw_text(w, "by", mm_by_name(q->by));
	mm_jsonw_text(w, "metric", mm_metric_name(q->metric));
	mm_jsonw_u64(w, "row_count", q->top);
	mm_jsonw_text(w, "from", *q->from ? q->from : NULL);
	mm_jsonw_text(w, "to", *q->to ? q->to : NULL);
	mm_jsonw_text(w, "process", *q->process ? q->process : NULL);
	mm_jsonw_text(w, "match", *q->match ? q->match : NULL);
	mm_jsonw_object_end(w);
}

static void put_tool(struct mm_jsonw *w, const char *version)
{
	mm_jsonw_object(w, "tool");
	mm_jsonw_text(w, "name", "mmprof");
	mm_jsonw_text(w, "version", version);
	mm_jsonw_object_end(w);
}

int mm_report_json(const struct mm_report *r, const char *version, FILE *out)
{
	struct mm_jsonw w;

	mm_jsonw_begin(&w, out, 2);
	mm_jsonw_object(&w, NULL);
	mm_jsonw_text(&w, "schema", MM_REPORT_SCHEMA);
	mm_jsonw_u64(&w, "minor", MM_REPORT_MINOR);
	put_tool(&w, version);
	put_query(&w, &r->query);
	put_run(&w, &r->run);
	put_totals(&w, &r->totals);
	mm_json_rates(&w, r);
	put_processes(&w, r);
	put_categories(&w, r);
	put_pools(&w, r);
	mm_json_tiers(&w, r);
	mm_json_pressure(&w, r);
	mm_json_gpu(&w, r);
	mm_json_tables(&w, r);
	put_threads(&w, r);
	put_timeline(&w, &r->timeline);
	put_marks(&w, r);
	put_histograms(&w, r);
	put_samples(&w, r);
	mm_json_series(&w, r);
	mm_json_domains(&w, r);
	mm_json_map(&w, r);
	mm_json_tree(&w, r);
	mm_json_stacks(&w, r);
	mm_jsonw_object_end(&w);
	return mm_jsonw_end(&w);
}
