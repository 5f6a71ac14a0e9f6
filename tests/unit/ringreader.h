/* ringreader.h: a small collector for tests: speaks the protocol of core/shm.h
 * with the preload of the build tree, keeps every record, judges their order.
 *
 * One thread, one call; programs started by it are its children. Nothing is
 * bounded but by memory: for runs of a few million events.
 */
#ifndef MM_TESTS_RINGREADER_H
#define MM_TESTS_RINGREADER_H

#include <stddef.h>
#include <stdint.h>

enum { RR_MAP_MIB = 1024 };

struct rr_setup {
	uint32_t options;     /* enum mm_shm_option */
	uint32_t clock_kind;
	uint64_t map_mib;     /* 0 = RR_MAP_MIB */
	unsigned pause_us;    /* between rounds, 0 = 1000 */
	int revoke;           /* take idle threads' segments back at every round */
	unsigned stop_after;  /* rounds until everyone is told to stop, 0 = never */
	unsigned stall_after; /* rounds until the collector "dies": its robust word is
	                         marked and nothing is drained any more, 0 = never */
	const char *env;      /* NAME=value for the child, NULL = none */
};

struct rr_record {
	uint32_t image, process, thread; /* thread = slot; see rr_result.threads */
	uint32_t kind, call, align, node, name;
	uint64_t addr, stamp, size, old, t0;
	char text[24];
};

struct rr_result {
	int status;             /* of the command, as from waitpid */
	struct rr_record *rec;  /* in the order each ring held them */
	size_t count, room;
	uint32_t images, processes, threads; /* ever seen live */
	uint64_t dropped, events;            /* sums of the shared counters */
	uint64_t rewinds;       /* stamps that went back within a ring */
	uint64_t malformed;
	uint64_t revoked;       /* segments taken back from idle threads */
	uint32_t most_segs;     /* high water of ring segments */
};

/* Runs argv under the preload (path in $MM_PRELOAD or the build tree's) and
 * collects until it and its descendants have gone. */
void rr_run(const struct rr_setup *setup, char *const argv[], struct rr_result *r);

void rr_free(struct rr_result *r);

struct rr_order {
	uint64_t allocs, frees, live_twice, unknown_frees, live_end, live_bytes;
};

/* Merges the records of one process by stamp and follows every address. */
void rr_order(const struct rr_result *r, uint32_t image, uint32_t process,
	      struct rr_order *o);

/* Records of a kind whose size is `size` (any size if SIZE_MAX). */
size_t rr_count(const struct rr_result *r, uint32_t kind, uint64_t size);

/* Text of a category name that a record's node carries is kept in rec.text; a
 * node that is no category leaves it empty (marks and metrics: their text). */

#endif
