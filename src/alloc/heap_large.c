/* heap_large.c: blocks with slices of their own (heap_parts.h). */
#include "alloc/heap_parts.h"
#include "alloc/tell.h"
#include "core/error.h"

enum { SPARE_SHARE = 2 };

static uint64_t whole_pages(const struct mm_heap *h, uint64_t size)
{
	uint64_t page = h->vspace.o.page_bytes;

	return (size + page - 1) & ~(page - 1);
}

/* From then on it counts as that node's. */
static void settle(struct mm_heap *h, struct mm_slab *s, uint32_t node)
{
	s->node = node;
	atomic_fetch_add(&h->node_large[node], s->bytes);
	if (h->ground.place && h->ground.place(h->ground.place_arg, s->addr,
					       (uint64_t)s->slices << MM_SLICE_SHIFT, node))
		atomic_fetch_add(&h->large_misplaced[node], 1);
}

int mm_large_alloc(struct mm_heap *h, uint64_t size, uint64_t align, uint32_t node, int zeroed,
		   uint64_t *ret_addr)
{
	struct mm_slab *s;
	uint64_t room = size ? size : 1, slices, step = align <= MM_SLICE_BYTES ? 1 : align >> MM_SLICE_SHIFT;
	int fresh, err;

	if (size > h->vspace.bytes || step > h->vspace.slices)
		return MM_ENOMEM;
	if ((err = mm_slabs_new(&h->slabs, &s)))
		return err;
	slices = (room + MM_SLICE_BYTES - 1) >> MM_SLICE_SHIFT;
	__atomic_store_n(&s->slices, (uint32_t)slices, __ATOMIC_RELEASE);
	s->bytes = whole_pages(h, room);
	s->requested = size;
	err = mm_vspace_take_fresh(&h->vspace, s->slices, (uint32_t)step, s->bytes, s->number,
			     &s->addr, &fresh);
	if (err) {
		mm_slabs_drop(&h->slabs, s);
		return MM_ENOMEM;
	}
	settle(h, s, node);
	atomic_fetch_add(&h->large.live, 1);
	atomic_fetch_add(&h->large.bytes, s->bytes);
	atomic_fetch_add(&h->large.requested, size);
	if (zeroed && !fresh)
		mm_content_zero(&h->content, s->addr, size);
	mm_tell_slab(h->ground.told, s);
	*ret_addr = s->addr;
	return MM_OK;
}

int mm_large_free(struct mm_heap *h, struct mm_slab *s, uint64_t addr)
{
	if (addr != s->addr)
		return MM_EINVAL;
	atomic_fetch_sub(&h->large.live, 1);
	atomic_fetch_sub(&h->large.bytes, s->bytes);
	atomic_fetch_sub(&h->node_large[s->node], s->bytes);
	atomic_fetch_sub(&h->large.requested, s->requested);
	uint32_t slices = s->slices;
	void *notes = s->notes;
	mm_tell_slab_end(h->ground.told, s);
	mm_vspace_give(&h->vspace, addr, slices);
	mm_slabs_drop(&h->slabs, s);
	mm_slab_notes_end(&h->meta, notes, h->o.note_bytes);
	return MM_OK;
}

/* Where what lies behind it is nobody's, a block grows where it is. */
static int lengthen(struct mm_heap *h, struct mm_slab *s, uint32_t slices, int only_new)
{
	uint64_t end = s->addr + ((uint64_t)s->slices << MM_SLICE_SHIFT);
	uint32_t more = slices - s->slices;

	if (mm_vspace_extend(&h->vspace, s->addr, s->slices, more, only_new))
		return 0;
	s->slices = slices;
	if (h->ground.place && h->ground.place(h->ground.place_arg, end,
					       (uint64_t)more << MM_SLICE_SHIFT, s->node))
		atomic_fetch_add(&h->large_misplaced[s->node], 1);
	return 1;
}

static void shorten(struct mm_heap *h, struct mm_slab *s, uint32_t slices)
{
	uint32_t less = s->slices - slices;

	s->slices = slices;
	mm_vspace_give(&h->vspace, s->addr + ((uint64_t)slices << MM_SLICE_SHIFT), less);
}

int mm_large_resize(struct mm_heap *h, struct mm_slab *s, uint64_t size, uint64_t align)
{
	uint64_t bytes = size < h->vspace.bytes ? whole_pages(h, size ? size : 1)
						: UINT64_MAX;
	uint64_t before = s->bytes;

	if (bytes > h->vspace.bytes || s->addr & (align - 1))
		return 0;
	uint32_t slices = (uint32_t)((bytes + MM_SLICE_BYTES - 1) >> MM_SLICE_SHIFT);
	if (slices > s->slices && !lengthen(h, s, slices, 0))
		return 0;
	mm_vspace_resize(&h->vspace, s->addr, s->slices, bytes);
	if (size < s->requested && slices < s->slices)
		shorten(h, s, slices);
	atomic_fetch_add(&h->large.bytes, bytes - s->bytes);
	atomic_fetch_add(&h->node_large[s->node], bytes - s->bytes);
	atomic_fetch_add(&h->large.requested, size - s->requested);
	s->bytes = bytes;
	s->requested = size;
	mm_tell_slab_size(h->ground.told, s, before);
	return 1;
}

void mm_large_grew(struct mm_heap *h, uint64_t addr)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);

	if (s && !s->pool && !s->guarded && s->slices / SPARE_SHARE)
		lengthen(h, s, s->slices + s->slices / SPARE_SHARE, 1);
}
