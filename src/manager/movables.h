/* movables.h: a manager's blocks that may move (mm_move.h): for src/manager alone.
 *
 * Promise: there from the first movable block on; whoever creates and frees takes turns, with
 * one context for all threads; no block moves while pass_lock is held.
 * Vocabulary: turn = the time in which a thread has the context.
 */
#ifndef MM_MANAGER_MOVABLES_H
#define MM_MANAGER_MOVABLES_H

#include <stdatomic.h>

#include "alloc/defrag.h"

struct mm_movables {
	struct mm_lock turn;            /* of `context` */
	struct mm_lock pass_lock;
	_Atomic int passing;            /* somebody has pass_lock, or waits for it, for a pass */
	uint32_t told;                  /* what the sink knows them by; 0 = it does not */
	_Atomic(struct mm_heap *) heap; /* NULL before the first block; then all below is there */
	struct mm_context *context;
	struct mm_context *mover;       /* the passes': nothing is ever ready in it */
	struct mm_handles *handles;
	struct mm_defrag *defrag;
};

struct mm_manager;

void mm_movables_close(struct mm_manager *m);

#endif
