/* run_text.c: text without stdio (run_text.h). */
#include "manager/run_text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void mm_run_put(struct mm_run_text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->used + n <= sizeof t->buf) {
		memcpy(t->buf + t->used, s, n);
		t->used += n;
	}
}

void mm_run_put_hex(struct mm_run_text *t, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = "0123456789abcdef"[value % 16];
	while ((value /= 16) != 0);
	mm_run_put(t, "0x");
	mm_run_put(t, digits + at);
}

void mm_run_put_decimal(struct mm_run_text *t, int64_t value)
{
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	mm_run_put(t, value < 0 ? "-" : "");
	mm_run_put(t, digits + at);
}

void mm_run_text_write(const struct mm_run_text *t, int fd)
{
	int saved = errno;
	ssize_t n = write(fd, t->buf, t->used);

	(void)n;
	errno = saved;
}
