/* svo_pool.c: chunks, their bitmaps and the directory of keys (svo_pool.h). */
#include <string.h>

#include "alloc/svo_parts.h"
#include "alloc/lock_order.h"
#include "core/error.h"

/* --- coming and going ------------------------------------------------------------------ */

/* What the gate counts. */
static uint64_t svo_held(const struct mm_svo *p)
{
	return p->inner * p->o.node_bytes + (p->inner + p->leaves) * p->o.value_bytes;
}

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
	p->chunks_most = MM_SVO_CHUNKS;
	p->chunk = mm_meta_reserve_for(&p->meta, sizeof *p->chunk, &p->chunks_most);
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
	mm_lock_is(&p->lock, MM_RANK_POOL);
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
	mm_gate_tell(&p->o.gate, svo_held(p));
	for (uint32_t n = 1; p->told && n < p->chunks; n++)
		svo_tell_chunk_end(p, n);
	if (p->vspace.bytes)
		mm_vspace_deinit(&p->vspace);
	meta = p->meta;
	mm_meta_deinit(&meta);
}

/* --- directory ------------------------------------------------------------------------- */

static int svo_room(struct mm_svo *p)
{
	struct svo_entry *old = p->dir, *fresh;
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

/* Bytes in use follow bump, in both arrays. */
static void set_bump(struct mm_svo *p, struct svo_chunk *c, uint32_t bump)
{
	uint32_t was = c->bump;

	c->bump = (uint16_t)bump;
	if (__builtin_expect(p->told != 0, 0))
		svo_tell_bump(p, c, was);
	if (c->node)
		mm_vspace_resize(&p->vspace, c->node, svo_slices(p->o.node_bytes),
				 (uint64_t)bump * p->o.node_bytes);
	if (c->value)
		mm_vspace_resize(&p->vspace, c->value, svo_slices(p->o.value_bytes),
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
	if (p->chunks == p->chunks_most)
		return 0;
	n = p->chunks;
	bytes = ((uint64_t)(n + 1) * sizeof *p->chunk + PAGE - 1) / PAGE * PAGE;
	if (mm_meta_open(p->chunk, bytes))
		return 0;
	p->chunks++;
	mm_meta_commit(&p->meta, bytes - p->table_bytes);
	p->table_bytes = bytes;
	return n;
}

static void release(struct mm_svo *p, uint32_t n)
{
	struct svo_chunk *c = &p->chunk[n];

	if (__builtin_expect(p->told != 0, 0))
		svo_tell_chunk_end(p, n);
	if (c->node)
		mm_vspace_give(&p->vspace, c->node, svo_slices(p->o.node_bytes));
	if (c->value)
		mm_vspace_give(&p->vspace, c->value, svo_slices(p->o.value_bytes));
	mm_meta_return(&p->meta, c->bits, WORDS * 8);
	memset(c, 0, sizeof *c);
	c->next = p->vacant;
	p->vacant = n;
}

static int obtain(struct mm_svo *p, uint32_t n, uint32_t kind)
{
	struct svo_chunk *c = &p->chunk[n];
	int err = MM_OK;

	memset(c, 0, sizeof *c);
	c->bits = mm_meta_borrow(&p->meta, WORDS * 8);
	if (!c->bits)
		err = MM_ENOMEM;
	if (!err && kind == MM_SVO_INNER)
		err = mm_vspace_take(&p->vspace, svo_slices(p->o.node_bytes), 1, 0, n, &c->node);
	if (!err && p->o.value_bytes)
		err = mm_vspace_take(&p->vspace, svo_slices(p->o.value_bytes), 1, 0, n, &c->value);
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
	at = svo_find(p, svo_name(key, kind));
	p->dir_count += p->dir[at].chunk == 0;
	p->chunk[n].key = key;
	p->chunk[n].kind = (uint8_t)kind;
	p->chunk[n].next = p->dir[at].chunk;
	if (p->dir[at].chunk)
		p->chunk[p->dir[at].chunk].prev = n;
	p->dir[at] = (struct svo_entry){ svo_name(key, kind), n, 0 };
	p->live_chunks++;
	*ret = n;
	return MM_OK;
}

static void remove_chunk(struct mm_svo *p, uint32_t n)
{
	struct svo_chunk *c = &p->chunk[n];

	if (c->next)
		p->chunk[c->next].prev = c->prev;
	if (c->prev) {
		p->chunk[c->prev].next = c->next;
	} else {
		uint32_t at = svo_find(p, svo_name(c->key, c->kind));
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
static uint32_t hole_for(struct svo_chunk *c, uint32_t count)
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

/* Bump comes first; holes when they are many, or there is nothing else. */
static uint32_t place(struct mm_svo *p, struct svo_chunk *c, uint32_t count)
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

static void count_live(struct mm_svo *p, struct svo_chunk *c, int32_t by)
{
	c->live = (uint16_t)(c->live + by);
	*(c->kind == MM_SVO_INNER ? &p->inner : &p->leaves) += (uint64_t)(int64_t)by;
}

static int take_run(struct mm_svo *p, uint64_t key, uint32_t kind, uint32_t count,
		    uint32_t *ret_handle)
{
	uint32_t n = p->dir[svo_find(p, svo_name(key, kind))].chunk, at = MM_SVO_SLOTS;
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
	svo_mark(&p->chunk[n], at, count, 1);
	count_live(p, &p->chunk[n], (int32_t)count);
	if (__builtin_expect(p->told != 0, 0))
		svo_tell_nodes(p, n, at, count);
	*ret_handle = n << SLOT_BITS | at;
	return MM_OK;
}

/* A Morton code has three bits for each level, below the 1 before it: what has not is within no
 * subtree, and would be left over when all of them are dropped. */
static int is_key(uint64_t key)
{
	return key && (63 - __builtin_clzll(key)) % 3 == 0 && !(key >> 63);
}

int mm_svo_take(struct mm_svo *p, uint64_t key, enum mm_svo_kind kind, uint32_t count,
		uint32_t *ret_handle)
{
	uint64_t bytes = (uint64_t)count * (p->o.value_bytes +
					    (kind == MM_SVO_INNER ? p->o.node_bytes : 0));
	int err;

	if (!is_key(key) || count < 1 || count > MM_SVO_RUN ||
	    (unsigned)kind > MM_SVO_LEAVES || (kind == MM_SVO_LEAVES && !p->o.value_bytes))
		return MM_EINVAL;
	mm_lock_take(&p->lock);
	if (mm_gate_ask(&p->o.gate, bytes))
		err = MM_ELIMIT;
	else if ((err = take_run(p, key, kind, count, ret_handle)))
		mm_gate_tell(&p->o.gate, bytes);
	mm_lock_give(&p->lock);
	return err;
}

static int is_live(const struct mm_svo *p, uint32_t handle)
{
	uint32_t n = handle >> SLOT_BITS, slot = handle % MM_SVO_SLOTS;

	return n && n < p->chunks && p->chunk[n].key &&
	       (p->chunk[n].bits[slot / 64] >> slot % 64 & 1);
}

static void lower_bump(struct mm_svo *p, struct svo_chunk *c)
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
	struct svo_chunk *c = &p->chunk[n];
	uint32_t word = slot < MM_SVO_RUN ? 0 : (slot - MM_SVO_RUN) / 64;

	if (__builtin_expect(p->told != 0, 0))
		svo_tell_nodes_end(p, n, slot, count);
	svo_mark(c, slot, count, 0);
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
	uint64_t before = svo_held(p);
	for (uint32_t i = 0; ok && i < count; i++)
		ok = is_live(p, handle + i);
	if (ok)
		give_run(p, handle, count);
	mm_gate_tell(&p->o.gate, before - svo_held(p));
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
	const struct svo_chunk *c = &p->chunk[handle >> SLOT_BITS];

	return c->node ? c->node + (uint64_t)(handle % MM_SVO_SLOTS) * p->o.node_bytes : 0;
}

uint64_t mm_svo_value(const struct mm_svo *p, uint32_t handle)
{
	const struct svo_chunk *c = &p->chunk[handle >> SLOT_BITS];

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
	uint64_t before = svo_held(p);
	for (uint32_t n = 1; key && n < p->chunks; n++)
		if (p->chunk[n].key && is_within(p->chunk[n].key, key)) {
			remove_chunk(p, n);
			gone++;
		}
	mm_gate_tell(&p->o.gate, before - svo_held(p));
	mm_lock_give(&p->lock);
	return gone;
}
