/* panels.h: where the parts of a screen lie, for a terminal of any size.
 *
 * Promise: a pure function; rects never overlap and lie inside the terminal; what has no room
 * has no rows; the main panel of a screen, and the row that says which screen it is, are the
 * last to go.
 * Vocabulary
 *   frame  what all screens share: title, tabs, foot
 *   panel  one part of a screen's body; main = the one that the cursor is in
 *   band   panels side by side
 */
#ifndef MM_TUI_PANELS_H
#define MM_TUI_PANELS_H

#include "tui/canvas.h"

enum mm_screen { MM_SCREEN_OVERVIEW, MM_SCREEN_CATEGORIES, MM_SCREEN_TIERS, MM_SCREEN_FRAGMAP,
	MM_SCREEN_LEAKS, MM_SCREEN_CALLS, MM_SCREEN_TIMELINE, MM_SCREEN_THREADS, MM_SCREEN_GPU,
	MM_SCREEN_COUNT };

/* As --screen spells it; NULL out of range. */
const char *mm_screen_name(enum mm_screen screen);

enum mm_panels_size {
	MM_SIZE_LINE,   /* below 20 columns or 5 rows: one line */
	MM_SIZE_NARROW, /* below 60 columns or 17 rows: the main panel alone */
	MM_SIZE_FULL
};

enum { MM_PANEL_MAIN = 0, MM_PANELS_MOST = 8 };

struct mm_panels {
	enum mm_panels_size size;
	struct mm_rect title, tabs, body, foot;
	struct mm_rect panel[MM_PANELS_MOST]; /* by the screen's own numbers; 0 = main */
};

/* rows and cols from 1. */
void mm_panels_of(int rows, int cols, enum mm_screen screen, struct mm_panels *ret);

/* Panels that each screen has, by name: a pane draws what has rows. */
enum mm_panel_overview { MM_OVERVIEW_CATEGORIES, MM_OVERVIEW_BARS, MM_OVERVIEW_RATES,
	MM_OVERVIEW_CURVE, MM_OVERVIEW_LOG, MM_OVERVIEW_SITES };
enum mm_panel_list { MM_LIST_ROWS, MM_LIST_HEAD, MM_LIST_DETAIL }; /* categories, threads */
enum mm_panel_tiers { MM_TIERS_TABLE, MM_TIERS_RESIDENCY, MM_TIERS_MOVES, MM_TIERS_EVICTIONS,
	MM_TIERS_PRESSURE };
enum mm_panel_fragmap { MM_FRAGMAP_MAP, MM_FRAGMAP_HEAD, MM_FRAGMAP_CURSOR, MM_FRAGMAP_HOLES };
enum mm_panel_leaks { MM_LEAKS_TABLE, MM_LEAKS_HEAD, MM_LEAKS_STACK };
enum mm_panel_calls { MM_CALLS_TREE, MM_CALLS_HEAD, MM_CALLS_FLAME };
enum mm_panel_timeline { MM_TIMELINE_CURVE, MM_TIMELINE_HEAD, MM_TIMELINE_STRIPS,
	MM_TIMELINE_EVENTS, MM_TIMELINE_GROWTH };
enum mm_panel_gpu { MM_GPU_HEAPS, MM_GPU_HEAD, MM_GPU_KINDS, MM_GPU_BLOCKS };

#endif
