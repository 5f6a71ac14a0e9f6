/* depot_parts.h: what the files of the depot share (depot.h): for depot*.c. */
#ifndef MM_ALLOC_DEPOT_PARTS_H
#define MM_ALLOC_DEPOT_PARTS_H

#include "alloc/depot.h"

static inline struct mm_slab *mm_depot_slab(const struct mm_depot *p, uint32_t number)
{
	return mm_slab_at(p->ground->slabs, number);
}

/* The list of slabs as full as that one. */
static inline uint32_t mm_depot_list_for(const struct mm_slab *s)
{
	return s->free ? (uint32_t)((uint64_t)(s->free - 1) * MM_DEPOT_LISTS / s->blocks)
		       : MM_DEPOT_FULL;
}

/* Of a slab's bitmap. */
static inline uint32_t mm_depot_words(const struct mm_depot *p)
{
	return (p->blocks + 63) / 64;
}

#endif
