/* text_pen.c: figures, colours and bars of the text report (text_pen.h). */
#include "view/text_pen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/report.h"
#include "base/utf8.h"

void mm_pen_ink(struct mm_pen *p, enum mm_ink ink)
{
	static const char *const codes[] = { "\033[1;36m", "\033[1m", "\033[2m", "\033[1;33m" };

	if (p->options->colour)
		fputs(codes[ink], p->out);
}

void mm_pen_plain(struct mm_pen *p)
{
	if (p->options->colour)
		fputs("\033[0m", p->out);
}

void mm_pen_title(struct mm_pen *p, const char *title, const char *rest)
{
	fputc('\n', p->out);
	mm_pen_ink(p, MM_INK_TITLE);
	fputs(title, p->out);
	mm_pen_plain(p);
	fprintf(p->out, "%s%s\n", *rest ? "  " : "", rest);
}

char *mm_pen_count(char *buf, uint64_t count)
{
	if (count == MM_UNKNOWN)
		return strcpy(buf, "-");
	return mm_format_count(buf, count);
}

char *mm_pen_size(const struct mm_pen *p, char *buf, uint64_t bytes)
{
	if (bytes == MM_UNKNOWN)
		return strcpy(buf, "-");
	if (p->options->bytes)
		return mm_format_count(buf, bytes);
	return mm_format_size(buf, bytes);
}

char *mm_pen_time(char *buf, uint64_t ns)
{
	if (ns == MM_UNKNOWN)
		return strcpy(buf, "-");
	return mm_format_time(buf, ns);
}

char *mm_pen_share(char *buf, uint64_t part, uint64_t whole)
{
	if (part == MM_UNKNOWN || whole == MM_UNKNOWN || !whole)
		return strcpy(buf, "-");
	uint64_t tenths = (uint64_t)(((unsigned __int128)part * 2000 / whole + 1) / 2);
	if (!tenths && part)
		return strcpy(buf, "<0.1 %");
	snprintf(buf, MM_PEN_TEXT, "%" PRIu64 ".%u %%", tenths / 10, (unsigned)(tenths % 10));
	return buf;
}

size_t mm_pen_text(struct mm_pen *p, const char *text, size_t columns, int keep_end)
{
	size_t size = strlen(text) * 10 + 16; /* the longest escape is \u{10ffff} */
	char *buf = malloc(size);

	if (!buf)
		return 0;
	mm_utf8_escape(buf, size, text, !p->options->utf8);
	if (columns && !p->options->full_paths)
		mm_utf8_shorten(buf, columns, keep_end);
	fputs(buf, p->out);
	size_t used = mm_utf8_columns(buf);
	free(buf);
	return used;
}

size_t mm_pen_columns(const struct mm_pen *p, const char *text)
{
	/* Escapes lengthen, but a name that needs them is not worth exactness. */
	return p->options->utf8 ? mm_utf8_columns(text) : strlen(text);
}

/* Copies name with ".." for what `open` and `close` enclose at the outermost level: at
 * most twice as long. */
static void drop_between(char *out, const char *name, char open, char close)
{
	const char *inside = name;
	int depth = 0;

	for (const char *c = name; *c; c++) {
		if (*c == open && depth++ == 0) {
			inside = c + 1;
			*out++ = open;
		} else if (*c == close && depth > 0 && --depth == 0) {
			if (c > inside)
				out = stpcpy(out, "..");
			*out++ = close;
		} else if (depth == 0) {
			*out++ = *c;
		}
	}
	*out = 0;
}

size_t mm_pen_name(struct mm_pen *p, const char *name, size_t columns)
{
	size_t size = strlen(name) * 2 + 1;
	char *brief = malloc(size), *briefer = malloc(size * 2);
	const char *text = name;

	if (!strstr(name, "operator") && brief && briefer && columns && !p->options->full_paths &&
	    mm_pen_columns(p, name) > columns) {
		drop_between(brief, name, '(', ')');
		drop_between(briefer, brief, '<', '>');
		text = mm_pen_columns(p, brief) > columns ? briefer : brief;
	}
	size_t used = mm_pen_text(p, text, columns, 0);
	free(brief);
	free(briefer);
	return used;
}

void mm_pen_pad(struct mm_pen *p, size_t columns)
{
	fprintf(p->out, "%*s", (int)columns, "");
}

void mm_pen_spark(struct mm_pen *p, const uint64_t *values, size_t columns, uint64_t max)
{
	static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char ascii[] = " .,:-=+*#@";
	unsigned steps = p->options->utf8 ? 8 : 9;

	for (size_t i = 0; i < columns; i++) {
		unsigned k = max ? (unsigned)((unsigned __int128)values[i] * steps / max) : 0;
		k = values[i] && !k ? 1 : k > steps ? steps : k;
		if (p->options->utf8)
			fputs(blocks[k], p->out);
		else
			fputc(ascii[k], p->out);
	}
}

void mm_pen_bar(struct mm_pen *p, uint64_t part, uint64_t whole, size_t columns)
{
	static const char *const eighths[] = { "", "\u258f", "\u258e", "\u258d", "\u258c",
					       "\u258b", "\u258a", "\u2589" };
	uint64_t n = whole ? (uint64_t)((unsigned __int128)part * columns * 8 / whole) : 0;

	if (!p->options->utf8) {
		for (uint64_t i = 0; i < (n + 4) / 8; i++)
			fputc('#', p->out);
		return;
	}
	for (uint64_t i = 0; i < n / 8; i++)
		fputs("\u2588", p->out);
	fputs(eighths[n % 8], p->out);
}
