/* run_front.h: the engine under a live program: one heap, a context for each thread.
 *
 * Promise: there before the first allocation of the process, whoever makes it; nothing here
 * allocates by malloc, or what it makes libc allocate is served like anything else; a thread
 * gives back what it has ready when it ends, and may allocate even after that; in a forked
 * child allocation works at once, however many threads the parent had.
 * Vocabulary: late = a thread whose thread-local memory is being taken down: it uses one
 * context with all others in that state, under a lock.
 */
#ifndef MM_MANAGER_RUN_FRONT_H
#define MM_MANAGER_RUN_FRONT_H

#include "alloc/heap.h"

/* "1 STRATEGY CHECK PID NODES", as mmprof run hands it over: the process that PID is says at its
 * end where its memory is, 0 = none; the machine has so many nodes. Without it size classes, and nothing checked. */
#define MM_RUN_ENV "MMPROF_RUN"

struct mm_run_seat {
	struct mm_heap *heap;
	struct mm_context *context; /* NULL: there is no memory for it */
	int late;                   /* mm_run_rise must follow */
};

extern _Thread_local struct mm_context *mm_run_context __attribute__((visibility("hidden"),
								      tls_model("initial-exec")));
extern struct mm_heap *mm_run_heap __attribute__((visibility("hidden")));

/* Where a thread has no context yet, or none any more. */
struct mm_run_seat mm_run_sit_slowly(void);
void mm_run_rise_slowly(void);

static inline struct mm_run_seat mm_run_sit(void)
{
	struct mm_context *c = mm_run_context;

	if (__builtin_expect(c != NULL, 1))
		return (struct mm_run_seat){ mm_run_heap, c, 0 };
	return mm_run_sit_slowly();
}

static inline void mm_run_rise(const struct mm_run_seat *s)
{
	if (__builtin_expect(s->late, 0))
		mm_run_rise_slowly();
}

#endif
