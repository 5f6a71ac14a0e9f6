/* drive.h: the rows of a trace, one after the other, into an engine.
 *
 * Promise: each object is a block of the engine from its birth to its death, made and freed
 * by the context of the thread that did it; what the trace does not tell is counted, never
 * fatal. A realloc holds the block from its free half and is one call at its alloc half.
 * Vocabulary
 *   slot      trace/event.h; here: which block an object is
 *   held      a block between the halves of a realloc
 *   note      an object that the program placed inside another: it is no block. Those of a
 *             recorded engine's pools are blocks: they lie in no other
 * One thread at a time. Memory: O(largest number of live objects), of any size.
 */
#ifndef MM_REPLAY_DRIVE_H
#define MM_REPLAY_DRIVE_H

#include <stdint.h>

#include "alloc/heap.h"
#include "replay/routed.h"
#include "trace/codec.h"
#include "trace/reader.h"

struct mm_drive_counts {
	uint64_t events, allocs, frees, reallocs, moved, failed, unknown_frees, notes, seeded,
		lost_objects;
	uint64_t allocated_bytes; /* requested, all in all */
	uint64_t live_bytes;      /* requested by blocks that are there now, held ones too */
	uint64_t fingerprint;
};

/* Addresses and sizes are below 2^48: above them stand, of a routed block, its destination and
 * its route, else 0. */
struct mm_drive_block {
	uint64_t where, extent; /* where 0 = none */
};

/* Where and as which it was born: kept apart, and only for who asks (mm_drive_keep_births). */
struct mm_drive_birth { uint32_t site, order; };

enum { MM_DRIVE_SHIFT = 48 };

#define MM_DRIVE_LOW ((UINT64_C(1) << MM_DRIVE_SHIFT) - 1)

static inline struct mm_routed_block mm_drive_unpack(const struct mm_drive_block *b)
{
	return (struct mm_routed_block){ .addr = b->where & MM_DRIVE_LOW,
		.size = b->extent & MM_DRIVE_LOW, .dest = (uint32_t)(b->where >> MM_DRIVE_SHIFT),
		.route = (uint32_t)(b->extent >> MM_DRIVE_SHIFT) };
}

struct mm_drive_thread {
	struct mm_context *context;
	struct mm_drive_block held;
	uint32_t held_slot;
	struct mm_drive_birth held_birth;
};

enum { MM_DRIVE_GROUP_SHIFT = 18 /* slots that are looked through together */,
	MM_DRIVE_GROUPS = 1 << (32 - MM_DRIVE_GROUP_SHIFT) };

/* Caller's memory; zero-initialised before init. */
struct mm_drive {
	struct mm_heap *heap;
	struct mm_routed *routed; /* NULL: all blocks are the heap's */
	struct mm_reader *reader; /* which notes are of pools; NULL = none */
	uint32_t process;
	uint32_t nodes;
	struct mm_drive_block *slot;
	size_t slot_cap;
	uint8_t group_used[MM_DRIVE_GROUPS]; /* some block was in it */
	int keep_births;
	struct mm_drive_birth *birth; /* by slot; NULL = not kept */
	size_t birth_cap;
	struct mm_drive_thread *thread;
	size_t thread_cap, thread_count;
	struct mm_drive_counts counts;
};

/* The heap outlives it. Threads are dealt out to the nodes in turn. */
void mm_drive_init(struct mm_drive *d, struct mm_heap *heap, uint32_t nodes);

/* The first slot from i on that may have a block, slot_cap when there is none: a trace may name
 * slots far from each other. */
static inline size_t mm_drive_slot_from(const struct mm_drive *d, size_t i)
{
	size_t group = i >> MM_DRIVE_GROUP_SHIFT, first = group;

	while (group < MM_DRIVE_GROUPS && !d->group_used[group])
		group++;
	if (group != first)
		i = group << MM_DRIVE_GROUP_SHIFT;
	return group < MM_DRIVE_GROUPS && i < d->slot_cap ? i : d->slot_cap;
}

/* Before the first row: blocks are the destinations' from now on, of which the heap is number
 * 0. It outlives the drive. */
void mm_drive_route(struct mm_drive *d, struct mm_routed *routed);

/* Before the first row: whose rows they will be. The reader outlives the drive. */
void mm_drive_of(struct mm_drive *d, struct mm_reader *reader, uint32_t process);

/* Before the first row: births are kept. */
void mm_drive_keep_births(struct mm_drive *d);

/* Contexts are given back. */
void mm_drive_deinit(struct mm_drive *d);

/* One row: MM_OK, or MM_ENOMEM for memory of our own (not the engine's: that is counted). */
int mm_drive_row(struct mm_drive *d, const struct mm_row *row);

/* Brings near what a coming row will look at: first its slot, then its block. */
void mm_drive_soon_slot(const struct mm_drive *d, const struct mm_row *row);
void mm_drive_soon_block(const struct mm_drive *d, const struct mm_row *row);

/* Objects that lived before the first row, oldest first. */
int mm_drive_seed(struct mm_drive *d, const struct mm_objects *objects);

/* The block of a slot: its address, or 0. */
static inline uint64_t mm_drive_addr(const struct mm_drive *d, uint32_t slot)
{
	return slot < d->slot_cap ? d->slot[slot].where & MM_DRIVE_LOW : 0;
}

#endif
