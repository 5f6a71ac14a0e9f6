/* run_tell.h: what the engine says of itself in a live program, without stdio.
 *
 * Promise: a misuse that is caught is named with its address, its block and the places in the
 * program that are known, and ends the program; what nobody came across is looked for when
 * the program ends.
 */
#ifndef MM_MANAGER_RUN_TELL_H
#define MM_MANAGER_RUN_TELL_H

#include <sys/types.h>

#include "alloc/heap.h"

/* A line on standard error. */
void mm_run_say(const char *text);

/* The sink of checked heaps: says what it was and aborts. */
void mm_run_misuse(void *arg, const struct mm_misuse *m);

/* Says it. is_fault: m->site is the very instruction, not what a call returns to. For handlers
 * of signals too. */
void mm_run_tell_misuse(const struct mm_misuse *m, int is_fault);

/* The heap is a checked one. */
void mm_run_will_look(void);

/* `teller` is to say at its end where its memory is: 1 = that is this process. */
int mm_run_will_tell(pid_t teller);

#endif
