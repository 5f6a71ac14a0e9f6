/* learnt.c: keeping what was learnt of a process (learnt.h). */
#include "model/learnt.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

int mm_learnt_notes(struct mm_learnt *l, struct mm_reader *r, struct mm_report_store *store)
{
	uint32_t chunks = mm_reader_chunks(r, l->process);

	if (l->noted == chunks)
		return MM_OK;
	int err = mm_notes_read_from(&l->notes, r, l->process, l->noted, store);
	/* A mark without its text would not be found. */
	if (!err && mm_report_store_failed(store))
		err = MM_ENOMEM;
	if (err)
		mm_notes_deinit(&l->notes);
	l->noted = err ? 0 : chunks;
	return err;
}

int mm_learnt_shares(struct mm_learnt *l, struct mm_reader *r, struct mm_categories *c,
		     struct mm_naming *naming)
{
	return mm_shares_update(&l->shares, c, r, l->process, naming);
}

int mm_learnt_chunks(struct mm_learnt *l, struct mm_reader *r)
{
	uint32_t chunks = mm_reader_chunks(r, l->process);

	if (MM_GROW(l->peaks, l->peak_cap, chunks))
		return MM_ENOMEM;
	for (; l->counted < chunks; l->counted++) {
		const struct mm_chunk_info *c = mm_reader_chunk(r, l->process, l->counted);
		if (c->after_gap) {
			if (MM_GROW(l->gaps, l->gap_cap, l->gap_count + 1))
				return MM_ENOMEM;
			l->gaps[l->gap_count++] = l->counted;
		}
		l->peaks[l->counted] = c->peak_bytes > c->before.live_bytes ? c->peak_bytes
									   : c->before.live_bytes;
		l->events += c->events;
	}
	return MM_OK;
}

int mm_learnt_has_gap(const struct mm_learnt *l, uint32_t first, uint32_t end)
{
	for (size_t i = 0; i < l->gap_count; i++)
		if (l->gaps[i] >= first && l->gaps[i] < end)
			return 1;
	return 0;
}

int mm_learnt_part(struct mm_learnt *l, struct mm_reader *r, uint32_t chunk, uint32_t count,
		   uint32_t most, struct mm_part **ret)
{
	struct mm_part *p = &l->parts[0];

	for (int i = 0; i < MM_LEARNT_PARTS; i++) {
		struct mm_part *one = &l->parts[i];
		if (one->count && one->chunk == chunk) {
			p = one;
			break;
		}
		if (one->used < p->used)
			p = one;
	}
	p->used = ++l->parts_used;
	int err = mm_part_read(p, r, l, chunk, count, most);
	if (!err)
		*ret = p;
	return err;
}

void mm_learnt_forget_names(struct mm_learnt *l)
{
	mm_shares_deinit(&l->shares);
}

void mm_learnt_deinit(struct mm_learnt *l)
{
	mm_notes_deinit(&l->notes);
	mm_shares_deinit(&l->shares);
	mm_tower_deinit(&l->tower);
	for (int i = 0; i < MM_LEARNT_PARTS; i++)
		mm_part_deinit(&l->parts[i]);
	free(l->peaks);
	free(l->gaps);
	memset(l, 0, sizeof *l);
}
