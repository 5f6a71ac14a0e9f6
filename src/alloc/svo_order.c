/* svo_order.c: chunks written anew, sums and rules (svo_pool.h). */
#include <string.h>

#include "alloc/svo_parts.h"
#include "core/error.h"

/* --- compaction ------------------------------------------------------------------------ */

struct rewrite {
	struct mm_svo *p;
	const struct mm_svo_links *links;
	uint32_t n, placed, live;
	uint64_t left[WORDS]; /* 1 = live, and not copied yet */
	uint16_t *from; /* by new slot, where somebody is told of moves; else NULL */
	struct svo_chunk to; /* the addresses of the new chunk */
};

static void copy_run(struct rewrite *r, uint32_t slot, uint32_t count)
{
	struct mm_svo *p = r->p;
	uint64_t nb = p->o.node_bytes, vb = p->o.value_bytes;
	uint32_t from = r->n << SLOT_BITS | slot;

	for (uint32_t i = 0; r->from && i < count; i++)
		r->from[r->placed + i] = (uint16_t)(slot + i);
	mm_content_copy(&p->content, r->to.node + r->placed * nb, mm_svo_node(p, from), count * nb);
	if (vb)
		mm_content_copy(&p->content, r->to.value + r->placed * vb, mm_svo_value(p, from),
				count * vb);
}

/* Whether all of the run is live and nobody else's; then it is copied for good. */
static int claim_run(struct rewrite *r, uint32_t slot, uint32_t count)
{
	if (count > MM_SVO_RUN || slot + count > MM_SVO_SLOTS)
		return 0;
	for (uint32_t i = slot; i < slot + count; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;
		if (!(r->left[i / 64] & bit))
			return 0;
		r->left[i / 64] &= ~bit;
	}
	return 1;
}

/* Where the run comes to lie; MM_SVO_SLOTS when the nodes are no tree of this chunk. */
static uint32_t rewrite_run(struct rewrite *r, uint32_t slot, uint32_t count, uint32_t depth)
{
	uint32_t at = r->placed;

	if (depth > DEPTH_MOST || !claim_run(r, slot, count))
		return MM_SVO_SLOTS;
	copy_run(r, slot, count);
	r->placed += count;
	for (uint32_t i = 0; i < count; i++) {
		void *node = (void *)(uintptr_t)(r->to.node + (uint64_t)(at + i) * r->p->o.node_bytes);
		uint32_t handle = 0, n = r->links->children(r->links->ctx, node, &handle), to;
		if (!n || handle >> SLOT_BITS != r->n)
			continue;
		to = rewrite_run(r, handle % MM_SVO_SLOTS, n, depth + 1);
		if (to == MM_SVO_SLOTS)
			return MM_SVO_SLOTS;
		r->links->relink(r->links->ctx, node, r->n << SLOT_BITS | to);
	}
	return at;
}

/* Into fresh slices, so that a failure leaves everything as it was. */
static int rewrite_chunk(struct mm_svo *p, uint32_t n, uint32_t first,
			 const struct mm_svo_links *links)
{
	struct rewrite r = { .p = p, .links = links, .n = n, .live = p->chunk[n].live };
	struct svo_chunk *c = &p->chunk[n], old = *c;
	uint64_t told_bytes = p->told ? r.live * sizeof *r.from : 0;

	memcpy(r.left, p->chunk[n].bits, sizeof r.left);
	r.from = told_bytes ? mm_meta_borrow(&p->meta, told_bytes) : NULL;
	int err = mm_vspace_take(&p->vspace, svo_slices(p->o.node_bytes), 1,
				 (uint64_t)r.live * p->o.node_bytes, n, &r.to.node);

	if (!err && p->o.value_bytes)
		err = mm_vspace_take(&p->vspace, svo_slices(p->o.value_bytes), 1,
				     (uint64_t)r.live * p->o.value_bytes, n, &r.to.value);
	if (!err && (rewrite_run(&r, 0, first, 0) == MM_SVO_SLOTS || r.placed != r.live))
		err = MM_EUNSUP;
	if (!err) {
		c->node = r.to.node;
		c->value = r.to.value;
		c->bump = c->live;
		memset(c->bits, 0, WORDS * 8);
		svo_mark(c, 0, c->live, 1);
		memset(c->lowest, 0, sizeof c->lowest);
		if (r.from)
			svo_tell_rewritten(p, n, &old, r.from);
		r.to = old;
	}
	if (r.to.node)
		mm_vspace_give(&p->vspace, r.to.node, svo_slices(p->o.node_bytes));
	if (r.to.value)
		mm_vspace_give(&p->vspace, r.to.value, svo_slices(p->o.value_bytes));
	mm_meta_return(&p->meta, r.from, told_bytes);
	return err;
}

int mm_svo_compact(struct mm_svo *p, uint64_t key, uint32_t first,
		   const struct mm_svo_links *links)
{
	uint32_t n;
	int err = MM_EINVAL;

	if (!key || key >> 63 || first < 1 || first > MM_SVO_RUN)
		return MM_EINVAL;
	mm_lock_take(&p->lock);
	n = p->dir[svo_find(p, svo_name(key, MM_SVO_INNER))].chunk;
	if (!n)
		err = MM_ENOENT;
	else if (p->o.simulated || p->chunk[n].next)
		err = MM_EUNSUP;
	else
		err = rewrite_chunk(p, n, first, links);
	mm_lock_give(&p->lock);
	return err;
}

/* --- sums ------------------------------------------------------------------------------ */

static uint64_t pages_for(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint64_t slack_of(const struct mm_svo *p, const struct svo_chunk *c)
{
	uint64_t slack = 0, nb = p->o.node_bytes, vb = p->o.value_bytes;

	if (c->node)
		slack += pages_for(c->bump * nb) - c->live * nb;
	if (c->value)
		slack += pages_for(c->bump * vb) - c->live * vb;
	return slack;
}

void mm_svo_addresses(const struct mm_svo *p, uint64_t *ret_base, uint64_t *ret_bytes)
{
	*ret_base = p->vspace.base;
	*ret_bytes = p->vspace.bytes;
}

void mm_svo_hold(struct mm_svo *p)
{
	mm_lock_take(&p->lock);
	mm_vspace_hold(&p->vspace);
	mm_lock_take(&p->meta.lock);
}

void mm_svo_go_on(struct mm_svo *p)
{
	mm_lock_give(&p->meta.lock);
	mm_vspace_go_on(&p->vspace);
	mm_lock_give(&p->lock);
}

void mm_svo_sums(struct mm_svo *p, struct mm_svo_account *ret)
{
	uint64_t used;

	memset(ret, 0, sizeof *ret);
	mm_lock_take(&p->lock);
	ret->nodes = p->inner * p->o.node_bytes;
	ret->values = (p->inner + p->leaves) * p->o.value_bytes;
	ret->live = p->inner + p->leaves;
	ret->chunks = p->live_chunks;
	for (uint32_t n = 1; n < p->chunks; n++)
		ret->slack += p->chunk[n].key ? slack_of(p, &p->chunk[n]) : 0;
	mm_vspace_sums(&p->vspace, &used, &ret->retained);
	ret->metadata = mm_meta_committed(&p->meta);
	ret->committed = used + ret->retained + ret->metadata;
	mm_lock_give(&p->lock);
}

static int check_chunk(const struct svo_chunk *c)
{
	uint32_t live = 0;

	for (uint32_t w = 0; w < WORDS; w++)
		live += (uint32_t)__builtin_popcountll(c->bits[w]);
	for (uint32_t i = c->bump; i < MM_SVO_SLOTS; i++)
		if (c->bits[i / 64] >> i % 64 & 1)
			return 2;
	return live != c->live || !live ? 1 : 0;
}

int mm_svo_check(struct mm_svo *p)
{
	struct mm_svo_account a;
	uint32_t chunks = 0, names = 0;
	uint64_t live = 0;

	for (uint32_t n = 1; n < p->chunks; n++) {
		const struct svo_chunk *c = &p->chunk[n];
		int rule = c->key ? check_chunk(c) : 0;
		if (rule)
			return rule;
		live += c->live;
		chunks += c->key != 0;
	}
	for (uint32_t i = 0; i < p->dir_slots; i++) {
		names += p->dir[i].chunk != 0;
		if (p->dir[i].chunk && svo_find(p, p->dir[i].name) != i)
			return 3;
	}
	if (chunks != p->live_chunks || names != p->dir_count || live != p->inner + p->leaves)
		return 4;
	mm_svo_sums(p, &a);
	if (a.committed != a.nodes + a.values + a.slack + a.retained + a.metadata)
		return 5;
	return mm_vspace_check(&p->vspace) ? 6 : 0;
}
