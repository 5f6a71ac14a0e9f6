/* panes.c: the screens in the order of their keys (top_parts.h). */
#include "tui/top_parts.h"

static const struct mm_pane *const panes[] = {
	[MM_SCREEN_OVERVIEW] = &mm_pane_overview,
	[MM_SCREEN_CATEGORIES] = &mm_pane_categories,
	[MM_SCREEN_TIERS] = &mm_pane_tiers,
	[MM_SCREEN_FRAGMAP] = &mm_pane_fragmap,
	[MM_SCREEN_LEAKS] = &mm_pane_leaks,
	[MM_SCREEN_CALLS] = &mm_pane_calls,
	[MM_SCREEN_TIMELINE] = &mm_pane_timeline,
	[MM_SCREEN_THREADS] = &mm_pane_threads,
	[MM_SCREEN_GPU] = &mm_pane_gpu,
};

const struct mm_pane *mm_pane_of(enum mm_screen screen)
{
	return panes[screen];
}
