/* slab.c: records of slabs (slab.h). */
#include "alloc/slab.h"

#include <string.h>

#include "alloc/lock_order.h"
#include "core/error.h"

enum { UNDER_WAY = 4096 /* records of runs that are about to be taken, or did not fit */ };

int mm_slabs_init(struct mm_slabs *s, struct mm_meta *meta, uint32_t slices)
{
	uint32_t most = slices + UNDER_WAY;

	s->record = mm_meta_reserve(meta, (uint64_t)most * sizeof *s->record);
	if (!s->record)
		return MM_ENOMEM;
	mm_lock_is(&s->lock, MM_RANK_SLABS);
	s->meta = meta;
	s->most = most;
	s->count = 1; /* 0 is nobody */
	return MM_OK;
}

static struct mm_slab *fresh(struct mm_slabs *s)
{
	uint32_t n = s->count;
	uint64_t pages = ((uint64_t)(n + 1) * sizeof *s->record + MM_META_PAGE - 1) /
			 MM_META_PAGE * MM_META_PAGE;

	if (n == s->most || mm_meta_open(s->record, pages))
		return NULL;
	if (pages > s->committed) {
		mm_meta_commit(s->meta, pages - s->committed);
		s->committed = pages;
	}
	s->count++;
	s->record[n].number = n;
	return &s->record[n];
}

int mm_slabs_new(struct mm_slabs *s, struct mm_slab **ret)
{
	struct mm_slab *slab;

	mm_lock_take(&s->lock);
	if (s->vacant) {
		slab = mm_slab_at(s, s->vacant);
		s->vacant = slab->next;
		slab->next = 0;
	} else {
		slab = fresh(s);
	}
	mm_lock_give(&s->lock);
	if (!slab)
		return MM_ELIMIT;
	*ret = slab;
	return MM_OK;
}

void mm_slabs_drop(struct mm_slabs *s, struct mm_slab *slab)
{
	uint32_t number = slab->number;

	mm_lock_take(&s->lock);
	memset(slab, 0, sizeof *slab);
	slab->number = number;
	slab->next = s->vacant;
	s->vacant = number;
	mm_lock_give(&s->lock);
}
