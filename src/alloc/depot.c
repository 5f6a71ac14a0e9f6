/* depot.c: slabs of a depot and their bitmaps (depot.h). */
#include "alloc/depot_parts.h"

#include <string.h>
#include <sys/mman.h>

#include "alloc/lock_order.h"
#include "alloc/tell.h"
#include "core/error.h"

enum { SLICES_MOST = 8, BLOCKS_LEAST = 8, TAIL_SHARE = 32, SMALL_MOST = 32 * 1024 };
enum { HUGE_SHIFT = 21 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* --- shape ---------------------------------------------------------------------------- */

/* The fewest slices that hold enough blocks and waste little. */
static uint32_t slices_for(uint32_t block_bytes)
{
	uint32_t best = 1, least = UINT32_MAX;

	for (uint32_t n = 1; n <= SLICES_MOST; n *= 2) {
		uint32_t bytes = n * MM_SLICE_BYTES, tail = bytes % block_bytes;
		if (bytes / block_bytes < BLOCKS_LEAST)
			continue;
		if (tail <= bytes / TAIL_SHARE)
			return n;
		if (tail / n < least) {
			least = tail / n;
			best = n;
		}
	}
	return best;
}

/* For large blocks: the slices of up to as many blocks as waste little, and no more than
 * the reciprocal is exact for. */
static uint32_t slices_for_large(uint64_t block_bytes)
{
	uint32_t best = 0;
	uint64_t least = UINT64_MAX;

	for (uint64_t n = 1; n <= BLOCKS_LEAST; n++) {
		uint64_t slices = (n * block_bytes + MM_SLICE_BYTES - 1) / MM_SLICE_BYTES;
		uint64_t bytes = slices * MM_SLICE_BYTES, tail = bytes % block_bytes;
		if (best && bytes * block_bytes >= UINT64_C(1) << 40)
			break;
		if (tail / n < least) {
			least = tail / n;
			best = (uint32_t)slices;
		}
		if (tail <= bytes / TAIL_SHARE)
			break;
	}
	return best;
}

int mm_depot_init(struct mm_depot *p, struct mm_ground *ground, uint32_t index,
		 uint32_t block_bytes)
{
	if (block_bytes < 8 || block_bytes % 8 || block_bytes > MM_DEPOT_BLOCK_MOST)
		return MM_EINVAL;
	mm_lock_is(&p->lock, MM_RANK_DEPOT);
	p->ground = ground;
	p->index = p->seat = index;
	p->block_bytes = block_bytes;
	p->slices = block_bytes <= SMALL_MOST ? slices_for(block_bytes)
					      : slices_for_large(block_bytes);
	p->blocks = (uint32_t)((uint64_t)p->slices * MM_SLICE_BYTES / block_bytes);
	for (uint64_t i = 0; i < MM_DEPOT_LISTS; i++) {
		p->bound[i] = (uint32_t)(((i + 1) * p->blocks + MM_DEPOT_LISTS - 1) /
					 MM_DEPOT_LISTS);
		if (p->bound[i] >= p->blocks) /* with all it goes */
			p->bound[i] = p->blocks - 1;
	}
	p->most = p->ready_from = p->huge_from = UINT64_MAX;
	p->reciprocal = ((UINT64_C(1) << 40) + block_bytes - 1) / block_bytes;
	p->batch = MM_SLICE_BYTES / 4 / block_bytes;
	p->batch = p->batch > MM_DEPOT_HEAP_BATCH ? MM_DEPOT_HEAP_BATCH : p->batch < 1 ? 1 : p->batch;
	return MM_OK;
}

/* --- lists ------------------------------------------------------------------------------ */

static void unlist(struct mm_depot *p, struct mm_slab *s)
{
	if (s->prev)
		mm_depot_slab(p, s->prev)->next = s->next;
	else
		p->list[s->list] = s->next;
	if (s->next)
		mm_depot_slab(p, s->next)->prev = s->prev;
	s->prev = s->next = 0;
}

static void enlist(struct mm_depot *p, struct mm_slab *s, uint32_t list)
{
	s->list = (uint16_t)list;
	s->next = p->list[list];
	if (s->next)
		mm_depot_slab(p, s->next)->prev = s->number;
	p->list[list] = s->number;
}

void mm_depot_relist(struct mm_depot *p, struct mm_slab *s)
{
	uint32_t list = mm_depot_list_for(s);

	if (list == s->list)
		return;
	unlist(p, s);
	enlist(p, s, list);
}

/* --- slabs --------------------------------------------------------------------------------- */

static void all_free(struct mm_slab *s)
{
	uint32_t words = (s->blocks + 63) / 64;

	for (uint32_t i = 0; i < words; i++)
		s->free_bits[i] = ~UINT64_C(0);
	if (s->blocks % 64)
		s->free_bits[words - 1] = (UINT64_C(1) << s->blocks % 64) - 1;
	s->free = s->blocks;
	s->lowest = 0;
}

static void drop_records(struct mm_depot *p, struct mm_slab *s)
{
	mm_meta_return(p->ground->meta, s->free_bits, mm_depot_words(p) * sizeof(uint64_t));
	mm_slab_slack_end(p->ground->meta, s->slack, p->blocks * sizeof(uint16_t));
	mm_meta_return(p->ground->meta, s->mover, p->blocks * sizeof(uint32_t));
	mm_slab_notes_end(p->ground->meta, s->notes,
			  (uint64_t)p->blocks * p->ground->note_bytes);
	mm_slabs_drop(p->ground->slabs, s);
}

void mm_depot_obtain_pages(const struct mm_depot_pages *pages)
{
	for (uint32_t i = 0; i < pages->count; i++) {
		if (pages->huge)
			madvise((void *)(uintptr_t)pages->addr[i], (size_t)1 << HUGE_SHIFT,
				MADV_HUGEPAGE);
		madvise((void *)(uintptr_t)pages->addr[i], pages->bytes, MADV_POPULATE_WRITE);
	}
}

/* Notes a slab whose pages are to be obtained, unless it had them before. */
static void note_pages(struct mm_depot *p, const struct mm_slab *s, struct mm_depot_pages *pages)
{
	uint64_t bytes = mm_depot_span(p) * p->slab_count;

	if (p->ground->vspace->o.simulated || s->addr < p->reached)
		return;
	p->reached = s->addr + mm_depot_span(p);
	if (bytes < p->ready_from || pages->count == MM_DEPOT_PAGES_MOST)
		return;
	pages->huge = bytes >= p->huge_from && !(s->addr & ((1 << HUGE_SHIFT) - 1));
	pages->bytes = mm_depot_span(p);
	pages->addr[pages->count++] = s->addr;
}

/* --- pages in use ---------------------------------------------------------------------------- */

static uint64_t tail_of(const struct mm_depot *p, uint64_t reach)
{
	uint64_t blocks = (uint64_t)p->blocks * p->block_bytes;

	return reach > blocks ? reach - blocks : 0;
}

static void set_reach(struct mm_depot *p, struct mm_slab *s, uint64_t reach)
{
	p->reach_bytes += reach - s->bytes;
	p->tail_bytes += tail_of(p, reach) - tail_of(p, s->bytes);
	s->bytes = reach;
}

void mm_depot_reach_out(struct mm_depot *p, struct mm_slab *s, uint64_t end)
{
	uint64_t page = p->ground->vspace->o.page_bytes, reach = (end + page - 1) & ~(page - 1);
	uint64_t before = s->bytes;

	mm_vspace_resize(p->ground->vspace, s->addr, s->slices, reach);
	set_reach(p, s, reach);
	mm_tell_slab_size(p->told, s, before);
}

uint64_t mm_depot_slab_external(const struct mm_depot *p, const struct mm_slab *s)
{
	return s->bytes - tail_of(p, s->bytes) - (uint64_t)(s->blocks - s->free) * p->block_bytes;
}

/* --- coming and going ------------------------------------------------------------------------ */

struct mm_slab *mm_depot_new_slab(struct mm_depot *p, struct mm_depot_pages *pages)
{
	struct mm_ground *g = p->ground;
	struct mm_slab *s;

	uint64_t ready = mm_depot_span(p) * p->slab_count >= p->ready_from ? mm_depot_span(p) : 0;

	if (mm_gate_ask(&p->gate, mm_depot_span(p)))
		return NULL;
	if (mm_slabs_new(g->slabs, &s)) {
		mm_gate_tell(&p->gate, mm_depot_span(p));
		return NULL;
	}
	s->pool = p->index + 1;
	s->blocks = p->blocks;
	__atomic_store_n(&s->slices, p->slices, __ATOMIC_RELEASE); /* heap_notes.c looks */
	s->free_bits = mm_meta_borrow(g->meta, mm_depot_words(p) * sizeof(uint64_t));
	if (g->track)
		s->slack = mm_slab_slack(g->meta, s, p->blocks * sizeof(uint16_t));
	if (g->note_bytes)
		s->notes = mm_slab_notes(g->meta, s, (uint64_t)p->blocks * g->note_bytes);
	if (!s->free_bits || (g->track && !s->slack) || (g->note_bytes && !s->notes) ||
	    mm_vspace_take(g->vspace, p->slices, 1, ready, s->number, &s->addr)) {
		mm_gate_tell(&p->gate, mm_depot_span(p));
		drop_records(p, s);
		return NULL;
	}
	if (g->place)
		p->misplaced += g->place(g->place_arg, s->addr, mm_depot_span(p), p->node) != 0;
	mm_vspace_mark(g->vspace, s->addr, s->slices, s->pool);
	set_reach(p, s, ready ? ready : mm_vspace_adopt(g->vspace, s->addr, s->slices));
	note_pages(p, s, pages);
	all_free(s);
	enlist(p, s, mm_depot_list_for(s));
	p->slab_count++;
	p->slabs_made++;
	p->free += s->blocks;
	mm_tell_slab(p->told, s);
	return s;
}

void mm_depot_let_go(struct mm_depot *p, struct mm_slab *s)
{
	for (int i = 0; i < MM_DEPOT_LASTS; i++)
		if (p->last[i] == s->number)
			p->last[i] = 0;
	if (p->look_next == s->number)
		p->look_next = 0;
	unlist(p, s);
	p->free -= s->blocks;
	p->slab_count--;
	p->slabs_gone++;
	mm_tell_slab_end(p->told, s);
	set_reach(p, s, 0);
	mm_vspace_give(p->ground->vspace, s->addr, s->slices);
	mm_gate_tell(&p->gate, mm_depot_span(p));
	drop_records(p, s);
}

void mm_depot_purged(struct mm_depot *p)
{
	mm_lock_take(&p->lock);
	p->reached = 0;
	mm_lock_give(&p->lock);
}

/* --- all at once ------------------------------------------------------------------------------- */

int mm_depot_warm(struct mm_depot *p, uint64_t blocks)
{
	struct mm_slab *s;
	struct mm_depot_pages pages;

	/* Not one page is obtained for what there cannot be. */
	if (blocks > p->ground->vspace->bytes / p->block_bytes)
		return MM_ENOMEM;
	mm_lock_take(&p->lock);
	uint64_t before = p->ready_from;
	p->ready_from = 0;
	do {
		pages.count = 0;
		s = p->free < blocks ? mm_depot_new_slab(p, &pages) : NULL;
		mm_depot_obtain_pages(&pages);
	} while (s);
	int err = p->free < blocks ? MM_ENOMEM : MM_OK;
	for (uint32_t i = 0; i < MM_DEPOT_LISTS; i++)
		for (uint32_t n = p->list[i], next; n; n = next) {
			s = mm_depot_slab(p, n);
			next = s->next;
			if (s->free == s->blocks)
				mm_depot_let_go(p, s);
		}
	p->ready_from = before;
	mm_lock_give(&p->lock);
	return err;
}

void mm_depot_clear(struct mm_depot *p)
{
	mm_lock_take(&p->lock);
	for (uint32_t i = 0; i <= MM_DEPOT_FULL; i++)
		while (p->list[i]) {
			struct mm_slab *s = mm_depot_slab(p, p->list[i]);
			p->free += s->blocks - s->free;
			mm_depot_let_go(p, s);
		}
	mm_lock_give(&p->lock);
}
