/* text_pen.h: what the parts of the text report write with.
 *
 * Vocabulary: pen = stream, width, colours and units of one text.
 * Inner header of the text view. Not shared between threads.
 */
#ifndef MM_VIEW_TEXT_PEN_H
#define MM_VIEW_TEXT_PEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "view/report_text.h"

struct mm_pen {
	FILE *out;
	const struct mm_text_options *options;
};

enum mm_ink { MM_INK_TITLE, MM_INK_STRONG, MM_INK_DIM, MM_INK_WARN };
enum { MM_PEN_TEXT = 48 }; /* room for one figure */

/* Starts and ends a colour; nothing without colours. */
void mm_pen_ink(struct mm_pen *p, enum mm_ink ink);
void mm_pen_plain(struct mm_pen *p);

/* Blank line, TITLE in bold, rest of the line behind it. */
void mm_pen_title(struct mm_pen *p, const char *title, const char *rest);

/* Figures as text into buf (MM_PEN_TEXT bytes); MM_UNKNOWN is "-". mm_pen_size gives
 * "8.1 MiB", or exact bytes with --bytes. */
char *mm_pen_size(const struct mm_pen *p, char *buf, uint64_t bytes);
char *mm_pen_count(char *buf, uint64_t count);
char *mm_pen_time(char *buf, uint64_t ns);
char *mm_pen_share(char *buf, uint64_t part, uint64_t whole); /* "12.3 %" */

/* Writes text from the trace, escaped and shortened to `columns` (0 = as long as it is);
 * returns the columns used. */
size_t mm_pen_text(struct mm_pen *p, const char *text, size_t columns, int keep_end);

/* The same for the name of a function: where it is too long, first its arguments and then
 * what stands in angle brackets is left out. */
size_t mm_pen_name(struct mm_pen *p, const char *name, size_t columns);

/* Columns of a text as mm_pen_text writes it in full. */
size_t mm_pen_columns(const struct mm_pen *p, const char *text);

void mm_pen_pad(struct mm_pen *p, size_t columns);

/* A row of bars over `columns` cells: values from 0 to max, as eighths of a cell in
 * UTF-8 or in ten steps of ASCII. */
void mm_pen_spark(struct mm_pen *p, const uint64_t *values, size_t columns, uint64_t max);

/* A bar of at most `columns` cells for part of whole. */
void mm_pen_bar(struct mm_pen *p, uint64_t part, uint64_t whole, size_t columns);

#endif
