/* watch.h: what has to be looked up from time to time: names and deaths of threads,
 * memory, modules that have gone, descendants that are not recorded.
 *
 * Promise: costs at most about a hundredth of the time however large the program:
 * what takes long is done less often.
 * Vocabulary: tick = one turn; each kind of look has its own time of the next.
 * Main thread of the collector only.
 */
#ifndef MM_COLLECT_WATCH_H
#define MM_COLLECT_WATCH_H

#include <stdint.h>

#include "collect/collector.h"
#include "collect/family.h"

struct mm_watch_look { uint64_t next_ns; };

struct mm_watch_child { /* a descendant that has not said hello */
	pid_t pid;
	uint32_t parent; /* process number + 1 */
	int listed;
	uint64_t first_ns;  /* when a look found it */
	uint64_t since_ns;  /* when one first found it without our library; 0 = it has it */
	uint64_t cpu_ticks; /* what it had used then */
};

/* Caller's memory, zero-initialised. */
struct mm_watch {
	struct mm_watch_look threads, names, samples, modules, children;
	struct mm_watch_child *waiting;
	size_t waiting_count, waiting_cap;
};

void mm_watch_deinit(struct mm_watch *w);

/* Looks at what is due at `now` (CLOCK_MONOTONIC). */
int mm_watch_tick(struct mm_watch *w, struct mm_family *f, uint64_t now);

/* The command has ended: memory, for processes still there, and the children that are
 * left, which are listed in ret. */
int mm_watch_last(struct mm_watch *w, struct mm_family *f, struct mm_collect_result *ret);

#endif
