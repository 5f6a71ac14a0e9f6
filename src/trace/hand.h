/* hand.h: single chunks of a reader, without the objects around them.
 *
 * Promise: the fastest way through a chunk; memory is kept from chunk to chunk.
 * Vocabulary: hand = what one thread needs to read chunks; several threads, a hand each, may
 * read of one reader at a time, while nobody refreshes it.
 */
#ifndef MM_TRACE_HAND_H
#define MM_TRACE_HAND_H

#include <stddef.h>
#include <stdint.h>

#include "trace/checkpoint.h"
#include "trace/codec.h"
#include "trace/event.h"

struct mm_reader;
struct mm_hand;

/* The reader is borrowed. MM_ENOMEM. */
int mm_hand_open(struct mm_hand **ret, const struct mm_reader *r);
/* NULL is fine. */
void mm_hand_close(struct mm_hand *h);

/* The one that the reader has itself, for who uses the reader. */
struct mm_hand *mm_reader_hand(struct mm_reader *r);

/* Of all below: MM_ENOENT when there is no such chunk, MM_ECORRUPT, MM_ENOMEM. */

/* The rows of one chunk as it holds them (trace/codec.h): births whole, deaths with their
 * slot and, when born in the chunk too, which birth; no addresses.
 * *rows is the caller's, zero-initialised or of an earlier call. */
int mm_hand_rows(struct mm_hand *h, uint32_t process, uint32_t chunk, struct mm_rows *rows);
/* The same with addresses, where the trace has them. */
int mm_hand_all_rows(struct mm_hand *h, uint32_t process, uint32_t chunk, struct mm_rows *rows);

/* The births of one chunk alone at slots below `slots` whose bit is set, in order, each with
 * its number in the chunk in `ref`; and number + 1 of the last birth that a thread had in
 * that chunk, 0 = none. Where they are few, several times as fast as all rows. */
int mm_hand_births(struct mm_hand *h, uint32_t process, uint32_t chunk, const uint64_t *bits,
		   uint32_t slots, struct mm_rows *rows);
int mm_hand_last_birth(struct mm_hand *h, uint32_t thread, uint32_t *ret);

/* Which slots a chunk may have given to an object that outlived it: those in `slots`, and
 * fresh_from <= slot < fresh_to. Much cheaper than its rows. */
struct mm_touched { /* the caller's, zero-initialised; free(slots) at the end */
	uint32_t *slots;
	size_t count, cap;
	uint32_t fresh_from, fresh_to;
};
int mm_hand_touched(struct mm_hand *h, uint32_t process, uint32_t chunk, struct mm_touched *ret);

/* The checkpoint that stands right before the chunk (MM_ENOENT = none): how many parts of
 * objects it has, what it says that lives then, and by thread the number of its last birth + 1,
 * 0 = none. What the parts say holds only if all can be read. */
int mm_hand_checkpoint(struct mm_hand *h, uint32_t process, uint32_t chunk, uint32_t *latest,
		       uint32_t threads, uint32_t *ret_parts, struct mm_totals *ret_totals);
/* Its objects, by slot, of part `part`, from 0. */
int mm_hand_checkpoint_part(struct mm_hand *h, uint32_t process, uint32_t chunk, uint32_t part,
			    struct mm_live_list *ret);

/* Calls fn for the events of kinds from MM_EV_OTHER up, each with its number in the chunk, until
 * it gives an error. */
int mm_hand_other(struct mm_hand *h, uint32_t process, uint32_t chunk,
		  int (*fn)(void *arg, const struct mm_event *ev, uint32_t index), void *arg);

#endif
