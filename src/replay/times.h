/* times.h: how long single calls took, in a histogram whose cells grow with what is in them.
 *
 * Promise: adding is a few instructions and takes no memory; a share that is read off is at
 * least the true one of the times added, and at most a sixteenth more.
 * Vocabulary: cell = 1/16 of a power of two, of 1 ns below 16 ns.
 * Not shared between threads.
 */
#ifndef MM_REPLAY_TIMES_H
#define MM_REPLAY_TIMES_H

#include <stdint.h>

enum { MM_TIMES_STEPS_LOG2 = 4, MM_TIMES_STEPS = 1 << MM_TIMES_STEPS_LOG2,
	MM_TIMES_POWERS = 37 /* up to 2^40 ns: longer is the last cell's */,
	MM_TIMES_CELLS = MM_TIMES_STEPS * MM_TIMES_POWERS };

struct mm_times { uint32_t cell[MM_TIMES_CELLS]; }; /* zeroed = empty */

static inline uint32_t mm_times_cell(uint64_t ns)
{
	if (ns < MM_TIMES_STEPS)
		return (uint32_t)ns;
	uint32_t power = 63 - (uint32_t)__builtin_clzll(ns) - MM_TIMES_STEPS_LOG2;
	uint64_t cell = (uint64_t)power * MM_TIMES_STEPS + (ns >> power);

	return cell < MM_TIMES_CELLS ? (uint32_t)cell : MM_TIMES_CELLS - 1;
}

static inline void mm_times_add(struct mm_times *t, uint64_t ns)
{
	t->cell[mm_times_cell(ns)]++;
}

void mm_times_merge(struct mm_times *t, const struct mm_times *more);
uint64_t mm_times_count(const struct mm_times *t);

/* The time that ppm of a million were not longer than, in nanoseconds; MM_UNKNOWN where fewer than
 * ten times are longer: that is too few to tell. */
uint64_t mm_times_share(const struct mm_times *t, uint32_t ppm);

#endif
