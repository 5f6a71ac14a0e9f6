/* suggest.h: what somebody most likely meant who typed an unknown word.
 *
 * Pure; any thread.
 */
#ifndef MM_BASE_SUGGEST_H
#define MM_BASE_SUGGEST_H

#include <stddef.h>

/* The one of `names` (NULL-terminated) that `text` is the fewest edits from, one edit being a
 * letter more, less or other, or two swapped, in any case; else the only one that begins with it;
 * NULL when none is near. */
const char *mm_suggest(const char *text, const char *const *names);

/* What is to follow a message about the unknown word `text`, into buf (cut to size): the near one
 * and all that there are, "; did you mean 'best-fit'? (one of size-class, best-fit)". Returns buf. */
const char *mm_suggest_of(char *buf, size_t size, const char *text, const char *const *names);

#endif
