/* encode.c: events into columns (encode.h, FORMAT.md 7). */
#include "trace/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "core/error.h"
#include "core/varint.h"
#include "trace/codec_state.h"
#include "trace/other.h"

struct mm_encoder {
	uint8_t *at[MM_COLS]; /* where the next byte of each column of bytes goes */
	struct mm_columns *columns;
	struct mm_shapes *shapes; /* these two are large and mostly never touched */
	struct mm_guess *guess;
	size_t shapes_cap, guess_cap;
	int has_addr;
	uint64_t tick;
	uint32_t quiet;       /* events since the last one with a tick */
	uint32_t births;
	uint32_t last_pop, last_old, last_new, last_out;
	uint64_t last_foreign;
	uint32_t count, room; /* events, and those that the columns have room for */
	int failed;           /* there was no memory for more */
};

enum { ROOM_FIRST = 256, ROOM_STEP = 8 };

int mm_encoder_create(struct mm_encoder **ret)
{
	struct mm_encoder *e = calloc(1, sizeof *e);

	if (!e)
		return MM_ENOMEM;
	if (MM_PAGES_GROW(e->shapes, e->shapes_cap, 1) ||
	    MM_PAGES_GROW(e->guess, e->guess_cap, 1) || mm_columns_create(&e->columns)) {
		mm_encoder_destroy(e);
		return MM_ENOMEM;
	}
	*ret = e;
	return MM_OK;
}

void mm_encoder_destroy(struct mm_encoder *e)
{
	if (!e)
		return;
	mm_columns_destroy(e->columns);
	MM_PAGES_FREE(e->shapes, e->shapes_cap);
	MM_PAGES_FREE(e->guess, e->guess_cap);
	free(e);
}

/* Columns of bytes have room for one an event, and a few more; those that hold varints see to
 * themselves. Thousands of processes may have a few events each. */
static int make_room(struct mm_encoder *e, uint32_t events)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		struct mm_buf *b = mm_column(e->columns, i);
		size_t used = e->at[i] ? (size_t)(e->at[i] - b->data) : 0;
		if (b->len)
			continue;
		if (mm_buf_reserve(b, events + events / MM_TOKEN_FAR + 16))
			return MM_ENOMEM;
		e->at[i] = b->data + used;
	}
	e->room = events;
	return MM_OK;
}

static int grow(struct mm_encoder *e)
{
	uint32_t more = e->room < MM_CHUNK_EVENTS / ROOM_STEP ? e->room * ROOM_STEP
							      : MM_CHUNK_EVENTS;

	e->failed |= e->room >= MM_CHUNK_EVENTS || make_room(e, more);
	return !e->failed;
}

/* Room for one event more? */
static inline int has_room(struct mm_encoder *e)
{
	if (__builtin_expect(e->count >= e->room, 0) && !grow(e))
		return 0;
	e->count++;
	return 1;
}

int mm_encoder_begin(struct mm_encoder *e, uint64_t tick, int has_addr)
{
	mm_columns_clear(e->columns);
	mm_shapes_reset(e->shapes);
	mm_guess_reset(e->guess);
	memset(e->at, 0, sizeof e->at);
	if (make_room(e, e->room ? e->room : ROOM_FIRST))
		return MM_ENOMEM;
	e->count = 0;
	e->failed = 0;
	e->has_addr = has_addr;
	e->tick = tick;
	e->quiet = e->births = 0;
	e->last_pop = e->last_old = e->last_new = 0;
	e->last_out = MM_NO_SLOT;
	e->last_foreign = 0;
	return MM_OK;
}

/* --- bytes ------------------------------------------------------------------------------- */

static inline void put(struct mm_encoder *e, enum mm_column column, uint64_t byte)
{
	*e->at[column]++ = (uint8_t)byte;
}

static void put_wide(struct mm_encoder *e, enum mm_column column, uint64_t v)
{
	mm_buf_varint(mm_column(e->columns, column), v);
}

static void put_planes(struct mm_encoder *e, enum mm_column first, uint32_t v)
{
	put(e, first, v);
	put(e, first + 1, v >> 8);
	put(e, first + 2, v >> 16);
	put(e, first + 3, v >> 24);
}

/* --- columns ----------------------------------------------------------------------------- */

static inline void encode_time(struct mm_encoder *e, uint64_t tick)
{
	uint64_t step = tick - e->tick - 1;

	if (tick == e->tick) {
		e->quiet++;
		return;
	}
	for (; e->quiet >= MM_TOKEN_FAR; e->quiet -= MM_TOKEN_FAR)
		put(e, MM_COL_TIME_RUN, MM_TOKEN_FAR);
	put(e, MM_COL_TIME_RUN, e->quiet);
	put(e, MM_COL_TIME_STEP, step < MM_TOKEN_FAR ? step : MM_TOKEN_FAR);
	if (step >= MM_TOKEN_FAR)
		put_wide(e, MM_COL_TIME_WIDE, step);
	e->quiet = 0;
	e->tick = tick;
}

static inline void encode_size(struct mm_encoder *e, uint64_t size)
{
	if (size < MM_SIZE_NARROW) {
		put(e, MM_COL_SIZE_LO, size & 255);
		put(e, MM_COL_SIZE_HI, size >> 8);
	} else {
		put(e, MM_COL_SIZE_LO, 0);
		put(e, MM_COL_SIZE_HI, MM_TOKEN_FAR);
		put_wide(e, MM_COL_SIZE_WIDE, size);
	}
}

static unsigned far_token(struct mm_encoder *e, uint64_t addr, unsigned lane)
{
	uint64_t step = addr - e->guess->last[lane];
	uint64_t units = mm_zigzag((int64_t)step >> 4);

	if (step & 15 || units > UINT32_MAX) {
		put_wide(e, MM_COL_ADDR_WIDE, mm_zigzag((int64_t)step));
		return MM_ADDR_WIDE;
	}
	if (units <= 255 - MM_ADDR_NEAR)
		return MM_ADDR_NEAR + (unsigned)units;
	put_planes(e, MM_COL_ADDR_0, (uint32_t)units);
	return MM_ADDR_FAR;
}

static inline void encode_addr(struct mm_encoder *e, const struct mm_event *ev, int paired)
{
	struct mm_guess *g = e->guess;
	unsigned lane = mm_guess_lane(ev->thread), token;
	uint64_t units = mm_guess_units(ev->size);
	int32_t top = mm_guess_top(g, lane, mm_guess_class(units));

	if (top != MM_GUESS_NONE && g->born[top].addr == ev->addr)
		token = MM_ADDR_REUSED;
	else if (g->behind[lane] == ev->addr)
		token = MM_ADDR_BEHIND;
	else if (paired && g->moved != MM_GUESS_NONE && g->born[g->moved].addr == ev->addr)
		token = MM_ADDR_STAYED;
	else
		token = far_token(e, ev->addr, lane);
	put(e, MM_COL_ADDR, token);
	mm_guess_born(g, lane, e->births, units, ev->addr, token);
}

static inline void put_slot(struct mm_encoder *e, enum mm_column column, uint32_t slot,
			    uint32_t *last)
{
	uint64_t step = mm_zigzag((int64_t)slot - *last);

	put(e, column, step < MM_TOKEN_FAR ? step : MM_TOKEN_FAR);
	if (step >= MM_TOKEN_FAR)
		put_planes(e, column + 1, slot);
	*last = slot;
}

/* --- events ------------------------------------------------------------------------------- */

static inline void encode_shape(struct mm_encoder *e, const struct mm_event *ev,
				uint32_t align_log2, uint32_t flags)
{
	uint32_t number = mm_shapes_number(e->shapes, ev->site | (uint64_t)ev->thread << 32,
					   ev->kind | align_log2 << 8 | flags << 16);

	put(e, MM_COL_SHAPE_LO, number);
	put(e, MM_COL_SHAPE_HI, number >> 8);
}

static uint32_t encode_pair(struct mm_encoder *e, uint32_t slot)
{
	if (slot == MM_NO_SLOT)
		return MM_SHAPE_UNPAIRED;
	if (slot == e->last_out)
		return MM_SHAPE_PAIRED;
	put_wide(e, MM_COL_PAIR, slot);
	return 0;
}

void mm_encoder_birth(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick,
		      uint32_t slot, int hidden)
{
	uint32_t flags = 0;

	if (!has_room(e))
		return;
	encode_time(e, tick);
	if (hidden) {
		flags |= MM_SHAPE_HIDDEN;
		put_slot(e, MM_COL_POP, slot, &e->last_pop);
	}
	if (ev->kind == MM_EV_REALLOC_IN)
		flags |= encode_pair(e, ev->other);
	encode_size(e, ev->size);
	if (e->has_addr)
		encode_addr(e, ev, flags & MM_SHAPE_PAIRED);
	e->births++;
	encode_shape(e, ev, ev->align_log2, flags);
}

static void encode_inherited(struct mm_encoder *e, const struct mm_event *ev)
{
	uint64_t addr = e->has_addr ? ev->addr : 0;

	put_wide(e, MM_COL_FOREIGN, mm_zigzag((int64_t)(addr - e->last_foreign)));
	e->last_foreign = addr;
}

static inline void encode_new(struct mm_encoder *e, const struct mm_event *ev, uint32_t birth)
{
	uint64_t step = mm_zigzag((int64_t)birth - e->last_new);
	uint32_t since = e->births - birth - 1;

	put(e, MM_COL_NEW, step < MM_TOKEN_FAR ? step : MM_TOKEN_FAR);
	if (step >= MM_TOKEN_FAR) {
		put(e, MM_COL_NEW_0, since);
		put(e, MM_COL_NEW_1, since >> 8);
	}
	e->last_new = birth;
	if (e->has_addr)
		mm_guess_died(e->guess, mm_guess_lane(ev->thread), birth);
}

void mm_encoder_death(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick,
		      uint32_t birth)
{
	uint32_t flags = 0;

	if (!has_room(e))
		return;
	encode_time(e, tick);
	if (ev->kind == MM_EV_REALLOC_OUT) {
		e->last_out = ev->slot;
		e->guess->moved = birth == MM_NO_SLOT ? MM_GUESS_NONE : (int32_t)birth;
	}
	if (ev->kind == MM_EV_INHERITED) {
		encode_inherited(e, ev);
	} else if (birth == MM_NO_SLOT) {
		put_slot(e, MM_COL_OLD, ev->slot, &e->last_old);
		flags = MM_SHAPE_OLD;
	} else {
		encode_new(e, ev, birth);
	}
	encode_shape(e, ev, 0, flags);
}

int mm_encoder_other(struct mm_encoder *e, const struct mm_event *ev, uint64_t tick)
{
	struct mm_buf *other = mm_column(e->columns, MM_COL_OTHER);
	size_t before = other->len;
	int err = has_room(e) ? mm_other_encode(ev, e->has_addr, other) : MM_ENOMEM;

	if (err)
		return err;
	encode_time(e, tick);
	put_wide(e, MM_COL_OTHER_LEN, other->len - before);
	encode_shape(e, ev, 0, 0);
	return MM_OK;
}

void mm_encoder_fail(struct mm_encoder *e)
{
	e->failed = 1;
}

size_t mm_encoder_other_bytes(const struct mm_encoder *e)
{
	return mm_column(e->columns, MM_COL_OTHER)->len;
}

/* Columns of bytes get their lengths; those of varints, which may have moved, have them. */
static void set_lengths(struct mm_encoder *e)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		struct mm_buf *b = mm_column(e->columns, i);
		if (!b->len)
			b->len = (size_t)(e->at[i] - b->data);
	}
	if (e->shapes->count <= 256)
		mm_column(e->columns, MM_COL_SHAPE_HI)->len = 0;
}

int mm_encoder_end(struct mm_encoder *e, int zstd_level, struct mm_buf *out)
{
	if (e->failed)
		return MM_ENOMEM;
	set_lengths(e);
	mm_shapes_encode(e->shapes, mm_column(e->columns, MM_COL_SHAPES));
	return mm_columns_pack(e->columns, zstd_level, out);
}
