/* encode.c: the events of a chunk into columns (codec.h, FORMAT.md 5). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/varint.h"
#include "trace/codec_state.h"

void mm_rows_deinit(struct mm_rows *r)
{
	free(r->rows);
	mm_buf_deinit(&r->other);
	memset(r, 0, sizeof *r);
}

int mm_codec_create(struct mm_codec **ret)
{
	struct mm_codec *c = calloc(1, sizeof *c);

	if (!c)
		return MM_ENOMEM;
	c->shapes = calloc(1, sizeof *c->shapes);
	c->guess = malloc(sizeof *c->guess);
	if (!c->shapes || !c->guess || mm_columns_create(&c->columns)) {
		mm_codec_destroy(c);
		return MM_ENOMEM;
	}
	*ret = c;
	return MM_OK;
}

void mm_codec_destroy(struct mm_codec *c)
{
	if (!c)
		return;
	mm_columns_destroy(c->columns);
	free(c->shapes);
	free(c->guess);
	free(c);
}

struct encoder {
	struct mm_codec *c;
	struct mm_guess *guess;
	uint8_t *at[MM_COLS]; /* where the next byte of each column of bytes goes */
	int has_addr;
	uint64_t tick;
	uint32_t quiet;       /* events since the last one with a tick */
	uint32_t births;
	uint32_t last_pop, last_old, last_new, last_out;
	uint64_t last_foreign;
};

/* Columns of bytes have room for one an event, and a few more. */
static int make_room(struct encoder *e, size_t count)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		struct mm_buf *b = mm_column(e->c->columns, i);
		if (mm_buf_reserve(b, count + count / MM_TOKEN_FAR + 16))
			return MM_ENOMEM;
		e->at[i] = b->data;
	}
	return MM_OK;
}

static inline void put(struct encoder *e, enum mm_column column, uint64_t byte)
{
	*e->at[column]++ = (uint8_t)byte;
}

static void put_wide(struct encoder *e, enum mm_column column, uint64_t v)
{
	mm_buf_varint(mm_column(e->c->columns, column), v);
}

static void put_planes(struct encoder *e, enum mm_column first, uint32_t v)
{
	put(e, first, v);
	put(e, first + 1, v >> 8);
	put(e, first + 2, v >> 16);
	put(e, first + 3, v >> 24);
}

/* --- columns ----------------------------------------------------------------------------- */

static void encode_time(struct encoder *e, uint64_t tick)
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

static void encode_size(struct encoder *e, uint64_t size)
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

static unsigned far_token(struct encoder *e, uint64_t addr, unsigned lane)
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

static void encode_addr(struct encoder *e, const struct mm_row *r, int paired)
{
	struct mm_guess *g = e->guess;
	unsigned lane = mm_guess_lane(r->thread), token;
	uint64_t units = mm_guess_units(r->size);
	int32_t top = mm_guess_top(g, lane, mm_guess_class(units));

	if (top != MM_GUESS_NONE && g->addr[top] == r->addr)
		token = MM_ADDR_REUSED;
	else if (g->behind[lane] == r->addr)
		token = MM_ADDR_BEHIND;
	else if (paired && g->moved != MM_GUESS_NONE && g->addr[g->moved] == r->addr)
		token = MM_ADDR_STAYED;
	else
		token = far_token(e, r->addr, lane);
	put(e, MM_COL_ADDR, token);
	mm_guess_born(g, lane, e->births, units, r->addr, token);
}

static void put_slot(struct encoder *e, enum mm_column column, uint32_t slot, uint32_t *last)
{
	uint64_t step = mm_zigzag((int64_t)slot - *last);

	put(e, column, step < MM_TOKEN_FAR ? step : MM_TOKEN_FAR);
	if (step >= MM_TOKEN_FAR)
		put_planes(e, column + 1, slot);
	*last = slot;
}

static uint8_t encode_birth(struct encoder *e, const struct mm_row *r)
{
	uint8_t flags = 0;

	if (r->flags & MM_ROWF_HIDDEN) {
		flags |= MM_SHAPE_HIDDEN;
		put_slot(e, MM_COL_POP, r->slot, &e->last_pop);
	}
	if (r->kind == MM_EV_REALLOC_IN) {
		if (r->ref == MM_NO_SLOT)
			flags |= MM_SHAPE_UNPAIRED;
		else if (r->ref == e->last_out)
			flags |= MM_SHAPE_PAIRED;
		else
			put_wide(e, MM_COL_PAIR, r->ref);
	}
	encode_size(e, r->size);
	if (e->has_addr)
		encode_addr(e, r, flags & MM_SHAPE_PAIRED);
	e->births++;
	return flags;
}

static uint8_t encode_death(struct encoder *e, const struct mm_row *r)
{
	int moves = r->kind == MM_EV_REALLOC_OUT;

	if (r->kind == MM_EV_INHERITED) {
		put_wide(e, MM_COL_FOREIGN, mm_zigzag((int64_t)(r->addr - e->last_foreign)));
		e->last_foreign = r->addr;
		return 0;
	}
	if (moves) {
		e->last_out = r->slot;
		e->guess->moved = r->ref == MM_NO_SLOT ? MM_GUESS_NONE : (int32_t)r->ref;
	}
	if (r->ref == MM_NO_SLOT) {
		put_slot(e, MM_COL_OLD, r->slot, &e->last_old);
		return MM_SHAPE_OLD;
	}
	uint64_t step = mm_zigzag((int64_t)r->ref - e->last_new);
	uint32_t since = e->births - r->ref - 1;
	put(e, MM_COL_NEW, step < MM_TOKEN_FAR ? step : MM_TOKEN_FAR);
	if (step >= MM_TOKEN_FAR) {
		put(e, MM_COL_NEW_0, since);
		put(e, MM_COL_NEW_1, since >> 8);
	}
	e->last_new = r->ref;
	if (e->has_addr)
		mm_guess_died(e->guess, mm_guess_lane(r->thread), r->ref);
	return 0;
}

static void encode_row(struct encoder *e, const struct mm_row *r)
{
	struct mm_shape shape = { .site = r->site, .thread = r->thread, .kind = r->kind,
				  .align_log2 = r->align_log2 };

	encode_time(e, r->tick);
	if (mm_event_is_birth(r->kind))
		shape.flags = encode_birth(e, r);
	else if (mm_event_is_death(r->kind))
		shape.flags = encode_death(e, r);
	else
		put_wide(e, MM_COL_OTHER_LEN, r->other_len);
	uint32_t number = mm_shapes_number(e->c->shapes, &shape);
	put(e, MM_COL_SHAPE_LO, number);
	put(e, MM_COL_SHAPE_HI, number >> 8);
}

/* Columns of bytes get their lengths; those of varints, which may have moved, have them. */
static void set_lengths(struct encoder *e)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		struct mm_buf *b = mm_column(e->c->columns, i);
		if (!b->len)
			b->len = (size_t)(e->at[i] - b->data);
	}
	if (e->c->shapes->count <= 256)
		mm_column(e->c->columns, MM_COL_SHAPE_HI)->len = 0;
}

int mm_codec_encode(struct mm_codec *c, const struct mm_rows *rows,
		    const struct mm_chunk_start *start, int has_addr, int zstd_level,
		    struct mm_buf *out)
{
	struct encoder e = { .c = c, .guess = c->guess, .has_addr = has_addr,
			     .tick = start->tick, .last_out = MM_NO_SLOT };

	mm_columns_clear(c->columns);
	mm_shapes_reset(c->shapes);
	mm_guess_reset(c->guess);
	if (make_room(&e, rows->count))
		return MM_ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		encode_row(&e, &rows->rows[i]);
	set_lengths(&e);
	mm_shapes_encode(c->shapes, mm_column(c->columns, MM_COL_SHAPES));
	mm_buf_put(mm_column(c->columns, MM_COL_OTHER), rows->other.data, rows->other.len);
	return mm_columns_pack(c->columns, zstd_level, out);
}
