/* stream.h: between writer.c (the file), stream.c (events of one process) and define.c
 * (what they refer to). Private to those three.
 */
#ifndef MM_TRACE_STREAM_H
#define MM_TRACE_STREAM_H

#include <stdint.h>

#include "base/map.h"
#include "trace/chunk.h"
#include "trace/codec.h"
#include "trace/encode.h"
#include "trace/digest.h"
#include "trace/objects.h"
#include "trace/output.h"
#include "trace/tables.h"
#include "trace/writer.h"

enum { MM_ENCODERS_IDLE = 16 };

/* What the writer keeps of a process, its stream being open or not. */
struct mm_wprocess {
	struct mm_process facts; /* texts in the writer's arena */
	struct mm_totals totals; /* at its end, once the stream is closed */
	uint64_t events;         /* in all, up to the last chunk */
	uint64_t segment_event;  /* of them before the segment that is being written */
	uint64_t first_event;    /* of them given up with old segments */
};

struct mm_writer {
	struct mm_output *out;
	uint64_t resolution_ns;
	int has_addr, zstd_level;
	uint32_t chunk_events; /* that end a chunk */
	uint64_t max_bytes;
	enum mm_keep keep;
	struct mm_encoder *idle[MM_ENCODERS_IDLE]; /* of no stream now */
	uint32_t idle_count;
	struct mm_stream **streams;  /* by process number; NULL once closed */
	struct mm_wprocess *processes; /* by number */
	size_t stream_cap, process_cap;
	uint32_t process_count;
	struct mm_arena arena;
	struct mm_buf prefix, payload; /* scratch */
	struct mm_writer_stats stats;
	uint64_t segment_at, segment_prev; /* MM_KEEP_LAST: where segments begin */
	uint64_t segment_head;             /* bytes of the checkpoints that begin it */
	uint64_t segment_time;             /* ns: every event before it is older */
	struct mm_symbols_out *symbols;
};

struct mm_stream {
	struct mm_writer *w;
	uint32_t number;
	struct mm_tables tables;
	uint32_t strings_out, threads_out, modules_out, sites_out; /* written so far */
	uint32_t *renamed;     /* threads written whose name has changed since */
	size_t renamed_cap, renamed_count;
	struct mm_map interned; /* hash of a text -> string number */

	struct mm_objects *objects;

	/* the chunk that is being filled */
	struct mm_encoder *encoder; /* NULL = there is no chunk */
	struct mm_chunk_head head;
	uint32_t hidden;        /* slots free since before the chunk */
	struct mm_digest_builder digest;
	uint64_t first_time;    /* of the oldest event not yet written */
	uint64_t last_tick, last_time;

	uint64_t chunks;
	uint64_t chunk_at, digest_at, checkpoint_at, defs_at; /* last offsets, 0 = none */
	int64_t since_checkpoint;  /* bytes of chunks and digests, less what is owed */
	uint64_t checkpoint_cost;  /* bytes per 256 live objects and sites, last seen */
};

/* writer.c: one block of this stream; remembers its place in *at. */
int mm_stream_block(struct mm_stream *s, uint8_t type, uint8_t flags, uint64_t *at);

/* writer.c: begins a segment when the last one has its share (MM_KEEP_LAST). */
int mm_writer_keep_last(struct mm_writer *w);

/* writer.c: an encoder for one chunk, and back: 0 or MM_ENOMEM. */
int mm_writer_take_encoder(struct mm_writer *w, struct mm_encoder **ret);
void mm_writer_give_encoder(struct mm_writer *w, struct mm_encoder *e);

/* define.c: writes what is defined and not yet written, or everything again. */
int mm_stream_write_defs(struct mm_stream *s, int again);
int mm_writer_write_process(struct mm_writer *w, uint32_t number);

/* stream.c */
int mm_stream_create(struct mm_writer *w, uint32_t number, struct mm_stream **ret);
void mm_stream_destroy(struct mm_stream *s);
/* Writes the pending events as a chunk; nothing to do = 0. */
int mm_stream_flush(struct mm_stream *s);
int mm_stream_checkpoint(struct mm_stream *s);
/* roll.c: facts and sums of all processes: as many as the file has room for, and how many
 * it has not. With `events` also how many events should be in the file, which is then at
 * its end; `full` says that it is short of room (MM_ELIMIT, MM_ENOSPC). */
int mm_writer_write_roll(struct mm_writer *w, int events, int full);

/* symbolsout.c */
int mm_symbols_out_add(struct mm_writer *w, uint32_t process, uint32_t module,
		       uint64_t address, const struct mm_frame *frames, size_t count);
int mm_symbols_out_flush(struct mm_writer *w);
void mm_symbols_out_destroy(struct mm_symbols_out *s);

#endif
