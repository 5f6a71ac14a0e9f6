/* fill_facts.c: run, totals, processes, categories, threads and histograms of a report
 * (work.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

static uint64_t process_end(const struct mm_reader *r, const struct mm_process *p)
{
	return p->end_time == MM_UNKNOWN ? mm_reader_info(r)->duration_ns : p->end_time;
}

static void fill_run_process(struct mm_work *w, struct mm_report_run *run)
{
	const struct mm_process *p = mm_reader_process(w->reader, w->selected[0]);

	run->pid = p->pid;
	run->exe = mm_report_store_text(w->store, p->exe);
	run->process = w->selected_count == 1 ? p->number : MM_NO_PROCESS;
	run->end = p->end;
	run->exit = p->status;
	if (!*run->cmd)
		run->cmd = mm_report_store_text(w->store, p->cmd);
}

static void fill_query(struct mm_work *w)
{
	const struct mm_model_options *o = w->options;

	w->report->query = (struct mm_report_query){
		.by = o->by, .metric = o->metric, .top = o->top,
		.from = mm_report_store_text(w->store, o->from),
		.to = mm_report_store_text(w->store, o->to),
		.process = mm_report_store_text(w->store, o->process),
		.match = mm_report_store_text(w->store, o->match),
	};
}

/* Told by the rings, and by a writer that could not write. */
static uint64_t count_lost(const struct mm_work *w)
{
	uint64_t n = w->notes.lost_count;

	for (size_t i = 0; i < w->selected_count; i++)
		n += mm_reader_lost(w->reader, w->selected[i]);
	return n + (w->all ? mm_reader_info(w->reader)->unlisted_events : 0);
}

int mm_fill_run(struct mm_work *w)
{
	const struct mm_trace_info *info = mm_reader_info(w->reader);
	struct mm_report_run *run = &w->report->run;

	*run = (struct mm_report_run){
		.trace = mm_report_store_text(w->store, w->options->trace),
		.cmd = mm_report_store_text(w->store, info->command),
		.tool = mm_report_store_text(w->store, info->tool),
		.source = mm_report_store_text(w->store, info->source),
		.start_unix_ns = info->start_unix_ns, .duration_ns = info->duration_ns,
		.from_ns = w->from, .to_ns = w->to == MM_UNKNOWN ? info->duration_ns : w->to,
		.whole = w->from == 0 && w->to == MM_UNKNOWN,
		.lost_events_count = count_lost(w), .kept_from_ns = info->kept_from_ns,
		.unlisted_process_count = info->unlisted_processes,
		.file_bytes = info->file_bytes, .page_bytes = info->page_bytes,
		.mem_total_bytes = info->mem_total_bytes,
		.time_resolution_ns = info->time_resolution_ns,
		.cores = info->cores, .version = info->version,
		.complete = (uint8_t)info->complete, .has_addresses = (uint8_t)info->has_addresses,
		.damaged_count = info->damaged_blocks, .damaged_bytes = info->lost_bytes,
	};
	fill_query(w);
	fill_run_process(w, run);
	for (size_t i = 0; i < w->ready; i++) {
		run->unattributed_count += w->sums[i].unattributed_count;
		run->event_count += w->learnt[i]->events;
	}
	return MM_OK;
}

/* --- processes ----------------------------------------------------------------------- */

static void fill_process(struct mm_work *w, uint32_t number, struct mm_report_process *row)
{
	const struct mm_process *p = mm_reader_process(w->reader, number);
	const struct mm_totals *t = mm_reader_totals(w->reader, number);
	int recorded = p->start != MM_START_UNRECORDED;

	*row = (struct mm_report_process){
		.number = p->number, .pid = p->pid, .ppid = p->ppid,
		.parent = p->parent ? p->parent - 1 : MM_NO_PROCESS,
		.start = p->start, .end = p->end, .status = p->status,
		.recorded = (uint8_t)recorded,
		.start_ns = p->start_time, .end_ns = process_end(w->reader, p),
		.inherited_bytes = p->inherited_bytes,
		.exe = mm_report_store_text(w->store, p->exe),
		.cmd = mm_report_store_text(w->store, p->cmd),
		.alloc_count = recorded ? t->allocs : MM_UNKNOWN,
		.alloc_bytes = recorded ? t->alloc_bytes : MM_UNKNOWN,
		.peak_live_bytes = recorded ? t->peak_bytes : MM_UNKNOWN,
		.live_end_bytes = recorded ? t->live_bytes : MM_UNKNOWN,
	};
}

int mm_fill_processes(struct mm_work *w)
{
	struct mm_report *r = w->report;

	r->process_count = mm_reader_processes(w->reader);
	r->processes = mm_report_store_alloc(w->store, r->process_count, sizeof *r->processes);
	if (!r->processes)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < r->process_count; i++)
		fill_process(w, i, &r->processes[i]);
	for (size_t i = 0; i < w->selected_count; i++)
		r->processes[w->selected[i]].selected = 1;
	return MM_OK;
}

/* --- categories ---------------------------------------------------------------------- */

/* In force at the end of the range. */
static uint64_t budget_of(const struct mm_work *w, uint32_t category)
{
	for (size_t i = w->budget_count; i-- > 0;)
		if (w->budgets[i].category == category)
			return w->budgets[i].bytes;
	return MM_UNKNOWN;
}

static void watch_budget(struct mm_report_category *row, const struct mm_sums *s,
			 const struct mm_sum_category *c)
{
	uint64_t most = c->peak_bytes != MM_UNKNOWN ? c->peak_bytes
		: c->own.live_bytes != MM_UNKNOWN ? c->own.live_bytes : 0;

	if (!s->sweep) /* when is not known */
		row->over |= row->budget_bytes != MM_UNKNOWN && most > row->budget_bytes;
	else if (c->exceeded_time < row->exceeded_at_ns)
		row->exceeded_at_ns = c->exceeded_time;
	row->over |= row->exceeded_at_ns != MM_UNKNOWN;
}

static void add_category(struct mm_report_category *row, const struct mm_sum_category *c)
{
	mm_measure_add(&row->own, &c->own);
	/* Of several processes each has its own peak; the largest is one that was reached. */
	if (c->peak_bytes > row->peak_live_bytes) {
		row->peak_live_bytes = c->peak_bytes;
		row->peak_at_ns = c->peak_time;
	}
}

int mm_fill_categories(struct mm_work *w)
{
	const struct mm_categories *c = w->options->categories;
	struct mm_report *r = w->report;

	r->category_count = mm_categories_count(c);
	r->categories = mm_report_store_alloc(w->store, r->category_count, sizeof *r->categories);
	if (!r->categories)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < r->category_count; i++) {
		struct mm_report_category *row = &r->categories[i];
		row->name = mm_report_store_text(w->store, mm_categories_name(c, i));
		row->budget_bytes = budget_of(w, i);
		row->exceeded_at_ns = MM_UNKNOWN;
		for (size_t k = 0; k < w->ready; k++) {
			if (i >= w->sums[k].category_count)
				continue;
			add_category(row, &w->sums[k].categories[i]);
			watch_budget(row, &w->sums[k], &w->sums[k].categories[i]);
		}
		row->used_ppm = row->budget_bytes == MM_UNKNOWN || !row->budget_bytes ||
				row->peak_live_bytes == MM_UNKNOWN ? MM_UNKNOWN
			: (uint64_t)((unsigned __int128)row->peak_live_bytes * 1000000 /
				     row->budget_bytes);
	}
	return MM_OK;
}

/* --- threads ------------------------------------------------------------------------- */

static int is_zero(const struct mm_measure *m)
{
	return !m->alloc_count && !m->free_count && !m->live_count && !m->peak_count;
}

static int thread_order(const void *a, const void *b)
{
	const struct mm_report_thread *x = a, *y = b;

	if (x->own.alloc_bytes != y->own.alloc_bytes)
		return x->own.alloc_bytes > y->own.alloc_bytes ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void fill_thread(struct mm_work *w, const struct mm_sums *s, uint32_t number,
			struct mm_report_thread *row)
{
	int known = number + 1 < s->thread_count;
	const struct mm_thread *t = known ? mm_reader_thread(w->reader, s->process, number) : NULL;

	*row = (struct mm_report_thread){
		.name = t ? mm_report_store_text(w->store, t->name) : "[unknown]",
		.tid = t ? t->tid : 0, .process = s->process,
		.start_ns = t ? t->start_time : MM_UNKNOWN, .own = s->threads[number],
	};
}

int mm_fill_threads(struct mm_work *w)
{
	struct mm_report *r = w->report;
	size_t n = 0;

	for (size_t i = 0; i < w->ready; i++)
		n += w->sums[i].thread_count;
	r->threads = mm_report_store_alloc(w->store, n, sizeof *r->threads);
	if (n && !r->threads)
		return MM_ENOMEM;
	for (size_t i = 0; i < w->ready; i++)
		for (uint32_t t = 0; t < w->sums[i].thread_count; t++)
			if (!is_zero(&w->sums[i].threads[t]))
				fill_thread(w, &w->sums[i], t, &r->threads[r->thread_count++]);
	if (r->thread_count)
		qsort(r->threads, r->thread_count, sizeof *r->threads, thread_order);
	return MM_OK;
}

/* --- histograms ---------------------------------------------------------------------- */

static void fill_size(const struct mm_work *w, unsigned k, struct mm_report_bucket *b)
{
	*b = (struct mm_report_bucket){ .low = k ? UINT64_C(1) << (k - 1) : 0,
		.high = k == MM_SIZE_BUCKETS - 1 ? MM_UNKNOWN : UINT64_C(1) << k };
	for (size_t i = 0; i < w->ready; i++) {
		const struct mm_measure *m = &w->sums[i].sizes[k];
		b->count += m->alloc_count;
		b->bytes += m->alloc_bytes;
		b->live_count += m->live_count;
		b->live_bytes += m->live_bytes;
	}
}

static void fill_lifetime(const struct mm_work *w, unsigned k, struct mm_report_bucket *b)
{
	*b = (struct mm_report_bucket){ .low = k ? UINT64_C(1) << k : 0,
		.high = k == MM_LIFE_BUCKETS - 1 ? MM_UNKNOWN : UINT64_C(2) << k,
		.live_count = MM_UNKNOWN, .live_bytes = MM_UNKNOWN };
	/* Less than one tick of the trace's clock: that is all that is known. */
	uint64_t tick = mm_reader_info(w->reader)->time_resolution_ns;
	if (b->high < tick)
		b->high = tick;
	for (size_t i = 0; i < w->ready; i++) {
		b->count += w->sums[i].life_count[k];
		b->bytes += w->sums[i].life_bytes[k];
	}
}

int mm_fill_histograms(struct mm_work *w)
{
	struct mm_report *r = w->report;

	r->sizes = mm_report_store_alloc(w->store, MM_SIZE_BUCKETS, sizeof *r->sizes);
	r->lifetimes = mm_report_store_alloc(w->store, MM_LIFE_BUCKETS, sizeof *r->lifetimes);
	if (!r->sizes || !r->lifetimes)
		return MM_ENOMEM;
	for (unsigned k = 0; k < MM_SIZE_BUCKETS; k++) {
		struct mm_report_bucket *b = &r->sizes[r->size_count];
		fill_size(w, k, b);
		r->size_count += b->count || b->live_count;
	}
	for (unsigned k = 0; k < MM_LIFE_BUCKETS; k++) {
		struct mm_report_bucket *b = &r->lifetimes[r->lifetime_count];
		fill_lifetime(w, k, b);
		r->lifetime_count += b->count != 0;
	}
	return MM_OK;
}
