/* value.h: a figure on a screen, and how it reads.
 *
 * Promise: what is unknown reads "-", never 0; exact bytes when they are asked for. Pure.
 * Vocabulary: value = a number or text with its kind and style; delta = a change since a mark.
 */
#ifndef MM_TUI_VALUE_H
#define MM_TUI_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

enum mm_value_kind {
	MM_VALUE_NONE,  /* an empty cell */
	MM_VALUE_TEXT, MM_VALUE_PATH /* shortened at its beginning */,
	MM_VALUE_ID /* a number that is a name */,
	MM_VALUE_SIZE, MM_VALUE_COUNT, MM_VALUE_TIME /* ns */, MM_VALUE_PPM /* as percent */,
	MM_VALUE_DELTA /* int64_t bytes */, MM_VALUE_RATE /* int64_t bytes a second */,
	MM_VALUE_BAR /* ppm */,
	MM_VALUE_TREND /* a curve of `count` numbers */
};

struct mm_value {
	enum mm_value_kind kind;
	enum mm_style style;
	uint64_t n;          /* MM_UNKNOWN = unknown; DELTA and RATE: an int64_t */
	const char *text;    /* TEXT, PATH; lives until the next report */
	const uint64_t *trend;
	size_t count;
	uint8_t indent;      /* TEXT: blanks before it, and before them a sign, unless 0 */
	char sign;
};

enum { MM_VALUE_TEXT_MOST = 64 };

/* As text, into buf (MM_VALUE_TEXT_MOST bytes) unless it is a text itself; "" for bars and
 * trends. */
const char *mm_value_text(const struct mm_value *v, int bytes, char *buf);

/* Whether its text is a number, which must not be cut. Pure. */
int mm_value_is_figure(const struct mm_value *v);

/* What is greater: by number, by text; unknown is least. */
int mm_value_compare(const struct mm_value *a, const struct mm_value *b);

/* Shorthands. */
static inline struct mm_value mm_value_of(enum mm_value_kind kind, uint64_t n)
{
	return (struct mm_value){ .kind = kind, .n = n };
}

static inline struct mm_value mm_value_say(const char *text)
{
	return (struct mm_value){ .kind = MM_VALUE_TEXT, .text = text };
}

/* 1 when it is a text that is there. */
static inline int mm_value_is_text(const struct mm_value *v)
{
	return (v->kind == MM_VALUE_TEXT || v->kind == MM_VALUE_PATH) && v->text;
}

/* A change from a to b; unknown when either is. */
struct mm_value mm_value_change(uint64_t from, uint64_t to);

#endif
