/* utf8.c: validity, escapes and widths (utf8.h). */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

static uint32_t decode(const unsigned char *p, size_t n)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

size_t mm_utf8_length(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (n == 1)
		return p[0] != 0;
	if (p[0] < 0xc2 || p[0] >= 0xf5)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	uint32_t c = decode(p, n);
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

/* Controls, line and paragraph separators, marks of direction, joiners without a width. */
static int is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

static size_t escape_one(char *out, const char *text, size_t n, int ascii)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c = n ? decode(p, n) : 0;

	if (n == 0 || (n == 1 && is_unsafe(c)))
		return (size_t)sprintf(out, "\\x%02x", p[0]);
	if (is_unsafe(c) || (ascii && n > 1))
		return (size_t)sprintf(out, "\\u{%x}", c);
	memcpy(out, text, n);
	return n;
}

char *mm_utf8_escape(char *buf, size_t size, const char *text, int ascii)
{
	size_t used = 0;

	while (*text) {
		char one[16];
		size_t n = mm_utf8_length(text);
		size_t len = escape_one(one, text, n, ascii);
		if (used + len + 1 > size)
			break;
		memcpy(buf + used, one, len);
		used += len;
		text += n ? n : 1;
	}
	if (size)
		buf[used] = 0;
	return buf;
}

/* East Asian wide and emoji blocks take two cells; combining marks none. */
static unsigned width_of(uint32_t c)
{
	if ((c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
	    (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	       (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	       (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	       (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd) ? 2 : 1;
}

size_t mm_utf8_take(const char *text, uint32_t *ret_char, unsigned *ret_columns)
{
	size_t n = mm_utf8_length(text);

	*ret_char = n ? decode((const unsigned char *)text, n) : '?';
	*ret_columns = width_of(*ret_char);
	return n ? n : 1;
}

size_t mm_utf8_put(char *buf, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		buf[0] = (char)c;
		return n;
	}
	for (size_t i = n; --i > 0; c >>= 6)
		buf[i] = (char)(0x80 | (c & 0x3f));
	buf[0] = (char)((0xf00u >> n) & 0xf0u) | (char)c;
	return n;
}

static unsigned width_at(const char *text, size_t *ret_bytes)
{
	size_t n = mm_utf8_length(text);

	*ret_bytes = n ? n : 1;
	return n ? width_of(decode((const unsigned char *)text, n)) : 1;
}

size_t mm_utf8_columns(const char *text)
{
	size_t columns = 0, n;

	for (; *text; text += n)
		columns += width_at(text, &n);
	return columns;
}

/* Bytes of the longest beginning of text that takes at most `columns`. */
static size_t fitting(const char *text, size_t columns)
{
	size_t used = 0, bytes = 0, n;

	for (; text[bytes]; bytes += n) {
		used += width_at(text + bytes, &n);
		if (used > columns)
			break;
	}
	return bytes;
}

char *mm_utf8_shorten(char *text, size_t columns, int keep_end)
{
	size_t all = mm_utf8_columns(text), drop, n;

	if (all <= columns)
		return text;
	if (columns < 8) {
		text[fitting(text, columns)] = 0;
		return text;
	}
	size_t left = keep_end ? 0 : (columns - 3) * 2 / 3;
	size_t head = fitting(text, left), tail = head;
	for (drop = all - (columns - 3); drop > 0 && text[tail];) {
		unsigned width = width_at(text + tail, &n);
		drop -= width < drop ? width : drop;
		tail += n;
	}
	memmove(text + head + 3, text + tail, strlen(text + tail) + 1);
	memcpy(text + head, "...", 3);
	return text;
}
