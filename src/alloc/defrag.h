/* defrag.h: movable blocks put together, a slice of time at a time.
 *
 * Promise: a pass ends in time: before each step it asks the clock, and stops where what such
 * a step took before would not fit; so it is late by one block's copy at most. Every step
 * leaves the heap better or as it was: blocks go to slabs at least as full as their own, those
 * first that free the most bytes for each byte moved. Locked blocks and blocks without a
 * handle stay.
 * Vocabulary
 *   victim         a slab that is being emptied (depot_move.h)
 *   fragmentation  free bytes of slabs in bytes of slabs, of the pools that are registered
 *   step           choosing a victim, or moving one block (the last one takes its slab along)
 * Thread-safe beside everything else in the heap, one pass at a time.
 * Never: a clock of its own, a thread of its own.
 * Source: the order and the rule of fuller slabs follow what is known of compacting by
 * handles (Alaska, ASPLOS 2024) and of meshing (Mesh, PLDI 2019).
 */
#ifndef MM_ALLOC_DEFRAG_H
#define MM_ALLOC_DEFRAG_H

#include <stdint.h>

#include "alloc/handle.h"

struct mm_defrag;

/* What a pass has done so far: for clocks that are computed from it. */
struct mm_defrag_work { uint64_t victims, moved_blocks, moved_bytes, freed_slabs; };

struct mm_defrag_slice {
	uint64_t max_ns;
	uint8_t floor;      /* blocks of lower priority stay */
	uint64_t (*now)(void *arg, const struct mm_defrag_work *w); /* ns, never falling */
	void *arg;
};

struct mm_defrag_counts {
	uint64_t passes, moved_blocks, moved_bytes, freed_slabs;
	uint64_t freed_bytes;     /* pages of them that were in use */
	uint64_t skipped_pinned;  /* blocks that were locked, or below the floor, when asked */
	uint64_t longest_ns;      /* of all passes */
};

/* For the blocks of one table, which outlives it; no pool is registered. MM_ENOMEM. */
int mm_defrag_open(struct mm_defrag **ret, struct mm_handles *t);
void mm_defrag_close(struct mm_defrag *d);

/* The pool of blocks that serve `bytes`; 0 = all pools of the heap. MM_EINVAL. */
int mm_defrag_register(struct mm_defrag *d, uint64_t bytes);
int mm_defrag_unregister(struct mm_defrag *d, uint64_t bytes);

/* One pass. What the caller's context has ready counts as free, and goes back first. MM_EAGAIN
 * while another pass is under way. */
int mm_defrag_pass(struct mm_defrag *d, struct mm_context *c, const struct mm_defrag_slice *s);

/* 1 while a pass is under way. */
int mm_defrag_in_progress(const struct mm_defrag *d);

/* In hundredths of a percent. */
uint32_t mm_defrag_fragmentation(struct mm_defrag *d);

void mm_defrag_counts(const struct mm_defrag *d, struct mm_defrag_counts *ret);

#endif
