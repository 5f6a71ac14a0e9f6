/* classes.h: sizes to size classes: eight for each doubling, so that at most one byte in
 * eight is granted for nothing (above 64 bytes). Pure.
 *
 * Source: the spacing is mimalloc's and tcmalloc's; a block of a class is at a multiple of
 * its size from a slab's start, so classes that an alignment divides serve it.
 */
#ifndef MM_ALLOC_CLASSES_H
#define MM_ALLOC_CLASSES_H

#include <stdint.h>

enum {
	MM_CLASS_STEP = 16,          /* up to 128 bytes */
	MM_CLASS_SMALL = 8,          /* classes of that step */
	MM_CLASS_MOST = 32 * 1024,   /* bytes of the largest */
	MM_CLASSES = MM_CLASS_SMALL + 8 * 8
};

/* The class of a size from 1 to MM_CLASS_MOST. */
static inline uint32_t mm_class_of(uint64_t size)
{
	if (size <= MM_CLASS_SMALL * MM_CLASS_STEP)
		return (uint32_t)((size + MM_CLASS_STEP - 1) / MM_CLASS_STEP) - 1;
	uint32_t log = 63 - (uint32_t)__builtin_clzll(size - 1);
	return MM_CLASS_SMALL + (log - 7) * 8 + (uint32_t)((size - 1) >> (log - 3) & 7);
}

static inline uint32_t mm_class_bytes(uint32_t n)
{
	if (n < MM_CLASS_SMALL)
		return (n + 1) * MM_CLASS_STEP;
	n -= MM_CLASS_SMALL;
	return (9 + n % 8) << (n / 8 + 4);
}

/* The least class whose blocks hold `size` bytes at multiples of `align` (a power of two);
 * MM_CLASSES when there is none. */
static inline uint32_t mm_class_aligned(uint64_t size, uint64_t align)
{
	uint32_t n;

	if (size > MM_CLASS_MOST || align > MM_CLASS_MOST)
		return MM_CLASSES;
	for (n = mm_class_of(size < align ? align : size); n < MM_CLASSES; n++)
		if (mm_class_bytes(n) % align == 0)
			break;
	return n;
}

#endif
