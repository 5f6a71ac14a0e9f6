/* pair.h: two chunks of a trace at a time, where there are two processors for it.
 *
 * Inner header of the model. Not shared between threads, but by its own two.
 */
#ifndef MM_MODEL_PAIR_H
#define MM_MODEL_PAIR_H

#include "base/helper.h"
#include "trace/hand.h"
#include "trace/reader.h"

enum { MM_PAIR = 2 };

struct mm_pair { /* zero-initialised = empty */
	struct mm_hand *hands[MM_PAIR];
	struct mm_helper *helper;
};

/* The reader is borrowed. MM_ENOMEM, with nothing to give back. */
int mm_pair_init(struct mm_pair *p, const struct mm_reader *r);
void mm_pair_deinit(struct mm_pair *p);

/* fn(args[0]) and, where `count` is 2, fn(args[1]) beside it; each reads by a hand of its own
 * and writes what the other does not look at. */
void mm_pair_run(struct mm_pair *p, unsigned count, void (*fn)(void *arg), void *const args[MM_PAIR]);

#endif
