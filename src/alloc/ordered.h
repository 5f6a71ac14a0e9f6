/* ordered.h: first fit and best fit: blocks cut from free ranges in their order.
 *
 * Promise: first fit takes the lowest free range that holds the block, best fit the smallest,
 * of equals the lowest; a range that becomes free is joined with its neighbours at once. So
 * where blocks lie follows from the calls alone (tests have a model of a hundred lines that
 * says the same).
 * Vocabulary
 *   unit     16 bytes: every range is a number of them
 *   region   1 MiB of slices (slab.h, pool MM_SLAB_ORDERED), obtained when nothing fits; those
 *            that adjoin are one to a range. One that is wholly free goes back, unless it is
 *            the only such
 *   node     the record of a range, free or live
 * Of free ranges that are equal, best fit looks at the lowest alone when a block is to be
 * aligned to more than a unit, up to 64 KiB.
 * Free ranges are a treap (Seidel and Aragon, 1996), whose priorities are a hash of the node's
 * number, in order of addresses with the largest range on each side; for best fit a heap for
 * each size. All nodes are found by their start, and free ones by their end, in two hash tables.
 * One lock. Never: reads or writes a range.
 */
#ifndef MM_ALLOC_ORDERED_H
#define MM_ALLOC_ORDERED_H

#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/lowset.h"
#include "alloc/depot.h"

enum { MM_ORDERED_UNIT = 16, MM_ORDERED_REGION = 1 << 20, MM_ORDERED_MOST = 256 << 10,
	MM_ORDERED_BINS = 4096 /* units from which on ranges of one size have no heap */ };

#define MM_SLAB_ORDERED UINT32_MAX

struct mm_range; /* a node */

struct mm_range_table { /* from an address to a node's number */
	uint64_t *entry;
	uint32_t count, mask, shift;
	uint64_t bytes;
};

struct mm_ordered {
	struct mm_lock lock;
	struct mm_ground *ground;
	int best;
	struct mm_range *node;      /* 0 is nobody */
	uint32_t nodes, nodes_cap, vacant;
	uint64_t node_bytes;
	uint32_t root;              /* of the tree */
	uint32_t *bin;              /* best: by units, the top of their heap */
	struct mm_lowset filled;    /* of bins */
	struct mm_range_table starts, ends;
	uint32_t regions, whole;    /* all, and those wholly free */
	uint64_t free_bytes, live, granted, requested;
	uint64_t untouched;         /* of free_bytes: pages that are not in use yet */
};

/* In zero-filled memory. MM_ENOMEM. */
int mm_ordered_init(struct mm_ordered *o, struct mm_ground *ground, int best);

/* A block of 1 to MM_ORDERED_MOST bytes at a multiple of `align` (a power of two from
 * MM_ORDERED_UNIT to MM_SLICE_BYTES). MM_ENOMEM. */
int mm_ordered_take(struct mm_ordered *o, uint64_t size, uint64_t align, uint64_t *ret_addr);

/* MM_EINVAL when no live block begins there. MM_ENOMEM: it stays, without memory for the
 * record of what would be free. */
int mm_ordered_give(struct mm_ordered *o, uint64_t addr);
int mm_ordered_granted(struct mm_ordered *o, uint64_t addr, uint64_t *ret_bytes);

/* Brings near what a coming mm_ordered_give of that address will look at; any will do. */
void mm_ordered_soon(const struct mm_ordered *o, uint64_t addr);

/* 1 = the block now has `size` bytes where it is: it shrank, or what is behind it was free. */
int mm_ordered_resize(struct mm_ordered *o, uint64_t addr, uint64_t size, uint64_t align);

/* Calls fn for each free range, in no order, as far as it was ever used: what lies in pages that
 * are not in use is cut off. Nobody else may be in it. */
void mm_ordered_each_free(const struct mm_ordered *o,
			  void (*fn)(void *arg, uint64_t addr, uint64_t bytes), void *arg);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_ordered_check(struct mm_ordered *o);

#endif
