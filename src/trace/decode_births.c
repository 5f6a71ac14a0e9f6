/* decode_births.c: some of the births of a chunk alone (codec.h): once slots are known, what is
 * said of a birth is found by its number. */
#include <string.h>

#include "core/error.h"
#include "trace/decoder.h"

/* Counts values below `birth` that stand in SIZE_WIDE, from the last one asked for on. */
struct sizes {
	const uint8_t *lo, *hi;
	struct mm_bytes wide;
	uint32_t at;
};

static uint64_t size_of(struct sizes *s, uint32_t birth)
{
	uint32_t far = 0;

	if (!mm_bytes_left(&s->wide))
		s->at = birth;
	for (; s->at < birth; s->at++)
		far += s->hi[s->at] == MM_TOKEN_FAR;
	while (far--)
		mm_bytes_varint(&s->wide);
	if (s->hi[birth] != MM_TOKEN_FAR)
		return (uint64_t)s->hi[birth] << 8 | s->lo[birth];
	s->at = birth + 1;
	return mm_bytes_varint(&s->wide);
}

static int is_in(const struct mm_slot_set *set, uint32_t slot)
{
	return slot < set->slots && set->bits[slot / 64] >> slot % 64 & 1;
}

/* How many. */
static uint32_t take_births(struct mm_decoder *d, const struct mm_slot_set *set,
			    struct mm_row *rows)
{
	const uint8_t *lo = d->at[MM_COL_SHAPE_LO], *hi = d->at[MM_COL_SHAPE_HI];
	const struct mm_codec *c = d->c;
	struct sizes sizes = { .lo = d->at[MM_COL_SIZE_LO], .hi = d->at[MM_COL_SIZE_HI],
			       .wide = d->wide[MM_COL_SIZE_WIDE] };
	struct mm_ticks ticks;
	uint32_t n = 0;

	mm_ticks_open(&ticks, d);
	for (uint32_t i = 0; i < c->births; i++) {
		if (!is_in(set, c->birth_slot[i]))
			continue;
		uint32_t event = c->birth_event[i];
		const struct mm_shape *s = &c->shapes.shapes[lo[event] | (uint32_t)hi[event] << 8];
		struct mm_row *r = &rows[n++];
		mm_row_begin(r, s->kind, mm_ticks_at(&ticks, event), s->thread, s->site);
		r->align_log2 = s->align_log2;
		r->slot = c->birth_slot[i];
		r->size = size_of(&sizes, i);
		r->ref = event;
	}
	d->bad |= sizes.wide.bad || ticks.bad;
	return n;
}

int mm_codec_decode_births(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
			   const struct mm_chunk_start *start, const struct mm_slot_set *set,
			   struct mm_rows *rows)
{
	static const uint64_t wanted = ((UINT64_C(1) << (MM_COL_SIZE_WIDE + 1)) - 1) |
		((UINT64_C(1) << (MM_COL_NEW_1 + 1)) - (UINT64_C(1) << MM_COL_POP));
	struct mm_decoder d = { .c = c, .tick = start->tick };

	rows->count = 0;
	rows->births = 0;
	mm_buf_clear(&rows->other);
	int err = mm_decoder_open(&d, data, len, count, wanted);
	if (err)
		return err;
	mm_decoder_slots(&d, count, start);
	if (d.bad)
		return MM_ECORRUPT;
	if (MM_GROW(rows->rows, rows->cap, c->births + 1u))
		return MM_ENOMEM;
	uint32_t found = take_births(&d, set, rows->rows);
	if (d.bad)
		return MM_ECORRUPT;
	rows->count = found;
	rows->births = c->births;
	return MM_OK;
}

/* --- the last ones --------------------------------------------------------------------------- */

static int find_last(struct mm_codec *c)
{
	const uint8_t *lo = mm_column(c->columns, MM_COL_SHAPE_LO)->data;
	const uint8_t *hi = mm_column(c->columns, MM_COL_SHAPE_HI)->data;

	if (MM_GROW(c->last, c->last_cap, c->shapes.count + 1u))
		return MM_ENOMEM;
	memset(c->last, 0, c->last_cap * sizeof *c->last);
	for (uint32_t i = 0; i < c->births; i++) {
		uint32_t event = c->birth_event[i];
		c->last[lo[event] | (uint32_t)hi[event] << 8] = event + 1;
	}
	c->last_known = 1;
	return MM_OK;
}

int mm_codec_last_birth(struct mm_codec *c, uint32_t thread, uint32_t *ret)
{
	uint32_t last = 0;

	if (!c->last_known && find_last(c))
		return MM_ENOMEM;
	for (uint32_t i = 0; i < c->shapes.count && i < c->last_cap; i++)
		if (c->shapes.shapes[i].thread == thread && c->last[i] > last)
			last = c->last[i];
	*ret = last;
	return MM_OK;
}
