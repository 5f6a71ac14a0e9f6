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

enum { MM_SHAPES_MAX = 65536, MM_SHAPE_BITS_LEAST = 9, MM_SHAPE_BITS_MOST = 17 };

struct mm_shapes {
	struct mm_shape shapes[MM_SHAPES_MAX];
	uint32_t count;
	/* of the encoder: */
	unsigned bits;                       /* of the number of places in use */
	uint32_t generation;                 /* of these places */
	uint32_t last;                       /* number given last */
	uint16_t follower[MM_SHAPES_MAX];    /* what came after each shape the last time */
	/* Hash table: the first 2^bits places, more when there are many shapes, so that
	 * few shapes touch little memory. */
	struct mm_shape_place { uint32_t stamp, number; } places[1 << MM_SHAPE_BITS_MOST];
};

/* Forgets all. */
void mm_shapes_reset(struct mm_shapes *s);

/* A shape in two words, which are read and compared whole. */
static inline uint64_t mm_shape_who(const struct mm_shape *a)
{
	return a->site | (uint64_t)a->thread << 32;
}

static inline uint32_t mm_shape_what(const struct mm_shape *a)
{
	return a->kind | (uint32_t)a->align_log2 << 8 | (uint32_t)a->flags << 16;
}

/* The same by the hash table. */
uint32_t mm_shapes_find(struct mm_shapes *s, uint64_t who, uint32_t what);

/* Number of a shape, which is made if need be; there is always room for a chunk's.
 * Programs repeat themselves, so the follower of the last one is tried first. */
static inline uint32_t mm_shapes_number(struct mm_shapes *s, uint64_t who, uint32_t what)
{
	uint32_t number = s->follower[s->last];
	const struct mm_shape *guess = &s->shapes[number];

	if (number >= s->count || mm_shape_who(guess) != who || mm_shape_what(guess) != what) {
		number = mm_shapes_find(s, who, what);
		s->follower[s->last] = (uint16_t)number;
	}
	s->last = number;
	return number;
}

void mm_shapes_encode(const struct mm_shapes *s, struct mm_buf *out);

struct mm_shape_list { /* as read: caller's memory, zero at first; free(shapes) */
	struct mm_shape *shapes;
	uint32_t count;
	size_t cap;
};

/* 0, MM_ECORRUPT or MM_ENOMEM. */
int mm_shapes_decode(struct mm_shape_list *s, const uint8_t *data, size_t len);

#endif
