/* range.h: the records of an ordered heap's ranges, and how they are found: for ordered.c and
 * range_*.c.
 *
 * Vocabulary as in ordered.h; index = what finds a free range for a block: a tree in order of
 * addresses for first fit; for best fit a heap for each size (range_bins.c), and a tree in
 * order of sizes for the few that are larger.
 * Everything here is under the ordered heap's lock. mm_range_reserve comes before whatever
 * makes a node, so that nothing else can fail.
 */
#ifndef MM_ALLOC_RANGE_H
#define MM_ALLOC_RANGE_H

#include "alloc/ordered.h"

struct mm_range {
	uint64_t addr;
	uint32_t units;
	uint32_t left, right;  /* tree; heap: first child, next of its row. live: requested bytes,
	                          low and high */
	uint32_t left_most, right_most; /* tree by address: units of the largest range there, kept
	                          here so that whoever changes one side leaves the other alone.
	                          heap: left_most = the one before it in its row, or its parent */
	uint32_t live;         /* vacant: the next one */
};

static inline uint64_t mm_range_bytes(const struct mm_range *n)
{
	return (uint64_t)n->units * MM_ORDERED_UNIT;
}

/* Where a block begins in a range. */
static inline uint64_t mm_range_start(const struct mm_range *r, uint64_t align)
{
	return (r->addr + align - 1) & ~(align - 1);
}

static inline int mm_range_holds(const struct mm_range *r, uint32_t units, uint64_t align)
{
	return mm_range_start(r, align) + (uint64_t)units * MM_ORDERED_UNIT <=
	       r->addr + mm_range_bytes(r);
}

/* --- range_table.c: nodes and tables ----------------------------------------------------- */

/* Room for what one call can make. MM_ENOMEM. */
int mm_range_reserve(struct mm_ordered *o);

/* Without memory for that: is there room at least for what is left when a block goes? */
int mm_range_can_free(const struct mm_ordered *o);
uint32_t mm_range_new(struct mm_ordered *o, uint64_t addr, uint64_t bytes);
void mm_range_drop(struct mm_ordered *o, uint32_t n);

/* By start or, free ranges only, by end: a node, or 0. */
uint32_t mm_range_lookup(const struct mm_ordered *o, const struct mm_range_table *t, uint64_t addr);
void mm_range_enter(struct mm_ordered *o, struct mm_range_table *t, uint32_t n);
void mm_range_leave(struct mm_ordered *o, struct mm_range_table *t, uint64_t addr);
void mm_range_bring(const struct mm_range_table *t, uint64_t addr);

/* --- range_tree.c: a treap; `best` orders it by size ---------------------------------------- */

void mm_range_plant(struct mm_ordered *o, uint32_t n);
void mm_range_uproot(struct mm_ordered *o, uint32_t n);
uint32_t mm_range_in_tree(const struct mm_ordered *o, uint32_t units, uint64_t align);

struct mm_range_tally { uint64_t bytes; uint32_t nodes; int rule; };
void mm_range_check_tree(struct mm_ordered *o, struct mm_range_tally *t);

/* --- range_bins.c: the index of either strategy ---------------------------------------------- */

int mm_range_index_init(struct mm_ordered *o);
void mm_range_index(struct mm_ordered *o, uint32_t n);
void mm_range_unindex(struct mm_ordered *o, uint32_t n);

/* The range that a block is to be cut from; 0 = none. */
uint32_t mm_range_find(const struct mm_ordered *o, uint32_t units, uint64_t align);
void mm_range_check(struct mm_ordered *o, struct mm_range_tally *t);

#endif
