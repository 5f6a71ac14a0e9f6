/* ratios.h: shares and rates as a report has them: integers, and unknown where there is no
 * answer. Pure. */
#ifndef MM_BASE_RATIOS_H
#define MM_BASE_RATIOS_H

#include <stdint.h>

#define MM_UNKNOWN UINT64_MAX /* a size, time, count or total that is not known: null */

static inline uint64_t mm_ratio_scaled(uint64_t part, uint64_t whole, uint64_t scale)
{
	if (part == MM_UNKNOWN || whole == MM_UNKNOWN || !whole)
		return MM_UNKNOWN;
	unsigned __int128 v = (unsigned __int128)part * scale / whole;
	return v < MM_UNKNOWN ? (uint64_t)v : MM_UNKNOWN;
}

/* part of whole in millionths. */
static inline uint64_t mm_ratio_ppm(uint64_t part, uint64_t whole)
{
	return mm_ratio_scaled(part, whole, 1000000);
}

static inline uint64_t mm_ratio_per_second(uint64_t count, uint64_t ns)
{
	return mm_ratio_scaled(count, ns, 1000000000);
}

/* sum += more, which may be unknown; a sum of nothing known stays unknown. */
static inline void mm_ratio_add(uint64_t *sum, uint64_t more)
{
	if (more != MM_UNKNOWN)
		*sum = (*sum == MM_UNKNOWN ? 0 : *sum) + more;
}

/* A counter that runs since the program's start, told now and then: in *base what it was when
 * the time `start` came, as far as that is known: the last value before, or the first one.
 * *base is MM_UNKNOWN at first; values come in the order of time. */
static inline void mm_ratio_base(uint64_t *base, uint64_t start, uint64_t time, uint64_t count)
{
	if (count != MM_UNKNOWN && (time < start || *base == MM_UNKNOWN))
		*base = start ? count : 0;
}

/* What it has counted since. */
static inline uint64_t mm_ratio_since(uint64_t count, uint64_t base)
{
	return count == MM_UNKNOWN || base == MM_UNKNOWN || base > count ? MM_UNKNOWN
									 : count - base;
}

#endif
