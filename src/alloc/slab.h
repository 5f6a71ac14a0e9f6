/* slab.h: what the engine knows of each run of slices, kept away from them.
 *
 * Vocabulary
 *   slab     slices cut into blocks of one size, of one pool; or the slices of one large
 *            block (pool 0)
 *   number   of a slab: what the map of slices holds; never 0; given out again
 *   tail     bytes behind the last block
 * Never: reads or writes the slices themselves.
 */
#ifndef MM_ALLOC_SLAB_H
#define MM_ALLOC_SLAB_H

#include <stdatomic.h>
#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/meta.h"

/* Whole cache lines, so that threads with slabs of their own share none; the first has what every
 * call looks at. */
struct mm_slab {
	uint64_t addr;
	uint64_t *free_bits;    /* of blocks: 1 = here, 0 = handed out or in a magazine */
	uint16_t *slack;        /* of blocks: granted less requested; NULL = not tracked. Where
				   every block is checked: a record of guard_parts.h */
	uint32_t number, pool;  /* index of the pool + 1; 0 = large */
	uint32_t blocks, free;
	uint32_t slices;
	uint32_t prev, next;    /* in its pool's list of slabs as free as it; 0 = none */
	uint16_t lowest;        /* no free block in a word below this one */
	uint16_t list;
	_Atomic uint16_t filled_for; /* depot.h, owned: number of the context */
	uint64_t bytes;         /* in use, whole pages: what lies behind was never handed out */
	uint64_t requested;     /* large */
	uint32_t node;          /* large */
	void *notes;            /* heap_notes.h: of blocks; NULL = none */
	/* depot_move.h: who may move a block, 0 = nobody; NULL = none may. How many may; the last
	 * pass that could not empty the slab. */
	uint32_t *mover;
	uint32_t movers, passed;
	/* guard_parts.h, of runs with a guard page: the block, what became of it. 0 = no run. */
	uint64_t guarded;
	uint32_t guard_state, shut;
	uint64_t born, died;    /* who asked for it and gave it back: places in the program */
	/* Where notes and slack of few blocks are, in what the alignment leaves over. */
	uint64_t near_notes[4];
	uint16_t near_slack[4];
} __attribute__((aligned(64)));

struct mm_slabs {
	struct mm_lock lock;
	struct mm_meta *meta;
	struct mm_slab *record; /* by number; addresses for all that there can be */
	uint32_t most;
	uint32_t count;         /* ever numbered, 0 among them */
	uint32_t vacant;        /* number of a record to be used again, linked by next */
	uint64_t committed;     /* of the records */
};

_Static_assert(sizeof(struct mm_slab) == 192, "what is near costs nothing");

/* In zero-filled memory, for runs of a space of so many slices; meta outlives it. MM_ENOMEM. */
int mm_slabs_init(struct mm_slabs *s, struct mm_meta *meta, uint32_t slices);

/* A record with its number and nothing else. MM_ELIMIT. */
int mm_slabs_new(struct mm_slabs *s, struct mm_slab **ret);
void mm_slabs_drop(struct mm_slabs *s, struct mm_slab *slab);

/* Notes of so many bytes, zeroed, in the record or borrowed; NULL without memory. Their return,
 * also when the record is dropped already. */
static inline void *mm_slab_notes(struct mm_meta *meta, struct mm_slab *s, uint64_t bytes)
{
	return bytes <= sizeof s->near_notes ? s->near_notes : mm_meta_borrow(meta, bytes);
}

static inline void mm_slab_notes_end(struct mm_meta *meta, void *notes, uint64_t bytes)
{
	if (bytes > sizeof ((struct mm_slab *)0)->near_notes)
		mm_meta_return(meta, notes, bytes);
}

static inline uint16_t *mm_slab_slack(struct mm_meta *meta, struct mm_slab *s, uint64_t bytes)
{
	return bytes <= sizeof s->near_slack ? s->near_slack
					     : (uint16_t *)mm_meta_borrow(meta, bytes);
}

static inline void mm_slab_slack_end(struct mm_meta *meta, uint16_t *slack, uint64_t bytes)
{
	if (bytes > sizeof ((struct mm_slab *)0)->near_slack)
		mm_meta_return(meta, slack, bytes);
}

static inline uint32_t mm_slab_filled_for(const struct mm_slab *s)
{
	return atomic_load_explicit(&s->filled_for, memory_order_relaxed);
}

enum { MM_SLAB_TENTHS = 11 };

/* How much of a slab is out, in tenths, rounded up: 0 = nothing, 10 = more than nine tenths. */
static inline uint32_t mm_slab_tenth(uint32_t blocks, uint32_t free)
{
	return (uint32_t)(((uint64_t)(blocks - free) * 10 + blocks - 1) / blocks);
}

static inline struct mm_slab *mm_slab_at(const struct mm_slabs *s, uint32_t number)
{
	return &s->record[number];
}

#endif
