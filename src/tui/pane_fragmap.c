/* pane_fragmap.c: the addresses of the heap as a map of cells: what is used, what is free, and
 * what keeps it from going back.
 *
 * The recorded heap, whatever its allocator: from the addresses of its objects.
 */
#include <inttypes.h>
#include <string.h>

#include "base/ratios.h"
#include "base/units.h"
#include "tui/top_parts.h"

enum { LABEL = 14, SHARE = 7, CELLS_MOST = 40000, RAMP = 10 };
enum { COLOUR_FILL, COLOUR_AGE, COLOUR_CATEGORY, COLOUR_PINNED, COLOURS };

static const char ramp[RAMP + 1] = " .:-=+*%@#";

static const struct mm_report_map *map_of(const struct mm_top *t)
{
	return &t->report->map;
}

/* Cells in a row of the map in r. */
static int per_row(struct mm_rect r)
{
	int cols = r.cols - LABEL - SHARE - 2;

	return cols > 8 ? cols : r.cols > LABEL + 2 ? r.cols - LABEL - 1 : 1;
}

static void ask(const struct mm_top *t, struct mm_question *q)
{
	struct mm_rect r = t->panels.panel[MM_FRAGMAP_MAP];
	int cells = per_row(r) * r.rows;

	q->map = 1;
	q->map_range = t->fragmap.range;
	q->map_addr = t->fragmap.addr;
	q->map_cell_bytes = t->fragmap.cell_bytes;
	q->map_cells = (uint32_t)(cells < 1 ? 1 : cells > CELLS_MOST ? CELLS_MOST : cells);
}

static const char *lacks(const struct mm_top *t)
{
	if (!map_of(t)->known && t->report->run.process == MM_NO_PROCESS)
		return "Several processes have no map together: their addresses are of different memory.\n"
		       "o shows one of them.";
	if (!map_of(t)->known && t->report->run.has_addresses)
		return "Not all places of what lives now are known: a part of the trace is lost, or not written yet.\n"
		       "[ goes back in time.";
	if (!map_of(t)->known)
		return "This trace has no addresses, so nothing is known of where its objects lay.\n"
		       "Record without --no-addresses; or see what the engine would have made of it:\n"
		       "mmprof replay --map";
	return map_of(t)->range_count ? NULL : "Nothing lives at this moment.  P goes to the peak, [ back in time.";
}

static const struct mm_report_map_cell *cell_at(const struct mm_top *t, uint32_t i)
{
	return i < map_of(t)->cell_count ? &map_of(t)->cells[i] : NULL;
}

/* --- what a cell looks like ------------------------------------------------------------------ */

static char by_share(uint64_t part, uint64_t whole)
{
	uint64_t step = whole ? (part * (RAMP - 1) + whole - 1) / whole : 0;

	return ramp[step >= RAMP ? RAMP - 1 : step];
}

/* 0 for the newest tenth of the time, 9 for the oldest. */
static char by_age(const struct mm_top *t, const struct mm_report_map_cell *m)
{
	uint64_t now = mm_part_end(t->report);

	if (m->oldest_ns == MM_UNKNOWN || m->oldest_ns > now)
		return ' ';
	uint64_t tenth = now ? (now - m->oldest_ns) * 10 / (now + 1) : 0;
	return (char)('0' + (tenth > 9 ? 9 : tenth));
}

static char by_category(const struct mm_report_map_cell *m)
{
	if (!m->live_bytes)
		return ' ';
	return m->category < 26 ? (char)('a' + m->category) : m->category == MM_NO_CATEGORY ? '?' : '+';
}

static char look_of(const struct mm_top *t, const struct mm_report_map_cell *m)
{
	switch (t->fragmap.colour) {
	case COLOUR_AGE: return by_age(t, m);
	case COLOUR_CATEGORY: return by_category(m);
	case COLOUR_PINNED: return by_share(m->pinned_bytes, map_of(t)->cell_bytes);
	default: return by_share(m->live_bytes, map_of(t)->cell_bytes);
	}
}

/* --- panels ---------------------------------------------------------------------------------- */

static void draw_head(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	static const char *const colour[COLOURS] = { "fill", "age", "category", "pinned" };
	const struct mm_report_map *m = map_of(t);
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_BOLD, "range %u of %zu", m->shown + 1, m->range_count) + 2;

	col = mm_part_pair(t, c, r, 0, col, "one cell", mm_value_of(MM_VALUE_SIZE, m->cell_bytes));
	if (m->shown < m->range_count) {
		col += mm_canvas_print(c, r, 0, col, MM_STYLE_PLAIN, "0x%" PRIx64, m->ranges[m->shown].addr) + 1;
		col = mm_part_pair(t, c, r, 0, col, "+", mm_value_of(MM_VALUE_SIZE, m->ranges[m->shown].bytes));
	}
	mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, "colour %s (t)", colour[t->fragmap.colour]);
	col = mm_part_pair(t, c, r, 1, 0, "used", mm_value_of(MM_VALUE_SIZE, m->live_bytes));
	col = mm_part_pair(t, c, r, 1, col, "not returnable", mm_value_of(MM_VALUE_SIZE, m->not_returnable_bytes));
	col = mm_part_pair(t, c, r, 1, col, "of pages", mm_value_of(MM_VALUE_PPM, m->free_ppm));
	col = mm_part_pair(t, c, r, 1, col, "holes", mm_value_of(MM_VALUE_COUNT, m->hole_count));
	col = mm_part_pair(t, c, r, 1, col, "largest", mm_value_of(MM_VALUE_SIZE, m->largest_hole_bytes));
	mm_part_pair(t, c, r, 1, col, "scattered", mm_value_of(MM_VALUE_PPM, m->external_ppm));
}

static uint64_t row_live(const struct mm_top *t, uint32_t first, int cells)
{
	uint64_t live = 0;

	for (int i = 0; i < cells; i++) {
		const struct mm_report_map_cell *m = cell_at(t, first + (uint32_t)i);
		live += m ? m->live_bytes : 0;
	}
	return live;
}

static void draw_row(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row)
{
	const struct mm_report_map *m = map_of(t);
	int cells = per_row(r);
	uint32_t first = (uint32_t)row * (uint32_t)cells;
	char buf[MM_VALUE_TEXT_MOST];

	if (first >= m->cell_count)
		return;
	mm_canvas_print(c, r, row, 0, MM_STYLE_DIM, "%12" PRIx64, m->cell_addr + first * m->cell_bytes);
	mm_canvas_put(c, r, row, LABEL - 1, MM_STYLE_DIM, '|');
	for (int i = 0; !c->plain && i < cells; i++) {
		const struct mm_report_map_cell *cell = cell_at(t, first + (uint32_t)i);
		if (cell)
			mm_canvas_put(c, r, row, LABEL + i,
				      first + (uint32_t)i == t->fragmap.cursor ? MM_STYLE_SELECTED
				      : cell->pinned_bytes ? MM_STYLE_PLAIN : MM_STYLE_GRAPH,
				      (unsigned char)look_of(t, cell));
	}
	mm_canvas_put(c, r, row, LABEL + cells, MM_STYLE_DIM, '|');
	struct mm_value share = mm_value_of(MM_VALUE_PPM, mm_ratio_ppm(row_live(t, first, cells),
							 (uint64_t)cells * m->cell_bytes));
	if (r.cols - LABEL - cells > SHARE)
		mm_canvas_right(c, r, row, r.cols, MM_STYLE_PLAIN, mm_value_text(&share, 0, buf));
}

static const struct mm_report_map_slab *slab_at(const struct mm_top *t, uint64_t addr)
{
	const struct mm_report_map *m = map_of(t);

	for (size_t i = 0; i < m->slab_count; i++)
		if (addr >= m->slabs[i].addr && addr - m->slabs[i].addr < m->slabs[i].bytes)
			return &m->slabs[i];
	return NULL;
}

static const char *category_name(const struct mm_top *t, uint32_t category)
{
	return category < t->report->category_count ? t->report->categories[category].name : "-";
}

static void draw_cursor(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report_map *m = map_of(t);
	const struct mm_report_map_cell *cell = cell_at(t, t->fragmap.cursor);
	uint64_t addr = m->cell_addr + t->fragmap.cursor * m->cell_bytes, now = mm_part_end(t->report);

	if (!cell)
		return;
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_BOLD, "cursor 0x%" PRIx64, addr) + 2;
	col = mm_part_pair(t, c, r, 0, col, "used", mm_value_of(MM_VALUE_SIZE, cell->live_bytes));
	col = mm_part_pair(t, c, r, 0, col, "blocks begin", mm_value_of(MM_VALUE_COUNT, cell->object_count));
	col = mm_part_pair(t, c, r, 0, col, "pinned free", mm_value_of(MM_VALUE_SIZE, cell->pinned_bytes));
	col = mm_part_pair(t, c, r, 0, col, "oldest", mm_value_of(MM_VALUE_TIME,
			   cell->oldest_ns == MM_UNKNOWN || cell->oldest_ns > now ? MM_UNKNOWN : now - cell->oldest_ns));
	mm_part_pair(t, c, r, 0, col, "mostly", mm_value_say(category_name(t, cell->category)));
	const struct mm_report_map_slab *s = slab_at(t, addr);
	if (!s)
		return;
	col = mm_canvas_print(c, r, 1, 0, MM_STYLE_PLAIN, "slab of pool %u", s->pool) + 2;
	col = mm_part_pair(t, c, r, 1, col, "blocks", mm_value_of(MM_VALUE_COUNT, s->block_count ? s->block_count : MM_UNKNOWN));
	mm_part_pair(t, c, r, 1, col, "used", mm_value_of(MM_VALUE_COUNT, s->used_count));
}

static void draw_legend(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	int col = 0;

	switch (t->fragmap.colour) {
	case COLOUR_AGE:
		mm_canvas_text(c, r, 0, 0, MM_STYLE_DIM, "0 newest tenth of the run ... 9 oldest");
		break;
	case COLOUR_CATEGORY:
		for (uint32_t i = 0; i < 26 && i < t->report->category_count && col < r.cols; i++)
			col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, "%c %s  ", (int)('a' + i),
					       category_name(t, i));
		break;
	default:
		mm_canvas_print(c, r, 0, 0, MM_STYLE_DIM, "' ' none %s # all, of a cell's bytes %s", ". : - = + * % @",
				t->fragmap.colour == COLOUR_PINNED ? "free in pages that a block keeps" : "used");
	}
}

static void draw_holes(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	static const char *const names[MM_MAP_HOLES] = { "<4K", "4-16K", "16-64K", "64-256K", "256K-1M", ">1M" };
	int col = mm_canvas_text(c, r, 1, 0, MM_STYLE_HEAD, "HOLES") + 2;

	draw_legend(t, c, r);
	for (int i = 0; i < MM_MAP_HOLES; i++)
		col = mm_part_pair(t, c, r, 1, col, names[i], mm_value_of(MM_VALUE_COUNT, map_of(t)->hole_counts[i]));
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;

	if (map_of(t)->cell_count && t->fragmap.cursor >= map_of(t)->cell_count)
		t->fragmap.cursor = (uint32_t)map_of(t)->cell_count - 1;
	if (panel[MM_FRAGMAP_HEAD].rows)
		draw_head(t, c, panel[MM_FRAGMAP_HEAD]);
	for (int row = 0; row < panel[MM_FRAGMAP_MAP].rows; row++)
		draw_row(t, c, panel[MM_FRAGMAP_MAP], row);
	if (panel[MM_FRAGMAP_CURSOR].rows)
		draw_cursor(t, c, panel[MM_FRAGMAP_CURSOR]);
	if (panel[MM_FRAGMAP_HOLES].rows)
		draw_holes(t, c, panel[MM_FRAGMAP_HOLES]);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void move_cursor(struct mm_top *t, long by)
{
	long at = (long)t->fragmap.cursor + by, most = (long)map_of(t)->cell_count - 1;

	t->fragmap.cursor = (uint32_t)(at < 0 ? 0 : at > most ? (most < 0 ? 0 : most) : at);
}

/* The cell of the cursor stays under it. */
static void zoom(struct mm_top *t, int closer)
{
	const struct mm_report_map *m = map_of(t);
	uint64_t addr = m->cell_addr + t->fragmap.cursor * m->cell_bytes;
	uint64_t bytes = closer ? m->cell_bytes / 2 : m->cell_bytes * 2;

	if (m->shown >= m->range_count || bytes < 16 || bytes > m->ranges[m->shown].bytes)
		return;
	uint64_t begin = m->ranges[m->shown].addr, before = t->fragmap.cursor * bytes;
	t->fragmap.cell_bytes = bytes;
	t->fragmap.range = m->shown + 1;
	t->fragmap.addr = addr > begin + before ? (addr - before) & ~(bytes - 1) : begin;
	t->fragmap.cursor = (uint32_t)((addr - t->fragmap.addr) / bytes);
}

static void fit(struct mm_top *t, uint32_t range)
{
	t->fragmap.range = range;
	t->fragmap.addr = t->fragmap.cell_bytes = 0;
	t->fragmap.cursor = 0;
}

static int act(struct mm_top *t, enum mm_action action)
{
	long row = per_row(t->panels.panel[MM_FRAGMAP_MAP]);
	const struct mm_report_map *m = map_of(t);

	switch (action) {
	case MM_ACT_LEFT: move_cursor(t, -1); return 1;
	case MM_ACT_RIGHT: move_cursor(t, 1); return 1;
	case MM_ACT_UP: move_cursor(t, -row); return 1;
	case MM_ACT_DOWN: move_cursor(t, row); return 1;
	case MM_ACT_FIRST: t->fragmap.cursor = 0; return 1;
	case MM_ACT_LAST: move_cursor(t, CELLS_MOST); return 1;
	case MM_ACT_VIEW: t->fragmap.colour = (t->fragmap.colour + 1) % COLOURS; return 1;
	case MM_ACT_ZOOM_IN: zoom(t, 1); return 1;
	case MM_ACT_ZOOM_OUT: zoom(t, 0); return 1;
	case MM_ACT_FIT: fit(t, t->fragmap.range); return 1;
	case MM_ACT_ARENA:
		fit(t, m->range_count ? (m->shown + 1) % (uint32_t)m->range_count + 1 : 0);
		return 1;
	default: return 0;
	}
}

static int click(struct mm_top *t, int row, int col)
{
	struct mm_rect r = t->panels.panel[MM_FRAGMAP_MAP];
	int cell = col - r.col - LABEL;

	if (row < r.row || row >= r.row + r.rows || cell < 0 || cell >= per_row(r))
		return 0;
	t->fragmap.cursor = (uint32_t)((row - r.row) * per_row(r) + cell);
	return 1;
}

const struct mm_pane mm_pane_fragmap = {
	.title = "FragMap", .exports = "cells", .sort = -1, .ask = ask, .lacks = lacks, .draw = draw,
	.act = act, .click = click,
};
