/* bytes.h: a bounded walk over bytes of a trace.
 *
 * A struct mm_bytes is a window; every read checks what is left and, when it is not
 * enough, sets `bad`, empties the window and gives zeros: a parser may check once at its
 * end. Never reads outside [p, end).
 */
#ifndef MM_TRACE_BYTES_H
#define MM_TRACE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "core/varint.h"

struct mm_bytes {
	const uint8_t *p, *end;
	int bad;
};

static inline struct mm_bytes mm_bytes_of(const void *data, size_t len)
{
	return (struct mm_bytes){ data, len ? (const uint8_t *)data + len : data, 0 };
}

static inline size_t mm_bytes_left(const struct mm_bytes *b)
{
	return (size_t)(b->end - b->p);
}

static inline void mm_bytes_fail(struct mm_bytes *b)
{
	b->bad = 1;
	b->p = b->end;
}

/* Next `len` bytes, or NULL. */
static inline const uint8_t *mm_bytes_take(struct mm_bytes *b, uint64_t len)
{
	const uint8_t *p = b->p;

	if (len > mm_bytes_left(b)) {
		mm_bytes_fail(b);
		return NULL;
	}
	b->p += len;
	return p;
}

static inline uint64_t mm_bytes_varint(struct mm_bytes *b)
{
	uint64_t v = 0;
	const uint8_t *p = mm_varint_get(b->p, b->end, &v);

	if (!p) {
		mm_bytes_fail(b);
		return 0;
	}
	b->p = p;
	return v;
}

/* A varint that must fit 32 bits. */
static inline uint32_t mm_bytes_u32(struct mm_bytes *b)
{
	uint64_t v = mm_bytes_varint(b);

	if (v > UINT32_MAX) {
		mm_bytes_fail(b);
		return 0;
	}
	return (uint32_t)v;
}

static inline uint8_t mm_bytes_u8(struct mm_bytes *b)
{
	const uint8_t *p = mm_bytes_take(b, 1);

	return p ? *p : 0;
}

/* A window over the next `len` bytes. */
static inline struct mm_bytes mm_bytes_sub(struct mm_bytes *b, uint64_t len)
{
	const uint8_t *p = mm_bytes_take(b, len);

	return p ? mm_bytes_of(p, (size_t)len) : (struct mm_bytes){ NULL, NULL, 1 };
}

#endif
