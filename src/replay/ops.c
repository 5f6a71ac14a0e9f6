/* ops.c: one chunk's rows as ops (ops.h). */
#include "replay/ops.h"

#include <string.h>

#include "base/pages.h"
#include "core/error.h"
#include "trace/hand.h"

void mm_ops_deinit(struct mm_ops *o)
{
	MM_PAGES_FREE(o->op, o->cap);
	MM_PAGES_FREE(o->place_of, o->slot_cap);
	MM_PAGES_FREE(o->round, o->round_cap);
	MM_PAGES_FREE(o->vacant.item, o->vacant.cap);
	MM_PAGES_FREE(o->leaving.item, o->leaving.cap);
	mm_rows_deinit(&o->rows);
	memset(o, 0, sizeof *o);
}

uint64_t mm_ops_bytes(const struct mm_ops *o)
{
	return (uint64_t)o->places * 4 * sizeof(uint32_t);
}

/* --- places ------------------------------------------------------------------------------ */

static int push(struct mm_op_stack *s, uint32_t place)
{
	if (s->count >= s->cap && MM_PAGES_GROW(s->item, s->cap, s->count + 1))
		return MM_ENOMEM;
	s->item[s->count++] = place;
	return MM_OK;
}

static int take_place(struct mm_ops *o, uint32_t *ret)
{
	if (o->vacant.count) {
		*ret = o->vacant.item[--o->vacant.count];
		return MM_OK;
	}
	if (o->places >= o->round_cap && MM_PAGES_GROW(o->round, o->round_cap, o->places + 1u))
		return MM_ENOMEM;
	*ret = o->places++;
	return MM_OK;
}

static int vacate_all(struct mm_ops *o)
{
	int err = MM_OK;

	while (!err && o->leaving.count)
		err = push(&o->vacant, o->leaving.item[--o->leaving.count]);
	return err;
}

/* --- ops ------------------------------------------------------------------------------------ */

static void put(struct mm_ops *o, const struct mm_row *row, enum mm_op_kind kind, uint32_t place)
{
	uint32_t thread = row->thread == MM_NO_THREAD ? 0 : row->thread;

	o->op[o->count++] = (struct mm_op){ row->size, place, o->round[place], thread,
					    (uint8_t)kind, row->align_log2, { 0 } };
	o->threads = thread >= o->threads ? thread + 1 : o->threads;
}

static int end_object(struct mm_ops *o, const struct mm_row *row, enum mm_op_kind kind)
{
	uint32_t place = o->place_of[row->slot];

	if (!place)
		return MM_OK;
	put(o, row, kind, place - 1);
	o->place_of[row->slot] = 0;
	return push(&o->leaving, place - 1);
}

static int begin_object(struct mm_ops *o, const struct mm_row *row, enum mm_op_kind kind)
{
	uint32_t place;
	int err = end_object(o, row, MM_OP_FREE); /* whose end is missing */

	if (!err)
		err = take_place(o, &place);
	if (err)
		return err;
	o->round[place]++;
	o->place_of[row->slot] = place + 1;
	put(o, row, kind, place);
	return MM_OK;
}

/* An object that the program placed inside another. */
static int is_note(const struct mm_row *row, struct mm_reader *r, uint32_t process)
{
	return row->kind == MM_EV_NOTE_ALLOC && !mm_reader_site_pool(r, process, row->site);
}

static int take_row(struct mm_ops *o, const struct mm_row *row, int note)
{
	int birth = mm_event_is_birth(row->kind);

	if (row->slot == MM_NO_SLOT || (!birth && !mm_event_is_death(row->kind)) || note)
		return MM_OK;
	if (row->slot >= o->slot_cap &&
	    MM_PAGES_GROW(o->place_of, o->slot_cap, (size_t)row->slot + 1))
		return MM_ENOMEM;
	if (birth)
		return begin_object(o, row, row->kind == MM_EV_REALLOC_IN ? MM_OP_REALLOC
									  : MM_OP_ALLOC);
	return end_object(o, row, row->kind == MM_EV_REALLOC_OUT ? MM_OP_HOLD : MM_OP_FREE);
}

/* A number that the trace has no thread for says nothing: nobody is to start as many. */
static void forget_strangers(struct mm_rows *rows, uint32_t threads)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].thread >= threads)
			rows->rows[i].thread = MM_NO_THREAD;
}

int mm_ops_of_chunk(struct mm_ops *o, struct mm_reader *r, uint32_t process, uint32_t chunk)
{
	int err = mm_hand_rows(mm_reader_hand(r), process, chunk, &o->rows);

	o->count = 0;
	if (!err)
		forget_strangers(&o->rows, mm_reader_threads(r, process));
	if (!err)
		err = vacate_all(o);
	if (!err && 2 * o->rows.count > o->cap)
		err = MM_PAGES_GROW(o->op, o->cap, 2 * o->rows.count);
	for (size_t i = 0; !err && i < o->rows.count; i++)
		err = take_row(o, &o->rows.rows[i], is_note(&o->rows.rows[i], r, process));
	return err;
}
