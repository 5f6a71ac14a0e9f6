/* band_order.c: bricks in the order of their keys, sums and checks (band_pool.h). */
#include <string.h>

#include "alloc/band_parts.h"
#include "core/error.h"

/* --- order and sums -------------------------------------------------------------------- */

static void sift(const struct mm_band *p, uint32_t *heap, uint32_t at, uint32_t count)
{
	for (uint32_t kid; (kid = at * 2 + 1) < count; at = kid) {
		uint32_t b = heap[at];
		if (kid + 1 < count && p->key[heap[kid + 1]] > p->key[heap[kid]])
			kid++;
		if (p->key[heap[kid]] <= p->key[b])
			return;
		heap[at] = heap[kid];
		heap[kid] = b;
	}
}

static void sort_bricks(const struct mm_band *p, uint32_t *all, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(p, all, i, n);
	for (uint32_t i = n; i-- > 1;) {
		uint32_t b = all[0];
		all[0] = all[i];
		all[i] = b;
		sift(p, all, 0, i);
	}
}

int mm_band_each(struct mm_band *p, int (*each)(void *ctx, uint64_t key, uint32_t brick),
		 void *ctx)
{
	uint64_t bytes = (uint64_t)p->bricks * sizeof(uint32_t);
	uint32_t *all = mm_meta_borrow(&p->meta, bytes), n = 0;
	int stop = 0;

	if (!all)
		return MM_ENOMEM;
	for (uint32_t b = 1; b < p->frontier; b++)
		if (p->key[b] >> 63 == 0)
			all[n++] = b;
	sort_bricks(p, all, n);
	for (uint32_t i = 0; i < n && !stop; i++)
		stop = each(ctx, p->key[all[i]], all[i]);
	mm_meta_return(&p->meta, all, bytes);
	return stop;
}

void mm_band_addresses(const struct mm_band *p, uint64_t *ret_base, uint64_t *ret_bytes)
{
	*ret_base = p->vspace.base;
	*ret_bytes = p->vspace.bytes;
}

void mm_band_hold(struct mm_band *p)
{
	mm_lock_take(&p->lock);
	mm_vspace_hold(&p->vspace);
	mm_lock_take(&p->meta.lock);
}

void mm_band_go_on(struct mm_band *p)
{
	mm_lock_give(&p->meta.lock);
	mm_vspace_go_on(&p->vspace);
	mm_lock_give(&p->lock);
}

void mm_band_sums(struct mm_band *p, struct mm_band_account *ret)
{
	uint64_t used;

	memset(ret, 0, sizeof *ret);
	mm_lock_take(&p->lock);
	for (uint32_t f = 0; f < MM_BAND_FORMATS; f++) {
		ret->by_format[f] = p->by_format[f];
		ret->payload += p->by_format[f] * block_bytes(f);
	}
	for (uint32_t f = 0; f < MM_BAND_CONST; f++)
		for (uint32_t n = p->list[f]; n; n = p->slab[n].next)
			ret->slack += (uint64_t)p->slab[n].left * block_bytes(f);
	mm_vspace_sums(&p->vspace, &used, &ret->retained);
	ret->hash = p->hash_bytes;
	ret->bricks = p->bricks;
	ret->slabs = p->slab_live;
	ret->metadata = mm_meta_committed(&p->meta);
	ret->committed = used + ret->retained + ret->metadata;
	mm_lock_give(&p->lock);
}

int mm_band_check(struct mm_band *p)
{
	struct mm_band_account a;
	uint32_t cells = 0;

	for (uint32_t i = 0; i < p->cells; i++) {
		uint32_t b = p->cell[i].brick;
		cells += b != 0;
		if (b && (band_tag(p->key[b]) != p->cell[i].tag || band_find(p, p->key[b]) != i))
			return 1;
	}
	if (cells != p->bricks)
		return 2;
	for (uint32_t n = 1; n < p->slabs; n++) {
		const struct bslab *s = &p->slab[n];
		if (s->addr && (s->left != __builtin_popcountll(s->free[0]) +
					    __builtin_popcountll(s->free[1]) ||
				s->listed != (s->left != 0)))
			return 3;
	}
	mm_band_sums(p, &a);
	if (a.committed != a.payload + a.slack + a.hash + a.retained + a.metadata)
		return 4;
	return mm_vspace_check(&p->vspace) ? 5 : 0;
}
