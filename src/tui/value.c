/* value.c: how figures read (value.h). */
#include "tui/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ratios.h"
#include "base/units.h"

struct mm_value mm_value_change(uint64_t from, uint64_t to)
{
	int known = from != MM_UNKNOWN && to != MM_UNKNOWN;

	return (struct mm_value){ .kind = MM_VALUE_DELTA, .n = known ? to - from : MM_UNKNOWN,
		/* A change of -1 looks like unknown: the text tells them apart. */
		.text = known ? "" : NULL };
}

static char *size_text(uint64_t n, int bytes, char *buf)
{
	return bytes ? mm_format_count(buf, n) : mm_format_size(buf, n);
}

static char *signed_text(const struct mm_value *v, int bytes, char *buf)
{
	int64_t n = (int64_t)v->n;

	if (n == 0)
		return strcpy(buf, "0");
	buf[0] = n < 0 ? '-' : '+';
	size_text(n < 0 ? 0 - (uint64_t)n : (uint64_t)n, bytes, buf + 1);
	return v->kind == MM_VALUE_RATE ? strcat(buf, "/s") : buf;
}

static char *percent_text(uint64_t ppm, char *buf)
{
	if (ppm > 0 && ppm < 1000)
		return strcpy(buf, "<0.1%");
	uint64_t tenths = ppm / 1000 + (ppm % 1000 >= 500);
	snprintf(buf, MM_VALUE_TEXT_MOST, "%" PRIu64 ".%" PRIu64 "%%", tenths / 10, tenths % 10);
	return buf;
}

static int is_unknown(const struct mm_value *v)
{
	switch (v->kind) {
	case MM_VALUE_NONE: case MM_VALUE_TEXT: case MM_VALUE_PATH: case MM_VALUE_TREND: return 0;
	case MM_VALUE_DELTA: case MM_VALUE_RATE: return v->n == MM_UNKNOWN && !v->text;
	default: return v->n == MM_UNKNOWN;
	}
}

int mm_value_is_figure(const struct mm_value *v)
{
	switch (v->kind) {
	case MM_VALUE_NONE: case MM_VALUE_TEXT: case MM_VALUE_PATH: case MM_VALUE_BAR: case MM_VALUE_TREND:
		return 0;
	default: return 1;
	}
}

const char *mm_value_text(const struct mm_value *v, int bytes, char *buf)
{
	if (is_unknown(v))
		return v->kind == MM_VALUE_BAR ? "" : "-";
	switch (v->kind) {
	case MM_VALUE_TEXT: case MM_VALUE_PATH: return v->text ? v->text : "-";
	case MM_VALUE_SIZE: return size_text(v->n, bytes, buf);
	case MM_VALUE_COUNT: return mm_format_count(buf, v->n);
	case MM_VALUE_ID: snprintf(buf, MM_VALUE_TEXT_MOST, "%" PRIu64, v->n); return buf;
	case MM_VALUE_TIME: return mm_format_time(buf, v->n);
	case MM_VALUE_PPM: return percent_text(v->n, buf);
	case MM_VALUE_DELTA: case MM_VALUE_RATE: return signed_text(v, bytes, buf);
	default: return "";
	}
}

static int by_number(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

int mm_value_compare(const struct mm_value *a, const struct mm_value *b)
{
	int u = is_unknown(a), w = is_unknown(b);

	if (u || w)
		return w - u;
	if (a->kind == MM_VALUE_TEXT || a->kind == MM_VALUE_PATH)
		return strcmp(a->text ? a->text : "", b->text ? b->text : "");
	if (a->kind == MM_VALUE_DELTA || a->kind == MM_VALUE_RATE)
		return (int64_t)a->n == (int64_t)b->n ? 0 : (int64_t)a->n < (int64_t)b->n ? -1 : 1;
	return by_number(a->n, b->n);
}
