/* run_where.h: places in a program, as lines of text: what module, where in it, and what is
 * near that by name, as far as the loader knows.
 *
 * Promise: no stdio; nothing allocates once mm_run_where_ready has been called, and without it
 * there are no stacks. The loader's lock is taken.
 */
#ifndef MM_MANAGER_RUN_WHERE_H
#define MM_MANAGER_RUN_WHERE_H

#include <stdint.h>

#include "manager/run_text.h"

/* Loads what stacks are walked with. It allocates. */
void mm_run_where_ready(void);

/* One line, "[mmprof]   WORD MODULE+0x... (NAME+0x...)"; is_call: of the call that returns to
 * `at`. Nothing for 0. */
void mm_run_where_line(struct mm_run_text *t, const char *word, uint64_t at, int is_call);

/* The callers of this thread from the one that `site` returns to, or the very instruction;
 * that alone where the stack does not have it. */
void mm_run_where_stack(struct mm_run_text *t, const char *word, uint64_t site, int is_call);

#endif
