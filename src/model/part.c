/* part.c: a chunk's events and the births of what dies in it (part.h). */
#include "model/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"
#include "model/learnt.h"
#include "model/standing.h"

enum { CANNOT = 1 };
#define OLDER UINT32_C(0x80000000) /* in `ref` of a death: + place in `older` */
#define NOT_YET UINT32_MAX         /* latest chunk of a thread: not looked for */
#define NEVER (UINT32_MAX - 1)

struct search;

struct lane { /* one of the chunks that are searched at a time */
	const struct search *search;
	struct mm_hand *hand;
	struct mm_rows rows;
	struct mm_touched touched;
	uint32_t chunk;
	int likely; /* to bear some of the missing */
	int err;
};

struct search {
	struct mm_part *part;
	struct mm_reader *reader;
	struct mm_learnt *learnt;
	uint64_t resolution;
	struct mm_map missing;   /* slot + 1 -> place in `older` */
	uint64_t *bits;          /* those slots */
	size_t bit_words;
	uint32_t highest;
	uint32_t *died_row;      /* of each in `older` */
	size_t died_cap;
	struct lane lanes[MM_PAIR];
	uint32_t threads;
	uint32_t *first_row;     /* by thread: of its first birth in the chunk + 1 */
	uint32_t *newest_row;    /* of its last */
	uint32_t *latest_chunk;  /* by thread: in which it was born last before this one */
};

void mm_part_deinit(struct mm_part *p)
{
	mm_rows_deinit(&p->rows);
	free(p->birth_rows);
	free(p->older);
	free(p->temporary);
	memset(p, 0, sizeof *p);
}

/* --- the chunk itself ---------------------------------------------------------------- */

static int add_older(struct search *s, uint32_t row)
{
	struct mm_part *p = s->part;
	struct mm_row *r = &p->rows.rows[row];

	if (MM_GROW(p->older, p->older_cap, p->older_count + 1) ||
	    MM_GROW(s->died_row, s->died_cap, p->older_count + 1) ||
	    mm_map_set(&s->missing, (uint64_t)r->slot + 1, (uint32_t)p->older_count))
		return MM_ENOMEM;
	s->died_row[p->older_count] = row;
	s->highest = r->slot > s->highest ? r->slot : s->highest;
	r->ref = OLDER | (uint32_t)p->older_count++;
	return MM_OK;
}

/* A death of what was born in the chunk, at row `born`. */
static void note_own(const struct search *s, uint32_t row, uint32_t born)
{
	const struct mm_row *d = &s->part->rows.rows[row];

	s->part->temporary[row] = d->kind != MM_EV_REALLOC_OUT &&
		d->thread == s->part->rows.rows[born].thread && d->thread < s->threads &&
		s->newest_row[d->thread] == born + 1;
}

static int take_rows(struct search *s, uint32_t count)
{
	struct mm_part *p = s->part;
	uint32_t births = 0;

	if (MM_GROW(p->birth_rows, p->birth_cap, p->rows.births + 1u) ||
	    MM_GROW(p->temporary, p->temporary_cap, count + 1u))
		return MM_ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct mm_row *r = &p->rows.rows[i];
		if (mm_event_is_birth(r->kind)) {
			p->birth_rows[births++] = i;
			if (r->thread >= s->threads)
				continue;
			s->newest_row[r->thread] = i + 1;
			if (!s->first_row[r->thread])
				s->first_row[r->thread] = i + 1;
		} else if (mm_event_is_death(r->kind) && r->kind != MM_EV_INHERITED) {
			if (r->ref < births)
				note_own(s, i, p->birth_rows[r->ref]);
			else if (add_older(s, i))
				return MM_ENOMEM;
		}
	}
	return MM_OK;
}

/* --- going back ---------------------------------------------------------------------- */

static int is_missing(const struct search *s, uint32_t slot)
{
	return slot <= s->highest && s->bits[slot / 64] >> slot % 64 & 1;
}

static void has_thread(void *arg, const struct mm_digest *d)
{
	uint32_t *thread = arg; /* MM_NO_THREAD once it was found */

	for (size_t i = 0; i < d->thread_count; i++)
		if (d->threads[i].thread == *thread && d->threads[i].allocs) {
			*thread = MM_NO_THREAD;
			return;
		}
}

/* 1 when the thread allocated in the chunks first .. end, 0 when not, or an error. */
static int allocated(const struct search *s, uint32_t thread, uint32_t first, uint32_t end)
{
	uint32_t at, found = thread;
	int err = mm_tower_sum(&s->learnt->tower, s->reader, s->learnt->process, first, end,
			       has_thread, &found, &at);

	if (err)
		return err;
	return at < end ? MM_ECORRUPT : found == MM_NO_THREAD;
}

/* The chunk of the thread's last birth before the part's. */
static int latest_chunk(struct search *s, uint32_t thread, uint32_t *ret)
{
	uint32_t end = s->part->chunk, *known = &s->latest_chunk[thread];

	while (*known == NOT_YET && end) {
		uint32_t first = end % MM_TOWER_CHUNKS ? end - 1 : end - MM_TOWER_CHUNKS;
		int has = allocated(s, thread, first, end);
		if (has < 0)
			return has;
		if (has && end - first > 1) /* closer */
			for (first = end - 1; !(has = allocated(s, thread, first, first + 1));)
				first--;
		if (has < 0)
			return has;
		if (has)
			*known = first;
		end = first;
	}
	if (*known == NOT_YET)
		*known = NEVER;
	*ret = *known;
	return MM_OK;
}

/* Was the object the last that its thread was given before it freed it itself? `number`: of its
 * birth in the chunk that bore it, + 1, which the hand read; NULL = it was the last before a
 * checkpoint. */
static int judge(struct search *s, uint32_t place, uint32_t born_chunk, struct mm_hand *hand,
		 uint32_t number)
{
	struct mm_part_birth *b = &s->part->older[place];
	const struct mm_row *d = &s->part->rows.rows[s->died_row[place]];
	uint32_t latest, last = number;
	int err = MM_OK;

	b->temporary = 0;
	if (d->kind == MM_EV_REALLOC_OUT || d->thread != b->thread ||
	    b->thread >= s->threads)
		return MM_OK;
	if (s->first_row[d->thread] && s->first_row[d->thread] <= s->died_row[place])
		return MM_OK;
	if (hand)
		err = mm_hand_last_birth(hand, b->thread, &last);
	if (err || last != number)
		return err;
	err = latest_chunk(s, b->thread, &latest);
	b->temporary = !err && latest == born_chunk;
	return err;
}

/* The last birth of a missing slot is the one: it was not given away again. */
static int find_births(struct search *s, struct lane *l)
{
	for (size_t i = l->rows.count; i-- > 0 && s->missing.count;) {
		const struct mm_row *r = &l->rows.rows[i];
		uint32_t place;
		if (!is_missing(s, r->slot) ||
		    !mm_map_take(&s->missing, (uint64_t)r->slot + 1, &place))
			continue;
		s->bits[r->slot / 64] &= ~(UINT64_C(1) << r->slot % 64);
		s->part->older[place] = (struct mm_part_birth){ .size = r->size,
			.time = r->tick * s->resolution, .site = r->site, .thread = r->thread };
		int err = judge(s, place, l->chunk, l->hand, r->ref + 1);
		if (err)
			return err;
	}
	return MM_OK;
}

/* 1 when the chunk may have borne one of the missing, 0 when not, or an error. A missing
 * object kept its slot from its birth on, so only the chunk of its birth touched it. */
static int may_bear(struct lane *l)
{
	const struct search *s = l->search;
	struct mm_touched *t = &l->touched;
	int err = mm_hand_touched(l->hand, s->learnt->process, l->chunk, t);

	if (err)
		return err;
	for (size_t i = 0; i < t->count; i++)
		if (is_missing(s, t->slots[i]))
			return 1;
	for (uint64_t i = t->fresh_from; i < t->fresh_to && i <= s->highest;) {
		if (i % 64 == 0 && !s->bits[i / 64]) {
			i += 64;
			continue;
		}
		if (is_missing(s, (uint32_t)i++))
			return 1;
	}
	return 0;
}

static int take_standing(struct search *s, uint32_t at, uint32_t place, const struct mm_object *o,
			 const uint32_t *latest_birth)
{
	uint32_t latest = NEVER;
	int err = MM_OK;

	s->part->older[place] = (struct mm_part_birth){ .size = o->size, .time = o->time,
		.site = o->site, .thread = o->thread };
	if (o->thread >= s->threads || !latest_birth[o->thread] ||
	    !mm_order_is_latest(o->order, latest_birth[o->thread]))
		return MM_OK;
	/* Its thread was given nothing from the checkpoint on. */
	err = latest_chunk(s, o->thread, &latest);
	if (!err && (latest == NEVER || latest < at))
		err = judge(s, place, latest, NULL, 0);
	return err;
}

struct standing { struct search *search; uint32_t at; };

static int find_standing(void *arg, const struct mm_live_list *list, const uint32_t *latest)
{
	struct standing *t = arg;
	struct search *s = t->search;

	for (size_t i = 0; i < list->count && s->missing.count; i++) {
		uint32_t place;
		if (!is_missing(s, list->slots[i]) ||
		    !mm_map_take(&s->missing, (uint64_t)list->slots[i] + 1, &place))
			continue;
		int err = list->objects[i].size == MM_UNKNOWN ? CANNOT
			: take_standing(s, t->at, place, &list->objects[i], latest);
		if (err)
			return err;
	}
	return MM_OK;
}

/* What is still missing lived when chunk `at` began, where a checkpoint stands. */
static int look_in_checkpoint(struct search *s, uint32_t at)
{
	struct standing t = { s, at };
	int err = mm_standing(s->reader, s->learnt, at, find_standing, &t);

	return err ? err : s->missing.count ? CANNOT : MM_OK;
}

/* A checkpoint costs about as much as so many chunks. */
static uint32_t checkpoint_cost(const struct search *s, uint32_t chunk)
{
	return (uint32_t)(mm_reader_chunk(s->reader, s->learnt->process, chunk)->before.live_count >>
			  16) + 2;
}

/* Leaves in the rows the births that may be looked for. */
static void read_lane(void *arg)
{
	struct lane *l = arg;
	const struct search *s = l->search;
	int may = l->likely ? 1 : may_bear(l);

	l->rows.count = 0;
	l->err = may < 0 ? may : MM_OK;
	if (may > 0)
		l->err = mm_hand_births(l->hand, s->learnt->process, l->chunk, s->bits,
					s->highest + 1, &l->rows);
}

/* The chunks before `chunk`, so many at a time. Where the last had some of the missing, they are
 * likely to. */
static int search_lanes(struct search *s, uint32_t chunk, unsigned count, int *likely)
{
	void *args[MM_PAIR];
	int err = MM_OK;

	for (unsigned i = 0; i < count; i++) {
		s->lanes[i].chunk = chunk - 1 - i;
		s->lanes[i].likely = *likely;
		args[i] = &s->lanes[i];
	}
	mm_pair_run(s->learnt->pair, count, read_lane, args);
	for (unsigned i = 0; !err && i < count && s->missing.count; i++) {
		size_t before = s->missing.count;
		err = s->lanes[i].err ? s->lanes[i].err : find_births(s, &s->lanes[i]);
		*likely = s->missing.count != before;
	}
	return err == MM_ENOMEM || !err ? err : CANNOT;
}

enum way { GO_BACK, TO_CHECKPOINT, NOWHERE };

/* From before `chunk`, with so many searched. */
static enum way way_on(const struct search *s, uint32_t chunk, uint32_t searched, uint32_t most)
{
	const struct mm_chunk_info *here = mm_reader_chunk(s->reader, s->learnt->process, chunk);
	uint32_t checkpoint = 0;
	int has = mm_reader_checkpoint(s->reader, s->learnt->process, chunk, &checkpoint) &&
		  checkpoint == chunk;

	if (has && (here->after_gap || searched >= checkpoint_cost(s, chunk) || !chunk))
		return TO_CHECKPOINT;
	return here->after_gap || !chunk || searched == most ? NOWHERE : GO_BACK;
}

static int search_back(struct search *s, uint32_t most)
{
	uint32_t chunk = s->part->chunk, searched = 0;
	int err = MM_OK, likely = 0;

	while (!err && s->missing.count) {
		enum way way = way_on(s, chunk, searched, most);
		if (way != GO_BACK)
			return way == TO_CHECKPOINT ? look_in_checkpoint(s, chunk) : CANNOT;
		unsigned count = 1;
		while (count < MM_PAIR && way_on(s, chunk - count, searched + count, most) == GO_BACK)
			count++;
		err = search_lanes(s, chunk, count, &likely);
		searched += count;
		chunk -= count;
	}
	return err;
}

/* --- all together -------------------------------------------------------------------- */

static int make_room(struct search *s)
{
	s->threads = mm_reader_threads(s->reader, s->learnt->process);
	for (unsigned i = 0; i < MM_PAIR; i++)
		s->lanes[i] = (struct lane){ .search = s, .hand = s->learnt->pair->hands[i] };
	s->first_row = calloc(s->threads + 1u, sizeof *s->first_row);
	s->newest_row = calloc(s->threads + 1u, sizeof *s->newest_row);
	s->latest_chunk = malloc((s->threads + 1u) * sizeof *s->latest_chunk);
	if (!s->first_row || !s->newest_row || !s->latest_chunk)
		return MM_ENOMEM;
	memset(s->latest_chunk, 0xff, (s->threads + 1u) * sizeof *s->latest_chunk);
	return MM_OK;
}

static int mark_missing(struct search *s)
{
	s->bits = calloc((size_t)s->highest / 64 + 1, sizeof *s->bits);
	if (!s->bits)
		return MM_ENOMEM;
	for (size_t i = 0; s->missing.places && i <= s->missing.mask; i++) {
		uint64_t key = s->missing.places[i].key;
		if (key)
			s->bits[(key - 1) / 64] |= UINT64_C(1) << (key - 1) % 64;
	}
	return MM_OK;
}

static void search_deinit(struct search *s)
{
	mm_map_deinit(&s->missing);
	for (unsigned i = 0; i < MM_PAIR; i++) {
		mm_rows_deinit(&s->lanes[i].rows);
		free(s->lanes[i].touched.slots);
	}
	free(s->bits);
	free(s->died_row);
	free(s->first_row);
	free(s->newest_row);
	free(s->latest_chunk);
}

int mm_part_read(struct mm_part *p, struct mm_reader *r, struct mm_learnt *l, uint32_t chunk,
		 uint32_t count, uint32_t most)
{
	struct search s = { .part = p, .reader = r, .learnt = l };

	if (p->count >= count && p->chunk == chunk)
		return MM_OK;
	p->count = 0;
	p->older_count = 0;
	p->chunk = chunk;
	s.resolution = mm_reader_chunk(r, l->process, chunk)->resolution_ns;
	int err = mm_hand_rows(l->pair->hands[0], l->process, chunk, &p->rows);
	if (err || count > p->rows.count)
		return err == MM_ENOMEM ? err : CANNOT;
	err = make_room(&s);
	if (!err)
		err = take_rows(&s, count);
	if (!err)
		err = mark_missing(&s);
	if (!err)
		err = search_back(&s, most);
	search_deinit(&s);
	if (!err)
		p->count = count;
	return err < 0 && err != MM_ENOMEM ? CANNOT : err;
}

static void fill_death(const struct mm_part *p, uint32_t row, uint64_t resolution,
		       struct mm_event *ev)
{
	const struct mm_row *r = &p->rows.rows[row];

	if (r->kind == MM_EV_INHERITED) {
		ev->size = ev->born_time = MM_UNKNOWN;
		ev->born_thread = MM_NO_THREAD;
		return;
	}
	if (r->ref & OLDER) {
		const struct mm_part_birth *b = &p->older[r->ref & ~OLDER];
		ev->size = b->size;
		ev->born_site = b->site;
		ev->born_thread = b->thread;
		ev->born_time = b->time;
		ev->temporary = b->temporary;
		return;
	}
	const struct mm_row *b = &p->rows.rows[p->birth_rows[r->ref]];
	ev->size = b->size;
	ev->born_site = b->site;
	ev->born_thread = b->thread;
	ev->born_time = b->tick * resolution;
	ev->temporary = p->temporary[row];
}

void mm_part_walk(const struct mm_part *p, struct mm_reader *r, const struct mm_learnt *l,
		  uint32_t from, uint32_t to, mm_visit_fn fn, void *arg)
{
	uint64_t resolution = mm_reader_chunk(r, l->process, p->chunk)->resolution_ns;

	for (uint32_t i = from; i < to; i++) {
		const struct mm_row *row = &p->rows.rows[i];
		struct mm_event ev = { .kind = row->kind, .thread = row->thread, .site = row->site,
				       .slot = row->slot, .time = row->tick * resolution };
		if (mm_event_is_birth(row->kind))
			ev.size = row->size;
		else if (mm_event_is_death(row->kind))
			fill_death(p, i, resolution, &ev);
		fn(arg, &ev, (struct mm_point){ p->chunk, i + 1 });
	}
}
