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

/* Bytes of a slab's slices. */
static inline uint64_t mm_depot_span(const struct mm_depot *p)
{
	return (uint64_t)p->slices * MM_SLICE_BYTES;
}

/* Small blocks of different contexts are kept apart: they would share cache lines, and their
 * slabs' records. */
enum { MM_DEPOT_APART_MOST = 1024 };

static inline uint32_t mm_depot_last_index(const struct mm_depot *p, uint32_t context)
{
	return p->block_bytes <= MM_DEPOT_APART_MOST ? context % MM_DEPOT_LASTS : 0;
}

/* depot.c. All but the last with the depot's lock.
 *
 * Pages of new slabs, to be obtained once the lock is given; count 0 before. */
enum { MM_DEPOT_PAGES_MOST = 8 };

struct mm_depot_pages {
	uint32_t count;
	int huge;
	uint64_t bytes, addr[MM_DEPOT_PAGES_MOST];
};

/* NULL: the gate refuses it, or there is no memory. */
struct mm_slab *mm_depot_new_slab(struct mm_depot *p, struct mm_depot_pages *pages);
/* Of which nothing is out, or nobody has what is. */
void mm_depot_let_go(struct mm_depot *p, struct mm_slab *s);
/* More or less of it is free than before. */
void mm_depot_relist(struct mm_depot *p, struct mm_slab *s);
/* A block that ends `end` bytes behind the slab's start, and behind those in use, goes out. */
void mm_depot_reach_out(struct mm_depot *p, struct mm_slab *s, uint64_t end);
/* Faults cost more than the pages do: a depot that has grown obtains those of a slab at
 * once, a large one asks for huge pages where one begins. What the system refuses comes
 * page by page. It takes as long as a thousand calls. */
void mm_depot_obtain_pages(const struct mm_depot_pages *pages);

/* depot_rows.c. Of a word of a slab's bitmap: the free blocks that are in rows; whether the slab has
 * a row; a slab that has, of the next few that are looked at in turn, or NULL. */
uint64_t mm_depot_rows(const struct mm_depot *p, const struct mm_slab *s, uint32_t word);
int mm_depot_has_row(const struct mm_depot *p, const struct mm_slab *s);
struct mm_slab *mm_depot_find_row(struct mm_depot *p);

/* depot_choice.c. NULL: none, or a new one is wanted, and any free one if that is not to be had. */
struct mm_slab *mm_depot_choose(struct mm_depot *p, uint32_t context);
struct mm_slab *mm_depot_any_free(const struct mm_depot *p);
/* The same of slabs with a row; NULL: none was found. */
struct mm_slab *mm_depot_choose_row(struct mm_depot *p, uint32_t context);

#endif
