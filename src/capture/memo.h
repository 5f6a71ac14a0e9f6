/* memo.h: the stacks that a thread was lately seen on.
 * (Filled in by the memo proper; so far it holds the memory of a walk.) */
#ifndef MM_CAPTURE_MEMO_H
#define MM_CAPTURE_MEMO_H

#include <stdint.h>

#include "capture/walk.h"

struct mm_stack_memo;

/* A memo for stacks of at most `depth` frames, or NULL without memory. */
struct mm_stack_memo *mm_memo_new(uint32_t depth);

void mm_memo_free(struct mm_stack_memo *m);

/* Memory for one walk at a time. */
struct mm_trail *mm_memo_trail(struct mm_stack_memo *m);

#endif
