/* band_parts.h: what the parts of the band pool share.
 *
 * Vocabulary: cell = a slot of the hash; place of a brick = number of its slab and block in
 * it, for CONST the value's bits. lane = cells whose number has the same three lowest bits: each
 * is a table of its own, probed linearly, for the bricks with those bits in their key, so that
 * eight bricks of a cube lie in one cache line. Nobody else includes this. */
#ifndef MM_ALLOC_BAND_PARTS_H
#define MM_ALLOC_BAND_PARTS_H

#include "alloc/band_pool.h"
#include "alloc/lock.h"
#include "alloc/meta.h"
#include "alloc/vspace.h"

enum { BRICKS_MOST = 1 << 24, HASH_FIRST = 64, BAND_LANES = 8, HINTS = 256, BLOCK_BITS = 7, PAGE_BYTES = 4096,
	AXIS_BITS = 21, AXIS_HALF = 1 << 20, SLABS_MOST = 1 << 20 };

struct cell { uint32_t tag, brick; }; /* brick 0 = empty */

struct bslab {
	uint64_t addr, free[2];  /* 1 = free */
	uint32_t prev, next;     /* with free blocks, of the same format; or vacant */
	uint16_t left;
	uint8_t format, listed;
};

struct hint { uint64_t region; uint32_t slab; };

struct mm_band {
	struct mm_lock lock;
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_band_options o;
	struct cell *cell;
	uint32_t cells, home_shift, lane[BAND_LANES]; /* cells in use, by lane */
	uint32_t bricks, frontier, vacant, most;
	struct bslab *slab;
	uint32_t slabs, slabs_most, slab_vacant, slab_live, list[MM_BAND_CONST], spare[MM_BAND_CONST];
	struct hint hint[HINTS];
	uint64_t *key, (*mask)[8];     /* headers, each an array over bricks */
	uint32_t *place, (*beside)[MM_BAND_SIDES], *beside_at;
	uint8_t *format;
	uint32_t generation;
	uint32_t told; /* tell.h */
	uint64_t header_bytes, slab_bytes, hash_bytes, by_format[MM_BAND_FORMATS];
};

static inline uint32_t block_bytes(uint32_t format)
{
	return format == MM_BAND_CONST ? 0 : (4u >> format) * MM_BAND_VOXELS;
}

/* band_tell.c, where p->told is not 0: a brick that has a payload; that is about to have none;
 * a slab with its memory; that is about to have none. CONST bricks and 0 are nothing. */
void band_tell_brick(const struct mm_band *p, uint32_t brick);
void band_tell_brick_end(const struct mm_band *p, uint32_t brick);
void band_tell_slab(const struct mm_band *p, uint32_t n);
void band_tell_slab_end(const struct mm_band *p, uint32_t n);

/* What a cell keeps of a key: it says where the cell belongs, whatever the table's size. */
static inline uint32_t band_tag(uint64_t key)
{
	return (uint32_t)((key >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* The cell at home, in the lane of the key's lowest three bits. */
static inline uint32_t band_home(const struct mm_band *p, uint32_t tag, uint32_t lane)
{
	return (tag >> p->home_shift) * BAND_LANES + lane;
}

/* Where the key is, or the empty cell where it belongs. */
static inline uint32_t band_find(const struct mm_band *p, uint64_t key)
{
	uint32_t tag = band_tag(key), i = band_home(p, tag, key % BAND_LANES);

	while (p->cell[i].brick && (p->cell[i].tag != tag || p->key[p->cell[i].brick] != key))
		i = (i + BAND_LANES) & (p->cells - 1);
	return i;
}

#endif
