/* decode.c: the columns of a chunk back into events (codec.h, FORMAT.md 5).
 *
 * The shapes of all events are counted first, so that columns with one byte an event of
 * some category are known to be long enough before any is read; whatever a token sends
 * elsewhere is checked there. */
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "trace/bytes.h"
#include "trace/codec_state.h"

enum category { CAT_BIRTH, CAT_HIDDEN, CAT_OLD, CAT_NEW, CAT_FOREIGN, CAT_OTHER, CATS };

struct decoder {
	struct mm_codec *c;
	struct mm_guess *guess;
	const uint8_t *at[MM_COLS];     /* next byte of each column of bytes */
	struct mm_bytes wide[MM_COLS];  /* columns of varints */
	const uint8_t *run_end, *step_end;
	uint32_t planes_left[MM_COLS];  /* by first plane */
	int has_addr, bad;
	uint64_t tick;
	uint32_t quiet;                 /* events until the next one with a tick */
	uint32_t births, stack_len, hidden, high;
	const uint32_t *popped, *old; /* the next ones */
	uint32_t *restrict birth_slot, *restrict stack; /* mm_codec's */
	uint32_t last_new, last_out;
	uint64_t last_foreign, other_at, other_len;
};

static size_t length(const struct decoder *d, unsigned column)
{
	return mm_column(d->c->columns, column)->len;
}

/* --- before the walk --------------------------------------------------------------------- */

static enum category category_of(const struct mm_shape *s)
{
	if (mm_event_is_birth(s->kind))
		return s->flags & MM_SHAPE_HIDDEN ? CAT_HIDDEN : CAT_BIRTH;
	if (!mm_event_is_death(s->kind))
		return CAT_OTHER;
	if (s->kind == MM_EV_INHERITED)
		return CAT_FOREIGN;
	return s->flags & MM_SHAPE_OLD ? CAT_OLD : CAT_NEW;
}

enum { TALLY_BITS = 10, TALLY_MOST = (1 << TALLY_BITS) - 1 };

/* Up to TALLY_MOST events, each of which gets its category: the counts of all categories stand side
 * by side in one register. */
static int tally(const struct decoder *d, const uint8_t *lo, const uint8_t *hi, uint32_t count,
		 uint8_t *event, uint32_t counts[CATS])
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
	for (unsigned i = 0; i < CATS; i++)
		counts[i] += sums >> TALLY_BITS * i & TALLY_MOST;
	return MM_OK;
}

/* Counts the events of each category: 0, MM_ECORRUPT or MM_ENOMEM. */
static int count_shapes(struct decoder *d, uint32_t count, uint32_t counts[CATS])
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

static int check_planes(struct decoder *d, unsigned first, unsigned planes)
{
	for (unsigned i = 1; i < planes; i++)
		if (length(d, first + i) != length(d, first))
			return MM_ECORRUPT;
	d->planes_left[first] = (uint32_t)length(d, first);
	return MM_OK;
}

static int check_lengths(struct decoder *d, const uint32_t counts[CATS])
{
	uint32_t births = counts[CAT_BIRTH] + counts[CAT_HIDDEN];

	if (length(d, MM_COL_SIZE_LO) != births || length(d, MM_COL_SIZE_HI) != births ||
	    length(d, MM_COL_ADDR) != (d->has_addr ? births : 0) ||
	    length(d, MM_COL_POP) != counts[CAT_HIDDEN] ||
	    length(d, MM_COL_OLD) != counts[CAT_OLD] ||
	    length(d, MM_COL_NEW) != counts[CAT_NEW])
		return MM_ECORRUPT;
	if (check_planes(d, MM_COL_ADDR_0, 4) || check_planes(d, MM_COL_POP_0, 4) ||
	    check_planes(d, MM_COL_OLD_0, 4) || check_planes(d, MM_COL_NEW_0, 2))
		return MM_ECORRUPT;
	return MM_OK;
}

static void open_columns(struct decoder *d)
{
	for (unsigned i = 1; i < MM_COLS; i++) {
		const struct mm_buf *b = mm_column(d->c->columns, i);
		d->at[i] = b->data;
		d->wide[i] = b->len ? mm_bytes_of(b->data, b->len) : (struct mm_bytes){ 0 };
	}
	d->run_end = d->wide[MM_COL_TIME_RUN].end;
	d->step_end = d->wide[MM_COL_TIME_STEP].end;
}

/* --- values ------------------------------------------------------------------------------- */

static inline unsigned take(struct decoder *d, enum mm_column column)
{
	return *d->at[column]++;
}

static uint64_t take_wide(struct decoder *d, enum mm_column column)
{
	return mm_bytes_varint(&d->wide[column]);
}

static uint32_t take_planes(struct decoder *d, enum mm_column first)
{
	if (!d->planes_left[first]) {
		d->bad = 1;
		return 0;
	}
	d->planes_left[first]--;
	uint32_t v = take(d, first);
	v |= take(d, first + 1) << 8;
	v |= take(d, first + 2) << 16;
	return v | (uint32_t)take(d, first + 3) << 24;
}

/* Events before the next tick; none comes when the column is used up. */
static uint32_t next_run(struct decoder *d)
{
	uint32_t run = 0;

	while (d->at[MM_COL_TIME_RUN] < d->run_end) {
		unsigned byte = take(d, MM_COL_TIME_RUN);
		run += byte;
		if (byte != MM_TOKEN_FAR)
			return run;
	}
	return UINT32_MAX;
}

static uint64_t next_step(struct decoder *d)
{
	if (d->at[MM_COL_TIME_STEP] >= d->step_end) {
		d->bad = 1;
		return 0;
	}
	uint64_t step = take(d, MM_COL_TIME_STEP);
	return 1 + (step == MM_TOKEN_FAR ? take_wide(d, MM_COL_TIME_WIDE) : step);
}

static inline uint64_t decode_time(struct decoder *d)
{
	if (d->quiet) {
		d->quiet--;
	} else {
		d->tick += next_step(d);
		d->quiet = next_run(d);
	}
	return d->tick;
}

static inline uint64_t decode_size(struct decoder *d)
{
	uint64_t lo = take(d, MM_COL_SIZE_LO), hi = take(d, MM_COL_SIZE_HI);

	return hi == MM_TOKEN_FAR ? take_wide(d, MM_COL_SIZE_WIDE) : hi << 8 | lo;
}

/* All slots of POP or OLD, in a loop of their own: event by event a processor cannot foresee whose
 * turn it is, and would wait for what it reads here. */
static void spell_slots(struct decoder *d, enum mm_column column, uint32_t *ret)
{
	const uint8_t *token = d->at[column], *plane[4];
	uint32_t last = 0, far = 0, planes = d->planes_left[column + 1];
	size_t count = length(d, column);

	for (unsigned i = 0; i < 4; i++)
		plane[i] = d->at[column + 1 + i];
	for (size_t i = 0; i < count; i++) {
		if (token[i] != MM_TOKEN_FAR) {
			last += (uint32_t)mm_unzigzag(token[i]);
		} else if (far < planes) {
			last = plane[0][far] | (uint32_t)plane[1][far] << 8 |
			       (uint32_t)plane[2][far] << 16 | (uint32_t)plane[3][far] << 24;
			far++;
		} else {
			d->bad = 1;
			return;
		}
		ret[i] = last;
	}
}

static uint64_t decode_addr(struct decoder *d, uint32_t thread, uint64_t size)
{
	struct mm_guess *g = d->guess;
	unsigned lane = mm_guess_lane(thread), token = take(d, MM_COL_ADDR);
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
		addr = g->last[lane] + (uint64_t)mm_unzigzag(take_wide(d, MM_COL_ADDR_WIDE));
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

static inline void decode_birth(struct decoder *d, const struct mm_shape *s, struct mm_row *r)
{
	if (s->kind == MM_EV_REALLOC_IN && !(s->flags & MM_SHAPE_UNPAIRED))
		r->ref = s->flags & MM_SHAPE_PAIRED ? d->last_out :
			 (uint32_t)take_wide(d, MM_COL_PAIR);
	r->size = decode_size(d);
	r->addr = d->has_addr ? decode_addr(d, s->thread, r->size) : 0;
	d->birth_slot[d->births++] = r->slot;
}

static inline void decode_seen_birth(struct decoder *d, struct mm_row *r)
{
	if (d->stack_len) {
		r->slot = d->stack[--d->stack_len];
	} else {
		r->slot = d->high++;
		d->bad |= d->hidden || r->slot == MM_NO_SLOT;
	}
}

static inline void decode_hidden_birth(struct decoder *d, struct mm_row *r)
{
	r->slot = *d->popped++;
	r->flags = MM_ROWF_HIDDEN;
	d->bad |= d->stack_len || !d->hidden || r->slot == MM_NO_SLOT;
	d->hidden--;
}

static inline uint32_t decode_new(struct decoder *d, const struct mm_shape *s)
{
	unsigned token = take(d, MM_COL_NEW);
	uint32_t birth = d->last_new + (uint32_t)mm_unzigzag(token);

	if (token == MM_TOKEN_FAR) {
		if (!d->planes_left[MM_COL_NEW_0]) {
			d->bad = 1;
			return 0;
		}
		d->planes_left[MM_COL_NEW_0]--;
		uint32_t since = take(d, MM_COL_NEW_0);
		since |= take(d, MM_COL_NEW_1) << 8;
		birth = d->births - since - 1;
	}
	if (birth >= d->births) {
		d->bad = 1;
		return 0;
	}
	d->last_new = birth;
	if (d->has_addr)
		mm_guess_died(d->guess, mm_guess_lane(s->thread), birth);
	return birth;
}

static inline void decode_foreign(struct decoder *d, struct mm_row *r)
{
	r->size = MM_UNKNOWN;
	d->last_foreign += (uint64_t)mm_unzigzag(take_wide(d, MM_COL_FOREIGN));
	r->addr = d->last_foreign;
}

static inline void decode_death(struct decoder *d, const struct mm_shape *s, struct mm_row *r)
{
	r->size = MM_UNKNOWN;
	if (s->kind == MM_EV_REALLOC_OUT) {
		d->last_out = r->slot;
		d->guess->moved = r->ref == MM_NO_SLOT ? MM_GUESS_NONE : (int32_t)r->ref;
	}
	d->stack[d->stack_len++] = r->slot;
}

static inline void decode_old_death(struct decoder *d, struct mm_row *r)
{
	r->slot = *d->old++;
	d->bad |= r->slot >= d->high;
}

static inline void decode_new_death(struct decoder *d, const struct mm_shape *s, struct mm_row *r)
{
	r->ref = decode_new(d, s);
	r->slot = d->birth_slot[r->ref];
}

static inline void decode_other(struct decoder *d, struct mm_row *r)
{
	uint64_t len = take_wide(d, MM_COL_OTHER_LEN);

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
static inline void decode_row(struct decoder *d, enum category category,
			      const struct mm_shape *s, struct mm_row *r)
{
	if (category <= CAT_HIDDEN) {
		if (category == CAT_HIDDEN)
			decode_hidden_birth(d, r);
		else
			decode_seen_birth(d, r);
		decode_birth(d, s, r);
	} else if (category <= CAT_NEW) {
		if (category == CAT_OLD)
			decode_old_death(d, r);
		else
			decode_new_death(d, s, r);
		decode_death(d, s, r);
	} else if (category == CAT_FOREIGN) {
		decode_foreign(d, r);
	} else {
		decode_other(d, r);
	}
}

/* Which event comes next is hardly ever foreseen: it is read from one byte, so that it is known
 * as early as can be. Rows share no memory with the decoder: what it keeps may stay in registers
 * across them. */
static void decode_rows(struct decoder *d, uint32_t count, struct mm_row *restrict rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	const struct mm_shape *shapes = d->c->shapes.shapes;
	const uint8_t *event = d->c->event;

	for (uint32_t i = 0; i < count && !d->bad; i++) {
		const struct mm_shape *s = &shapes[lo[i] | (uint32_t)hi[i] << 8];
		mm_row_begin(&rows[i], s->kind, decode_time(d), s->thread, s->site);
		rows[i].align_log2 = s->align_log2;
		decode_row(d, event[i], s, &rows[i]);
	}
	for (unsigned i = 1; i < MM_COLS; i++)
		d->bad |= d->wide[i].bad;
}

/* Of those births alone; how many. */
static uint32_t decode_births(struct decoder *d, uint32_t count, const struct mm_slot_set *set,
			      struct mm_row *restrict rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	const struct mm_shape *shapes = d->c->shapes.shapes;
	uint32_t n = 0, *last = d->c->last;

	for (uint32_t i = 0; i < count && !d->bad; i++) {
		uint32_t number = lo[i] | (uint32_t)hi[i] << 8, category = d->c->event[i];
		struct mm_row *r = &rows[n];
		mm_row_begin(r, shapes[number].kind, decode_time(d), shapes[number].thread,
			     shapes[number].site);
		decode_row(d, category, &shapes[number], r);
		if (category > CAT_HIDDEN)
			continue;
		r->ref = i;
		last[number] = i + 1;
		n += r->slot < set->slots && set->bits[r->slot / 64] >> r->slot % 64 & 1;
	}
	for (unsigned i = 1; i < MM_COLS; i++)
		d->bad |= d->wide[i].bad;
	return n;
}

static int prepare(struct decoder *d, const uint8_t *data, size_t len, uint32_t count,
		   uint64_t wanted)
{
	struct mm_columns *columns = d->c->columns;
	uint32_t counts[CATS] = { 0 };
	int err = mm_columns_unpack_some(columns, data, len, wanted);

	if (err)
		return err;
	const struct mm_buf *shapes = mm_column(columns, MM_COL_SHAPES);
	err = mm_shapes_decode(&d->c->shapes, shapes->data, shapes->len);
	if (!err)
		err = count_shapes(d, count, counts);
	if (!err)
		err = check_lengths(d, counts);
	if (err)
		return err;
	open_columns(d);
	d->quiet = next_run(d);
	d->popped = d->c->outer;
	d->old = d->c->outer + length(d, MM_COL_POP);
	spell_slots(d, MM_COL_POP, d->c->outer);
	spell_slots(d, MM_COL_OLD, d->c->outer + length(d, MM_COL_POP));
	d->birth_slot = d->c->birth_slot;
	d->stack = d->c->stack;
	mm_guess_reset(d->guess);
	return MM_OK;
}

static int decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		  const struct mm_chunk_start *start, int has_addr, uint64_t wanted,
		  const struct mm_slot_set *births, struct mm_rows *rows)
{
	struct decoder d = { .c = c, .has_addr = has_addr,
			     .tick = start->tick, .high = start->high_water,
			     .hidden = start->free_depth, .last_out = MM_NO_SLOT };

	rows->count = 0;
	rows->births = 0;
	mm_buf_clear(&rows->other);
	if (count > MM_CHUNK_EVENTS || start->free_depth > start->high_water)
		return MM_ECORRUPT;
	if (MM_GROW(rows->rows, rows->cap, count + 1u) || mm_codec_room(c, count))
		return MM_ENOMEM;
	d.guess = c->guess;
	int err = prepare(&d, data, len, count, wanted);
	if (err)
		return err;
	const struct mm_buf *other = mm_column(c->columns, MM_COL_OTHER);
	d.other_len = other->len;
	if (mm_buf_put(&rows->other, other->data, other->len))
		return MM_ENOMEM;
	if (births && MM_GROW(c->last, c->last_cap, c->shapes.count))
		return MM_ENOMEM;
	if (births) {
		memset(c->last, 0, c->last_cap * sizeof *c->last);
		count = decode_births(&d, count, births, rows->rows);
	} else {
		decode_rows(&d, count, rows->rows);
	}
	if (d.bad)
		return MM_ECORRUPT;
	rows->count = count;
	rows->births = d.births;
	return MM_OK;
}

int mm_codec_decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		    const struct mm_chunk_start *start, int has_addr, struct mm_rows *rows)
{
	return decode(c, data, len, count, start, has_addr, ~UINT64_C(0), NULL, rows);
}

static const uint64_t addresses = (UINT64_C(1) << (MM_COL_ADDR_WIDE + 1)) -
				  (UINT64_C(1) << MM_COL_ADDR);

int mm_codec_decode_bare(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			 const struct mm_chunk_start *start, struct mm_rows *rows)
{
	return decode(c, data, len, count, start, 0, ~addresses, NULL, rows);
}

int mm_codec_decode_births(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			   const struct mm_chunk_start *start, const struct mm_slot_set *set,
			   struct mm_rows *rows)
{
	return decode(c, data, len, count, start, 0, ~addresses, set, rows);
}

uint32_t mm_codec_last_birth(const struct mm_codec *c, uint32_t thread)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < c->shapes.count && i < c->last_cap; i++)
		if (c->shapes.shapes[i].thread == thread && c->last[i] > last)
			last = c->last[i];
	return last;
}

/* --- the other events alone ---------------------------------------------------------------- */

static int other_rows(struct decoder *d, uint32_t count, struct mm_rows *rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	uint64_t ticked = next_run(d); /* number of the next event with a tick */

	for (uint32_t i = 0; i < count && !d->bad; i++) {
		if (d->c->event[i] != CAT_OTHER)
			continue;
		const struct mm_shape *s = &d->c->shapes.shapes[lo[i] | (uint32_t)hi[i] << 8];
		for (; ticked <= i && !d->bad; ticked += 1 + (uint64_t)next_run(d))
			d->tick += next_step(d);
		if (MM_GROW(rows->rows, rows->cap, rows->count + 1))
			return MM_ENOMEM;
		struct mm_row *r = &rows->rows[rows->count++];
		*r = (struct mm_row){ .tick = d->tick, .slot = i, .thread = s->thread,
				      .site = s->site, .kind = s->kind };
		decode_other(d, r);
	}
	return d->bad ? MM_ECORRUPT : MM_OK;
}

int mm_codec_decode_other(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			  const struct mm_chunk_start *start, struct mm_rows *rows)
{
	static const uint64_t wanted = UINT64_C(1) << MM_COL_SHAPES |
		UINT64_C(1) << MM_COL_SHAPE_LO | UINT64_C(1) << MM_COL_SHAPE_HI |
		UINT64_C(1) << MM_COL_TIME_RUN | UINT64_C(1) << MM_COL_TIME_STEP |
		UINT64_C(1) << MM_COL_TIME_WIDE | UINT64_C(1) << MM_COL_OTHER_LEN |
		UINT64_C(1) << MM_COL_OTHER;
	struct decoder d = { .c = c, .tick = start->tick };
	uint32_t counts[CATS] = { 0 };

	rows->count = 0;
	mm_buf_clear(&rows->other);
	if (count > MM_CHUNK_EVENTS)
		return MM_ECORRUPT;
	int err = mm_columns_unpack_some(c->columns, data, len, wanted);
	const struct mm_buf *shapes = mm_column(c->columns, MM_COL_SHAPES);
	if (!err)
		err = mm_shapes_decode(&c->shapes, shapes->data, shapes->len);
	if (!err)
		err = count_shapes(&d, count, counts);
	if (err)
		return err;
	open_columns(&d);
	const struct mm_buf *other = mm_column(c->columns, MM_COL_OTHER);
	d.other_len = other->len;
	if (mm_buf_put(&rows->other, other->data, other->len))
		return MM_ENOMEM;
	return other_rows(&d, count, rows);
}

/* --- the slots from elsewhere ---------------------------------------------------------------- */

int mm_codec_decode_touched(struct mm_codec *c, const uint8_t *data, size_t len,
			    uint32_t **slots, size_t *cap, size_t *ret_count)
{
	static const uint64_t wanted = (UINT64_C(1) << (MM_COL_OLD_3 + 1)) -
				       (UINT64_C(1) << MM_COL_POP);
	struct decoder d = { .c = c };
	int err = mm_columns_unpack_some(c->columns, data, len, wanted);

	if (err)
		return err;
	if (check_planes(&d, MM_COL_POP_0, 4) || check_planes(&d, MM_COL_OLD_0, 4))
		return MM_ECORRUPT;
	size_t popped = length(&d, MM_COL_POP), count = popped + length(&d, MM_COL_OLD);
	if (count > 2 * MM_CHUNK_EVENTS)
		return MM_ECORRUPT;
	if (!count) {
		*ret_count = 0;
		return MM_OK;
	}
	if (mm_array_grow(slots, cap, count, sizeof **slots))
		return MM_ENOMEM;
	open_columns(&d);
	spell_slots(&d, MM_COL_POP, *slots);
	spell_slots(&d, MM_COL_OLD, *slots + popped);
	if (d.bad)
		return MM_ECORRUPT;
	*ret_count = count;
	return MM_OK;
}
