/* peak_parts.c: parts of the peak from digests and rows (peak_parts.h). */
#include "model/peak_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/error.h"
#include "model/sum_events.h"
#include "trace/codec.h"

struct back_search {
	struct mm_sums *sums;
	struct mm_rows rows;
	struct mm_map missing; /* slot + 1 of objects that died before the peak, born earlier */
	uint32_t highest;      /* of those slots */
	struct mm_touched touched;
};

/* Counts one object in or out, in all its sums. */
static void adjust(struct mm_sums *f, const struct mm_row *birth, int sign)
{
	struct mm_measure *parts[] = {
		mm_sum_site(f, birth->site), mm_sum_thread(f, birth->thread),
		&f->sizes[mm_sums_size_bucket(birth->size)],
		&f->categories[MM_CATEGORY_GENERAL].own,
	};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		parts[i]->peak_bytes += sign > 0 ? birth->size : 0 - birth->size;
		parts[i]->peak_count += sign > 0 ? 1 : UINT64_MAX;
	}
	f->peak_count += sign > 0 ? 1 : UINT64_MAX;
}

static void start_measure(struct mm_measure *m)
{
	m->peak_bytes = m->alloc_bytes - m->free_bytes;
	m->peak_count = m->alloc_count - m->free_count;
}

static void start_parts(struct mm_sums *f)
{
	struct mm_measure *general = &f->categories[MM_CATEGORY_GENERAL].own;

	f->peak_count = general->peak_bytes = general->peak_count = 0;
	for (uint32_t i = 0; i < f->site_count; i++) {
		start_measure(&f->sites[i]);
		general->peak_bytes += f->sites[i].peak_bytes;
		general->peak_count += f->sites[i].peak_count;
	}
	f->peak_count = general->peak_count;
	for (uint32_t i = 0; i < f->thread_count; i++)
		start_measure(&f->threads[i]);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		start_measure(&f->sizes[i]);
}

static void clear_measure(struct mm_measure *m)
{
	m->peak_bytes = m->peak_count = 0;
}

static void clear_parts(struct mm_sums *f)
{
	f->peak_count = 0;
	clear_measure(&f->categories[MM_CATEGORY_GENERAL].own);
	for (uint32_t i = 0; i < f->site_count; i++)
		clear_measure(&f->sites[i]);
	for (uint32_t i = 0; i < f->thread_count; i++)
		clear_measure(&f->threads[i]);
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		clear_measure(&f->sizes[i]);
}

/* Births and deaths of the peak's chunk up to the peak; deaths of older objects are
 * remembered. */
static int count_chunk(struct back_search *b)
{
	struct mm_sums *f = b->sums;
	uint32_t *birth_rows = malloc((b->rows.count + 1) * sizeof *birth_rows), births = 0;
	int err = birth_rows ? MM_OK : MM_ENOMEM;

	for (uint32_t i = 0; !err && i < f->peak_at.index && i < b->rows.count; i++) {
		const struct mm_row *r = &b->rows.rows[i];
		if (mm_event_is_birth(r->kind)) {
			birth_rows[births++] = i;
			adjust(f, r, 1);
		} else if (!mm_event_is_death(r->kind) || r->kind == MM_EV_INHERITED) {
			continue;
		} else if (r->ref < births) {
			adjust(f, &b->rows.rows[birth_rows[r->ref]], -1);
		} else {
			err = mm_map_set(&b->missing, (uint64_t)r->slot + 1, 1);
			b->highest = r->slot > b->highest ? r->slot : b->highest;
		}
	}
	free(birth_rows);
	return err;
}

static void find_births(struct back_search *b)
{
	for (size_t i = b->rows.count; i-- > 0 && b->missing.count;) {
		const struct mm_row *r = &b->rows.rows[i];
		uint32_t one;
		if (mm_event_is_birth(r->kind) &&
		    mm_map_take(&b->missing, (uint64_t)r->slot + 1, &one))
			adjust(b->sums, r, -1);
	}
}

/* 1 when the chunk may have borne one of the missing, 0 when not, or an error. A missing
 * object kept its slot from its birth on, so only the chunk of its birth touched it. */
static int may_bear(struct back_search *b, uint32_t chunk)
{
	struct mm_touched *t = &b->touched;
	int err = mm_reader_touched(b->sums->reader, b->sums->process, chunk, t);

	if (err)
		return err;
	if (b->highest >= t->fresh_from) /* new slots: look closer */
		for (size_t i = 0; i <= b->missing.mask; i++) {
			uint64_t key = b->missing.places[i].key;
			if (key && key - 1 >= t->fresh_from && key - 1 < t->fresh_to)
				return 1;
		}
	for (size_t i = 0; i < t->count; i++)
		if (mm_map_find(&b->missing, (uint64_t)t->slots[i] + 1))
			return 1;
	return 0;
}

static int search_back(struct back_search *b)
{
	struct mm_sums *f = b->sums;
	int err = mm_reader_rows(f->reader, f->process, f->peak_at.chunk, &b->rows);

	if (!err)
		err = count_chunk(b);
	for (uint32_t c = f->peak_at.chunk; !err && c-- > 0 && b->missing.count;) {
		int may = may_bear(b, c);
		if (may < 0)
			return may;
		if (may)
			err = mm_reader_rows(f->reader, f->process, c, &b->rows);
		if (may && !err)
			find_births(b);
	}
	return err;
}

int mm_peak_parts(struct mm_sums *f)
{
	struct back_search b = { .sums = f };

	start_parts(f);
	int err = search_back(&b);
	size_t unknown = b.missing.count;
	mm_map_deinit(&b.missing);
	mm_rows_deinit(&b.rows);
	free(b.touched.slots);
	if (!err && !unknown &&
	    f->categories[MM_CATEGORY_GENERAL].own.peak_bytes == f->peak_bytes)
		return MM_OK;
	clear_parts(f);
	return err == MM_ENOMEM ? err : 1;
}
