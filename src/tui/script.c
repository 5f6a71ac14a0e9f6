/* script.c: lines of a script (script.h). */
#include "tui/script.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "tui/keys.h"

static int run_keys(struct mm_top *t, const char *text, struct mm_diag *diag)
{
	for (; *text; text += strspn(text, " \t")) {
		uint32_t key;
		size_t n = mm_keys_parse(text, &key);
		if (!n || (text[n] && text[n] != ' ' && text[n] != '\t'))
			return mm_fail(diag, MM_EINVAL, "'%.*s' is not a key", (int)strcspn(text, " \t"), text);
		mm_top_key(t, key);
		int err = mm_top_update(t, diag);
		if (err)
			return err;
		text += n;
	}
	return MM_OK;
}

static int run_line(struct mm_top *t, const char *text, struct mm_diag *diag)
{
	if (text[0] == '#')
		return MM_OK;
	if (text[0] != ':' || !text[1])
		return run_keys(t, text, diag);
	if (strcmp(text, ":tick") == 0) {
		mm_top_tick(t);
		return mm_top_update(t, diag);
	}
	int err = mm_top_command(t, text + 1, diag);
	return err ? err : mm_top_update(t, diag);
}

int mm_script_run(struct mm_top *t, FILE *in, const char *name, struct mm_diag *diag)
{
	struct mm_diag why = { "" };
	char *line = NULL;
	size_t cap = 0;
	unsigned number = 0;
	int err = mm_top_update(t, &why);

	while (!err && getline(&line, &cap, in) >= 0) {
		number++;
		line[strcspn(line, "\n")] = 0;
		err = run_line(t, line + strspn(line, " \t"), &why);
		if (mm_top_wish(t) == MM_WISH_QUIT)
			break;
	}
	free(line);
	return err ? mm_fail(diag, err, "%s:%u: %s", name, number, mm_diag_text(&why, err)) : MM_OK;
}
