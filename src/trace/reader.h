/* reader.h: a trace file, whole, growing or damaged, as processes, chunks and events.
 *
 * Promise: no input makes it crash, hang or need more than 64 MiB + O(max live +
 * sites); every intact chunk is returned; what a gap made unknown is MM_UNKNOWN,
 * never wrong.
 * Vocabulary: digest = the sums of one chunk; cursor = a walk over one process's
 * events with the live objects at hand.
 * A reader is used by one thread at a time, but for single chunks (hand.h); strings live as long
 * as the reader.
 */
#ifndef MM_TRACE_READER_H
#define MM_TRACE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "trace/event.h"
#include "trace/objects.h"

struct mm_reader;
struct mm_cursor;

struct mm_trace_info {
	const char *command, *tool, *source;
	uint64_t start_unix_ns, duration_ns, time_resolution_ns;
	uint64_t page_bytes, mem_total_bytes, file_bytes;
	uint32_t cores, version, compat;
	int has_addresses;
	int complete;          /* closed properly (index present) */
	int closed;            /* by its writer; when not complete, it could not write all */
	uint64_t damaged_blocks, lost_bytes; /* what recovery had to skip */
	uint64_t kept_from_ns; /* since when a file that keeps the last holds events; else 0 */
	/* Processes for which a bounded or full file had no room, and events lost with them. */
	uint64_t unlisted_processes, unlisted_events;
};

/* Opens PATH ("-" = standard input, spooled to an unnamed file). Damage after the
 * header is not an error: see mm_trace_info. MM_ENOTRACE, MM_ENEWER, MM_EIO ... */
int mm_reader_open(struct mm_reader **ret, const char *path, struct mm_diag *diag);
/* The same over memory that outlives the reader (tests, fuzzers). */
int mm_reader_open_memory(struct mm_reader **ret, const void *data, size_t bytes,
			  struct mm_diag *diag);
void mm_reader_close(struct mm_reader *r);

/* When the recording began that PATH holds, which tells recordings apart: reads the file's
 * first block alone. MM_ENOTRACE also where that is damaged; else as mm_reader_open. */
int mm_reader_peek(const char *path, uint64_t *ret_start_unix_ns);

/* Looks for blocks appended since: number of new chunks, or an error. MM_ENOENT when the
 * recording goes on in another file of that name (a bounded trace is replaced), or the file
 * was cut or written anew: open it again; what was read before stays. A file that was
 * renamed, deleted, or whose name another recording has taken is followed on. Costs a few
 * system calls when nothing is there, else what was appended. Pointers to processes, sites,
 * modules, threads, frames and chunks that were handed out before are void; strings, cursors
 * and digests are not. */
int mm_reader_refresh(struct mm_reader *r, struct mm_diag *diag);

const struct mm_trace_info *mm_reader_info(const struct mm_reader *r);

uint32_t mm_reader_processes(const struct mm_reader *r);
const struct mm_process *mm_reader_process(const struct mm_reader *r, uint32_t process);

/* Tables of one process; number 0 of sites is the root and of modules "unknown". A
 * site lost to damage has kind MM_SITE_CUT and parent 0 and mm_reader_site_lost = 1. */
uint32_t mm_reader_sites(const struct mm_reader *r, uint32_t process);
const struct mm_site *mm_reader_site(const struct mm_reader *r, uint32_t process, uint32_t site);
int mm_reader_site_lost(const struct mm_reader *r, uint32_t process, uint32_t site);
/* Number of the pool that objects of a site are blocks of; 0 = of none. */
uint32_t mm_reader_site_pool(const struct mm_reader *r, uint32_t process, uint32_t site);
uint32_t mm_reader_modules(const struct mm_reader *r, uint32_t process);
const struct mm_module *mm_reader_module(const struct mm_reader *r, uint32_t process,
					 uint32_t module);
uint32_t mm_reader_threads(const struct mm_reader *r, uint32_t process);
const struct mm_thread *mm_reader_thread(const struct mm_reader *r, uint32_t process,
					 uint32_t thread);
const char *mm_reader_string(const struct mm_reader *r, uint32_t process, uint32_t string);

/* Symbols kept in the file for an address of a module: count in *ret_count, 0 and
 * NULL frames when looked up and unknown; MM_ENOENT when not in the file. */
int mm_reader_symbol(const struct mm_reader *r, uint32_t process, uint32_t module,
		     uint64_t address, const struct mm_frame **ret, size_t *ret_count);

/* How many addresses have symbols in the file: more may be appended to it. */
size_t mm_reader_symbols(const struct mm_reader *r);

/* --- chunks --------------------------------------------------------------------- */

struct mm_chunk_info {
	uint64_t offset, bytes;          /* in the file */
	uint64_t first_time, last_time;
	uint64_t events;
	uint32_t births, deaths;
	int after_gap;                   /* chunks before it are missing */
	struct mm_totals before;         /* running totals at its start */
	uint64_t peak_bytes, peak_time;  /* within the chunk; peak_index = event number */
	uint32_t peak_index;
	uint64_t resolution_ns;          /* of its times */
};

uint32_t mm_reader_chunks(const struct mm_reader *r, uint32_t process);
const struct mm_chunk_info *mm_reader_chunk(const struct mm_reader *r, uint32_t process,
					    uint32_t chunk);

/* Totals of the process at its end: from the last intact chunk, or, where the file does
 * not hold all of it, as the writer told them. */
const struct mm_totals *mm_reader_totals(const struct mm_reader *r, uint32_t process);
/* Those behind the last chunk. */
const struct mm_totals *mm_reader_last(const struct mm_reader *r, uint32_t process);

/* Events of the process that were to be written and are not in the file, as far as the
 * writer told: a full disk, or --max-size keeping the first. */
uint64_t mm_reader_lost(const struct mm_reader *r, uint32_t process);

enum { MM_LIFE_BUCKETS = 48, MM_SIZE_BUCKETS = 49 };

/* Per site of birth: deaths count where the object was born. */
struct mm_digest_site {
	uint32_t site;
	uint64_t allocs, frees, bytes_in, bytes_out, temporaries;
};
struct mm_digest_thread { /* by the thread of birth; thread MM_NO_THREAD = unknown */
	uint32_t thread;
	uint64_t allocs, frees, bytes_in, bytes_out, temporaries;
};
struct mm_digest {
	struct mm_digest_site *sites;
	struct mm_digest_thread *threads;
	size_t site_count, thread_count;
	/* deaths by lifetime: bucket k holds 2^k <= ns < 2^(k+1) (0 in bucket 0) */
	uint64_t life_count[MM_LIFE_BUCKETS], life_bytes[MM_LIFE_BUCKETS];
	/* births by size: bucket 0 = size 0, k = 2^(k-1) <= size < 2^k; the last = more */
	uint64_t size_count[MM_SIZE_BUCKETS], size_bytes[MM_SIZE_BUCKETS];
	uint64_t size_freed_count[MM_SIZE_BUCKETS], size_freed_bytes[MM_SIZE_BUCKETS];
};

/* Fills *ret, whose memory the caller gives back with mm_digest_deinit. Does not
 * decode the chunk. MM_ECORRUPT when this digest is damaged; in a file that grows also while
 * that of the newest chunk of the process is not there yet: a later refresh brings it. */
int mm_reader_digest(struct mm_reader *r, uint32_t process, uint32_t chunk,
		     struct mm_digest *ret);
void mm_digest_deinit(struct mm_digest *d);

/* --- cursor --------------------------------------------------------------------- */

/* A walk that will start before the first event of `chunk` (0 = from the start):
 * begins at the nearest checkpoint before it. */
int mm_cursor_open(struct mm_cursor **ret, struct mm_reader *r, uint32_t process,
		   uint32_t chunk, struct mm_diag *diag);
void mm_cursor_close(struct mm_cursor *c);

/* 1 and the chunk that a cursor for `chunk` sets out from, which has a checkpoint right before
 * it; 0 = there is none. */
int mm_reader_checkpoint(const struct mm_reader *r, uint32_t process, uint32_t chunk,
			 uint32_t *ret);

/* Next event: 1 with *ret filled (slots, born_* and sizes of deaths as known), 0 at
 * the end, or an error. */
int mm_cursor_next(struct mm_cursor *c, struct mm_event *ret);

/* The live objects as they stand after the last event returned. */
const struct mm_objects *mm_cursor_objects(const struct mm_cursor *c);

/* Number of the chunk that the last event came from. */
uint32_t mm_cursor_chunk(const struct mm_cursor *c);

/* Calls fn for every event of one chunk decoded alone, without any other chunk:
 * deaths of objects born elsewhere have unknown size and site. */
int mm_reader_decode(struct mm_reader *r, uint32_t process, uint32_t chunk,
		     int (*fn)(void *arg, const struct mm_event *ev), void *arg);

#endif
