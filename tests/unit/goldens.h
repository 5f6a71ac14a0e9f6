/* goldens.h: the traces that are kept in traces/ and in FORMAT.md, and what is in them.
 * What these functions write must never change; a new version gets functions of its own.
 */
#ifndef MM_TEST_GOLDENS_H
#define MM_TEST_GOLDENS_H

#include "tracegen.h"

enum { GOLDEN_PROCESSES = 2, GOLDEN_BOUNDED_PROCESSES = 3 };

/* traces/v1.mmt: two processes, every kind of event, checkpoints, symbols. The shadows of
 * the processes are left in g[] for the caller to tg_end. */
void golden_v1(const char *path, struct tg g[GOLDEN_PROCESSES]);

/* traces/v1-bounded.mmt: --max-size keeping the first, reached by the second of three
 * processes. */
void golden_bounded(const char *path, struct tg g[GOLDEN_BOUNDED_PROCESSES]);

/* The example of FORMAT.md: one object born and freed. */
void golden_tiny(const char *path);

#endif
