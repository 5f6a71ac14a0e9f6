/* visit.c: points and the cursor between them (visit.h). */
#include "model/visit.h"

#include <stddef.h>
#include <string.h>

#include "core/error.h"

enum { NEAR_CHUNKS = 8 }; /* going on is cheaper than reopening at a checkpoint */

void mm_visit_init(struct mm_visit *w, struct mm_reader *r, uint32_t process)
{
	memset(w, 0, sizeof *w);
	w->reader = r;
	w->process = process;
}

void mm_visit_deinit(struct mm_visit *w)
{
	if (w->cursor)
		mm_cursor_close(w->cursor);
	w->cursor = NULL;
}

int mm_point_compare(struct mm_point a, struct mm_point b)
{
	if (a.chunk != b.chunk)
		return a.chunk < b.chunk ? -1 : 1;
	return a.index == b.index ? 0 : a.index < b.index ? -1 : 1;
}

static uint32_t chunk_events(const struct mm_visit *w, uint32_t chunk)
{
	return (uint32_t)mm_reader_chunk(w->reader, w->process, chunk)->events;
}

/* (c, 0) is the same state as the end of the chunk before; the cursor knows the latter. */
static struct mm_point normal(const struct mm_visit *w, struct mm_point m)
{
	while (m.index == 0 && m.chunk > 0) {
		m.chunk--;
		m.index = chunk_events(w, m.chunk);
	}
	return m;
}

struct mm_point mm_visit_end(const struct mm_visit *w)
{
	uint32_t chunks = mm_reader_chunks(w->reader, w->process);
	struct mm_point m = { 0, 0 };

	if (chunks) {
		m.chunk = chunks - 1;
		m.index = chunk_events(w, m.chunk);
	}
	return m;
}

struct time_count { uint64_t time; uint32_t count; };

static int count_earlier(void *arg, const struct mm_event *ev)
{
	struct time_count *t = arg;

	t->count += ev->time < t->time;
	return 0;
}

int mm_visit_point(struct mm_visit *w, uint64_t time, struct mm_point *ret)
{
	uint32_t chunks = mm_reader_chunks(w->reader, w->process), low = 0, high = chunks;

	while (low < high) { /* chunks that begin before `time` */
		uint32_t mid = low + (high - low) / 2;
		if (mm_reader_chunk(w->reader, w->process, mid)->first_time < time)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0) {
		*ret = (struct mm_point){ 0, 0 };
		return MM_OK;
	}
	const struct mm_chunk_info *info = mm_reader_chunk(w->reader, w->process, low - 1);
	struct time_count t = { time, 0 };
	if (info->last_time < time) {
		t.count = (uint32_t)info->events;
	} else {
		int err = mm_reader_decode(w->reader, w->process, low - 1, count_earlier, &t);
		if (err < 0)
			return err;
	}
	*ret = (struct mm_point){ low - 1, t.count };
	return MM_OK;
}

static int reopen(struct mm_visit *w, uint32_t chunk, struct mm_diag *diag)
{
	mm_visit_deinit(w);
	w->at = (struct mm_point){ 0, 0 };
	w->started = 0;
	return mm_cursor_open(&w->cursor, w->reader, w->process, chunk, diag);
}

static int approach(struct mm_visit *w, struct mm_point from, struct mm_diag *diag)
{
	if (w->cursor && mm_point_compare(w->at, from) <= 0 &&
	    from.chunk - w->at.chunk <= NEAR_CHUNKS)
		return MM_OK;
	return reopen(w, from.chunk, diag);
}

static int step(struct mm_visit *w, struct mm_event *ev)
{
	int got = mm_cursor_next(w->cursor, ev);

	if (got <= 0)
		return got;
	uint32_t chunk = mm_cursor_chunk(w->cursor);
	if (!w->started || chunk != w->at.chunk) {
		w->at.chunk = chunk;
		w->at.index = 0;
		w->started = 1;
	}
	w->at.index++;
	return 1;
}

int mm_visit_to(struct mm_visit *w, struct mm_point from, struct mm_point to, mm_visit_fn fn,
	       void *arg, struct mm_diag *diag)
{
	struct mm_event ev;

	from = normal(w, from);
	to = normal(w, to);
	if (mm_point_compare(from, to) > 0)
		from = to;
	int got = approach(w, from, diag);
	if (got < 0)
		return got;
	while (mm_point_compare(w->at, to) < 0) {
		got = step(w, &ev);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		if (fn && mm_point_compare(w->at, from) > 0)
			fn(arg, &ev, w->at);
	}
	return MM_OK;
}

const struct mm_objects *mm_visit_objects(const struct mm_visit *w)
{
	return w->cursor ? mm_cursor_objects(w->cursor) : NULL;
}
