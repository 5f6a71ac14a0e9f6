/* census.h: every object that lives at one point of a process, without following those that died.
 *
 * Rows are gone through backwards to a checkpoint: what was said of a slot last is what counts.
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_CENSUS_H
#define MM_MODEL_CENSUS_H

#include <stddef.h>

#include "model/learnt.h"
#include "model/visit.h"
#include "trace/objects.h"
#include "trace/reader.h"

struct mm_census { /* zero-initialised = empty; `order` of objects is not told */
	struct mm_object *objects;
	size_t count, cap;
	int taken;
};

void mm_census_deinit(struct mm_census *c);

/* 0; 1 = it cannot be had this way (damage, or objects that were moved); MM_ENOMEM. */
int mm_census_take(struct mm_census *ret, struct mm_reader *r, const struct mm_learnt *l,
		   struct mm_point at, uint64_t live_count);

#endif
