/* decode_slots.c: which slot each event of a chunk is about (codec.h, FORMAT.md 5). */
#include <string.h>

#include "core/error.h"
#include "trace/decoder.h"

/* All slots of POP or OLD. */
static void spell_slots(struct mm_decoder *d, enum mm_column column, uint32_t *ret)
{
	const uint8_t *token = d->at[column], **plane = &d->at[column + 1];
	uint32_t last = 0, far = 0, planes = d->planes_left[column + 1];
	size_t count = mm_decoder_length(d, column);

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

/* NEW as 2 * difference, to the last one that died, or + 1 to the births so far. */
static void spell_new(struct mm_decoder *d, int32_t *ret)
{
	const uint8_t *token = d->at[MM_COL_NEW];
	const uint8_t *lo = d->at[MM_COL_NEW_0], *hi = d->at[MM_COL_NEW_1];
	uint32_t far = 0, planes = d->planes_left[MM_COL_NEW_0];
	size_t count = mm_decoder_length(d, MM_COL_NEW);

	for (size_t i = 0; i < count; i++) {
		if (token[i] != MM_TOKEN_FAR) {
			ret[i] = 2 * (int32_t)mm_unzigzag(token[i]);
		} else if (far < planes) {
			ret[i] = 1 - 2 * (int32_t)(1 + (lo[far] | (uint32_t)hi[far] << 8));
			far++;
		} else {
			d->bad = 1;
			return;
		}
	}
	ret[count] = 0;
}

struct slots {
	const uint8_t *event;
	const uint32_t *popped, *old;
	int32_t *fresh;
	uint32_t *slot, *birth_slot, *birth_event;
	uint32_t *stack;
	uint32_t at, depth, high, hidden, births, last_new;
	int bad;
};

static uint32_t take_new(struct slots *s)
{
	int32_t told = *s->fresh;
	uint32_t birth = (told & 1 ? s->births : s->last_new) + (uint32_t)(told >> 1);

	if (birth >= s->births) {
		s->bad = 1;
		return MM_NO_SLOT;
	}
	*s->fresh++ = (int32_t)birth;
	s->last_new = birth;
	return s->birth_slot[birth];
}

static uint32_t take_given(struct slots *s, enum mm_category category)
{
	uint32_t slot;

	if (category == MM_CAT_HIDDEN) {
		s->bad |= s->depth || !s->hidden;
		s->hidden--;
		slot = *s->popped++;
		s->bad |= slot >= s->high;
	} else if (s->depth) {
		slot = s->stack[--s->depth];
	} else {
		s->bad |= s->hidden != 0;
		slot = s->high++;
	}
	s->bad |= slot == MM_NO_SLOT;
	return slot;
}

/* Event `at`, whatever it is. */
static void follow(struct slots *s)
{
	enum mm_category category = s->event[s->at];
	uint32_t slot = MM_NO_SLOT;

	if (category <= MM_CAT_HIDDEN) {
		slot = take_given(s, category);
		s->birth_slot[s->births] = slot;
		s->birth_event[s->births++] = s->at;
	} else if (category <= MM_CAT_NEW) {
		slot = category == MM_CAT_NEW ? take_new(s) : *s->old++;
		s->bad |= category == MM_CAT_OLD && slot >= s->high;
		s->stack[s->depth++] = slot;
	}
	s->slot[s->at++] = slot;
}

_Static_assert(MM_CAT_BIRTH == 0 && MM_CAT_OLD == 2, "one bit tells them apart");

/* Births of a slot that was seen and deaths of older objects from `at` on, while there are no
 * others: which of the two comes next no processor foresees, so both are worked out and what
 * does not apply is written where it is not looked for. */
static void follow_common(struct slots *s, uint32_t count)
{
	uint32_t depth = s->depth, births = s->births, i = s->at, wrong = 0;
	const uint32_t *old = s->old;

	for (; i < count && depth && !(s->event[i] & ~MM_CAT_OLD); i++) {
		uint32_t death = s->event[i] >> 1, top = s->stack[depth - 1], ended = *old;
		uint32_t slot = death ? ended : top;
		wrong |= death & (ended >= s->high);
		s->slot[i] = s->birth_slot[births] = s->stack[depth] = slot;
		s->birth_event[births] = i;
		depth += 2 * death - 1;
		old += death;
		births += 1 - death;
	}
	s->depth = depth;
	s->births = births;
	s->at = i;
	s->old = old;
	s->bad |= wrong != 0;
}

void mm_decoder_slots(struct mm_decoder *d, uint32_t count, const struct mm_chunk_start *start)
{
	struct mm_codec *c = d->c;
	uint32_t *old = c->outer + mm_decoder_length(d, MM_COL_POP);
	struct slots s = { .event = c->event, .popped = c->outer, .old = old, .fresh = c->fresh,
			   .slot = c->slot, .birth_slot = c->birth_slot,
			   .birth_event = c->birth_event, .stack = c->stack,
			   .high = start->high_water, .hidden = start->free_depth,
			   .bad = start->free_depth > start->high_water };

	spell_slots(d, MM_COL_POP, c->outer);
	spell_slots(d, MM_COL_OLD, old);
	spell_new(d, c->fresh);
	s.bad |= d->bad;
	while (s.at < count && !s.bad) {
		follow(&s);
		follow_common(&s, count);
	}
	d->fresh = c->fresh;
	d->bad = s.bad;
	c->births = s.births;
}

/* --- the slots from elsewhere ---------------------------------------------------------------- */

int mm_codec_decode_touched(struct mm_codec *c, const uint8_t *data, size_t len,
			    uint32_t **slots, size_t *cap, size_t *ret_count)
{
	static const uint64_t wanted = (UINT64_C(1) << (MM_COL_OLD_3 + 1)) -
				       (UINT64_C(1) << MM_COL_POP);
	struct mm_decoder d = { .c = c };
	int err = mm_columns_unpack_some(c->columns, data, len, wanted);

	if (err)
		return err;
	if (mm_decoder_planes(&d, MM_COL_POP_0, 4) || mm_decoder_planes(&d, MM_COL_OLD_0, 4))
		return MM_ECORRUPT;
	size_t popped = mm_decoder_length(&d, MM_COL_POP);
	size_t count = popped + mm_decoder_length(&d, MM_COL_OLD);
	if (count > 2 * MM_CHUNK_EVENTS)
		return MM_ECORRUPT;
	if (!count) {
		*ret_count = 0;
		return MM_OK;
	}
	if (mm_array_grow(slots, cap, count, sizeof **slots))
		return MM_ENOMEM;
	for (unsigned i = 1; i < MM_COLS; i++)
		d.at[i] = mm_column(c->columns, i)->data;
	spell_slots(&d, MM_COL_POP, *slots);
	spell_slots(&d, MM_COL_OLD, *slots + popped);
	if (d.bad)
		return MM_ECORRUPT;
	*ret_count = count;
	return MM_OK;
}
