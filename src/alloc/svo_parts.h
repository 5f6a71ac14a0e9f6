/* svo_parts.h: what the parts of the SVO pool share.
 *
 * Vocabulary: name = a key and a kind, as the directory has it. Nobody else includes this. */
#ifndef MM_ALLOC_SVO_PARTS_H
#define MM_ALLOC_SVO_PARTS_H

#include "alloc/content.h"
#include "alloc/lock.h"
#include "alloc/meta.h"
#include "alloc/svo_pool.h"
#include "alloc/vspace.h"

enum { WORDS = MM_SVO_SLOTS / 64, DIR_FIRST = 64, SLOT_BITS = 13, DEPTH_MOST = 64,
	PAGE = 4096, HOLE_SHARE = 8 };

struct svo_chunk {
	uint64_t key, node, value; /* addresses; key 0 = the record is vacant */
	uint64_t *bits;            /* 1 = live */
	uint32_t next, prev;       /* of the same key and kind, or vacant; 0 = none */
	uint16_t live, bump;
	uint8_t kind;
	uint8_t lowest[MM_SVO_RUN]; /* no hole for a run of that size below this word */
};

struct svo_entry { uint64_t name; uint32_t chunk, unused; };

struct mm_svo {
	struct mm_lock lock;
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_content content;
	struct mm_svo_options o;
	struct svo_chunk *chunk;
	struct svo_entry *dir;
	uint32_t dir_slots, dir_count, chunks, chunks_most, vacant, live_chunks;
	uint64_t table_bytes, inner, leaves;
	uint32_t told; /* tell.h */
};

static inline uint64_t svo_name(uint64_t key, uint32_t kind)
{
	return key << 1 | kind;
}

static inline uint32_t svo_home(const struct mm_svo *p, uint64_t name)
{
	return (uint32_t)(name * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (p->dir_slots - 1);
}

/* Where the name is, or the empty slot where it belongs. */
static inline uint32_t svo_find(const struct mm_svo *p, uint64_t name)
{
	uint32_t i = svo_home(p, name);

	while (p->dir[i].chunk && p->dir[i].name != name)
		i = (i + 1) & (p->dir_slots - 1);
	return i;
}

static inline uint32_t svo_slices(uint32_t bytes)
{
	return (uint32_t)(((uint64_t)bytes * MM_SVO_SLOTS + MM_SLICE_BYTES - 1) >> MM_SLICE_SHIFT);
}

/* svo_tell.c, where p->told is not 0: nodes that were handed out; that are about to be taken
 * back; all of a chunk's; and a bump that was another. */
void svo_tell_nodes(const struct mm_svo *p, uint32_t n, uint32_t slot, uint32_t count);
void svo_tell_nodes_end(const struct mm_svo *p, uint32_t n, uint32_t slot, uint32_t count);
void svo_tell_chunk_end(const struct mm_svo *p, uint32_t n);
/* A chunk that was `old`, whose nodes were in these slots. */
void svo_tell_rewritten(const struct mm_svo *p, uint32_t n, const struct svo_chunk *old,
			const uint16_t *from);
void svo_tell_bump(const struct mm_svo *p, const struct svo_chunk *c, uint32_t was);

static inline void svo_mark(struct svo_chunk *c, uint32_t slot, uint32_t count, int live)
{
	for (uint32_t i = slot; i < slot + count; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;
		c->bits[i / 64] = live ? c->bits[i / 64] | bit : c->bits[i / 64] & ~bit;
	}
}

#endif
