/* writer.h: events in order, per process, become a trace file.
 *
 * Promise: what was appended before mm_writer_sync returned can be read back after
 * a SIGKILL; every chunk decodes alone; FORMAT.md is normative.
 * Vocabulary: stream = the part of the trace that belongs to one process; chunk,
 * digest, checkpoint as in ARCHITECTURE.md.
 * The caller gives each stream its events in time order (equal times allowed).
 * Not shared between threads. On a write error (disk full) the writer stops writing,
 * goes on counting, and reports it from sync/close; it never kills the caller. If there is
 * any room, such a file ends with the true sums of each process: events in the file + those
 * lost = all.
 */
#ifndef MM_TRACE_WRITER_H
#define MM_TRACE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "trace/event.h"
#include "trace/objects.h"

struct mm_writer;
struct mm_stream;

enum mm_keep { MM_KEEP_ALL = 0, MM_KEEP_FIRST = 1, MM_KEEP_LAST = 2 };

enum { MM_MAX_BYTES_LEAST = 16 << 10 /* of a bound that leaves room for any events */ };

struct mm_writer_options {
	uint64_t time_resolution_ns; /* 1000 unless asked otherwise */
	int no_addresses;
	uint64_t max_bytes;          /* 0 = no limit; MM_KEEP_LAST exceeds it where a
	                              * checkpoint of what lives needs more */
	enum mm_keep keep;           /* what max_bytes keeps; FORMAT.md 11 */
	int zstd_level;              /* 0 = the default */
	/* the run, for the file's header block */
	const char *command;         /* as typed */
	const char *tool;            /* "mmprof 0.1.0", "heaptrack 1.4 (imported)" */
	uint64_t start_unix_ns;
	uint64_t page_bytes;
	uint32_t cores;
	uint64_t mem_total_bytes;
	const char *source;          /* "record", "import", "run", "replay" */
};

/* Creates the file: 0600, O_EXCL; an existing trace there is renamed to PATH.old, an empty
 * file is replaced, any other is MM_EEXIST and left alone; "-" is standard output. */
int mm_writer_open(struct mm_writer **ret, const char *path,
		   const struct mm_writer_options *options, struct mm_diag *diag);

/* Opens an existing trace only to append symbols: mm_writer_symbol and
 * mm_writer_close. What is there stays, but for a half block at its end. MM_ENOTRACE,
 * MM_ENEWER, MM_EIO ... */
int mm_writer_append(struct mm_writer **ret, const char *path, struct mm_diag *diag);

/* A new process. p->number is assigned; strings are copied. */
int mm_writer_process(struct mm_writer *w, const struct mm_process *p, struct mm_stream **ret);

/* Facts that become known later (end, status, exe): replaces the process's record. */
int mm_stream_process(struct mm_stream *s, const struct mm_process *p);
const struct mm_process *mm_stream_get_process(const struct mm_stream *s);

/* Definitions; each returns the new number in *ret. Strings are interned. */
int mm_stream_string(struct mm_stream *s, const char *text, size_t len, uint32_t *ret);
int mm_stream_thread(struct mm_stream *s, const struct mm_thread *t, uint32_t *ret);
int mm_stream_thread_name(struct mm_stream *s, uint32_t thread, const char *name);
int mm_stream_module(struct mm_stream *s, const struct mm_module *m, uint32_t *ret);
int mm_stream_site(struct mm_stream *s, const struct mm_site *site, uint32_t *ret);

/* A birth (ev->kind, thread, size, align_log2, addr, site, time, other): gives the
 * slot. */
int mm_stream_birth(struct mm_stream *s, const struct mm_event *ev, uint32_t *ret_slot);

/* A death (ev->kind, slot, thread, time, site). INHERITED has no slot. */
int mm_stream_death(struct mm_stream *s, const struct mm_event *ev);

/* Brings what is known of a slot nearer (a hint for a coming death); any number will
 * do. */
void mm_stream_prefetch(const struct mm_stream *s, uint32_t slot);

/* Any kind from MM_EV_OTHER up. */
int mm_stream_other(struct mm_stream *s, const struct mm_event *ev);

/* Live objects and totals of the process so far. */
const struct mm_objects *mm_stream_objects(const struct mm_stream *s);

/* The live object of a slot is at another address from now on (BLOCK_MOVE tells readers). */
int mm_stream_readdress(struct mm_stream *s, uint32_t slot, uint64_t addr);

/* Every event of the stream up to `time` has been given. Writes what is older than
 * 100 ms of it, or all when `all` is set. */
int mm_writer_sync(struct mm_writer *w, uint64_t now, int all);

/* The process has ended: flushes, writes its last totals, frees its memory. */
int mm_stream_close(struct mm_stream *s);

/* Appends symbols for `address` (as the site's value) of module `module` of process
 * `process`; frames innermost first, count 0 = "looked up, nothing known". */
int mm_writer_symbol(struct mm_writer *w, uint32_t process, uint32_t module, uint64_t address,
		     const struct mm_frame *frames, size_t count);

struct mm_writer_stats {
	uint64_t bytes, events, chunks, lost_events; /* lost: not written, disk full */
};
void mm_writer_get_stats(const struct mm_writer *w, struct mm_writer_stats *ret);

/* Index, last header update, fsync-free close. The first error met is returned and
 * described, the object is gone in any case. */
int mm_writer_close(struct mm_writer *w, struct mm_diag *diag);

#endif
