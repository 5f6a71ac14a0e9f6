/* top_frame.c: title, names of the screens, foot and help (top_parts.h). */
#include <string.h>

#include "base/units.h"
#include "base/utf8.h"
#include "tui/top_parts.h"

static const char *state_word(const struct mm_top *t)
{
	enum mm_source_state s = t->source->state(t->source->ctx);

	if (t->playing)
		return "PLAYING";
	if (t->paused)
		return "PAUSED";
	switch (s) {
	case MM_SOURCE_LIVE: return "LIVE";
	case MM_SOURCE_ENDED: return "ENDED";
	case MM_SOURCE_KILLED: return "KILLED";
	default: return "TRACE";
	}
}

static enum mm_style state_style(const struct mm_top *t)
{
	switch (t->source->state(t->source->ctx)) {
	case MM_SOURCE_KILLED: return MM_STYLE_BAD;
	case MM_SOURCE_ENDED: return MM_STYLE_WARN;
	default: return MM_STYLE_TITLE;
	}
}

static int title_part(struct mm_canvas *c, struct mm_rect r, int col, enum mm_style style,
		      const char *text)
{
	if (col + (int)mm_utf8_columns(text) > r.cols)
		return col;
	return col + mm_canvas_text(c, r, 0, col, style, text) + 2;
}

static void moment_text(const struct mm_top *t, char *buf, size_t size)
{
	char to[MM_UNITS_TEXT], all[MM_UNITS_TEXT], from[MM_UNITS_TEXT];
	uint64_t duration = mm_top_duration(t), end = t->asked.to_ns;

	/* Of what is shown, not of what is being read. */
	mm_format_time(all, duration);
	mm_format_time(to, end == MM_UNKNOWN ? duration : end);
	mm_format_time(from, t->asked.from_ns);
	if (t->asked.from_ns)
		snprintf(buf, size, "%s to %s of %s", from, to, all);
	else if (end != MM_UNKNOWN)
		snprintf(buf, size, "t %s of %s", to, all);
	else
		snprintf(buf, size, "t %s", all);
}

/* The program's name: the first word of its command, without folders. */
static void program_name(const char *cmd, char *buf, size_t size)
{
	char safe[MM_TOP_TEXT];
	size_t n = strcspn(cmd, " ");
	const char *from = cmd;

	for (size_t i = 0; i < n; i++)
		if (cmd[i] == '/')
			from = cmd + i + 1;
	snprintf(buf, size, "%.*s", (int)(n - (size_t)(from - cmd)), from);
	mm_utf8_shorten(mm_utf8_escape(safe, sizeof safe, buf, 0), 24, 0);
	snprintf(buf, size, "%s", safe);
}

/* "cc1 pid 4242"; of a trace of several "cc1 pid 4242, 2 of 3 processes", or all of them. */
static const char *process_text(const struct mm_report *p, char *buf, size_t size)
{
	char name[MM_TOP_TEXT];
	size_t recorded = 0, at = 0;

	for (size_t i = 0; i < p->process_count; i++) {
		recorded += p->processes[i].recorded;
		if (p->processes[i].number == p->run.process)
			at = recorded;
	}
	program_name(p->run.cmd, name, sizeof name);
	if (p->run.process == MM_NO_PROCESS)
		snprintf(buf, size, "all %zu processes of %s", recorded, name);
	else if (recorded > 1)
		snprintf(buf, size, "%s pid %u, %zu of %zu processes", name, p->run.pid, at, recorded);
	else
		snprintf(buf, size, "%s pid %u", name, p->run.pid);
	return buf;
}

static void draw_title(struct mm_top *t, struct mm_canvas *c)
{
	struct mm_rect r = t->panels.title;
	const struct mm_report *p = t->report;
	char text[MM_TOP_TEXT * 2], at[MM_UNITS_TEXT];
	int col = title_part(c, r, 1, MM_STYLE_TITLE, "mmtop");

	mm_canvas_restyle(c, r, MM_STYLE_TITLE);
	if (!t->panels.tabs.rows)
		col = title_part(c, r, col, MM_STYLE_TITLE, mm_pane_of(t->screen)->title);
	if (p)
		col = title_part(c, r, col, MM_STYLE_TITLE, process_text(p, text, sizeof text));
	col = title_part(c, r, col, state_style(t), state_word(t));
	moment_text(t, text, sizeof text);
	if (p)
		col = title_part(c, r, col, MM_STYLE_TITLE, text);
	if (p && p->pressure.level != MM_UNKNOWN) {
		snprintf(text, sizeof text, "pressure %u %s", (unsigned)p->pressure.level,
			 mm_part_level_word(p->pressure.level));
		col = title_part(c, r, col, p->pressure.level > 1 ? MM_STYLE_BAD : MM_STYLE_TITLE, text);
	}
	if (p && p->run.lost_events_count) {
		char count[MM_UNITS_TEXT];
		snprintf(text, sizeof text, "lost %s", mm_format_count(count, p->run.lost_events_count));
		col = title_part(c, r, col, MM_STYLE_BAD, text);
	}
	if (t->mark) {
		snprintf(text, sizeof text, "MARK %s", mm_format_time(at, mm_part_end(t->mark)));
		col = title_part(c, r, col, MM_STYLE_TITLE, text);
	}
	title_part(c, r, col, MM_STYLE_TITLE, t->source->name);
}

/* Where not all fit, only the one that is shown has a name. */
static int names_fit(const struct mm_top *t)
{
	int all = 0;

	for (int i = 0; i < MM_SCREEN_COUNT; i++)
		all += (int)strlen(mm_pane_of((enum mm_screen)i)->title) + 4;
	return all <= t->panels.tabs.cols;
}

static int tab_width(const struct mm_top *t, int i)
{
	int named = i == (int)t->screen || names_fit(t);

	return named ? (int)strlen(mm_pane_of((enum mm_screen)i)->title) + 4 : 3;
}

static void draw_tabs(struct mm_top *t, struct mm_canvas *c)
{
	struct mm_rect r = t->panels.tabs;

	for (int i = 0, col = 0; i < MM_SCREEN_COUNT; col += tab_width(t, i), i++) {
		const char *title = tab_width(t, i) > 3 ? mm_pane_of((enum mm_screen)i)->title : "";
		int on = i == (int)t->screen;
		mm_canvas_print(c, r, 0, col, on ? MM_STYLE_TAB : MM_STYLE_DIM, "%c%d%s%s%c", on ? '[' : ' ',
				i + 1, *title ? " " : "", title, on ? ']' : ' ');
	}
}

int mm_top_tab_at(const struct mm_top *t, int col)
{
	for (int i = 0, at = 0; i < MM_SCREEN_COUNT; at += tab_width(t, i), i++)
		if (col >= at && col < at + tab_width(t, i))
			return i;
	return -1;
}

/* --- foot ---------------------------------------------------------------------------------- */

static const struct { const char *key, *what; } foot_keys[] = {
	{ "q", "Quit" }, { "?", "Help" }, { "1-9", "Screens" }, { "/", "Find" }, { "\\", "Filter" },
	{ "s", "Sort" }, { "v", "Count" }, { "Spc", "Pause" }, { "[ ]", "Step" }, { "P", "Peak" },
	{ "m", "Mark" }, { "E", "Export" }, { ":", "Command" }, { "B", "Bytes" }, { "e", "Maximise" },
};

static void draw_keys(struct mm_canvas *c, struct mm_rect r)
{
	int col = 0;

	for (size_t i = 0; i < sizeof foot_keys / sizeof *foot_keys; i++) {
		int width = (int)(strlen(foot_keys[i].key) + strlen(foot_keys[i].what)) + 1;
		if (col + width > r.cols)
			return;
		col += mm_canvas_text(c, r, 0, col, MM_STYLE_KEY, foot_keys[i].key);
		col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, " %s", foot_keys[i].what) + 2;
	}
}

static void draw_foot(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	if (t->prompt != MM_PROMPT_NONE) {
		int col = mm_canvas_text(c, r, 0, 0, MM_STYLE_KEY, mm_top_prompt_sign(t));
		mm_canvas_fit(c, r, 0, col, r.cols - col - 1, MM_STYLE_BOLD, t->line, 1);
	} else if (t->message[0]) {
		mm_canvas_fit(c, r, 0, 0, r.cols, t->message_style, t->message, 0);
	} else if (mm_top_waits(t)) {
		mm_canvas_text(c, r, 0, 0, MM_STYLE_DIM, "reading ...");
	} else if (t->filter[0]) {
		mm_canvas_print(c, r, 0, 0, MM_STYLE_NOTE, "only rows with '%s': Esc drops the filter",
				t->filter);
	} else {
		draw_keys(c, r);
	}
}

/* --- one line ------------------------------------------------------------------------------ */

static void draw_line(struct mm_top *t, struct mm_canvas *c)
{
	char size[MM_VALUE_TEXT_MOST];
	struct mm_rect r = t->panels.title;

	if (t->prompt != MM_PROMPT_NONE || t->message[0]) {
		draw_foot(t, c, r);
		return;
	}
	int col = mm_canvas_text(c, r, 0, 0, MM_STYLE_KEY, "q");
	col += mm_canvas_text(c, r, 0, col, MM_STYLE_DIM, " quit ");
	if (!t->report)
		return;
	struct mm_value live = mm_value_of(MM_VALUE_SIZE, t->report->totals.all.live_bytes);
	const char *text = mm_value_text(&live, 0, size);
	if (col + (int)strlen(text) <= r.cols)
		mm_canvas_print(c, r, 0, col, MM_STYLE_PLAIN, "%s live", text);
}

/* --- help ---------------------------------------------------------------------------------- */

enum { HELP_MOST = MM_ACT_COUNT + 40, HELP_KEYS = 17 };

/* Keys, then commands. */
static size_t help_lines(const struct mm_top *t, struct mm_help_line *lines)
{
	size_t n = mm_keys_help(t->screen, lines, MM_ACT_COUNT);
	const char *name, *what;

	for (size_t i = 0; n < HELP_MOST && mm_top_command_help(i, &name, &what); i++, n++) {
		snprintf(lines[n].keys, sizeof lines[n].keys, ":%s", name);
		lines[n].what = what;
		lines[n].where = "everywhere";
	}
	return n;
}

static void draw_help(struct mm_top *t, struct mm_canvas *c)
{
	struct mm_help_line lines[HELP_MOST];
	struct mm_rect r = t->panels.body;
	size_t n = help_lines(t, lines), rows = r.rows > 1 ? (size_t)r.rows - 1 : 0;

	if (t->help_first + rows > n)
		t->help_first = n > rows ? n - rows : 0;
	mm_canvas_fit(c, r, 0, 0, r.cols, MM_STYLE_HEAD,
		      "KEYS, THEN COMMANDS  Up, Down, PgUp, PgDn move; any other key closes this", 0);
	for (size_t i = 0; i < rows && t->help_first + i < n; i++) {
		const struct mm_help_line *l = &lines[t->help_first + i];
		int row = 1 + (int)i, col = HELP_KEYS + 1;
		mm_canvas_fit(c, r, row, 1, HELP_KEYS - 1, MM_STYLE_KEY, l->keys, 0);
		col += mm_canvas_text(c, r, row, col, MM_STYLE_PLAIN, l->what);
		if (strcmp(l->where, "everywhere") != 0)
			mm_canvas_print(c, r, row, col + 1, MM_STYLE_DIM, "(%s)", l->where);
	}
}

void mm_top_help_act(struct mm_top *t, enum mm_action action)
{
	size_t step = t->panels.body.rows > 2 ? (size_t)t->panels.body.rows - 2 : 1;

	switch (action) {
	case MM_ACT_DOWN: t->help_first++; break;
	case MM_ACT_PAGE_DOWN: t->help_first += step; break;
	case MM_ACT_UP: t->help_first -= t->help_first > 0; break;
	case MM_ACT_PAGE_UP: t->help_first -= t->help_first < step ? t->help_first : step; break;
	case MM_ACT_QUIT: t->wish = MM_WISH_QUIT; break;
	default: t->help = 0;
	}
}

void mm_top_frame(struct mm_top *t, struct mm_canvas *c)
{
	if (t->panels.size == MM_SIZE_LINE) {
		draw_line(t, c);
		return;
	}
	draw_title(t, c);
	if (t->panels.tabs.rows)
		draw_tabs(t, c);
	draw_foot(t, c, t->panels.foot);
	if (t->help)
		draw_help(t, c);
	else if (!t->report)
		mm_canvas_text(c, t->panels.body, 1, 1, MM_STYLE_DIM, "waiting for the first events ...");
}
