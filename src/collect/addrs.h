/* addrs.h: which slot lives at an address.
 *
 * Promise: eight bytes a place; at most 13 a live object once they are many, also while it
 * grows: the address itself stands only in the object (trace/objects.h), the table keeps 32
 * bits of its hash and the slot.
 * Vocabulary: place = an entry of the table; bucket = eight of them, a cache line; home = the
 * bucket its hash asks for.
 * A bucket is looked at as a whole, without a branch for each place; what does not fit into its
 * home goes to the next bucket that has room, and back as soon as there is. Not shared between
 * threads.
 */
#ifndef MM_COLLECT_ADDRS_H
#define MM_COLLECT_ADDRS_H

#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"
#include "trace/event.h"
#include "trace/objects.h"

/* The tag is the upper half of the word that mm_arch_match_upper() looks at. */
struct mm_addrs_place { uint32_t slot1, tag; /* slot + 1; both 0 = empty */ };

enum { MM_ADDRS_BUCKET = 8 };

/* Caller's memory, zero-initialised = empty; `objects` must be set and outlive it. */
struct mm_addrs {
	const struct mm_objects *objects;
	struct mm_addrs_place *places;
	size_t buckets, count, most; /* most = places that may be taken before it grows */
};

void mm_addrs_deinit(struct mm_addrs *a);

static inline uint32_t mm_addrs_tag(uint64_t addr)
{
	uint32_t tag = (uint32_t)((addr * UINT64_C(0x9E3779B97F4A7C15)) >> 32);

	return tag | (tag == 0);
}

static inline size_t mm_addrs_home(const struct mm_addrs *a, uint32_t tag)
{
	return (size_t)(((uint64_t)tag * a->buckets) >> 32);
}

static inline struct mm_addrs_place *mm_addrs_bucket(const struct mm_addrs *a, size_t bucket)
{
	return a->places + bucket * MM_ADDRS_BUCKET;
}

/* Hint for a coming call. Always inlined: gcc 12 takes a function that only prefetches for
 * one without effect and leaves its calls out. */
__attribute__((always_inline)) static inline void
mm_addrs_prefetch(const struct mm_addrs *a, uint64_t addr)
{
	if (a->buckets)
		__builtin_prefetch(mm_addrs_bucket(a, mm_addrs_home(a, mm_addrs_tag(addr))));
}

/* The slot that a coming call will most likely find, MM_NO_SLOT when it would have to
 * look further: good for a hint, nothing else. */
static inline uint32_t mm_addrs_guess(const struct mm_addrs *a, uint64_t addr)
{
	uint32_t tag = mm_addrs_tag(addr);

	if (a->buckets == 0)
		return MM_NO_SLOT;
	const struct mm_addrs_place *p = mm_addrs_bucket(a, mm_addrs_home(a, tag));
	uint32_t match = mm_arch_match_upper(p, tag);
	return match ? p[__builtin_ctz(match)].slot1 - 1 : MM_NO_SLOT;
}

/* Slot of the live object at addr, of the program's own allocator (mm_note_alloc) or
 * of the heap: both may have one there. MM_NO_SLOT when there is none. */
uint32_t mm_addrs_find(const struct mm_addrs *a, uint64_t addr, int note);

/* As find, and takes it out. The object must still be alive. */
uint32_t mm_addrs_take(struct mm_addrs *a, uint64_t addr, int note);

/* The place where an object at addr belongs, for mm_addrs_set before any other call, and in
 * *ret_slot the slot of one that lives there, or MM_NO_SLOT. 0 or MM_ENOMEM. */
int mm_addrs_seek(struct mm_addrs *a, uint64_t addr, int note, size_t *ret_place,
		  uint32_t *ret_slot);

/* The object at addr is now the one at slot. */
static inline void mm_addrs_set(struct mm_addrs *a, size_t place, uint64_t addr, uint32_t slot)
{
	struct mm_addrs_place *p = &a->places[place];

	a->count += p->slot1 == 0;
	p->tag = mm_addrs_tag(addr);
	p->slot1 = slot + 1;
}

/* 0 when every place can be found from its home and the count is right (O(n)). */
int mm_addrs_check(const struct mm_addrs *a);

#endif
