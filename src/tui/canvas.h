/* canvas.h: a screen of cells in memory, drawn on without a terminal.
 *
 * Promise: nothing is ever drawn outside the canvas or outside the rectangle that was given;
 * every text counts as hostile: what could move a cursor or turn the direction of a line is
 * drawn as an escape (base/utf8.h). Without memory a canvas is empty, and drawing does nothing.
 * Vocabulary
 *   cell   one place of the screen: a character and a style
 *   style  what a cell means, not how it looks: the terminal decides about that (term.h)
 *   rect   rows and columns counted from the canvas's top left
 * No curses, no terminal. Not shared between threads.
 */
#ifndef MM_TUI_CANVAS_H
#define MM_TUI_CANVAS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One letter each where a screen is saved with its styles, in this order. */
#define MM_STYLE_LETTERS ".dbtTHkonwxgsX"
enum mm_style {
	MM_STYLE_PLAIN,    /* the terminal's own colours */
	MM_STYLE_DIM,      /* what is said beside */
	MM_STYLE_BOLD,
	MM_STYLE_TITLE,    /* the line on top */
	MM_STYLE_TAB,      /* the screen that is shown, among the names of all */
	MM_STYLE_HEAD,     /* heads of columns and of panels */
	MM_STYLE_KEY,      /* a key that may be pressed */
	MM_STYLE_OK,       /* levels: each is told in words or signs too */
	MM_STYLE_NOTE,
	MM_STYLE_WARN,
	MM_STYLE_BAD,
	MM_STYLE_GRAPH,    /* the filled part of bars and curves */
	MM_STYLE_SELECTED, /* the row of the cursor */
	MM_STYLE_HIT,      /* what was searched for */
	MM_STYLE_COUNT
};

enum { MM_CANVAS_MOST = 1000 /* rows and columns */ };

struct mm_cell {
	uint32_t ch;   /* 0 = the right half of a wide character */
	uint8_t style; /* enum mm_style */
};

struct mm_canvas { /* caller's memory */
	int rows, cols;
	int ascii;     /* only ASCII is drawn */
	int plain;     /* for a reader of screens: no bars, curves and lines */
	struct mm_cell *cells;
};

struct mm_rect { int row, col, rows, cols; };

/* 0 or MM_ENOMEM; rows and cols at least 1. Cells are blank. */
int mm_canvas_init(struct mm_canvas *c, int rows, int cols, int ascii);
void mm_canvas_deinit(struct mm_canvas *c);
void mm_canvas_clear(struct mm_canvas *c);
struct mm_rect mm_canvas_all(const struct mm_canvas *c);

/* The cell there; NULL outside. */
const struct mm_cell *mm_canvas_cell(const struct mm_canvas *c, int row, int col);

/* Draw within `r`, row and col counted from its top left. Columns that were used, also of
 * what was cut off. */
int mm_canvas_text(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		   const char *text);
int mm_canvas_print(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		    const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Ending before column `end`. */
void mm_canvas_right(struct mm_canvas *c, struct mm_rect r, int row, int end,
		     enum mm_style style, const char *text);
/* In `width` columns from col, shortened ("...") when it is longer: in its middle, or, with
 * keep_end, at its beginning. */
void mm_canvas_fit(struct mm_canvas *c, struct mm_rect r, int row, int col, int width,
		   enum mm_style style, const char *text, int keep_end);
void mm_canvas_put(struct mm_canvas *c, struct mm_rect r, int row, int col, enum mm_style style,
		   uint32_t ch);

/* Another style for the cells of a rect, characters as they are. */
void mm_canvas_restyle(struct mm_canvas *c, struct mm_rect r, enum mm_style style);

/* A line from side to side; nothing on a plain canvas. */
void mm_canvas_rule(struct mm_canvas *c, struct mm_rect r, int row);

/* "[#####.....]" of `width` columns, `ppm` of it filled (more than all counts as all; unknown =
 * empty). Nothing on a plain canvas. */
void mm_canvas_bar(struct mm_canvas *c, struct mm_rect r, int row, int col, int width,
		   enum mm_style style, uint64_t ppm);

/* A curve as filled columns over all of `r`: values[i] of `most`, the newest on the right when
 * there are more columns than values; unknown ones stay empty. */
void mm_canvas_curve(struct mm_canvas *c, struct mm_rect r, enum mm_style style,
		     const uint64_t *values, size_t count, uint64_t most);

/* As text: each row without the blanks at its end. */
int mm_canvas_write(const struct mm_canvas *c, FILE *out);
/* With styles: "COLSxROWS", then rows between bars, then as many rows of style letters. */
int mm_canvas_save(const struct mm_canvas *c, FILE *out);

/* The part of `r` below its first `rows` rows, and so on; never negative. */
struct mm_rect mm_rect_below(struct mm_rect r, int rows);
struct mm_rect mm_rect_top(struct mm_rect r, int rows);
struct mm_rect mm_rect_right(struct mm_rect r, int cols);
struct mm_rect mm_rect_left(struct mm_rect r, int cols);

#endif
