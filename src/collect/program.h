/* program.h: can this program be recorded, and what is in it.
 *
 * Promise: a program that hooks cannot be loaded into, or whose record would be empty or
 * wrong, is refused with one line that says why; a damaged file is never trusted.
 * Vocabulary: interpreter of a script = what #! names; loader = what PT_INTERP names.
 * Any thread.
 */
#ifndef MM_COLLECT_PROGRAM_H
#define MM_COLLECT_PROGRAM_H

#include <stddef.h>

#include "base/diag.h"

/* MM_OK, or MM_EUNSUP with the reason: static, set-id or with capabilities, built with a
 * sanitizer, for another C library or machine. Scripts: what interprets them. A file
 * that cannot be read counts as recordable. */
int mm_program_check(const char *path, struct mm_diag *diag);

/* 1 when the file defines or needs a symbol with this name. */
int mm_program_has_symbol(const char *path, const char *symbol);

/* 1 when the file defines it for others to find at run time: before the preloaded ones,
 * when it is the program's. */
int mm_program_exports(const char *path, const char *symbol);

/* Which of the names comes first among those of such symbols; `count` = none. Reads the file
 * once. */
size_t mm_program_find_symbol(const char *path, const char *const *names, size_t count);

#endif
