/* shape.h: what events of a chunk have in common: kind, thread, site, alignment, and how
 * their slot is told. A chunk numbers the shapes that it has, in order of appearance.
 */
#ifndef MM_TRACE_SHAPE_H
#define MM_TRACE_SHAPE_H

#include <stdint.h>

#include "base/buf.h"

enum mm_shape_flag {
	MM_SHAPE_HIDDEN = 1,    /* birth: its slot is the next of POP */
	MM_SHAPE_OLD = 2,       /* death: of an object older than the chunk */
	MM_SHAPE_PAIRED = 4,    /* REALLOC_IN: of the last REALLOC_OUT in the chunk */
	MM_SHAPE_UNPAIRED = 8   /* REALLOC_IN: of an inherited block */
};

struct mm_shape {
	uint32_t site, thread;
	uint8_t kind, align_log2, flags, pad;
};

enum { MM_SHAPES_MAX = 65536, MM_SHAPE_PLACES = 131072 };

struct mm_shapes {
	struct mm_shape shapes[MM_SHAPES_MAX];
	uint32_t count;
	/* of the encoder: */
	uint32_t generation;                 /* of the places in use */
	uint32_t last;                       /* number given last */
	uint16_t follower[MM_SHAPES_MAX];    /* what came after each shape the last time */
	struct { uint32_t stamp, number; } places[MM_SHAPE_PLACES]; /* hash table */
};

/* Forgets all. */
void mm_shapes_reset(struct mm_shapes *s);

static inline int mm_shape_same(const struct mm_shape *a, const struct mm_shape *b)
{
	return a->site == b->site && a->thread == b->thread && a->kind == b->kind &&
	       a->align_log2 == b->align_log2 && a->flags == b->flags;
}

/* The same by the hash table. */
uint32_t mm_shapes_find(struct mm_shapes *s, const struct mm_shape *shape);

/* Number of a shape, which is made if need be; there is always room for a chunk's.
 * Programs repeat themselves, so the follower of the last one is tried first. */
static inline uint32_t mm_shapes_number(struct mm_shapes *s, const struct mm_shape *shape)
{
	uint32_t number = s->follower[s->last];

	if (number >= s->count || !mm_shape_same(&s->shapes[number], shape)) {
		number = mm_shapes_find(s, shape);
		s->follower[s->last] = (uint16_t)number;
	}
	s->last = number;
	return number;
}

void mm_shapes_encode(const struct mm_shapes *s, struct mm_buf *out);

/* 0 or MM_ECORRUPT. */
int mm_shapes_decode(struct mm_shapes *s, const uint8_t *data, size_t len);

#endif
