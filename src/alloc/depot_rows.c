/* depot_rows.c: free blocks in rows (depot.h).
 *
 * What is built in one go is later gone through in one go: in a pool that is full of single holes
 * it would lie on as many pages as there are blocks of it.
 */
#include "alloc/depot_parts.h"

enum { LOOKS = 16 };

/* At a slab's end a row is as long as the slab is. */
uint64_t mm_depot_rows(const struct mm_depot *p, const struct mm_slab *s, uint32_t word)
{
	uint64_t beyond = word == s->blocks / 64 ? ~UINT64_C(0) << s->blocks % 64 : 0;
	uint64_t bits = s->free_bits[word] | beyond, all;

	if (p->row == 64)
		return bits == ~UINT64_C(0) ? bits & ~beyond : 0;
	all = bits & bits >> 1;
	all &= all >> 2;
	all &= all >> 4; /* with which a row begins */
	all |= all << 1;
	all |= all << 2;
	all |= all << 4;
	return all & ~beyond;
}

int mm_depot_has_row(const struct mm_depot *p, const struct mm_slab *s)
{
	uint32_t words = mm_depot_words(p);

	for (uint32_t w = s->lowest; w < words; w++)
		if (mm_depot_rows(p, s, w))
			return 1;
	return 0;
}

/* The first slab of the lists from that one on; 0 = none. */
static uint32_t first_from(const struct mm_depot *p, uint32_t list)
{
	while (list < MM_DEPOT_LISTS && !p->list[list])
		list++;
	return list < MM_DEPOT_LISTS ? p->list[list] : 0;
}

/* Round and round. */
static uint32_t listed_behind(const struct mm_depot *p, const struct mm_slab *s)
{
	uint32_t n = s->next ? s->next : first_from(p, s->list + 1);

	return n ? n : first_from(p, 0);
}

struct mm_slab *mm_depot_find_row(struct mm_depot *p)
{
	uint32_t looks = p->slab_count < LOOKS ? p->slab_count : LOOKS, n = p->look_next;

	if (!n || mm_depot_slab(p, n)->list == MM_DEPOT_FULL)
		n = first_from(p, 0);
	for (; n && looks; looks--) {
		struct mm_slab *s = mm_depot_slab(p, n);
		p->look_next = n = listed_behind(p, s);
		if (mm_depot_has_row(p, s))
			return s;
	}
	return NULL;
}
