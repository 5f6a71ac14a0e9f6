/* buf.h: a growing run of bytes, and growing typed arrays.
 *
 * struct mm_buf is the caller's, zero-initialised = empty. A failed growth leaves
 * the buffer as it was and sets `failed`, which stays set: a run of appends may be
 * checked once at its end. Not shared between threads.
 */
#ifndef MM_BASE_BUF_H
#define MM_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct mm_buf {
	uint8_t *data;
	size_t len, cap; /* bytes */
	int failed;      /* an append did not find memory */
};

void mm_buf_deinit(struct mm_buf *b);

/* Empties, keeps the memory. */
static inline void mm_buf_clear(struct mm_buf *b)
{
	b->len = 0;
	b->failed = 0;
}

/* Makes room for `more` bytes behind len: 0 or MM_ENOMEM. */
int mm_buf_reserve(struct mm_buf *b, size_t more);

/* Appends; each returns 0 or MM_ENOMEM. Fixed-width integers are little-endian. */
int mm_buf_put(struct mm_buf *b, const void *data, size_t len);
int mm_buf_u8(struct mm_buf *b, uint8_t v);
int mm_buf_u32(struct mm_buf *b, uint32_t v);
int mm_buf_u64(struct mm_buf *b, uint64_t v);
int mm_buf_varint(struct mm_buf *b, uint64_t v);
int mm_buf_printf(struct mm_buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Grows an array of `size`-byte items from *cap to at least `want`, doubling (by an
 * eighth from 8 MiB on); new items are zero. Returns 0 or MM_ENOMEM with *array as it was. */
int mm_array_grow(void *array, size_t *cap, size_t want, size_t size);

/* MM_GROW(a, cap, want): for a `T *a; size_t cap`. */
#define MM_GROW(a, cap, want) mm_array_grow(&(a), &(cap), (want), sizeof *(a))

#endif
