/* guard_records.h: the record of a block where every block is checked (guard_parts.h): found by
 * address, read, and turned: for guard*.c and checked.c.
 *
 * Promise: of two threads that free a block at once one gets it.
 */
#ifndef MM_ALLOC_GUARD_RECORDS_H
#define MM_ALLOC_GUARD_RECORDS_H

#include "alloc/guard_parts.h"
#include "alloc/heap_parts.h"

/* A pool's block by any address in it: 0 where there is none. */
struct mm_guard_found {
	struct mm_depot *pool;
	struct mm_slab *slab;
	uint32_t number;
	uint64_t addr;
};

static inline struct mm_guard_found mm_guard_block_in(struct mm_depot *p, struct mm_slab *s,
						      uint64_t addr)
{
	uint32_t n = mm_depot_block_of(p, s, addr);

	return (struct mm_guard_found){ p, s, n, s->addr + (uint64_t)n * p->block_bytes };
}

static inline int mm_guard_find(struct mm_heap *h, struct mm_slab *s, uint64_t addr,
				struct mm_guard_found *ret)
{
	*ret = mm_guard_block_in(&h->pool[s->pool - 1], s, addr);
	return ret->number < s->blocks;
}

static inline uint16_t mm_guard_record(const struct mm_guard_found *f)
{
	return __atomic_load_n(&f->slab->slack[f->number], __ATOMIC_RELAXED);
}

static inline int mm_guard_is_live(uint16_t record)
{
	return record && record <= MM_SLACK_LIVE_MOST;
}

/* Of the same block once it has come back. Four slacks at the upper end are one. */
static inline uint16_t mm_guard_freed(uint16_t record)
{
	uint16_t freed = (uint16_t)(MM_SLACK_FREED - (record - 1u));

	return freed > MM_SLACK_LIVE_MOST ? freed : MM_SLACK_LIVE_MOST + 1;
}

static inline int mm_guard_is_freed(uint16_t record)
{
	return record > MM_SLACK_LIVE_MOST && record <= MM_SLACK_FREED;
}

/* What is or was requested, as far as the record says. */
static inline uint64_t mm_guard_size_of(const struct mm_guard_found *f, uint16_t record)
{
	if (mm_guard_is_live(record))
		return f->pool->block_bytes - (record - 1u);
	return mm_guard_is_freed(record) ? f->pool->block_bytes - (MM_SLACK_FREED - record) : 0;
}

static inline void mm_guard_put_out(const struct mm_guard_found *f, uint64_t size)
{
	uint32_t slack = f->pool->block_bytes - (uint32_t)size;

	__atomic_store_n(&f->slab->slack[f->number], (uint16_t)(slack + 1), __ATOMIC_RELAXED);
}

/* A block that was taken from its pool goes out: with its record and its canary. */
static inline void mm_guard_hand_out(struct mm_heap *h, struct mm_depot *p, uint64_t addr,
				     uint64_t size)
{
	struct mm_slab *s = mm_slab_at(&h->slabs, mm_vspace_owner(&h->vspace, addr));
	struct mm_guard_found f = mm_guard_block_in(p, s, addr);

	mm_guard_put_out(&f, size);
	mm_content_canary(&h->content, addr, size, p->block_bytes);
}

/* 1: *ret is the record of a live block, and ours: of two threads that free a block at once
 * only one gets it. */
static inline int mm_guard_take_back(const struct mm_heap *h, const struct mm_guard_found *f,
				     uint16_t *ret)
{
	uint16_t *at = &f->slab->slack[f->number];

	*ret = mm_guard_record(f);
	if (__builtin_expect(!mm_guard_is_live(*ret), 0))
		return 0;
	if (__builtin_expect(atomic_load_explicit(&h->guard.contexts, memory_order_relaxed) != 1, 0))
		return __atomic_compare_exchange_n(at, ret, mm_guard_freed(*ret), 0,
						   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	__atomic_store_n(at, mm_guard_freed(*ret), __ATOMIC_RELAXED);
	return 1;
}

#endif
