/* addrs.c: the table of places (addrs.h). It grows by half, so that a big heap never
 * pays for a doubling. */
#include "collect/addrs.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

enum { FIRST_SIZE = 256 };

void mm_addrs_deinit(struct mm_addrs *a)
{
	free(a->places);
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
		if (p->slot == MM_NO_SLOT)
			return SIZE_MAX;
		if (p->tag == tag && is_it(a, p->slot, addr, note))
			return i;
	}
}

uint32_t mm_addrs_find(const struct mm_addrs *a, uint64_t addr, int note)
{
	size_t i = find(a, addr, note);

	return i == SIZE_MAX ? MM_NO_SLOT : a->places[i].slot;
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
	uint32_t slot = a->places[hole].slot;
	for (size_t i = next(a, hole); a->places[i].slot != MM_NO_SLOT; i = next(a, i)) {
		size_t home = mm_addrs_home(a, a->places[i].tag);
		if (distance(a, home, i) >= distance(a, hole, i)) {
			a->places[hole] = a->places[i];
			hole = i;
		}
	}
	a->places[hole].slot = MM_NO_SLOT;
	a->count--;
	return slot;
}

static void store(struct mm_addrs *a, struct mm_addrs_place p)
{
	size_t i = mm_addrs_home(a, p.tag);

	while (a->places[i].slot != MM_NO_SLOT)
		i = next(a, i);
	a->places[i] = p;
}

static int grow(struct mm_addrs *a)
{
	size_t old_size = a->size, size = old_size ? old_size + old_size / 2 : FIRST_SIZE;
	struct mm_addrs_place *old = a->places, *p = malloc(size * sizeof *p);

	if (!p)
		return MM_ENOMEM;
	memset(p, 0xff, size * sizeof *p);
	a->places = p;
	a->size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].slot != MM_NO_SLOT)
			store(a, old[i]);
	free(old);
	return MM_OK;
}

int mm_addrs_put(struct mm_addrs *a, uint64_t addr, uint32_t slot)
{
	if (a->count + 1 > a->size / 5 * 4 && grow(a))
		return MM_ENOMEM;
	store(a, (struct mm_addrs_place){ mm_addrs_tag(addr), slot });
	a->count++;
	return MM_OK;
}

int mm_addrs_check(const struct mm_addrs *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->size; i++) {
		const struct mm_addrs_place *p = &a->places[i];
		if (p->slot == MM_NO_SLOT)
			continue;
		count++;
		for (size_t j = mm_addrs_home(a, p->tag); j != i; j = next(a, j))
			if (a->places[j].slot == MM_NO_SLOT)
				return MM_ECORRUPT;
	}
	return count == a->count ? MM_OK : MM_ECORRUPT;
}
