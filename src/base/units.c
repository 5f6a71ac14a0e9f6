/* units.c: sizes and times, parsed and printed (units.h). */
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"

/* A decimal number without sign or exponent: whole part and billionths. */
struct decimal { uint64_t whole; uint32_t billionths; };

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int same(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return *a == 0 && *b == 0;
}

/* Reads digits [. digits]; the text behind it, or NULL. */
static const char *decimal_read(const char *p, struct decimal *ret)
{
	uint32_t unit = 100000000;

	*ret = (struct decimal){ 0 };
	if (!is_digit(*p))
		return NULL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
		    __builtin_add_overflow(ret->whole, (uint64_t)(*p - '0'), &ret->whole))
			return NULL;
	if (*p != '.')
		return p;
	if (!is_digit(*++p))
		return NULL;
	for (; is_digit(*p); p++, unit /= 10)
		ret->billionths += unit * (uint32_t)(*p - '0');
	return p;
}

/* d * unit, rounded down. */
static int decimal_scale(const struct decimal *d, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 v = (unsigned __int128)d->whole * unit +
		(unsigned __int128)d->billionths * unit / 1000000000;

	if (v >= UINT64_MAX)
		return MM_EINVAL;
	*ret = (uint64_t)v;
	return MM_OK;
}

static int size_unit(const char *name, uint64_t *ret)
{
	static const char letters[] = "kmgtpe";
	const char *at = *name ? strchr(letters, lower(*name)) : NULL;
	uint64_t unit = 1;
	unsigned base;

	if (*name == 0 || same(name, "b")) {
		*ret = 1;
		return MM_OK;
	}
	if (!at)
		return MM_EINVAL;
	if (name[1] == 0 || same(name + 1, "ib"))
		base = 1024;
	else if (same(name + 1, "b"))
		base = 1000;
	else
		return MM_EINVAL;
	for (const char *l = letters; l <= at; l++)
		unit *= base;
	*ret = unit;
	return MM_OK;
}

int mm_parse_size(const char *text, uint64_t *ret)
{
	struct decimal d;
	uint64_t unit;
	const char *p = decimal_read(text, &d);

	if (!p)
		return MM_EINVAL;
	while (*p == ' ')
		p++;
	if (size_unit(p, &unit))
		return MM_EINVAL;
	return decimal_scale(&d, unit, ret);
}

static int time_unit(const char *name, uint64_t *ret)
{
	static const struct { const char *name; uint64_t ns; } units[] = {
		{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 },
		{ "us", 1000 }, { "\302\265s", 1000 }, { "ns", 1 },
		{ "m", UINT64_C(60000000000) }, { "min", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(name, units[i].name) == 0) {
			*ret = units[i].ns;
			return MM_OK;
		}
	return MM_EINVAL;
}

/* The parts of H:MM:SS.f or M:SS.f after the first number; all but the first are
 * below 60 and only the last has a fraction. */
static int clock_read(const char *p, struct decimal d, uint64_t *ret)
{
	uint64_t total = 0;

	for (int parts = 1;; parts++) {
		if (parts > 3 || (parts > 1 && d.whole >= 60) || d.whole > UINT32_MAX ||
		    (*p == ':' && d.billionths))
			return MM_EINVAL;
		total = total * 60 + d.whole;
		if (*p != ':')
			break;
		p = decimal_read(p + 1, &d);
		if (!p)
			return MM_EINVAL;
	}
	if (*p || total >= UINT64_MAX / 1000000000)
		return MM_EINVAL;
	*ret = total * 1000000000 + d.billionths;
	return MM_OK;
}

int mm_parse_duration(const char *text, uint64_t *ret)
{
	struct decimal d;
	uint64_t unit;
	const char *p = decimal_read(text, &d);

	if (!p)
		return MM_EINVAL;
	if (*p == ':')
		return clock_read(p, d, ret);
	while (*p == ' ')
		p++;
	if (time_unit(p, &unit))
		return MM_EINVAL;
	return decimal_scale(&d, unit, ret);
}

int mm_parse_time(const char *text, struct mm_moment *ret)
{
	struct mm_moment m = { 0 };
	struct decimal d;

	if (strcmp(text, "peak") == 0) {
		m.kind = MM_MOMENT_PEAK;
	} else if (strncmp(text, "mark:", 5) == 0 && text[5]) {
		m.kind = MM_MOMENT_MARK;
		m.mark = text + 5;
	} else {
		const char *p = decimal_read(text, &d);
		if (p && strcmp(p, "%") == 0) {
			if (d.whole > 100 || (d.whole == 100 && d.billionths))
				return MM_EINVAL;
			m.kind = MM_MOMENT_RATIO;
			m.ppm = (uint32_t)d.whole * 10000 + d.billionths / 100000;
		} else if (mm_parse_duration(text, &m.ns)) {
			return MM_EINVAL;
		}
	}
	*ret = m;
	return MM_OK;
}

/* Three digits: 1.42, 14.2, 142; integer arithmetic, so the same everywhere. */
static void three_digits(char *buf, uint64_t value, uint64_t unit, const char *name)
{
	uint64_t whole = value / unit;
	unsigned __int128 rest = value % unit;

	if (whole < 10) {
		uint64_t h = whole * 100 + (uint64_t)((rest * 100 + unit / 2) / unit);
		if (h < 1000) {
			snprintf(buf, MM_UNITS_TEXT, "%u.%02u %s", (unsigned)(h / 100),
				 (unsigned)(h % 100), name);
			return;
		}
	}
	if (whole < 100) {
		uint64_t t = whole * 10 + (uint64_t)((rest * 10 + unit / 2) / unit);
		if (t < 1000) {
			snprintf(buf, MM_UNITS_TEXT, "%u.%u %s", (unsigned)(t / 10),
				 (unsigned)(t % 10), name);
			return;
		}
	}
	snprintf(buf, MM_UNITS_TEXT, "%llu %s",
		 (unsigned long long)(whole + (rest * 2 >= unit)), name);
}

char *mm_format_size(char *buf, uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned i = 0;

	if (bytes == UINT64_MAX)
		return strcpy(buf, "?");
	while (i < 6 && bytes >> (10 * i) >= 1024)
		i++;
	if (i == 0)
		snprintf(buf, MM_UNITS_TEXT, "%u B", (unsigned)bytes);
	else
		three_digits(buf, bytes, UINT64_C(1) << (10 * i), names[i]);
	return buf;
}

char *mm_format_count(char *buf, uint64_t count)
{
	char digits[MM_UNITS_TEXT];
	char *to = buf;

	if (count == UINT64_MAX)
		return strcpy(buf, "?");
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return buf;
}

/* A minute and more as a clock with tenths. */
static void clock_print(char *buf, uint64_t ns)
{
	uint64_t tenths = ns / 100000000;
	unsigned long long m = tenths / 600;
	unsigned s = (unsigned)(tenths % 600);

	if (m >= 60)
		snprintf(buf, MM_UNITS_TEXT, "%llu:%02u:%02u.%u", m / 60, (unsigned)(m % 60),
			 s / 10, s % 10);
	else
		snprintf(buf, MM_UNITS_TEXT, "%llu:%02u.%u", m, s / 10, s % 10);
}

char *mm_format_time(char *buf, uint64_t ns)
{
	if (ns == UINT64_MAX)
		return strcpy(buf, "?");
	if (ns >= UINT64_C(60000000000))
		clock_print(buf, ns);
	else if (ns >= 1000000000)
		three_digits(buf, ns, 1000000000, "s");
	else if (ns >= 1000000)
		three_digits(buf, ns, 1000000, "ms");
	else if (ns >= 1000)
		three_digits(buf, ns, 1000, "us");
	else
		snprintf(buf, MM_UNITS_TEXT, "%u ns", (unsigned)ns);
	return buf;
}
