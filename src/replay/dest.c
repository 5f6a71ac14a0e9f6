/* dest.c: either of the two (dest.h). */
#include "replay/dest.h"

#include "core/error.h"

int mm_dest_context(struct mm_dest *d, uint32_t node, struct mm_context **ret)
{
	return d->pool ? mm_poolset_context(d->pool, node, ret)
		       : mm_heap_context(d->heap, node, ret);
}

void mm_dest_leave(struct mm_dest *d, struct mm_context *c)
{
	if (d->pool)
		mm_poolset_leave(d->pool, c);
	else
		mm_heap_leave(d->heap, c);
}

void mm_dest_close(struct mm_dest *d)
{
	mm_poolset_close(d->pool);
	mm_heap_close(d->heap);
	d->pool = NULL;
	d->heap = NULL;
}

int mm_dest_alloc(struct mm_dest *d, struct mm_context *c, uint64_t size, uint64_t align,
		  uint64_t *ret_addr)
{
	return d->pool ? mm_poolset_alloc(d->pool, c, size, align, ret_addr)
		       : mm_heap_alloc(d->heap, c, size, align, ret_addr);
}

int mm_dest_free(struct mm_dest *d, struct mm_context *c, uint64_t addr, uint64_t size)
{
	if (!d->pool)
		return mm_heap_free(d->heap, c, addr);
	mm_poolset_free(d->pool, c, addr, size);
	return MM_OK;
}

void mm_dest_account(const struct mm_dest *d, struct mm_account *ret)
{
	if (d->pool)
		mm_poolset_account(d->pool, ret);
	else
		mm_heap_account(d->heap, ret);
}

uint64_t mm_dest_committed(const struct mm_dest *d)
{
	return d->pool ? mm_poolset_committed(d->pool) : mm_heap_committed(d->heap);
}

void mm_dest_pages(const struct mm_dest *d, uint64_t *ret_committed, uint64_t *ret_purged)
{
	if (d->pool)
		mm_poolset_pages(d->pool, ret_committed, ret_purged);
	else
		mm_heap_pages(d->heap, ret_committed, ret_purged);
}

void mm_dest_slabs(const struct mm_dest *d, void (*fn)(void *arg, const struct mm_slab_view *v),
		   void *arg)
{
	if (d->pool)
		mm_poolset_slabs(d->pool, fn, arg);
	else
		mm_heap_slabs(d->heap, fn, arg);
}

uint32_t mm_dest_slab_of(const struct mm_dest *d, uint64_t addr)
{
	return d->pool ? mm_poolset_slab_of(d->pool, addr) : mm_heap_slab_of(d->heap, addr);
}

uint64_t mm_dest_slab_free(const struct mm_dest *d, uint32_t number)
{
	return d->pool ? mm_poolset_slab_free(d->pool, number)
		       : mm_heap_slab_free(d->heap, number);
}

int mm_dest_check(const struct mm_dest *d)
{
	return d->pool ? mm_poolset_check(d->pool) : mm_heap_check(d->heap);
}
