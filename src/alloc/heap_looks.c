/* heap_looks.c: the account of a heap, maps of it, its rules (heap.h). */
#include <string.h>

#include "alloc/heap_parts.h"
#include "alloc/tell.h"

/* --- looking ------------------------------------------------------------------------------- */

/* Blocks of pools by what went through contexts. */
static void count_contexts(struct mm_heap *h, struct mm_account *a)
{
	int64_t live, granted, requested;

	mm_lock_take(&h->contexts_lock);
	live = h->live_gone;
	granted = h->granted_gone;
	requested = h->requested_gone;
	for (const struct mm_context *c = h->contexts; c; c = c->next) {
		live += c->live;
		granted += c->granted;
		requested += c->requested;
		a->cached += mm_heap_ready(h, c);
	}
	a->cached += h->lost_bytes;
	mm_lock_give(&h->contexts_lock);
	a->live = (uint64_t)live;
	a->requested = (uint64_t)requested;
	a->internal = (uint64_t)(granted - requested);
}

static uint64_t own_pages(uint64_t bytes)
{
	return (bytes + MM_META_PAGE - 1) / MM_META_PAGE * MM_META_PAGE;
}

static void count_guard(struct mm_guard *g, struct mm_account *a)
{
	mm_lock_take(&g->lock);
	a->live += g->live;
	a->requested += g->requested;
	a->internal += g->bytes - g->requested;
	a->cached += g->cached + atomic_load(&g->marked_bytes);
	mm_lock_give(&g->lock);
}

void mm_heap_account(struct mm_heap *h, struct mm_account *ret)
{
	struct mm_account a = { 0 };
	uint64_t used, out = 0;

	for (uint32_t i = 0; i < h->depots; i++) {
		struct mm_depot_sums s;
		mm_depot_sums(mm_heap_depot(h, i), &s);
		a.slabs += s.slabs;
		a.slab_external += s.external_bytes;
		a.tail += s.tail_bytes;
		out += (s.blocks - s.free) * mm_heap_depot(h, i)->block_bytes;
	}
	count_contexts(h, &a);
	if (mm_guard_all(h))
		mm_guard_count(h, &a);
	if (!h->o.track)
		a.requested = out - a.cached;
	a.slabs += h->ordered.regions;
	a.slab_external += h->ordered.free_bytes - h->ordered.untouched;
	a.requested += h->ordered.requested;
	a.internal += h->ordered.granted - h->ordered.requested;
	a.live += h->ordered.live;
	a.requested += h->large.requested;
	a.internal += h->large.bytes - h->large.requested;
	a.live += h->large.live;
	count_guard(&h->guard, &a);
	mm_vspace_sums(&h->vspace, &used, &a.retained);
	a.metadata = mm_meta_committed(&h->meta) + own_pages(sizeof *h);
	a.committed = used + a.retained + a.metadata;
	*ret = a;
}

uint32_t mm_heap_nodes(const struct mm_heap *h)
{
	return h->nodes;
}

void mm_heap_node(struct mm_heap *h, uint32_t node, struct mm_heap_node *ret)
{
	struct mm_heap_node n = { 0 };

	for (uint32_t i = node * MM_CLASSES; node < h->nodes && i < (node + 1) * MM_CLASSES; i++) {
		struct mm_depot_sums s;
		mm_depot_sums(mm_heap_depot(h, i), &s);
		n.slab_bytes += s.slab_bytes;
		n.misplaced += mm_heap_depot(h, i)->misplaced;
	}
	if (node < h->nodes) {
		n.large_bytes = h->node_large[node];
		n.misplaced += h->large_misplaced[node];
		mm_lock_take(&h->contexts_lock);
		n.remote_frees = h->remote_gone[node];
		for (const struct mm_context *c = h->contexts; c; c = c->next)
			n.remote_frees += c->node == node ? c->remote : 0;
		mm_lock_give(&h->contexts_lock);
	}
	*ret = n;
}

uint64_t mm_heap_committed(struct mm_heap *h)
{
	return h->vspace.used_bytes + h->vspace.retained_bytes + h->meta.committed +
	       own_pages(sizeof *h);
}

uint64_t mm_heap_peak(struct mm_heap *h)
{
	uint64_t now = mm_heap_committed(h), peak = h->vspace.peak_bytes + h->meta.committed +
						    own_pages(sizeof *h);

	return now > peak ? now : peak;
}

enum mm_strategy mm_heap_strategy(const struct mm_heap *h)
{
	return h->o.strategy;
}

int mm_heap_has(const struct mm_heap *h, uint64_t addr)
{
	return addr - h->vspace.base < h->vspace.bytes;
}

void mm_heap_addresses(const struct mm_heap *h, uint64_t *ret_base, uint64_t *ret_bytes)
{
	*ret_base = h->vspace.base;
	*ret_bytes = h->vspace.bytes;
}

void mm_heap_pages(const struct mm_heap *h, uint64_t *ret_committed, uint64_t *ret_purged)
{
	*ret_committed = h->vspace.commits;
	*ret_purged = h->vspace.purges;
}

void mm_heap_slabs(struct mm_heap *h, void (*fn)(void *arg, const struct mm_slab_view *v),
		   void *arg)
{
	for (uint32_t n = 1; n < h->slabs.count; n++) {
		const struct mm_slab *s = mm_slab_at(&h->slabs, n);
		if (!s->slices || (s->guarded && !s->bytes))
			continue;
		struct mm_slab_view v = { n, s->addr, s->bytes, 0, 1,
					  s->guard_state > MM_RUN_LIVE, 0 };
		v.external = mm_heap_slab_free(h, n);
		if (s->pool == MM_SLAB_ORDERED) {
			v.block_bytes = MM_ORDERED_UNIT;
			v.blocks = s->blocks;
			v.free = s->free;
		} else if (s->pool) {
			v.block_bytes = mm_heap_depot_of(h, s)->block_bytes;
			v.blocks = s->blocks;
			v.free = s->free;
		}
		fn(arg, &v);
	}
}

static void count_tenth(void *arg, const struct mm_slab_view *v)
{
	((uint64_t *)arg)[mm_slab_tenth(v->blocks, v->free)]++;
}

void mm_heap_occupancy(struct mm_heap *h, uint64_t ret[MM_SLAB_TENTHS])
{
	memset(ret, 0, MM_SLAB_TENTHS * sizeof *ret);
	if (mm_heap_ordered(h) || h->o.check) {
		mm_heap_slabs(h, count_tenth, ret);
		return;
	}
	for (uint32_t i = 0; i < h->depots; i++)
		mm_depot_occupancy(mm_heap_depot(h, i), ret);
	ret[MM_SLAB_TENTHS - 1] += h->large.live;
}

void mm_heap_tell(struct mm_heap *h, uint32_t told, int again)
{
	h->ground.told = told;
	for (uint32_t i = 0; i < h->depots; i++)
		mm_heap_depot(h, i)->told = told;
	for (uint32_t n = 1; again && n < h->slabs.count; n++)
		if (mm_slab_at(&h->slabs, n)->slices)
			mm_tell_slab(told, mm_slab_at(&h->slabs, n));
}

void mm_heap_each_free(struct mm_heap *h, void (*fn)(void *arg, uint64_t addr, uint64_t bytes),
		       void *arg)
{
	for (uint32_t i = 0; i < h->depots; i++)
		mm_depot_each_free(mm_heap_depot(h, i), fn, arg);
	if (mm_heap_ordered(h))
		mm_ordered_each_free(&h->ordered, fn, arg);
}

void mm_heap_meshable(struct mm_heap *h, uint64_t *ret_pairs, uint64_t *ret_disjoint)
{
	*ret_pairs = *ret_disjoint = 0;
	for (uint32_t i = 0; i < h->depots; i++)
		mm_depot_meshable(mm_heap_depot(h, i), ret_pairs, ret_disjoint);
}

uint32_t mm_heap_slab_of(const struct mm_heap *h, uint64_t addr)
{
	return mm_vspace_owner(&h->vspace, addr);
}

uint64_t mm_heap_slab_free(const struct mm_heap *h, uint32_t number)
{
	const struct mm_slab *s = mm_slab_at(&h->slabs, number);

	if (s->pool == MM_SLAB_ORDERED)
		return (uint64_t)s->free * MM_ORDERED_UNIT - (MM_ORDERED_REGION - s->bytes);
	return s->pool ? mm_depot_slab_external(mm_heap_depot_of(h, s), s) : 0;
}

void mm_heap_touched(const struct mm_heap *h, uint64_t *ret_zeroed, uint64_t *ret_copied)
{
	*ret_zeroed = h->content.zeroed;
	*ret_copied = h->content.copied;
}

int mm_heap_check(struct mm_heap *h)
{
	struct mm_account a;
	int rule = mm_vspace_check(&h->vspace);

	if (rule)
		return 100 + rule;
	for (uint32_t i = 0; i < h->depots; i++)
		if ((rule = mm_depot_check(mm_heap_depot(h, i))))
			return 200 + rule;
	if ((rule = mm_run_check(h)))
		return 500 + rule;
	if (mm_heap_ordered(h) && (rule = mm_ordered_check(&h->ordered)))
		return 400 + rule;
	mm_heap_account(h, &a);
	return mm_account_sum(&a) == a.committed ? 0 : 300;
}
