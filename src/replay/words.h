/* words.h: what somebody may write for a strategy, a level of checking, an allocator.
 *
 * Promise: whoever writes another word is told all there are and the one that was likely meant.
 * Pure; any thread.
 */
#ifndef MM_REPLAY_WORDS_H
#define MM_REPLAY_WORDS_H

enum { MM_WORDS_TEXT = 320 }; /* room for one such text */

/* "unknown strategy 'best'; did you mean 'best-fit'? (one of size-class, ...)" into buf
 * (MM_WORDS_TEXT bytes; a long word is cut). Return buf. */
const char *mm_words_no_strategy(char *buf, const char *word);
const char *mm_words_no_check(char *buf, const char *word);
/* Of a contest: strategies and what else can execute a recording. */
const char *mm_words_no_allocator(char *buf, const char *word);

#endif
