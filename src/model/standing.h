/* standing.h: the objects that live where a checkpoint stands, without a walk.
 *
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_STANDING_H
#define MM_MODEL_STANDING_H

#include <stdint.h>

#include "model/learnt.h"
#include "trace/hand.h"
#include "trace/reader.h"

/* Calls fn for lists of all objects of the checkpoint right before the chunk, until it gives an
 * error, which is returned; `latest`: by thread number + 1 of its last birth. 1 = they cannot be had,
 * also after fn was called; MM_ENOMEM. */
typedef int (*mm_standing_fn)(void *arg, const struct mm_live_list *list, const uint32_t *latest);
int mm_standing(struct mm_reader *r, const struct mm_learnt *l, uint32_t chunk, mm_standing_fn fn,
		void *arg);

#endif
