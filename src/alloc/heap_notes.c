/* heap_notes.c: notes found by addresses (heap_notes.h). */
#include "alloc/heap_notes.h"

#include "alloc/heap_parts.h"
#include "core/error.h"

static void *note_of(const struct mm_heap *h, const struct mm_slab *s, uint32_t n)
{
	char *notes = __atomic_load_n(&s->notes, __ATOMIC_ACQUIRE);

	return notes ? notes + (uint64_t)n * h->o.note_bytes : NULL;
}

/* Where every block is checked a record says one more than the slack, and 0 that it is free. */
static uint64_t requested_of(const struct mm_heap *h, const struct mm_slab *s, uint32_t n,
			     uint64_t granted)
{
	uint16_t slack = s->slack ? __atomic_load_n(&s->slack[n], __ATOMIC_RELAXED) : 0;

	if (mm_guard_all(h))
		slack = slack && slack != MM_SLACK_MARKED ? (uint16_t)(slack - 1) : 0;
	return slack <= granted ? granted - slack : granted;
}

static struct mm_heap_block pooled(const struct mm_heap *h, const struct mm_slab *s, uint32_t n)
{
	uint64_t bytes = mm_heap_depot_of(h, s)->block_bytes;

	return (struct mm_heap_block){ s->addr + n * bytes, bytes, requested_of(h, s, n, bytes),
				       note_of(h, s, n) };
}

static struct mm_heap_block alone(const struct mm_heap *h, const struct mm_slab *s)
{
	return (struct mm_heap_block){ s->guarded ? s->guarded : s->addr,
				       s->guarded ? s->requested : s->bytes, s->requested,
				       note_of(h, s, 0) };
}

int mm_heap_block_at(struct mm_heap *h, uint64_t addr, struct mm_heap_block *ret)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);
	uint32_t n;

	if (!s || !h->o.note_bytes)
		return MM_EINVAL;
	if (s->pool) {
		n = mm_depot_block_of(mm_heap_depot_of(h, s), s, addr);
		if (n >= s->blocks)
			return MM_EINVAL;
		*ret = pooled(h, s, n);
		return MM_OK;
	}
	if (!s->notes) {
		void *notes = mm_slab_notes(&h->meta, s, h->o.note_bytes);
		if (!notes)
			return MM_ENOMEM;
		__atomic_store_n(&s->notes, notes, __ATOMIC_RELEASE);
	}
	struct mm_heap_block b = alone(h, s);
	if (addr - b.addr >= (b.granted ? b.granted : 1))
		return MM_EINVAL;
	*ret = b;
	return MM_OK;
}

static int each_in(const struct mm_heap *h, const struct mm_slab *s,
		   int (*fn)(void *arg, const struct mm_heap_block *b), void *arg)
{
	int stop = 0;

	for (uint32_t n = 0; !stop && n < (s->pool ? s->blocks : 1); n++) {
		struct mm_heap_block b = s->pool ? pooled(h, s, n) : alone(h, s);
		stop = b.note ? fn(arg, &b) : 0;
	}
	return stop;
}

static int each_pooled(struct mm_heap *h, struct mm_depot *p,
		       int (*fn)(void *arg, const struct mm_heap_block *b), void *arg)
{
	int stop = 0;

	mm_lock_take(&p->lock);
	for (uint32_t list = 0; !stop && list <= MM_DEPOT_FULL; list++)
		for (uint32_t at = p->list[list]; !stop && at;) {
			const struct mm_slab *s = mm_slab_at(&h->slabs, at);
			stop = each_in(h, s, fn, arg);
			at = s->next;
		}
	mm_lock_give(&p->lock);
	return stop;
}

int mm_heap_each_block(struct mm_heap *h,
		       int (*fn)(void *arg, const struct mm_heap_block *b), void *arg)
{
	int stop = 0;

	for (uint32_t i = 0; !stop && i < h->depots; i++)
		stop = each_pooled(h, mm_heap_depot(h, i), fn, arg);
	mm_lock_take(&h->slabs.lock); /* no record goes meanwhile */
	for (uint32_t n = 1; !stop && n < h->slabs.count; n++) {
		const struct mm_slab *s = mm_slab_at(&h->slabs, n);
		if (__atomic_load_n(&s->slices, __ATOMIC_ACQUIRE) && !s->pool &&
		    (!s->guarded || s->guard_state == MM_RUN_LIVE))
			stop = each_in(h, s, fn, arg);
	}
	mm_lock_give(&h->slabs.lock);
	return stop;
}
