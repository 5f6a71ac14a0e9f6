/* widgets.c: what several panes draw (top_parts.h). */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tui/top_parts.h"

void mm_part_head(struct mm_canvas *c, struct mm_rect r, int row, const char *title)
{
	mm_canvas_fit(c, r, row, 0, r.cols, MM_STYLE_HEAD, title, 0);
}

int mm_part_pair(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int row, int col,
		 const char *name, struct mm_value v)
{
	char buf[MM_VALUE_TEXT_MOST];
	const char *text = mm_value_text(&v, t->bytes, buf);

	/* A figure that is cut would read as another one. */
	if (mm_value_is_figure(&v) && col + (int)(strlen(name) + strlen(text)) + 1 > r.cols)
		return r.cols;
	col += mm_canvas_print(c, r, row, col, MM_STYLE_DIM, "%s ", name);
	return col + mm_canvas_text(c, r, row, col, v.style, text) + 2;
}

enum mm_style mm_part_level_style(uint64_t ppm)
{
	return ppm == MM_UNKNOWN || ppm < 750000 ? MM_STYLE_OK : ppm < 900000 ? MM_STYLE_WARN
								 : MM_STYLE_BAD;
}

const struct mm_report_category *mm_part_marked_category(const struct mm_top *t, const char *name)
{
	for (size_t i = 0; t->mark && i < t->mark->category_count; i++)
		if (strcmp(t->mark->categories[i].name, name) == 0)
			return &t->mark->categories[i];
	return NULL;
}

const char *mm_part_site(const struct mm_report_row *row, char *buf)
{
	snprintf(buf, MM_PART_SITE, "%s%s%s", row->name, row->place[0] ? "  " : "", row->place);
	return buf;
}

enum mm_value_kind mm_part_kind(enum mm_metric metric)
{
	return metric == MM_METRIC_ALLOCS || metric == MM_METRIC_TEMPORARY ? MM_VALUE_COUNT
									    : MM_VALUE_SIZE;
}

/* --- timelines ------------------------------------------------------------------------------ */

static const uint64_t *line_of(const struct mm_report_timeline *l, enum mm_part_line line)
{
	switch (line) {
	case MM_LINE_PEAK: return l->peak_bytes;
	case MM_LINE_RSS: return l->rss_bytes;
	case MM_LINE_ALLOCS: return l->alloc_count;
	default: return l->free_count;
	}
}

/* Between two points that are close the larger says what may have been there. */
static uint64_t between(const struct mm_report_timeline *l, size_t i, uint64_t held, uint64_t column)
{
	int close = i > 0 && i < l->count && l->t_ns[i] - l->t_ns[i - 1] < 3 * column;

	return close && l->peak_bytes[i] > held ? l->peak_bytes[i] : held;
}

/* What holds on until the next point: live bytes, and the resident ones last sampled. */
static uint64_t held_after(const struct mm_report_timeline *l, enum mm_part_line line, size_t i,
			   uint64_t before)
{
	if (line == MM_LINE_PEAK)
		return l->live_bytes[i];
	return l->rss_bytes[i] == MM_UNKNOWN ? before : l->rss_bytes[i];
}

static uint64_t column_end(uint64_t from, uint64_t to, int col, int cols)
{
	return from + (uint64_t)((unsigned __int128)(to - from) * (unsigned)(col + 1) / (unsigned)cols);
}

void mm_part_columns(const struct mm_report *r, enum mm_part_line line, uint64_t from, uint64_t to,
		     int cols, uint64_t *ret)
{
	const struct mm_report_timeline *l = &r->timeline;
	const uint64_t *v = line_of(l, line);
	int happens = line == MM_LINE_ALLOCS || line == MM_LINE_FREES;
	uint64_t held = line == MM_LINE_RSS ? MM_UNKNOWN : 0;
	size_t i = 0;

	for (; i < l->count && l->t_ns[i] < from; i++)
		held = happens ? 0 : held_after(l, line, i, held);
	for (int col = 0; col < cols; col++) {
		uint64_t end = column_end(from, to, col, cols), now = happens ? 0 : held;
		if (line == MM_LINE_PEAK)
			now = between(l, i, held, (to - from) / (uint64_t)cols);
		for (; i < l->count && (l->t_ns[i] < end || col == cols - 1); i++) {
			if (happens)
				now += v[i];
			else if (v[i] != MM_UNKNOWN && (now == MM_UNKNOWN || v[i] > now))
				now = v[i];
			held = happens ? 0 : held_after(l, line, i, held);
		}
		ret[col] = now;
	}
}

uint64_t mm_part_end(const struct mm_report *r)
{
	return r->run.to_ns < r->run.duration_ns ? r->run.to_ns : r->run.duration_ns;
}

uint64_t mm_part_most(const uint64_t *values, int count)
{
	uint64_t most = 0;

	for (int i = 0; i < count; i++)
		most = values[i] != MM_UNKNOWN && values[i] > most ? values[i] : most;
	return most;
}

/* --- pressure and its log -------------------------------------------------------------------- */

const char *mm_part_level_word(uint64_t level)
{
	static const char *const words[MM_LEVEL_COUNT] = { "OK", "NOTE", "WARN", "HIGH", "CRITICAL" };

	return level < MM_LEVEL_COUNT ? words[level] : "?";
}

enum mm_style mm_part_level_look(uint64_t level)
{
	static const enum mm_style look[MM_LEVEL_COUNT] = { MM_STYLE_OK, MM_STYLE_NOTE, MM_STYLE_WARN,
		MM_STYLE_BAD, MM_STYLE_BAD };

	return level < MM_LEVEL_COUNT ? look[level] : MM_STYLE_DIM;
}

enum mm_style mm_part_event_style(const struct mm_report_log *l)
{
	switch (l->kind) {
	case MM_LOG_LEVEL: return mm_part_level_look(l->level);
	case MM_LOG_DENY: return MM_STYLE_BAD;
	default: return MM_STYLE_PLAIN;
	}
}

static const char *size_text(char *buf, uint64_t bytes)
{
	struct mm_value v = mm_value_of(MM_VALUE_SIZE, bytes);

	return mm_value_text(&v, 0, buf);
}

static const char *of_all(const char *category)
{
	return category[0] ? category : "all";
}

static void say_level(const struct mm_report_log *l, char *buf)
{
	if (l->before < MM_LEVEL_COUNT)
		snprintf(buf, MM_PART_SITE, "pressure %s -> %s  %s", mm_part_level_word(l->before),
			 mm_part_level_word(l->level), l->cause);
	else
		snprintf(buf, MM_PART_SITE, "pressure %s  %s", mm_part_level_word(l->level), l->cause);
}

static void say_evict(const struct mm_top *t, const struct mm_report_log *l, char *buf)
{
	const struct mm_report_tiers *tiers = &t->report->tiers;
	char size[MM_VALUE_TEXT_MOST];

	snprintf(buf, MM_PART_SITE, "evict %s %s%s%s  %s", of_all(l->category),
		 size_text(size, l->bytes), l->tier < tiers->count ? " from " : "",
		 l->tier < tiers->count ? tiers->tiers[l->tier].name : "", l->cause);
}

static void say_budget(const struct mm_report_log *l, char *buf)
{
	char was[MM_VALUE_TEXT_MOST], now[MM_VALUE_TEXT_MOST];

	if (l->before_bytes == MM_UNKNOWN)
		snprintf(buf, MM_PART_SITE, "budget %s %s", of_all(l->category),
			 size_text(now, l->bytes));
	else
		snprintf(buf, MM_PART_SITE, "budget %s %s -> %s", of_all(l->category),
			 size_text(was, l->before_bytes), size_text(now, l->bytes));
}

const char *mm_part_event(const struct mm_top *t, const struct mm_report_log *l, char *buf)
{
	char size[MM_VALUE_TEXT_MOST];

	switch (l->kind) {
	case MM_LOG_LEVEL: say_level(l, buf); break;
	case MM_LOG_EVICT: say_evict(t, l, buf); break;
	case MM_LOG_BUDGET: say_budget(l, buf); break;
	case MM_LOG_DENY:
		snprintf(buf, MM_PART_SITE, "deny %s %s  %s", of_all(l->category),
			 size_text(size, l->bytes), l->cause);
		break;
	default: snprintf(buf, MM_PART_SITE, "mark %s", l->text);
	}
	return buf;
}

void mm_part_log(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, int oldest_first, size_t first)
{
	const struct mm_report_pressure *p = &t->report->pressure;
	char text[MM_PART_SITE], at[MM_UNITS_TEXT];
	/* The last has the longest time. */
	int wide = p->log_count ? (int)strlen(mm_format_time(at, p->log[p->log_count - 1].t_ns)) : 0;

	wide = wide < 8 ? 8 : wide;
	for (size_t i = first; i < p->log_count && (int)(i - first) < r.rows; i++) {
		const struct mm_report_log *l = &p->log[oldest_first ? i : p->log_count - 1 - i];
		int row = (int)(i - first);
		mm_canvas_right(c, r, row, wide, MM_STYLE_DIM, mm_format_time(at, l->t_ns));
		mm_canvas_fit(c, r, row, wide + 2, r.cols - wide - 2, mm_part_event_style(l),
			      mm_part_event(t, l, text), 0);
	}
	if (!p->log_count)
		mm_canvas_text(c, r, 0, 1, MM_STYLE_DIM, "nothing");
}

/* --- stacks ---------------------------------------------------------------------------------- */

static const char *frame_note(const struct mm_report_frame *f)
{
	switch (f->kind) {
	case MM_FRAME_RUNTIME: return "runtime";
	case MM_FRAME_CATEGORY: return "category";
	case MM_FRAME_CUT: return "cut";
	case MM_FRAME_LOST: return "lost";
	default: return "";
	}
}

static void draw_frame(struct mm_canvas *c, struct mm_rect r, int row, uint32_t number,
		       const struct mm_report_frame *f, int first)
{
	int wide = r.cols >= 70, name = wide ? r.cols * 5 / 10 : r.cols - 5;
	char place[512];

	mm_canvas_print(c, r, row, 0, MM_STYLE_DIM, "%3u", number);
	mm_canvas_print(c, r, row, 4, MM_STYLE_DIM, "%s", f->inlined ? "(inl)" : "");
	int col = f->inlined ? 10 : 4;
	mm_canvas_fit(c, r, row, col, name - col, first ? MM_STYLE_BOLD : MM_STYLE_PLAIN, f->name, 0);
	if (!wide)
		return;
	if (f->line)
		snprintf(place, sizeof place, "%s:%u", f->file, f->line);
	else
		snprintf(place, sizeof place, "%s", f->file);
	mm_canvas_fit(c, r, row, name + 1, r.cols * 3 / 10, MM_STYLE_PLAIN, place, 1);
	mm_canvas_fit(c, r, row, name + r.cols * 3 / 10 + 2,
		      r.cols - (name + r.cols * 3 / 10 + 2), MM_STYLE_DIM,
		      first ? "<- look here first" : f->library[0] ? f->library : frame_note(f), 1);
}

void mm_part_stack(struct mm_top *t, struct mm_canvas *c, struct mm_rect r, uint32_t stack)
{
	const struct mm_report *p = t->report;

	if (stack >= p->stack_count)
		return;
	const struct mm_report_stack *s = &p->stacks[stack];
	uint32_t from = (uint32_t)(t->detail ? t->detail_first : 0);
	for (uint32_t i = from; i < s->count && (int)(i - from) < r.rows; i++) {
		int row = (int)(i - from);
		if (row == r.rows - 1 && i + 1 < s->count) {
			mm_canvas_print(c, r, row, 4, MM_STYLE_DIM, "... %u more: %s", s->count - i,
					t->detail ? "Down" : "Enter shows all");
			return;
		}
		draw_frame(c, r, row, i, &p->frames[s->frames[i]], i == s->first);
	}
}
