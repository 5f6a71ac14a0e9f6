/* addrs.c: the table of places (addrs.h). It doubles while it is small and then grows by a
 * quarter. Homes rise with the tags, so growing reads the old table and fills the new one
 * from front to back: pages of the old one are let go on the way, and both together are
 * never resident. */
#include "collect/addrs.h"

#include <sys/mman.h>

#include "core/error.h"
#include "trace/objects_state.h"

enum {
	FIRST_SIZE = 64,             /* buckets: a page */
	SMALL = 128 * 1024,          /* buckets: it is not felt that half of them are empty */
	STRIDE = 2 * 1024 * 1024,    /* bytes of the old table let go at a time */
	HUGE = 32 * 1024 * 1024      /* bytes from which large pages pay: every look is a
	                                miss, and need not be two */
};

static size_t bytes_of(size_t buckets)
{
	return buckets * MM_ADDRS_BUCKET * sizeof(struct mm_addrs_place);
}

static void unmap(struct mm_addrs_place *p, size_t buckets)
{
	if (p)
		munmap(p, bytes_of(buckets));
}

void mm_addrs_deinit(struct mm_addrs *a)
{
	unmap(a->places, a->buckets);
	a->places = NULL;
	a->buckets = a->count = a->most = 0;
}

static inline size_t next(const struct mm_addrs *a, size_t bucket)
{
	return bucket + 1 == a->buckets ? 0 : bucket + 1;
}

static inline uint32_t empty_ones(const struct mm_addrs_place *bucket)
{
	return mm_arch_match_upper(bucket, 0);
}

/* The place of the object at addr, or an empty one for it where it is not to be found. The
 * table has at least one. */
static inline struct mm_addrs_place *probe(const struct mm_addrs *a, uint64_t addr, int note)
{
	uint32_t tag = mm_addrs_tag(addr), empty;

	for (size_t at = mm_addrs_home(a, tag);; at = next(a, at)) {
		struct mm_addrs_place *bucket = mm_addrs_bucket(a, at);
		for (uint32_t m = mm_arch_match_upper(bucket, tag); m; m &= m - 1) {
			struct mm_addrs_place *p = &bucket[__builtin_ctz(m)];
			if (mm_objects_lives_at(a->objects, p->slot1 - 1, addr, note))
				return p;
		}
		if ((empty = empty_ones(bucket)) != 0)
			return &bucket[__builtin_ctz(empty)];
	}
}

uint32_t mm_addrs_find(const struct mm_addrs *a, uint64_t addr, int note)
{
	return a->buckets ? probe(a, addr, note)->slot1 - 1 : MM_NO_SLOT;
}

static size_t distance(const struct mm_addrs *a, size_t from, size_t to)
{
	return to >= from ? to - from : to + a->buckets - from;
}

/* In the bucket at `at`, a place that `full` was in the way of; NULL = none. */
static struct mm_addrs_place *kept_away(const struct mm_addrs *a, size_t at, size_t full)
{
	struct mm_addrs_place *bucket = mm_addrs_bucket(a, at);

	for (int i = 0; i < MM_ADDRS_BUCKET; i++)
		if (bucket[i].slot1 != 0 && distance(a, mm_addrs_home(a, bucket[i].tag), at) >=
						    distance(a, full, at))
			return &bucket[i];
	return NULL;
}

/* A place has become empty in a bucket that was full: those behind it that have been kept
 * from it move up. */
__attribute__((noinline)) static void move_up(struct mm_addrs *a, struct mm_addrs_place *hole)
{
	size_t full = (size_t)(hole - a->places) / MM_ADDRS_BUCKET, at = full;
	uint32_t was_empty;

	do {
		at = next(a, at);
		was_empty = empty_ones(mm_addrs_bucket(a, at));
		struct mm_addrs_place *p = kept_away(a, at, full);
		if (p) {
			*hole = *p;
			*p = (struct mm_addrs_place){ 0, 0 };
			hole = p;
			full = at;
		}
	} while (!was_empty);
}

uint32_t mm_addrs_take(struct mm_addrs *a, uint64_t addr, int note)
{
	if (a->buckets == 0)
		return MM_NO_SLOT;
	struct mm_addrs_place *p = probe(a, addr, note);
	uint32_t slot1 = p->slot1;

	if (slot1 == 0)
		return MM_NO_SLOT;
	size_t at = (size_t)(p - a->places) / MM_ADDRS_BUCKET;
	int was_full = empty_ones(mm_addrs_bucket(a, at)) == 0;
	*p = (struct mm_addrs_place){ 0, 0 };
	a->count--;
	if (was_full)
		move_up(a, p);
	return slot1 - 1;
}

static void store(struct mm_addrs *a, struct mm_addrs_place p)
{
	size_t at = mm_addrs_home(a, p.tag);
	uint32_t empty;

	while ((empty = empty_ones(mm_addrs_bucket(a, at))) == 0)
		at = next(a, at);
	mm_addrs_bucket(a, at)[__builtin_ctz(empty)] = p;
}

static void fill_from(struct mm_addrs *a, struct mm_addrs_place *old, size_t places)
{
	for (size_t i = 0; i < places; i++) {
		if (old[i].slot1 != 0)
			store(a, old[i]);
		if ((i + 1) * sizeof *old % STRIDE == 0)
			madvise((char *)&old[i + 1] - STRIDE, STRIDE, MADV_DONTNEED);
	}
}

static int grow(struct mm_addrs *a)
{
	size_t old_size = a->buckets, size = old_size == 0 ? FIRST_SIZE :
		old_size < SMALL ? old_size * 2 : old_size + old_size / 4;
	struct mm_addrs_place *old = a->places, *p = mmap(NULL, bytes_of(size),
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return MM_ENOMEM;
	if (bytes_of(size) >= HUGE)
		madvise(p, bytes_of(size), MADV_HUGEPAGE);
	a->places = p;
	a->buckets = size;
	a->most = size * MM_ADDRS_BUCKET / 5 * 4;
	fill_from(a, old, old_size * MM_ADDRS_BUCKET);
	unmap(old, old_size);
	return MM_OK;
}

int mm_addrs_seek(struct mm_addrs *a, uint64_t addr, int note, size_t *ret_place,
		  uint32_t *ret_slot)
{
	if (a->count >= a->most && grow(a))
		return MM_ENOMEM;
	struct mm_addrs_place *p = probe(a, addr, note);
	*ret_place = (size_t)(p - a->places);
	*ret_slot = p->slot1 - 1;
	return MM_OK;
}

int mm_addrs_check(const struct mm_addrs *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->buckets * MM_ADDRS_BUCKET; i++) {
		const struct mm_addrs_place *p = &a->places[i];
		if ((p->slot1 == 0) != (p->tag == 0))
			return MM_ECORRUPT;
		if (p->slot1 == 0)
			continue;
		count++;
		for (size_t j = mm_addrs_home(a, p->tag); j != i / MM_ADDRS_BUCKET; j = next(a, j))
			if (empty_ones(mm_addrs_bucket(a, j)))
				return MM_ECORRUPT;
	}
	return count == a->count ? MM_OK : MM_ECORRUPT;
}
