/* band_pool.c: slabs, headers and the hash of bricks (band_pool.h). */
#include "alloc/band_parts.h"

#include <float.h>
#include <string.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "mm_voxel.h"

/* --- coming and going ------------------------------------------------------------------ */

static int headers(struct mm_band *p)
{
	struct mm_meta *m = &p->meta;

	p->most = BRICKS_MOST;
	p->slabs_most = SLABS_MOST;
	p->mask = mm_meta_reserve_for(m, sizeof *p->mask, &p->most);
	p->key = mm_meta_reserve(m, p->most * sizeof *p->key);
	p->place = mm_meta_reserve(m, p->most * sizeof *p->place);
	p->beside = mm_meta_reserve(m, p->most * sizeof *p->beside);
	p->beside_at = mm_meta_reserve(m, p->most * sizeof *p->beside_at);
	p->format = mm_meta_reserve(m, p->most);
	p->slab = mm_meta_reserve_for(m, sizeof *p->slab, &p->slabs_most);
	p->cell = mm_meta_borrow(m, HASH_FIRST * sizeof *p->cell);
	p->cells = HASH_FIRST;
	p->home_shift = 32 - (uint32_t)__builtin_ctz(HASH_FIRST / BAND_LANES);
	p->frontier = p->slabs = p->generation = 1;
	return p->key && p->mask && p->place && p->beside && p->beside_at &&
	       p->format && p->slab && p->cell ? MM_OK : MM_ENOMEM;
}

int mm_band_open(struct mm_band **ret, const struct mm_band_options *o)
{
	struct mm_vspace_options v = { .page_bytes = PAGE_BYTES,
				       .bytes = o->bytes ? o->bytes : UINT64_C(64) << 30 };
	struct mm_meta meta;
	struct mm_band *p;
	int err;

	if (!(o->band >= 0 && o->band <= FLT_MAX) || (unsigned)o->precision > MM_BAND_CONST)
		return MM_EINVAL;
	memset(&meta, 0, sizeof meta);
	p = mm_meta_take(&meta, sizeof *p);
	if (!p)
		return MM_ENOMEM;
	p->meta = meta;
	mm_lock_is(&p->lock, MM_RANK_POOL);
	p->o = *o;
	p->o.band = o->band > 0 ? o->band : 3;
	err = mm_vspace_init(&p->vspace, &v, &p->meta);
	if (!err)
		err = headers(p);
	if (err)
		mm_band_close(p);
	else
		*ret = p;
	return err;
}

void mm_band_close(struct mm_band *p)
{
	struct mm_meta meta;

	if (!p)
		return;
	if (__builtin_expect(p->told != 0, 0))
		mm_band_tell(p, 0, 0);
	for (uint32_t f = 0; f < MM_BAND_FORMATS; f++)
		mm_gate_tell(&p->o.gate, p->by_format[f] * block_bytes(f));
	if (p->vspace.bytes)
		mm_vspace_deinit(&p->vspace);
	meta = p->meta;
	mm_meta_deinit(&meta);
}

/* --- keys ------------------------------------------------------------------------------ */

int mm_band_key(int32_t x, int32_t y, int32_t z, uint64_t *ret_key)
{
	if (x < -AXIS_HALF || x >= AXIS_HALF || y < -AXIS_HALF || y >= AXIS_HALF ||
	    z < -AXIS_HALF || z >= AXIS_HALF)
		return MM_EINVAL;
	*ret_key = mm_brick_key(x, y, z);
	return MM_OK;
}

/* One step along an axis in Morton code; 0 = it leaves the range. */
static int beside_key(uint64_t key, unsigned side, uint64_t *ret)
{
	uint64_t axis = UINT64_C(0x1249249249249249) << side / 2 & INT64_MAX, one = UINT64_C(1) << side / 2;
	uint64_t own = key & axis;

	if (own == (side & 1 ? axis : 0))
		return 0;
	own = side & 1 ? (own | ~axis) + one : own - one;
	*ret = (own & axis) | (key & ~axis);
	return 1;
}

/* --- hash ------------------------------------------------------------------------------ */

/* Large tables lie in slices, so that the old one goes back. */
static struct cell *new_cells(struct mm_band *p, uint64_t bytes)
{
	uint64_t addr;

	if (bytes < MM_SLICE_BYTES)
		return mm_meta_borrow(&p->meta, bytes);
	if (mm_vspace_take(&p->vspace, (uint32_t)(bytes >> MM_SLICE_SHIFT), 1, bytes, 1, &addr))
		return NULL;
	memset((void *)(uintptr_t)addr, 0, bytes);
	p->hash_bytes += bytes;
	return (struct cell *)(uintptr_t)addr;
}

static void drop_cells(struct mm_band *p, struct cell *old, uint64_t bytes)
{
	if (bytes < MM_SLICE_BYTES) {
		mm_meta_return(&p->meta, old, bytes);
		return;
	}
	mm_vspace_give(&p->vspace, (uintptr_t)old, (uint32_t)(bytes >> MM_SLICE_SHIFT));
	p->hash_bytes -= bytes;
}

/* Cells keep their lanes, and their tags say where in them. */
static void move_cells(struct mm_band *p, const struct cell *old, uint32_t cells)
{
	for (uint32_t i = 0; i < cells; i++) {
		uint32_t to = band_home(p, old[i].tag, i % BAND_LANES);
		if (!old[i].brick)
			continue;
		while (p->cell[to].brick)
			to = (to + BAND_LANES) & (p->cells - 1);
		p->cell[to] = old[i];
	}
}

/* For one more in a lane. */
static int band_room(struct mm_band *p, uint32_t lane)
{
	struct cell *old = p->cell, *fresh;
	uint32_t cells = p->cells;

	if ((uint64_t)(p->lane[lane] + 1) * 20 <= (uint64_t)(cells / BAND_LANES) * 13)
		return MM_OK;
	fresh = new_cells(p, (uint64_t)cells * 2 * sizeof *fresh);
	if (!fresh)
		return MM_ENOMEM;
	p->cell = fresh;
	p->cells = cells * 2;
	p->home_shift--;
	move_cells(p, old, cells);
	drop_cells(p, old, (uint64_t)cells * sizeof *old);
	return MM_OK;
}

static void band_unname(struct mm_band *p, uint32_t hole)
{
	uint32_t mask = p->cells - 1, lane = hole % BAND_LANES;

	for (uint32_t i = (hole + BAND_LANES) & mask; p->cell[i].brick;
	     i = (i + BAND_LANES) & mask)
		if (((i - band_home(p, p->cell[i].tag, lane)) & mask) >= ((i - hole) & mask)) {
			p->cell[hole] = p->cell[i];
			hole = i;
		}
	p->cell[hole].brick = 0;
	p->lane[lane]--;
}

/* --- slabs ----------------------------------------------------------------------------- */

static uint32_t band_blocks(uint32_t format)
{
	return MM_SLICE_BYTES / block_bytes(format);
}

static void band_list(struct mm_band *p, uint32_t n)
{
	struct bslab *s = &p->slab[n];

	s->prev = 0;
	s->next = p->list[s->format];
	if (s->next)
		p->slab[s->next].prev = n;
	p->list[s->format] = n;
	s->listed = 1;
}

static void band_unlist(struct mm_band *p, uint32_t n)
{
	struct bslab *s = &p->slab[n];

	if (s->prev)
		p->slab[s->prev].next = s->next;
	else
		p->list[s->format] = s->next;
	if (s->next)
		p->slab[s->next].prev = s->prev;
	s->listed = 0;
}

static uint64_t grown(struct mm_band *p, uint64_t had, uint64_t bytes)
{
	bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	if (bytes > had)
		mm_meta_commit(&p->meta, bytes - had);
	return bytes > had ? bytes : had;
}

static int band_slab(struct mm_band *p, uint32_t format, uint32_t *ret)
{
	uint32_t n = p->slab_vacant ? p->slab_vacant : p->slabs, blocks = band_blocks(format);
	struct bslab *s = &p->slab[n];
	uint64_t addr;

	if (n == p->slabs_most || mm_meta_open(p->slab, (n + UINT64_C(1)) * sizeof *s) ||
	    mm_vspace_take(&p->vspace, 1, 1, MM_SLICE_BYTES, n, &addr))
		return MM_ENOSPC;
	if (n == p->slabs)
		p->slab_bytes = grown(p, p->slab_bytes, ++p->slabs * sizeof *s);
	else
		p->slab_vacant = s->next;
	*s = (struct bslab){ .addr = addr, .left = (uint16_t)blocks, .format = (uint8_t)format };
	s->free[0] = blocks < 64 ? (UINT64_C(1) << blocks) - 1 : ~UINT64_C(0);
	s->free[1] = blocks > 64 ? ~UINT64_C(0) : 0;
	p->slab_live++;
	if (__builtin_expect(p->told != 0, 0))
		band_tell_slab(p, n);
	band_list(p, n);
	*ret = n;
	return MM_OK;
}

/* In the slab of the region, else where there is room. */
static int take_block(struct mm_band *p, uint64_t key, uint32_t format, uint32_t *ret_place)
{
	uint64_t region = key >> 6;
	struct hint *h = &p->hint[region * UINT64_C(0x9e3779b97f4a7c15) >> 56];
	uint32_t n = h->region == region ? h->slab : 0, w, bit;
	struct bslab *s = &p->slab[n];

	if (!n || !s->addr || s->format != format || !s->left) {
		n = p->list[format];
		if (!n && band_slab(p, format, &n))
			return MM_ENOSPC;
		s = &p->slab[n];
		*h = (struct hint){ region, n };
	}
	if (p->spare[format] == n)
		p->spare[format] = 0;
	w = s->free[0] == 0;
	bit = (uint32_t)__builtin_ctzll(s->free[w]);
	s->free[w] &= s->free[w] - 1;
	if (!--s->left)
		band_unlist(p, n);
	*ret_place = n << BLOCK_BITS | (w * 64 + bit);
	return MM_OK;
}

static void let_slab_go(struct mm_band *p, uint32_t n)
{
	struct bslab *s = &p->slab[n];

	band_unlist(p, n);
	if (__builtin_expect(p->told != 0, 0))
		band_tell_slab_end(p, n);
	mm_vspace_give(&p->vspace, s->addr, 1);
	s->addr = 0;
	s->next = p->slab_vacant;
	p->slab_vacant = n;
	p->slab_live--;
}

/* One empty slab of each format stays, so that a brick at its edge costs no system call. */
static void give_block(struct mm_band *p, uint32_t place)
{
	uint32_t n = place >> BLOCK_BITS, bit = place & ((1 << BLOCK_BITS) - 1);
	struct bslab *s = &p->slab[n];

	s->free[bit / 64] |= UINT64_C(1) << bit % 64;
	s->left++;
	if (!s->listed)
		band_list(p, n);
	if (s->left < band_blocks(s->format))
		return;
	if (p->spare[s->format])
		let_slab_go(p, n);
	else
		p->spare[s->format] = n;
}

/* Once there is no brick. */
static void let_spares_go(struct mm_band *p)
{
	for (uint32_t f = 0; f < MM_BAND_CONST; f++) {
		if (p->spare[f])
			let_slab_go(p, p->spare[f]);
		p->spare[f] = 0;
	}
}

/* --- bricks ---------------------------------------------------------------------------- */

static int open_headers(struct mm_band *p, uint64_t bricks)
{
	return mm_meta_open(p->key, bricks * sizeof *p->key) ||
	       mm_meta_open(p->mask, bricks * sizeof *p->mask) ||
	       mm_meta_open(p->place, bricks * sizeof *p->place) ||
	       mm_meta_open(p->beside, bricks * sizeof *p->beside) ||
	       mm_meta_open(p->beside_at, bricks * sizeof *p->beside_at) ||
	       mm_meta_open(p->format, bricks) ? MM_ENOMEM : MM_OK;
}

static uint32_t new_brick(struct mm_band *p)
{
	uint32_t b = p->vacant;

	if (b) {
		p->vacant = p->place[b];
		return b;
	}
	if (p->frontier == p->most || open_headers(p, p->frontier + 1))
		return 0;
	b = p->frontier++;
	p->header_bytes = grown(p, p->header_bytes, (uint64_t)p->frontier *
				(sizeof *p->key + sizeof *p->mask + sizeof *p->place +
				 sizeof *p->beside + sizeof *p->beside_at + 1));
	return b;
}

/* What was found beside bricks is known no more. Numbers of generations come round after 2^32
 * changes: then nothing may seem to have been found in one of them. */
static void forget_neighbours(struct mm_band *p)
{
	if (++p->generation)
		return;
	memset(p->beside_at, 0, p->frontier * sizeof *p->beside_at);
	p->generation = 1;
}

/* For the empty cell `at`, once its payload is granted. */
static int place_brick(struct mm_band *p, uint32_t at, uint64_t key, uint32_t f, uint32_t *ret)
{
	uint32_t b, place = 0;

	if (f != MM_BAND_CONST && take_block(p, key, f, &place))
		return MM_ENOSPC;
	b = new_brick(p);
	if (!b) {
		if (f != MM_BAND_CONST)
			give_block(p, place);
		return MM_ENOSPC;
	}
	p->cell[at] = (struct cell){ band_tag(key), b };
	p->lane[key % BAND_LANES]++;
	p->key[b] = key;
	p->place[b] = place;
	p->format[b] = (uint8_t)f;
	memset(p->mask[b], 0, sizeof p->mask[b]);
	p->bricks++;
	p->by_format[f]++;
	forget_neighbours(p);
	if (__builtin_expect(p->told != 0, 0))
		band_tell_brick(p, b);
	*ret = b;
	return MM_OK;
}

/* Nobody is asked for the bytes of a brick that there is: it could cost others theirs. */
static int take_brick(struct mm_band *p, uint64_t key, uint32_t f, uint32_t *ret)
{
	uint32_t at;
	int err;

	if (band_room(p, key % BAND_LANES))
		return MM_ENOMEM;
	at = band_find(p, key);
	if (p->cell[at].brick)
		return MM_EEXIST;
	if (mm_gate_ask(&p->o.gate, block_bytes(f)))
		return MM_ELIMIT;
	err = place_brick(p, at, key, f, ret);
	if (err)
		mm_gate_tell(&p->o.gate, block_bytes(f));
	return err;
}

int mm_band_take(struct mm_band *p, uint64_t key, enum mm_band_format f, uint32_t *ret_brick)
{
	int err;

	if (key >> 63 || (unsigned)f > MM_BAND_FORMATS)
		return MM_EINVAL;
	f = f == MM_BAND_FORMATS ? p->o.precision : f;
	mm_lock_take(&p->lock);
	err = take_brick(p, key, f, ret_brick);
	mm_lock_give(&p->lock);
	return err;
}

static void give_brick(struct mm_band *p, uint32_t at)
{
	uint32_t b = p->cell[at].brick, f = p->format[b];

	if (__builtin_expect(p->told != 0, 0))
		band_tell_brick_end(p, b);
	band_unname(p, at);
	p->bricks--;
	p->by_format[f]--;
	forget_neighbours(p);
	if (f != MM_BAND_CONST)
		give_block(p, p->place[b]);
	if (!p->bricks)
		let_spares_go(p);
	mm_gate_tell(&p->o.gate, block_bytes(f));
	p->key[b] = UINT64_MAX;
	p->place[b] = p->vacant;
	p->vacant = b;
}

int mm_band_give(struct mm_band *p, uint64_t key)
{
	mm_lock_take(&p->lock);
	uint32_t at = band_find(p, key);
	int found = p->cell[at].brick != 0;
	if (found)
		give_brick(p, at);
	mm_lock_give(&p->lock);
	return found ? MM_OK : MM_ENOENT;
}

uint32_t mm_band_find(struct mm_band *p, uint64_t key)
{
	mm_lock_take(&p->lock);
	uint32_t b = p->cell[band_find(p, key)].brick;
	mm_lock_give(&p->lock);
	return b;
}

uint32_t mm_band_neighbour(struct mm_band *p, uint32_t brick, unsigned side)
{
	uint64_t key;
	uint32_t b;

	mm_lock_take(&p->lock);
	if (p->beside_at[brick] != p->generation) {
		for (unsigned i = 0; i < MM_BAND_SIDES; i++)
			p->beside[brick][i] = beside_key(p->key[brick], i, &key)
				? p->cell[band_find(p, key)].brick : 0;
		p->beside_at[brick] = p->generation;
	}
	b = side < MM_BAND_SIDES ? p->beside[brick][side] : 0;
	mm_lock_give(&p->lock);
	return b;
}

static uint64_t address(const struct mm_band *p, uint32_t place, uint32_t format)
{
	return p->slab[place >> BLOCK_BITS].addr +
	       (uint64_t)(place & ((1 << BLOCK_BITS) - 1)) * block_bytes(format);
}

uint64_t mm_band_payload(const struct mm_band *p, uint32_t brick)
{
	uint32_t f = p->format[brick];

	return f == MM_BAND_CONST ? 0 : address(p, p->place[brick], f);
}

uint64_t *mm_band_mask(struct mm_band *p, uint32_t brick)
{
	return p->mask[brick];
}

enum mm_band_format mm_band_format(const struct mm_band *p, uint32_t brick)
{
	return p->format[brick];
}

uint32_t mm_band_drop(struct mm_band *p, uint64_t key, unsigned level)
{
	uint32_t gone = 0, shift = level < AXIS_BITS ? 3 * level : 63;

	mm_lock_take(&p->lock);
	for (uint32_t b = 1; b < p->frontier; b++)
		if (p->key[b] >> 63 == 0 && p->key[b] >> shift == key >> shift) {
			give_brick(p, band_find(p, p->key[b]));
			gone++;
		}
	mm_lock_give(&p->lock);
	return gone;
}

/* --- formats --------------------------------------------------------------------------- */

static float voxel_load(const struct mm_band *p, const void *at, uint32_t f, uint32_t i)
{
	float one;

	if (f == MM_BAND_I16)
		return ((const int16_t *)at)[i] * (p->o.band / 32767);
	if (f == MM_BAND_I8)
		return ((const int8_t *)at)[i] * (p->o.band / 127);
	memcpy(&one, (const float *)at + (f == MM_BAND_CONST ? 0 : i), sizeof one);
	return one;
}

/* What is no number is 0. */
static int32_t rounded(float v)
{
	if (v != v)
		return 0;
	return (int32_t)(v < 0 ? v - 0.5f : v + 0.5f);
}

static void voxel_store(const struct mm_band *p, void *at, uint32_t f, uint32_t i, float v)
{
	float unit = v / p->o.band;

	unit = unit > 1 ? 1 : unit < -1 ? -1 : unit;
	if (f == MM_BAND_I16)
		((int16_t *)at)[i] = (int16_t)rounded(unit * 32767);
	else if (f == MM_BAND_I8)
		((int8_t *)at)[i] = (int8_t)rounded(unit * 127);
	else
		((float *)at)[i] = v;
}

static int is_constant(const struct mm_band *p, const void *from, uint32_t f)
{
	for (uint32_t i = 1; i < MM_BAND_VOXELS; i++)
		if (voxel_load(p, from, f, i) != voxel_load(p, from, f, 0))
			return 0;
	return 1;
}

static int band_convert(struct mm_band *p, uint32_t b, uint32_t to)
{
	uint32_t f = p->format[b], place = 0, count = to == MM_BAND_CONST ? 1 : MM_BAND_VOXELS;
	void *from = f == MM_BAND_CONST ? (void *)&p->place[b]
					: (void *)(uintptr_t)address(p, p->place[b], f);
	uint32_t had = block_bytes(f), has = block_bytes(to), more = has > had ? has - had : 0;
	uint32_t old = p->place[b];
	void *target = &place;

	if (to == MM_BAND_CONST && !is_constant(p, from, f))
		return MM_EINVAL;
	if (mm_gate_ask(&p->o.gate, more)) /* a brick that shrinks is never refused */
		return MM_ELIMIT;
	if (to != MM_BAND_CONST) {
		if (take_block(p, p->key[b], to, &place)) {
			mm_gate_tell(&p->o.gate, more);
			return MM_ENOSPC;
		}
		target = (void *)(uintptr_t)address(p, place, to);
	}
	for (uint32_t i = 0; i < count; i++)
		voxel_store(p, target, to, i, voxel_load(p, from, f, i));
	if (__builtin_expect(p->told != 0, 0))
		band_tell_brick_end(p, b);
	p->place[b] = place;
	p->format[b] = (uint8_t)to;
	if (__builtin_expect(p->told != 0, 0))
		band_tell_brick(p, b);
	p->by_format[f]--;
	p->by_format[to]++;
	mm_gate_tell(&p->o.gate, had + more - has);
	if (f != MM_BAND_CONST)
		give_block(p, old);
	return MM_OK;
}

int mm_band_convert(struct mm_band *p, uint64_t key, enum mm_band_format to)
{
	int err = MM_EINVAL;

	mm_lock_take(&p->lock);
	uint32_t b = p->cell[band_find(p, key)].brick;
	if (!b)
		err = MM_ENOENT;
	else if ((unsigned)to < MM_BAND_FORMATS)
		err = p->format[b] == to ? MM_OK : band_convert(p, b, to);
	mm_lock_give(&p->lock);
	return err;
}
