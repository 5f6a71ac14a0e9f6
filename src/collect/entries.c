/* entries.c: records become entries, in order (entries.h). */
#include "collect/entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

void mm_entries_deinit(struct mm_entries *q)
{
	for (size_t i = q->head; i < q->len; i++)
		if (mm_entry_has_rest(&q->v[i]))
			free((void *)(uintptr_t)q->v[i].size);
	free(q->v);
	memset(q, 0, sizeof *q);
}

int mm_entries_reserve(struct mm_entries *q, size_t n)
{
	if (q->len + n <= q->cap)
		return MM_OK;
	if (q->head > q->cap / 2) {
		memmove(q->v, q->v + q->head, mm_entries_count(q) * sizeof *q->v);
		q->len -= q->head;
		q->head = 0;
	}
	return MM_GROW(q->v, q->cap, q->len + n);
}

void mm_entries_clear(struct mm_entries *q, size_t keep)
{
	q->head = q->len = 0;
	if (q->cap > keep) {
		free(q->v);
		q->v = NULL;
		q->cap = 0;
	}
}

static void append(struct mm_entries *q, uint64_t stamp, uint64_t head, uint64_t size,
		   uint64_t node)
{
	q->v[q->len] = (struct mm_entry){ stamp, head, size, node };
	mm_entries_settle(q);
}

static int append_rest(struct mm_entries *q, const uint64_t *w, uint32_t words)
{
	struct mm_entry_rest *r = malloc(sizeof *r + words * sizeof *r->w);

	if (!r)
		return MM_ENOMEM;
	r->words = words;
	memcpy(r->w, w, words * sizeof *w);
	append(q, w[1], w[0], (uint64_t)(uintptr_t)r, w[3]);
	return MM_OK;
}

static void append_realloc(struct mm_entries *q, const uint64_t *w)
{
	uint64_t t0 = w[5] < w[1] ? w[5] : w[1];

	append(q, t0, MM_REC_HEAD(MM_ENTRY_REALLOC_OUT, w[4]), 0, 0);
	append(q, w[1], MM_REC_HEAD(MM_ENTRY_REALLOC_IN, MM_REC_ADDR(w[0])), w[2], w[3]);
}

int mm_entries_put(struct mm_entries *q, const uint64_t *w, uint32_t words)
{
	if (mm_entries_reserve(q, 2))
		return MM_ENOMEM;
	switch (MM_REC_KIND(w[0])) {
	case MM_REC_VOID:
		return MM_OK;
	case MM_REC_ALLOC: case MM_REC_FAILED: case MM_REC_UNMAP:
		append(q, w[1], w[0], w[2], w[3]);
		return MM_OK;
	case MM_REC_FREE: case MM_REC_FORK:
		append(q, w[1], w[0], 0, 0);
		return MM_OK;
	case MM_REC_FREE_AT:
		append(q, w[1], w[0], 0, w[2]);
		return MM_OK;
	case MM_REC_REALLOC:
		append_realloc(q, w);
		return MM_OK;
	case MM_REC_MAP: case MM_REC_REMAP: case MM_REC_MARK: case MM_REC_METRIC:
	case MM_REC_BUDGET: case MM_REC_POOL: case MM_REC_POOL_END: case MM_REC_SLAB:
	case MM_REC_SLAB_END: case MM_REC_MOVE: case MM_REC_KEY: case MM_REC_SLAB_SIZE:
		return append_rest(q, w, words);
	}
	return MM_ECORRUPT;
}
