/* unaccounted.h: memory that no event explains, and what it probably is.
 *
 * Unaccounted = private anonymous memory beyond what was ever live at once and what was
 * recorded as mapped.
 */
#ifndef MM_COLLECT_UNACCOUNTED_H
#define MM_COLLECT_UNACCOUNTED_H

#include <stddef.h>
#include <stdint.h>

/* True when it is over a fifth of the resident size and worth a word at all. */
int mm_unaccounted_matters(uint64_t unaccounted, uint64_t rss);

/* 1 and the same line when the program at `exe` keeps its allocations from us, however
 * little memory they take. */
int mm_unaccounted_hidden(const char *exe, char *ret, size_t size);

/* Writes the likely cause and the remedy for the program at `exe`, one line. */
void mm_unaccounted_cause(const char *exe, char *ret, size_t size);

#endif
