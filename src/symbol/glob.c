/* glob.c: the matcher of patterns (glob.h). */
#include "symbol/glob.h"

#include <string.h>

/* The byte after the set that begins at p ("[..."), or NULL where it does not end. A ']'
 * that comes first is a member. */
static const char *set_end(const char *p)
{
	p++;
	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']')
		p++;
	for (; *p && *p != ']'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

static int set_has(const char *p, const char *end, unsigned char c)
{
	int negated = p[1] == '!' || p[1] == '^', found = 0;

	p += 1 + negated;
	do {
		p += *p == '\\';
		unsigned char low = (unsigned char)*p++, high = low;
		if (*p == '-' && p + 2 < end) {
			p++;
			p += *p == '\\';
			high = (unsigned char)*p++;
		}
		found |= c >= low && c <= high;
	} while (p < end - 1);
	return found != negated;
}

const char *mm_glob_check(const char *pattern)
{
	if (!*pattern)
		return "the pattern is empty";
	for (const char *p = pattern; *p;) {
		if (*p == '\\' && !p[1])
			return "the pattern ends in a backslash";
		const char *end = *p == '[' ? set_end(p) : p + 1 + (*p == '\\');
		if (!end)
			return "']' is missing after '['";
		p = end;
	}
	return NULL;
}

/* Matches one element of the pattern against c; the pattern after it, or NULL. */
static const char *element_match(const char *p, unsigned char c)
{
	const char *end;

	switch (*p) {
	case 0:
		return NULL;
	case '?':
		return p + 1;
	case '[':
		end = set_end(p);
		return end && set_has(p, end, c) ? end : NULL;
	case '\\':
		p++;
		break;
	}
	return (unsigned char)*p == c ? p + 1 : NULL;
}

int mm_glob_match(const char *pattern, const char *text, size_t len)
{
	const char *end = text + len, *retry = NULL, *retry_text = NULL;

	for (;;) {
		if (*pattern == '*') {
			retry = ++pattern;
			retry_text = text;
			if (!*pattern)
				return 1;
			continue;
		}
		if (text == end && !*pattern)
			return 1;
		const char *next = text < end ? element_match(pattern, (unsigned char)*text)
					      : NULL;
		if (next) {
			pattern = next;
			text++;
		} else if (retry && retry_text < end) {
			pattern = retry;
			text = ++retry_text;
		} else {
			return 0;
		}
	}
}

int mm_glob_match_path(const char *pattern, const char *path)
{
	size_t len = strlen(path);

	if (mm_glob_match(pattern, path, len))
		return 1;
	if (*pattern == '/' || *pattern == '*')
		return 0;
	for (const char *p = path; (p = strchr(p, '/'));)
		if (p++, mm_glob_match(pattern, p, len - (size_t)(p - path)))
			return 1;
	return 0;
}

/* Length of a demangled name without its parameter list and what follows that; the
 * whole length where there is no such list. */
static size_t bare_length(const char *name)
{
	const char *close = strrchr(name, ')'), *p = close;
	int open = 0;

	if (!close || (close[1] && close[1] != ' '))
		return strlen(name);
	for (; p >= name; p--) {
		open += (*p == ')') - (*p == '(');
		if (!open)
			break;
	}
	return p > name ? (size_t)(p - name) : strlen(name);
}

int mm_glob_match_function(const char *pattern, const char *function)
{
	size_t len = strlen(function);

	if (mm_glob_match(pattern, function, len))
		return 1;
	size_t bare = bare_length(function);
	return bare < len && mm_glob_match(pattern, function, bare);
}
