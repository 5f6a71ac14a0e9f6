/* top_asker.h: a source that never lets the terminal wait: a thread of its own reads the trace.
 *
 * Promise: questions are answered MM_EAGAIN until their answer is there; only the newest is
 * worked on next; nothing is lost of what the thread found. What is asked of the source
 * itself, the thread alone asks.
 */
#ifndef MM_CLI_TOP_ASKER_H
#define MM_CLI_TOP_ASKER_H

#include "base/diag.h"
#include "tui/question.h"

struct mm_top_asker;

/* `inner` outlives it, and is used by nobody else from now on. MM_ENOMEM, MM_EIO. */
int mm_top_asker_open(struct mm_top_asker **ret, const struct mm_source *inner);
/* Waits for what is being read. NULL is fine. */
void mm_top_asker_close(struct mm_top_asker *a);

const struct mm_source *mm_top_asker_view(struct mm_top_asker *a);

/* Can be read when the thread has found something; mm_top_asker_heard makes it wait again. */
int mm_top_asker_fd(const struct mm_top_asker *a);
/* 1 when refresh has an answer. */
int mm_top_asker_heard(struct mm_top_asker *a);

#endif
