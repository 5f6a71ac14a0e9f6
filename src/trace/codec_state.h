/* codec_state.h: the memory of codec.c, which decode.c and its neighbours use. Private to them. */
#ifndef MM_TRACE_CODEC_STATE_H
#define MM_TRACE_CODEC_STATE_H

#include <stdint.h>

#include "trace/codec.h"
#include "trace/columns.h"
#include "trace/guess.h"
#include "trace/shape.h"

/* The value of a byte that says "see the wider column". */
enum { MM_TOKEN_FAR = 255, MM_SIZE_NARROW = 255 << 8 /* sizes below it take two bytes */ };

/* Each array has room for what the chunks so far had: most are small. */
struct mm_codec {
	struct mm_columns *columns;
	struct mm_shape_list shapes;
	struct mm_guess *guess;
	uint32_t *slot;       /* of each event */
	uint32_t *birth_slot; /* of each birth */
	uint32_t *birth_event;/* its number among events */
	uint32_t births;      /* of the chunk decoded last */
	uint32_t *stack;      /* slots freed in the chunk */
	int32_t *fresh;       /* deaths of births of the chunk: which (decode_slots.c) */
	uint32_t *outer;      /* slots from elsewhere: of POP, then of OLD */
	uint8_t *category;    /* of each shape */
	uint8_t *event;       /* category of each event */
	uint32_t *last;       /* by shape: number + 1 of its last birth */
	int last_known;       /* of the chunk whose births were decoded last */
	size_t event_cap, category_cap, events_cap, last_cap;
};

/* Room for a chunk of so many events: 0, or MM_ENOMEM. */
int mm_codec_room(struct mm_codec *c, uint32_t count);

#endif
