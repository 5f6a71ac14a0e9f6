/* execute.h: a recording executed against memory, in this process.
 *
 * Promise: only the calls and the touching are timed, not the decoding, which happens between
 * batches; one byte of each page of a block is written when it is born, or all of it.
 * Vocabulary
 *   batch      the ops of one chunk
 *   one thread: every op in the order of the trace
 *   keep       each recorded thread's ops on a thread of their own, in order; a free
 *              waits until its object is there
 *   sampled    one op of 64, at a place that moves, is timed by itself, less what the clock takes
 *   pause      the longest time that 64 ops in a row of one thread took
 * Times are the monotonic clock's. Not shared between threads.
 */
#ifndef MM_REPLAY_EXECUTE_H
#define MM_REPLAY_EXECUTE_H

#include <stdint.h>

#include "base/diag.h"
#include "replay/target.h"
#include "replay/times.h"
#include "trace/reader.h"

struct mm_execute_options {
	enum mm_target_kind kind;
	enum mm_strategy strategy;
	uint32_t process;
	int keep_threads;
	int touch_all;
};

struct mm_execute_result {
	uint64_t ops, failed;
	uint64_t ns;            /* of all batches */
	uint64_t pause_ns;
	uint64_t rss_bytes;     /* largest anonymous memory beyond what was there at first, looked
	                           at after each batch */
	uint64_t end_bytes;     /* the same at the end */
	struct mm_times times;  /* of those sampled, with the touching of the block */
	uint64_t clock_step_ns; /* a time is as exact as this */
	uint32_t threads;       /* that executed ops */
};

/* MM_ENOMEM, MM_EUNSUP when threads cannot be started. */
int mm_execute(struct mm_reader *r, const struct mm_execute_options *o,
	       struct mm_execute_result *ret, struct mm_diag *diag);

#endif
