/* svo_pool.c: chunks, their bitmaps and the directory of keys (svo_pool.h). */
#include "alloc/svo_pool.h"

#include <string.h>

#include "alloc/content.h"
#include "alloc/lock.h"
#include "alloc/meta.h"
#include "alloc/vspace.h"
#include "core/error.h"

enum { WORDS = MM_SVO_SLOTS / 64, DIR_FIRST = 64, SLOT_BITS = 13, DEPTH_MOST = 64,
	PAGE = 4096, HOLE_SHARE = 8 };

struct chunk {
	uint64_t key, node, value; /* addresses; key 0 = the record is vacant */
	uint64_t *bits;            /* 1 = live */
	uint32_t next, prev;       /* of the same key and kind, or vacant; 0 = none */
	uint16_t live, bump;
	uint8_t kind;
	uint8_t lowest[MM_SVO_RUN]; /* no hole for a run of that size below this word */
};

struct entry { uint64_t name; uint32_t chunk, unused; };

struct mm_svo {
	struct mm_lock lock;
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_content content;
	struct mm_svo_options o;
	struct chunk *chunk;
	struct entry *dir;
	uint32_t dir_slots, dir_count, chunks, vacant, live_chunks;
	uint64_t table_bytes, inner, leaves;
};

/* --- coming and going ------------------------------------------------------------------ */

static int svo_ground(struct mm_svo *p)
{
	uint64_t one = p->o.node_bytes > p->o.value_bytes ? p->o.node_bytes : p->o.value_bytes;
	uint64_t all = (uint64_t)MM_SVO_CHUNKS * MM_SVO_SLOTS * one * 2;
	uint64_t most = UINT64_C(1) << 40;
	struct mm_vspace_options v = { .page_bytes = PAGE, .simulated = p->o.simulated,
				       .bytes = p->o.bytes ? p->o.bytes : all < most ? all : most };
	int err = mm_vspace_init(&p->vspace, &v, &p->meta);

	if (err)
		return err;
	p->chunk = mm_meta_reserve(&p->meta, MM_SVO_CHUNKS * sizeof *p->chunk);
	p->dir = mm_meta_borrow(&p->meta, DIR_FIRST * sizeof *p->dir);
	p->dir_slots = DIR_FIRST;
	p->chunks = 1;
	p->content.simulated = p->o.simulated;
	return p->chunk && p->dir ? MM_OK : MM_ENOMEM;
}

int mm_svo_open(struct mm_svo **ret, const struct mm_svo_options *o)
{
	struct mm_meta meta;
	struct mm_svo *p;
	int err;

	if (o->node_bytes > 256 || o->value_bytes > 256)
		return MM_EINVAL;
	memset(&meta, 0, sizeof meta);
	p = mm_meta_take(&meta, sizeof *p);
	if (!p)
		return MM_ENOMEM;
	p->meta = meta;
	p->o = *o;
	p->o.node_bytes = o->node_bytes ? o->node_bytes : 8;
	err = svo_ground(p);
	if (err)
		mm_svo_close(p);
	else
		*ret = p;
	return err;
}

void mm_svo_close(struct mm_svo *p)
{
	struct mm_meta meta;

	if (!p)
		return;
	if (p->vspace.bytes)
		mm_vspace_deinit(&p->vspace);
	meta = p->meta;
	mm_meta_deinit(&meta);
}

/* --- directory ------------------------------------------------------------------------- */

static uint64_t name_of(uint64_t key, uint32_t kind)
{
	return key << 1 | kind;
}

static uint32_t svo_home(const struct mm_svo *p, uint64_t name)
{
	return (uint32_t)(name * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (p->dir_slots - 1);
}

/* Where the name is, or the empty slot where it belongs. */
static uint32_t svo_find(const struct mm_svo *p, uint64_t name)
{
	uint32_t i = svo_home(p, name);

	while (p->dir[i].chunk && p->dir[i].name != name)
		i = (i + 1) & (p->dir_slots - 1);
	return i;
}

static int svo_room(struct mm_svo *p)
{
	struct entry *old = p->dir, *fresh;
	uint32_t slots = p->dir_slots;

	if ((p->dir_count + 1) * 10 <= slots * 7)
		return MM_OK;
	fresh = mm_meta_borrow(&p->meta, (uint64_t)slots * 2 * sizeof *fresh);
	if (!fresh)
		return MM_ENOMEM;
	p->dir = fresh;
	p->dir_slots = slots * 2;
	for (uint32_t i = 0; i < slots; i++)
		if (old[i].chunk)
			fresh[svo_find(p, old[i].name)] = old[i];
	mm_meta_return(&p->meta, old, (uint64_t)slots * sizeof *old);
	return MM_OK;
}

static void svo_unname(struct mm_svo *p, uint32_t hole)
{
	uint32_t mask = p->dir_slots - 1;

	for (uint32_t i = (hole + 1) & mask; p->dir[i].chunk; i = (i + 1) & mask) {
		uint32_t home = svo_home(p, p->dir[i].name);
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			p->dir[hole] = p->dir[i];
			hole = i;
		}
	}
	p->dir[hole].chunk = 0;
	p->dir_count--;
}

/* --- chunks ---------------------------------------------------------------------------- */

static uint32_t slices_of(uint32_t bytes)
{
	return (uint32_t)(((uint64_t)bytes * MM_SVO_SLOTS + MM_SLICE_BYTES - 1) >> MM_SLICE_SHIFT);
}

/* Bytes in use follow bump, in both arrays. */
static void set_bump(struct mm_svo *p, struct chunk *c, uint32_t bump)
{
	c->bump = (uint16_t)bump;
	if (c->node)
		mm_vspace_resize(&p->vspace, c->node, slices_of(p->o.node_bytes),
				 (uint64_t)bump * p->o.node_bytes);
	if (c->value)
		mm_vspace_resize(&p->vspace, c->value, slices_of(p->o.value_bytes),
				 (uint64_t)bump * p->o.value_bytes);
}

static uint32_t record(struct mm_svo *p)
{
	uint32_t n = p->vacant;
	uint64_t bytes;

	if (n) {
		p->vacant = p->chunk[n].next;
		return n;
	}
	if (p->chunks == MM_SVO_CHUNKS)
		return 0;
	n = p->chunks++;
	bytes = ((uint64_t)p->chunks * sizeof *p->chunk + PAGE - 1) / PAGE * PAGE;
	mm_meta_commit(&p->meta, bytes - p->table_bytes);
	p->table_bytes = bytes;
	return n;
}

static void release(struct mm_svo *p, uint32_t n)
{
	struct chunk *c = &p->chunk[n];

	if (c->node)
		mm_vspace_give(&p->vspace, c->node, slices_of(p->o.node_bytes));
	if (c->value)
		mm_vspace_give(&p->vspace, c->value, slices_of(p->o.value_bytes));
	mm_meta_return(&p->meta, c->bits, WORDS * 8);
	memset(c, 0, sizeof *c);
	c->next = p->vacant;
	p->vacant = n;
}

static int obtain(struct mm_svo *p, uint32_t n, uint32_t kind)
{
	struct chunk *c = &p->chunk[n];
	int err = MM_OK;

	memset(c, 0, sizeof *c);
	c->bits = mm_meta_borrow(&p->meta, WORDS * 8);
	if (!c->bits)
		err = MM_ENOMEM;
	if (!err && kind == MM_SVO_INNER)
		err = mm_vspace_take(&p->vspace, slices_of(p->o.node_bytes), 1, 0, n, &c->node);
	if (!err && p->o.value_bytes)
		err = mm_vspace_take(&p->vspace, slices_of(p->o.value_bytes), 1, 0, n, &c->value);
	if (err)
		release(p, n);
	return err;
}

static int add_chunk(struct mm_svo *p, uint64_t key, uint32_t kind, uint32_t *ret)
{
	int err = svo_room(p);
	uint32_t n, at;

	if (err)
		return err;
	n = record(p);
	if (!n)
		return MM_ELIMIT;
	err = obtain(p, n, kind);
	if (err)
		return err;
	at = svo_find(p, name_of(key, kind));
	p->dir_count += p->dir[at].chunk == 0;
	p->chunk[n].key = key;
	p->chunk[n].kind = (uint8_t)kind;
	p->chunk[n].next = p->dir[at].chunk;
	if (p->dir[at].chunk)
		p->chunk[p->dir[at].chunk].prev = n;
	p->dir[at] = (struct entry){ name_of(key, kind), n, 0 };
	p->live_chunks++;
	*ret = n;
	return MM_OK;
}

static void remove_chunk(struct mm_svo *p, uint32_t n)
{
	struct chunk *c = &p->chunk[n];

	if (c->next)
		p->chunk[c->next].prev = c->prev;
	if (c->prev) {
		p->chunk[c->prev].next = c->next;
	} else {
		uint32_t at = svo_find(p, name_of(c->key, c->kind));
		p->dir[at].chunk = c->next;
		if (!c->next)
			svo_unname(p, at);
	}
	*(c->kind == MM_SVO_INNER ? &p->inner : &p->leaves) -= c->live;
	p->live_chunks--;
	release(p, n);
}

/* --- runs ------------------------------------------------------------------------------ */

/* The lowest hole for a run below bump; MM_SVO_SLOTS = none. */
static uint32_t hole_for(struct chunk *c, uint32_t count)
{
	uint32_t w = c->lowest[count - 1], words = (c->bump + 63u) / 64;

	for (; w < words; w++) {
		uint64_t f = ~c->bits[w], g = w + 1 < WORDS ? ~c->bits[w + 1] : 0, m = f;
		for (uint32_t i = 1; i < count; i++)
			m &= f >> i | g << (64 - i);
		c->lowest[count - 1] = (uint8_t)w;
		if (m) {
			uint32_t at = w * 64 + (uint32_t)__builtin_ctzll(m);
			return at + count <= c->bump ? at : MM_SVO_SLOTS;
		}
	}
	return MM_SVO_SLOTS;
}

static void mark(struct chunk *c, uint32_t slot, uint32_t count, int live)
{
	for (uint32_t i = slot; i < slot + count; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;
		c->bits[i / 64] = live ? c->bits[i / 64] | bit : c->bits[i / 64] & ~bit;
	}
}

/* Bump comes first; holes when they are many, or there is nothing else. */
static uint32_t place(struct mm_svo *p, struct chunk *c, uint32_t count)
{
	uint32_t holes = (uint32_t)c->bump - c->live, at = MM_SVO_SLOTS;
	int full = c->bump + count > MM_SVO_SLOTS;

	if (holes >= count && (full || holes > c->bump / HOLE_SHARE))
		at = hole_for(c, count);
	if (at == MM_SVO_SLOTS && !full) {
		at = c->bump;
		set_bump(p, c, at + count);
	}
	return at;
}

static void count_live(struct mm_svo *p, struct chunk *c, int32_t by)
{
	c->live = (uint16_t)(c->live + by);
	*(c->kind == MM_SVO_INNER ? &p->inner : &p->leaves) += (uint64_t)(int64_t)by;
}

static int take_run(struct mm_svo *p, uint64_t key, uint32_t kind, uint32_t count,
		    uint32_t *ret_handle)
{
	uint32_t n = p->dir[svo_find(p, name_of(key, kind))].chunk, at = MM_SVO_SLOTS;
	int err;

	for (; n; n = p->chunk[n].next)
		if ((at = place(p, &p->chunk[n], count)) != MM_SVO_SLOTS)
			break;
	if (!n) {
		err = add_chunk(p, key, kind, &n);
		if (err)
			return err;
		at = place(p, &p->chunk[n], count);
	}
	mark(&p->chunk[n], at, count, 1);
	count_live(p, &p->chunk[n], (int32_t)count);
	*ret_handle = n << SLOT_BITS | at;
	return MM_OK;
}

int mm_svo_take(struct mm_svo *p, uint64_t key, enum mm_svo_kind kind, uint32_t count,
		uint32_t *ret_handle)
{
	int err;

	if (!key || key >> 63 || count < 1 || count > MM_SVO_RUN ||
	    (kind == MM_SVO_LEAVES && !p->o.value_bytes))
		return MM_EINVAL;
	mm_lock_take(&p->lock);
	err = take_run(p, key, kind, count, ret_handle);
	mm_lock_give(&p->lock);
	return err;
}

static int is_live(const struct mm_svo *p, uint32_t handle)
{
	uint32_t n = handle >> SLOT_BITS, slot = handle % MM_SVO_SLOTS;

	return n && n < p->chunks && p->chunk[n].key &&
	       (p->chunk[n].bits[slot / 64] >> slot % 64 & 1);
}

static void lower_bump(struct mm_svo *p, struct chunk *c)
{
	uint32_t bump = c->bump;

	while (bump && !(c->bits[(bump - 1) / 64] >> (bump - 1) % 64 & 1))
		bump--;
	if (bump != c->bump)
		set_bump(p, c, bump);
}

static void give_run(struct mm_svo *p, uint32_t handle, uint32_t count)
{
	uint32_t n = handle >> SLOT_BITS, slot = handle % MM_SVO_SLOTS;
	struct chunk *c = &p->chunk[n];
	uint32_t word = slot < MM_SVO_RUN ? 0 : (slot - MM_SVO_RUN) / 64;

	mark(c, slot, count, 0);
	count_live(p, c, -(int32_t)count);
	if (!c->live) {
		remove_chunk(p, n);
		return;
	}
	for (uint32_t i = 0; i < MM_SVO_RUN; i++)
		if (c->lowest[i] > word)
			c->lowest[i] = (uint8_t)word;
	lower_bump(p, c);
}

int mm_svo_give(struct mm_svo *p, uint32_t handle, uint32_t count)
{
	int ok = count >= 1 && count <= MM_SVO_RUN && handle % MM_SVO_SLOTS + count <= MM_SVO_SLOTS;

	mm_lock_take(&p->lock);
	for (uint32_t i = 0; ok && i < count; i++)
		ok = is_live(p, handle + i);
	if (ok)
		give_run(p, handle, count);
	mm_lock_give(&p->lock);
	return ok ? MM_OK : MM_EINVAL;
}

int mm_svo_live(struct mm_svo *p, uint32_t handle)
{
	mm_lock_take(&p->lock);
	int live = is_live(p, handle);
	mm_lock_give(&p->lock);
	return live;
}

uint64_t mm_svo_node(const struct mm_svo *p, uint32_t handle)
{
	const struct chunk *c = &p->chunk[handle >> SLOT_BITS];

	return c->node ? c->node + (uint64_t)(handle % MM_SVO_SLOTS) * p->o.node_bytes : 0;
}

uint64_t mm_svo_value(const struct mm_svo *p, uint32_t handle)
{
	const struct chunk *c = &p->chunk[handle >> SLOT_BITS];

	return c->value ? c->value + (uint64_t)(handle % MM_SVO_SLOTS) * p->o.value_bytes : 0;
}

static int is_within(uint64_t key, uint64_t around)
{
	int more = __builtin_clzll(around) - __builtin_clzll(key);

	return more >= 0 && more % 3 == 0 && key >> more == around;
}

uint32_t mm_svo_drop(struct mm_svo *p, uint64_t key)
{
	uint32_t gone = 0;

	mm_lock_take(&p->lock);
	for (uint32_t n = 1; key && n < p->chunks; n++)
		if (p->chunk[n].key && is_within(p->chunk[n].key, key)) {
			remove_chunk(p, n);
			gone++;
		}
	mm_lock_give(&p->lock);
	return gone;
}

/* --- compaction ------------------------------------------------------------------------ */

struct rewrite {
	struct mm_svo *p;
	const struct mm_svo_links *links;
	uint32_t n, placed, live, bump;
	struct chunk to; /* the addresses of the new chunk */
};

static void copy_run(struct rewrite *r, uint32_t slot, uint32_t count)
{
	struct mm_svo *p = r->p;
	uint64_t nb = p->o.node_bytes, vb = p->o.value_bytes;
	uint32_t from = r->n << SLOT_BITS | slot;

	mm_content_copy(&p->content, r->to.node + r->placed * nb, mm_svo_node(p, from), count * nb);
	if (vb)
		mm_content_copy(&p->content, r->to.value + r->placed * vb, mm_svo_value(p, from),
				count * vb);
}

/* Where the run comes to lie; MM_SVO_SLOTS when the nodes are no tree of this chunk. */
static uint32_t rewrite_run(struct rewrite *r, uint32_t slot, uint32_t count, uint32_t depth)
{
	uint32_t at = r->placed;

	if (depth > DEPTH_MOST || at + count > r->live || slot + count > r->bump)
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
	struct rewrite r = { .p = p, .links = links, .n = n, .live = p->chunk[n].live,
			     .bump = p->chunk[n].bump };
	struct chunk *c = &p->chunk[n], old = *c;
	int err = mm_vspace_take(&p->vspace, slices_of(p->o.node_bytes), 1,
				 (uint64_t)r.live * p->o.node_bytes, n, &r.to.node);

	if (!err && p->o.value_bytes)
		err = mm_vspace_take(&p->vspace, slices_of(p->o.value_bytes), 1,
				     (uint64_t)r.live * p->o.value_bytes, n, &r.to.value);
	if (!err && (rewrite_run(&r, 0, first, 0) == MM_SVO_SLOTS || r.placed != r.live))
		err = MM_EUNSUP;
	if (!err) {
		c->node = r.to.node;
		c->value = r.to.value;
		c->bump = c->live;
		memset(c->bits, 0, WORDS * 8);
		mark(c, 0, c->live, 1);
		memset(c->lowest, 0, sizeof c->lowest);
		r.to = old;
	}
	if (r.to.node)
		mm_vspace_give(&p->vspace, r.to.node, slices_of(p->o.node_bytes));
	if (r.to.value)
		mm_vspace_give(&p->vspace, r.to.value, slices_of(p->o.value_bytes));
	return err;
}

int mm_svo_compact(struct mm_svo *p, uint64_t key, uint32_t first,
		   const struct mm_svo_links *links)
{
	uint32_t n;
	int err = MM_EINVAL;

	if (!key || first < 1 || first > MM_SVO_RUN)
		return MM_EINVAL;
	mm_lock_take(&p->lock);
	n = p->dir[svo_find(p, name_of(key, MM_SVO_INNER))].chunk;
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

static uint64_t slack_of(const struct mm_svo *p, const struct chunk *c)
{
	uint64_t slack = 0, nb = p->o.node_bytes, vb = p->o.value_bytes;

	if (c->node)
		slack += pages_for(c->bump * nb) - c->live * nb;
	if (c->value)
		slack += pages_for(c->bump * vb) - c->live * vb;
	return slack;
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

static int check_chunk(const struct chunk *c)
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
		const struct chunk *c = &p->chunk[n];
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
