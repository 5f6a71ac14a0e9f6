/* run_tell.h: what the engine says of itself in a live program, without stdio.
 *
 * Promise: a misuse that is caught is named with its address and its block, and ends the
 * program; a fault in a guard page is named, and is then the fault that it is.
 */
#ifndef MM_MANAGER_RUN_TELL_H
#define MM_MANAGER_RUN_TELL_H

#include <sys/types.h>

#include "alloc/heap.h"

/* A line on standard error. */
void mm_run_say(const char *text);

/* The sink of checked heaps: says what it was and aborts. */
void mm_run_misuse(void *arg, const struct mm_misuse *m);

/* Names faults in guard pages, unless the program handles SIGSEGV itself. */
void mm_run_watch_faults(void);

/* `teller` is to say at its end where its memory is: 1 = that is this process. */
int mm_run_will_tell(pid_t teller);

#endif
