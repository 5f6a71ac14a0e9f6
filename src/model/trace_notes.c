/* trace_notes.c: reading the events that are no allocations (trace_notes.h). */
#include "model/trace_notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "trace/hand.h"

struct note_reader {
	struct mm_notes *notes;
	struct mm_report_store *store;
	struct mm_point at;
	uint32_t process;
	int err;
};

static const char *note_text(struct note_reader *n, const struct mm_event *ev)
{
	char *text = ev->text ? strndup(ev->text, ev->text_len) : NULL;
	const char *kept = mm_report_store_text(n->store, text);

	free(text);
	return kept;
}

static int add_mark(struct note_reader *n, const struct mm_event *ev)
{
	struct mm_notes *o = n->notes;

	if (MM_GROW(o->marks, o->mark_cap, o->mark_count + 1))
		return MM_ENOMEM;
	o->marks[o->mark_count++] =
		(struct mm_note_mark){ note_text(n, ev), ev->time, n->process };
	return MM_OK;
}

static int add_metric(struct note_reader *n, const struct mm_event *ev)
{
	struct mm_notes *o = n->notes;

	if (MM_GROW(o->metrics, o->metric_cap, o->metric_count + 1))
		return MM_ENOMEM;
	o->metrics[o->metric_count++] =
		(struct mm_note_metric){ note_text(n, ev), ev->time, ev->value, n->process };
	return MM_OK;
}

static int add_budget(struct note_reader *n, const struct mm_event *ev)
{
	struct mm_notes *o = n->notes;

	if (MM_GROW(o->budgets, o->budget_cap, o->budget_count + 1))
		return MM_ENOMEM;
	o->budgets[o->budget_count] = (struct mm_note_budget){
		note_text(n, ev), ev->time, ev->value < 0 ? MM_UNKNOWN : (uint64_t)ev->value,
		n->process, (uint32_t)o->budget_count };
	o->budget_count++;
	return MM_OK;
}

static int add_sample(struct note_reader *n, const struct mm_event *ev)
{
	struct mm_notes *o = n->notes;

	if (!ev->sample)
		return MM_OK;
	if (MM_GROW(o->samples, o->sample_cap, o->sample_count + 1))
		return MM_ENOMEM;
	o->samples[o->sample_count++] =
		(struct mm_note_sample){ *ev->sample, ev->time, n->process, n->at,
					 o->map_bytes > o->unmap_bytes
						? o->map_bytes - o->unmap_bytes : 0 };
	return MM_OK;
}

static int add_pool(struct note_reader *n, const struct mm_event *ev)
{
	struct mm_notes *o = n->notes;

	if (MM_GROW(o->pools, o->pool_cap, o->pool_count + 1))
		return MM_ENOMEM;
	o->pools[o->pool_count++] = (struct mm_note_pool){
		.time = ev->time, .addr = ev->addr, .bytes = ev->size, .blocks = ev->kind == MM_EV_SLAB_SIZE ? (uint64_t)ev->value : ev->blocks,
		.name = ev->kind == MM_EV_POOL ? note_text(n, ev) : "",
		.process = n->process, .pool = ev->pool, .site = ev->site,
		.flags = (uint32_t)ev->value, .at = n->at, .kind = ev->kind };
	return MM_OK;
}

static int take_note(void *arg, const struct mm_event *ev, uint32_t index)
{
	struct note_reader *n = arg;

	n->at.index = index + 1;
	switch (ev->kind) {
	case MM_EV_MARK: n->err = add_mark(n, ev); break;
	case MM_EV_METRIC: n->err = add_metric(n, ev); break;
	case MM_EV_BUDGET: n->err = add_budget(n, ev); break;
	case MM_EV_SAMPLE: n->err = add_sample(n, ev); break;
	case MM_EV_POOL: case MM_EV_POOL_END: case MM_EV_SLAB: case MM_EV_SLAB_END:
	case MM_EV_SLAB_SIZE:
		n->err = add_pool(n, ev);
		break;
	case MM_EV_LOST: n->notes->lost_count += (uint64_t)ev->value; break;
	case MM_EV_MAP:
		n->notes->map_count++;
		n->notes->map_bytes += ev->size;
		break;
	case MM_EV_UNMAP: n->notes->unmap_bytes += ev->size; break;
	default: n->err = mm_notices_add(&n->notes->notices, ev, n->process, n->store);
	}
	return n->err;
}

int mm_notes_read(struct mm_notes *notes, struct mm_reader *r, uint32_t process,
		  struct mm_report_store *store)
{
	return mm_notes_read_from(notes, r, process, 0, store);
}

int mm_notes_read_from(struct mm_notes *notes, struct mm_reader *r, uint32_t process,
		       uint32_t first, struct mm_report_store *store)
{
	struct note_reader n = { .notes = notes, .store = store, .process = process };

	for (uint32_t c = first; c < mm_reader_chunks(r, process); c++) {
		const struct mm_chunk_info *info = mm_reader_chunk(r, process, c);
		if (info->events == (uint64_t)info->births + info->deaths)
			continue;
		n.at = (struct mm_point){ c, 0 };
		int err = mm_hand_other(mm_reader_hand(r), process, c, take_note, &n);
		if (n.err)
			return n.err;
		if (err == MM_ENOMEM)
			return err;
	}
	return MM_OK;
}

void mm_notes_deinit(struct mm_notes *n)
{
	free(n->marks);
	free(n->metrics);
	free(n->budgets);
	free(n->samples);
	free(n->pools);
	mm_notices_deinit(&n->notices);
	memset(n, 0, sizeof *n);
}

static int order(uint64_t a, uint64_t b, uint32_t p, uint32_t q)
{
	if (a != b)
		return a < b ? -1 : 1;
	return p < q ? -1 : p > q;
}

static int mark_order(const void *a, const void *b)
{
	const struct mm_note_mark *x = a, *y = b;

	return order(x->time, y->time, x->process, y->process);
}

static int metric_order(const void *a, const void *b)
{
	const struct mm_note_metric *x = a, *y = b;

	return order(x->time, y->time, x->process, y->process);
}

static int budget_order(const void *a, const void *b)
{
	const struct mm_note_budget *x = a, *y = b;

	return order(x->time, y->time, x->order, y->order);
}

static int sample_order(const void *a, const void *b)
{
	const struct mm_note_sample *x = a, *y = b;

	return order(x->time, y->time, x->process, y->process);
}

void mm_notes_sort(struct mm_notes *n)
{
	if (n->mark_count)
		qsort(n->marks, n->mark_count, sizeof *n->marks, mark_order);
	if (n->metric_count)
		qsort(n->metrics, n->metric_count, sizeof *n->metrics, metric_order);
	if (n->sample_count)
		qsort(n->samples, n->sample_count, sizeof *n->samples, sample_order);
	if (n->budget_count)
		qsort(n->budgets, n->budget_count, sizeof *n->budgets, budget_order);
	mm_notices_sort(&n->notices);
}

uint64_t mm_notes_mark(const struct mm_notes *n, const char *text)
{
	for (size_t i = 0; i < n->mark_count; i++)
		if (strcmp(n->marks[i].text, text) == 0)
			return n->marks[i].time;
	return MM_UNKNOWN;
}
