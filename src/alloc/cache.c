/* cache.c: magazines filled and emptied (cache.h). */
#include "alloc/cache.h"

#include <string.h>

enum { FIRST_BATCH = 4 };

static uint64_t bytes_for(uint32_t batch)
{
	return sizeof(struct mm_magazine) + 2 * (uint64_t)batch * sizeof(uint64_t);
}

static struct mm_magazine *new_magazine(struct mm_pool *p, uint32_t batch)
{
	struct mm_magazine *m = mm_meta_borrow(p->ground->meta, bytes_for(batch));

	if (m)
		*m = (struct mm_magazine){ .pool = p, .most = 2 * batch, .batch = batch };
	return m;
}

static void drop_magazine(struct mm_magazine *m)
{
	mm_meta_return(m->pool->ground->meta, m, bytes_for(m->batch));
}

/* Used a second time, it may hold twice as much. */
static struct mm_magazine *grown(struct mm_context *c, struct mm_pool *p)
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
		drop_magazine(m);
	}
	c->magazine[p->index] = larger;
	return larger;
}

uint64_t mm_cache_refill(struct mm_context *c, struct mm_pool *p)
{
	uint64_t fresh[MM_POOL_BATCH];
	struct mm_magazine *m = grown(c, p);
	uint32_t n = mm_pool_take(p, m ? m->batch : 1, fresh);

	if (n == 0)
		return 0;
	for (uint32_t i = 1; i < n; i++) /* the lowest is on top */
		m->block[n - 1 - i] = fresh[i];
	if (m)
		m->count = n - 1;
	return fresh[0];
}

void mm_cache_spill(struct mm_context *c, struct mm_pool *p, uint64_t addr)
{
	struct mm_magazine *m = grown(c, p);

	if (!m) {
		mm_pool_give(p, &addr, 1);
		return;
	}
	if (m->count == m->most) { /* those that have been here longest */
		mm_pool_give(p, m->block, m->batch);
		m->count -= m->batch;
		memmove(m->block, m->block + m->batch, m->count * sizeof *m->block);
	}
	m->block[m->count++] = addr;
}

void mm_cache_flush(struct mm_context *c)
{
	for (uint32_t i = 0; i < MM_CACHE_POOLS; i++) {
		struct mm_magazine *m = c->magazine[i];
		if (m && m->count) {
			mm_pool_give(m->pool, m->block, m->count);
			m->count = 0;
		}
	}
}

void mm_cache_deinit(struct mm_context *c)
{
	mm_cache_flush(c);
	for (uint32_t i = 0; i < MM_CACHE_POOLS; i++) {
		if (c->magazine[i])
			drop_magazine(c->magazine[i]);
		c->magazine[i] = NULL;
	}
}
