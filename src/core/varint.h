/* varint.h: LEB128 integers and zigzag, bounded.
 *
 * Promise: a decoder never reads past `end`, never accepts more than 64 bits,
 * and says so by returning NULL. Signal-safe, no state.
 */
#ifndef MM_CORE_VARINT_H
#define MM_CORE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { MM_VARINT_MAX = 10 }; /* bytes of the longest encoding */

static inline uint64_t mm_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t mm_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* Writes v at p (room for MM_VARINT_MAX bytes); returns the byte after it. */
static inline uint8_t *mm_varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* Reads one integer from [p, end); returns the byte after it, or NULL when the
 * input ends or the number does not fit 64 bits. */
static inline const uint8_t *mm_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
		uint8_t b = *p++;
		if (shift == 63 && b > 1)
			return NULL;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return p;
		}
	}
	return NULL;
}

#endif
