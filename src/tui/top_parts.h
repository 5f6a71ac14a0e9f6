/* top_parts.h: the state of mmtop, and what a screen is; inner header of src/tui.
 *
 * Vocabulary: pane = the code of one screen: its main rows as columns of values, and how its
 * other panels are drawn; order = which rows are shown, after filter and sort.
 * A new screen is a file pane_NAME.c, a line in panes.c, and its panels in panels.c.
 */
#ifndef MM_TUI_TOP_PARTS_H
#define MM_TUI_TOP_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "tui/keys.h"
#include "tui/table.h"
#include "tui/top.h"

enum { MM_TOP_TEXT = 256, MM_TOP_BRANCHES = 512, MM_TOP_DETAIL = 2000 };

struct mm_pane {
	const char *title;
	const char *exports;  /* what its rows are, for messages: "categories" */
	const struct mm_column *columns; /* of the main rows; NULL = it has none */
	int column_count;
	int sort;             /* column they are sorted by at first, -1 = as the report has them */
	int rising;           /* ... the smallest first */
	/* All of these may be NULL. */
	void (*ask)(const struct mm_top *t, struct mm_question *q);
	/* Why the screen has nothing to show, and how to get it; NULL = it has. */
	const char *(*lacks)(const struct mm_top *t);
	int (*prepare)(struct mm_top *t); /* before the rows of a report are asked for */
	size_t (*rows)(const struct mm_top *t);
	int (*hides)(const struct mm_top *t, size_t row);
	/* Of rows that are a tree: SIZE_MAX = none. */
	size_t (*parent)(const struct mm_top *t, size_t row);
	mm_cell_fn *cell;     /* ctx = the mm_top, row = of the pane's rows, unsorted */
	/* Every panel that has rows (t->panels); the main one too. */
	void (*draw)(struct mm_top *t, struct mm_canvas *c);
	/* More about the row of the cursor, from its row t->detail_first on: Enter gives it the
	 * whole body. */
	void (*detail)(struct mm_top *t, struct mm_canvas *c, struct mm_rect r);
	int (*act)(struct mm_top *t, enum mm_action action); /* 1 = done */
	int (*click)(struct mm_top *t, int row, int col);    /* 1 = done */
};

/* panes.c */
const struct mm_pane *mm_pane_of(enum mm_screen screen);
extern const struct mm_pane mm_pane_overview, mm_pane_categories, mm_pane_tiers, mm_pane_fragmap,
	mm_pane_leaks, mm_pane_calls, mm_pane_timeline, mm_pane_threads, mm_pane_gpu;

enum mm_prompt { MM_PROMPT_NONE, MM_PROMPT_COMMAND, MM_PROMPT_SEARCH, MM_PROMPT_FILTER };

struct mm_top_screen { /* what each screen remembers */
	struct mm_list list;
	int sort, falling;
};

struct mm_top {
	struct mm_top_options options;
	const struct mm_source *source;
	enum mm_source_state seen;     /* of it, when it was heard last */
	int rows, cols;
	struct mm_panels panels;

	enum mm_screen screen;
	struct mm_top_screen screens[MM_SCREEN_COUNT];
	struct mm_report *report;      /* NULL before the first */
	struct mm_question asked;      /* that it answers */
	int stale;                     /* there may be a newer answer */
	struct mm_report *mark;        /* NULL none */

	uint64_t from, to;             /* the range that is shown; to MM_UNKNOWN = the end */
	char process[MM_QUESTION_PROCESS]; /* as in a question */
	int paused, playing;
	enum mm_metric metric;
	int bytes, maximised;
	char search[MM_TOP_TEXT], filter[MM_TOP_TEXT];

	size_t *order;                 /* rows of the pane that are shown */
	size_t order_count, order_cap;

	enum mm_prompt prompt;
	char line[MM_TOP_TEXT];        /* that is being typed */
	int detail;                    /* it has the whole body */
	int detail_first;
	int help;
	size_t help_first;
	char message[MM_TOP_TEXT];     /* at the foot until the next key */
	enum mm_style message_style;
	enum mm_top_wish wish;
	char copied[MM_TOP_TEXT * 2];
	char row_line[MM_TOP_TEXT * 4];

	/* of single screens */
	struct {
		int view;
		uint64_t branch[MM_TOP_BRANCHES]; /* that are not as they would be by themselves */
		size_t branch_count;
		int all;                          /* 1 open, -1 closed */
		uint64_t *path;                   /* of each node: what it is known by */
		uint8_t *open, *shown;
		size_t path_cap, open_cap, shown_cap;
		uint64_t zoom;                    /* path of the root of the flames; 0 = all */
	} calls;
	struct { uint64_t cursor; uint64_t shown_from, shown_to; } timeline;
	struct mm_report *span;        /* of the time that the timeline shows; NULL = as `report` */
	struct mm_question span_asked;
	int span_stale;
	struct { uint64_t addr, cell_bytes; uint32_t range, cursor; int colour; } fragmap;
};

/* --- top.c ------------------------------------------------------------------------------ */

void mm_top_say(struct mm_top *t, enum mm_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void mm_top_ask_again(struct mm_top *t);
/* Another range: `to` MM_UNKNOWN = the end. */
void mm_top_range(struct mm_top *t, uint64_t from, uint64_t to);
void mm_top_show(struct mm_top *t, enum mm_screen screen);
/* Another process of the trace, or "all"; it may turn out that there is none such. */
void mm_top_process(struct mm_top *t, const char *process);

/* top_report.c: what the screen needs to know. */
struct mm_question mm_top_question(const struct mm_top *t);
/* The next process that was recorded, round and round. */
void mm_top_next_process(struct mm_top *t);

/* top_rows.c: the main rows as they are shown. */
int mm_top_arrange(struct mm_top *t);
/* Number among the pane's rows of the one under the cursor; SIZE_MAX none. */
size_t mm_top_selected(const struct mm_top *t);
struct mm_list *mm_top_list(struct mm_top *t);
void mm_top_search(struct mm_top *t, int step, int stay);
/* The main table of the pane in r. */
int mm_top_table(struct mm_top *t, struct mm_canvas *c, struct mm_rect r);
/* Every shown row, tab between the cells. 0 or an error. */
int mm_top_write_rows(struct mm_top *t, FILE *out);

/* top_line.c: what is typed at the foot. */
void mm_top_prompt_open(struct mm_top *t, enum mm_prompt prompt);
void mm_top_prompt_key(struct mm_top *t, uint32_t key);
const char *mm_top_prompt_sign(const struct mm_top *t);

/* top_time.c: moving through time. 1 = done. */
int mm_top_time_act(struct mm_top *t, enum mm_action action);
int mm_top_play_on(struct mm_top *t);
uint64_t mm_top_duration(const struct mm_top *t);
/* The report of all the time that the timeline shows. */
const struct mm_report *mm_top_span(const struct mm_top *t);

/* top_command.c: the commands one by one, for the help; 0 = there are no more. */
int mm_top_command_help(size_t i, const char **ret_name, const char **ret_what);

/* top_frame.c: title, tabs, foot, help. */
void mm_top_frame(struct mm_top *t, struct mm_canvas *c);
/* A key while the help is shown. */
void mm_top_help_act(struct mm_top *t, enum mm_action action);
/* The screen whose name is there in the row of names; -1 none. */
int mm_top_tab_at(const struct mm_top *t, int col);

/* widgets.c: what several panes draw. */
/* "NAME  value  value": one line of pairs. */
int mm_part_pair(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row, int col,
		 const char *name, struct mm_value v);
void mm_part_head(struct mm_canvas *c, struct mm_rect r, int row, const char *title);
/* The frames of a stack, one a row, the innermost first, from t->detail_first on. */
void mm_part_stack(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, uint32_t stack);
/* "net_rx  net/rx.c:118" of the frame that a reader looks for first; into buf. */
enum { MM_PART_SITE = 512 };
const char *mm_part_site(const struct mm_report_row *row, char *buf);
/* What a figure of this metric is: bytes or a number. */
enum mm_value_kind mm_part_kind(enum mm_metric metric);

/* The timeline between two moments as `cols` columns: of what holds on (live bytes) the largest
 * of each, of what happens (allocations) the sum. */
enum mm_part_line { MM_LINE_PEAK, MM_LINE_RSS, MM_LINE_ALLOCS, MM_LINE_FREES };
void mm_part_columns(const struct mm_report *r, enum mm_part_line line, uint64_t from, uint64_t to,
		     int cols, uint64_t *ret);
/* The end of the report's range; of all, that of the trace. */
uint64_t mm_part_end(const struct mm_report *r);
uint64_t mm_part_most(const uint64_t *values, int count);
/* The row of the same name in the marked report; NULL none. */
const struct mm_report_category *mm_part_marked_category(const struct mm_top *t, const char *name);
/* What happened, of the log of pressure: "WARN (from ok) heap", "evict mesh_data 48.0 MiB"; into
 * buf (MM_PART_SITE bytes). */
const char *mm_part_event(const struct mm_top *t, const struct mm_report_log *l, char *buf);
enum mm_style mm_part_event_style(const struct mm_report_log *l);
/* The log in r from number `first` on, the newest first unless `oldest_first`. */
void mm_part_log(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int oldest_first, size_t first);
/* "OK", "WARN" ...: in capitals, "?" unknown. */
const char *mm_part_level_word(uint64_t level);
enum mm_style mm_part_level_look(uint64_t level);
/* Style of a part of a limit: calm below 75 %, then warn, bad from 90 %. */
enum mm_style mm_part_level_style(uint64_t ppm);

#endif
