/* merge.c: the peak of several processes together (work.h).
 *
 * Their events are walked in order of time, all processes at once; the live bytes of a
 * process count until it ends. Times alone are compared; at equal times the lower
 * process number goes first.
 */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "model/work.h"

struct lane { /* one process */
	struct mm_cursor *cursor;
	struct mm_event next;
	int has_next;       /* `next` is not counted yet, though the cursor has passed it */
	int opened;
	uint64_t first_time; /* MM_UNKNOWN: the process has no events */
	int ended;
	uint64_t end_time;
	uint64_t held; /* when it is opened */
	uint64_t live;
	struct mm_point at; /* after the last event counted */
	struct mm_point best;
	uint64_t best_live;
	int changed;        /* since the peak was remembered last */
};

struct merge {
	struct mm_work *work;
	struct lane *lanes;
	uint32_t *heap;     /* lanes that have something to come, the earliest on top */
	size_t heap_count;
	uint32_t *changed;  /* lanes with that flag */
	size_t changed_count;
	uint64_t live, peak, peak_time;
	int in_range;
};

static int lane_fetch(struct merge *m, size_t i)
{
	struct lane *l = &m->lanes[i];
	int got = l->cursor ? mm_cursor_next(l->cursor, &l->next) : 0;

	l->has_next = got > 0;
	if (got == 0 && l->cursor) {
		mm_cursor_close(l->cursor);
		l->cursor = NULL;
	}
	return got < 0 ? got : MM_OK;
}

/* A process that lived when the kept part of a trace begins is there from then on, with what
 * it held, whether it does something or not. */
static void lane_init(struct merge *m, size_t i)
{
	struct mm_reader *r = m->work->reader;
	uint32_t process = m->work->selected[i];
	uint64_t kept_from = mm_reader_info(r)->kept_from_ns;
	struct lane *l = &m->lanes[i];

	l->end_time = mm_reader_process(r, process)->end_time;
	l->first_time = MM_UNKNOWN;
	if (mm_reader_chunks(r, process)) {
		const struct mm_chunk_info *c = mm_reader_chunk(r, process, 0);
		l->first_time = c->after_gap && kept_from ? kept_from : c->first_time;
		l->held = c->after_gap && kept_from ? c->before.live_bytes : 0;
	} else if (kept_from && l->end_time > kept_from) {
		l->first_time = kept_from;
		l->held = mm_reader_totals(r, process)->live_bytes;
	}
}

/* A process is opened when its time comes and closed at its end, so that no more is
 * held than lived at once. */
static int lane_open(struct merge *m, size_t i, struct mm_diag *diag)
{
	struct lane *l = &m->lanes[i];

	l->opened = 1;
	l->live = l->held;
	m->live += l->held;
	int err = mm_cursor_open(&l->cursor, m->work->reader, m->work->selected[i], 0, diag);
	return err ? err : lane_fetch(m, i);
}

static uint64_t lane_time(const struct lane *l)
{
	if (!l->opened)
		return l->first_time;
	return l->has_next ? l->next.time : l->ended ? MM_UNKNOWN : l->end_time;
}

/* What lives when a chunk begins is in it: what came before may not be in the trace. */
static void lane_begin_chunk(struct merge *m, size_t i, uint32_t chunk)
{
	const struct mm_chunk_info *info = mm_reader_chunk(m->work->reader,
							   m->work->selected[i], chunk);
	struct lane *l = &m->lanes[i];

	m->live += info->before.live_bytes - l->live;
	l->live = info->before.live_bytes;
}

static void lane_count(struct merge *m, size_t i)
{
	struct lane *l = &m->lanes[i];
	const struct mm_event *ev = &l->next;
	uint32_t chunk = mm_cursor_chunk(l->cursor);

	if (chunk != l->at.chunk || l->at.index == 0)
		lane_begin_chunk(m, i, chunk);
	l->at = chunk == l->at.chunk ? (struct mm_point){ chunk, l->at.index + 1 }
				     : (struct mm_point){ chunk, 1 };
	if (mm_event_is_birth(ev->kind)) {
		l->live += ev->size;
		m->live += ev->size;
	} else if (mm_event_is_death(ev->kind) && ev->kind != MM_EV_INHERITED &&
		   ev->size != MM_UNKNOWN) {
		l->live -= ev->size;
		m->live -= ev->size;
	}
}

static void note_change(struct merge *m, uint32_t lane)
{
	if (!m->lanes[lane].changed)
		m->changed[m->changed_count++] = lane;
	m->lanes[lane].changed = 1;
}

/* Only lanes that changed since the last peak have anything new to say. */
static void remember_peak(struct merge *m, uint64_t time)
{
	m->peak = m->live;
	m->peak_time = time;
	while (m->changed_count) {
		struct lane *l = &m->lanes[m->changed[--m->changed_count]];
		l->changed = 0;
		l->best = l->ended ? (struct mm_point){ 0, 0 } : l->at;
		l->best_live = l->ended ? 0 : l->live;
	}
}

/* --- the earliest lane --------------------------------------------------------------- */

static int goes_before(const struct merge *m, uint32_t a, uint32_t b)
{
	uint64_t x = lane_time(&m->lanes[a]), y = lane_time(&m->lanes[b]);

	return x != y ? x < y : a < b;
}

static void sift_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < m->heap_count; k++)
			if (goes_before(m, m->heap[k], m->heap[least]))
				least = k;
		if (least == i)
			return;
		uint32_t lane = m->heap[i];
		m->heap[i] = m->heap[least];
		m->heap[least] = lane;
		i = least;
	}
}

static void build_heap(struct merge *m)
{
	for (uint32_t i = 0; i < m->work->selected_count; i++) {
		lane_init(m, i);
		m->heap[m->heap_count++] = i;
	}
	for (size_t i = m->heap_count / 2; i-- > 0;)
		sift_down(m, i);
}

/* --- the merge ----------------------------------------------------------------------- */

static int advance(struct merge *m, uint32_t first, uint64_t time, struct mm_diag *diag)
{
	struct lane *l = &m->lanes[first];

	note_change(m, first);
	if (!l->opened) {
		int err = lane_open(m, first, diag);
		if (!err && time >= m->work->from && m->live > m->peak)
			remember_peak(m, time);
		return err;
	}
	if (!l->has_next) {
		m->live -= l->live;
		l->live = 0;
		l->ended = 1;
		return MM_OK;
	}
	lane_count(m, first);
	if (time >= m->work->from && m->live > m->peak)
		remember_peak(m, time);
	return lane_fetch(m, first);
}

static int merge_all(struct merge *m, struct mm_diag *diag)
{
	build_heap(m);
	for (;;) {
		uint32_t first = m->heap[0];
		uint64_t time = lane_time(&m->lanes[first]);
		if (time >= m->work->from && !m->in_range) {
			m->in_range = 1;
			remember_peak(m, m->work->from); /* what lives then counts, too */
		}
		if (time == MM_UNKNOWN || time >= m->work->to)
			return MM_OK;
		int err = advance(m, first, time, diag);
		if (err)
			return err;
		sift_down(m, 0);
	}
}

/* Together they held at least what one of them held alone, also where that moment is not in
 * the trace. */
static void weigh_own_peaks(struct merge *m)
{
	const struct mm_work *w = m->work;
	size_t best = w->selected_count;

	for (size_t i = 0; !w->from && w->to == MM_UNKNOWN && i < w->selected_count; i++) {
		const struct mm_totals *t = mm_reader_totals(w->reader, w->selected[i]);
		if (t->peak_bytes <= m->peak)
			continue;
		best = i;
		m->peak = t->peak_bytes;
		m->peak_time = t->peak_time;
	}
	for (size_t i = 0; best < w->selected_count && i < w->selected_count; i++) {
		m->lanes[i].best = (struct mm_point){ 0, 0 };
		m->lanes[i].best_live = i == best ? m->peak : 0;
		w->sums[i].peak_unseen = 1;
	}
}

static void hand_over(struct merge *m)
{
	for (size_t i = 0; i < m->work->selected_count; i++) {
		struct mm_sums *s = &m->work->sums[i];
		s->peak_given = 1;
		s->peak_at = m->lanes[i].best;
		s->peak_bytes = m->lanes[i].best_live;
		s->peak_time = m->peak_time;
	}
}

int mm_work_merge_peak(struct mm_work *w, struct mm_diag *diag)
{
	struct merge m = { .work = w };
	int err = MM_ENOMEM;

	m.lanes = calloc(w->selected_count, sizeof *m.lanes);
	m.heap = calloc(w->selected_count, sizeof *m.heap);
	m.changed = calloc(w->selected_count, sizeof *m.changed);
	if (m.lanes && m.heap && m.changed)
		err = merge_all(&m, diag);
	if (!err) {
		weigh_own_peaks(&m);
		hand_over(&m);
	}
	for (size_t i = 0; m.lanes && i < w->selected_count; i++)
		if (m.lanes[i].cursor)
			mm_cursor_close(m.lanes[i].cursor);
	free(m.lanes);
	free(m.heap);
	free(m.changed);
	return err;
}
