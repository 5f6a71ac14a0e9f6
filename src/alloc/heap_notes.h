/* heap_notes.h: what whoever uses a heap knows of its blocks, kept by the heap beside them.
 *
 * Promise: a note costs its own bytes and nothing else, is found from any address in its
 * block, and goes with a block that is moved. It is zero until it is written, and stays as it
 * is when the block is freed: who writes it clears it.
 * Vocabulary: note = so many bytes for each block as the heap was opened with (note_bytes).
 * Never: reads or writes a note.
 */
#ifndef MM_ALLOC_HEAP_NOTES_H
#define MM_ALLOC_HEAP_NOTES_H

#include "alloc/heap.h"

struct mm_heap_block {
	uint64_t addr;      /* where it begins */
	uint64_t granted;
	uint64_t requested; /* if the heap tracks and the block is live; else as granted */
	void *note;
};

/* The block that an address lies in, live or not. MM_EINVAL: in none; MM_ENOMEM. Any thread:
 * the note of a block that is not the caller's may change at any time. */
int mm_heap_block_at(struct mm_heap *h, uint64_t addr, struct mm_heap_block *ret);

/* Every block that has a note, live or not, until fn returns other than 0, which is returned.
 * fn must not call the heap, but for mm_heap_block_at. Blocks that come or go
 * meanwhile may be left out. */
int mm_heap_each_block(struct mm_heap *h,
		       int (*fn)(void *arg, const struct mm_heap_block *b), void *arg);

#endif
