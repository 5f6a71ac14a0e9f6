/* guess.h: where an allocator is likely to put the next object: what encoder and decoder
 * of a chunk both know of addresses. Starts empty with each chunk.
 *
 * Three guesses: the block of the same class that this thread freed last (allocators hand
 * memory out last in, first out), the place right behind this thread's last object, and
 * for a realloc the old place. Wrong guesses cost bytes, nothing else.
 */
#ifndef MM_TRACE_GUESS_H
#define MM_TRACE_GUESS_H

#include <stdint.h>
#include <string.h>

#include "trace/codec.h"

enum { MM_GUESS_LANES = 16, MM_GUESS_CLASSES = 512, MM_GUESS_NONE = -1 };

enum mm_addr_token {
	MM_ADDR_REUSED = 0, /* the block that was freed last */
	MM_ADDR_BEHIND = 1, /* right behind the last object */
	MM_ADDR_STAYED = 2, /* the old place of a realloc */
	MM_ADDR_FAR = 3,    /* difference to the last object / 16, zigzag: in the planes */
	MM_ADDR_WIDE = 4,   /* difference, zigzag: in ADDR_WIDE */
	MM_ADDR_NEAR = 5    /* and up: the difference as in FAR, plus this */
};

struct mm_guess {
	int32_t top[MM_GUESS_LANES][MM_GUESS_CLASSES]; /* births freed, last first */
	uint64_t last[MM_GUESS_LANES];   /* address of the last object */
	uint64_t behind[MM_GUESS_LANES];
	int32_t moved;                   /* birth of the last REALLOC_OUT, or NONE */
	struct mm_guess_birth {
		uint64_t addr;
		int32_t next; /* freed before it, of the same class */
		uint32_t size_class;
	} born[MM_CHUNK_EVENTS]; /* by birth of the chunk */
};

static inline void mm_guess_reset(struct mm_guess *g)
{
	memset(g->top, 0xff, sizeof g->top);
	memset(g->last, 0, sizeof g->last);
	memset(g->behind, 0, sizeof g->behind);
	g->moved = MM_GUESS_NONE;
}

/* Units of 16 bytes that a block of `size` takes with a header of 8. */
static inline uint64_t mm_guess_units(uint64_t size)
{
	uint64_t units = (size >> 4) + ((size & 15) + 8 + 15) / 16;

	return units < 2 ? 2 : units;
}

static inline unsigned mm_guess_class(uint64_t units)
{
	return units < MM_GUESS_CLASSES ? (unsigned)units : MM_GUESS_CLASSES - 1;
}

/* The birth whose block would be reused, or NONE. */
static inline int32_t mm_guess_top(const struct mm_guess *g, unsigned lane, unsigned cls)
{
	return g->top[lane][cls];
}

/* Birth number `birth` got `addr`; token says how it was found. */
static inline void mm_guess_born(struct mm_guess *g, unsigned lane, uint32_t birth,
				 uint64_t units, uint64_t addr, unsigned token)
{
	unsigned cls = mm_guess_class(units);

	if (token == MM_ADDR_REUSED) {
		g->top[lane][cls] = g->born[g->top[lane][cls]].next;
	} else if (token == MM_ADDR_STAYED) {
		int32_t *top = &g->top[lane][g->born[g->moved].size_class];
		if (*top == g->moved)
			*top = g->born[g->moved].next;
	}
	g->born[birth].addr = addr;
	g->born[birth].size_class = cls;
	g->last[lane] = addr;
	g->behind[lane] = addr + 16 * units;
}

/* The object of birth number `birth` died, freed by a thread of `lane`. */
static inline void mm_guess_died(struct mm_guess *g, unsigned lane, uint32_t birth)
{
	int32_t *top = &g->top[lane][g->born[birth].size_class];

	g->born[birth].next = *top;
	*top = (int32_t)birth;
}

static inline unsigned mm_guess_lane(uint32_t thread)
{
	return thread % MM_GUESS_LANES;
}

#endif
