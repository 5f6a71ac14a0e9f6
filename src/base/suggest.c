/* suggest.c: by the fewest edits (suggest.h). */
#include "base/suggest.h"

#include <string.h>

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
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
					d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = lesser(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

const char *mm_suggest(const char *text, const char *const *names)
{
	const char *best = NULL;
	size_t best_distance = strlen(text) / 3 + 2;

	for (; *names; names++) {
		size_t d = edits(text, *names);
		if (d < best_distance) {
			best = *names;
			best_distance = d;
		}
	}
	return best;
}
