/* replay.h: a recorded program through one strategy of the engine, simulated.
 *
 * Promise: no address is touched, no clock is read: the outcome depends on the trace and the
 * options alone, byte for byte.
 * Vocabulary as in model/outcome.h; machine model = page size, cores and nodes that the
 * engine is to believe in.
 */
#ifndef MM_REPLAY_REPLAY_H
#define MM_REPLAY_REPLAY_H

#include <stdint.h>

#include "alloc/heap.h"
#include "base/diag.h"
#include "model/naming.h"
#include "model/outcome.h"
#include "replay/router.h"
#include "trace/reader.h"

struct mm_replay_options {
	enum mm_strategy strategy;
	uint32_t process;           /* number in the trace */
	uint32_t page_bytes, cores, nodes; /* 0 = 4096, 8, 1 */
	uint64_t from_ns, to_ns;    /* what is counted; MM_UNKNOWN = to the end. The heap is
	                               built from the trace's start all the same */
	struct mm_naming *naming;   /* NULL: nobody asks who pins memory. Else the trace is gone */
	struct mm_report_store *store; /* through twice; rows and names belong to the store */
	size_t pinned_rows;         /* 0 = all sites */
	const struct mm_router *router; /* NULL: neither categories nor a configuration; else needs
	                               a store */
	const char *name;           /* of the outcome; NULL = the strategy's */
	enum mm_check check;        /* of heaps by size classes */
	int map;                    /* list every slab at the end: needs a store */
	uint64_t seed;              /* of what is drawn: alloc/heap.h */
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* events; NULL = none */
	void *progress_arg;
};

/* Fills *ret (large: about 25 KiB). MM_EINVAL, MM_ENOMEM, MM_ECORRUPT where a chunk does not
 * decode (it is left out, and counted as objects lost); MM_ENOENT: no such process. */
int mm_replay_run(struct mm_reader *r, const struct mm_replay_options *o,
		  struct mm_outcome *ret, struct mm_diag *diag);

/* The heap as it was recorded, when most was requested, and who pins its pages: known = 0
 * without addresses. naming must not be NULL. */
int mm_replay_recorded(struct mm_reader *r, const struct mm_replay_options *o,
		       struct mm_recorded_heap *ret, struct mm_diag *diag);

#endif
