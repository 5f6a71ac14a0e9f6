/* utf8.h: texts that came from elsewhere, made fit for a terminal.
 *
 * Promise: what mm_utf8_print writes holds no control character, no invalid UTF-8, no
 * line break and no character that changes the direction of what follows: a hostile
 * name can neither move the cursor nor forge a line.
 * Vocabulary: columns = cells of a terminal. Any thread.
 */
#ifndef MM_BASE_UTF8_H
#define MM_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text (not its end), 0 when they are not valid UTF-8. */
size_t mm_utf8_length(const char *text);

/* The character at text (not its end): its bytes as the result, its number, and its columns: 0
 * for marks that combine, 2 for wide ones. A byte that is not valid UTF-8 is a '?'. */
size_t mm_utf8_take(const char *text, uint32_t *ret_char, unsigned *ret_columns);

/* Writes a character (not 0) as at most 4 bytes, without an end; how many. */
size_t mm_utf8_put(char *buf, uint32_t character);

/* Writes an escaped copy of text into buf (size bytes, cut to fit, always terminated):
 * bytes that may not be shown become \xHH, characters \u{HEX}. With ascii, all that is
 * not ASCII is escaped. Returns buf. */
char *mm_utf8_escape(char *buf, size_t size, const char *text, int ascii);

/* Columns that an escaped text takes. */
size_t mm_utf8_columns(const char *text);

/* Shortens an escaped text in place to at most `columns`, leaving out its middle ("..."
 * there), or its beginning when `keep_end` is set. Returns text. */
char *mm_utf8_shorten(char *text, size_t columns, int keep_end);

#endif
