/* progress.h: one line that says how far long work has come.
 *
 * Promise: silent for the first half second, at most ten updates a second, gone when
 * the work is done; on a stream that is no terminal, or when quiet, nothing at all.
 * Writes to stderr only. Not shared between threads.
 */
#ifndef MM_BASE_PROGRESS_H
#define MM_BASE_PROGRESS_H

#include <stdint.h>

/* The caller's memory. */
struct mm_progress {
	const char *what; /* "reading trace.bin"; the caller's, outlives it */
	uint64_t start_ns, next_ns;
	int enabled, shown;
};

void mm_progress_begin(struct mm_progress *p, const char *what, int quiet);

/* done of total, in whatever unit; total 0 = unknown, only `done` is shown. */
void mm_progress_step(struct mm_progress *p, uint64_t done, uint64_t total);

/* Clears the line. May be called twice. */
void mm_progress_end(struct mm_progress *p);

#endif
