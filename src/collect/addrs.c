/* addrs.c: the table of places (addrs.h). It doubles while it is small and then grows by a
 * quarter. Homes rise with the tags, so growing reads the old table and fills the new one
 * from front to back: pages of the old one are let go on the way, and both together are
 * never resident. */
#include "collect/addrs.h"

#include <sys/mman.h>

#include "core/error.h"
#include "trace/objects_state.h"

enum {
	FIRST_SIZE = 512,            /* places: a page */
	SMALL = 1024 * 1024,         /* places: it is not felt that half of them are empty */
	STRIDE = 2 * 1024 * 1024,    /* bytes of the old table let go at a time */
	HUGE = 32 * 1024 * 1024      /* bytes from which large pages pay: every look is a
	                                miss, and need not be two */
};

static void unmap(struct mm_addrs_place *p, size_t size)
{
	if (p)
		munmap(p, size * sizeof *p);
}

void mm_addrs_deinit(struct mm_addrs *a)
{
	unmap(a->places, a->size);
	a->places = NULL;
	a->size = a->count = a->most = 0;
}

static inline size_t next(const struct mm_addrs *a, size_t i)
{
	return i + 1 == a->size ? 0 : i + 1;
}

/* The place of the object at addr, or the first empty one where it is not to be found. The
 * table has at least one. */
static inline size_t probe(const struct mm_addrs *a, uint64_t addr, int note)
{
	uint32_t tag = mm_addrs_tag(addr);
	size_t i = mm_addrs_home(a, tag);

	for (;; i = next(a, i)) {
		const struct mm_addrs_place *p = &a->places[i];
		if (p->slot1 == 0 ||
		    (p->tag == tag && mm_objects_lives_at(a->objects, p->slot1 - 1, addr, note)))
			return i;
	}
}

uint32_t mm_addrs_find(const struct mm_addrs *a, uint64_t addr, int note)
{
	return a->size ? a->places[probe(a, addr, note)].slot1 - 1 : MM_NO_SLOT;
}

static size_t distance(const struct mm_addrs *a, size_t from, size_t to)
{
	return to >= from ? to - from : to + a->size - from;
}

/* Empties a place; those behind it that have been kept from it by others move up. */
static inline void vacate(struct mm_addrs *a, size_t hole)
{
	for (size_t i = next(a, hole); a->places[i].slot1 != 0; i = next(a, i)) {
		size_t home = mm_addrs_home(a, a->places[i].tag);
		if (distance(a, home, i) >= distance(a, hole, i)) {
			a->places[hole] = a->places[i];
			hole = i;
		}
	}
	a->places[hole].slot1 = 0;
	a->count--;
}

uint32_t mm_addrs_take(struct mm_addrs *a, uint64_t addr, int note)
{
	if (a->size == 0)
		return MM_NO_SLOT;
	size_t i = probe(a, addr, note);
	uint32_t slot1 = a->places[i].slot1;

	if (slot1 != 0)
		vacate(a, i);
	return slot1 - 1;
}

static void store(struct mm_addrs *a, struct mm_addrs_place p)
{
	size_t i = mm_addrs_home(a, p.tag);

	while (a->places[i].slot1 != 0)
		i = next(a, i);
	a->places[i] = p;
}

static int grow(struct mm_addrs *a)
{
	size_t old_size = a->size, size = old_size == 0 ? FIRST_SIZE :
		old_size < SMALL ? old_size * 2 : old_size + old_size / 4;
	struct mm_addrs_place *old = a->places, *p = mmap(NULL, size * sizeof *p,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return MM_ENOMEM;
	if (size * sizeof *p >= HUGE)
		madvise(p, size * sizeof *p, MADV_HUGEPAGE);
	a->places = p;
	a->size = size;
	a->most = size / 5 * 4;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i].slot1 != 0)
			store(a, old[i]);
		if ((i + 1) * sizeof *old % STRIDE == 0)
			madvise((char *)&old[i + 1] - STRIDE, STRIDE, MADV_DONTNEED);
	}
	unmap(old, old_size);
	return MM_OK;
}

int mm_addrs_seek(struct mm_addrs *a, uint64_t addr, int note, size_t *ret_place,
		  uint32_t *ret_slot)
{
	if (a->count >= a->most && grow(a))
		return MM_ENOMEM;
	*ret_place = probe(a, addr, note);
	*ret_slot = a->places[*ret_place].slot1 - 1;
	return MM_OK;
}

int mm_addrs_check(const struct mm_addrs *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->size; i++) {
		const struct mm_addrs_place *p = &a->places[i];
		if (p->slot1 == 0)
			continue;
		count++;
		for (size_t j = mm_addrs_home(a, p->tag); j != i; j = next(a, j))
			if (a->places[j].slot1 == 0)
				return MM_ECORRUPT;
	}
	return count == a->count ? MM_OK : MM_ECORRUPT;
}
