/* census.c: from rows, newest first, and a checkpoint (census.h). */
#include "model/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "trace/codec.h"

enum { CANNOT = 1 };

struct taking {
	struct mm_census *census;
	struct mm_rows rows;
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

static int take_rows(struct taking *t, size_t end)
{
	for (size_t i = end < t->rows.count ? end : t->rows.count; i-- > 0;) {
		const struct mm_row *r = &t->rows.rows[i];
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

static int take_checkpoint(struct taking *t, struct mm_reader *r, uint32_t process, uint32_t chunk)
{
	struct mm_diag quiet = { "" };
	struct mm_object o;
	struct mm_cursor *c;
	uint32_t slot;
	size_t at = 0;
	int err = mm_cursor_open(&c, r, process, chunk, &quiet);

	if (err)
		return err == MM_ENOMEM ? err : CANNOT;
	while (!err && mm_objects_next(mm_cursor_objects(c), &at, &slot, &o)) {
		int fresh = decide(t, slot);
		err = fresh < 0 ? fresh : o.size == MM_UNKNOWN ? CANNOT
			: fresh ? add(t->census, &o) : MM_OK;
	}
	mm_cursor_close(c);
	return err;
}

static int take(struct taking *t, struct mm_reader *r, const struct mm_learnt *l, struct mm_point at)
{
	uint32_t first = 0;
	int has = mm_reader_checkpoint(r, l->process, at.chunk, &first), err = MM_OK;

	if (mm_learnt_has_gap(l, has ? first + 1 : 0, at.chunk + 1))
		return CANNOT;
	for (uint32_t c = at.chunk + 1; !err && c-- > first;) {
		if (c == at.chunk && !at.index)
			continue;
		err = mm_reader_all_rows(r, l->process, c, &t->rows);
		if (err)
			return err == MM_ENOMEM ? err : CANNOT;
		t->resolution = mm_reader_chunk(r, l->process, c)->resolution_ns;
		err = take_rows(t, c == at.chunk ? at.index : t->rows.count);
	}
	return err || !has ? err : take_checkpoint(t, r, l->process, first);
}

int mm_census_take(struct mm_census *ret, struct mm_reader *r, const struct mm_learnt *l,
		   struct mm_point at, uint64_t live_count)
{
	struct mm_census census = { .taken = 1 };
	struct taking t = { .census = &census };
	int err = take(&t, r, l, at);

	if (!err && census.count != live_count)
		err = CANNOT;
	mm_rows_deinit(&t.rows);
	free(t.decided);
	if (err)
		mm_census_deinit(&census);
	else
		*ret = census;
	return err;
}
