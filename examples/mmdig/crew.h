/* crew.h: threads that share out work on bricks.
 *
 * Promise: every piece is done once, by a thread that its number alone decides; what was done
 * is there when crew_each returns.
 */
#ifndef CREW_H
#define CREW_H

#include <stddef.h>

#include "store.h"

enum { CREW_MOST = 64 };

struct crew;

/* The caller is one of `threads`, 2 to CREW_MOST. NULL when they cannot be started. The store
 * outlives it. */
struct crew *crew_open(struct store *s, unsigned threads);
void crew_close(struct crew *c);

/* Calls `piece` for 0 to count - 1; it may read what no piece writes, and write what is its own. */
void crew_each(struct crew *c, size_t count, void (*piece)(void *arg, size_t i), void *arg);

#endif
