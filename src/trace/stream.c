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
	s->checkpoint_cost = 8 * COST_UNIT;
	s->strings_out = s->modules_out = s->sites_out = 1;
	int err = mm_tables_init(&s->tables);
	if (!err)
		err = mm_objects_create(&s->objects, w->resolution_ns);
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
	mm_encoder_destroy(s->encoder);
	mm_digest_builder_deinit(&s->digest);
	free(s->renamed);
	free(s);
}

const struct mm_objects *mm_stream_objects(const struct mm_stream *s)
{
	return s->objects;
}

int mm_stream_readdress(struct mm_stream *s, uint32_t slot, uint64_t addr)
{
	return mm_objects_readdress(s->objects, slot, addr);
}

/* --- events ---------------------------------------------------------------------------- */

static int begin_chunk(struct mm_stream *s, uint64_t tick)
{
	struct mm_encoder *e;
	int err = mm_writer_take_encoder(s->w, &e);

	if (err)
		return err;
	err = mm_encoder_begin(e, tick, s->w->has_addr);
	if (err) {
		mm_writer_give_encoder(s->w, e);
		return err;
	}
	s->encoder = e;
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
	return MM_OK;
}

/* Sets s->last_tick and s->last_time to those of an event at `time`, as a reader will see
 * them, with a chunk to take it: 0 or MM_ENOMEM. Events come many to a tick, so the last
 * one mostly answers. */
static inline int come_to(struct mm_stream *s, uint64_t time)
{
	if (time >= s->last_time && time - s->last_time >= s->w->resolution_ns) {
		s->last_tick = time / s->w->resolution_ns;
		s->last_time = s->last_tick * s->w->resolution_ns;
	}
	return s->encoder ? MM_OK : begin_chunk(s, s->last_tick);
}

static int finish_chunk(struct mm_stream *s)
{
	int err = mm_stream_flush(s);

	if (!err)
		err = mm_writer_keep_last(s->w);
	/* A file that cannot be written is the output's matter; counting goes on. */
	return mm_output_error(s->w->out) ? MM_OK : err;
}

static inline int finish_event(struct mm_stream *s)
{
	s->w->stats.events++;
	return ++s->head.events < s->w->chunk_events ? MM_OK : finish_chunk(s);
}

/* An event of this chunk is counted and cannot be written: the chunk is lost as a whole. */
static int give_up_chunk(struct mm_stream *s, int err)
{
	if (s->encoder)
		mm_encoder_fail(s->encoder);
	return err;
}

/* After a birth that found `free_before` slots free: whether it took one that was free when
 * the chunk began. */
static inline int note_birth(struct mm_stream *s, uint32_t free_before)
{
	uint64_t live = s->objects->totals.live_bytes;
	int hidden = free_before && free_before == s->hidden;

	s->hidden -= (uint32_t)hidden;
	s->head.births++;
	if (live > s->head.peak_bytes) {
		s->head.peak_bytes = live;
		s->head.peak_tick = s->last_tick;
		s->head.peak_index = s->head.events;
	}
	return hidden;
}

int mm_stream_birth(struct mm_stream *s, const struct mm_event *ev, uint32_t *ret_slot)
{
	uint32_t slot, free_before = mm_objects_depth(s->objects);

	if (!mm_event_is_birth(ev->kind) || ev->size == MM_UNKNOWN)
		return MM_EINVAL;
	int err = come_to(s, ev->time);
	if (!err && !mm_objects_fast_birth(s->objects, ev, s->last_tick, &slot)) {
		struct mm_object obj = mm_object_born(ev, s->last_time);
		err = mm_objects_birth(s->objects, &obj, &slot);
	}
	if (!err)
		err = mm_digest_birth(&s->digest, ev->site, ev->thread, ev->size);
	if (err)
		return give_up_chunk(s, err);
	*ret_slot = slot;
	mm_encoder_birth(s->encoder, ev, s->last_tick, slot, note_birth(s, free_before));
	return finish_event(s);
}

/* Which birth of this chunk made the object, or MM_NO_SLOT. Orders come round after 2^30
 * births, which no two within one tick are apart. */
static inline uint32_t birth_of(const struct mm_stream *s, const struct mm_object *obj)
{
	uint32_t i = (obj->order - (uint32_t)s->head.before.allocs) & MM_KEPT_ORDERS;

	return i < s->head.births && obj->time >= s->first_time ? i : MM_NO_SLOT;
}

static int death_of_nobody(struct mm_stream *s, const struct mm_event *ev)
{
	int err = come_to(s, ev->time);

	if (err)
		return err;
	mm_objects_note(s->objects, ev->kind);
	mm_encoder_death(s->encoder, ev, s->last_tick, MM_NO_SLOT);
	return finish_event(s);
}

int mm_stream_death(struct mm_stream *s, const struct mm_event *ev)
{
	int temporary, realloc = ev->kind == MM_EV_REALLOC_OUT;
	struct mm_object obj;

	if (!mm_event_is_death(ev->kind))
		return MM_EINVAL;
	if (ev->kind == MM_EV_INHERITED)
		return death_of_nobody(s, ev);
	int err = come_to(s, ev->time);
	if (!err && !mm_objects_fast_death(s->objects, ev->slot, ev->thread, realloc, &obj,
					   &temporary))
		err = mm_objects_death(s->objects, ev->slot, ev->thread, realloc, &obj,
				       &temporary);
	if (err)
		return err == MM_ENOENT ? MM_EINVAL : err;
	if (ev->kind == MM_EV_IMPLIED)
		mm_objects_note(s->objects, ev->kind);
	err = mm_digest_death(&s->digest, &obj, s->last_time, temporary);
	if (err)
		return give_up_chunk(s, err);
	mm_encoder_death(s->encoder, ev, s->last_tick, birth_of(s, &obj));
	s->head.deaths++;
	return finish_event(s);
}

void mm_stream_prefetch(const struct mm_stream *s, uint32_t slot)
{
	mm_objects_approach(s->objects, slot);
}

int mm_stream_other(struct mm_stream *s, const struct mm_event *ev)
{
	if (ev->kind < MM_EV_OTHER)
		return MM_EINVAL;
	int err = come_to(s, ev->time);
	if (!err)
		err = mm_encoder_other(s->encoder, ev, s->last_tick);
	if (err)
		return err;
	mm_objects_note(s->objects, ev->kind);
	err = finish_event(s);
	if (!err && s->encoder && mm_encoder_other_bytes(s->encoder) >= MM_CHUNK_OTHER)
		err = finish_chunk(s);
	return err;
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

	s->head.last_tick = s->last_tick;
	s->head.after = *mm_objects_totals(s->objects);
	int err = mm_stream_write_defs(s, 0);
	uint64_t before = mm_output_bytes(w->out);
	mm_buf_clear(&w->prefix);
	mm_buf_clear(&w->payload);
	if (!err)
		err = mm_chunk_encode(&s->head, &w->prefix);
	if (!err)
		err = mm_encoder_end(s->encoder, w->zstd_level, &w->payload);
	if (err) {
		w->stats.lost_events += s->head.events;
		return err;
	}
	mm_output_expect(w->out, s->head.events);
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
	if (!s->encoder)
		return MM_OK;
	int err = s->head.events ? write_chunk(s) : MM_OK;
	s->w->processes[s->number].events += s->head.events;
	s->chunks += s->head.events != 0;
	s->w->stats.chunks += !err && s->head.events;
	s->head.events = 0;
	mm_writer_give_encoder(s->w, s->encoder);
	s->encoder = NULL;
	mm_digest_reset(&s->digest);
	if (!err && s->since_checkpoint >= checkpoint_due(s))
		err = mm_stream_checkpoint(s);
	/* A file that cannot be written is the output's matter; counting goes on. */
	return mm_output_error(s->w->out) ? MM_OK : err;
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
