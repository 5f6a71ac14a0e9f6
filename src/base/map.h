/* map.h: a hash map from 64-bit keys to 32-bit values, made for addresses.
 *
 * Open addressing with linear probing and backward-shift deletion, so no
 * tombstones; 16 bytes a place, load at most 3/4. A key may be any value but 0.
 * Not shared between threads.
 */
#ifndef MM_BASE_MAP_H
#define MM_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct mm_map_place { uint64_t key; uint32_t value, pad; };

/* Caller's memory, zero-initialised = empty. */
struct mm_map {
	struct mm_map_place *places;
	size_t count, mask; /* mask = places - 1; 0 when places is NULL */
};

void mm_map_deinit(struct mm_map *m);

static inline size_t mm_map_hash(uint64_t key)
{
	key = (key >> 4) * UINT64_C(0x9E3779B97F4A7C15);
	return (size_t)(key ^ key >> 29);
}

/* Brings the place of `key` nearer (a hint for a coming call). */
__attribute__((always_inline)) static inline void mm_map_prefetch(const struct mm_map *m, uint64_t key)
{
	if (m->places)
		__builtin_prefetch(&m->places[mm_map_hash(key) & m->mask]);
}

/* Place of key, or NULL. Valid until the next change. */
struct mm_map_place *mm_map_find(const struct mm_map *m, uint64_t key);

/* Sets key to value, replacing; 0 or MM_ENOMEM. */
int mm_map_set(struct mm_map *m, uint64_t key, uint32_t value);

/* Takes key out; 1 with *ret when it was there, else 0. */
int mm_map_take(struct mm_map *m, uint64_t key, uint32_t *ret);

#endif
