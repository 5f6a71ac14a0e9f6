/* slab.c: records of slabs (slab.h). */
#include "alloc/slab.h"

#include <string.h>

#include "core/error.h"

void mm_slabs_init(struct mm_slabs *s, struct mm_meta *meta)
{
	s->meta = meta;
	s->count = 1; /* 0 is nobody */
}

static struct mm_slab *fresh(struct mm_slabs *s, int *ret_err)
{
	uint32_t n = s->count, group = n / MM_SLAB_GROUP;

	*ret_err = MM_ELIMIT;
	if (group >= MM_SLAB_GROUPS)
		return NULL;
	*ret_err = MM_ENOMEM;
	if (!s->group[group] &&
	    !(s->group[group] = mm_meta_take(s->meta, MM_SLAB_GROUP * sizeof(struct mm_slab))))
		return NULL;
	s->count++;
	mm_slab_at(s, n)->number = n;
	return mm_slab_at(s, n);
}

int mm_slabs_new(struct mm_slabs *s, struct mm_slab **ret)
{
	struct mm_slab *slab;
	int err = MM_OK;

	mm_lock_take(&s->lock);
	if (s->vacant) {
		slab = mm_slab_at(s, s->vacant);
		s->vacant = slab->next;
		slab->next = 0;
	} else {
		slab = fresh(s, &err);
	}
	mm_lock_give(&s->lock);
	if (!slab)
		return err;
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
