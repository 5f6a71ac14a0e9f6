/* shape.c: the dictionary of shapes (shape.h). */
#include "trace/shape.h"

#include <string.h>

#include "core/error.h"
#include "core/varint.h"
#include "trace/bytes.h"
#include "trace/event.h"

void mm_shapes_reset(struct mm_shapes *s)
{
	s->count = s->last = 0;
	if (++s->generation == 0) {
		memset(s->places, 0, sizeof s->places);
		s->generation = 1;
	}
}

static uint32_t place_of(const struct mm_shape *a)
{
	uint64_t h = (a->site | (uint64_t)a->thread << 32) * UINT64_C(0x9E3779B97F4A7C15);

	h ^= (a->kind | (uint64_t)a->align_log2 << 8 | (uint64_t)a->flags << 16) *
	     UINT64_C(0xC2B2AE3D27D4EB4F);
	h *= UINT64_C(0x9E3779B97F4A7C15);
	return (uint32_t)(h >> 47);
}

uint32_t mm_shapes_find(struct mm_shapes *s, const struct mm_shape *shape)
{
	uint32_t at = place_of(shape);

	for (; s->places[at].stamp == s->generation; at = (at + 1) % MM_SHAPE_PLACES)
		if (mm_shape_same(&s->shapes[s->places[at].number], shape))
			return s->places[at].number;
	s->places[at].stamp = s->generation;
	s->places[at].number = s->count;
	s->shapes[s->count] = *shape;
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

int mm_shapes_decode(struct mm_shapes *s, const uint8_t *data, size_t len)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	uint64_t count = mm_bytes_varint(&b), thread = 0, site = 0;

	if (count > MM_SHAPES_MAX)
		return MM_ECORRUPT;
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
