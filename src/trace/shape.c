/* shape.c: the dictionary of shapes (shape.h). */
#include "trace/shape.h"

#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "core/varint.h"
#include "trace/bytes.h"
#include "trace/event.h"

static void forget_places(struct mm_shapes *s, unsigned bits)
{
	s->bits = bits;
	if (++s->generation == 0) {
		memset(s->places, 0, sizeof s->places);
		s->generation = 1;
	}
}

void mm_shapes_reset(struct mm_shapes *s)
{
	s->count = s->last = 0;
	forget_places(s, MM_SHAPE_BITS_LEAST);
}

/* The place of a shape, or the vacant one where it would be. */
static struct mm_shape_place *place_of(struct mm_shapes *s, uint64_t who, uint32_t what)
{
	uint64_t h = who * UINT64_C(0x9E3779B97F4A7C15) ^ what * UINT64_C(0xC2B2AE3D27D4EB4F);
	uint32_t at = (uint32_t)(h * UINT64_C(0x9E3779B97F4A7C15) >> (64 - s->bits));

	for (;; at = (at + 1) & ((1u << s->bits) - 1)) {
		const struct mm_shape *a = &s->shapes[s->places[at].number];
		if (s->places[at].stamp != s->generation ||
		    (mm_shape_who(a) == who && mm_shape_what(a) == what))
			return &s->places[at];
	}
}

static void enter(struct mm_shapes *s, struct mm_shape_place *p, uint32_t number)
{
	p->stamp = s->generation;
	p->number = number;
}

static void spread_out(struct mm_shapes *s)
{
	forget_places(s, s->bits + 2 <= MM_SHAPE_BITS_MOST ? s->bits + 2 : MM_SHAPE_BITS_MOST);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct mm_shape *a = &s->shapes[i];
		enter(s, place_of(s, mm_shape_who(a), mm_shape_what(a)), i);
	}
}

uint32_t mm_shapes_find(struct mm_shapes *s, uint64_t who, uint32_t what)
{
	struct mm_shape_place *p = place_of(s, who, what);

	if (p->stamp == s->generation)
		return p->number;
	if (s->count >= 1u << (s->bits - 1) && s->bits < MM_SHAPE_BITS_MOST) {
		spread_out(s);
		p = place_of(s, who, what);
	}
	enter(s, p, s->count);
	s->shapes[s->count] = (struct mm_shape){
		.site = (uint32_t)who, .thread = (uint32_t)(who >> 32), .kind = (uint8_t)what,
		.align_log2 = (uint8_t)(what >> 8), .flags = (uint8_t)(what >> 16) };
	return s->count++;
}

void mm_shapes_encode(const struct mm_shapes *s, struct mm_buf *out)
{
	uint32_t site = 0, thread = 0;

	mm_buf_varint(out, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct mm_shape *a = &s->shapes[i];
		mm_buf_u8(out, a->kind);
		mm_buf_u8(out, a->flags);
		mm_buf_varint(out, a->align_log2);
		mm_buf_varint(out, mm_zigzag((int64_t)a->thread - thread));
		mm_buf_varint(out, mm_zigzag((int64_t)a->site - site));
		thread = a->thread;
		site = a->site;
	}
}

int mm_shapes_decode(struct mm_shape_list *s, const uint8_t *data, size_t len)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	uint64_t count = mm_bytes_varint(&b), thread = 0, site = 0;

	if (count > MM_SHAPES_MAX)
		return MM_ECORRUPT;
	if (MM_GROW(s->shapes, s->cap, count))
		return MM_ENOMEM;
	s->count = (uint32_t)count;
	for (uint32_t i = 0; i < s->count; i++) {
		struct mm_shape *a = &s->shapes[i];
		*a = (struct mm_shape){ .kind = mm_bytes_u8(&b) };
		a->flags = mm_bytes_u8(&b);
		a->align_log2 = (uint8_t)mm_bytes_varint(&b);
		thread += (uint64_t)mm_unzigzag(mm_bytes_varint(&b));
		site += (uint64_t)mm_unzigzag(mm_bytes_varint(&b));
		a->thread = (uint32_t)thread;
		a->site = (uint32_t)site;
		if (!mm_event_is_birth(a->kind) && !mm_event_is_death(a->kind) &&
		    a->kind < MM_EV_OTHER)
			return MM_ECORRUPT;
	}
	return b.bad ? MM_ECORRUPT : MM_OK;
}
