/* pool.c: slabs of a pool and their bitmaps (pool.h). */
#include "alloc/pool.h"

#include <string.h>

#include "core/error.h"

enum { SLICES_MOST = 8, BLOCKS_LEAST = 8, TAIL_SHARE = 32 };

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

int mm_pool_init(struct mm_pool *p, struct mm_ground *ground, uint32_t index,
		 uint32_t block_bytes)
{
	if (block_bytes < 8 || block_bytes % 8 || block_bytes > MM_POOL_BLOCK_MOST)
		return MM_EINVAL;
	p->ground = ground;
	p->index = index;
	p->block_bytes = block_bytes;
	p->slices = slices_for(block_bytes);
	p->blocks = p->slices * MM_SLICE_BYTES / block_bytes;
	p->reciprocal = ((UINT64_C(1) << 40) + block_bytes - 1) / block_bytes;
	p->batch = MM_SLICE_BYTES / 4 / block_bytes;
	p->batch = p->batch > MM_POOL_BATCH ? MM_POOL_BATCH : p->batch < 1 ? 1 : p->batch;
	return MM_OK;
}

/* --- lists ------------------------------------------------------------------------------ */

static struct mm_slab *slab_at(const struct mm_pool *p, uint32_t number)
{
	return mm_slab_at(p->ground->slabs, number);
}

static void unlist(struct mm_pool *p, struct mm_slab *s)
{
	if (s->prev)
		slab_at(p, s->prev)->next = s->next;
	else
		p->list[s->list] = s->next;
	if (s->next)
		slab_at(p, s->next)->prev = s->prev;
	s->prev = s->next = 0;
}

static void enlist(struct mm_pool *p, struct mm_slab *s, uint32_t list)
{
	s->list = (uint16_t)list;
	s->next = p->list[list];
	if (s->next)
		slab_at(p, s->next)->prev = s->number;
	p->list[list] = s->number;
}

static uint32_t list_for(const struct mm_slab *s)
{
	return (uint32_t)((uint64_t)(s->free - 1) * MM_POOL_LISTS / s->blocks);
}

/* --- slabs --------------------------------------------------------------------------------- */

static uint32_t words_of(const struct mm_pool *p)
{
	return (p->blocks + 63) / 64;
}

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

static void drop_records(struct mm_pool *p, struct mm_slab *s)
{
	mm_meta_return(p->ground->meta, s->free_bits, words_of(p) * sizeof(uint64_t));
	mm_meta_return(p->ground->meta, s->slack, p->blocks * sizeof(uint16_t));
	mm_meta_return(p->ground->meta, s->mover, p->blocks * sizeof(uint32_t));
	mm_slabs_drop(p->ground->slabs, s);
}

static struct mm_slab *new_slab(struct mm_pool *p)
{
	struct mm_ground *g = p->ground;
	struct mm_slab *s;

	if (mm_slabs_new(g->slabs, &s))
		return NULL;
	s->pool = p->index + 1;
	s->blocks = p->blocks;
	s->slices = p->slices;
	s->bytes = (uint64_t)p->slices * MM_SLICE_BYTES;
	s->free_bits = mm_meta_borrow(g->meta, words_of(p) * sizeof(uint64_t));
	if (g->track)
		s->slack = mm_meta_borrow(g->meta, p->blocks * sizeof(uint16_t));
	if (!s->free_bits || (g->track && !s->slack) ||
	    mm_vspace_take(g->vspace, p->slices, 1, s->bytes, s->number, &s->addr,
			   NULL)) {
		drop_records(p, s);
		return NULL;
	}
	all_free(s);
	enlist(p, s, list_for(s));
	p->slab_count++;
	p->slabs_made++;
	p->free += s->blocks;
	return s;
}

static void let_go(struct mm_pool *p, struct mm_slab *s)
{
	unlist(p, s);
	p->free -= s->blocks;
	p->slab_count--;
	p->slabs_gone++;
	mm_vspace_give(p->ground->vspace, s->addr, s->slices);
	drop_records(p, s);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static struct mm_slab *fullest(struct mm_pool *p)
{
	for (uint32_t i = 0; i < MM_POOL_LISTS; i++)
		if (p->list[i])
			return slab_at(p, p->list[i]);
	return new_slab(p);
}

/* The lowest free blocks of a slab, in order. */
static uint32_t take_lowest(struct mm_pool *p, struct mm_slab *s, uint32_t want, uint64_t *ret)
{
	uint32_t n = 0, w = s->lowest;

	for (; n < want && n < s->free; w++) {
		uint64_t bits = s->free_bits[w];
		for (; bits && n < want; bits &= bits - 1)
			ret[n++] = s->addr + (uint64_t)(w * 64 + (uint32_t)__builtin_ctzll(bits)) *
						     p->block_bytes;
		s->free_bits[w] = bits;
		if (bits)
			break;
	}
	s->lowest = (uint16_t)w;
	s->free -= n;
	p->free -= n;
	return n;
}

uint32_t mm_pool_take_from(struct mm_pool *p, struct mm_slab *s, uint32_t want, uint64_t *ret)
{
	uint32_t n = take_lowest(p, s, want, ret);

	if (s->free == 0) {
		unlist(p, s);
	} else if (list_for(s) != s->list) {
		unlist(p, s);
		enlist(p, s, list_for(s));
	}
	return n;
}

uint32_t mm_pool_take(struct mm_pool *p, uint32_t want, uint64_t *ret)
{
	uint32_t n = 0;

	mm_lock_take(&p->lock);
	while (n < want) {
		struct mm_slab *s = fullest(p);
		if (!s)
			break;
		n += mm_pool_take_from(p, s, want - n, ret + n);
	}
	mm_lock_give(&p->lock);
	return n;
}

static void give_one(struct mm_pool *p, uint64_t addr)
{
	struct mm_slab *s = slab_at(p, mm_vspace_owner(p->ground->vspace, addr));
	uint32_t block = mm_pool_block_of(p, s, addr);
	int was_out = s->free == 0;

	s->free_bits[block / 64] |= UINT64_C(1) << block % 64;
	if (block / 64 < s->lowest)
		s->lowest = (uint16_t)(block / 64);
	s->free++;
	p->free++;
	if (was_out) {
		enlist(p, s, list_for(s));
	} else if (list_for(s) != s->list) {
		unlist(p, s);
		enlist(p, s, list_for(s));
	}
	if (s->free == s->blocks)
		let_go(p, s);
}

void mm_pool_give(struct mm_pool *p, const uint64_t *blocks, uint32_t count)
{
	mm_lock_take(&p->lock);
	for (uint32_t i = 0; i < count; i++)
		give_one(p, blocks[i]);
	mm_lock_give(&p->lock);
}

/* --- sums --------------------------------------------------------------------------------------- */

void mm_pool_sums(struct mm_pool *p, struct mm_pool_sums *ret)
{
	mm_lock_take(&p->lock);
	uint64_t slab_bytes = (uint64_t)p->slices * MM_SLICE_BYTES;
	*ret = (struct mm_pool_sums){ .slabs = p->slab_count,
		.slab_bytes = p->slab_count * slab_bytes,
		.blocks = (uint64_t)p->slab_count * p->blocks, .free = p->free,
		.tail_bytes = p->slab_count * (slab_bytes - (uint64_t)p->blocks * p->block_bytes) };
	mm_lock_give(&p->lock);
}

static int check_slab(const struct mm_pool *p, const struct mm_slab *s)
{
	uint32_t free = 0;

	for (uint32_t i = 0; i < words_of(p); i++) {
		free += (uint32_t)__builtin_popcountll(s->free_bits[i]);
		if (i < s->lowest && s->free_bits[i])
			return 3;
	}
	if (s->pool != p->index + 1 || s->blocks != p->blocks)
		return 4;
	if (free != s->free || free == 0 || free == s->blocks)
		return 5;
	return mm_vspace_owner(p->ground->vspace, s->addr) == s->number ? 0 : 6;
}

int mm_pool_check(struct mm_pool *p)
{
	uint64_t free = 0;

	for (uint32_t i = 0; i < MM_POOL_LISTS; i++) {
		uint32_t before = 0;
		for (uint32_t n = p->list[i]; n; before = n, n = slab_at(p, n)->next) {
			struct mm_slab *s = slab_at(p, n);
			int rule = s->list != i || list_for(s) != i ? 1 : s->prev != before ? 2
				: check_slab(p, s);
			if (rule)
				return rule;
			free += s->free;
		}
	}
	return free == p->free ? 0 : 7;
}
