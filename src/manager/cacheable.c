/* cacheable.c: a list in the order of allocation (cacheable.h). */
#include "manager/cacheable.h"

void mm_cacheables_init(struct mm_cacheables *c, struct mm_meta *meta)
{
	c->meta = meta;
	c->most = MM_CACHEABLE_MOST;
	c->frontier = 1;
}

static uint32_t vacant_entry(struct mm_cacheables *c)
{
	uint32_t n = c->vacant;

	if (n) {
		c->vacant = c->entry[n].next;
		return n;
	}
	if (!c->entry)
		__atomic_store_n(&c->entry,
				 mm_meta_reserve_for(c->meta, sizeof *c->entry, &c->most),
				 __ATOMIC_RELAXED);
	return c->entry && c->frontier < c->most &&
	       !mm_meta_open(c->entry, (c->frontier + UINT64_C(1)) * sizeof *c->entry)
		? c->frontier++ : 0;
}

uint32_t mm_cacheables_add(struct mm_cacheables *c, const struct mm_cacheable *entry,
			   uint64_t note, uint64_t *note_at)
{
	mm_lock_take(&c->lock);
	uint32_t n = vacant_entry(c);
	if (n) {
		c->entry[n] = *entry;
		c->entry[n].prev = c->newest;
		c->entry[n].next = 0;
		if (c->newest)
			c->entry[c->newest].next = n;
		else
			c->oldest = n;
		c->newest = n;
		__atomic_store_n(note_at, note | n, __ATOMIC_RELEASE);
	}
	mm_lock_give(&c->lock);
	return n;
}

uint32_t mm_cacheables_what(struct mm_cacheables *c, uint32_t number)
{
	mm_lock_take(&c->lock);
	uint32_t what = c->entry[number].what;
	mm_lock_give(&c->lock);
	return what;
}

static void take_entry(struct mm_cacheables *c, uint32_t n)
{
	struct mm_cacheable *e = &c->entry[n];

	if (e->prev)
		c->entry[e->prev].next = e->next;
	else
		c->oldest = e->next;
	if (e->next)
		c->entry[e->next].prev = e->prev;
	else
		c->newest = e->prev;
	e->block = 0;
	e->next = c->vacant;
	c->vacant = n;
}

int mm_cacheables_take(struct mm_cacheables *c, uint32_t number, uint64_t block,
		       struct mm_cacheable *ret)
{
	mm_lock_take(&c->lock);
	int had = c->entry[number].block == block;
	if (had) {
		*ret = c->entry[number];
		take_entry(c, number);
	}
	mm_lock_give(&c->lock);
	return had;
}

int mm_cacheables_oldest(struct mm_cacheables *c, uint32_t category, struct mm_cacheable *ret)
{
	mm_lock_take(&c->lock);
	uint32_t n = c->oldest;
	while (n && category != UINT32_MAX && c->entry[n].category != category)
		n = c->entry[n].next;
	if (n) {
		*ret = c->entry[n];
		take_entry(c, n);
	}
	mm_lock_give(&c->lock);
	return n != 0;
}
