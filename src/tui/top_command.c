/* top_command.c: lines typed after ':' or read from a script (top.h). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "core/error.h"
#include "tui/top_parts.h"

typedef int run_fn(struct mm_top *t, const char *arg, struct mm_diag *diag);

static int cmd_quit(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	(void)arg;
	(void)diag;
	t->wish = MM_WISH_QUIT;
	return MM_OK;
}

static int cmd_help(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	(void)arg;
	(void)diag;
	t->help = 1;
	t->help_first = 0;
	return MM_OK;
}

static int cmd_screen(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	for (int i = 0; i < MM_SCREEN_COUNT; i++)
		if (strcmp(arg, mm_screen_name((enum mm_screen)i)) == 0) {
			mm_top_show(t, (enum mm_screen)i);
			return MM_OK;
		}
	return mm_fail(diag, MM_EINVAL, "screen: '%s' is none of overview, categories, tiers, fragmap, "
		       "leaks, calls, timeline, threads, gpu", arg);
}

/* --- time ---------------------------------------------------------------------------------- */

static int find_mark(const struct mm_top *t, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < t->report->mark_count; i++)
		if (strcmp(t->report->marks[i].text, name) == 0) {
			*ret = t->report->marks[i].t_ns;
			return MM_OK;
		}
	return MM_ENOENT;
}

static int read_moment(const struct mm_top *t, const char *arg, uint64_t *ret, struct mm_diag *diag)
{
	struct mm_moment m;

	if (!t->report)
		return mm_fail(diag, MM_EINVAL, "there is nothing to move in yet");
	if (mm_parse_time(arg, &m))
		return mm_fail(diag, MM_EINVAL, "'%s' is not a time: 12.5s, 1:02.5, 50%%, peak, mark:NAME",
			       arg);
	switch (m.kind) {
	case MM_MOMENT_NS: *ret = m.ns; break;
	case MM_MOMENT_RATIO:
		*ret = (uint64_t)((unsigned __int128)mm_top_duration(t) * m.ppm / 1000000);
		break;
	case MM_MOMENT_PEAK: *ret = t->report->totals.peak_at_ns + 1; break;
	default:
		if (find_mark(t, m.mark, ret))
			return mm_fail(diag, MM_ENOENT, "no mark '%s' in the range that is shown", m.mark);
	}
	return MM_OK;
}

static int cmd_to(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	uint64_t to;

	if (strcmp(arg, "end") == 0) {
		mm_top_range(t, t->from, MM_UNKNOWN);
		return MM_OK;
	}
	int err = read_moment(t, arg, &to, diag);
	if (err)
		return err;
	if (to <= t->from)
		return mm_fail(diag, MM_EINVAL, "'%s' is not after the beginning of the range", arg);
	if (to > mm_top_duration(t)) {
		mm_top_say(t, MM_STYLE_NOTE, "%s is after the end, which is shown", arg);
		to = MM_UNKNOWN;
	}
	mm_top_range(t, t->from, to);
	return MM_OK;
}

static int cmd_from(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	uint64_t from;
	int err = read_moment(t, arg, &from, diag);

	if (err)
		return err;
	if (from >= t->to || from >= mm_top_duration(t))
		return mm_fail(diag, MM_EINVAL, "'%s' is not before the end of the range", arg);
	mm_top_range(t, from, t->to);
	return MM_OK;
}

static int cmd_process(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	size_t digits = strspn(arg + (arg[0] == '#'), "0123456789");

	if (strcmp(arg, "all") != 0 &&
	    (!digits || arg[digits + (arg[0] == '#')] || strlen(arg) >= MM_QUESTION_PROCESS))
		return mm_fail(diag, MM_EINVAL, "process: '%s' is not a PID, #NUMBER or all", arg);
	mm_top_process(t, arg);
	return MM_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static int cmd_filter(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	(void)diag;
	snprintf(t->filter, sizeof t->filter, "%s", arg);
	return mm_top_arrange(t);
}

static int cmd_search(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	(void)diag;
	snprintf(t->search, sizeof t->search, "%s", arg);
	if (arg[0])
		mm_top_search(t, 1, 1);
	return MM_OK;
}

static int cmd_sort(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	const struct mm_pane *p = mm_pane_of(t->screen);
	struct mm_top_screen *s = &t->screens[t->screen];

	for (int i = 0; i < p->column_count; i++)
		if (strcasecmp(arg, p->columns[i].title) == 0) {
			s->falling = !p->columns[i].left;
			s->sort = i;
			return mm_top_arrange(t);
		}
	return mm_fail(diag, MM_EINVAL, "sort: this screen has no column '%s'", arg);
}

static int cmd_metric(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	for (int i = 0; i < MM_METRIC_COUNT; i++)
		if (strcmp(arg, mm_metric_name((enum mm_metric)i)) == 0) {
			t->metric = (enum mm_metric)i;
			mm_top_ask_again(t);
			return MM_OK;
		}
	return mm_fail(diag, MM_EINVAL, "metric: '%s' is none of peak, live, allocs, bytes, temporary, "
		       "leaks", arg);
}

/* --- settings ------------------------------------------------------------------------------ */

static int cmd_set(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	const struct { const char *name; int *value; } all[] = {
		{ "bytes", &t->bytes }, { "ascii", &t->options.ascii },
		{ "plain", &t->options.plain }, { "copy", &t->options.copy },
		{ "maximised", &t->maximised },
	};
	size_t n = strcspn(arg, " ");
	const char *value = arg[n] ? arg + n + 1 : "on";

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (strlen(all[i].name) != n || strncmp(all[i].name, arg, n) != 0)
			continue;
		if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
			return mm_fail(diag, MM_EINVAL, "set %s: '%s' is neither on nor off",
				       all[i].name, value);
		*all[i].value = value[1] == 'n';
		mm_top_resize(t, t->rows, t->cols);
		return MM_OK;
	}
	return mm_fail(diag, MM_EINVAL, "set: '%.*s' is none of bytes, ascii, plain, copy, maximised",
		       (int)n, arg);
}

static int cmd_size(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	int rows, cols, end = 0;

	if (sscanf(arg, "%4dx%4d%n", &cols, &rows, &end) != 2 || arg[end] || rows < 1 || cols < 1 ||
	    rows > 1000 || cols > 1000)
		return mm_fail(diag, MM_EINVAL, "size: '%s' is not COLUMNSxROWS", arg);
	mm_top_resize(t, rows, cols);
	return MM_OK;
}

/* --- files --------------------------------------------------------------------------------- */

/* A file that is there is left alone. */
static int open_new(struct mm_top *t, const char *path, FILE **ret, struct mm_diag *diag)
{
	if (t->options.readonly)
		return mm_fail(diag, MM_EPERM, "started with --readonly: no file is written");
	if (!path[0])
		return mm_fail(diag, MM_EINVAL, "a file name is missing");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f && fd < 0 && errno == EEXIST)
		return mm_fail(diag, MM_EEXIST, "%s is there already: give another name", path);
	if (!f)
		return mm_fail_errno(diag, "%s", path);
	*ret = f;
	return MM_OK;
}

static int close_new(struct mm_top *t, FILE *f, const char *path, int err, struct mm_diag *diag)
{
	if (fclose(f) != 0 || err)
		return mm_fail(diag, err ? err : MM_EIO, "%s could not be written whole", path);
	mm_top_say(t, MM_STYLE_NOTE, "written: %s", path);
	return MM_OK;
}

static int cmd_save_screen(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	struct mm_canvas c;
	FILE *f;
	int err = mm_top_update(t, diag);

	if (!err)
		err = mm_canvas_init(&c, t->rows, t->cols, t->options.ascii);
	if (err)
		return err;
	/* Drawn as it was before the command was typed. */
	t->prompt = MM_PROMPT_NONE;
	mm_top_draw(t, &c);
	err = open_new(t, arg, &f, diag);
	if (!err)
		err = close_new(t, f, arg, mm_canvas_save(&c, f), diag);
	mm_canvas_deinit(&c);
	return err;
}

static int cmd_export(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	FILE *f;

	if (!mm_pane_of(t->screen)->cell)
		return mm_fail(diag, MM_EINVAL, "this screen has no rows to write: :json writes the report");
	int err = mm_top_update(t, diag);
	if (!err)
		err = open_new(t, arg, &f, diag);
	return err ? err : close_new(t, f, arg, mm_top_write_rows(t, f), diag);
}

static int cmd_json(struct mm_top *t, const char *arg, struct mm_diag *diag)
{
	FILE *f;
	int err = mm_top_update(t, diag);

	if (!err)
		err = open_new(t, arg, &f, diag);
	return err ? err : close_new(t, f, arg, mm_top_json(t, f), diag);
}

/* --- the table of commands ------------------------------------------------------------------ */

static const struct { const char *name; run_fn *run; int needs; const char *what; } commands[] = {
	{ "goto", cmd_to, 1, "a moment: 12.5s, 1:02.5, 50%, peak, mark:NAME, end" },
	{ "to", cmd_to, 1, "the same" },
	{ "from", cmd_from, 1, "a moment at which the range begins" },
	{ "process", cmd_process, 1, "a PID, #NUMBER or all" },
	{ "screen", cmd_screen, 1, "its name" },
	{ "filter", cmd_filter, 0, "a text that rows must hold" },
	{ "search", cmd_search, 0, "a text to look for" },
	{ "sort", cmd_sort, 1, "the title of a column" },
	{ "metric", cmd_metric, 1, "live, peak, allocs, bytes, temporary, leaks" },
	{ "set", cmd_set, 1, "bytes, ascii, plain, copy, maximised, and on or off" },
	{ "export", cmd_export, 1, "a file for the rows that are shown" },
	{ "json", cmd_json, 1, "a file for the report" },
	{ "save-screen", cmd_save_screen, 1, "a file for the cells" },
	{ "size", cmd_size, 1, "COLUMNSxROWS, in scripts" },
	{ "help", cmd_help, 0, "this" },
	{ "quit", cmd_quit, 0, "the end" },
	{ "q", cmd_quit, 0, "the end" },
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

int mm_top_command_help(size_t i, const char **ret_name, const char **ret_what)
{
	if (i >= COMMAND_COUNT)
		return 0;
	*ret_name = commands[i].name;
	*ret_what = commands[i].what;
	return 1;
}

int mm_top_command(struct mm_top *t, const char *line, struct mm_diag *diag)
{
	size_t n = strcspn(line, " ");
	const char *arg = line + n + strspn(line + n, " ");

	t->message[0] = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strlen(commands[i].name) != n || strncmp(commands[i].name, line, n) != 0)
			continue;
		if (commands[i].needs && !*arg)
			return mm_fail(diag, MM_EINVAL, "%s: give %s", commands[i].name,
				       commands[i].what);
		return commands[i].run(t, arg, diag);
	}
	return mm_fail(diag, MM_EINVAL, "no command '%.*s': ? shows them, behind the keys", (int)n, line);
}
