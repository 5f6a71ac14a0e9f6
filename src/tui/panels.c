/* panels.c: bands of panels, given room by need and weight (panels.h). */
#include "tui/panels.h"

#include <string.h>

enum { LINE_ROWS = 5, LINE_COLS = 20, FULL_ROWS = 17, FULL_COLS = 60, BANDS_MOST = 6 };

/* Where there is not room for all, the part with the highest `last` goes first. */
struct part {
	uint8_t panel;    /* number */
	uint8_t band;     /* from the top */
	uint8_t rows_least, rows_most; /* most 0 = as many as there are */
	uint8_t rows_weight;
	uint8_t cols_least, cols_weight;
	uint8_t last;     /* 0 = stays */
};

#define END { .rows_least = 0 }

static const struct part overview[] = {
	{ MM_OVERVIEW_BARS, 0, 5, 6, 1, 40, 1, 1 },
	{ MM_OVERVIEW_RATES, 1, 1, 1, 0, 40, 1, 2 },
	{ MM_OVERVIEW_CURVE, 2, 5, 12, 2, 38, 3, 5 },
	{ MM_OVERVIEW_LOG, 2, 5, 12, 2, 40, 2, 6 },
	{ MM_OVERVIEW_CATEGORIES, 3, 3, 16, 3, 40, 1, 0 },
	{ MM_OVERVIEW_SITES, 4, 4, 0, 2, 40, 1, 7 },
	END,
};
static const struct part list[] = {
	{ MM_LIST_HEAD, 0, 1, 1, 0, 20, 1, 1 },
	{ MM_LIST_ROWS, 1, 4, 0, 3, 20, 1, 0 },
	{ MM_LIST_DETAIL, 2, 6, 0, 3, 20, 1, 2 },
	END,
};
static const struct part tiers[] = {
	{ MM_TIERS_TABLE, 0, 7, 9, 1, 40, 1, 0 },
	{ MM_TIERS_RESIDENCY, 1, 6, 14, 1, 40, 1, 2 },
	{ MM_TIERS_MOVES, 2, 5, 9, 1, 45, 3, 4 },
	{ MM_TIERS_EVICTIONS, 2, 5, 9, 1, 34, 2, 5 },
	{ MM_TIERS_PRESSURE, 3, 3, 12, 1, 40, 1, 1 },
	END,
};
static const struct part fragmap[] = {
	{ MM_FRAGMAP_HEAD, 0, 2, 2, 0, 20, 1, 1 },
	{ MM_FRAGMAP_MAP, 1, 3, 0, 1, 20, 1, 0 },
	{ MM_FRAGMAP_CURSOR, 2, 2, 2, 0, 20, 1, 2 },
	{ MM_FRAGMAP_HOLES, 3, 2, 2, 0, 20, 1, 3 },
	END,
};
static const struct part leaks[] = {
	{ MM_LEAKS_HEAD, 0, 1, 2, 1, 20, 1, 1 },
	{ MM_LEAKS_TABLE, 1, 4, 0, 2, 20, 1, 0 },
	{ MM_LEAKS_STACK, 2, 6, 0, 2, 20, 1, 2 },
	END,
};
static const struct part calls[] = {
	{ MM_CALLS_HEAD, 0, 1, 1, 0, 20, 1, 1 },
	{ MM_CALLS_TREE, 1, 4, 0, 2, 20, 1, 0 },
	{ MM_CALLS_FLAME, 2, 6, 0, 1, 40, 1, 2 },
	END,
};
static const struct part timeline[] = {
	{ MM_TIMELINE_HEAD, 0, 1, 1, 0, 20, 1, 1 },
	{ MM_TIMELINE_CURVE, 1, 5, 0, 3, 20, 1, 0 },
	{ MM_TIMELINE_STRIPS, 2, 5, 5, 0, 20, 1, 2 },
	{ MM_TIMELINE_EVENTS, 3, 4, 12, 1, 36, 1, 3 },
	{ MM_TIMELINE_GROWTH, 3, 4, 12, 1, 50, 1, 4 },
	END,
};
static const struct part gpu[] = {
	{ MM_GPU_HEAD, 0, 1, 1, 0, 20, 1, 1 },
	{ MM_GPU_HEAPS, 1, 4, 8, 1, 40, 1, 0 },
	{ MM_GPU_KINDS, 2, 4, 12, 2, 40, 1, 2 },
	{ MM_GPU_BLOCKS, 3, 4, 0, 3, 40, 1, 3 },
	END,
};

static const struct { const char *name; const struct part *parts; } screens[] = {
	[MM_SCREEN_OVERVIEW] = { "overview", overview },
	[MM_SCREEN_CATEGORIES] = { "categories", list },
	[MM_SCREEN_TIERS] = { "tiers", tiers },
	[MM_SCREEN_FRAGMAP] = { "fragmap", fragmap },
	[MM_SCREEN_LEAKS] = { "leaks", leaks },
	[MM_SCREEN_CALLS] = { "calls", calls },
	[MM_SCREEN_TIMELINE] = { "timeline", timeline },
	[MM_SCREEN_THREADS] = { "threads", list },
	[MM_SCREEN_GPU] = { "gpu", gpu },
};

const char *mm_screen_name(enum mm_screen screen)
{
	return (unsigned)screen < MM_SCREEN_COUNT ? screens[screen].name : NULL;
}

struct plan { /* of one body */
	const struct part *parts;
	int count;
	uint8_t gone[MM_PANELS_MOST]; /* by part */
};

static int count_parts(const struct part *p)
{
	int n = 0;

	while (p[n].rows_least)
		n++;
	return n;
}

/* --- which parts stay -------------------------------------------------------------------- */

static int band_least(const struct plan *p, int band)
{
	int least = 0;

	for (int i = 0; i < p->count; i++)
		if (p->parts[i].band == band && !p->gone[i] && p->parts[i].rows_least > least)
			least = p->parts[i].rows_least;
	return least;
}

static int bands_least(const struct plan *p)
{
	int rows = 0;

	for (int band = 0; band < BANDS_MOST; band++)
		rows += band_least(p, band);
	return rows;
}

static int band_cols(const struct plan *p, int band)
{
	int cols = 0;

	for (int i = 0; i < p->count; i++)
		if (p->parts[i].band == band && !p->gone[i])
			cols += p->parts[i].cols_least + (cols > 0);
	return cols;
}

/* The part that goes first, of one band (or -1: of all); 0 when none may. */
static int drop(struct plan *p, int band)
{
	int worst = -1;

	for (int i = 0; i < p->count; i++)
		if (!p->gone[i] && p->parts[i].last && (band < 0 || p->parts[i].band == band) &&
		    (worst < 0 || p->parts[i].last > p->parts[worst].last))
			worst = i;
	if (worst >= 0)
		p->gone[worst] = 1;
	return worst >= 0;
}

static void choose(struct plan *p, struct mm_rect body)
{
	for (int band = 0; band < BANDS_MOST; band++)
		while (band_cols(p, band) > body.cols && drop(p, band))
			;
	while (bands_least(p) > body.rows && drop(p, -1))
		;
}

/* --- how much each gets ------------------------------------------------------------------ */

static int band_most(const struct plan *p, int band)
{
	int most = 0;

	for (int i = 0; i < p->count; i++) {
		if (p->parts[i].band != band || p->gone[i])
			continue;
		if (!p->parts[i].rows_most)
			return 1 << 16;
		most = p->parts[i].rows_most > most ? p->parts[i].rows_most : most;
	}
	return most;
}

static int band_weight(const struct plan *p, int band)
{
	int weight = 0;

	for (int i = 0; i < p->count; i++)
		if (p->parts[i].band == band && !p->gone[i] && p->parts[i].rows_weight > weight)
			weight = p->parts[i].rows_weight;
	return weight;
}

/* The band that is furthest behind its share of the rows; -1 when all have their most. */
static int neediest(const struct plan *p, const int *rows)
{
	int best = -1, best_weight = 0;

	for (int band = 0; band < BANDS_MOST; band++) {
		int weight = band_weight(p, band);
		if (!weight || rows[band] >= band_most(p, band))
			continue;
		if (best < 0 || rows[band] * best_weight < rows[best] * weight) {
			best = band;
			best_weight = weight;
		}
	}
	return best;
}

static void share_rows(const struct plan *p, int room, int *rows)
{
	int band;

	for (band = 0; band < BANDS_MOST; band++) {
		rows[band] = band_least(p, band);
		rows[band] = rows[band] > room ? room : rows[band];
		room -= rows[band];
	}
	for (; room > 0 && (band = neediest(p, rows)) >= 0; room--)
		rows[band]++;
}

static void place_band(const struct plan *p, int band, struct mm_rect r, struct mm_panels *ret)
{
	int weight = 0, spare = r.cols - band_cols(p, band), col = 0, last = -1;

	for (int i = 0; i < p->count; i++)
		if (p->parts[i].band == band && !p->gone[i])
			weight += p->parts[i].cols_weight;
	for (int i = 0; i < p->count; i++) {
		const struct part *part = &p->parts[i];
		if (part->band != band || p->gone[i])
			continue;
		int cols = part->cols_least + (spare > 0 ? spare * part->cols_weight / weight : 0);
		cols = cols > r.cols - col ? r.cols - col : cols;
		ret->panel[part->panel] = (struct mm_rect){ r.row, r.col + col, r.rows, cols };
		col += cols + 1;
		last = part->panel;
	}
	if (last >= 0) /* what rounding has left */
		ret->panel[last].cols = r.col + r.cols - ret->panel[last].col;
}

static void place(const struct plan *p, struct mm_panels *ret)
{
	int rows[BANDS_MOST];
	struct mm_rect rest = ret->body;

	share_rows(p, rest.rows, rows);
	for (int band = 0; band < BANDS_MOST; band++) {
		place_band(p, band, mm_rect_top(rest, rows[band]), ret);
		rest = mm_rect_below(rest, rows[band]);
	}
}

/* --- the frame --------------------------------------------------------------------------- */

static void frame(int rows, int cols, struct mm_panels *ret)
{
	struct mm_rect all = { 0, 0, rows, cols };
	int tabs = ret->size == MM_SIZE_FULL;

	ret->title = mm_rect_top(all, 1);
	if (ret->size == MM_SIZE_LINE)
		return;
	ret->tabs = mm_rect_top(mm_rect_below(all, 1), tabs);
	ret->body = mm_rect_below(all, 1 + tabs);
	ret->foot = mm_rect_below(all, rows - 1);
	ret->body.rows -= 1;
}

void mm_panels_of(int rows, int cols, enum mm_screen screen, struct mm_panels *ret)
{
	struct plan plan = { .parts = screens[screen].parts };

	*ret = (struct mm_panels){
		.size = rows < LINE_ROWS || cols < LINE_COLS ? MM_SIZE_LINE
		      : rows < FULL_ROWS || cols < FULL_COLS ? MM_SIZE_NARROW : MM_SIZE_FULL,
	};
	frame(rows, cols, ret);
	if (ret->size == MM_SIZE_NARROW)
		ret->panel[MM_PANEL_MAIN] = ret->body;
	if (ret->size != MM_SIZE_FULL)
		return;
	plan.count = count_parts(plan.parts);
	choose(&plan, ret->body);
	place(&plan, ret);
}
