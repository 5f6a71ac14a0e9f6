/* contest_json.c: a contest as JSON (contest_view.h). */
#include "core/error.h"
#include "view/contest_view.h"
#include "view/jsonw.h"

static void put_contestant(struct mm_jsonw *w, const struct mm_contestant *a)
{
	mm_jsonw_object(w, NULL);
	mm_jsonw_text(w, "allocator", a->name);
	mm_jsonw_u64(w, "op_count", a->op_count);
	mm_jsonw_u64(w, "failed_count", a->failed_count);
	mm_jsonw_u64(w, "op_median_ps", a->median_ps);
	mm_jsonw_u64(w, "op_low_ps", a->low_ps);
	mm_jsonw_u64(w, "op_high_ps", a->high_ps);
	mm_jsonw_u64(w, "rss_peak_bytes", a->rss_bytes);
	mm_jsonw_u64(w, "rss_end_bytes", a->end_bytes);
	mm_jsonw_u64(w, "worst_64_ns", a->pause_ns);
	mm_jsonw_u64(w, "op_p50_ns", a->p50_ns);
	mm_jsonw_u64(w, "op_p99_ns", a->p99_ns);
	mm_jsonw_u64(w, "op_p999_ns", a->p999_ns);
	mm_jsonw_u64(w, "sample_count", a->sample_count);
	mm_jsonw_u64(w, "round_count", a->round_count);
	mm_jsonw_object_end(w);
}

int mm_contest_json(const struct mm_contest *c, const char *version, FILE *out)
{
	struct mm_jsonw w;

	mm_jsonw_begin(&w, out, 3);
	mm_jsonw_object(&w, NULL);
	mm_jsonw_text(&w, "schema", MM_CONTEST_SCHEMA);
	mm_jsonw_u64(&w, "minor", MM_OUTCOME_MINOR);
	mm_jsonw_text(&w, "tool", version);
	mm_jsonw_object(&w, "run");
	mm_jsonw_text(&w, "trace", c->trace);
	mm_jsonw_text(&w, "cmd", c->cmd);
	mm_jsonw_u64(&w, "pid", c->pid);
	mm_jsonw_object_end(&w);
	mm_jsonw_u64(&w, "threads_count", c->threads);
	mm_jsonw_text(&w, "touched", c->touch_all ? "all" : "pages");
	mm_jsonw_u64(&w, "none_ps", c->none_ps);
	mm_jsonw_u64(&w, "clock_step_ns", c->clock_step_ns);
	mm_jsonw_array(&w, "contest");
	for (size_t i = 0; i < c->count; i++)
		put_contestant(&w, &c->contestant[i]);
	mm_jsonw_array_end(&w);
	mm_jsonw_object_end(&w);
	int err = mm_jsonw_end(&w);
	return fflush(out) ? MM_EIO : err;
}
