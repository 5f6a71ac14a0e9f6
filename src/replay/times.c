/* times.c: cells summed up (times.h). */
#include "replay/times.h"

#include "trace/event.h"

enum { LONGER_AT_LEAST = 10, MILLION = 1000000 };

void mm_times_merge(struct mm_times *t, const struct mm_times *more)
{
	for (int i = 0; i < MM_TIMES_CELLS; i++)
		t->cell[i] += more->cell[i];
}

uint64_t mm_times_count(const struct mm_times *t)
{
	uint64_t count = 0;

	for (int i = 0; i < MM_TIMES_CELLS; i++)
		count += t->cell[i];
	return count;
}

/* The longest time of a cell. */
static uint64_t longest(uint32_t cell)
{
	uint32_t power = cell < 2 * MM_TIMES_STEPS ? 0 : cell / MM_TIMES_STEPS - 1;
	uint64_t step = cell - (uint64_t)power * MM_TIMES_STEPS;

	return ((step + 1) << power) - 1;
}

uint64_t mm_times_share(const struct mm_times *t, uint32_t ppm)
{
	uint64_t count = mm_times_count(t), below = 0;
	uint64_t wanted = (count * ppm + MILLION - 1) / MILLION;

	if (count - wanted < LONGER_AT_LEAST)
		return MM_UNKNOWN;
	for (uint32_t i = 0; i < MM_TIMES_CELLS; i++)
		if ((below += t->cell[i]) >= wanted && below)
			return longest(i);
	return MM_UNKNOWN;
}
