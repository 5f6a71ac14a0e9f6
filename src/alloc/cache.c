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

/* Used a second time, it may hold twice as much. */
static struct mm_magazine *grown(struct mm_context *c, struct mm_depot *p)
{
	struct mm_magazine *m = c->magazine[p->index], *larger;
	uint32_t batch = m ? m->batch * 2 : FIRST_BATCH;

	if (m && m->batch >= p->batch)
		return m;
	batch = batch < p->batch ? batch : p->batch;
	if (!(larger = new_magazine(p, batch)))
		return m;
	if (m) {
		memcpy(larger->block, m->block, m->count * sizeof *m->block);
		larger->count = m->count;
		larger->served = m->served;
		drop_magazine(m);
	}
	c->magazine[p->index] = larger;
	return larger;
}

uint64_t mm_cache_refill(struct mm_context *c, struct mm_depot *p)
{
	struct mm_magazine *m = grown(c, p);
	uint64_t alone = 0;

	if (!m) {
		mm_depot_take(p, 1, &alone);
		return alone;
	}
	m->count = mm_depot_take(p, m->batch, m->block);
	return m->count ? m->block[--m->count] : 0;
}

void mm_cache_spill(struct mm_context *c, struct mm_depot *p, uint64_t addr)
{
	struct mm_magazine *m = grown(c, p);

	if (!m) {
		mm_depot_give(p, &addr, 1);
		return;
	}
	if (m->count == m->most) { /* those that have been here longest */
		mm_depot_give(p, m->block, m->batch);
		m->count -= m->batch;
		memcpy(m->block, m->block + m->batch, m->count * sizeof *m->block);
	}
	m->block[m->count++] = addr;
}

static void empty(struct mm_magazine *m)
{
	if (m->count)
		mm_depot_give(m->pool, m->block, m->count);
	m->count = 0;
}

void mm_cache_flush(struct mm_context *c)
{
	for (uint32_t i = 0; i < MM_CACHE_DEPOTS; i++)
		if (c->magazine[i])
			empty(c->magazine[i]);
}

void mm_cache_drop(struct mm_context *c, uint32_t depot)
{
	struct mm_magazine *m = c->magazine[depot];

	if (!m)
		return;
	empty(m);
	atomic_fetch_add_explicit(&m->pool->served, m->served, memory_order_relaxed);
	drop_magazine(m);
	c->magazine[depot] = NULL;
}

void mm_cache_deinit(struct mm_context *c)
{
	for (uint32_t i = 0; i < MM_CACHE_DEPOTS; i++)
		mm_cache_drop(c, i);
}
