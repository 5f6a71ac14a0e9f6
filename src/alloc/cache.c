/* cache.c: magazines filled and emptied (cache.h). */
#include "alloc/cache.h"

#include <string.h>

enum { FIRST_BATCH = 4 };

/* Room beyond a batch, so that one who takes and gives in turn stays out of the depot. */
static uint32_t most_for(uint32_t batch)
{
	return batch <= MM_DEPOT_HEAP_BATCH ? 2 * batch : batch + batch / 2;
}

static uint64_t bytes_for(uint32_t batch)
{
	return sizeof(struct mm_magazine) + (uint64_t)most_for(batch) * sizeof(uint64_t);
}

static struct mm_magazine *magazine_of(const struct mm_cache_seat *s)
{
	return s->floor ? mm_cache_magazine(s) : NULL;
}

static struct mm_magazine *new_magazine(struct mm_depot *p, uint32_t batch)
{
	struct mm_magazine *m = mm_meta_borrow(p->ground->meta, bytes_for(batch));

	if (m)
		*m = (struct mm_magazine){ .pool = p, .most = most_for(batch), .batch = batch };
	return m;
}

static void drop_magazine(struct mm_magazine *m)
{
	mm_meta_return(m->pool->ground->meta, m, bytes_for(m->batch));
}

static void sit(struct mm_cache_seat *s, struct mm_magazine *m, uint64_t count)
{
	__atomic_store_n(&s->floor, m->block, __ATOMIC_RELAXED); /* others may look */
	mm_cache_set_top(s, m->block + count);
	s->ceiling = m->block + m->most;
}

static void stand_up(struct mm_cache_seat *s)
{
	__atomic_store_n(&s->floor, NULL, __ATOMIC_RELAXED);
	mm_cache_set_top(s, NULL);
	s->ceiling = NULL;
	__atomic_store_n(&s->served, 0, __ATOMIC_RELAXED);
}

/* Used a second time, it may hold twice as much. */
static struct mm_magazine *grown(struct mm_context *c, struct mm_depot *p)
{
	struct mm_cache_seat *s = &c->seat[p->seat];
	struct mm_magazine *m = magazine_of(s), *larger;
	uint32_t batch = m ? m->batch * 2 : p->row > FIRST_BATCH ? p->row : FIRST_BATCH;
	uint64_t count = mm_cache_ready(s);

	if (m && m->batch >= p->batch)
		return m;
	batch = batch < p->batch ? batch : p->batch;
	if (!(larger = new_magazine(p, batch)))
		return m;
	if (m) {
		memcpy(larger->block, m->block, count * sizeof *m->block);
		drop_magazine(m);
	}
	sit(s, larger, count);
	return larger;
}

/* So many of a stock, spelled as mm_depot_take does it: how many. */
static uint32_t take_stocked(struct mm_depot_stock *stock, const struct mm_magazine *m,
			     uint64_t *ret)
{
	uint32_t n = stock->blocks < m->batch ? (uint32_t)stock->blocks : m->batch;
	uint64_t bytes = m->pool->block_bytes, addr = stock->next;

	for (uint64_t *top = ret + n; top > ret; addr += bytes)
		*--top = addr;
	stock->next = addr;
	__atomic_store_n(&stock->blocks, stock->blocks - n, __ATOMIC_RELAXED);
	return n;
}

uint64_t mm_cache_refill(struct mm_context *c, struct mm_depot *p)
{
	struct mm_cache_seat *s = &c->seat[p->seat];
	struct mm_magazine *m = grown(c, p);
	struct mm_depot_stock *stock = c->stock ? &c->stock[p->seat] : NULL;
	uint64_t alone = 0;

	if (!m) {
		mm_depot_take(p, 1, c->number, NULL, &alone);
		return alone;
	}
	uint32_t n = stock && stock->blocks
			     ? take_stocked(stock, m, m->block)
			     : mm_depot_take(p, m->batch, c->number, stock, m->block);
	mm_cache_set_top(s, s->floor + n);
	return n ? mm_cache_pop(s) : 0;
}

void mm_cache_spill(struct mm_context *c, struct mm_depot *p, uint64_t addr)
{
	struct mm_cache_seat *s = &c->seat[p->seat];
	struct mm_magazine *m = grown(c, p);

	if (!m) {
		mm_depot_give(p, &addr, 1);
		return;
	}
	if (s->top == s->ceiling) { /* those that have been here longest */
		mm_depot_give(p, m->block, m->batch);
		mm_cache_set_top(s, s->top - m->batch);
		memmove(m->block, m->block + m->batch,
			(size_t)(s->top - s->floor) * sizeof *m->block);
	}
	mm_cache_push(s, addr);
}

/* Depot by depot: each takes what is its own at once. */
static void empty_aside(struct mm_context *c)
{
	uint64_t block[MM_CACHE_ASIDE];

	while (c->aside_count) {
		struct mm_depot *p = c->aside[0].pool;
		uint32_t ours = 0, left = 0;
		for (uint32_t i = 0; i < c->aside_count; i++)
			if (c->aside[i].pool == p)
				block[ours++] = c->aside[i].block;
			else
				c->aside[left++] = c->aside[i];
		c->aside_count = left;
		c->aside_bytes -= (uint64_t)ours * p->block_bytes;
		mm_depot_give(p, block, ours);
	}
}

void mm_cache_put_aside(struct mm_context *c, struct mm_depot *p, uint64_t addr)
{
	if (c->aside_count == MM_CACHE_ASIDE)
		empty_aside(c);
	c->aside[c->aside_count].pool = p;
	c->aside[c->aside_count++].block = addr;
	c->aside_bytes += p->block_bytes;
}

/* What is in the magazine goes, and then what is in stock, by way of it. */
static void empty(struct mm_context *c, uint32_t depot)
{
	struct mm_cache_seat *s = &c->seat[depot];
	struct mm_magazine *m = magazine_of(s);
	uint32_t n = (uint32_t)(s->top - s->floor);

	if (!m)
		return;
	do {
		mm_depot_give(m->pool, s->floor, n);
		n = mm_cache_stocked(c, depot) ? take_stocked(&c->stock[depot], m, m->block) : 0;
		mm_cache_set_top(s, s->floor + n);
	} while (n);
}

void mm_cache_flush(struct mm_context *c)
{
	for (uint32_t i = 0; i < c->seats; i++)
		empty(c, i);
	empty_aside(c);
}

void mm_cache_drop(struct mm_context *c, uint32_t depot)
{
	struct mm_magazine *m = magazine_of(&c->seat[depot]);

	if (!m)
		return;
	empty(c, depot);
	atomic_fetch_add_explicit(&m->pool->served, c->seat[depot].served, memory_order_relaxed);
	drop_magazine(m);
	stand_up(&c->seat[depot]);
}

void mm_cache_deinit(struct mm_context *c)
{
	mm_cache_flush(c);
	for (uint32_t i = 0; i < c->seats; i++)
		mm_cache_drop(c, i);
}
