/* pane_tiers.c: how full tiers are, which category lies where, what moves and why, and how hard
 * the pressure is. */
#include <string.h>

#include "base/ratios.h"
#include "base/units.h"
#include "tui/top_parts.h"

enum { COL_NAME, COL_TYPE, COL_CAPACITY, COL_USED, COL_FULL, COL_SHARE, COL_IN, COL_OUT, COL_HITS,
	COL_STALL, COL_EVICTED, COLUMNS };

static const struct mm_column columns[COLUMNS] = {
	[COL_NAME] = { "tier", 8, 0, 1, 1, 0 },
	[COL_TYPE] = { "type", 12, 0, 1, 1, 8 },
	[COL_CAPACITY] = { "capacity", 9, 16, 0, 0, 5 },
	[COL_USED] = { "used", 9, 16, 0, 0, 0 },
	[COL_FULL] = { "full", 10, 10, 2, 1, 7 },
	[COL_SHARE] = { "used%", 6, 0, 0, 0, 1 },
	[COL_IN] = { "in/s", 9, 13, 0, 0, 2 },
	[COL_OUT] = { "out/s", 9, 13, 0, 0, 3 },
	[COL_HITS] = { "hits", 6, 0, 0, 0, 4 },
	[COL_STALL] = { "stall p99", 9, 0, 0, 0, 6 },
	[COL_EVICTED] = { "evicted", 9, 15, 0, 0, 9 },
};

static const struct mm_report_tiers *tiers(const struct mm_top *t)
{
	return &t->report->tiers;
}

static size_t rows(const struct mm_top *t)
{
	return tiers(t)->count;
}

static struct mm_value share(uint64_t ppm)
{
	return mm_value_of(MM_VALUE_PPM, ppm);
}

static struct mm_value size(uint64_t bytes)
{
	return mm_value_of(MM_VALUE_SIZE, bytes);
}

static void cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_report_tier *q = &tiers(ctx)->tiers[row];

	switch (column) {
	case COL_NAME:
		*ret = mm_value_say(q->name);
		ret->sign = q->part_of == MM_NO_TIER ? 0 : '`'; /* its bytes are also the other's */
		break;
	case COL_TYPE: *ret = mm_value_say(q->type[0] ? q->type : "-"); break;
	case COL_CAPACITY: *ret = size(q->capacity_bytes); break;
	case COL_USED: *ret = size(q->used_bytes); break;
	case COL_FULL:
		*ret = mm_value_of(MM_VALUE_BAR, q->used_ppm);
		ret->style = mm_part_level_style(q->used_ppm);
		break;
	case COL_SHARE: *ret = share(q->used_ppm); break;
	case COL_IN: *ret = size(q->in_bytes_per_s); break;
	case COL_OUT: *ret = size(q->out_bytes_per_s); break;
	case COL_HITS: *ret = share(q->hit_ppm); break;
	case COL_STALL: *ret = mm_value_of(MM_VALUE_TIME, q->stall_p99_ns); break;
	default: *ret = size(q->evict_bytes);
	}
}

/* --- which category lies where ------------------------------------------------------------- */

enum { TIERS_MOST = MM_COLUMNS_MOST - 4 };

static int shown_tiers(const struct mm_top *t)
{
	return tiers(t)->count < TIERS_MOST ? (int)tiers(t)->count : TIERS_MOST;
}

static void residency_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_report_residency *r = &tiers(ctx)->residency[row];
	int behind = column - 1 - shown_tiers(ctx);

	if (column == 0)
		*ret = mm_value_say(r->category[0] ? r->category : "(of none)");
	else if (behind < 0)
		*ret = size(r->tier_bytes[column - 1]);
	else if (behind == 0)
		*ret = size(r->total_bytes);
	else if (behind == 1)
		*ret = mm_value_of(MM_VALUE_COUNT, r->moves_per_s);
	else
		*ret = size(r->evict_bytes);
}

static void draw_residency(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	struct mm_column col[MM_COLUMNS_MOST] = { { "LIES WHERE", 12, 0, 1, 1, 0 } };
	int n = shown_tiers(t);

	for (int i = 0; i < n; i++)
		col[i + 1] = (struct mm_column){ tiers(t)->tiers[i].name, 9, 15, 1, 0,
						 (uint8_t)(i + 1) };
	col[n + 1] = (struct mm_column){ "total", 9, 16, 1, 0, 0 };
	col[n + 2] = (struct mm_column){ "moves/s", 8, 0, 1, 0, 100 };
	col[n + 3] = (struct mm_column){ "evicted", 9, 15, 1, 0, 101 };
	struct mm_table table = { .columns = col, .count = n + 4, .rows = tiers(t)->residency_count,
		.cell = residency_cell, .ctx = t, .exact = t->bytes, .sorted = -1 };
	mm_table_draw(c, r, &table);
}

/* --- moves ------------------------------------------------------------------------------------ */

/* Tiers that anything came from or went to in the range, by number. */
struct matrix { const struct mm_top *t; uint32_t tier[MM_COLUMNS_MOST - 1]; int count; };

static void matrix_add(struct matrix *m, uint32_t tier)
{
	int at = 0;

	while (at < m->count && m->tier[at] < tier)
		at++;
	if ((at < m->count && m->tier[at] == tier) || m->count == MM_COLUMNS_MOST - 1)
		return;
	memmove(&m->tier[at + 1], &m->tier[at], (size_t)(m->count - at) * sizeof m->tier[0]);
	m->tier[at] = tier;
	m->count++;
}

static const char *tier_name(const struct mm_top *t, uint32_t tier)
{
	return tier < tiers(t)->count ? tiers(t)->tiers[tier].name : "elsewhere";
}

static void matrix_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct matrix *m = ctx;
	const struct mm_report_tiers *q = tiers(m->t);

	*ret = mm_value_say(tier_name(m->t, m->tier[row]));
	if (column == 0)
		return;
	*ret = (struct mm_value){ .kind = MM_VALUE_NONE };
	if (m->tier[row] != m->tier[column - 1])
		*ret = size(0);
	for (size_t i = 0; i < q->move_count; i++)
		if (q->moves[i].from == m->tier[row] && q->moves[i].to == m->tier[column - 1])
			*ret = size(q->moves[i].window_bytes);
}

static void draw_moves(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	struct mm_column col[MM_COLUMNS_MOST] = { { "from", 6, 0, 1, 1, 0 } };
	struct matrix m = { .t = t };
	char buf[MM_UNITS_TEXT];

	for (size_t i = 0; i < tiers(t)->move_count; i++) {
		matrix_add(&m, tiers(t)->moves[i].from);
		matrix_add(&m, tiers(t)->moves[i].to);
	}
	for (int i = 0; i < m.count; i++)
		col[i + 1] = (struct mm_column){ tier_name(t, m.tier[i]), 9, 13, 1, 0,
						 (uint8_t)(i + 1) };
	int at = mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "MOVED, row to column") + 1;
	mm_canvas_print(c, r, 0, at, MM_STYLE_DIM, "last %s",
			mm_format_time(buf, tiers(t)->window_ns));
	struct mm_table table = { .columns = col, .count = m.count + 1, .rows = (size_t)m.count,
		.cell = matrix_cell, .ctx = &m, .exact = t->bytes, .sorted = -1 };
	if (m.count)
		mm_table_draw(c, mm_rect_below(r, 1), &table);
	else
		mm_canvas_text(c, r, 1, 0, MM_STYLE_DIM, "nothing moved");
}

/* --- evictions and refusals --------------------------------------------------------------------- */

static void cause_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct mm_report_cause *q = (const struct mm_report_cause *)ctx + row;

	switch (column) {
	case 0: *ret = mm_value_say(q->name[0] ? q->name : "(not told)"); break;
	case 1: *ret = size(q->bytes); break;
	case 2: *ret = share(q->ppm); break;
	default: *ret = mm_value_of(MM_VALUE_COUNT, q->count);
	}
}

/* Gives the rows that it took. */
static int draw_causes(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, const char *title,
		       struct mm_report_cause *causes, size_t count)
{
	const struct mm_column col[] = { { title, 12, 0, 1, 1, 0 }, { "bytes", 9, 15, 0, 0, 0 },
					 { "share", 6, 0, 0, 0, 1 }, { "times", 7, 0, 0, 0, 2 } };
	struct mm_table table = { .columns = col, .count = 4, .rows = count, .cell = cause_cell,
		.ctx = causes, .exact = t->bytes, .sorted = -1 };

	if (count)
		return mm_table_draw(c, r, &table) + 1;
	mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "%s", title);
	mm_canvas_text(c, r, 0, (int)strlen(title) + 1, MM_STYLE_DIM, "nothing");
	return 1;
}

static void draw_evictions(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	int row = draw_causes(t, c, r, "EVICTED for", tiers(t)->evictions, tiers(t)->eviction_count);

	if (row < r.rows)
		draw_causes(t, c, mm_rect_below(r, row), "REFUSED for", tiers(t)->denials,
			    tiers(t)->denial_count);
}

/* --- pressure ------------------------------------------------------------------------------------- */

static int draw_level(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	static const char *const sources[] = { "", "told by the program", "from samples" };
	const struct mm_report_pressure *p = &t->report->pressure;
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "PRESSURE ");

	if (p->source == MM_PRESSURE_NONE || p->level == MM_UNKNOWN)
		return col + mm_canvas_text(c, r, 0, col, MM_STYLE_DIM,
					    "- nothing in this trace says how hard it is");
	col += mm_canvas_print(c, r, 0, col, mm_part_level_look(p->level), "%d %s", (int)p->level,
			       mm_part_level_word(p->level)) + 2;
	col = mm_part_pair(t, c, r, 0, col, "since", mm_value_of(MM_VALUE_TIME, p->since_ns));
	if (p->cause[0])
		col = mm_part_pair(t, c, r, 0, col, "for", mm_value_say(p->cause));
	col += mm_canvas_print(c, r, 0, col, MM_STYLE_DIM, "worst ");
	col += mm_canvas_text(c, r, 0, col, mm_part_level_look(p->worst_level),
			      mm_part_level_word(p->worst_level)) + 1;
	col = mm_part_pair(t, c, r, 0, col, "at", mm_value_of(MM_VALUE_TIME, p->worst_at_ns));
	return col + mm_canvas_text(c, r, 0, col, MM_STYLE_DIM, sources[p->source]);
}

/* What the levels are, and how long each was. */
static void draw_levels(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	const struct mm_report_pressure *p = &t->report->pressure;
	int col = 0;

	for (uint64_t i = 0; i < MM_LEVEL_COUNT; i++) {
		char buf[MM_VALUE_TEXT_MOST];
		struct mm_value spent = mm_value_of(MM_VALUE_TIME, p->level_ns[i]);
		int now = p->level == i;
		col += mm_canvas_print(c, r, 1, col, now ? mm_part_level_look(i) : MM_STYLE_PLAIN,
				       now ? "[%d %s]" : "%d %s", (int)i, mm_part_level_word(i)) + 1;
		if (i && r.cols >= 90)
			col += mm_canvas_print(c, r, 1, col, MM_STYLE_DIM, "%d%%",
					       (int)(p->threshold_ppm[i] / 10000)) + 1;
		col += mm_canvas_text(c, r, 1, col, MM_STYLE_PLAIN, mm_value_text(&spent, 0, buf)) + 2;
	}
}

static void draw_sample(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	static const char *const names[] = { "used", "control group", "machine" };
	const struct mm_report_pressure *p = &t->report->pressure;
	int col = mm_part_pair(t, c, r, 2, 0, names[p->limit_kind], size(p->used_bytes));

	col = mm_part_pair(t, c, r, 2, col, "of", size(p->sample.limit_bytes));
	col = mm_part_pair(t, c, r, 2, col, "is", share(p->used_ppm));
	col = mm_part_pair(t, c, r, 2, col, "PSI some", share(p->sample.psi_some_ppm));
	col = mm_part_pair(t, c, r, 2, col, "full", share(p->sample.psi_full_ppm));
	if (r.cols - col >= 13)
		mm_part_pair(t, c, r, 2, col, "rss", size(p->sample.rss_bytes));
}

static void draw_pressure(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	draw_level(t, c, r);
	draw_levels(t, c, r);
	draw_sample(t, c, r);
	mm_part_log(t, c, mm_rect_below(r, 3), 0, 0);
}

/* --- the tier under the cursor ---------------------------------------------------------------------- */

enum { INSIDE_MOST = 64 }; /* rows on a screen at once */
struct inside { const struct mm_top *t; size_t tier, row[INSIDE_MOST], count; };

static void inside_cell(void *ctx, size_t row, int column, struct mm_value *ret)
{
	const struct inside *in = ctx;
	const struct mm_report_residency *r = &tiers(in->t)->residency[in->row[row]];

	switch (column) {
	case 0: residency_cell((void *)(uintptr_t)in->t, in->row[row], 0, ret); break;
	case 1: *ret = size(r->tier_bytes[in->tier]); break;
	default:
		*ret = share(mm_ratio_ppm(r->tier_bytes[in->tier],
					  tiers(in->t)->tiers[in->tier].used_bytes));
	}
}

static void draw_inside(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, size_t tier)
{
	static const struct mm_column col[] = { { "LIES IN IT", 12, 0, 1, 1, 0 },
		{ "bytes", 9, 16, 0, 0, 0 }, { "share", 6, 0, 0, 0, 1 } };
	struct inside in = { .t = t, .tier = tier };
	int skipped = 0;

	for (size_t i = 0; i < tiers(t)->residency_count && in.count < INSIDE_MOST; i++)
		if (tiers(t)->residency[i].tier_bytes[tier] != MM_UNKNOWN &&
		    skipped++ >= t->detail_first)
			in.row[in.count++] = i;
	struct mm_table table = { .columns = col, .count = 3, .rows = in.count,
		.cell = inside_cell, .ctx = &in, .exact = t->bytes, .sorted = -1 };
	mm_table_draw(c, r, &table);
}

static void draw_detail(struct mm_top *t, struct mm_canvas *c, struct mm_rect r)
{
	size_t which = mm_top_selected(t);

	if (which == SIZE_MAX)
		return;
	const struct mm_report_tier *q = &tiers(t)->tiers[which];
	int col = mm_canvas_print(c, r, 0, 0, MM_STYLE_HEAD, "%s", q->name) + 2;
	col = mm_part_pair(t, c, r, 0, col, "type", mm_value_say(q->type[0] ? q->type : "-"));
	if (q->part_of != MM_NO_TIER)
		mm_part_pair(t, c, r, 0, col, "part of", mm_value_say(tier_name(t, q->part_of)));
	col = mm_part_pair(t, c, r, 1, 0, "used", size(q->used_bytes));
	col = mm_part_pair(t, c, r, 1, col, "of", size(q->capacity_bytes));
	col = mm_part_pair(t, c, r, 1, col, "told at", mm_value_of(MM_VALUE_TIME, q->used_at_ns));
	col = mm_part_pair(t, c, r, 2, 0, "in", size(q->in_bytes));
	col = mm_part_pair(t, c, r, 2, col, "moves in", mm_value_of(MM_VALUE_COUNT, q->in_count));
	col = mm_part_pair(t, c, r, 2, col, "out", size(q->out_bytes));
	mm_part_pair(t, c, r, 2, col, "moves out", mm_value_of(MM_VALUE_COUNT, q->out_count));
	col = mm_part_pair(t, c, r, 3, 0, "hits", mm_value_of(MM_VALUE_COUNT, q->hit_count));
	col = mm_part_pair(t, c, r, 3, col, "misses", mm_value_of(MM_VALUE_COUNT, q->miss_count));
	mm_part_pair(t, c, r, 3, col, "evictions", mm_value_of(MM_VALUE_COUNT, q->evict_count));
	col = mm_part_pair(t, c, r, 4, 0, "waits", mm_value_of(MM_VALUE_COUNT, q->stall_count));
	col = mm_part_pair(t, c, r, 4, col, "in all", mm_value_of(MM_VALUE_TIME, q->stall_ns));
	col = mm_part_pair(t, c, r, 4, col, "p99", mm_value_of(MM_VALUE_TIME, q->stall_p99_ns));
	mm_part_pair(t, c, r, 4, col, "longest", mm_value_of(MM_VALUE_TIME, q->stall_max_ns));
	draw_inside(t, c, mm_rect_below(r, 6), which);
}

/* --- all together ------------------------------------------------------------------------------------ */

#define NO_TIERS "No tiers in this trace: a program's memory manager tells of them"
#define HOW_TO "by notices, as mmprof-trace(5) describes them."

static const char *lacks(const struct mm_top *t)
{
	if (tiers(t)->count)
		return NULL;
	return t->report->pressure.source == MM_PRESSURE_NONE || t->panels.size != MM_SIZE_FULL
		? NO_TIERS "\n" HOW_TO : NULL;
}

/* Pressure alone. */
static void draw_rest(struct mm_top *t, struct mm_canvas *c)
{
	struct mm_rect r = t->panels.body;

	mm_canvas_text(c, r, 1, 1, MM_STYLE_PLAIN, NO_TIERS);
	mm_canvas_text(c, r, 2, 1, MM_STYLE_PLAIN, HOW_TO);
	draw_pressure(t, c, mm_rect_below(r, 4));
}

static void draw(struct mm_top *t, struct mm_canvas *c)
{
	const struct mm_rect *panel = t->panels.panel;

	if (!tiers(t)->count) {
		draw_rest(t, c);
		return;
	}
	mm_top_table(t, c, panel[MM_TIERS_TABLE]);
	if (panel[MM_TIERS_RESIDENCY].rows)
		draw_residency(t, c, panel[MM_TIERS_RESIDENCY]);
	if (panel[MM_TIERS_MOVES].rows)
		draw_moves(t, c, panel[MM_TIERS_MOVES]);
	if (panel[MM_TIERS_EVICTIONS].rows)
		draw_evictions(t, c, panel[MM_TIERS_EVICTIONS]);
	if (panel[MM_TIERS_PRESSURE].rows)
		draw_pressure(t, c, panel[MM_TIERS_PRESSURE]);
}

const struct mm_pane mm_pane_tiers = {
	.title = "Tiers", .exports = "tiers", .columns = columns, .column_count = COLUMNS,
	.sort = -1, .lacks = lacks, .rows = rows, .cell = cell, .draw = draw, .detail = draw_detail,
};
