/* decoder.h: what the ways through a chunk share: its columns, opened, and the slots of its
 * events. Private to decode.c and decode_*.c.
 *
 * Vocabulary: category = what an event does to slots; new = a death of what was born in the
 * chunk.
 */
#ifndef MM_TRACE_DECODER_H
#define MM_TRACE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "trace/bytes.h"
#include "trace/codec_state.h"

enum mm_category { MM_CAT_BIRTH, MM_CAT_HIDDEN, MM_CAT_OLD, MM_CAT_NEW, MM_CAT_FOREIGN,
		   MM_CAT_OTHER, MM_CATS };

struct mm_decoder {
	struct mm_codec *c;
	struct mm_guess *guess;
	const uint8_t *at[MM_COLS];     /* next byte of each column of bytes */
	struct mm_bytes wide[MM_COLS];  /* columns of varints */
	const uint8_t *run_end, *step_end;
	uint32_t planes_left[MM_COLS];  /* by first plane */
	int has_addr, bad;
	uint64_t tick;
	uint32_t quiet;                 /* events until the next one with a tick */
	uint32_t births;
	const int32_t *fresh;           /* the births that deaths end, the next one first */
	uint32_t last_out;
	uint64_t last_foreign, other_at, other_len;
};

/* Columns whose bit is set in `wanted` are unpacked, events counted, lengths checked; the codec
 * has room for them: 0, MM_ECORRUPT or MM_ENOMEM. */
int mm_decoder_open(struct mm_decoder *d, const uint8_t *data, size_t len, uint32_t count,
		    uint64_t wanted);

/* How many values of so many planes there are, in planes_left; MM_ECORRUPT when planes are of
 * different lengths. */
int mm_decoder_planes(struct mm_decoder *d, unsigned first, unsigned planes);

/* The slots of all events of a decoder that was opened, in c->slot; c->birth_slot and
 * birth_event; what deaths end, in c->fresh. Sets bad where they do not fit together. */
void mm_decoder_slots(struct mm_decoder *d, uint32_t count, const struct mm_chunk_start *start);

static inline size_t mm_decoder_length(const struct mm_decoder *d, unsigned column)
{
	return mm_column(d->c->columns, column)->len;
}

static inline unsigned mm_take(struct mm_decoder *d, enum mm_column column)
{
	return *d->at[column]++;
}

static inline uint64_t mm_take_wide(struct mm_decoder *d, enum mm_column column)
{
	return mm_bytes_varint(&d->wide[column]);
}

/* For who asks for the ticks of few events, in order. */
struct mm_ticks {
	const uint8_t *run, *run_end, *step, *step_end;
	struct mm_bytes wide;
	uint64_t tick;
	uint64_t ticked; /* the next event that has one */
	int bad;
};

void mm_ticks_open(struct mm_ticks *t, const struct mm_decoder *d);
uint64_t mm_ticks_at(struct mm_ticks *t, uint32_t event);

#endif
