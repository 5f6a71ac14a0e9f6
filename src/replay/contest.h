/* contest.h: allocators executing the same recording, each in a process of its own.
 *
 * Promise: they run in turn, round after round; an allocator that is a library is preloaded
 * into a fresh process, and is refused when malloc is not really its own there.
 * Vocabulary: contestant = "none", "glibc", a strategy of the engine, or a shared library.
 * Not shared between threads. Starts processes of the running program.
 */
#ifndef MM_REPLAY_CONTEST_H
#define MM_REPLAY_CONTEST_H

#include <stdint.h>

#include "base/diag.h"
#include "model/outcome.h"
#include "trace/reader.h"

struct mm_contest_options {
	const char *trace;    /* path: each process opens it */
	uint32_t process;
	uint32_t rounds;      /* 0 = 3 */
	int keep_threads, touch_all;
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* runs; NULL = none */
	void *progress_arg;
};

/* 1 when a contestant of that name is conceivable. */
int mm_contest_knows(const char *name);

/* Fills ret->contestant[0 .. count), whose names are set; the rest of *ret but trace, cmd and
 * pid. MM_EUNSUP: a library cannot be preloaded; MM_EIO: a process failed. */
int mm_contest_run(const struct mm_contest_options *o, struct mm_contest *ret,
		   struct mm_diag *diag);

/* In a process that mm_contest_run started: does its work and gives the exit status; else
 * -1. To be called first thing by the verb. */
int mm_contest_child(void);

#endif
