/* term.h: what the terminal on a stream can do.
 *
 * Promise: not a terminal means no colour, no cursor movement and no guess.
 * NO_COLOR (set and not empty) and TERM=dumb are obeyed. Any thread.
 */
#ifndef MM_BASE_TERM_H
#define MM_BASE_TERM_H

/* 1 when descriptor fd is a terminal. */
int mm_term_is(int fd);

/* Width in columns: the terminal's own, else COLUMNS, else `otherwise`. */
int mm_term_columns(int fd, int otherwise);

/* Its height in rows: the terminal's own, else LINES, else `otherwise`. */
int mm_term_rows(int fd, int otherwise);

/* 1 when colours may be sent to fd. */
int mm_term_colours(int fd);
/* 1 when they may be sent to the terminal, whichever stream that is. */
int mm_term_wants_colours(void);

/* 1 when the locale that the environment names is UTF-8; does not call setlocale. */
int mm_term_utf8(void);

#endif
