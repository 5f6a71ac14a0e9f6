/* keys.c: the one table of keys (keys.h). */
#include "tui/keys.h"

#include <string.h>

#include "base/utf8.h"
#include "tui/panels.h"

enum { KEYS_OF_ONE = 4, EVERYWHERE = 0 };

#define ON(screen) (1u << (screen))
#define F(n) (MM_KEY_F1 + (n) - 1)

struct binding {
	enum mm_action action;
	unsigned screens;  /* ON() of those it belongs to; EVERYWHERE */
	const char *what;
	uint32_t key[KEYS_OF_ONE];
};

/* Those of single screens go first: they win there. */
static const struct binding bindings[] = {
	{ MM_ACT_VIEW, ON(MM_SCREEN_CALLS), "top-down, bottom-up, flame", { 't' } },
	{ MM_ACT_VIEW, ON(MM_SCREEN_FRAGMAP), "colour by fill, age, category, pinned", { 't' } },
	{ MM_ACT_ARENA, ON(MM_SCREEN_FRAGMAP), "next range of addresses", { 'A' } },
	{ MM_ACT_ZOOM_IN, ON(MM_SCREEN_FRAGMAP) | ON(MM_SCREEN_TIMELINE), "closer", { 'z', '+' } },
	{ MM_ACT_ZOOM_OUT, ON(MM_SCREEN_FRAGMAP) | ON(MM_SCREEN_TIMELINE), "further away",
	  { 'Z', '-' } },
	{ MM_ACT_FIT, ON(MM_SCREEN_FRAGMAP) | ON(MM_SCREEN_TIMELINE), "all of it", { '0' } },
	{ MM_ACT_NEXT_EVENT, ON(MM_SCREEN_TIMELINE), "to the next event", { 'f' } },
	{ MM_ACT_PREVIOUS_EVENT, ON(MM_SCREEN_TIMELINE), "to the event before", { 'F' } },

	{ MM_ACT_SCREEN_1, EVERYWHERE, "Overview", { '1' } },
	{ MM_ACT_SCREEN_2, EVERYWHERE, "Categories and their budgets", { '2' } },
	{ MM_ACT_SCREEN_3, EVERYWHERE, "Tiers", { '3' } },
	{ MM_ACT_SCREEN_4, EVERYWHERE, "Fragmentation map", { '4' } },
	{ MM_ACT_SCREEN_5, EVERYWHERE, "Leaks", { '5' } },
	{ MM_ACT_SCREEN_6, EVERYWHERE, "Calls", { '6' } },
	{ MM_ACT_SCREEN_7, EVERYWHERE, "Timeline", { '7' } },
	{ MM_ACT_SCREEN_8, EVERYWHERE, "Threads, sizes and lifetimes", { '8' } },
	{ MM_ACT_SCREEN_9, EVERYWHERE, "GPU", { '9' } },
	{ MM_ACT_NEXT_SCREEN, EVERYWHERE, "next screen", { MM_KEY_TAB } },
	{ MM_ACT_PREVIOUS_SCREEN, EVERYWHERE, "screen before", { MM_KEY_BACKTAB } },
	{ MM_ACT_UP, EVERYWHERE, "up", { MM_KEY_UP, 'k', MM_KEY_WHEEL_UP } },
	{ MM_ACT_DOWN, EVERYWHERE, "down", { MM_KEY_DOWN, 'j', MM_KEY_WHEEL_DOWN } },
	{ MM_ACT_LEFT, EVERYWHERE, "left", { MM_KEY_LEFT, 'h' } },
	{ MM_ACT_RIGHT, EVERYWHERE, "right", { MM_KEY_RIGHT, 'l' } },
	{ MM_ACT_PAGE_UP, EVERYWHERE, "a page up", { MM_KEY_PAGE_UP, 'u' } },
	{ MM_ACT_PAGE_DOWN, EVERYWHERE, "a page down", { MM_KEY_PAGE_DOWN, 'd' } },
	{ MM_ACT_FIRST, EVERYWHERE, "to the first row", { MM_KEY_HOME, 'g' } },
	{ MM_ACT_LAST, EVERYWHERE, "to the last row", { MM_KEY_END, 'G' } },
	{ MM_ACT_ENTER, EVERYWHERE, "into the row", { MM_KEY_ENTER } },
	{ MM_ACT_BACK, EVERYWHERE, "back: closes help and prompts, then drops search, filter, zoom",
	  { MM_KEY_ESCAPE, MM_KEY_BACKSPACE } },
	{ MM_ACT_EXPAND, EVERYWHERE, "open a branch", { '+' } },
	{ MM_ACT_COLLAPSE, EVERYWHERE, "close a branch", { '-' } },
	{ MM_ACT_EXPAND_ALL, EVERYWHERE, "open or close all branches", { '*', F(5) } },
	{ MM_ACT_SEARCH, EVERYWHERE, "search", { '/', F(3) } },
	{ MM_ACT_SEARCH_NEXT, EVERYWHERE, "next hit", { 'n' } },
	{ MM_ACT_SEARCH_PREVIOUS, EVERYWHERE, "hit before", { 'N' } },
	{ MM_ACT_FILTER, EVERYWHERE, "only rows with this text", { '\\', F(4) } },
	{ MM_ACT_SORT, EVERYWHERE, "sort by the next column", { 's', F(6) } },
	{ MM_ACT_INVERT, EVERYWHERE, "the other way round", { 'I' } },
	{ MM_ACT_METRIC, EVERYWHERE, "what is counted: live, peak, allocs, bytes, temporary, leaks",
	  { 'v' } },
	{ MM_ACT_BYTES, EVERYWHERE, "exact bytes, or KiB, MiB", { 'B' } },
	{ MM_ACT_MAXIMISE, EVERYWHERE, "the main panel alone, or all", { 'e' } },
	{ MM_ACT_PAUSE, EVERYWHERE, "pause, go on", { MM_KEY_SPACE } },
	{ MM_ACT_PROCESS, EVERYWHERE, "the next process of the trace", { 'o' } },
	{ MM_ACT_PROCESSES, EVERYWHERE, "all processes together", { 'O' } },
	{ MM_ACT_MARK, EVERYWHERE, "remember this moment: columns then show the change since",
	  { 'm', F(8) } },
	{ MM_ACT_UNMARK, EVERYWHERE, "forget it", { 'M' } },
	{ MM_ACT_RANGE_BEGIN, EVERYWHERE, "a range begins at the moment shown", { 'a' } },
	{ MM_ACT_RANGE_END, EVERYWHERE, "a range ends at the moment shown", { 'b' } },
	{ MM_ACT_RANGE_CLEAR, EVERYWHERE, "the whole run again", { 'x' } },
	{ MM_ACT_STEP_BACK, EVERYWHERE, "a step back in time", { '[' } },
	{ MM_ACT_STEP_ON, EVERYWHERE, "a step on", { ']' } },
	{ MM_ACT_PLAY, EVERYWHERE, "play from here", { 'p' } },
	{ MM_ACT_NOW, EVERYWHERE, "to the end, or what happens now", { 'L' } },
	{ MM_ACT_PEAK, EVERYWHERE, "to the peak", { 'P', F(7) } },
	{ MM_ACT_EXPORT, EVERYWHERE, "write the rows that are shown to a file", { 'E', F(9) } },
	{ MM_ACT_COPY, EVERYWHERE, "copy the row to the clipboard (:set copy on)", { 'c' } },
	{ MM_ACT_COMMAND, EVERYWHERE, "command", { ':', F(2) } },
	{ MM_ACT_HELP, EVERYWHERE, "help", { '?', F(1) } },
	{ MM_ACT_REDRAW, EVERYWHERE, "draw again", { MM_KEY_REDRAW } },
	{ MM_ACT_SUSPEND, EVERYWHERE, "suspend", { MM_KEY_SUSPEND } },
	{ MM_ACT_QUIT, EVERYWHERE, "quit", { 'q', F(10), 3 } },
};

enum { BINDING_COUNT = sizeof bindings / sizeof *bindings };

static int has_key(const struct binding *b, uint32_t key)
{
	for (int i = 0; i < KEYS_OF_ONE && b->key[i]; i++)
		if (b->key[i] == key)
			return 1;
	return 0;
}

enum mm_action mm_keys_action(uint32_t key, unsigned screen)
{
	for (int i = 0; key && i < BINDING_COUNT; i++)
		if (has_key(&bindings[i], key) &&
		    (bindings[i].screens == EVERYWHERE || bindings[i].screens & ON(screen)))
			return bindings[i].action;
	return MM_ACT_NONE;
}

/* --- names ------------------------------------------------------------------------------- */

static const struct { const char *name; uint32_t key; } names[] = {
	{ "Tab", MM_KEY_TAB }, { "Enter", MM_KEY_ENTER }, { "Esc", MM_KEY_ESCAPE },
	{ "Space", MM_KEY_SPACE }, { "Backspace", MM_KEY_BACKSPACE }, { "Up", MM_KEY_UP },
	{ "Down", MM_KEY_DOWN }, { "Left", MM_KEY_LEFT }, { "Right", MM_KEY_RIGHT },
	{ "PgUp", MM_KEY_PAGE_UP }, { "PgDn", MM_KEY_PAGE_DOWN }, { "Home", MM_KEY_HOME },
	{ "End", MM_KEY_END }, { "S-Tab", MM_KEY_BACKTAB }, { "Delete", MM_KEY_DELETE },
	{ "WheelUp", MM_KEY_WHEEL_UP }, { "WheelDn", MM_KEY_WHEEL_DOWN },
};

const char *mm_keys_name(uint32_t key, char *buf)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].key == key)
			return strcpy(buf, names[i].name);
	if (key >= MM_KEY_F1 && key <= MM_KEY_F12)
		sprintf(buf, "F%u", (unsigned)(key - MM_KEY_F1 + 1));
	else if (key && key <= 26)
		sprintf(buf, "C-%c", (int)key + 'a' - 1);
	else if (key > 32 && key < 0x110000 && key != MM_KEY_BACKSPACE)
		buf[mm_utf8_put(buf, key)] = 0;
	else
		return NULL;
	return buf;
}

static size_t parse_function(const char *text, uint32_t *ret_key)
{
	unsigned n = 0;
	size_t len = 1;

	while (text[0] == 'F' && len < 3 && text[len] >= '0' && text[len] <= '9')
		n = n * 10 + (unsigned)(text[len++] - '0');
	if (n < 1 || n > 12)
		return 0;
	*ret_key = F(n);
	return len;
}

size_t mm_keys_parse(const char *text, uint32_t *ret_key)
{
	size_t len;
	unsigned columns;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		len = strlen(names[i].name);
		if (strncmp(text, names[i].name, len) == 0) {
			*ret_key = names[i].key;
			return len;
		}
	}
	if (text[0] == 'C' && text[1] == '-' && text[2] >= 'a' && text[2] <= 'z') {
		*ret_key = (uint32_t)(text[2] - 'a' + 1);
		return 3;
	}
	if ((len = parse_function(text, ret_key)) != 0 || !text[0])
		return len;
	return mm_utf8_take(text, ret_key, &columns);
}

/* --- help -------------------------------------------------------------------------------- */

static void name_keys(const struct binding *b, char *buf, size_t size)
{
	size_t used = 0;
	char one[16];

	buf[0] = 0;
	for (int i = 0; i < KEYS_OF_ONE && b->key[i]; i++)
		if (used < size && mm_keys_name(b->key[i], one))
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", one);
}

static const char *where_of(const struct binding *b)
{
	static char const *const pairs[] = { "everywhere", "fragmap, timeline" };

	if (b->screens == EVERYWHERE)
		return pairs[0];
	for (unsigned i = 0; i < MM_SCREEN_COUNT; i++)
		if (b->screens == ON(i))
			return mm_screen_name((enum mm_screen)i);
	return pairs[1];
}

size_t mm_keys_help(unsigned screen, struct mm_help_line *lines, size_t most)
{
	size_t n = 0;

	for (int i = 0; i < BINDING_COUNT && n < most; i++) {
		const struct binding *b = &bindings[i];
		if (screen != MM_SCREEN_COUNT && b->screens != EVERYWHERE && !(b->screens & ON(screen)))
			continue;
		name_keys(b, lines[n].keys, sizeof lines[n].keys);
		lines[n].what = b->what;
		lines[n++].where = where_of(b);
	}
	return n;
}

/* As an argument of a macro: no word is taken for a macro or a delimiter. */
static void write_keys(const char *text, FILE *out)
{
	fputs("\\&", out);
	for (; *text; text++)
		fputs(*text == ' ' ? " \\&" : *text == '\\' ? "\\e" : *text == '"' ? "\\(dq"
		      : (char[]){ *text, 0 }, out);
}

int mm_keys_write_manual(FILE *out)
{
	struct mm_help_line lines[BINDING_COUNT];
	size_t n = mm_keys_help(MM_SCREEN_COUNT, lines, BINDING_COUNT);

	for (size_t i = 0; i < n; i++) {
		fputs(".It Li ", out);
		write_keys(lines[i].keys, out);
		fprintf(out, "\n%s", lines[i].what);
		if (strcmp(lines[i].where, "everywhere") != 0)
			fprintf(out, " (%s)", lines[i].where);
		putc('\n', out);
	}
	return ferror(out);
}
