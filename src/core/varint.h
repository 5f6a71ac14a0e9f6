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

static inline const uint8_t *mm_varint_walk(const uint8_t *p, const uint8_t *end, uint64_t *ret)
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

/* Eight bytes, the first one lowest: written out, so that compilers see one load. */
static inline uint64_t mm_varint_word(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* Seven bits of each byte, side by side. */
static inline uint64_t mm_varint_close_up(uint64_t v)
{
	v = (v & UINT64_C(0x007f007f007f007f)) | (v & UINT64_C(0x7f007f007f007f00)) >> 1;
	v = (v & UINT64_C(0x00003fff00003fff)) | (v & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (v & UINT64_C(0x000000000fffffff)) | (v & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* Reads one integer from [p, end); returns the byte after it, or NULL when the
 * input ends or the number does not fit 64 bits. How long it is a processor seldom foresees:
 * up to eight bytes are taken without a branch for each. */
static inline const uint8_t *mm_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	if (end - p < 8)
		return mm_varint_walk(p, end, ret);
	if (*p < 0x80) {
		*ret = *p;
		return p + 1;
	}
	uint64_t word = mm_varint_word(p);
	uint64_t last = ~word & UINT64_C(0x8080808080808080);
	if (!last)
		return mm_varint_walk(p, end, ret);
	*ret = mm_varint_close_up(word & (last ^ (last - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f));
	return p + __builtin_ctzll(last) / 8 + 1;
}

#endif
