/* jsonw.c: the streaming JSON writer (jsonw.h). */
#include "view/jsonw.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "base/utf8.h"

#define EXACT_MAX (UINT64_C(1) << 53)

void mm_jsonw_begin(struct mm_jsonw *w, FILE *out, int lines)
{
	memset(w, 0, sizeof *w);
	w->out = out;
	w->lines = lines;
}

int mm_jsonw_end(struct mm_jsonw *w)
{
	fputc('\n', w->out);
	if (fflush(w->out) || ferror(w->out))
		return MM_EIO;
	return w->depth || w->misused ? MM_EINVAL : MM_OK;
}

static void put_string(struct mm_jsonw *w, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', w->out);
	while (*p) {
		size_t n = mm_utf8_length((const char *)p);
		if (n == 0) {
			fputs("\\ufffd", w->out);
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			fprintf(w->out, "\\%c", *p);
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(w->out, "\\u%04x", *p);
		} else {
			fwrite(p, 1, n, w->out);
		}
		p += n;
	}
	fputc('"', w->out);
}

static void new_line(struct mm_jsonw *w)
{
	fputc('\n', w->out);
	for (int i = 0; i < w->depth; i++)
		fputc(' ', w->out);
}

/* What stands before a value: comma, line, key. */
static void lead(struct mm_jsonw *w, const char *key)
{
	if (w->filled[w->depth])
		fputc(',', w->out);
	if (w->depth && w->depth <= w->lines)
		new_line(w);
	w->filled[w->depth] = 1;
	if (key) {
		put_string(w, key);
		fputc(':', w->out);
	}
}

static void enter(struct mm_jsonw *w, const char *key, char bracket)
{
	lead(w, key);
	fputc(bracket, w->out);
	if (w->depth < MM_JSONW_DEPTH)
		w->depth++;
	else
		w->misused = 1;
	w->filled[w->depth] = 0;
}

static void leave(struct mm_jsonw *w, char bracket)
{
	int filled = w->filled[w->depth];

	if (w->depth == 0) {
		w->misused = 1;
		return;
	}
	int lines = w->depth <= w->lines;
	w->depth--;
	if (filled && lines)
		new_line(w);
	fputc(bracket, w->out);
}

void mm_jsonw_object(struct mm_jsonw *w, const char *key)
{
	enter(w, key, '{');
}

void mm_jsonw_object_end(struct mm_jsonw *w)
{
	leave(w, '}');
}

void mm_jsonw_array(struct mm_jsonw *w, const char *key)
{
	enter(w, key, '[');
}

void mm_jsonw_array_end(struct mm_jsonw *w)
{
	leave(w, ']');
}

void mm_jsonw_null(struct mm_jsonw *w, const char *key)
{
	lead(w, key);
	fputs("null", w->out);
}

void mm_jsonw_bool(struct mm_jsonw *w, const char *key, int value)
{
	lead(w, key);
	fputs(value ? "true" : "false", w->out);
}

void mm_jsonw_text(struct mm_jsonw *w, const char *key, const char *text)
{
	if (!text) {
		mm_jsonw_null(w, key);
		return;
	}
	lead(w, key);
	put_string(w, text);
}

void mm_jsonw_u64(struct mm_jsonw *w, const char *key, uint64_t value)
{
	if (value == UINT64_MAX) {
		mm_jsonw_null(w, key);
		return;
	}
	lead(w, key);
	fprintf(w->out, value > EXACT_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

void mm_jsonw_i64(struct mm_jsonw *w, const char *key, int64_t value)
{
	int exact = value >= -(int64_t)EXACT_MAX && value <= (int64_t)EXACT_MAX;

	lead(w, key);
	fprintf(w->out, exact ? "%" PRId64 : "\"%" PRId64 "\"", value);
}
