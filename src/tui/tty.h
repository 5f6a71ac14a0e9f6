/* tty.h: the terminal: a canvas onto it, keys from it. Its code is the one file that knows curses.
 *
 * Promise: however the program ends, but by SIGKILL, the terminal is as it was before; only the
 * sixteen colours on the terminal's own background are used; without the mouse no mouse mode is
 * ever set. Keys are those of keys.h.
 * One at a time in a process. Not shared between threads.
 */
#ifndef MM_TUI_TTY_H
#define MM_TUI_TTY_H

#include <stdint.h>

#include "base/diag.h"
#include "tui/canvas.h"

struct mm_tty;

struct mm_tty_options {
	int colour, mouse;
	int anyhow; /* on the controlling terminal where the standard streams are redirected */
};

/* 1 when standard input and output are a terminal that can be drawn on; with `anyhow`, when
 * there is one at all. */
int mm_tty_usable(int anyhow);

/* MM_EUNSUP with the reason when the terminal cannot be drawn on. */
int mm_tty_open(struct mm_tty **ret, const struct mm_tty_options *options, struct mm_diag *diag);
/* NULL is fine. */
void mm_tty_close(struct mm_tty *t);

void mm_tty_size(struct mm_tty *t, int *ret_rows, int *ret_cols);

/* Only what changed is sent. cursor_row -1 = hidden. */
void mm_tty_paint(struct mm_tty *t, const struct mm_canvas *c, int cursor_row, int cursor_col);
/* Everything is sent with the next paint. */
void mm_tty_redraw(struct mm_tty *t);

enum mm_tty_event { MM_TTY_NOTHING, MM_TTY_KEY, MM_TTY_CLICK, MM_TTY_RESIZED,
	MM_TTY_WOKEN /* the other descriptor can be read */, MM_TTY_GONE };
struct mm_tty_input { enum mm_tty_event event; uint32_t key; int row, col; };

/* Waits at most wait_ms, and no longer than until `other` can be read (-1 none). GONE: the terminal hung up, or a signal asks us to end. */
struct mm_tty_input mm_tty_read(struct mm_tty *t, int wait_ms, int other);

/* The signal that asked us to end, 0 none: to be raised again after mm_tty_close. */
int mm_tty_signal(void);

/* Gives the terminal back and stops the process, as a shell's job control has it. */
void mm_tty_suspend(struct mm_tty *t);

/* To the terminal's clipboard (OSC 52). */
void mm_tty_copy(struct mm_tty *t, const char *text);

#endif
