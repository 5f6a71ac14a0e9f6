/* cache.h: what one thread has ready of each depot.
 *
 * Promise: allocation and free are a few instructions on memory of this thread alone; a
 * depot is asked once for a batch of blocks, and gets a batch back.
 * Vocabulary
 *   context    one thread's magazines, and what it has counted
 *   magazine   blocks of one depot, the next to be handed out last
 * A context is one thread's at a time. Its numbers may be read by others (account).
 */
#ifndef MM_ALLOC_CACHE_H
#define MM_ALLOC_CACHE_H

#include <stdint.h>

#include "alloc/depot.h"

enum { MM_CACHE_DEPOTS = 512 };

struct mm_magazine {
	struct mm_depot *pool;
	uint32_t count, most; /* blocks; room */
	uint32_t batch;       /* taken at once: grows with use, up to the depot's */
	uint64_t served;      /* blocks handed out, where the caller counts them */
	uint64_t block[];
};

struct mm_context {
	struct mm_magazine *magazine[MM_CACHE_DEPOTS];
	/* Of pools, where sizes are tracked: handed out less taken back, here. */
	int64_t live, granted, requested;
	uint32_t node;        /* NUMA */
	struct mm_context *prev, *next;
	uint64_t draw;        /* guard_parts.h: chance, and allocations until one is watched */
	uint32_t until_drawn;
};

/* A block, or 0 without memory: when the magazine is empty or there is none yet. */
uint64_t mm_cache_refill(struct mm_context *c, struct mm_depot *p);

/* Takes a block back when the magazine is full or there is none yet. */
void mm_cache_spill(struct mm_context *c, struct mm_depot *p, uint64_t addr);

/* One magazine gives back what it has and goes, if there is one. */
void mm_cache_drop(struct mm_context *c, uint32_t depot);

/* All magazines give back what they have; the context can be used again. */
void mm_cache_flush(struct mm_context *c);

/* The same, and the magazines themselves go. */
void mm_cache_deinit(struct mm_context *c);

static inline uint64_t mm_cache_take(struct mm_context *c, struct mm_depot *p)
{
	struct mm_magazine *m = c->magazine[p->index];

	if (__builtin_expect(m != NULL && m->count != 0, 1))
		return m->block[--m->count];
	return mm_cache_refill(c, p);
}

static inline void mm_cache_give(struct mm_context *c, struct mm_depot *p, uint64_t addr)
{
	struct mm_magazine *m = c->magazine[p->index];

	if (__builtin_expect(m != NULL && m->count != m->most, 1))
		m->block[m->count++] = addr;
	else
		mm_cache_spill(c, p, addr);
}

#endif
