/* glob.h: patterns with *, ?, [sets] and \ escapes, over names of any shape.
 *
 * Promise: at most pattern times text steps; '*' matches '/' and "::" too.
 * Pure; any thread.
 */
#ifndef MM_SYMBOL_GLOB_H
#define MM_SYMBOL_GLOB_H

#include <stddef.h>

/* NULL when the pattern is well-formed, else what is wrong with it, a static text. */
const char *mm_glob_check(const char *pattern);

/* True when the whole of text (len bytes) matches a well-formed pattern. */
int mm_glob_match(const char *pattern, const char *text, size_t len);

/* The same for paths: a pattern that begins with neither '/' nor '*' may begin at any
 * part of the path, so "src/x*.c" matches "/home/me/src/xy.c". */
int mm_glob_match_path(const char *pattern, const char *path);

/* The same for functions: also matches the name without its parameters. */
int mm_glob_match_function(const char *pattern, const char *function);

#endif
