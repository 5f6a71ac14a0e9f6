/* map.c: the address map (map.h). Deletion after Knuth, TAOCP 6.4, algorithm R. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

void mm_map_deinit(struct mm_map *m)
{
	free(m->places);
	memset(m, 0, sizeof *m);
}

struct mm_map_place *mm_map_find(const struct mm_map *m, uint64_t key)
{
	if (!m->places)
		return NULL;
	for (size_t i = mm_map_hash(key) & m->mask;; i = (i + 1) & m->mask) {
		if (m->places[i].key == key)
			return &m->places[i];
		if (!m->places[i].key)
			return NULL;
	}
}

static int grow(struct mm_map *m)
{
	size_t n = m->places ? (m->mask + 1) * 2 : 64;
	struct mm_map_place *old = m->places, *p = calloc(n, sizeof *p);

	if (!p)
		return MM_ENOMEM;
	for (size_t i = 0; old && i <= m->mask; i++) {
		if (!old[i].key)
			continue;
		size_t j = mm_map_hash(old[i].key) & (n - 1);
		while (p[j].key)
			j = (j + 1) & (n - 1);
		p[j] = old[i];
	}
	free(old);
	m->places = p;
	m->mask = n - 1;
	return MM_OK;
}

int mm_map_set(struct mm_map *m, uint64_t key, uint32_t value)
{
	if ((!m->places || m->count + 1 > (m->mask + 1) / 4 * 3) && grow(m))
		return MM_ENOMEM;
	size_t i = mm_map_hash(key) & m->mask;
	while (m->places[i].key && m->places[i].key != key)
		i = (i + 1) & m->mask;
	m->count += m->places[i].key == 0;
	m->places[i].key = key;
	m->places[i].value = value;
	return MM_OK;
}

static void close_gap(struct mm_map *m, size_t hole)
{
	for (size_t i = (hole + 1) & m->mask; m->places[i].key; i = (i + 1) & m->mask) {
		size_t home = mm_map_hash(m->places[i].key) & m->mask;
		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->places[hole] = m->places[i];
			hole = i;
		}
	}
	m->places[hole].key = 0;
}

int mm_map_take(struct mm_map *m, uint64_t key, uint32_t *ret)
{
	struct mm_map_place *p = mm_map_find(m, key);

	if (!p)
		return 0;
	*ret = p->value;
	close_gap(m, (size_t)(p - m->places));
	m->count--;
	return 1;
}
