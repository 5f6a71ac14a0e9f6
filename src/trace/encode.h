/* encode.h: events, as they come, into the columns of a chunk (FORMAT.md 7); the way back is
 * codec.h.
 *
 * Promise: what is encoded is decoded the same. An event is a few bytes at the ends of a few
 * columns from the start: nothing waits for the end of the chunk but to be packed.
 * Vocabulary: tick = a time in units of the trace's resolution; hidden birth, shape as in
 * codec.h and shape.h.
 * Memory is touched in proportion to the events of the chunk. Not shared between threads.
 */
#ifndef MM_TRACE_ENCODE_H
#define MM_TRACE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"

struct mm_encoder;

/* 0 or MM_ENOMEM. */
int mm_encoder_create(struct mm_encoder **ret);
void mm_encoder_destroy(struct mm_encoder *e);

/* Begins a chunk of at most MM_CHUNK_EVENTS events at a tick; has_addr = 0 leaves addresses
 * out. What was encoded before is forgotten. 0 or MM_ENOMEM. */
int mm_encoder_begin(struct mm_encoder *e, uint64_t tick, int has_addr);

/* The next event, ticks never going back. Lack of memory comes out at mm_encoder_end. A birth
 * at slot; ev->other is the slot of a realloc's free half. */
void mm_encoder_birth(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick,
		      uint32_t slot, int hidden);

/* A death; `birth` is which birth of this chunk it ends, from 0, or MM_NO_SLOT. */
void mm_encoder_death(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick,
		      uint32_t birth);

/* Any kind from MM_EV_OTHER up: 0 or MM_ENOMEM. */
int mm_encoder_other(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick);

/* An event could not be taken: mm_encoder_end will give MM_ENOMEM. */
void mm_encoder_fail(struct mm_encoder *e);

/* Bytes of those kinds so far. */
size_t mm_encoder_other_bytes(const struct mm_encoder *e);

/* Appends the packed columns to *out: 0 or MM_ENOMEM. */
int mm_encoder_end(struct mm_encoder *e, int zstd_level, struct mm_buf *out);

#endif
