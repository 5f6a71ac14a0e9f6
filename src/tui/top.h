/* top.h: mmtop as a machine: keys and reports in, a canvas out.
 *
 * Promise: no terminal, no clock and no trace in here: what is drawn follows from the keys, the
 * size and the reports alone, so that a script draws the same cells as a person. A report that
 * cannot be had leaves the last one and says why. No key ends the program but quit.
 * Vocabulary: screen, panel as panels.h; moment = the end of the range that is shown; mark =
 * a report remembered, against which changes are shown.
 * Not shared between threads.
 */
#ifndef MM_TUI_TOP_H
#define MM_TUI_TOP_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "tui/canvas.h"
#include "tui/panels.h"
#include "tui/question.h"

struct mm_top;

struct mm_top_options {
	enum mm_screen screen;
	const char *filter;  /* NULL none */
	int ascii, plain;
	int readonly;        /* writes no file: no export, no saved screen */
	int all;             /* reports hold all that can be known, whatever that costs */
	int copy;            /* the row may be given to the terminal's clipboard */
};

/* Draws nothing and asks nothing yet. `source` outlives it. */
int mm_top_create(struct mm_top **ret, const struct mm_top_options *options,
		  const struct mm_source *source);
void mm_top_destroy(struct mm_top *t);

/* Another way to the same trace from now on. */
void mm_top_from(struct mm_top *t, const struct mm_source *source);

void mm_top_resize(struct mm_top *t, int rows, int cols);

/* A key (keys.h). */
void mm_top_key(struct mm_top *t, uint32_t key);
/* The left button at a place of the screen. */
void mm_top_click(struct mm_top *t, int row, int col);

/* A line as typed after ':', without it. MM_EINVAL with the reason. */
int mm_top_command(struct mm_top *t, const char *line, struct mm_diag *diag);

/* Something to be said at the foot, until the next key. */
void mm_top_notice(struct mm_top *t, const char *text);

/* Time has passed: follows a live trace, or plays on. 1 when the screen may have changed. */
int mm_top_tick(struct mm_top *t);
/* What the source has found is taken in; no time passes. */
int mm_top_hear(struct mm_top *t);

/* Gets the report that the screen needs, if it has not got it. An error only where there has
 * never been one. */
int mm_top_update(struct mm_top *t, struct mm_diag *diag);

/* 1 when mm_top_update has something to get: what is drawn before that says so. */
int mm_top_waits(const struct mm_top *t);

/* Draws on a canvas of the size told last. */
void mm_top_draw(struct mm_top *t, struct mm_canvas *c);

const struct mm_report *mm_top_report(const struct mm_top *t); /* NULL = none yet */
int mm_top_json(struct mm_top *t, FILE *out);

/* What a key asked the terminal for; each is told once. */
enum mm_top_wish { MM_WISH_NONE, MM_WISH_QUIT, MM_WISH_REDRAW, MM_WISH_SUSPEND, MM_WISH_COPY };
enum mm_top_wish mm_top_wish(struct mm_top *t);
const char *mm_top_copied(const struct mm_top *t); /* for MM_WISH_COPY */

/* Is it following a live trace, or playing: a tick is worth while. */
int mm_top_moves(const struct mm_top *t);
int mm_top_plays(const struct mm_top *t);

/* The row of the cursor as one line, for a reader of screens; text is the top's. */
const char *mm_top_row_line(struct mm_top *t);
/* The place of the cursor on the screen; -1, -1: there is none. */
void mm_top_cursor(const struct mm_top *t, int *ret_row, int *ret_col);

#endif
