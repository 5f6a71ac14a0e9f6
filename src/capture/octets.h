/* octets.h: a bounded reader of little-endian bytes.
 *
 * Promise: never reads at or past `end`; the first read that would sets `bad`,
 * and from then on every read gives 0. Callers check `bad` once, at the end.
 * Safe in a signal handler, no state of its own.
 */
#ifndef MM_CAPTURE_OCTETS_H
#define MM_CAPTURE_OCTETS_H

#include <stdint.h>

struct mm_octets {
	const uint8_t *p, *end;
	uint64_t bias; /* address of p minus p */
	int bad;
};

static inline uint64_t mm_octets_addr(const struct mm_octets *b)
{
	return (uint64_t)(uintptr_t)b->p + b->bias;
}

static inline int mm_octets_left(const struct mm_octets *b)
{
	return !b->bad && b->p < b->end;
}

/* An unsigned integer of n = 1, 2, 4 or 8 bytes. */
static inline uint64_t mm_octets_u(struct mm_octets *b, uint32_t n)
{
	uint64_t v = 0;

	if (b->bad || (uint64_t)(b->end - b->p) < n) {
		b->bad = 1;
		return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		v |= (uint64_t)b->p[i] << 8 * i;
	b->p += n;
	return v;
}

/* LEB128. Bits past the 64th are dropped, as every reader of this format does. */
static inline uint64_t mm_octets_leb(struct mm_octets *b, int is_signed)
{
	uint64_t v = 0;
	uint32_t shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)mm_octets_u(b, 1);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (is_signed && (byte & 0x40) && shift < 64)
		v |= ~UINT64_C(0) << shift;
	return v;
}

static inline uint64_t mm_octets_uleb(struct mm_octets *b)
{
	return mm_octets_leb(b, 0);
}

static inline int64_t mm_octets_sleb(struct mm_octets *b)
{
	return (int64_t)mm_octets_leb(b, 1);
}

/* The next n bytes as a reader of their own. */
static inline struct mm_octets mm_octets_take(struct mm_octets *b, uint64_t n)
{
	struct mm_octets part = *b;

	if (b->bad || (uint64_t)(b->end - b->p) < n) {
		b->bad = part.bad = 1;
		return part;
	}
	part.end = b->p += n;
	return part;
}

#endif
