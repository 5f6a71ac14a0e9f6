/* decode.c: the columns of a chunk back into events (codec.h, FORMAT.md 5).
 *
 * The shapes of all events are counted first, so that columns with one byte an event of
 * some category are known to be long enough before any is read; whatever a token sends
 * elsewhere is checked there. */
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "trace/decoder.h"

/* --- before the walk --------------------------------------------------------------------- */

static enum mm_category category_of(const struct mm_shape *s)
{
	if (mm_event_is_birth(s->kind))
		return s->flags & MM_SHAPE_HIDDEN ? MM_CAT_HIDDEN : MM_CAT_BIRTH;
	if (!mm_event_is_death(s->kind))
		return MM_CAT_OTHER;
	if (s->kind == MM_EV_INHERITED)
		return MM_CAT_FOREIGN;
	return s->flags & MM_SHAPE_OLD ? MM_CAT_OLD : MM_CAT_NEW;
}

enum { TALLY_BITS = 10, TALLY_MOST = (1 << TALLY_BITS) - 1 };

/* Up to TALLY_MOST events, each of which gets its category: the counts of all categories stand side
 * by side in one register. */
static int tally(const struct mm_decoder *d, const uint8_t *lo, const uint8_t *hi, uint32_t count,
		 uint8_t *event, uint32_t counts[MM_CATS])
{
	const uint8_t *category = d->c->category;
	uint32_t shapes = d->c->shapes.count;
	uint64_t sums = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = lo[i] | (uint32_t)hi[i] << 8;
		if (number >= shapes)
			return MM_ECORRUPT;
		event[i] = category[number];
		sums += UINT64_C(1) << TALLY_BITS * category[number];
	}
	for (unsigned i = 0; i < MM_CATS; i++)
		counts[i] += sums >> TALLY_BITS * i & TALLY_MOST;
	return MM_OK;
}

/* Counts the events of each category: 0, MM_ECORRUPT or MM_ENOMEM. */
static int count_shapes(struct mm_decoder *d, uint32_t count, uint32_t counts[MM_CATS])
{
	const struct mm_buf *lo = mm_column(d->c->columns, MM_COL_SHAPE_LO);
	struct mm_buf *hi = mm_column(d->c->columns, MM_COL_SHAPE_HI);
	const struct mm_shape_list *shapes = &d->c->shapes;

	if (MM_GROW(d->c->category, d->c->category_cap, shapes->count) ||
	    MM_GROW(d->c->event, d->c->events_cap, count))
		return MM_ENOMEM;
	if (lo->len != count || (hi->len && hi->len != count))
		return MM_ECORRUPT;
	if (!hi->len) {
		if (mm_buf_reserve(hi, count))
			return MM_ENOMEM;
		if (count)
			memset(hi->data, 0, count);
		hi->len = count;
	}
	for (uint32_t i = 0; i < shapes->count; i++)
		d->c->category[i] = (uint8_t)category_of(&shapes->shapes[i]);
	for (uint32_t i = 0, n; i < count; i += n) {
		n = count - i < TALLY_MOST ? count - i : TALLY_MOST;
		if (tally(d, lo->data + i, hi->data + i, n, d->c->event + i, counts))
			return MM_ECORRUPT;
	}
	return MM_OK;
}

int mm_decoder_planes(struct mm_decoder *d, unsigned first, unsigned planes)
{
	for (unsigned i = 1; i < planes; i++)
		if (mm_decoder_length(d, first + i) != mm_decoder_length(d, first))
			return MM_ECORRUPT;
	d->planes_left[first] = (uint32_t)mm_decoder_length(d, first);
	return MM_OK;
}

static int check_lengths(struct mm_decoder *d, const uint32_t counts[MM_CATS])
{
	uint32_t births = counts[MM_CAT_BIRTH] + counts[MM_CAT_HIDDEN];

	if (mm_decoder_length(d, MM_COL_SIZE_LO) != births ||
	    mm_decoder_length(d, MM_COL_SIZE_HI) != births ||
	    mm_decoder_length(d, MM_COL_ADDR) != (d->has_addr ? births : 0) ||
	    mm_decoder_length(d, MM_COL_POP) != counts[MM_CAT_HIDDEN] ||
	    mm_decoder_length(d, MM_COL_OLD) != counts[MM_CAT_OLD] ||
	    mm_decoder_length(d, MM_COL_NEW) != counts[MM_CAT_NEW])
		return MM_ECORRUPT;
	if (mm_decoder_planes(d, MM_COL_ADDR_0, 4) || mm_decoder_planes(d, MM_COL_POP_0, 4) ||
	    mm_decoder_planes(d, MM_COL_OLD_0, 4) || mm_decoder_planes(d, MM_COL_NEW_0, 2))
		return MM_ECORRUPT;
	return MM_OK;
}

static void open_columns(struct mm_decoder *d)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		const struct mm_buf *b = mm_column(d->c->columns, i);
		d->at[i] = b->data;
		d->wide[i] = b->len ? mm_bytes_of(b->data, b->len) : (struct mm_bytes){ 0 };
	}
	d->run_end = d->wide[MM_COL_TIME_RUN].end;
	d->step_end = d->wide[MM_COL_TIME_STEP].end;
}

static int unpack(struct mm_decoder *d, const uint8_t *data, size_t len, uint32_t count,
		  uint64_t wanted, uint32_t counts[MM_CATS])
{
	d->c->births = 0; /* of another chunk */
	d->c->last_known = 0;
	if (count > MM_CHUNK_EVENTS)
		return MM_ECORRUPT;
	int err = mm_columns_unpack_some(d->c->columns, data, len, wanted);
	const struct mm_buf *shapes = mm_column(d->c->columns, MM_COL_SHAPES);
	if (!err)
		err = mm_shapes_decode(&d->c->shapes, shapes->data, shapes->len);
	return err ? err : count_shapes(d, count, counts);
}

int mm_decoder_open(struct mm_decoder *d, const uint8_t *data, size_t len, uint32_t count,
		    uint64_t wanted)
{
	uint32_t counts[MM_CATS] = { 0 };
	int err = unpack(d, data, len, count, wanted, counts);

	if (!err)
		err = check_lengths(d, counts);
	if (!err)
		err = mm_codec_room(d->c, count);
	if (!err)
		open_columns(d);
	return err;
}

/* --- values ------------------------------------------------------------------------------- */

static uint32_t take_planes(struct mm_decoder *d, enum mm_column first)
{
	if (!d->planes_left[first]) {
		d->bad = 1;
		return 0;
	}
	d->planes_left[first]--;
	uint32_t v = mm_take(d, first);
	v |= mm_take(d, first + 1) << 8;
	v |= mm_take(d, first + 2) << 16;
	return v | (uint32_t)mm_take(d, first + 3) << 24;
}

/* Events before the next tick; none comes when the column is used up. */
static uint32_t next_run(struct mm_decoder *d)
{
	uint32_t run = 0;

	while (d->at[MM_COL_TIME_RUN] < d->run_end) {
		unsigned byte = mm_take(d, MM_COL_TIME_RUN);
		run += byte;
		if (byte != MM_TOKEN_FAR)
			return run;
	}
	return UINT32_MAX;
}

static uint64_t next_step(struct mm_decoder *d)
{
	if (d->at[MM_COL_TIME_STEP] >= d->step_end) {
		d->bad = 1;
		return 0;
	}
	uint64_t step = mm_take(d, MM_COL_TIME_STEP);
	return 1 + (step == MM_TOKEN_FAR ? mm_take_wide(d, MM_COL_TIME_WIDE) : step);
}

static inline uint64_t decode_time(struct mm_decoder *d)
{
	if (d->quiet) {
		d->quiet--;
	} else {
		d->tick += next_step(d);
		d->quiet = next_run(d);
	}
	return d->tick;
}

static inline uint64_t decode_size(struct mm_decoder *d)
{
	uint64_t lo = mm_take(d, MM_COL_SIZE_LO), hi = mm_take(d, MM_COL_SIZE_HI);

	return hi == MM_TOKEN_FAR ? mm_take_wide(d, MM_COL_SIZE_WIDE) : hi << 8 | lo;
}

static uint64_t decode_addr(struct mm_decoder *d, uint32_t thread, uint64_t size)
{
	struct mm_guess *g = d->guess;
	unsigned lane = mm_guess_lane(thread), token = mm_take(d, MM_COL_ADDR);
	uint64_t units = mm_guess_units(size), addr = 0;
	int32_t top = mm_guess_top(g, lane, mm_guess_class(units));

	if (token == MM_ADDR_REUSED && top != MM_GUESS_NONE)
		addr = g->born[top].addr;
	else if (token == MM_ADDR_BEHIND)
		addr = g->behind[lane];
	else if (token == MM_ADDR_STAYED && g->moved != MM_GUESS_NONE)
		addr = g->born[g->moved].addr;
	else if (token == MM_ADDR_FAR)
		addr = g->last[lane] +
		       ((uint64_t)mm_unzigzag(take_planes(d, MM_COL_ADDR_0)) << 4);
	else if (token == MM_ADDR_WIDE)
		addr = g->last[lane] + (uint64_t)mm_unzigzag(mm_take_wide(d, MM_COL_ADDR_WIDE));
	else if (token >= MM_ADDR_NEAR)
		addr = g->last[lane] + ((uint64_t)mm_unzigzag(token - MM_ADDR_NEAR) << 4);
	else {
		d->bad = 1;
		return 0;
	}
	mm_guess_born(g, lane, d->births, units, addr, token);
	return addr;
}

/* --- events ---------------------------------------------------------------------------------- */

static inline void decode_birth(struct mm_decoder *d, const struct mm_shape *s, struct mm_row *r)
{
	if (s->kind == MM_EV_REALLOC_IN && !(s->flags & MM_SHAPE_UNPAIRED))
		r->ref = s->flags & MM_SHAPE_PAIRED ? d->last_out :
			 (uint32_t)mm_take_wide(d, MM_COL_PAIR);
	r->size = decode_size(d);
	r->addr = d->has_addr ? decode_addr(d, s->thread, r->size) : 0;
	d->births++;
}

static inline void decode_foreign(struct mm_decoder *d, struct mm_row *r)
{
	r->size = MM_UNKNOWN;
	d->last_foreign += (uint64_t)mm_unzigzag(mm_take_wide(d, MM_COL_FOREIGN));
	r->addr = d->last_foreign;
}

static inline void decode_death(struct mm_decoder *d, const struct mm_shape *s, int is_new,
				struct mm_row *r)
{
	r->size = MM_UNKNOWN;
	if (is_new) {
		r->ref = (uint32_t)*d->fresh++;
		if (d->has_addr)
			mm_guess_died(d->guess, mm_guess_lane(s->thread), r->ref);
	}
	if (s->kind == MM_EV_REALLOC_OUT) {
		d->last_out = r->slot;
		d->guess->moved = r->ref == MM_NO_SLOT ? MM_GUESS_NONE : (int32_t)r->ref;
	}
}

static inline void decode_other(struct mm_decoder *d, struct mm_row *r)
{
	uint64_t len = mm_take_wide(d, MM_COL_OTHER_LEN);

	if (len > d->other_len - d->other_at) {
		d->bad = 1;
		return;
	}
	r->ref = (uint32_t)d->other_at;
	r->other_len = (uint32_t)len;
	d->other_at += len;
}

/* No switch: a jump by a table is foreseen worse than two branches are. */
__attribute__((always_inline))
static inline void decode_row(struct mm_decoder *d, enum mm_category category,
			      const struct mm_shape *s, struct mm_row *r)
{
	if (category <= MM_CAT_HIDDEN) {
		r->flags = category == MM_CAT_HIDDEN ? MM_ROWF_HIDDEN : 0;
		decode_birth(d, s, r);
	} else if (category <= MM_CAT_NEW) {
		decode_death(d, s, category == MM_CAT_NEW, r);
	} else if (category == MM_CAT_FOREIGN) {
		decode_foreign(d, r);
	} else {
		decode_other(d, r);
	}
}

/* Which event comes next is hardly ever foreseen: it is read from one byte, so that it is known
 * as early as can be. Rows share no memory with the decoder: what it keeps may stay in registers
 * across them. */
static void decode_rows(struct mm_decoder *d, uint32_t count, struct mm_row *restrict rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	const struct mm_shape *shapes = d->c->shapes.shapes;
	const uint8_t *event = d->c->event;
	const uint32_t *slot = d->c->slot;

	for (uint32_t i = 0; i < count && !d->bad; i++) {
		const struct mm_shape *s = &shapes[lo[i] | (uint32_t)hi[i] << 8];
		mm_row_begin(&rows[i], s->kind, decode_time(d), s->thread, s->site);
		rows[i].align_log2 = s->align_log2;
		rows[i].slot = slot[i];
		decode_row(d, event[i], s, &rows[i]);
	}
	for (unsigned i = 1; i < MM_COLS; i++)
		d->bad |= d->wide[i].bad;
}

static int decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		  const struct mm_chunk_start *start, int has_addr, uint64_t wanted,
		  struct mm_rows *rows)
{
	struct mm_decoder d = { .c = c, .has_addr = has_addr, .tick = start->tick,
				.last_out = MM_NO_SLOT };

	rows->count = 0;
	rows->births = 0;
	mm_buf_clear(&rows->other);
	int err = mm_decoder_open(&d, data, len, count, wanted);
	if (err)
		return err;
	const struct mm_buf *other = mm_column(c->columns, MM_COL_OTHER);
	d.other_len = other->len;
	if (MM_GROW(rows->rows, rows->cap, count + 1u) ||
	    mm_buf_put(&rows->other, other->data, other->len))
		return MM_ENOMEM;
	mm_decoder_slots(&d, count, start);
	d.guess = c->guess;
	mm_guess_reset(d.guess);
	d.quiet = next_run(&d);
	decode_rows(&d, count, rows->rows);
	if (d.bad)
		return MM_ECORRUPT;
	rows->count = count;
	rows->births = d.births;
	return MM_OK;
}

int mm_codec_decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		    const struct mm_chunk_start *start, int has_addr, struct mm_rows *rows)
{
	return decode(c, data, len, count, start, has_addr, ~UINT64_C(0), rows);
}

static const uint64_t addresses = (UINT64_C(1) << (MM_COL_ADDR_WIDE + 1)) -
				  (UINT64_C(1) << MM_COL_ADDR);

int mm_codec_decode_bare(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			 const struct mm_chunk_start *start, struct mm_rows *rows)
{
	return decode(c, data, len, count, start, 0, ~addresses, rows);
}

/* --- the other events alone ---------------------------------------------------------------- */

static int other_rows(struct mm_decoder *d, uint32_t count, struct mm_rows *rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	struct mm_ticks ticks;

	mm_ticks_open(&ticks, d);

	for (uint32_t i = 0; i < count && !d->bad; i++) {
		if (d->c->event[i] != MM_CAT_OTHER)
			continue;
		const struct mm_shape *s = &d->c->shapes.shapes[lo[i] | (uint32_t)hi[i] << 8];
		if (MM_GROW(rows->rows, rows->cap, rows->count + 1))
			return MM_ENOMEM;
		struct mm_row *r = &rows->rows[rows->count++];
		*r = (struct mm_row){ .tick = mm_ticks_at(&ticks, i), .slot = i, .thread = s->thread,
				      .site = s->site, .kind = s->kind };
		decode_other(d, r);
	}
	return d->bad || ticks.bad || d->wide[MM_COL_OTHER_LEN].bad ? MM_ECORRUPT : MM_OK;
}

int mm_codec_decode_other(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			  const struct mm_chunk_start *start, struct mm_rows *rows)
{
	static const uint64_t wanted = UINT64_C(1) << MM_COL_SHAPES |
		UINT64_C(1) << MM_COL_SHAPE_LO | UINT64_C(1) << MM_COL_SHAPE_HI |
		UINT64_C(1) << MM_COL_TIME_RUN | UINT64_C(1) << MM_COL_TIME_STEP |
		UINT64_C(1) << MM_COL_TIME_WIDE | UINT64_C(1) << MM_COL_OTHER_LEN |
		UINT64_C(1) << MM_COL_OTHER;
	struct mm_decoder d = { .c = c, .tick = start->tick };
	uint32_t counts[MM_CATS] = { 0 };

	rows->count = 0;
	mm_buf_clear(&rows->other);
	int err = unpack(&d, data, len, count, wanted, counts);
	if (err)
		return err;
	open_columns(&d);
	const struct mm_buf *other = mm_column(c->columns, MM_COL_OTHER);
	d.other_len = other->len;
	if (mm_buf_put(&rows->other, other->data, other->len))
		return MM_ENOMEM;
	return other_rows(&d, count, rows);
}
