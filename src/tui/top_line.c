/* top_line.c: the line typed at the foot: commands, searches, filters (top_parts.h). */
#include <string.h>

#include "base/diag.h"
#include "base/utf8.h"
#include "tui/top_parts.h"

const char *mm_top_prompt_sign(const struct mm_top *t)
{
	switch (t->prompt) {
	case MM_PROMPT_COMMAND: return ":";
	case MM_PROMPT_SEARCH: return "/";
	case MM_PROMPT_FILTER: return "filter: ";
	default: return "";
	}
}

void mm_top_prompt_open(struct mm_top *t, enum mm_prompt prompt)
{
	t->prompt = prompt;
	t->line[0] = 0;
	if (prompt == MM_PROMPT_FILTER)
		snprintf(t->line, sizeof t->line, "%s", t->filter);
}

/* A search and a filter show what they find as they are typed. */
static void follow(struct mm_top *t)
{
	if (t->prompt == MM_PROMPT_SEARCH) {
		memcpy(t->search, t->line, sizeof t->search);
		if (t->search[0])
			mm_top_search(t, 1, 1);
	} else if (t->prompt == MM_PROMPT_FILTER) {
		memcpy(t->filter, t->line, sizeof t->filter);
		mm_top_arrange(t);
	}
}

static void finish(struct mm_top *t)
{
	struct mm_diag diag = { "" };
	int err = 0;

	if (t->prompt == MM_PROMPT_COMMAND && t->line[0])
		err = mm_top_command(t, t->line, &diag);
	t->prompt = MM_PROMPT_NONE;
	if (err)
		mm_top_say(t, MM_STYLE_BAD, "%s", mm_diag_text(&diag, err));
}

static void rub_out(struct mm_top *t)
{
	size_t n = strlen(t->line);

	if (!n) {
		t->prompt = MM_PROMPT_NONE;
		return;
	}
	while (n > 0 && ((unsigned char)t->line[--n] & 0xc0) == 0x80)
		;
	t->line[n] = 0;
	follow(t);
}

static void add(struct mm_top *t, uint32_t key)
{
	size_t n = strlen(t->line);

	if (key < 32 || key >= 0x110000 || n + 5 > sizeof t->line)
		return;
	n += mm_utf8_put(t->line + n, key);
	t->line[n] = 0;
	follow(t);
}

void mm_top_prompt_key(struct mm_top *t, uint32_t key)
{
	t->message[0] = 0;
	switch (key) {
	case MM_KEY_ENTER:
		finish(t);
		break;
	case MM_KEY_ESCAPE:
	case 3:
		t->line[0] = 0;
		follow(t);
		t->prompt = MM_PROMPT_NONE;
		t->message[0] = 0;
		break;
	case MM_KEY_BACKSPACE:
		rub_out(t);
		break;
	case MM_KEY_REDRAW:
		t->wish = MM_WISH_REDRAW;
		break;
	case 'U' - 64:
		t->line[0] = 0;
		follow(t);
		break;
	default:
		add(t, key);
	}
}
