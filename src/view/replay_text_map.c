/* replay_text_map.c: the map of a replayed heap: a line for each size of block (replay_parts.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/replay_parts.h"

enum { HEAD_COLUMNS = 50, LEVELS = 10, NAME_COLUMNS = 12 };

struct line { /* rows of one destination, kind and size of block */
	const struct mm_map_row *row;
	size_t count;
	uint64_t bytes, pinned;
};

static struct line line_at(const struct mm_outcome *o, size_t from)
{
	struct line l = { .row = &o->map[from] };

	while (from + l.count < o->map_count) {
		const struct mm_map_row *r = &l.row[l.count];
		if (r->dest != l.row->dest || r->kind != l.row->kind ||
		    r->block_bytes != l.row->block_bytes)
			break;
		l.bytes += r->bytes;
		l.pinned += r->free < r->blocks ? r->external_bytes : 0;
		l.count++;
	}
	return l;
}

/* 0 = nothing is out, 1 to 8 = up to that many eighths, 9 = all of it. */
static unsigned level_of(uint64_t out, uint64_t blocks)
{
	if (!out)
		return 0;
	return out == blocks ? LEVELS - 1 : (unsigned)(out * 8 / blocks) + 1;
}

static void put_cell(struct mm_pen *p, unsigned level)
{
	static const char *const fine[LEVELS] = { "\u00b7", "\u2581", "\u2581", "\u2582", "\u2583",
		"\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char ascii[LEVELS + 1] = "'.:-=+*%@#";

	if (p->options->utf8)
		fputs(fine[level], p->out);
	else
		fputc(ascii[level], p->out);
}

/* One cell stands for `each` rows, in order of address. */
static void put_cells(struct mm_pen *p, const struct line *l, size_t each)
{
	for (size_t i = 0; i < l->count;) {
		uint64_t out = 0, blocks = 0;
		for (size_t end = i + each; i < l->count && i < end; i++) {
			out += l->row[i].blocks - l->row[i].free;
			blocks += l->row[i].blocks;
		}
		put_cell(p, level_of(out, blocks));
	}
}

static const char *name_of(const struct mm_pen *p, char *buf, const struct mm_map_row *r)
{
	if (r->kind == MM_MAP_LARGE)
		return "large";
	return r->kind == MM_MAP_PART ? "any size" : mm_pen_size(p, buf, r->block_bytes);
}

static void put_line(struct mm_pen *p, const struct line *l)
{
	size_t room = (size_t)p->options->width - HEAD_COLUMNS;
	size_t each = (l->count + room - 1) / room;
	char name[MM_PEN_TEXT], count[MM_PEN_TEXT], bytes[MM_PEN_TEXT], pinned[MM_PEN_TEXT];

	fprintf(p->out, "  %*s %9s %10s %10s %3zu ", NAME_COLUMNS, name_of(p, name, l->row),
		mm_pen_count(count, l->count), mm_pen_size(p, bytes, l->bytes),
		mm_pen_size(p, pinned, l->pinned), each);
	put_cells(p, l, each);
	fputc('\n', p->out);
}

static void put_legend(struct mm_pen *p)
{
	mm_pen_ink(p, MM_INK_DIM);
	fputs("  a cell, x slabs: ", p->out);
	put_cell(p, 0);
	fputs(" nothing out  ", p->out);
	for (unsigned i = 1; i < LEVELS - 1; i++)
		put_cell(p, i);
	fputs(" by eighths  ", p->out);
	put_cell(p, LEVELS - 1);
	fputs(" all\n", p->out);
	mm_pen_plain(p);
}

static void put_heading(struct mm_pen *p, const struct mm_outcome *o, const struct mm_map_row *r)
{
	if (!o->dest || r->dest >= o->dest_count)
		return;
	mm_pen_pad(p, 2);
	mm_pen_text(p, o->dest[r->dest].name, (size_t)p->options->width - 2, 0);
	fputc('\n', p->out);
}

void mm_text_map(struct mm_pen *p, const struct mm_outcome *o)
{
	uint32_t dest = UINT32_MAX;

	if (!o->map_taken)
		return;
	mm_pen_title(p, "Map of the heap", o->name);
	put_legend(p);
	mm_pen_ink(p, MM_INK_STRONG);
	fprintf(p->out, "  %*s %9s %10s %10s %3s\n", NAME_COLUMNS, "blocks of", "slabs", "in use",
		"pinned", "x");
	mm_pen_plain(p);
	for (size_t i = 0; i < o->map_count;) {
		struct line l = line_at(o, i);
		if (l.row->dest != dest)
			put_heading(p, o, l.row);
		dest = l.row->dest;
		put_line(p, &l);
		i += l.count;
	}
}
