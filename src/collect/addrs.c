/* addrs.c: the table of places (addrs.h). It grows by a quarter. Homes rise with the
 * tags, so growing reads the old table and fills the new one from front to back: pages of
 * the old one are let go on the way, and both together are never resident. */
#include "collect/addrs.h"

#include <sys/mman.h>

#include "core/error.h"

enum {
	FIRST_SIZE = 512,            /* places: a page */
	STRIDE = 2 * 1024 * 1024,    /* bytes of the old table let go at a time */
	HUGE = 8 * 1024 * 1024       /* bytes from which large pages pay: every look is a
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
	a->size = a->count = 0;
}

static size_t next(const struct mm_addrs *a, size_t i)
{
	return i + 1 == a->size ? 0 : i + 1;
}

static int is_it(const struct mm_addrs *a, uint32_t slot, uint64_t addr, int note)
{
	const struct mm_object *o = mm_objects_get(a->objects, slot);

	return o && o->addr == addr && (o->kind == MM_EV_NOTE_ALLOC) == (note != 0);
}

static size_t find(const struct mm_addrs *a, uint64_t addr, int note)
{
	uint32_t tag = mm_addrs_tag(addr);

	if (a->size == 0)
		return SIZE_MAX;
	for (size_t i = mm_addrs_home(a, tag);; i = next(a, i)) {
		const struct mm_addrs_place *p = &a->places[i];
		if (p->slot1 == 0)
			return SIZE_MAX;
		if (p->tag == tag && is_it(a, p->slot1 - 1, addr, note))
			return i;
	}
}

uint32_t mm_addrs_find(const struct mm_addrs *a, uint64_t addr, int note)
{
	size_t i = find(a, addr, note);

	return i == SIZE_MAX ? MM_NO_SLOT : a->places[i].slot1 - 1;
}

static size_t distance(const struct mm_addrs *a, size_t from, size_t to)
{
	return to >= from ? to - from : to + a->size - from;
}

uint32_t mm_addrs_take(struct mm_addrs *a, uint64_t addr, int note)
{
	size_t hole = find(a, addr, note);

	if (hole == SIZE_MAX)
		return MM_NO_SLOT;
	uint32_t slot = a->places[hole].slot1 - 1;
	for (size_t i = next(a, hole); a->places[i].slot1 != 0; i = next(a, i)) {
		size_t home = mm_addrs_home(a, a->places[i].tag);
		if (distance(a, home, i) >= distance(a, hole, i)) {
			a->places[hole] = a->places[i];
			hole = i;
		}
	}
	a->places[hole].slot1 = 0;
	a->count--;
	return slot;
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
	size_t old_size = a->size, size = old_size ? old_size + old_size / 4 : FIRST_SIZE;
	struct mm_addrs_place *old = a->places, *p = mmap(NULL, size * sizeof *p,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return MM_ENOMEM;
	if (size * sizeof *p >= HUGE)
		madvise(p, size * sizeof *p, MADV_HUGEPAGE);
	a->places = p;
	a->size = size;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i].slot1 != 0)
			store(a, old[i]);
		if ((i + 1) * sizeof *old % STRIDE == 0)
			madvise((char *)&old[i + 1] - STRIDE, STRIDE, MADV_DONTNEED);
	}
	unmap(old, old_size);
	return MM_OK;
}

int mm_addrs_put(struct mm_addrs *a, uint64_t addr, uint32_t slot)
{
	if (a->count + 1 > a->size / 5 * 4 && grow(a))
		return MM_ENOMEM;
	store(a, (struct mm_addrs_place){ mm_addrs_tag(addr), slot + 1 });
	a->count++;
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
