/* layout.c: measures of free ranges, of slabs and of huge pages (layout.h).
 *
 * Sources: Gorman and Whitcroft, "The What, The Why and the Where To of Anti-Fragmentation"
 * (2006), for the index; the share of the root of squares is Sawicki's.
 */
#include "replay/layout.h"

#include <stdlib.h>

enum { HUGE_SHIFT = 21, FIRST_POWER = 4 };

#define PPM UINT64_C(1000000)

struct sums {
	struct mm_layout *to;
	unsigned __int128 squares;
	uint64_t usable[MM_OUTCOME_POWERS]; /* bytes in pieces of that size */
	uint64_t out, blocks, used;
	uint64_t *huge;                     /* bytes in use of each 2 MiB */
	uint64_t base, huge_count;
};

static void add_range(void *arg, uint64_t addr, uint64_t bytes)
{
	struct sums *s = arg;

	(void)addr;
	s->to->free_bytes += bytes;
	s->to->range_count++;
	if (bytes > s->to->largest_bytes)
		s->to->largest_bytes = bytes;
	s->squares += (unsigned __int128)bytes * bytes;
	for (int j = 0; j < MM_OUTCOME_POWERS; j++)
		s->usable[j] += bytes >> (j + FIRST_POWER) << (j + FIRST_POWER);
}

static void add_blocks(void *arg, const struct mm_slab_view *v)
{
	struct sums *s = arg;
	uint64_t last = (v->addr + v->bytes - s->base) >> HUGE_SHIFT;

	if (v->block_bytes) {
		s->out += v->blocks - v->free;
		s->blocks += v->blocks;
	}
	s->used += v->bytes;
	if (last >= s->huge_count)
		s->huge_count = last + 1;
}

static void add_pages(void *arg, const struct mm_slab_view *v)
{
	struct sums *s = arg;

	for (uint64_t at = v->addr - s->base, end = at + v->bytes; at < end;) {
		uint64_t next = ((at >> HUGE_SHIFT) + 1) << HUGE_SHIFT;
		next = next < end ? next : end;
		s->huge[at >> HUGE_SHIFT] += next - at;
		at = next;
	}
}

static uint64_t root(unsigned __int128 n)
{
	uint64_t r = 0;

	for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1)
		if ((unsigned __int128)(r | bit) * (r | bit) <= n)
			r |= bit;
	return r;
}

static uint64_t share(uint64_t part, uint64_t all)
{
	return all ? (uint64_t)((unsigned __int128)part * PPM / all) : MM_UNKNOWN;
}

static uint64_t less_share(uint64_t part, uint64_t all)
{
	return all ? PPM - share(part, all) : MM_UNKNOWN;
}

static void settle(struct sums *s)
{
	struct mm_layout *l = s->to;
	uint64_t whole = 0;

	for (int j = 0; j < MM_OUTCOME_POWERS; j++)
		l->unusable_ppm[j] = l->free_bytes ? less_share(s->usable[j], l->free_bytes) : PPM;
	l->scattered_ppm = less_share(l->largest_bytes, l->free_bytes);
	l->spread_ppm = less_share(root(s->squares), l->free_bytes);
	l->utilised_ppm = share(s->out, s->blocks);
	for (uint64_t i = 0; i < s->huge_count; i++)
		whole += s->huge[i] >> HUGE_SHIFT << HUGE_SHIFT;
	l->huge_ppm = share(whole, s->used);
}

void mm_layout_of(struct mm_heap *h, struct mm_layout *ret)
{
	struct mm_layout l = { .known = 1 };
	struct sums s = { .to = &l };
	uint64_t bytes, disjoint;

	mm_heap_addresses(h, &s.base, &bytes);
	mm_heap_slabs(h, add_blocks, &s);
	if (!(s.huge = calloc(s.huge_count + 1, sizeof *s.huge)))
		return;
	mm_heap_slabs(h, add_pages, &s);
	mm_heap_each_free(h, add_range, &s);
	mm_heap_meshable(h, &l.mesh_pairs, &disjoint);
	l.meshable_ppm = share(disjoint, l.mesh_pairs);
	settle(&s);
	free(s.huge);
	*ret = l;
}
