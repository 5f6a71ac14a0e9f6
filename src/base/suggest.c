/* suggest.c: by the fewest edits (suggest.h). */
#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; both short. */
static size_t edits(const char *a, const char *b)
{
	enum { MAX = 31 };
	size_t n = strlen(a), m = strlen(b), d[MAX + 1][MAX + 1];

	if (n > MAX || m > MAX)
		return MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			d[i][j] = lesser(lesser(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				d[i][j] = lesser(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* NULL where several begin so. */
static const char *only_beginning(const char *text, const char *const *names)
{
	size_t n = strlen(text);
	const char *found = NULL;

	for (; n > 1 && *names; names++) {
		if (strncasecmp(*names, text, n))
			continue;
		if (found)
			return NULL;
		found = *names;
	}
	return found;
}

const char *mm_suggest(const char *text, const char *const *names)
{
	const char *best = NULL;
	size_t n = strlen(text), best_distance = n > 3 ? n / 3 + 2 : 2; /* of foo not off */

	for (const char *const *all = names; *all; all++) {
		size_t d = edits(text, *all);
		if (d < best_distance) {
			best = *all;
			best_distance = d;
		}
	}
	return best ? best : only_beginning(text, names);
}

static void list_all(FILE *f, const char *const *names)
{
	if (!*names)
		return;
	fprintf(f, " (%s %s", names[1] ? "one of" : "only", names[0]);
	while (*++names)
		fprintf(f, ", %s", *names);
	fputc(')', f);
}

const char *mm_suggest_of(char *buf, size_t size, const char *text, const char *const *names)
{
	const char *near = mm_suggest(text, names);
	FILE *f = size ? fmemopen(buf, size, "w") : NULL;

	if (size)
		*buf = 0;
	if (!f)
		return buf;
	if (near)
		fprintf(f, "; did you mean '%s'?", near);
	if (!near || (names[0] && names[1]))
		list_all(f, names);
	fclose(f);
	buf[size - 1] = 0;
	return buf;
}
