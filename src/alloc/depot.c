/* depot.c: slabs of a depot and their bitmaps (depot.h). */
#include "alloc/depot_parts.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#include "alloc/lock_order.h"
#include "alloc/tell.h"
#include "core/error.h"

enum { SLICES_MOST = 8, BLOCKS_LEAST = 8, TAIL_SHARE = 32, SMALL_MOST = 32 * 1024 };
enum { ROW_SHARE = 4, STOCK_SHARE = 32 /* slabs in stock are at most one in so many */ };
enum { HUGE_SHIFT = 21, PAGES_MOST = 8, GIVEN_AT_ONCE = 128, GIVEN_ALONE = 32,
	CUTS_MOST = 128 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Of new slabs, to be obtained once the lock is given. */
struct pages {
	uint32_t count;
	int huge;
	uint64_t bytes, addr[PAGES_MOST];
};

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

/* For large blocks: the slices of up to as many blocks as waste little, and no more than
 * the reciprocal is exact for. */
static uint32_t slices_for_large(uint64_t block_bytes)
{
	uint32_t best = 0;
	uint64_t least = UINT64_MAX;

	for (uint64_t n = 1; n <= BLOCKS_LEAST; n++) {
		uint64_t slices = (n * block_bytes + MM_SLICE_BYTES - 1) / MM_SLICE_BYTES;
		uint64_t bytes = slices * MM_SLICE_BYTES, tail = bytes % block_bytes;
		if (best && bytes * block_bytes >= UINT64_C(1) << 40)
			break;
		if (tail / n < least) {
			least = tail / n;
			best = (uint32_t)slices;
		}
		if (tail <= bytes / TAIL_SHARE)
			break;
	}
	return best;
}

int mm_depot_init(struct mm_depot *p, struct mm_ground *ground, uint32_t index,
		 uint32_t block_bytes)
{
	if (block_bytes < 8 || block_bytes % 8 || block_bytes > MM_DEPOT_BLOCK_MOST)
		return MM_EINVAL;
	mm_lock_is(&p->lock, MM_RANK_DEPOT);
	p->ground = ground;
	p->index = p->seat = index;
	p->block_bytes = block_bytes;
	p->slices = block_bytes <= SMALL_MOST ? slices_for(block_bytes)
					      : slices_for_large(block_bytes);
	p->blocks = (uint32_t)((uint64_t)p->slices * MM_SLICE_BYTES / block_bytes);
	for (uint64_t i = 0; i < MM_DEPOT_LISTS; i++) {
		p->bound[i] = (uint32_t)(((i + 1) * p->blocks + MM_DEPOT_LISTS - 1) /
					 MM_DEPOT_LISTS);
		if (p->bound[i] >= p->blocks) /* with all it goes */
			p->bound[i] = p->blocks - 1;
	}
	p->most = p->ready_from = p->huge_from = UINT64_MAX;
	p->reciprocal = ((UINT64_C(1) << 40) + block_bytes - 1) / block_bytes;
	p->batch = MM_SLICE_BYTES / 4 / block_bytes;
	p->batch = p->batch > MM_DEPOT_HEAP_BATCH ? MM_DEPOT_HEAP_BATCH : p->batch < 1 ? 1 : p->batch;
	return MM_OK;
}

/* --- lists ------------------------------------------------------------------------------ */

static void unlist(struct mm_depot *p, struct mm_slab *s)
{
	if (s->prev)
		mm_depot_slab(p, s->prev)->next = s->next;
	else
		p->list[s->list] = s->next;
	if (s->next)
		mm_depot_slab(p, s->next)->prev = s->prev;
	s->prev = s->next = 0;
}

static void enlist(struct mm_depot *p, struct mm_slab *s, uint32_t list)
{
	s->list = (uint16_t)list;
	s->next = p->list[list];
	if (s->next)
		mm_depot_slab(p, s->next)->prev = s->number;
	p->list[list] = s->number;
}

static void relist(struct mm_depot *p, struct mm_slab *s)
{
	uint32_t list = mm_depot_list_for(s);

	if (list == s->list)
		return;
	unlist(p, s);
	enlist(p, s, list);
}

/* --- slabs --------------------------------------------------------------------------------- */

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

static void drop_records(struct mm_depot *p, struct mm_slab *s)
{
	mm_meta_return(p->ground->meta, s->free_bits, mm_depot_words(p) * sizeof(uint64_t));
	mm_slab_slack_end(p->ground->meta, s->slack, p->blocks * sizeof(uint16_t));
	mm_meta_return(p->ground->meta, s->mover, p->blocks * sizeof(uint32_t));
	mm_slab_notes_end(p->ground->meta, s->notes,
			  (uint64_t)p->blocks * p->ground->note_bytes);
	mm_slabs_drop(p->ground->slabs, s);
}

/* Faults cost more than the pages do: a depot that has grown obtains those of a slab at
 * once, a large one asks for huge pages where one begins. What the system refuses comes
 * page by page. Without the lock: it takes as long as a thousand calls. */
static void obtain_pages(const struct pages *pages)
{
	for (uint32_t i = 0; i < pages->count; i++) {
		if (pages->huge)
			madvise((void *)(uintptr_t)pages->addr[i], (size_t)1 << HUGE_SHIFT,
				MADV_HUGEPAGE);
		madvise((void *)(uintptr_t)pages->addr[i], pages->bytes, MADV_POPULATE_WRITE);
	}
}

/* Notes a slab whose pages are to be obtained, unless it had them before. */
static void note_pages(struct mm_depot *p, const struct mm_slab *s, struct pages *pages)
{
	uint64_t bytes = mm_depot_span(p) * p->slab_count;

	if (p->ground->vspace->o.simulated || s->addr < p->reached)
		return;
	p->reached = s->addr + mm_depot_span(p);
	if (bytes < p->ready_from || pages->count == PAGES_MOST)
		return;
	pages->huge = bytes >= p->huge_from && !(s->addr & ((1 << HUGE_SHIFT) - 1));
	pages->bytes = mm_depot_span(p);
	pages->addr[pages->count++] = s->addr;
}

/* --- pages in use ---------------------------------------------------------------------------- */

static uint64_t tail_of(const struct mm_depot *p, uint64_t reach)
{
	uint64_t blocks = (uint64_t)p->blocks * p->block_bytes;

	return reach > blocks ? reach - blocks : 0;
}

static void set_reach(struct mm_depot *p, struct mm_slab *s, uint64_t reach)
{
	p->reach_bytes += reach - s->bytes;
	p->tail_bytes += tail_of(p, reach) - tail_of(p, s->bytes);
	s->bytes = reach;
}

/* A block that ends `end` bytes behind the slab's start goes out. */
static __attribute__((noinline)) void reach_out(struct mm_depot *p, struct mm_slab *s,
						uint64_t end)
{
	uint64_t page = p->ground->vspace->o.page_bytes, reach = (end + page - 1) & ~(page - 1);
	uint64_t before = s->bytes;

	mm_vspace_resize(p->ground->vspace, s->addr, s->slices, reach);
	set_reach(p, s, reach);
	mm_tell_slab_size(p->told, s, before);
}

uint64_t mm_depot_slab_external(const struct mm_depot *p, const struct mm_slab *s)
{
	return s->bytes - tail_of(p, s->bytes) - (uint64_t)(s->blocks - s->free) * p->block_bytes;
}

/* --- coming and going ------------------------------------------------------------------------ */

static struct mm_slab *new_slab(struct mm_depot *p, struct pages *pages)
{
	struct mm_ground *g = p->ground;
	struct mm_slab *s;

	uint64_t ready = mm_depot_span(p) * p->slab_count >= p->ready_from ? mm_depot_span(p) : 0;

	if (mm_gate_ask(&p->gate, mm_depot_span(p)))
		return NULL;
	if (mm_slabs_new(g->slabs, &s)) {
		mm_gate_tell(&p->gate, mm_depot_span(p));
		return NULL;
	}
	s->pool = p->index + 1;
	s->blocks = p->blocks;
	__atomic_store_n(&s->slices, p->slices, __ATOMIC_RELEASE); /* heap_notes.c looks */
	s->free_bits = mm_meta_borrow(g->meta, mm_depot_words(p) * sizeof(uint64_t));
	if (g->track)
		s->slack = mm_slab_slack(g->meta, s, p->blocks * sizeof(uint16_t));
	if (g->note_bytes)
		s->notes = mm_slab_notes(g->meta, s, (uint64_t)p->blocks * g->note_bytes);
	if (!s->free_bits || (g->track && !s->slack) || (g->note_bytes && !s->notes) ||
	    mm_vspace_take(g->vspace, p->slices, 1, ready, s->number, &s->addr)) {
		mm_gate_tell(&p->gate, mm_depot_span(p));
		drop_records(p, s);
		return NULL;
	}
	if (g->place)
		p->misplaced += g->place(g->place_arg, s->addr, mm_depot_span(p), p->node) != 0;
	mm_vspace_mark(g->vspace, s->addr, s->slices, s->pool);
	set_reach(p, s, ready ? ready : mm_vspace_adopt(g->vspace, s->addr, s->slices));
	note_pages(p, s, pages);
	all_free(s);
	enlist(p, s, mm_depot_list_for(s));
	p->slab_count++;
	p->slabs_made++;
	p->free += s->blocks;
	mm_tell_slab(p->told, s);
	return s;
}

static void let_go(struct mm_depot *p, struct mm_slab *s)
{
	for (int i = 0; i < MM_DEPOT_LASTS; i++)
		if (p->last[i] == s->number)
			p->last[i] = 0;
	if (p->look_next == s->number)
		p->look_next = 0;
	unlist(p, s);
	p->free -= s->blocks;
	p->slab_count--;
	p->slabs_gone++;
	mm_tell_slab_end(p->told, s);
	set_reach(p, s, 0);
	mm_vspace_give(p->ground->vspace, s->addr, s->slices);
	mm_gate_tell(&p->gate, mm_depot_span(p));
	drop_records(p, s);
}

/* --- blocks ---------------------------------------------------------------------------------- */

/* NULL: none has a row, and too much lies free in shorter ones for a new slab. */
static struct mm_slab *slab_with_row(struct mm_depot *p, uint32_t context, struct pages *pages)
{
	struct mm_slab *s = mm_depot_choose_row(p, context);

	if (s || p->free >= (uint64_t)p->slab_count * p->blocks / ROW_SHARE)
		return s;
	return new_slab(p, pages);
}

static struct mm_slab *next_slab(struct mm_depot *p, uint32_t context, struct pages *pages)
{
	struct mm_slab *s = mm_depot_choose(p, context);

	if (!s)
		s = new_slab(p, pages);
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
static inline void settle(struct mm_depot *p, struct mm_slab *s, uint32_t count, const struct cuts *cuts)
{
	s->free -= count;
	p->free -= count;
	if (count && end_of_last(p, s, cuts) > s->bytes)
		reach_out(p, s, end_of_last(p, s, cuts));
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

	for (uint32_t w = s->lowest; w < words && cuts->blocks < want && cuts->count < CUTS_MOST; w++) {
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

	stock->blocks = s->free;
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
	struct pages pages;
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
		relist(p, s);
		p->last[mm_depot_last_index(p, context)] = s->number;
	}
	mm_lock_give(&p->lock);
	obtain_pages(&pages);
	spell_out(&cuts, p->block_bytes, ret);
	return cuts.blocks;
}

uint64_t mm_depot_take_from(struct mm_depot *p, struct mm_slab *s)
{
	struct cuts cuts;
	uint64_t addr;

	cuts.count = cuts.blocks = 0;
	cut_lowest(p, s, 1, &cuts);
	relist(p, s);
	spell_out(&cuts, p->block_bytes, &addr);
	return addr;
}

/* A slab that has more free blocks than those of its list have, or all of them. */
static __attribute__((noinline)) void moves_on(struct mm_depot *p, struct mm_slab *s)
{
	if (s->free == s->blocks)
		let_go(p, s);
	else
		relist(p, s);
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

void mm_depot_purged(struct mm_depot *p)
{
	mm_lock_take(&p->lock);
	p->reached = 0;
	mm_lock_give(&p->lock);
}

/* --- all at once ------------------------------------------------------------------------------- */

int mm_depot_warm(struct mm_depot *p, uint64_t blocks)
{
	struct mm_slab *s;
	struct pages pages;

	/* Not one page is obtained for what there cannot be. */
	if (blocks > p->ground->vspace->bytes / p->block_bytes)
		return MM_ENOMEM;
	mm_lock_take(&p->lock);
	uint64_t before = p->ready_from;
	p->ready_from = 0;
	do {
		pages.count = 0;
		s = p->free < blocks ? new_slab(p, &pages) : NULL;
		obtain_pages(&pages);
	} while (s);
	int err = p->free < blocks ? MM_ENOMEM : MM_OK;
	for (uint32_t i = 0; i < MM_DEPOT_LISTS; i++)
		for (uint32_t n = p->list[i], next; n; n = next) {
			s = mm_depot_slab(p, n);
			next = s->next;
			if (s->free == s->blocks)
				let_go(p, s);
		}
	p->ready_from = before;
	mm_lock_give(&p->lock);
	return err;
}

void mm_depot_clear(struct mm_depot *p)
{
	mm_lock_take(&p->lock);
	for (uint32_t i = 0; i <= MM_DEPOT_FULL; i++)
		while (p->list[i]) {
			struct mm_slab *s = mm_depot_slab(p, p->list[i]);
			p->free += s->blocks - s->free;
			let_go(p, s);
		}
	mm_lock_give(&p->lock);
}
