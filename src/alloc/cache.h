/* cache.h: what one thread has ready of each depot.
 *
 * Promise: allocation and free are a few instructions on memory of this thread alone; a
 * depot is asked once for a batch of blocks, and gets a batch back.
 * Vocabulary
 *   context    one thread's magazines, and what it has counted
 *   magazine   blocks of one depot; the one on top is handed out next
 *   seat       where the context finds a magazine, without looking at it
 *   aside      blocks that came from a slab filled for another thread: they go back to the
 *              depot, so that two threads never write to neighbours in one cache line
 * A context is one thread's at a time. Its numbers may be read by others (account).
 */
#ifndef MM_ALLOC_CACHE_H
#define MM_ALLOC_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "alloc/depot.h"

enum { MM_CACHE_DEPOTS = 512, MM_CACHE_ASIDE = 128 };

struct mm_magazine {
	struct mm_depot *pool;
	uint32_t most, batch; /* room; taken at once: grows with use, up to the depot's */
	uint64_t block[];
};

/* Empty when top == floor, full when top == ceiling; all NULL before the first use. In one cache
 * line. */
struct mm_cache_seat {
	uint64_t *top, *floor, *ceiling;
	uint64_t served; /* blocks handed out, where somebody counts them */
} __attribute__((aligned(32)));

struct mm_context {
	/* fast.h looks at these and at nothing else: zero where something is checked or tracked. */
	uint64_t base, bytes;     /* of the heap's addresses */
	_Atomic uint64_t *owner;  /* vspace.h */
	uint64_t below;           /* sizes below this a class serves (0 = none, size 0 neither) */
	uint64_t table_below;     /* the same, of those that fast.h has in a table */
	uint64_t checked_below;   /* `below` of checked.h, in its stead */
	uint32_t counting;        /* until_drawn counts */
	uint32_t until_drawn;     /* guard_parts.h: allocations until one is watched */

	uint32_t first_depot;     /* of the depots that the seats are for */
	uint32_t number;          /* among the contexts that there are, from 1; 0 = none */
	uint32_t seats;           /* how many */
	/* Of pools, where sizes are tracked: handed out less taken back, here. */
	int64_t live, granted, requested;
	uint64_t draw;            /* guard_parts.h: chance */
	uint32_t node;
	uint64_t remote;          /* blocks of other nodes that were freed here */
	uint64_t site;            /* guard.h: where the program calls from; 0 = not said */
	struct mm_depot_stock *stock; /* of each seat; or NULL: the context has none */
	struct mm_context *prev, *next;
	uint64_t aside_bytes;
	uint32_t aside_count;
	struct { struct mm_depot *pool; uint64_t block; } aside[MM_CACHE_ASIDE];
	struct mm_cache_seat seat[];
};

/* Bytes of a context of so many seats; it begins zero-filled but for `seats`. And of one that may
 * have some in stock, behind its seats: it begins with mm_cache_stock_up. */
static inline uint64_t mm_cache_bytes(uint32_t seats)
{
	return sizeof(struct mm_context) + seats * sizeof(struct mm_cache_seat);
}

static inline uint64_t mm_cache_bytes_stocked(uint32_t seats)
{
	return mm_cache_bytes(seats) + seats * sizeof(struct mm_depot_stock);
}

static inline void mm_cache_stock_up(struct mm_context *c)
{
	c->stock = (struct mm_depot_stock *)(void *)&c->seat[c->seats];
}

/* A block, or 0 without memory: when the magazine is empty or there is none yet. */
uint64_t mm_cache_refill(struct mm_context *c, struct mm_depot *p);

/* Takes a block back when the magazine is full or there is none yet. */
void mm_cache_spill(struct mm_context *c, struct mm_depot *p, uint64_t addr);

/* Takes a block of another thread's slab back. */
void mm_cache_put_aside(struct mm_context *c, struct mm_depot *p, uint64_t addr);

/* One magazine gives back what it has and goes, if there is one. */
void mm_cache_drop(struct mm_context *c, uint32_t depot);

/* All magazines give back what they have; the context can be used again. */
void mm_cache_flush(struct mm_context *c);

/* The same, and the magazines themselves go. */
void mm_cache_deinit(struct mm_context *c);

static inline struct mm_magazine *mm_cache_magazine(const struct mm_cache_seat *s)
{
	return (struct mm_magazine *)(void *)((char *)s->floor -
					      offsetof(struct mm_magazine, block));
}

/* Blocks in stock, of any thread's: the same. */
static inline uint64_t mm_cache_stocked(const struct mm_context *c, uint32_t seat)
{
	return c->stock ? __atomic_load_n(&c->stock[seat].blocks, __ATOMIC_RELAXED) : 0;
}

/* Blocks in a magazine, of any thread's: near where that is at work. */
static inline uint64_t mm_cache_ready(const struct mm_cache_seat *s)
{
	uint64_t *top = __atomic_load_n(&s->top, __ATOMIC_RELAXED);
	uint64_t *floor = __atomic_load_n(&s->floor, __ATOMIC_RELAXED);
	uint64_t n = ((uintptr_t)top - (uintptr_t)floor) / sizeof *top;

	return n <= 2 * MM_DEPOT_BATCH ? n : 0;
}

/* What others may look at meanwhile: no more than a plain store. */
static inline void mm_cache_set_top(struct mm_cache_seat *s, uint64_t *top)
{
	__atomic_store_n(&s->top, top, __ATOMIC_RELAXED);
}

static inline void mm_cache_count_served(struct mm_cache_seat *s)
{
	__atomic_store_n(&s->served, s->served + 1, __ATOMIC_RELAXED);
}

/* Of a magazine that is not full. */
static inline void mm_cache_push(struct mm_cache_seat *s, uint64_t addr)
{
	uint64_t *top = s->top;

	*top = addr;
	mm_cache_set_top(s, top + 1);
}

/* The one on top of a magazine that is not empty. */
static inline uint64_t mm_cache_lift(struct mm_cache_seat *s)
{
	uint64_t *top = s->top - 1;

	mm_cache_set_top(s, top);
	return *top;
}

/* The same; the block that will be next is brought near: whoever gets it writes to it. */
static inline uint64_t mm_cache_pop(struct mm_cache_seat *s)
{
	uint64_t *top = s->top - 1;

	mm_cache_set_top(s, top);
	__builtin_prefetch((const void *)(uintptr_t)top[-1], 1);
	return *top;
}

static inline uint64_t mm_cache_take(struct mm_context *c, struct mm_depot *p)
{
	struct mm_cache_seat *s = &c->seat[p->seat];

	return __builtin_expect(s->top != s->floor, 1) ? mm_cache_lift(s) : mm_cache_refill(c, p);
}

static inline void mm_cache_give(struct mm_context *c, struct mm_depot *p, uint64_t addr)
{
	struct mm_cache_seat *s = &c->seat[p->seat];

	if (__builtin_expect(s->top != s->ceiling, 1))
		mm_cache_push(s, addr);
	else
		mm_cache_spill(c, p, addr);
}

#endif
