/* pane_gpu.c: heaps of devices, what lies in them by kind, and maps of their blocks. */
#include <string.h>

#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_FLAGS, COL_BUDGET, COL_USAGE, COL_FULL, COL_SHARE, COL_OURS, COL_OTHERS,
	COL_BLOCKS, COL_ALLOCS, COL_UNUSED, COL_UP, COL_DOWN, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "heap", 4, 0, 0, 1, 0 },
	[COL_FLAGS] = { "flags", 12, 0, 1, 1, 5 },
	[COL_BUDGET] = { "budget", 9, 16, 0, 0, 2 },
	[COL_USAGE] = { "usage", 9, 16, 0, 0, 0 },
	[COL_FULL] = { "full", 10, 10, 2, 1, 7 },
	[COL_SHARE] = { "used%", 6, 0, 0, 0, 1 },
	[COL_OURS] = { "ours", 9, 16, 0, 0, 3 },
	[COL_OTHERS] = { "others", 9, 16, 0, 0, 4 },
	[COL_BLOCKS] = { "blocks", 6, 0, 0, 0, 9 },
	[COL_ALLOCS] = { "allocs", 8, 0, 0, 0, 10 },
	[COL_UNUSED] = { "unused", 9, 16, 0, 0, 6 },
	[COL_UP] = { "up/s", 9, 13, 0, 0, 8 },
	[COL_DOWN] = { "down/s", 9, 13, 0, 0, 11 },
};

static const struct mm_report_gpu *gpu(const struct mm_top *t)
{
	return &t->report->gpu;
}

static size_t rows(const struct mm_top *t)
{
	return gpu(t)->heap_count;
}

static struct mm_value size(uint64_t bytes)
{
	return mm_value_of(MM_VALUE_SIZE, bytes);
}

static struct mm_value count(uint64_t n)
{
	return mm_value_of(MM_VALUE_COUNT, n);
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_report_gpu_heap *h = &gpu(ctx)->heaps[row];

	switch (column) {
	case COL_NAME: *ret = mm_value_of(MM_VALUE_ID, h->number); break;
	case COL_FLAGS: *ret = mm_value_say(h->flags[0] ? h->flags : "-"); break;
	case COL_BUDGET: *ret = size(h->budget_bytes); break;
	case COL_USAGE: *ret = size(h->usage_bytes); break;
	case COL_FULL:
		*ret = mm_value_of(MM_VALUE_BAR, h->used_ppm);
		ret->style = mm_part_level_style(h->used_ppm);
		break;
	case COL_SHARE: *ret = mm_value_of(MM_VALUE_PPM, h->used_ppm); break;
	case COL_OURS: *ret = size(h->ours_bytes); break;
	case COL_OTHERS: *ret = size(h->others_bytes); break;
	case COL_BLOCKS: *ret = count(h->block_count); break;
	case COL_ALLOCS: *ret = count(h->alloc_count); break;
	case COL_UNUSED: *ret = size(h->unused_bytes); break;
	case COL_UP: *ret = size(h->upload_bytes_per_s); break;
	default: *ret = size(h->download_bytes_per_s);
	}
}

/* --- kinds of allocations --------------------------------------------------------------------- */

static const struct mm_column kind_columns[] = {
	{ "ALLOCATED AS", 14, 0, 2, 1, 0 }, { "heap", 4, 0, 0, 0, 3 }, { "count", 7, 0, 0, 0, 2 },
	{ "bytes", 9, 16, 0, 0, 0 }, { "mean", 9, 14, 0, 0, 5 }, { "category", 12, 0, 1, 1, 1 },
	{ "dedicated", 9, 0, 0, 0, 6 }, { "mapped", 6, 0, 0, 0, 7 }, { "age p50", 8, 0, 0, 0, 4 },
};

static void kind_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_report_gpu_kind *k = &gpu(ctx)->kinds[row];

	switch (column) {
	case 0: *ret = mm_value_say(k->type[0] ? k->type : "(not told)"); break;
	case 1: *ret = mm_value_of(MM_VALUE_ID, gpu(ctx)->heaps[k->heap].number); break;
	case 2: *ret = count(k->count); break;
	case 3: *ret = size(k->bytes); break;
	case 4: *ret = size(k->mean_bytes); break;
	case 5: *ret = mm_value_say(k->category[0] ? k->category : "-"); break;
	case 6: *ret = count(k->dedicated_count); break;
	case 7: *ret = count(k->mapped_count); break;
	default: *ret = mm_value_of(MM_VALUE_TIME, k->age_ns);
	}
}

static void draw_kinds(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	struct mm_table table = { .columns = kind_columns,
		.count = sizeof kind_columns / sizeof *kind_columns, .rows = gpu(t)->kind_count,
		.cell = kind_cell, .ctx = t, .exact = t->bytes, .sorted = -1 };

	if (gpu(t)->kind_count) {
		mm_table_draw(c, r, &table);
		return;
	}
	mm_part_head(c, r, 0, "ALLOCATED AS");
	mm_canvas_text(c, r, 1, 0, MM_STYLE_DIM, "nothing was told of kinds");
}

/* --- blocks ---------------------------------------------------------------------------------------- */

/* The letter that most cells of map[from, to) have, the first of those that draw. */
static char most_letter(const char *map, size_t from, size_t to)
{
	size_t best = 0;
	char letter = ' ';

	for (size_t i = from; i < to; i++) {
		size_t n = 0;
		for (size_t k = from; k < to; k++)
			n += map[k] == map[i];
		if (n > best) {
			best = n;
			letter = map[i];
		}
	}
	return letter;
}

/* One row: "   7 |SSS..I| 81.0%  frag 12.0%  longest free 7.00 MiB". */
static void draw_block(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row,
		       const struct mm_report_gpu_block *b)
{
	char fill[MM_VALUE_TEXT_MOST], frag[MM_VALUE_TEXT_MOST], free_run[MM_VALUE_TEXT_MOST];
	struct mm_value f = mm_value_of(MM_VALUE_PPM, b->used_ppm),
		g = mm_value_of(MM_VALUE_PPM, b->fragmentation_ppm), l = size(b->largest_free_bytes);
	int text = t->bytes ? 38 : 30, len = (int)strnlen(b->map, MM_CANVAS_MOST);
	int width = r.cols - 6 - text - 2;

	width = width < len ? width : len;
	int col = mm_canvas_print(c, r, row, 0, MM_STYLE_DIM, "%4u ", b->number);
	if (width >= 8) {
		mm_canvas_put(c, r, row, col++, MM_STYLE_DIM, '|');
		for (int i = 0; i < width; i++) {
			char letter = most_letter(b->map, (size_t)i * (size_t)len / (size_t)width,
						  (size_t)(i + 1) * (size_t)len / (size_t)width);
			int plain = letter >= ' ' && letter < 0x7f;
			mm_canvas_put(c, r, row, col++, letter == '.' ? MM_STYLE_DIM : MM_STYLE_GRAPH,
				      plain ? (uint32_t)letter : '?');
		}
		mm_canvas_put(c, r, row, col++, MM_STYLE_DIM, '|');
	}
	mm_canvas_right(c, r, row, col + 7, MM_STYLE_PLAIN, mm_value_text(&f, 0, fill));
	mm_canvas_right(c, r, row, col + 15, MM_STYLE_PLAIN, mm_value_text(&g, 0, frag));
	mm_canvas_right(c, r, row, col + text, MM_STYLE_PLAIN, mm_value_text(&l, t->bytes, free_run));
}

static int map_columns(const struct mm_top *t, struct mm_rect r, size_t heap)
{
	int most = 0, room = r.cols - 8 - (t->bytes ? 38 : 30);

	for (size_t i = 0; i < gpu(t)->block_count; i++) {
		int len = (int)strnlen(gpu(t)->blocks[i].map, MM_CANVAS_MOST);
		if (gpu(t)->blocks[i].heap == heap && len > most)
			most = len;
	}
	most = most < room ? most : room;
	return most >= 8 ? most + 2 : 0;
}

static void draw_blocks_head(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, size_t heap)
{
	int map = map_columns(t, r, heap), col = 5 + map, text = t->bytes ? 38 : 30;

	mm_canvas_text(c, r, 0, 0, MM_STYLE_HEAD, "BLOCK");
	mm_canvas_fit(c, r, 0, 6, map, MM_STYLE_DIM,
		      "S storage  I image  V vertex/index  T staging  . free", 0);
	mm_canvas_right(c, r, 0, col + 7, MM_STYLE_HEAD, "used%");
	mm_canvas_right(c, r, 0, col + 15, MM_STYLE_HEAD, "torn%");
	mm_canvas_right(c, r, 0, col + text, MM_STYLE_HEAD, "longest free");
}

/* The blocks of a heap from number `first` of them on. */
static void draw_blocks(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, size_t heap,
			size_t first)
{
	size_t seen = 0, all = 0;
	int row = 1;

	draw_blocks_head(t, c, r, heap);
	for (size_t i = 0; i < gpu(t)->block_count; i++)
		all += gpu(t)->blocks[i].heap == heap;
	for (size_t i = 0; i < gpu(t)->block_count && row < r.rows; i++) {
		if (gpu(t)->blocks[i].heap != heap || seen++ < first)
			continue;
		if (row == r.rows - 1 && seen < all) {
			mm_canvas_print(c, r, row, 0, MM_STYLE_DIM, "... %zu more: %s", all - seen + 1,
					t->detail ? "Down" : "Enter shows all");
			return;
		}
		draw_block(t, c, r, row++, &gpu(t)->blocks[i]);
	}
	if (!all)
		mm_canvas_text(c, r, 1, 0, MM_STYLE_DIM, "nothing was told of this heap's blocks");
}

/* --- the heap under the cursor ----------------------------------------------------------------------- */

static void draw_device(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, size_t heap)
{
	const struct mm_report_gpu_device *d = &gpu(t)->devices[gpu(t)->heaps[heap].device];
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_DIM, "device %u ", d->number);

	col += mm_canvas_text(c, r, 0, col, MM_STYLE_HEAD, d->name[0] ? d->name : "-") + 2;
	col = mm_part_pair(t, c, r, 0, col, "driver", mm_value_say(d->driver[0] ? d->driver : "-"));
	mm_part_pair(t, c, r, 0, col, "source", mm_value_say(d->source[0] ? d->source : "-"));
}

static void draw_detail(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t which = mm_top_selected(t);

	if (which == SIZE_MAX)
		return;
	const struct mm_report_gpu_heap *h = &gpu(t)->heaps[which];
	draw_device(t, c, r, which);
	int col = mm_canvas_print(c, r, 1, 0, MM_STYLE_HEAD, "heap %u %s", h->number, h->flags) + 2;
	mm_part_pair(t, c, r, 1, col, "told at", mm_value_of(MM_VALUE_TIME, h->told_at_ns));
	col = mm_part_pair(t, c, r, 2, 0, "uploaded", size(h->upload_bytes));
	mm_part_pair(t, c, r, 2, col, "downloaded", size(h->download_bytes));
	col = mm_part_pair(t, c, r, 3, 0, "defragmentation would move", size(h->movable_bytes));
	mm_part_pair(t, c, r, 3, col, "and free blocks", count(h->movable_block_count));
	draw_blocks(t, c, mm_rect_below(r, 5), which, (size_t)t->detail_first);
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;
	size_t which = mm_top_selected(t);

	mm_top_table(t, c, panel[MM_GPU_HEAPS]);
	if (panel[MM_GPU_HEAD].rows && which != SIZE_MAX)
		draw_device(t, c, panel[MM_GPU_HEAD], which);
	if (panel[MM_GPU_KINDS].rows)
		draw_kinds(t, c, panel[MM_GPU_KINDS]);
	if (panel[MM_GPU_BLOCKS].rows && which != SIZE_MAX)
		draw_blocks(t, c, panel[MM_GPU_BLOCKS], which, 0);
}

static const char *lacks(const struct mm_top *t)
{
	return gpu(t)->heap_count ? NULL
		: "No GPU in this trace: a layer between the program and its device tells of\n"
		  "heaps and blocks by notices, as mmprof-trace(5) describes them.";
}

const struct mm_pane mm_pane_gpu = {
	.title = "GPU", .exports = "heaps", .columns = columns, .column_count = COLUMNS, .sort = -1,
	.lacks = lacks, .rows = rows, .cell = cell, .draw = draw, .detail = draw_detail,
};
