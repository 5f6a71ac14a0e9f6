/* notices.h: the notices of a trace (trace/notice.h) as a report needs them.
 *
 * Promise: moves, evictions and refusals, of which there are many, are kept small; texts are
 * the store's, so that equal ones are equal pointers. Nothing is dropped.
 * Not shared between threads.
 */
#ifndef MM_MODEL_NOTICES_H
#define MM_MODEL_NOTICES_H

#include <stddef.h>
#include <stdint.h>

#include "model/report_store.h"
#include "trace/event.h"
#include "trace/notice.h"

struct mm_note_move { /* TIER_MOVE, EVICT, DENY */
	uint64_t time, bytes, blocks, stall_ns;
	const char *category, *cause;
	uint32_t process, from, to; /* MM_NO_TIER = not told */
	uint32_t order;             /* as they were added */
	uint8_t kind;               /* enum mm_event_kind */
};

struct mm_note_state { /* the other kinds; texts end in NUL */
	uint64_t time;
	uint32_t process, order;
	uint8_t kind;
	struct mm_notice n;
};

enum { MM_NOTICE_RECENT = 32 };

struct mm_notices { /* caller's memory, zero-initialised = empty */
	const char *recent[MM_NOTICE_RECENT]; /* texts kept last: the same few come again */
	struct mm_note_move *moves;
	size_t move_count, move_cap;
	struct mm_note_state *states;
	size_t state_count, state_cap;
};

/* Takes ev when it is a notice: 0 or MM_ENOMEM. */
int mm_notices_add(struct mm_notices *n, const struct mm_event *ev, uint32_t process,
		   struct mm_report_store *store);
void mm_notices_deinit(struct mm_notices *n);

/* Orders those of several processes by time. */
void mm_notices_sort(struct mm_notices *n);

/* A number of a tier, a device or the like, that must fit 32 bits; UINT32_MAX when it is
 * unknown or does not. */
uint32_t mm_notice_place(uint64_t number);

#endif
