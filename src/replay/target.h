/* target.h: the allocators that ops can be executed with.
 *
 * Vocabulary
 *   none     hands out numbers and touches nothing: what the harness itself costs
 *   system   malloc as this process has it: the C library's, or that of a library that was
 *            preloaded
 *   engine   ours, under a strategy
 * A seat is one thread's. Thread-safe: each thread with its own seat.
 */
#ifndef MM_REPLAY_TARGET_H
#define MM_REPLAY_TARGET_H

#include <stdint.h>

#include "alloc/heap.h"

enum mm_target_kind { MM_TARGET_NONE, MM_TARGET_SYSTEM, MM_TARGET_ENGINE };

struct mm_target { /* caller's memory */
	enum mm_target_kind kind;
	struct mm_heap *heap; /* ENGINE */
};

struct mm_seat { struct mm_context *context; uint64_t next; };

/* strategy: ENGINE only. Errors of mm_heap_open. */
int mm_target_open(struct mm_target *t, enum mm_target_kind kind, enum mm_strategy strategy);
void mm_target_close(struct mm_target *t);

int mm_target_sit(struct mm_target *t, struct mm_seat *ret);
void mm_target_rise(struct mm_target *t, struct mm_seat *s);

/* NULL without memory. align 0 = the allocator's own. */
void *mm_target_alloc(struct mm_target *t, struct mm_seat *s, uint64_t size, uint64_t align);
void mm_target_free(struct mm_target *t, struct mm_seat *s, void *p);
void *mm_target_realloc(struct mm_target *t, struct mm_seat *s, void *p, uint64_t size,
			uint64_t align);

#endif
