/* depot_blocks.c: blocks of a depot taken and given back, many at a time (depot.h). */
#include "alloc/depot_parts.h"

#include <string.h>
#include <sys/single_threaded.h>

enum { ROW_SHARE = 4, STOCK_SHARE = 32 /* slabs in stock are at most one in so many */ };
enum { GIVEN_AT_ONCE = 128, GIVEN_ALONE = 32, CUTS_MOST = 128 };

/* --- taking ---------------------------------------------------------------------------------- */

/* NULL: none has a row, and too much lies free in shorter ones for a new slab. */
static struct mm_slab *slab_with_row(struct mm_depot *p, uint32_t context,
				     struct mm_depot_pages *pages)
{
	struct mm_slab *s = mm_depot_choose_row(p, context);

	if (s || p->free >= (uint64_t)p->slab_count * p->blocks / ROW_SHARE)
		return s;
	return mm_depot_new_slab(p, pages);
}

static struct mm_slab *next_slab(struct mm_depot *p, uint32_t context, struct mm_depot_pages *pages)
{
	struct mm_slab *s = mm_depot_choose(p, context);

	if (!s)
		s = mm_depot_new_slab(p, pages);
	return s ? s : mm_depot_any_free(p);
}

/* Slabs of owned depots carry whom they are filled for where a free finds it. */
static void fill_for(struct mm_depot *p, struct mm_slab *s, uint32_t context)
{
	if (!p->owned || mm_slab_filled_for(s) == context)
		return;
	atomic_store_explicit(&s->filled_for, (uint16_t)context, memory_order_relaxed);
	mm_vspace_mark(p->ground->vspace, s->addr, s->slices,
		       s->pool | context << MM_MARK_CONTEXT_SHIFT);
}

/* Blocks of one word of a bitmap that were taken from it. */
struct cut {
	uint64_t addr, bits; /* of the word's first block */
};

struct cuts {
	uint32_t count, blocks;
	struct cut cut[CUTS_MOST];
};

/* So many of the lowest members. */
static uint64_t lowest_of(uint64_t bits, uint32_t want)
{
	uint64_t rest = bits;

	if ((uint32_t)__builtin_popcountll(bits) <= want)
		return bits;
	while (want--)
		rest &= rest - 1;
	return bits ^ rest;
}

/* Where the highest block of the last cut ends, from its slab's start. */
static uint64_t end_of_last(const struct mm_depot *p, const struct mm_slab *s,
			    const struct cuts *cuts)
{
	const struct cut *c = &cuts->cut[cuts->count - 1];

	return c->addr - s->addr + (64 - (uint64_t)__builtin_clzll(c->bits)) * p->block_bytes;
}

/* Takes those of a word. */
static inline void cut(const struct mm_depot *p, struct mm_slab *s, uint32_t word, uint64_t bits,
		       struct cuts *cuts)
{
	cuts->cut[cuts->count++] = (struct cut){
		s->addr + (uint64_t)word * 64 * p->block_bytes, bits };
	cuts->blocks += (uint32_t)__builtin_popcountll(bits);
	s->free_bits[word] ^= bits;
}

/* So many were taken. */
static inline void settle(struct mm_depot *p, struct mm_slab *s, uint32_t count,
			  const struct cuts *cuts)
{
	s->free -= count;
	p->free -= count;
	if (count && end_of_last(p, s, cuts) > s->bytes)
		mm_depot_reach_out(p, s, end_of_last(p, s, cuts));
}

/* Takes the lowest free blocks of a slab, word by word. */
static void cut_lowest(struct mm_depot *p, struct mm_slab *s, uint32_t want, struct cuts *cuts)
{
	uint32_t before = cuts->blocks, w = s->lowest;

	for (; cuts->blocks < want && cuts->blocks - before < s->free &&
	       cuts->count < CUTS_MOST; w++) {
		uint64_t bits = lowest_of(s->free_bits[w], want - cuts->blocks);
		if (!bits)
			continue;
		cut(p, s, w, bits, cuts);
		if (s->free_bits[w])
			break;
	}
	s->lowest = (uint16_t)w;
	settle(p, s, cuts->blocks - before, cuts);
}

/* The same of blocks in rows: a slab that has some. */
static void cut_rows(struct mm_depot *p, struct mm_slab *s, uint32_t want, struct cuts *cuts)
{
	uint32_t before = cuts->blocks, words = mm_depot_words(p);

	for (uint32_t w = s->lowest;
	     w < words && cuts->blocks < want && cuts->count < CUTS_MOST; w++) {
		uint64_t bits = lowest_of(mm_depot_rows(p, s, w), want - cuts->blocks);
		if (bits)
			cut(p, s, w, bits, cuts);
	}
	settle(p, s, cuts->blocks - before, cuts);
}

/* A slab that is new and ready, with a context of a depot in which that is little. */
static int may_stock(const struct mm_depot *p, const struct mm_slab *s, uint32_t context)
{
	return s->free == s->blocks && s->bytes == mm_depot_span(p) && p->stocks &&
	       p->slab_count / STOCK_SHARE > context;
}

/* What is left of it, behind the lowest blocks. */
static void to_stock(struct mm_depot *p, struct mm_slab *s, struct mm_depot_stock *stock)
{
	uint32_t words = mm_depot_words(p);

	__atomic_store_n(&stock->blocks, s->free, __ATOMIC_RELAXED); /* others may look */
	stock->next = s->addr + (uint64_t)(s->blocks - s->free) * p->block_bytes;
	memset(s->free_bits + s->lowest, 0, (words - s->lowest) * sizeof *s->free_bits);
	s->lowest = (uint16_t)words;
	p->free -= s->free;
	s->free = 0;
}

/* The addresses, the lowest last. */
static void spell_out(const struct cuts *cuts, uint64_t block_bytes, uint64_t *ret)
{
	uint64_t *top = ret + cuts->blocks;

	for (uint32_t i = 0; i < cuts->count; i++)
		for (uint64_t bits = cuts->cut[i].bits; bits; bits &= bits - 1)
			*--top = cuts->cut[i].addr +
				 (uint64_t)(uint32_t)__builtin_ctzll(bits) * block_bytes;
}

uint32_t mm_depot_take(struct mm_depot *p, uint32_t want, uint32_t context,
		       struct mm_depot_stock *stock, uint64_t *ret)
{
	struct mm_depot_pages pages;
	struct cuts cuts;

	pages.count = cuts.count = cuts.blocks = 0;
	mm_lock_take(&p->lock);
	uint64_t out = (uint64_t)p->slab_count * p->blocks - p->free;
	if (want > p->most - out)
		want = (uint32_t)(p->most - out);
	while (cuts.blocks < want && cuts.count < CUTS_MOST) {
		struct mm_slab *rows = p->row ? slab_with_row(p, context, &pages) : NULL;
		struct mm_slab *s = rows ? rows : next_slab(p, context, &pages);
		if (!s)
			break;
		int stocks = stock && may_stock(p, s, context);
		fill_for(p, s, context);
		if (rows)
			cut_rows(p, s, want, &cuts);
		else
			cut_lowest(p, s, want, &cuts);
		if (stocks)
			to_stock(p, s, stock);
		mm_depot_relist(p, s);
		p->last[mm_depot_last_index(p, context)] = s->number;
	}
	mm_lock_give(&p->lock);
	mm_depot_obtain_pages(&pages);
	spell_out(&cuts, p->block_bytes, ret);
	return cuts.blocks;
}

uint64_t mm_depot_take_from(struct mm_depot *p, struct mm_slab *s)
{
	struct cuts cuts;
	uint64_t addr;

	cuts.count = cuts.blocks = 0;
	cut_lowest(p, s, 1, &cuts);
	mm_depot_relist(p, s);
	spell_out(&cuts, p->block_bytes, &addr);
	return addr;
}

/* --- giving ---------------------------------------------------------------------------------- */

/* A slab that has more free blocks than those of its list have, or all of them. */
static __attribute__((noinline)) void moves_on(struct mm_depot *p, struct mm_slab *s)
{
	if (s->free == s->blocks)
		mm_depot_let_go(p, s);
	else
		mm_depot_relist(p, s);
}

/* `count` blocks of one word. */
static inline void give_word(struct mm_depot *p, struct mm_slab *s, uint32_t word, uint64_t bits,
			     uint32_t count)
{
	s->free_bits[word] |= bits;
	if (__builtin_expect(word < s->lowest, 0))
		s->lowest = (uint16_t)word;
	s->free += count;
	if (__builtin_expect(s->free > p->bound[s->list], 0))
		moves_on(p, s);
}

static inline uint64_t bit_of(uint32_t block)
{
	return UINT64_C(1) << block % 64;
}

void mm_depot_give_to(struct mm_depot *p, struct mm_slab *s, uint64_t addr)
{
	uint32_t n = mm_depot_block_of(p, s, addr);

	p->free++;
	give_word(p, s, n / 64, bit_of(n), 1);
}

static void give_singly(struct mm_depot *p, struct mm_slab *const *slab, const uint32_t *block,
			uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		give_word(p, slab[i], block[i] / 64, bit_of(block[i]), 1);
}

/* Blocks that were taken together and come back together: a word at a time. */
static __attribute__((noinline)) void give_words(struct mm_depot *p, struct mm_slab *const *slab,
						 const uint32_t *block, uint32_t count)
{
	for (uint32_t i = 0, first; i < count;) {
		uint32_t word = block[i] / 64;
		uint64_t bits = bit_of(block[i]);
		first = i++;
		while (i < count && block[i] / 64 == word && slab[i] == slab[first])
			bits |= bit_of(block[i++]);
		give_word(p, slab[first], word, bits, i - first);
	}
}

/* Records and words lie anywhere: they are asked for before the lock is taken. What is read
 * here does not change while a block of the slab is out. */
static void give_some(struct mm_depot *p, const uint64_t *blocks, uint32_t count)
{
	const struct mm_vspace *v = p->ground->vspace;
	const struct mm_slabs *slabs = p->ground->slabs;
	const uint64_t reciprocal = p->reciprocal;
	const uint32_t pool = p->index + 1;
	struct mm_slab *slab[GIVEN_AT_ONCE];
	uint32_t block[GIVEN_AT_ONCE], ours = 0, beside = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (i && (blocks[i] ^ blocks[i - 1]) < MM_SLICE_BYTES) {
			slab[i] = slab[i - 1];
			beside++;
			continue;
		}
		slab[i] = mm_slab_at(slabs, mm_vspace_owner(v, blocks[i]));
		__builtin_prefetch(slab[i], 1);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct mm_slab *s = slab[i];
		uint32_t n = (uint32_t)((blocks[i] - s->addr) * reciprocal >> 40);
		if (__builtin_expect(s->pool != pool, 0))
			continue;
		__builtin_prefetch(&s->free_bits[n / 64], 1);
		block[ours] = n;
		slab[ours++] = s;
	}
	mm_lock_take(&p->lock);
	p->free += ours;
	if (beside > ours / 2)
		give_words(p, slab, block, ours);
	else
		give_singly(p, slab, block, ours);
	mm_lock_give(&p->lock);
}

/* Few at a time stay in the first cache between the look and the note; but what the lock guards
 * comes from another core where there are threads. */
void mm_depot_give(struct mm_depot *p, const uint64_t *blocks, uint32_t count)
{
	uint32_t most = __libc_single_threaded ? GIVEN_ALONE : GIVEN_AT_ONCE;

	for (uint32_t n; count; count -= n, blocks += n) {
		n = count < most ? count : most;
		give_some(p, blocks, n);
	}
}

