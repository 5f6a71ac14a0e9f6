/* census.c: from rows, newest first, and a checkpoint (census.h). */
#include "model/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "model/standing.h"

enum { CANNOT = 1 };

struct lane { /* one of the chunks that are read at a time */
	struct mm_hand *hand;
	uint32_t process, chunk;
	struct mm_rows rows;
	int err;
};

struct taking {
	struct mm_census *census;
	struct lane lanes[MM_PAIR];
	uint64_t *decided; /* by slot: what became of it is known */
	size_t words;
	uint64_t resolution;
};

void mm_census_deinit(struct mm_census *c)
{
	free(c->objects);
	memset(c, 0, sizeof *c);
}

/* 1 when nothing was known of the slot until now, 0, or MM_ENOMEM. */
static inline int decide(struct taking *t, uint32_t slot)
{
	if (slot / 64 >= t->words && MM_GROW(t->decided, t->words, (size_t)slot / 64 + 1))
		return MM_ENOMEM;
	uint64_t bit = UINT64_C(1) << slot % 64, *word = &t->decided[slot / 64];
	int fresh = !(*word & bit);
	*word |= bit;
	return fresh;
}

static int add(struct mm_census *c, const struct mm_object *o)
{
	if (MM_GROW(c->objects, c->cap, c->count + 1))
		return MM_ENOMEM;
	c->objects[c->count++] = *o;
	return MM_OK;
}

static void read_lane(void *arg)
{
	struct lane *l = arg;

	l->err = mm_hand_all_rows(l->hand, l->process, l->chunk, &l->rows);
}

static int take_rows(struct taking *t, const struct mm_rows *rows, size_t end)
{
	for (size_t i = end < rows->count ? end : rows->count; i-- > 0;) {
		const struct mm_row *r = &rows->rows[i];
		int birth = mm_event_is_birth(r->kind);
		if (r->kind == MM_EV_BLOCK_MOVE)
			return CANNOT;
		if (!birth && (!mm_event_is_death(r->kind) || r->kind == MM_EV_INHERITED))
			continue;
		int fresh = decide(t, r->slot);
		if (fresh < 0)
			return fresh;
		if (!birth || !fresh)
			continue;
		struct mm_object o = { .addr = r->addr, .size = r->size,
			.time = r->tick * t->resolution, .site = r->site, .thread = r->thread,
			.kind = r->kind, .align_log2 = r->align_log2 };
		if (add(t->census, &o))
			return MM_ENOMEM;
	}
	return MM_OK;
}

static int take_standing(void *arg, const struct mm_live_list *list, const uint32_t *latest)
{
	struct taking *t = arg;

	(void)latest;
	for (size_t i = 0; i < list->count; i++) {
		int fresh = decide(t, list->slots[i]);
		if (fresh < 0)
			return fresh;
		if (fresh && list->objects[i].size == MM_UNKNOWN)
			return CANNOT;
		if (fresh && add(t->census, &list->objects[i]))
			return MM_ENOMEM;
	}
	return MM_OK;
}

/* Rows of the chunks before `end`, newest first, down to chunk `first`, two at a time. */
static int take_chunks(struct taking *t, struct mm_reader *r, const struct mm_learnt *l,
		       uint32_t first, struct mm_point at)
{
	void *args[MM_PAIR] = { &t->lanes[0], &t->lanes[1] };
	uint32_t end = at.chunk + (at.index != 0);
	int err = MM_OK;

	while (!err && end > first) {
		unsigned count = end - first < MM_PAIR ? 1 : MM_PAIR;
		for (unsigned i = 0; i < count; i++)
			t->lanes[i].chunk = end - 1 - i;
		mm_pair_run(l->pair, count, read_lane, args);
		for (unsigned i = 0; !err && i < count; i++) {
			uint32_t c = t->lanes[i].chunk;
			t->resolution = mm_reader_chunk(r, l->process, c)->resolution_ns;
			err = t->lanes[i].err;
			if (!err)
				err = take_rows(t, &t->lanes[i].rows,
						c == at.chunk ? at.index : SIZE_MAX);
		}
		end -= count;
	}
	return err == MM_ENOMEM || !err ? err : CANNOT;
}

static int take(struct taking *t, struct mm_reader *r, const struct mm_learnt *l, struct mm_point at)
{
	uint32_t first = 0;
	int has = mm_reader_checkpoint(r, l->process, at.chunk, &first);

	if (mm_learnt_has_gap(l, has ? first + 1 : 0, at.chunk + 1))
		return CANNOT;
	for (unsigned i = 0; i < MM_PAIR; i++)
		t->lanes[i] = (struct lane){ .hand = l->pair->hands[i], .process = l->process };
	int err = take_chunks(t, r, l, first, at);
	return err || !has ? err : mm_standing(r, l, first, take_standing, t);
}

int mm_census_take(struct mm_census *ret, struct mm_reader *r, const struct mm_learnt *l,
		   struct mm_point at, uint64_t live_count)
{
	struct mm_census census = { .taken = 1 };
	struct taking t = { .census = &census };
	int err = take(&t, r, l, at);

	if (!err && census.count != live_count)
		err = CANNOT;
	for (unsigned i = 0; i < MM_PAIR; i++)
		mm_rows_deinit(&t.lanes[i].rows);
	free(t.decided);
	if (err)
		mm_census_deinit(&census);
	else
		*ret = census;
	return err;
}
