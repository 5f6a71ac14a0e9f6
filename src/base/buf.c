/* buf.c: growing bytes and arrays (buf.h). */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/varint.h"

enum { LARGE = 8 * 1024 * 1024 };

void mm_buf_deinit(struct mm_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof *b);
}

int mm_buf_reserve(struct mm_buf *b, size_t more)
{
	if (more <= b->cap - b->len)
		return MM_OK;
	size_t cap = b->cap ? b->cap : 256;
	while (cap - b->len < more) {
		if (cap > SIZE_MAX / 2)
			goto fail;
		cap *= 2;
	}
	uint8_t *p = realloc(b->data, cap);
	if (!p)
		goto fail;
	b->data = p;
	b->cap = cap;
	return MM_OK;
fail:
	b->failed = 1;
	return MM_ENOMEM;
}

int mm_buf_put(struct mm_buf *b, const void *data, size_t len)
{
	if (mm_buf_reserve(b, len))
		return MM_ENOMEM;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	return MM_OK;
}

int mm_buf_u8(struct mm_buf *b, uint8_t v)
{
	return mm_buf_put(b, &v, 1);
}

int mm_buf_u32(struct mm_buf *b, uint32_t v)
{
	uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			     (uint8_t)(v >> 24) };
	return mm_buf_put(b, bytes, 4);
}

int mm_buf_u64(struct mm_buf *b, uint64_t v)
{
	if (mm_buf_reserve(b, 8))
		return MM_ENOMEM;
	mm_buf_u32(b, (uint32_t)v);
	return mm_buf_u32(b, (uint32_t)(v >> 32));
}

int mm_buf_varint(struct mm_buf *b, uint64_t v)
{
	if (mm_buf_reserve(b, MM_VARINT_MAX))
		return MM_ENOMEM;
	b->len = (size_t)(mm_varint_put(b->data + b->len, v) - b->data);
	return MM_OK;
}

int mm_buf_printf(struct mm_buf *b, const char *format, ...)
{
	va_list ap, again;

	va_start(ap, format);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	int err = n < 0 ? MM_EINVAL : mm_buf_reserve(b, (size_t)n + 1);
	if (!err) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return err;
}

int mm_array_grow(void *array, size_t *cap, size_t want, size_t size)
{
	void *old, *p;

	if (want <= *cap)
		return MM_OK;
	size_t n = *cap ? *cap : 8;
	/* What is large grows by an eighth: it is then moved by its page tables, and half
	 * of it unused would be felt. */
	while (n < want)
		n = n > SIZE_MAX / 2 ? want : n * size < LARGE ? n * 2 : n + n / 8;
	if (n > SIZE_MAX / size)
		return MM_ENOMEM;
	memcpy(&old, array, sizeof old);
	p = realloc(old, n * size);
	if (!p)
		return MM_ENOMEM;
	memset((char *)p + *cap * size, 0, (n - *cap) * size);
	memcpy(array, &p, sizeof p);
	*cap = n;
	return MM_OK;
}
