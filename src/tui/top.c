/* top.c: the state of mmtop and what keys do to it (top.h). */
#include "tui/top.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "tui/top_parts.h"

static void start_screens(struct mm_top *t)
{
	for (int i = 0; i < MM_SCREEN_COUNT; i++) {
		const struct mm_pane *p = mm_pane_of((enum mm_screen)i);
		t->screens[i].sort = p->columns ? p->sort : -1;
		t->screens[i].falling = !p->rising;
	}
}

int mm_top_create(struct mm_top **ret, const struct mm_top_options *options,
		  const struct mm_source *source)
{
	struct mm_top *t = calloc(1, sizeof *t);

	if (!t)
		return MM_ENOMEM;
	t->options = *options;
	t->source = source;
	t->seen = source->state(source->ctx);
	t->to = MM_UNKNOWN;
	t->timeline.shown_to = MM_UNKNOWN;
	t->timeline.cursor = MM_UNKNOWN;
	/* Of what is over, the end says least. */
	t->metric = source->state(source->ctx) == MM_SOURCE_FILE ? MM_METRIC_PEAK : MM_METRIC_LIVE;
	t->stale = 1;
	if (options->filter)
		snprintf(t->filter, sizeof t->filter, "%s", options->filter);
	start_screens(t);
	t->screen = options->screen;
	mm_top_resize(t, 24, 80);
	*ret = t;
	return MM_OK;
}

void mm_top_from(struct mm_top *t, const struct mm_source *source)
{
	t->source = source;
}

void mm_top_destroy(struct mm_top *t)
{
	if (!t)
		return;
	if (t->report != t->mark)
		mm_report_free(t->report);
	mm_report_free(t->mark);
	mm_report_free(t->span);
	free(t->order);
	free(t->calls.path);
	free(t->calls.open);
	free(t->calls.shown);
	free(t);
}

void mm_top_resize(struct mm_top *t, int rows, int cols)
{
	t->rows = rows < 1 ? 1 : rows > MM_CANVAS_MOST ? MM_CANVAS_MOST : rows;
	t->cols = cols < 1 ? 1 : cols > MM_CANVAS_MOST ? MM_CANVAS_MOST : cols;
	mm_panels_of(t->rows, t->cols, t->screen, &t->panels);
	if (t->maximised && t->panels.size == MM_SIZE_FULL) {
		memset(t->panels.panel, 0, sizeof t->panels.panel);
		t->panels.panel[MM_PANEL_MAIN] = t->panels.body;
	}
	mm_top_ask_again(t); /* a map has as many cells as there is room for */
}

void mm_top_say(struct mm_top *t, enum mm_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->message, sizeof t->message, format, args);
	va_end(args);
	t->message_style = style;
}

void mm_top_notice(struct mm_top *t, const char *text)
{
	mm_top_say(t, MM_STYLE_NOTE, "%s", text);
}

const struct mm_report *mm_top_report(const struct mm_top *t)
{
	return t->report;
}

int mm_top_json(struct mm_top *t, FILE *out)
{
	return t->report ? t->source->json(t->source->ctx, t->report, out) : MM_ENOENT;
}

enum mm_top_wish mm_top_wish(struct mm_top *t)
{
	enum mm_top_wish wish = t->wish;

	t->wish = MM_WISH_NONE;
	return wish;
}

const char *mm_top_copied(const struct mm_top *t)
{
	return t->copied;
}

/* --- keys ---------------------------------------------------------------------------------- */

void mm_top_show(struct mm_top *t, enum mm_screen screen)
{
	t->screen = screen;
	t->detail = 0;
	t->search[0] = 0;
	mm_top_resize(t, t->rows, t->cols);
	mm_top_arrange(t);
}

static int page(const struct mm_top *t)
{
	int rows = t->panels.panel[MM_PANEL_MAIN].rows - 1;

	return rows > 1 ? rows : 1;
}

static void move(struct mm_top *t, long step)
{
	struct mm_list *l = mm_top_list(t);
	long at = (long)l->at + step;

	l->at = at < 0 ? 0 : (size_t)at;
	mm_list_keep(l, t->order_count, page(t));
}

/* In a detail that takes the whole body. */
static int act_detail(struct mm_top *t, enum mm_action action)
{
	if (action == MM_ACT_ENTER && mm_pane_of(t->screen)->detail && t->order_count) {
		t->detail = !t->detail;
		t->detail_first = 0;
		return 1;
	}
	if (!t->detail)
		return 0;
	switch (action) {
	case MM_ACT_UP: t->detail_first -= t->detail_first > 0; return 1;
	case MM_ACT_DOWN: t->detail_first += t->detail_first < MM_TOP_DETAIL; return 1;
	case MM_ACT_FIRST: t->detail_first = 0; return 1;
	default: return 0;
	}
}

static int act_move(struct mm_top *t, enum mm_action action)
{
	switch (action) {
	case MM_ACT_UP: move(t, -1); return 1;
	case MM_ACT_DOWN: move(t, 1); return 1;
	case MM_ACT_PAGE_UP: move(t, -page(t)); return 1;
	case MM_ACT_PAGE_DOWN: move(t, page(t)); return 1;
	case MM_ACT_FIRST: mm_top_list(t)->at = 0; move(t, 0); return 1;
	case MM_ACT_LAST: move(t, (long)t->order_count); return 1;
	default: return 0;
	}
}

static void sort_on(struct mm_top *t)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	struct mm_top_screen *s = &t->screens[t->screen];

	if (!p->columns) {
		mm_top_say(t, MM_STYLE_NOTE, "this screen has nothing to sort");
		return;
	}
	if (++s->sort >= p->column_count)
		s->sort = p->sort < 0 ? -1 : 0;
	s->falling = s->sort < 0 || !p->columns[s->sort].left;
	mm_top_arrange(t);
	mm_top_say(t, MM_STYLE_NOTE, "sorted by %s",
		   s->sort < 0 ? "what counts most, as at first" : p->columns[s->sort].title);
}

static void invert(struct mm_top *t)
{
	if (t->screens[t->screen].sort < 0) {
		mm_top_say(t, MM_STYLE_NOTE, "choose a column first: s");
		return;
	}
	t->screens[t->screen].falling ^= 1;
	mm_top_arrange(t);
}

static void next_metric(struct mm_top *t)
{
	t->metric = (enum mm_metric)((t->metric + 1) % MM_METRIC_COUNT);
	mm_top_ask_again(t);
	mm_top_say(t, MM_STYLE_NOTE, "counting %s", mm_metric_name(t->metric));
}

/* The report becomes the mark, and stays what is shown until the next. */
static void set_mark(struct mm_top *t)
{
	if (!t->report)
		return;
	if (t->mark != t->report)
		mm_report_free(t->mark);
	t->mark = t->report;
	mm_top_say(t, MM_STYLE_NOTE, "marked: changes since this moment are shown");
}

static void drop_mark(struct mm_top *t)
{
	if (t->mark != t->report)
		mm_report_free(t->mark);
	t->mark = NULL;
	mm_top_say(t, MM_STYLE_NOTE, "no mark");
}

static void drop_text(struct mm_top *t, char *text, const char *what)
{
	mm_top_say(t, MM_STYLE_NOTE, "no %s any more", what);
	text[0] = 0;
}

static void go_away(struct mm_top *t)
{
	if (t->detail)
		t->detail = 0;
	else if (t->search[0])
		drop_text(t, t->search, "search");
	else if (t->filter[0])
		drop_text(t, t->filter, "filter");
	else if (t->maximised)
		t->maximised = 0;
	mm_top_resize(t, t->rows, t->cols);
	mm_top_arrange(t);
}

static void export_rows(struct mm_top *t)
{
	char command[64];
	struct mm_diag diag = { "" };

	snprintf(command, sizeof command, "export mmtop-%s.tsv", mm_screen_name(t->screen));
	int err = mm_top_command(t, command, &diag);
	if (err)
		mm_top_say(t, MM_STYLE_BAD, "%s", mm_diag_text(&diag, err));
}

static void copy_row(struct mm_top *t)
{
	const char *line = mm_top_row_line(t);

	if (!t->options.copy) {
		mm_top_say(t, MM_STYLE_NOTE, "copying is off: :set copy on");
		return;
	}
	snprintf(t->copied, sizeof t->copied, "%s", line);
	t->wish = MM_WISH_COPY;
	mm_top_say(t, MM_STYLE_NOTE, "copied, if the terminal lets us");
}

static void pause_or_go(struct mm_top *t)
{
	int over = t->source->state(t->source->ctx) != MM_SOURCE_LIVE;

	if (over && !t->paused && !t->playing) {
		mm_top_say(t, MM_STYLE_NOTE, "nothing moves that could be paused: p plays");
		return;
	}
	/* Playing that is interrupted goes on from where it was. */
	if (over) {
		t->paused = !t->paused;
		t->playing = !t->paused;
		return;
	}
	t->paused = !t->paused;
	t->playing = 0;
	if (!t->paused && t->to == MM_UNKNOWN)
		t->stale = 1;
}

static void act_view(struct mm_top *t, enum mm_action action)
{
	switch (action) {
	case MM_ACT_SORT: sort_on(t); break;
	case MM_ACT_INVERT: invert(t); break;
	case MM_ACT_METRIC: next_metric(t); break;
	case MM_ACT_BYTES: t->bytes = !t->bytes; break;
	case MM_ACT_MAXIMISE:
		t->maximised = !t->maximised;
		mm_top_resize(t, t->rows, t->cols);
		break;
	case MM_ACT_PAUSE: pause_or_go(t); break;
	case MM_ACT_PROCESS: mm_top_next_process(t); break;
	case MM_ACT_PROCESSES: mm_top_process(t, "all"); break;
	case MM_ACT_MARK: set_mark(t); break;
	case MM_ACT_UNMARK: drop_mark(t); break;
	case MM_ACT_EXPORT: export_rows(t); break;
	case MM_ACT_COPY: copy_row(t); break;
	case MM_ACT_BACK: go_away(t); break;
	default: break;
	}
}

static void act_frame(struct mm_top *t, enum mm_action action)
{
	switch (action) {
	case MM_ACT_NEXT_SCREEN:
		mm_top_show(t, (enum mm_screen)((t->screen + 1) % MM_SCREEN_COUNT));
		break;
	case MM_ACT_PREVIOUS_SCREEN:
		mm_top_show(t, (enum mm_screen)((t->screen + MM_SCREEN_COUNT - 1) %
						MM_SCREEN_COUNT));
		break;
	case MM_ACT_SEARCH: mm_top_prompt_open(t, MM_PROMPT_SEARCH); break;
	case MM_ACT_SEARCH_NEXT: mm_top_search(t, 1, 0); break;
	case MM_ACT_SEARCH_PREVIOUS: mm_top_search(t, -1, 0); break;
	case MM_ACT_FILTER: mm_top_prompt_open(t, MM_PROMPT_FILTER); break;
	case MM_ACT_COMMAND: mm_top_prompt_open(t, MM_PROMPT_COMMAND); break;
	case MM_ACT_HELP: t->help = 1; t->help_first = 0; break;
	case MM_ACT_REDRAW: t->wish = MM_WISH_REDRAW; break;
	case MM_ACT_SUSPEND: t->wish = MM_WISH_SUSPEND; break;
	case MM_ACT_QUIT: t->wish = MM_WISH_QUIT; break;
	default: act_view(t, action);
	}
}

/* What moves in a report: before the first there is nothing to move in. */
static int act_inside(struct mm_top *t, enum mm_action action)
{
	const struct mm_pane *p = mm_pane_of(t->screen);

	return t->report && (act_detail(t, action) || (p->act && p->act(t, action)) ||
			     mm_top_time_act(t, action) || act_move(t, action));
}

static void act(struct mm_top *t, enum mm_action action)
{
	if (action >= MM_ACT_SCREEN_1 && action <= MM_ACT_SCREEN_9)
		mm_top_show(t, (enum mm_screen)(action - MM_ACT_SCREEN_1));
	else if (act_inside(t, action))
		mm_top_ask_again(t);
	else
		act_frame(t, action);
}

void mm_top_key(struct mm_top *t, uint32_t key)
{
	enum mm_action action = mm_keys_action(key, t->screen);

	if (t->prompt != MM_PROMPT_NONE) {
		mm_top_prompt_key(t, key);
		return;
	}
	t->message[0] = 0;
	if (t->help)
		mm_top_help_act(t, action);
	else if (action == MM_ACT_NONE)
		mm_top_say(t, MM_STYLE_NOTE, "no such key here: ? tells them all");
	else
		act(t, action);
}

void mm_top_click(struct mm_top *t, int row, int col)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	struct mm_rect main = t->panels.panel[MM_PANEL_MAIN];

	if (t->help || t->prompt != MM_PROMPT_NONE)
		return;
	if (t->panels.tabs.rows && row == t->panels.tabs.row) {
		int tab = mm_top_tab_at(t, col);
		if (tab >= 0)
			mm_top_show(t, (enum mm_screen)tab);
		return;
	}
	if (t->report && p->click && p->click(t, row, col)) {
		mm_top_ask_again(t);
		return;
	}
	if (p->cell && row > main.row && row < main.row + main.rows) {
		mm_top_list(t)->at = mm_top_list(t)->first + (size_t)(row - main.row - 1);
		move(t, 0);
	}
}

/* --- drawing ------------------------------------------------------------------------------- */

/* The report at hand was made for another screen, and lacks what this one shows. */
static int lacks_parts(const struct mm_top *t)
{
	struct mm_question q = mm_top_question(t);

	return t->stale && (q.tree != t->asked.tree || (q.map && !t->asked.map));
}

void mm_top_draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_pane *p = mm_pane_of(t->screen);

	c->plain = t->options.plain;
	mm_canvas_clear(c);
	mm_top_frame(t, c);
	if (t->panels.size == MM_SIZE_LINE || t->help || !t->report)
		return;
	const char *lacks = lacks_parts(t) ? "reading ..." : p->lacks ? p->lacks(t) : NULL;
	if (!lacks && t->detail && p->detail) {
		p->detail(t, c, t->panels.body);
		return;
	}
	if (!lacks) {
		p->draw(t, c);
		return;
	}
	struct mm_rect r = t->panels.body;
	for (int row = 1; *lacks && row <= r.rows; row++) {
		size_t n = strcspn(lacks, "\n");
		mm_canvas_print(c, r, r.rows > 3 ? row : row - 1, 1, MM_STYLE_PLAIN, "%.*s", (int)n, lacks);
		lacks += n + (lacks[n] == '\n');
	}
}
