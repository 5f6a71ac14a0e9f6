/* writer.c: the trace file as a whole: header, processes, syncing, limits (writer.h). */
#include "trace/writer.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/facts.h"
#include "trace/stream.h"

enum {
	DEFAULT_RESOLUTION = 1000, DEFAULT_LEVEL = 1, SYNC_NS = 100000000, SEGMENTS = 3,
	BYTES_EVENT = 5, LEAST_EVENTS = 256,
	COMMAND_SHARE = 16 /* of a bounded file, that a command line may take */
};

/* A bounded file has chunks small beside its bound, at what an event takes at most. */
static uint32_t events_of_chunk(uint64_t max_bytes)
{
	uint64_t n = max_bytes / (4 * SEGMENTS * BYTES_EVENT);

	if (!max_bytes || n > MM_CHUNK_EVENTS)
		return MM_CHUNK_EVENTS;
	return n < LEAST_EVENTS ? LEAST_EVENTS : (uint32_t)n;
}

static int write_run(struct mm_writer *w, const struct mm_writer_options *opt)
{
	struct mm_block kind = { .type = MM_BLOCK_RUN, .process = UINT32_MAX };
	const char *command = opt->command ? opt->command : "";
	size_t most = w->max_bytes ? w->max_bytes / COMMAND_SHARE : SIZE_MAX;
	char *cut = strndup(command, most);
	struct mm_run_facts f = {
		.command = cut, .tool = opt->tool, .source = opt->source,
		.start_unix_ns = opt->start_unix_ns, .page_bytes = opt->page_bytes,
		.mem_total_bytes = opt->mem_total_bytes, .cores = opt->cores,
		.resolution_ns = w->resolution_ns, .has_addresses = w->has_addr,
	};

	mm_buf_clear(&w->payload);
	int err = cut ? mm_run_encode(&f, &w->payload) : MM_ENOMEM;
	free(cut);
	return err ? err : mm_output_block(w->out, &kind, NULL, &w->payload, NULL);
}

static void destroy(struct mm_writer *w)
{
	for (uint32_t i = 0; i < w->process_count; i++)
		mm_stream_destroy(w->streams[i]);
	free(w->streams);
	free(w->processes);
	mm_arena_deinit(&w->arena);
	mm_buf_deinit(&w->prefix);
	mm_buf_deinit(&w->payload);
	while (w->idle_count)
		mm_encoder_destroy(w->idle[--w->idle_count]);
	mm_symbols_out_destroy(w->symbols);
	free(w);
}

int mm_writer_open(struct mm_writer **ret, const char *path,
		   const struct mm_writer_options *options, struct mm_diag *diag)
{
	struct mm_writer *w = calloc(1, sizeof *w);

	if (!w)
		return MM_ENOMEM;
	w->resolution_ns = options->time_resolution_ns ? options->time_resolution_ns :
			   DEFAULT_RESOLUTION;
	w->has_addr = !options->no_addresses;
	w->zstd_level = options->zstd_level ? options->zstd_level : DEFAULT_LEVEL;
	w->max_bytes = options->max_bytes;
	w->chunk_events = events_of_chunk(w->max_bytes);
	w->keep = options->max_bytes ? options->keep : MM_KEEP_ALL;
	int err = mm_output_open(&w->out, path, w->zstd_level,
				     w->keep == MM_KEEP_FIRST ? w->max_bytes : 0, diag);
	if (err) {
		destroy(w);
		return err;
	}
	write_run(w, options);
	mm_output_flush(w->out);
	w->segment_at = w->segment_prev = mm_output_bytes(w->out);
	*ret = w;
	return MM_OK;
}

int mm_writer_append(struct mm_writer **ret, const char *path, struct mm_diag *diag)
{
	struct mm_writer *w = calloc(1, sizeof *w);

	if (!w)
		return MM_ENOMEM;
	int err = mm_output_reopen(&w->out, path, diag);
	if (err)
		destroy(w);
	else
		*ret = w;
	return err;
}

/* --- processes ------------------------------------------------------------------------ */

static int keep_process(struct mm_writer *w, uint32_t number, const struct mm_process *p)
{
	struct mm_process copy = *p, *known = &w->processes[number].facts;
	const char *exe = p->exe ? p->exe : "", *cmd = p->cmd ? p->cmd : "";

	copy.number = number;
	if (known->exe && strcmp(known->exe, exe) == 0)
		copy.exe = known->exe;
	else
		copy.exe = mm_arena_text(&w->arena, exe, strlen(exe));
	if (known->cmd && strcmp(known->cmd, cmd) == 0)
		copy.cmd = known->cmd;
	else
		copy.cmd = mm_arena_text(&w->arena, cmd, strlen(cmd));
	if (!copy.exe || !copy.cmd)
		return MM_ENOMEM;
	*known = copy;
	return MM_OK;
}

int mm_writer_process(struct mm_writer *w, const struct mm_process *p, struct mm_stream **ret)
{
	struct mm_stream *s;
	uint32_t number = w->process_count;

	if (MM_GROW(w->streams, w->stream_cap, (size_t)number + 1) ||
	    MM_GROW(w->processes, w->process_cap, (size_t)number + 1))
		return MM_ENOMEM;
	w->processes[number] = (struct mm_wprocess){ 0 };
	int err = keep_process(w, number, p);
	if (!err)
		err = mm_stream_create(w, number, &s);
	if (err)
		return err;
	w->streams[number] = s;
	w->process_count++;
	mm_writer_write_process(w, number);
	*ret = s;
	return MM_OK;
}

int mm_stream_process(struct mm_stream *s, const struct mm_process *p)
{
	int err = keep_process(s->w, s->number, p);

	if (!err)
		mm_writer_write_process(s->w, s->number);
	return err;
}

const struct mm_process *mm_stream_get_process(const struct mm_stream *s)
{
	return &s->w->processes[s->number].facts;
}

int mm_writer_take_encoder(struct mm_writer *w, struct mm_encoder **ret)
{
	if (!w->idle_count)
		return mm_encoder_create(ret);
	*ret = w->idle[--w->idle_count];
	return MM_OK;
}

void mm_writer_give_encoder(struct mm_writer *w, struct mm_encoder *e)
{
	if (w->idle_count == MM_ENCODERS_IDLE)
		mm_encoder_destroy(e);
	else
		w->idle[w->idle_count++] = e;
}

int mm_stream_block(struct mm_stream *s, uint8_t type, uint8_t flags, uint64_t *at)
{
	struct mm_block kind = { .type = type, .flags = flags, .process = s->number,
				 .back = *at };
	int plain = type == MM_BLOCK_DEFS;

	return mm_output_block(s->w->out, &kind, plain ? NULL : &s->w->prefix,
			       &s->w->payload, at);
}

int mm_stream_close(struct mm_stream *s)
{
	struct mm_writer *w = s->w;
	int err = mm_stream_flush(s);

	mm_output_flush(w->out);
	w->processes[s->number].totals = *mm_objects_totals(s->objects);
	w->streams[s->number] = NULL;
	mm_stream_destroy(s);
	return err;
}

/* --- keeping the last ---------------------------------------------------------------------- */

static void sink(uint64_t *at, uint64_t first, uint64_t sunk)
{
	*at = *at >= first ? *at - sunk : 0;
}

/* Gives up the oldest of the two segments in the file. */
static int drop_segment(struct mm_writer *w)
{
	uint64_t sunk, first = w->segment_at;
	int err = mm_output_drop(w->out, first, &sunk);

	if (err)
		return err;
	for (uint32_t i = 0; i < w->process_count; i++) {
		struct mm_stream *s = w->streams[i];
		if (!s)
			continue;
		sink(&s->chunk_at, first, sunk);
		sink(&s->digest_at, first, sunk);
		sink(&s->checkpoint_at, first, sunk);
		sink(&s->defs_at, first, sunk);
	}
	w->segment_at -= sunk;
	return MM_OK;
}

/* Which events of each process the file holds, now that a segment begins. */
static void turn_events(struct mm_writer *w, int dropped)
{
	for (uint32_t i = 0; i < w->process_count; i++) {
		struct mm_wprocess *p = &w->processes[i];
		if (dropped)
			p->first_event = p->segment_event;
		p->segment_event = p->events;
	}
}

/* Begins a segment: the sums of all processes, and a checkpoint of those that live. */
static int begin_segment(struct mm_writer *w)
{
	int err = MM_OK, drop = w->segment_at != w->segment_prev;

	for (uint32_t i = 0; !err && i < w->process_count; i++)
		if (w->streams[i]) {
			err = mm_stream_flush(w->streams[i]);
			if (w->streams[i]->last_time > w->segment_time)
				w->segment_time = w->streams[i]->last_time;
		}
	if (!err && drop)
		err = drop_segment(w);
	if (!err)
		turn_events(w, drop);
	w->segment_prev = w->segment_at;
	w->segment_at = mm_output_bytes(w->out);
	if (!err)
		err = mm_writer_write_roll(w, 0, 0);
	for (uint32_t i = 0; !err && i < w->process_count; i++)
		if (w->streams[i])
			err = mm_stream_checkpoint(w->streams[i]);
	w->segment_head = mm_output_bytes(w->out) - w->segment_at;
	return err;
}

int mm_writer_keep_last(struct mm_writer *w)
{
	uint64_t bytes = mm_output_bytes(w->out) - w->segment_at;

	if (w->keep != MM_KEEP_LAST || bytes < w->max_bytes / SEGMENTS ||
	    bytes < 2 * w->segment_head)
		return MM_OK;
	return begin_segment(w);
}

/* --- syncing and closing ---------------------------------------------------------------------- */

int mm_writer_sync(struct mm_writer *w, uint64_t now, int all)
{
	int err = MM_OK;

	for (uint32_t i = 0; !err && i < w->process_count; i++) {
		struct mm_stream *s = w->streams[i];
		if (s && s->encoder && (all || s->first_time + SYNC_NS <= now))
			err = mm_stream_flush(s);
	}
	if (!err)
		err = mm_writer_keep_last(w);
	if (!err)
		err = mm_output_flush(w->out);
	return err;
}

void mm_writer_get_stats(const struct mm_writer *w, struct mm_writer_stats *ret)
{
	*ret = w->stats;
	ret->bytes = mm_output_bytes(w->out);
	ret->lost_events += mm_output_lost(w->out);
}

int mm_writer_symbol(struct mm_writer *w, uint32_t process, uint32_t module, uint64_t address,
		     const struct mm_frame *frames, size_t count)
{
	return mm_symbols_out_add(w, process, module, address, frames, count);
}

static void write_index(struct mm_writer *w)
{
	struct mm_block kind = { .type = MM_BLOCK_INDEX, .process = UINT32_MAX };

	mm_buf_clear(&w->payload);
	mm_buf_varint(&w->payload, mm_output_blocks(w->out));
	mm_output_block(w->out, &kind, NULL, &w->payload, NULL);
}

int mm_writer_close(struct mm_writer *w, struct mm_diag *diag)
{
	for (uint32_t i = 0; i < w->process_count; i++)
		if (w->streams[i])
			mm_stream_close(w->streams[i]);
	int stopped = mm_output_resume(w->out);
	if (stopped || w->stats.lost_events || mm_output_lost(w->out))
		mm_writer_write_roll(w, 1, stopped);
	if (stopped != MM_ENOSPC) {
		mm_symbols_out_flush(w);
		mm_output_resume(w->out);
		write_index(w);
	}
	mm_output_stop(w->out, stopped);
	int err = mm_output_close(w->out, diag);
	destroy(w);
	return err;
}
