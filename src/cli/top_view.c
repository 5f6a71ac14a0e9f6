/* top_view.c: the loops around mmtop (top_view.h). */
#include "cli/top_view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/top_asker.h"
#include "collect/stampclock.h"
#include "core/error.h"
#include "tui/keys.h"
#include "tui/script.h"
#include "tui/tty.h"

enum { PLAY_NS = 100000000 };
#define NAMES_NS UINT64_C(10000000000) /* at most, that one screen waits for names */

static int wait_ms(uint64_t until)
{
	uint64_t now = mm_monotonic_ns();

	return now >= until ? 0 : (int)((until - now) / 1000000) + 1;
}

/* --- on a terminal -------------------------------------------------------------------------- */

struct loop {
	const struct mm_top_view *view;
	const struct mm_source *source;
	struct mm_top *top;
	struct mm_tty *tty;
	struct mm_top_asker *asker;
	struct mm_canvas canvas;
	uint64_t next;     /* look */
};

static int fit_canvas(struct loop *l)
{
	int rows, cols;

	mm_tty_size(l->tty, &rows, &cols);
	mm_canvas_deinit(&l->canvas);
	mm_top_resize(l->top, rows, cols);
	return mm_canvas_init(&l->canvas, rows < 1 ? 1 : rows > MM_CANVAS_MOST ? MM_CANVAS_MOST : rows,
			      cols < 1 ? 1 : cols > MM_CANVAS_MOST ? MM_CANVAS_MOST : cols,
			      l->view->top.ascii);
}

static void send(struct loop *l)
{
	int row, col;

	mm_top_draw(l->top, &l->canvas);
	mm_top_cursor(l->top, &row, &col);
	mm_tty_paint(l->tty, &l->canvas, row, col);
}

/* What a key did is seen at once; what has to be read for it comes later. */
static int paint(struct loop *l, struct mm_diag *diag)
{
	int err = mm_top_update(l->top, diag);

	if (!err)
		send(l);
	return err;
}

/* 1 = the end. */
static int obey(struct loop *l)
{
	switch (mm_top_wish(l->top)) {
	case MM_WISH_QUIT: return 1;
	case MM_WISH_REDRAW: mm_tty_redraw(l->tty); return 0;
	case MM_WISH_SUSPEND: mm_tty_suspend(l->tty); return 0;
	case MM_WISH_COPY: mm_tty_copy(l->tty, mm_top_copied(l->top)); return 0;
	default: return 0;
	}
}

static uint64_t pace(const struct loop *l)
{
	int soon = mm_top_plays(l->top) || !mm_top_report(l->top);

	return soon && l->view->delay_ns > PLAY_NS ? PLAY_NS : l->view->delay_ns;
}

static int take(struct loop *l, const struct mm_tty_input *in)
{
	switch (in->event) {
	case MM_TTY_KEY: mm_top_key(l->top, in->key); return MM_OK;
	case MM_TTY_CLICK: mm_top_click(l->top, in->row, in->col); return MM_OK;
	case MM_TTY_RESIZED: return fit_canvas(l);
	default: return MM_OK;
	}
}

/* Everything that was typed is taken before the next paint. */
static int take_all(struct loop *l, struct mm_tty_input in)
{
	int err = MM_OK;

	for (int n = 0; !err && in.event != MM_TTY_NOTHING && in.event != MM_TTY_GONE; n++) {
		err = take(l, &in);
		if (err || n > 200)
			break;
		in = mm_tty_read(l->tty, 0, -1);
	}
	return err;
}

static int turn(struct loop *l, struct mm_diag *diag)
{
	int moves = mm_top_moves(l->top);
	struct mm_tty_input in = mm_tty_read(l->tty, moves ? wait_ms(l->next) : 1000,
					     mm_top_asker_fd(l->asker));

	if (in.event == MM_TTY_GONE)
		return 1;
	if (in.event == MM_TTY_WOKEN && mm_top_asker_heard(l->asker))
		mm_top_hear(l->top);
	int err = in.event == MM_TTY_WOKEN ? MM_OK : take_all(l, in);
	if (err)
		return err;
	if (obey(l))
		return 1;
	int changed = in.event != MM_TTY_NOTHING;
	if (mm_monotonic_ns() >= l->next) {
		changed |= mm_top_tick(l->top);
		l->next = mm_monotonic_ns() + pace(l);
	}
	return changed ? paint(l, diag) : MM_OK;
}

static int on_terminal(struct loop *l, struct mm_diag *diag)
{
	struct mm_tty_options how = { l->view->colour, l->view->mouse, l->view->stay };
	int err = mm_top_update(l->top, diag); /* before the screen is taken: errors stay readable */

	if (!err)
		err = mm_tty_open(&l->tty, &how, diag);
	if (!err)
		err = fit_canvas(l);
	if (!err)
		err = mm_top_asker_open(&l->asker, l->source);
	if (!err) {
		mm_top_from(l->top, mm_top_asker_view(l->asker));
		err = paint(l, diag);
	}
	l->next = mm_monotonic_ns() + pace(l);
	while (!err)
		err = turn(l, diag);
	mm_canvas_deinit(&l->canvas);
	mm_tty_close(l->tty);
	mm_top_from(l->top, l->source);
	mm_top_asker_close(l->asker);
	if (mm_tty_signal() && !l->view->stay)
		raise(mm_tty_signal());
	return err > 0 ? MM_OK : err;
}

/* --- batches and scripts --------------------------------------------------------------------- */

static int print_screen(struct loop *l, struct mm_diag *diag)
{
	int err = mm_top_update(l->top, diag);

	if (err)
		return err;
	if (l->view->json) {
		err = mm_top_json(l->top, stdout);
	} else {
		mm_top_draw(l->top, &l->canvas);
		err = mm_canvas_write(&l->canvas, stdout);
	}
	/* What has been seen is not held back. */
	if (err || fflush(stdout))
		return mm_fail_errno(diag, "standard output");
	return MM_OK;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	nanosleep(&ts, NULL);
}

/* A recording that has only just begun has nothing to print. */
static int wait_for_report(struct loop *l, struct mm_diag *diag)
{
	int err = mm_top_update(l->top, diag);

	while (!err && !mm_top_report(l->top) && mm_top_moves(l->top)) {
		sleep_ns(5000000);
		mm_top_tick(l->top);
		err = mm_top_update(l->top, diag);
	}
	return err;
}

/* What is printed once will not be printed better later. */
static int wait_for_names(struct loop *l, struct mm_diag *diag)
{
	uint64_t until = mm_monotonic_ns() + NAMES_NS;
	int err = mm_top_update(l->top, diag);

	while (!err && l->source->pending(l->source->ctx) && mm_monotonic_ns() < until) {
		sleep_ns(5000000);
		mm_top_tick(l->top);
		err = mm_top_update(l->top, diag);
	}
	return err;
}

static int batch(struct loop *l, struct mm_diag *diag)
{
	int err = mm_canvas_init(&l->canvas, l->view->rows, l->view->cols, l->view->top.ascii);

	mm_top_resize(l->top, l->view->rows, l->view->cols);
	int over = l->source->state(l->source->ctx) != MM_SOURCE_LIVE;
	if (!err)
		err = wait_for_report(l, diag);
	if (!err && (over || l->view->count == 1))
		err = wait_for_names(l, diag);
	if (!err)
		err = print_screen(l, diag);
	for (uint64_t n = 1; !err && (n < l->view->count || !l->view->count); n++) {
		if (!mm_top_moves(l->top))
			break; /* nothing will change any more */
		sleep_ns(l->view->delay_ns);
		mm_top_tick(l->top);
		if (!l->view->json)
			putchar('\n');
		err = print_screen(l, diag);
	}
	mm_canvas_deinit(&l->canvas);
	return err;
}

static int by_script(struct loop *l, struct mm_diag *diag)
{
	int from_stdin = strcmp(l->view->script, "-") == 0;
	FILE *in = from_stdin ? stdin : fopen(l->view->script, "re");

	if (!in)
		return mm_fail_errno(diag, "%s", l->view->script);
	mm_top_resize(l->top, l->view->rows, l->view->cols);
	int err = mm_script_run(l->top, in, l->view->script, diag);
	if (!from_stdin)
		fclose(in);
	return err;
}

/* --- lines, for readers of screens ------------------------------------------------------------ */

static void print_lines(struct loop *l)
{
	mm_top_draw(l->top, &l->canvas);
	for (int row = 0; row < l->canvas.rows; row++) {
		struct mm_canvas line = l->canvas;
		line.rows = 1;
		line.cells += row * line.cols;
		int used = 0;
		for (int col = 0; col < line.cols; col++)
			used |= mm_canvas_cell(&line, 0, col)->ch != ' ';
		if (used)
			mm_canvas_write(&line, stdout);
	}
	fflush(stdout);
}

/* The modes of the terminal: whatever ends or stops us gives them back. */
static struct { struct termios before, raw; } typing;

static void on_end(int sig)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &typing.before);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_stop(int sig)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, sig);
	tcsetattr(STDIN_FILENO, TCSANOW, &typing.before);
	signal(sig, SIG_DFL);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &stop, NULL); /* here it stops, and here it goes on */
	signal(sig, on_stop);
	tcsetattr(STDIN_FILENO, TCSANOW, &typing.raw);
}

/* Keys come one by one, and are not shown. 1 when there is a terminal to type on. */
static int begin_typing(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	if (tcgetattr(STDIN_FILENO, &typing.before))
		return 0;
	typing.raw = typing.before;
	typing.raw.c_lflag &= (tcflag_t)~(ICANON | ECHO);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		signal(ends[i], on_end);
	signal(SIGTSTP, on_stop);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &typing.raw);
	return 1;
}

/* The rest of a character that began with this byte. */
static uint32_t whole_character(unsigned char first)
{
	char text[5] = { (char)first };
	unsigned columns;
	uint32_t key;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;

	for (int i = 1; i <= more && read(STDIN_FILENO, text + i, 1) == 1; i++)
		;
	mm_utf8_take(text, &key, &columns);
	return key;
}

static uint32_t plain_key(void)
{
	unsigned char c;
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	if (read(STDIN_FILENO, &c, 1) != 1)
		return 'q';
	if (c >= 0x80)
		return whole_character(c);
	if (c == 27 && poll(&p, 1, 25) > 0 && read(STDIN_FILENO, &c, 1) == 1 && (c == '[' || c == 'O')) {
		if (read(STDIN_FILENO, &c, 1) != 1)
			return MM_KEY_ESCAPE;
		return c == 'A' ? MM_KEY_UP : c == 'B' ? MM_KEY_DOWN : c == 'C' ? MM_KEY_RIGHT
		     : c == 'D' ? MM_KEY_LEFT : MM_KEY_NONE;
	}
	return c == '\r' ? MM_KEY_ENTER : c;
}

/* A move says the row; anything else the screen. */
static void say(struct loop *l, uint32_t key)
{
	int row, col;
	int moved = key == MM_KEY_UP || key == MM_KEY_DOWN || key == 'j' || key == 'k';

	mm_top_cursor(l->top, &row, &col);
	if (moved && row >= 0) {
		puts(mm_top_row_line(l->top));
		fflush(stdout);
	} else {
		print_lines(l);
	}
}

static int as_lines(struct loop *l, struct mm_diag *diag)
{
	int typed = 0;
	int err = mm_canvas_init(&l->canvas, l->view->rows, l->view->cols, l->view->top.ascii);

	mm_top_resize(l->top, l->view->rows, l->view->cols);
	if (!err)
		err = mm_top_update(l->top, diag);
	if (!err) {
		typed = begin_typing();
		print_lines(l);
	}
	while (!err) {
		uint32_t key = plain_key();
		mm_top_tick(l->top);
		mm_top_key(l->top, key);
		if (mm_top_wish(l->top) == MM_WISH_QUIT)
			break;
		err = mm_top_update(l->top, diag);
		if (!err)
			say(l, key);
	}
	if (typed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &typing.before);
	mm_canvas_deinit(&l->canvas);
	return err;
}

int mm_top_view(const struct mm_top_view *v, const struct mm_source *source, struct mm_diag *diag,
		int *ret_err)
{
	struct loop l = { .view = v, .source = source };
	int err = mm_top_create(&l.top, &v->top, source);

	if (err) {
		*ret_err = err;
		return MM_CLI_TROUBLE;
	}
	if (v->hello)
		mm_top_notice(l.top, v->hello);
	if (v->script)
		err = by_script(&l, diag);
	else if (v->batch)
		err = batch(&l, diag);
	else if (v->top.plain)
		err = as_lines(&l, diag);
	else
		err = on_terminal(&l, diag);
	mm_top_destroy(l.top);
	*ret_err = err;
	return err ? MM_CLI_TROUBLE : MM_CLI_OK;
}
