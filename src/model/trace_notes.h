/* trace_notes.h: what a trace says besides allocations: marks, metrics, budgets, samples
 * of the surroundings, mappings, losses.
 *
 * Promise: reads only the chunks that hold such events, each decoded alone.
 * Vocabulary: note = one of these; point as visit.h.
 * Not shared between threads.
 */
#ifndef MM_MODEL_TRACE_NOTES_H
#define MM_MODEL_TRACE_NOTES_H

#include <stddef.h>
#include <stdint.h>

#include "model/notices.h"
#include "model/report.h"
#include "model/report_store.h"
#include "model/visit.h"
#include "trace/reader.h"

struct mm_note_mark { const char *text; uint64_t time; uint32_t process; };
struct mm_note_metric { const char *name; uint64_t time; int64_t value; uint32_t process; };
struct mm_note_budget { const char *category; uint64_t time, bytes; uint32_t process, order; };
struct mm_note_sample {
	struct mm_sample sample;
	uint64_t time;
	uint32_t process;
	struct mm_point at; /* just after it */
	uint64_t mapped_bytes; /* recorded as mapped and not unmapped until then */
};

/* One of the events of pools. */
struct mm_note_pool {
	uint64_t time, bytes, blocks; /* SLAB_SIZE: bytes now and before */
	uint64_t addr;                /* of a slab */
	const char *name; /* POOL */
	uint32_t process, pool, site, flags;
	struct mm_point at; /* just after it */
	uint8_t kind;       /* enum mm_event_kind */
};

struct mm_notes { /* caller's memory, zero-initialised = empty; texts are the store's */
	struct mm_note_mark *marks;
	size_t mark_count, mark_cap;
	struct mm_note_metric *metrics;
	size_t metric_count, metric_cap;
	struct mm_note_budget *budgets;
	size_t budget_count, budget_cap;
	struct mm_note_sample *samples;
	size_t sample_count, sample_cap;
	struct mm_note_pool *pools; /* process by process, in order */
	size_t pool_count, pool_cap;
	struct mm_notices notices;
	uint64_t lost_count;
	uint64_t map_count, map_bytes, unmap_bytes;
};

/* Adds the notes of one process; and those of its chunks from `first` on. */
int mm_notes_read(struct mm_notes *n, struct mm_reader *r, uint32_t process,
		  struct mm_report_store *store);
int mm_notes_read_from(struct mm_notes *n, struct mm_reader *r, uint32_t process, uint32_t first,
		       struct mm_report_store *store);
void mm_notes_deinit(struct mm_notes *n);

/* Orders marks, metrics, budgets, samples and notices of several processes by time. */
void mm_notes_sort(struct mm_notes *n);

/* Time of the first mark with this text, MM_UNKNOWN when there is none. */
uint64_t mm_notes_mark(const struct mm_notes *n, const char *text);

#endif
