/* codec.h: the columns of one chunk -> its events (FORMAT.md 7); the way back is encode.h.
 *
 * Promise: what is decoded equals what was encoded, from the columns and the chunk's
 * start alone; any input decodes within bounds or gives MM_ECORRUPT; every prediction
 * starts empty with the chunk.
 * Vocabulary: row = one event in the chunk; hidden birth = one whose slot was free when
 * the chunk began (FORMAT.md calls the column of such slots `popped`).
 */
#ifndef MM_TRACE_CODEC_H
#define MM_TRACE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"

enum {
	MM_CHUNK_EVENTS = 65536,
	MM_CHUNK_OTHER = 4 << 20 /* bytes of the `other` column that end a chunk */
};

enum mm_row_flag { MM_ROWF_HIDDEN = 1, MM_ROWF_TEMPORARY = 2 };

struct mm_row {
	uint64_t tick; /* in units of the trace's time resolution */
	uint64_t size; /* births */
	uint64_t addr; /* births, INHERITED */
	uint32_t slot;
	uint32_t thread;
	uint32_t site;
	uint32_t ref;  /* death: which birth of this chunk it ends, from 0, or MM_NO_SLOT;
	                  REALLOC_IN: slot of its free half; kinds from MM_EV_OTHER: where
	                  its bytes start in `other` */
	uint8_t kind, align_log2, flags, pad;
	uint32_t other_len; /* kinds from MM_EV_OTHER: bytes */
};

/* A row with nothing but what every event has. Field by field: compilers clear a struct of
 * this size by a slow string instruction. */
static inline void mm_row_begin(struct mm_row *r, uint8_t kind, uint64_t tick, uint32_t thread,
				uint32_t site)
{
	r->tick = tick;
	r->size = r->addr = 0;
	r->slot = r->ref = MM_NO_SLOT;
	r->thread = thread;
	r->site = site;
	r->kind = kind;
	r->align_log2 = r->flags = r->pad = 0;
	r->other_len = 0;
}

static inline uint64_t mm_row_align(const struct mm_row *r)
{
	return mm_event_align(r->align_log2);
}

/* Caller's memory, zero-initialised = empty. */
struct mm_rows {
	struct mm_row *rows;
	size_t count, cap;
	uint32_t births;
	struct mm_buf other;
};

struct mm_chunk_start {
	uint64_t tick;       /* of the first event */
	uint32_t high_water; /* slots ever used before it */
	uint32_t free_depth; /* of them free */
};

void mm_rows_deinit(struct mm_rows *r);

struct mm_codec; /* scratch memory for decoding, reused from chunk to chunk */

int mm_codec_create(struct mm_codec **ret);
void mm_codec_destroy(struct mm_codec *c);

/* Replaces *rows by the `count` events in `data`. Slots are below 2^32 - 1 and follow the
 * rule within the chunk; whether they fit what went before is the caller's to check.
 * 0, MM_ENOMEM or MM_ECORRUPT (rows then hold nothing). */
int mm_codec_decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		    const struct mm_chunk_start *start, int has_addr, struct mm_rows *rows);

/* The same without addresses, whether there are any or not: faster. */
int mm_codec_decode_bare(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			 const struct mm_chunk_start *start, struct mm_rows *rows);

/* The same for the events from MM_EV_OTHER up alone: *rows holds only them, each with its
 * number among all events in `slot`. What the other columns hold is not looked at. */
int mm_codec_decode_other(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			  const struct mm_chunk_start *start, struct mm_rows *rows);

/* The same for the births alone at slots below `slots` whose bit is set, each with its number
 * among all events in `ref`: faster where they are few. */
struct mm_slot_set { const uint64_t *bits; uint32_t slots; };
int mm_codec_decode_births(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			   const struct mm_chunk_start *start, const struct mm_slot_set *set,
			   struct mm_rows *rows);
/* In *ret number + 1 of the last birth by the thread, in the chunk decoded so last; 0 = it had
 * none. MM_ENOMEM. */
int mm_codec_last_birth(struct mm_codec *c, uint32_t thread, uint32_t *ret);

/* The slots that were not of the chunk's own making: those of older objects that died in
 * it, and those it took from below. An object whose slot is not among them, nor new, was
 * not born in the chunk. *slots is the caller's, grown by *cap. */
int mm_codec_decode_touched(struct mm_codec *c, const uint8_t *data, size_t len,
			    uint32_t **slots, size_t *cap, size_t *ret_count);

#endif
