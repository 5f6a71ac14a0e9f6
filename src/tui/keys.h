/* keys.h: every key of mmtop, what it does, and its name in scripts, help and manual.
 *
 * Promise: one table; every function key has a letter that does the same. Pure.
 * Vocabulary: key = a character (code point) or one of MM_KEY_*; action = what it asks for.
 */
#ifndef MM_TUI_KEYS_H
#define MM_TUI_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum mm_key { MM_KEY_NONE = 0, MM_KEY_TAB = 9, MM_KEY_ENTER = 10, MM_KEY_REDRAW = 12,
	MM_KEY_SUSPEND = 26, MM_KEY_ESCAPE = 27, MM_KEY_SPACE = 32, MM_KEY_BACKSPACE = 127,
	MM_KEY_UP = 0x110000, MM_KEY_DOWN, MM_KEY_LEFT, MM_KEY_RIGHT, MM_KEY_PAGE_UP,
	MM_KEY_PAGE_DOWN, MM_KEY_HOME, MM_KEY_END, MM_KEY_BACKTAB, MM_KEY_DELETE,
	MM_KEY_F1 /* to F12 */, MM_KEY_F12 = MM_KEY_F1 + 11,
	MM_KEY_CLICK /* left button, at the place told with it */, MM_KEY_WHEEL_UP,
	MM_KEY_WHEEL_DOWN };

enum mm_action {
	MM_ACT_NONE,
	/* everywhere */
	MM_ACT_SCREEN_1, MM_ACT_SCREEN_2, MM_ACT_SCREEN_3, MM_ACT_SCREEN_4, MM_ACT_SCREEN_5,
	MM_ACT_SCREEN_6, MM_ACT_SCREEN_7, MM_ACT_SCREEN_8, MM_ACT_SCREEN_9,
	MM_ACT_NEXT_SCREEN, MM_ACT_PREVIOUS_SCREEN,
	MM_ACT_UP, MM_ACT_DOWN, MM_ACT_LEFT, MM_ACT_RIGHT, MM_ACT_PAGE_UP, MM_ACT_PAGE_DOWN,
	MM_ACT_FIRST, MM_ACT_LAST,
	MM_ACT_ENTER, MM_ACT_BACK, MM_ACT_EXPAND, MM_ACT_COLLAPSE, MM_ACT_EXPAND_ALL,
	MM_ACT_SEARCH, MM_ACT_SEARCH_NEXT, MM_ACT_SEARCH_PREVIOUS, MM_ACT_FILTER,
	MM_ACT_SORT, MM_ACT_INVERT, MM_ACT_METRIC, MM_ACT_BYTES, MM_ACT_MAXIMISE,
	MM_ACT_PAUSE, MM_ACT_PROCESS, MM_ACT_PROCESSES, MM_ACT_MARK, MM_ACT_UNMARK, MM_ACT_RANGE_BEGIN, MM_ACT_RANGE_END,
	MM_ACT_RANGE_CLEAR, MM_ACT_STEP_BACK, MM_ACT_STEP_ON, MM_ACT_PLAY, MM_ACT_NOW,
	MM_ACT_PEAK, MM_ACT_EXPORT, MM_ACT_COPY, MM_ACT_COMMAND, MM_ACT_HELP, MM_ACT_REDRAW,
	MM_ACT_SUSPEND, MM_ACT_QUIT,
	/* of single screens */
	MM_ACT_VIEW, MM_ACT_ZOOM_IN, MM_ACT_ZOOM_OUT, MM_ACT_FIT, MM_ACT_NEXT_EVENT,
	MM_ACT_PREVIOUS_EVENT, MM_ACT_ARENA,
	MM_ACT_COUNT
};

/* What a key does on a screen (enum mm_screen). */
enum mm_action mm_keys_action(uint32_t key, unsigned screen);

/* "F5", "Up", "C-l", "Space", "x": NULL when the key has no name. The text lives in buf (16
 * bytes). The reverse: bytes of text that were a key's name, 0 = none. */
const char *mm_keys_name(uint32_t key, char *buf);
size_t mm_keys_parse(const char *text, uint32_t *ret_key);

/* Lines of help: every action with its keys; screen = those of one and of everywhere, or
 * MM_SCREEN_COUNT = all. Gives the number of lines; each of keys, what, where lives as long as
 * the program, but `keys` in the caller's. */
struct mm_help_line { char keys[40]; const char *what, *where; };
size_t mm_keys_help(unsigned screen, struct mm_help_line *lines, size_t most);

/* The same as items of a list in a manual page (mdoc). */
int mm_keys_write_manual(FILE *out);

#endif
