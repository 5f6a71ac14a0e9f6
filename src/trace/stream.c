/* stream.c: the events of one process on their way into chunks (writer.h, stream.h). */
#include "trace/stream.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/checkpoint.h"
#include "trace/objects_state.h"
#include "trace/other.h"

enum { CHECKPOINT_SHARE = 8, COST_UNIT = 256 };

int mm_stream_create(struct mm_writer *w, uint32_t number, struct mm_stream **ret)
{
	struct mm_stream *s = calloc(1, sizeof *s);

	if (!s)
		return MM_ENOMEM;
	s->w = w;
	s->number = number;
	s->last_out = MM_NO_SLOT;
	s->checkpoint_cost = 8 * COST_UNIT;
	s->strings_out = s->modules_out = s->sites_out = 1;
	s->birth_slot = malloc(MM_CHUNK_EVENTS * sizeof *s->birth_slot);
	int err = s->birth_slot ? mm_tables_init(&s->tables) : MM_ENOMEM;
	if (!err)
		err = mm_objects_create(&s->objects);
	if (err)
		mm_stream_destroy(s);
	else
		*ret = s;
	return err;
}

void mm_stream_destroy(struct mm_stream *s)
{
	if (!s)
		return;
	mm_tables_deinit(&s->tables);
	mm_map_deinit(&s->interned);
	mm_objects_destroy(s->objects);
	mm_rows_deinit(&s->rows);
	mm_digest_builder_deinit(&s->digest);
	free(s->renamed);
	free(s->born);
	free(s->birth_slot);
	free(s);
}

const struct mm_objects *mm_stream_objects(const struct mm_stream *s)
{
	return s->objects;
}

/* --- rows ------------------------------------------------------------------------------ */

static void begin_chunk(struct mm_stream *s, uint64_t tick)
{
	s->head = (struct mm_chunk_head){
		.number = s->chunks, .resolution_ns = s->w->resolution_ns,
		.has_addr = s->w->has_addr,
		.start = { .tick = tick, .high_water = mm_objects_high_water(s->objects),
			   .free_depth = mm_objects_free_depth(s->objects) },
		.before = *mm_objects_totals(s->objects),
		.peak_bytes = mm_objects_totals(s->objects)->live_bytes, .peak_tick = tick,
	};
	s->hidden = s->head.start.free_depth;
	s->first_time = tick * s->w->resolution_ns;
}

/* Ticks of a time. Events come many to a tick, so the last one mostly answers. */
static uint64_t tick_of(struct mm_stream *s, uint64_t time)
{
	uint64_t into = time - s->last_time;

	if (time < s->last_time || into < s->w->resolution_ns)
		return s->last_tick;
	return time / s->w->resolution_ns;
}

/* A row for the next event, or NULL = no memory. Sets s->last_time to the time that a
 * reader will see. */
static struct mm_row *next_row(struct mm_stream *s, const struct mm_event *ev)
{
	uint64_t tick = tick_of(s, ev->time);

	if (s->rows.count >= s->rows.cap &&
	    MM_GROW(s->rows.rows, s->rows.cap, s->rows.count + 1))
		return NULL;
	s->last_tick = tick;
	s->last_time = tick * s->w->resolution_ns;
	if (!s->rows.count)
		begin_chunk(s, tick);
	struct mm_row *r = &s->rows.rows[s->rows.count];
	mm_row_begin(r, ev->kind, tick, ev->thread, ev->site);
	return r;
}

static int finish_row(struct mm_stream *s)
{
	s->w->stats.events++;
	s->rows.count++;
	if (s->rows.count < s->w->chunk_events && s->rows.other.len < MM_CHUNK_OTHER)
		return MM_OK;
	int err = mm_stream_flush(s);
	if (!err)
		err = mm_writer_keep_last(s->w);
	/* A file that cannot be written is the output's matter; counting goes on. */
	return mm_output_error(s->w->out) ? MM_OK : err;
}

static void note_birth(struct mm_stream *s, struct mm_row *r, uint32_t free_before)
{
	const struct mm_totals *t = mm_objects_totals(s->objects);

	if (free_before && free_before == s->hidden) {
		r->flags |= MM_ROWF_HIDDEN;
		s->hidden--;
	}
	s->birth_slot[s->head.births] = r->slot;
	s->born[r->slot] = (uint32_t)(s->head.before.allocs + s->head.births);
	s->head.births++;
	if (t->live_bytes > s->head.peak_bytes) {
		s->head.peak_bytes = t->live_bytes;
		s->head.peak_tick = r->tick;
		s->head.peak_index = (uint32_t)s->rows.count;
	}
}

int mm_stream_birth(struct mm_stream *s, const struct mm_event *ev, uint32_t *ret_slot)
{
	if (!mm_event_is_birth(ev->kind) || ev->size == MM_UNKNOWN)
		return MM_EINVAL;
	struct mm_row *r = next_row(s, ev);
	if (!r)
		return MM_ENOMEM;
	struct mm_object obj = { .addr = ev->addr, .size = ev->size,
		.time = s->last_time, .site = ev->site, .thread = ev->thread,
		.kind = ev->kind, .align_log2 = ev->align_log2 };
	uint32_t free_before = mm_objects_free_depth(s->objects);
	int err = mm_objects_fast_birth(s->objects, &obj, &r->slot) ? MM_OK :
		  mm_objects_birth(s->objects, &obj, &r->slot);
	if (!err && r->slot >= s->born_cap)
		err = MM_GROW(s->born, s->born_cap, (size_t)r->slot + 1);
	if (!err)
		err = mm_digest_birth(&s->digest, ev->site, ev->thread, ev->size);
	if (err)
		return err;
	r->size = ev->size;
	r->addr = s->w->has_addr ? ev->addr : 0;
	r->align_log2 = ev->align_log2;
	if (ev->kind == MM_EV_REALLOC_IN)
		r->ref = ev->other;
	*ret_slot = r->slot;
	note_birth(s, r, free_before);
	return finish_row(s);
}

/* Which birth of this chunk made the object at slot, or MM_NO_SLOT. */
static uint32_t birth_of(const struct mm_stream *s, uint32_t slot)
{
	uint32_t i = s->born[slot] - (uint32_t)s->head.before.allocs;

	return i < s->head.births && s->birth_slot[i] == slot ? i : MM_NO_SLOT;
}

static int death_of_nobody(struct mm_stream *s, const struct mm_event *ev)
{
	struct mm_row *r = next_row(s, ev);

	if (!r)
		return MM_ENOMEM;
	r->addr = s->w->has_addr ? ev->addr : 0;
	mm_objects_note(s->objects, ev->kind);
	return finish_row(s);
}

int mm_stream_death(struct mm_stream *s, const struct mm_event *ev)
{
	struct mm_object obj;
	int temporary;

	if (!mm_event_is_death(ev->kind))
		return MM_EINVAL;
	if (ev->kind == MM_EV_INHERITED)
		return death_of_nobody(s, ev);
	struct mm_row *r = next_row(s, ev);
	if (!r)
		return MM_ENOMEM;
	int realloc = ev->kind == MM_EV_REALLOC_OUT, err = MM_OK;
	const struct mm_object *died = mm_objects_fast_death(s->objects, ev->slot, ev->thread,
							     realloc, &temporary);
	if (!died) {
		err = mm_objects_death(s->objects, ev->slot, ev->thread, realloc,
				       s->last_time, &obj, &temporary);
		died = &obj;
	}
	if (err)
		return err == MM_ENOENT ? MM_EINVAL : err;
	r->slot = ev->slot;
	r->ref = birth_of(s, ev->slot);
	if (ev->kind == MM_EV_IMPLIED)
		mm_objects_note(s->objects, ev->kind);
	err = mm_digest_death(&s->digest, died, s->last_time, temporary);
	if (err)
		return err;
	s->head.deaths++;
	return finish_row(s);
}

void mm_stream_prefetch(const struct mm_stream *s, uint32_t slot)
{
	if (slot < s->born_cap)
		__builtin_prefetch(&s->born[slot]);
	mm_objects_approach(s->objects, slot);
}

int mm_stream_other(struct mm_stream *s, const struct mm_event *ev)
{
	if (ev->kind < MM_EV_OTHER)
		return MM_EINVAL;
	struct mm_row *r = next_row(s, ev);
	if (!r)
		return MM_ENOMEM;
	r->ref = (uint32_t)s->rows.other.len;
	int err = mm_other_encode(ev, s->w->has_addr, &s->rows.other);
	if (err)
		return err;
	r->other_len = (uint32_t)s->rows.other.len - r->ref;
	mm_objects_note(s->objects, ev->kind);
	return finish_row(s);
}

/* --- chunks ------------------------------------------------------------------------------- */

static int write_digest(struct mm_stream *s)
{
	struct mm_writer *w = s->w;

	mm_buf_clear(&w->prefix);
	mm_buf_clear(&w->payload);
	mm_buf_varint(&w->prefix, s->head.number);
	int err = mm_digest_encode(&s->digest.sums, &w->payload);
	return err ? err : mm_stream_block(s, MM_BLOCK_DIGEST, 0, &s->digest_at);
}

static int write_chunk(struct mm_stream *s)
{
	struct mm_writer *w = s->w;

	s->head.events = (uint32_t)s->rows.count;
	s->head.last_tick = s->last_tick;
	s->head.after = *mm_objects_totals(s->objects);
	int err = mm_stream_write_defs(s, 0);
	uint64_t before = mm_output_bytes(w->out);
	mm_buf_clear(&w->prefix);
	mm_buf_clear(&w->payload);
	if (!err)
		err = mm_chunk_encode(&s->head, &w->prefix);
	if (!err)
		err = mm_codec_encode(w->codec, &s->rows, &s->head.start, w->has_addr,
				      w->zstd_level, &w->payload);
	if (err) {
		w->stats.lost_events += s->rows.count;
		return err;
	}
	mm_output_expect(w->out, s->rows.count);
	err = mm_stream_block(s, MM_BLOCK_CHUNK, 0, &s->chunk_at);
	if (!err)
		err = write_digest(s);
	if (!err)
		s->since_checkpoint += (int64_t)(mm_output_bytes(w->out) - before);
	return err;
}

/* Bytes of events that the next checkpoint has to follow, by what the last one took. */
static int64_t checkpoint_due(const struct mm_stream *s)
{
	uint64_t items = mm_objects_totals(s->objects)->live_count + s->tables.site_count +
			 mm_objects_free_depth(s->objects) / 4;

	return (int64_t)(CHECKPOINT_SHARE * (256 + items * s->checkpoint_cost / COST_UNIT));
}

int mm_stream_flush(struct mm_stream *s)
{
	if (!s->rows.count)
		return MM_OK;
	int err = write_chunk(s);
	s->lost_events += err ? s->rows.count : 0;
	s->w->lost_known += err ? s->rows.count : 0;
	s->chunks++;
	s->w->stats.chunks += !err;
	s->rows.count = 0;
	mm_buf_clear(&s->rows.other);
	mm_digest_reset(&s->digest);
	if (!err && s->since_checkpoint >= checkpoint_due(s))
		err = mm_stream_checkpoint(s);
	/* A file that cannot be written is the output's matter; counting goes on. */
	return mm_output_error(s->w->out) ? MM_OK : err;
}

int mm_stream_tell_lost(struct mm_stream *s, uint64_t count)
{
	struct mm_event ev = { .kind = MM_EV_LOST, .thread = MM_NO_THREAD,
			       .time = s->last_time, .value = (int64_t)count };

	/* Nothing else may take the little room there is. */
	s->strings_out = s->tables.string_count;
	s->threads_out = s->tables.thread_count;
	s->modules_out = s->tables.module_count;
	s->sites_out = s->tables.site_count;
	s->renamed_count = 0;
	s->since_checkpoint = INT64_MIN / 2;
	s->chunk_at = s->digest_at = 0;
	int err = mm_stream_other(s, &ev);
	return err ? err : mm_stream_flush(s);
}

int mm_stream_checkpoint(struct mm_stream *s)
{
	struct mm_writer *w = s->w;
	struct mm_checkpoint_head h = {
		.number = s->chunks, .parts = mm_checkpoint_parts(s->objects),
		.high_water = mm_objects_high_water(s->objects),
		.free_count = mm_objects_free_depth(s->objects),
		.resolution_ns = w->resolution_ns, .totals = *mm_objects_totals(s->objects),
	};
	uint64_t before = mm_output_bytes(w->out);
	int err = mm_writer_write_process(w, s->number);

	if (!err)
		err = mm_stream_write_defs(s, 1);
	for (; !err && h.part < h.parts; h.part++) {
		mm_buf_clear(&w->prefix);
		mm_buf_clear(&w->payload);
		err = mm_checkpoint_encode_head(&h, &w->prefix);
		if (!err)
			err = mm_checkpoint_encode(s->objects, s->tables.thread_count,
						   w->resolution_ns, w->has_addr, h.part,
						   &w->payload);
		if (!err)
			err = mm_stream_block(s, MM_BLOCK_CHECKPOINT, 0, &s->checkpoint_at);
	}
	uint64_t items = h.totals.live_count + s->tables.site_count + h.free_count / 4;
	uint64_t took = mm_output_bytes(w->out) - before;
	s->checkpoint_cost = took * COST_UNIT / (items + 1) + 1;
	/* A checkpoint that took more than the guess is paid for before the next. */
	s->since_checkpoint -= (int64_t)(took * CHECKPOINT_SHARE);
	if (s->since_checkpoint > 0)
		s->since_checkpoint = 0;
	return err;
}
