/* stampclock.h: stamps of the targets become nanoseconds from the start.
 *
 * Promise: piecewise linear between anchors, and monotone: a later stamp never gets an
 * earlier time, however the two clocks drift against each other.
 * Vocabulary: stamp as in core/shm.h; anchor = a stamp and the CLOCK_MONOTONIC time
 * at which it was read; cursor = where a caller that goes forward in time last was.
 * Not shared between threads. No target can change what is in here.
 */
#ifndef MM_COLLECT_STAMPCLOCK_H
#define MM_COLLECT_STAMPCLOCK_H

#include <stddef.h>
#include <stdint.h>

struct mm_anchor {
	uint64_t stamp, ns; /* ns from the start */
	uint64_t mult;      /* ns a stamp up to the next anchor, times 2^32 */
};

/* Caller's memory. */
struct mm_stampclock {
	struct mm_anchor *anchors;
	size_t count, cap;
	uint64_t first;    /* number of anchors[0]: older ones were forgotten */
	uint64_t start_ns; /* CLOCK_MONOTONIC at the first anchor */
	uint32_t kind;     /* enum mm_clock_kind */
};

/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
uint64_t mm_monotonic_ns(void);

/* The kind that this kernel trusts: its clock source says so. Any thread. */
uint32_t mm_stampclock_kind(void);

/* Empty but for one anchor, read now: time 0. 0 or MM_ENOMEM. */
int mm_stampclock_init(struct mm_stampclock *c, uint32_t kind);
void mm_stampclock_deinit(struct mm_stampclock *c);

/* Reads both clocks, adds the anchor, and gives its stamp: no later than any stamp
 * taken after this returns. Without memory the last anchor is moved instead. */
uint64_t mm_stampclock_tick(struct mm_stampclock *c);

/* Adds an anchor that was read elsewhere; one that goes back is left out. 0, MM_ENOMEM. */
int mm_stampclock_add(struct mm_stampclock *c, uint64_t stamp, uint64_t ns);

/* Time of a stamp. *cursor is the caller's, zero at first. Stamps before the first
 * anchor get its time, stamps after the last get that one's. */
uint64_t mm_stampclock_find(const struct mm_stampclock *c, uint64_t *cursor, uint64_t stamp);

static inline uint64_t mm_stampclock_ns(const struct mm_stampclock *c, uint64_t *cursor,
					uint64_t stamp)
{
	uint64_t i = *cursor - c->first;

	/* Nearly always between the same two anchors as the stamp before. */
	if (i < c->count - 1 && c->anchors[i].stamp <= stamp && stamp < c->anchors[i + 1].stamp)
		return c->anchors[i].ns + (uint64_t)(((unsigned __int128)(
			stamp - c->anchors[i].stamp) * c->anchors[i].mult) >> 32);
	return mm_stampclock_find(c, cursor, stamp);
}

/* Nobody asks for stamps before this one again. */
void mm_stampclock_forget(struct mm_stampclock *c, uint64_t stamp);

#endif
