/* suggest.h: what somebody most likely meant who typed an unknown word.
 *
 * Pure; any thread.
 */
#ifndef MM_BASE_SUGGEST_H
#define MM_BASE_SUGGEST_H

/* The one of `names` (NULL-terminated) that `text` is the fewest edits from, one edit being a
 * letter more, less or other, or two swapped; NULL when none is near. */
const char *mm_suggest(const char *text, const char *const *names);

#endif
