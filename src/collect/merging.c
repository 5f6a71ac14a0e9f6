/* merging.c: a binary heap of queues (merging.h). The queue on top is emptied up to the
 * head of the next one before the heap is touched again: threads allocate in runs. */
#include "collect/merging.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

struct run {
	struct mm_merged batch[MM_MERGE_BATCH];
	size_t count;
	mm_merge_sink *sink;
	void *ctx;
};

void mm_merge_deinit(struct mm_merge *m)
{
	free(m->heap);
	memset(m, 0, sizeof *m);
}

static const struct mm_entry *first(const struct mm_entries *q)
{
	return &q->v[q->head];
}

/* A clock with coarse ticks can give a free and the birth that follows it on another
 * thread the same stamp. */
static int is_death(const struct mm_entry *e)
{
	uint32_t kind = MM_REC_KIND(e->head);
	return kind == MM_REC_FREE || kind == MM_REC_FREE_AT || kind == MM_ENTRY_REALLOC_OUT;
}

static int before(const struct mm_entry *a, const struct mm_entry *b)
{
	if (a->stamp != b->stamp)
		return a->stamp < b->stamp;
	return is_death(a) > is_death(b);
}

static void sift_down(struct mm_entries **heap, size_t n, size_t i)
{
	struct mm_entries *q = heap[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(first(heap[child + 1]), first(heap[child])))
			child++;
		if (!before(first(heap[child]), first(q)))
			break;
		heap[i] = heap[child];
	}
	heap[i] = q;
}

static int flush(struct run *r)
{
	size_t n = r->count;

	r->count = 0;
	return n ? r->sink(r->ctx, r->batch, n) : 0;
}

/* Takes from q while its head is not behind `other` (NULL = no other) nor the bound. */
static int take(struct run *r, struct mm_entries *q, const struct mm_entry *other,
		uint64_t bound)
{
	while (q->head < q->len) {
		const struct mm_entry *e = first(q);
		if (e->stamp > bound || (other && before(other, e)))
			break;
		q->head++;
		r->batch[r->count++] = (struct mm_merged){ e, q->owner };
		if (r->count == MM_MERGE_BATCH) {
			int err = flush(r);
			if (err)
				return err;
		}
	}
	return MM_OK;
}

static const struct mm_entry *runner_up(struct mm_entries **heap, size_t n)
{
	if (n < 2)
		return NULL;
	if (n == 2 || before(first(heap[1]), first(heap[2])))
		return first(heap[1]);
	return first(heap[2]);
}

static int drain_heap(struct run *r, struct mm_entries **heap, size_t n, uint64_t bound)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(heap, n, i);
	while (n > 0 && first(heap[0])->stamp <= bound) {
		int err = take(r, heap[0], runner_up(heap, n), bound);
		if (err)
			return err;
		if (mm_entries_count(heap[0]) == 0)
			heap[0] = heap[--n];
		sift_down(heap, n, 0);
	}
	return flush(r);
}

int mm_merge_run(struct mm_merge *m, struct mm_entries *const *queues, size_t count,
		 uint64_t bound, mm_merge_sink *sink, void *ctx)
{
	struct run r = { .sink = sink, .ctx = ctx };
	size_t n = 0;

	if (MM_GROW(m->heap, m->cap, count))
		return MM_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (mm_entries_count(queues[i]) && first(queues[i])->stamp <= bound)
			m->heap[n++] = queues[i];
	return drain_heap(&r, m->heap, n, bound);
}
