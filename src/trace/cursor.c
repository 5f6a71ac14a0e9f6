/* cursor.c: walking the events of a process with its live objects (reader.h).
 *
 * What a chunk says of slots is checked against the rule that numbers them; a chunk that
 * contradicts it is left as if it were damaged, and its successor starts after a gap. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/codec.h"
#include "trace/objects_state.h"
#include "trace/other.h"
#include "trace/scan.h"

enum { AHEAD = 12 }; /* events by which memory is asked for early */

struct mm_cursor {
	struct mm_reader *r;
	uint32_t process;
	uint32_t next_chunk;    /* to be entered when rows are used up */
	uint32_t chunk;         /* being walked */
	uint64_t expected;      /* number of the chunk that objects stand before */
	int alone;              /* one chunk, without what went before */
	int joined;             /* objects stand before chunk `expected` */
	int sound;              /* and nothing about them is unknown for a gap */
	int plain;              /* while in this chunk; its ticks are those of the objects */
	struct mm_hand hand;
	struct mm_objects *objects;
	size_t at;              /* next row, of the hand */
	uint64_t resolution_ns;
	union mm_other_room room;
};

/* --- reaching a chunk ------------------------------------------------------------------------ */

/* Whether the objects are as many, and as large, as the checkpoint says. */
static int is_as_said(const struct mm_objects *o, const struct mm_checkpoint_head *h)
{
	const struct mm_totals *t = mm_objects_totals(o);

	return mm_objects_high_water(o) == h->high_water &&
	       mm_objects_free_depth(o) == h->free_count &&
	       (t->unknown_count || t->live_bytes == h->totals.live_bytes);
}

/* Loads checkpoint c: 0, or an error with objects reset. */
static int load_checkpoint(struct mm_cursor *cur, const struct mm_rcheckpoint *c)
{
	struct mm_checkpoint_head h = { 0 };
	int err = c->part_count ? MM_OK : MM_ECORRUPT;

	mm_objects_reset(cur->objects);
	for (uint32_t i = 0; !err && i < c->part_count; i++) {
		err = mm_hand_part(&cur->hand, c, i, &h);
		if (!err)
			err = mm_checkpoint_decode(cur->hand.raw.data, cur->hand.raw.len, &h,
						   cur->objects);
	}
	if (!err && !is_as_said(cur->objects, &h))
		err = MM_ECORRUPT;
	if (err) {
		mm_objects_reset(cur->objects);
		return err;
	}
	mm_objects_set_totals(cur->objects, &h.totals);
	cur->expected = c->number;
	cur->joined = cur->sound = 1;
	return MM_OK;
}

/* Whether the objects, as they are, are those before `chunk`. */
static int follows(const struct mm_cursor *c, const struct mm_rchunk *chunk)
{
	return c->joined && c->expected == chunk->number &&
	       chunk->start.high_water == mm_objects_high_water(c->objects) &&
	       chunk->start.free_depth == mm_objects_free_depth(c->objects);
}

/* Makes objects stand before `chunk`: as they are, by a checkpoint, or as a gap leaves
 * them. What was born since a gap stays known. */
static void arrive(struct mm_cursor *c, const struct mm_rprocess *p, const struct mm_rchunk *chunk)
{
	const struct mm_chunk_start *s = &chunk->start;

	c->joined = !c->alone && follows(c, chunk);
	c->sound &= c->joined;
	if (!c->sound && !c->alone) {
		const struct mm_rcheckpoint *cp = mm_rcheckpoint_find(p, chunk->number, 1);
		if (cp && load_checkpoint(c, cp) == MM_OK)
			c->joined = c->sound = follows(c, chunk);
		else if (cp)
			c->joined = 0;
	}
	if (!c->joined)
		mm_objects_gap(c->objects, s->high_water, s->free_depth, &chunk->info.before);
	else if (!c->sound)
		mm_objects_set_totals(c->objects, &chunk->info.before);
	c->joined = 1;
}

/* Goes into the next chunk that decodes: 1, 0 = no more, or an error. */
static int enter_chunk(struct mm_cursor *c)
{
	const struct mm_rprocess *p = mm_reader_find(c->r, c->process);

	for (; p && c->next_chunk < p->chunk_count; c->next_chunk++) {
		const struct mm_rchunk *chunk = &p->chunks[c->next_chunk];
		int err = mm_hand_all_rows(&c->hand, c->process, c->next_chunk, &c->hand.rows);
		if (err == MM_ENOMEM)
			return err;
		if (err) {
			c->joined = c->sound = 0;
			continue;
		}
		arrive(c, p, chunk);
		c->chunk = c->next_chunk++;
		c->expected = chunk->number + 1;
		c->resolution_ns = chunk->resolution_ns;
		c->plain = c->sound && c->resolution_ns == c->objects->tick_ns;
		c->at = 0;
		return 1;
	}
	return 0;
}

/* --- events ------------------------------------------------------------------------------------ */

static inline int birth(struct mm_cursor *c, const struct mm_row *r, struct mm_event *ev)
{
	uint32_t slot;

	ev->align_log2 = r->align_log2;
	ev->size = r->size;
	ev->addr = r->addr;
	ev->other = r->kind == MM_EV_REALLOC_IN ? r->ref : 0;
	if (!c->plain || !mm_objects_fast_birth(c->objects, ev, r->tick, &slot)) {
		struct mm_object obj = mm_object_born(ev, ev->time);
		return mm_objects_birth_at(c->objects, &obj, r->slot);
	}
	return slot == r->slot ? MM_OK : MM_ECORRUPT;
}

static inline int death(struct mm_cursor *c, const struct mm_row *r, struct mm_event *ev)
{
	struct mm_object obj;
	int temporary, realloc = r->kind == MM_EV_REALLOC_OUT;

	if (r->kind >= MM_EV_IMPLIED)
		mm_objects_note(c->objects, r->kind);
	if (r->kind == MM_EV_INHERITED) {
		ev->size = MM_UNKNOWN;
		ev->born_time = MM_UNKNOWN;
		ev->born_thread = MM_NO_THREAD;
		ev->addr = r->addr;
		return MM_OK;
	}
	if (!mm_objects_fast_death(c->objects, r->slot, r->thread, realloc, &obj, &temporary)) {
		int err = mm_objects_death(c->objects, r->slot, r->thread, realloc, &obj,
					   &temporary);
		if (err)
			return err == MM_ENOENT ? MM_ECORRUPT : err;
	}
	ev->temporary = (uint8_t)temporary;
	ev->size = obj.size;
	ev->addr = obj.addr;
	ev->align_log2 = obj.align_log2;
	ev->born_site = obj.site;
	ev->born_thread = obj.thread;
	ev->born_time = obj.time;
	ev->flags = obj.size == MM_UNKNOWN ? MM_EVF_BORN_UNKNOWN : 0;
	return MM_OK;
}

/* Field by field: compilers clear a struct of this size by a slow string instruction. */
static inline void begin_event(const struct mm_cursor *c, const struct mm_row *r,
			       struct mm_event *ev)
{
	ev->kind = r->kind;
	ev->align_log2 = ev->temporary = ev->flags = 0;
	ev->slot = r->slot;
	ev->thread = r->thread;
	ev->site = r->site;
	ev->other = 0;
	ev->time = r->tick * c->resolution_ns;
	ev->size = ev->addr = 0;
	ev->born_site = ev->born_thread = 0;
	ev->born_time = 0;
	ev->value = 0;
	ev->text = NULL;
	ev->text_len = 0;
	ev->sample = NULL;
	ev->pool = 0;
	ev->blocks = 0;
}

static inline int make_event(struct mm_cursor *c, const struct mm_row *r, struct mm_event *ev)
{
	begin_event(c, r, ev);
	if (mm_event_is_birth(r->kind))
		return birth(c, r, ev);
	if (mm_event_is_death(r->kind))
		return death(c, r, ev);
	mm_objects_note(c->objects, r->kind);
	const uint8_t *bytes = r->other_len ? c->hand.rows.other.data + r->ref : NULL;
	int err = mm_other_decode(bytes, r->other_len, ev, &c->room);
	if (!err && r->kind == MM_EV_BLOCK_MOVE)
		err = mm_objects_readdress(c->objects, ev->slot, (uint64_t)ev->value);
	return err;
}

int mm_cursor_next(struct mm_cursor *c, struct mm_event *ret)
{
	for (;;) {
		if (c->at < c->hand.rows.count) {
			const struct mm_row *r = &c->hand.rows.rows[c->at++];
			if (c->at + AHEAD < c->hand.rows.count)
				mm_objects_approach(c->objects, r[AHEAD].slot);
			int err = make_event(c, r, ret);
			if (!err)
				return 1;
			if (err == MM_ENOMEM)
				return err;
			c->joined = c->sound = 0;
			c->hand.rows.count = 0;
			if (c->alone)
				return MM_ECORRUPT;
			continue;
		}
		if (c->alone)
			return 0;
		int more = enter_chunk(c);
		if (more <= 0)
			return more;
	}
}

/* --- opening ------------------------------------------------------------------------------------- */

static int create(struct mm_cursor **ret, struct mm_reader *r, uint32_t process)
{
	struct mm_cursor *c = calloc(1, sizeof *c);

	if (!c)
		return MM_ENOMEM;
	c->r = r;
	c->process = process;
	mm_hand_init(&c->hand, r);
	int err = mm_objects_create(&c->objects, r->info.time_resolution_ns);
	if (err)
		mm_cursor_close(c);
	else
		*ret = c;
	return err;
}

/* Stands as late before `chunk` as a checkpoint allows. */
static void start_before(struct mm_cursor *c, const struct mm_rprocess *p, uint32_t chunk)
{
	uint64_t number = p->chunks[chunk].number;
	const struct mm_rcheckpoint *cp = mm_rcheckpoint_find(p, number, 0);

	c->joined = c->sound = 1;
	c->expected = 0;
	c->next_chunk = 0;
	while (cp && load_checkpoint(c, cp) != MM_OK)
		cp = cp->number ? mm_rcheckpoint_find(p, cp->number - 1, 0) : NULL;
	if (!cp)
		return;
	c->next_chunk = mm_rchunk_numbered(p, cp->number);
	if (c->next_chunk > chunk)
		c->next_chunk = chunk;
	/* What lived before the very first chunk is known at once, or not at all. */
	if (!chunk && cp->number != number)
		mm_objects_reset(c->objects);
}

/* Of a process that did nothing since its checkpoint. */
static void stand_at_checkpoint(struct mm_cursor *c, const struct mm_rprocess *p)
{
	const struct mm_rcheckpoint *cp = mm_rcheckpoint_find(p, UINT64_MAX, 0);

	if (cp)
		load_checkpoint(c, cp);
}

static int skip_to(struct mm_cursor *c, uint32_t chunk)
{
	struct mm_event ev;
	int more = 1;

	while (c->next_chunk < chunk && more > 0) {
		more = enter_chunk(c);
		while (more > 0 && c->at < c->hand.rows.count) {
			int err = make_event(c, &c->hand.rows.rows[c->at++], &ev);
			if (err == MM_ENOMEM)
				return err;
			if (!err)
				continue;
			c->joined = c->sound = 0;
			c->hand.rows.count = 0;
		}
	}
	return more < 0 ? more : MM_OK;
}

int mm_cursor_open(struct mm_cursor **ret, struct mm_reader *r, uint32_t process,
		   uint32_t chunk, struct mm_diag *diag)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	struct mm_cursor *c;

	if (process >= r->process_count || (p && chunk && chunk >= p->chunk_count))
		return mm_fail(diag, MM_ENOENT, "no such process or chunk in the trace");
	int err = create(&c, r, process);
	if (err)
		return err;
	c->joined = c->sound = 1;
	if (p && chunk < p->chunk_count)
		start_before(c, p, chunk);
	else if (p)
		stand_at_checkpoint(c, p);
	err = skip_to(c, chunk);
	if (err) {
		mm_cursor_close(c);
		return mm_fail(diag, err, "out of memory");
	}
	*ret = c;
	return MM_OK;
}

void mm_cursor_close(struct mm_cursor *c)
{
	if (!c)
		return;
	mm_hand_deinit(&c->hand);
	mm_objects_destroy(c->objects);
	free(c);
}

const struct mm_objects *mm_cursor_objects(const struct mm_cursor *c)
{
	return c->objects;
}

uint32_t mm_cursor_chunk(const struct mm_cursor *c)
{
	return c->chunk;
}

int mm_reader_decode(struct mm_reader *r, uint32_t process, uint32_t chunk,
		     int (*fn)(void *arg, const struct mm_event *ev), void *arg)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	struct mm_cursor *c;
	struct mm_event ev;

	if (!p || chunk >= p->chunk_count)
		return MM_ENOENT;
	int err = create(&c, r, process);
	if (err)
		return err;
	c->alone = 1;
	c->next_chunk = chunk;
	err = mm_hand_all_rows(&c->hand, process, chunk, &c->hand.rows);
	if (!err) {
		arrive(c, p, &p->chunks[chunk]);
		c->resolution_ns = p->chunks[chunk].resolution_ns;
	}
	while (!err && (err = mm_cursor_next(c, &ev)) > 0)
		err = fn(arg, &ev);
	mm_cursor_close(c);
	return err;
}
