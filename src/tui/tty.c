/* tty.c: curses, and nothing else of it anywhere (tty.h). */
#define NCURSES_WIDECHAR 1
#include "tui/tty.h"
#include "tui/keys.h" /* before term.h, whose macros are common words */

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "core/error.h"

enum { ESCAPE_MS = 25, LEAVE_MOST = 256 };

struct mm_tty {
	SCREEN *screen;
	FILE *in, *out;  /* opened for it; NULL = the standard streams */
	int colour, mouse;
	attr_t attr[MM_STYLE_COUNT];
	short pair[MM_STYLE_COUNT];
};

/* What a handler of signals needs to give the terminal back. */
static struct {
	volatile sig_atomic_t ended;  /* by this signal */
	volatile sig_atomic_t active;
	int in, out;
	struct termios before;
	int has_before;
	char leave[LEAVE_MOST];
	size_t leave_bytes;
} terminal;

/* --- signals ------------------------------------------------------------------------------- */

static const int asking[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
static const int crashing[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static struct sigaction before_asking[4], before_crashing[5];

static void on_asked(int sig)
{
	terminal.ended = sig;
}

/* The terminal first; then as if nobody had caught it. */
static void on_crash(int sig)
{
	if (terminal.active) {
		ssize_t sent = write(terminal.out, terminal.leave, terminal.leave_bytes);
		(void)sent;
		if (terminal.has_before)
			tcsetattr(terminal.in, TCSANOW, &terminal.before);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_signals(void)
{
	struct sigaction asked = { .sa_handler = on_asked }, crash = { .sa_handler = on_crash };

	for (int i = 0; i < 4; i++)
		sigaction(asking[i], &asked, &before_asking[i]);
	for (int i = 0; i < 5; i++)
		sigaction(crashing[i], &crash, &before_crashing[i]);
}

static void release_signals(void)
{
	for (int i = 0; i < 4; i++)
		sigaction(asking[i], &before_asking[i], NULL);
	for (int i = 0; i < 5; i++)
		sigaction(crashing[i], &before_crashing[i], NULL);
}

int mm_tty_signal(void)
{
	return terminal.ended;
}

/* --- opening and closing -------------------------------------------------------------------- */

static void add_leave(const char *capability)
{
	size_t n = capability && capability != (char *)-1 ? strlen(capability) : 0;

	if (terminal.leave_bytes + n < LEAVE_MOST) {
		memcpy(terminal.leave + terminal.leave_bytes, n ? capability : "", n);
		terminal.leave_bytes += n;
	}
}

static void note_leave(void)
{
	terminal.leave_bytes = 0;
	add_leave(tigetstr("sgr0"));
	add_leave(tigetstr("cnorm"));
	add_leave(tigetstr("rmkx"));
	add_leave(tigetstr("rmcup"));
}

/* Words and signs carry the meaning; colours only help, and hold on any background. */
static void make_styles(struct mm_tty *t)
{
	static const struct { attr_t attr; short colour; } look[MM_STYLE_COUNT] = {
		[MM_STYLE_PLAIN] = { A_NORMAL, -1 }, [MM_STYLE_DIM] = { A_DIM, -1 },
		[MM_STYLE_BOLD] = { A_BOLD, -1 }, [MM_STYLE_TITLE] = { A_REVERSE, -1 },
		[MM_STYLE_TAB] = { A_BOLD | A_UNDERLINE, -1 }, [MM_STYLE_HEAD] = { A_BOLD, -1 },
		[MM_STYLE_KEY] = { A_BOLD, COLOR_CYAN }, [MM_STYLE_OK] = { A_NORMAL, COLOR_GREEN },
		[MM_STYLE_NOTE] = { A_BOLD, COLOR_BLUE }, [MM_STYLE_WARN] = { A_BOLD, COLOR_MAGENTA },
		[MM_STYLE_BAD] = { A_BOLD | A_REVERSE, COLOR_RED },
		[MM_STYLE_GRAPH] = { A_NORMAL, COLOR_GREEN },
		[MM_STYLE_SELECTED] = { A_REVERSE, -1 }, [MM_STYLE_HIT] = { A_BOLD | A_UNDERLINE, -1 },
	};

	for (short i = 0; i < MM_STYLE_COUNT; i++) {
		t->attr[i] = look[i].attr;
		t->pair[i] = 0;
		if (t->colour && look[i].colour >= 0) {
			init_pair((short)(i + 1), look[i].colour, -1);
			t->pair[i] = (short)(i + 1);
		}
	}
}

static void set_modes(struct mm_tty *t)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	if (t->mouse)
		mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	t->colour = t->colour && has_colors() && start_color() == OK && use_default_colors() == OK;
	make_styles(t);
	timeout(0);
}

static int standard_is_terminal(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

int mm_tty_usable(int anyhow)
{
	int fd = standard_is_terminal() ? STDOUT_FILENO : anyhow ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
	int err, usable = 0;

	if (fd >= 0 && setupterm(NULL, fd, &err) == OK) {
		const char *cup = tigetstr("cup");
		usable = cup && cup != (char *)-1;
		del_curterm(cur_term);
	}
	if (fd > STDERR_FILENO)
		close(fd);
	return usable;
}

/* The streams to draw on and to read from. */
static int open_streams(struct mm_tty *t, int anyhow)
{
	if (anyhow && !standard_is_terminal()) {
		t->in = fopen("/dev/tty", "re");
		t->out = fopen("/dev/tty", "we");
		if (!t->in || !t->out)
			return MM_EIO;
	}
	terminal.in = t->in ? fileno(t->in) : STDIN_FILENO;
	terminal.out = t->out ? fileno(t->out) : STDOUT_FILENO;
	return MM_OK;
}

static void close_streams(struct mm_tty *t)
{
	if (t->in)
		fclose(t->in);
	if (t->out)
		fclose(t->out);
}

/* LINES and COLUMNS beyond what anybody can see would only cost memory. */
static void drop_nonsense(void)
{
	static const char *const names[] = { "LINES", "COLUMNS" };

	for (int i = 0; i < 2; i++) {
		const char *said = getenv(names[i]);
		if (said && strtol(said, NULL, 10) > MM_CANVAS_MOST)
			unsetenv(names[i]);
	}
}

int mm_tty_open(struct mm_tty **ret, const struct mm_tty_options *options, struct mm_diag *diag)
{
	struct mm_tty *t = calloc(1, sizeof *t);

	if (!t)
		return MM_ENOMEM;
	setlocale(LC_CTYPE, "");
	terminal.ended = 0;
	if (open_streams(t, options->anyhow)) {
		close_streams(t);
		free(t);
		return mm_fail(diag, MM_EUNSUP, "there is no terminal to draw on");
	}
	terminal.has_before = tcgetattr(terminal.in, &terminal.before) == 0;
	drop_nonsense();
	catch_signals(); /* first: curses takes those that nobody has */
	t->screen = newterm(NULL, t->out ? t->out : stdout, t->in ? t->in : stdin);
	if (!t->screen) {
		release_signals();
		close_streams(t);
		free(t);
		return mm_fail(diag, MM_EUNSUP, "the terminal %s cannot be drawn on",
			       getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
	}
	t->colour = options->colour;
	t->mouse = options->mouse;
	set_modes(t);
	note_leave();
	terminal.active = 1;
	*ret = t;
	return MM_OK;
}

void mm_tty_close(struct mm_tty *t)
{
	if (!t)
		return;
	endwin();
	delscreen(t->screen);
	terminal.active = 0;
	if (terminal.has_before)
		tcsetattr(terminal.in, TCSADRAIN, &terminal.before);
	release_signals();
	close_streams(t);
	free(t);
}

/* --- painting ------------------------------------------------------------------------------- */

void mm_tty_size(struct mm_tty *t, int *ret_rows, int *ret_cols)
{
	(void)t;
	getmaxyx(stdscr, *ret_rows, *ret_cols);
}

static void paint_cell(struct mm_tty *t, const struct mm_cell *cell, int row, int col)
{
	wchar_t text[2] = { (wchar_t)cell->ch, 0 };
	cchar_t ch;

	if (!cell->ch || setcchar(&ch, text, t->attr[cell->style], t->pair[cell->style], NULL) != OK)
		return;
	mvadd_wch(row, col, &ch);
}

void mm_tty_paint(struct mm_tty *t, const struct mm_canvas *c, int cursor_row, int cursor_col)
{
	erase();
	for (int row = 0; row < c->rows; row++)
		for (int col = 0; col < c->cols; col++) {
			const struct mm_cell *cell = mm_canvas_cell(c, row, col);
			if (cell->ch != ' ' || cell->style)
				paint_cell(t, cell, row, col);
		}
	curs_set(cursor_row >= 0);
	if (cursor_row >= 0)
		move(cursor_row, cursor_col);
	refresh();
}

void mm_tty_redraw(struct mm_tty *t)
{
	(void)t;
	clearok(stdscr, TRUE);
}

/* --- keys ----------------------------------------------------------------------------------- */

static uint32_t named_key(wint_t key)
{
	static const struct { int curses; uint32_t key; } map[] = {
		{ KEY_UP, MM_KEY_UP }, { KEY_DOWN, MM_KEY_DOWN }, { KEY_LEFT, MM_KEY_LEFT },
		{ KEY_RIGHT, MM_KEY_RIGHT }, { KEY_PPAGE, MM_KEY_PAGE_UP },
		{ KEY_NPAGE, MM_KEY_PAGE_DOWN }, { KEY_HOME, MM_KEY_HOME }, { KEY_END, MM_KEY_END },
		{ KEY_BTAB, MM_KEY_BACKTAB }, { KEY_DC, MM_KEY_DELETE }, { KEY_ENTER, MM_KEY_ENTER },
		{ KEY_BACKSPACE, MM_KEY_BACKSPACE },
	};

	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if ((wint_t)map[i].curses == key)
			return map[i].key;
	if (key >= KEY_F(1) && key <= KEY_F(12))
		return MM_KEY_F1 + (uint32_t)key - KEY_F(1);
	return MM_KEY_NONE;
}

static struct mm_tty_input read_mouse(void)
{
	struct mm_tty_input in = { .event = MM_TTY_NOTHING };
	MEVENT m;

	if (getmouse(&m) != OK)
		return in;
	in.row = m.y;
	in.col = m.x;
	in.event = MM_TTY_KEY;
	if (m.bstate & BUTTON4_PRESSED)
		in.key = MM_KEY_WHEEL_UP;
	else if (m.bstate & BUTTON5_PRESSED)
		in.key = MM_KEY_WHEEL_DOWN;
	else
		in.event = MM_TTY_CLICK;
	return in;
}

static struct mm_tty_input read_key(void)
{
	struct mm_tty_input in = { .event = MM_TTY_NOTHING };
	wint_t key;
	int got = get_wch(&key);

	if (got == ERR)
		return in;
	if (got == KEY_CODE_YES && key == KEY_RESIZE) {
		in.event = MM_TTY_RESIZED;
		return in;
	}
	if (got == KEY_CODE_YES && key == KEY_MOUSE)
		return read_mouse();
	in.event = MM_TTY_KEY;
	in.key = got == KEY_CODE_YES ? named_key(key) : key == '\r' ? MM_KEY_ENTER
		: key == '\b' ? MM_KEY_BACKSPACE : (uint32_t)key;
	if (!in.key)
		in.event = MM_TTY_NOTHING;
	return in;
}

struct mm_tty_input mm_tty_read(struct mm_tty *t, int wait_ms, int other)
{
	struct mm_tty_input in = { .event = MM_TTY_GONE };
	struct pollfd p[] = { { .fd = terminal.in, .events = POLLIN }, { .fd = other, .events = POLLIN } };

	(void)t;
	if (terminal.ended)
		return in;
	in = read_key();
	if (in.event != MM_TTY_NOTHING)
		return in;
	int got = poll(p, 2, wait_ms);
	if (terminal.ended || (got > 0 && (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))))
		in.event = MM_TTY_GONE;
	else if (got != 0)
		in = read_key();
	if (in.event == MM_TTY_NOTHING && got > 0 && p[1].revents)
		in.event = MM_TTY_WOKEN;
	return in;
}

void mm_tty_suspend(struct mm_tty *t)
{
	(void)t;
	endwin();
	terminal.active = 0;
	raise(SIGTSTP);
	terminal.active = 1;
	clearok(stdscr, TRUE);
	refresh();
}

void mm_tty_copy(struct mm_tty *t, const char *text)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text);
	FILE *out = t->out ? t->out : stdout;

	fputs("\033]52;c;", out);
	for (size_t i = 0; i < n; i += 3) {
		uint32_t w = (uint32_t)(unsigned char)text[i] << 16;
		w |= i + 1 < n ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
		w |= i + 2 < n ? (uint32_t)(unsigned char)text[i + 2] : 0;
		putc(digit[w >> 18], out);
		putc(digit[w >> 12 & 63], out);
		putc(i + 1 < n ? digit[w >> 6 & 63] : '=', out);
		putc(i + 2 < n ? digit[w & 63] : '=', out);
	}
	fputs("\a", out);
	fflush(out);
}
