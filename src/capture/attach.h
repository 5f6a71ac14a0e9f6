/* attach.h: how a fresh image finds its collector.
 *
 * Promise: one connection, one mapping, every descriptor closed again; at most a
 * few seconds even when the other side is stuck; whatever fails, the program runs
 * unrecorded and nothing is printed.
 * Never: stdio, malloc, a descriptor left open, a change of errno.
 */
#ifndef MM_CAPTURE_ATTACH_H
#define MM_CAPTURE_ATTACH_H

#include <stdbool.h>

/* Connects, maps, fills process slot 0, binds the call tree. True: mm_target is
 * complete and recording may start. Called once an image, by one thread. */
bool mm_attach(void);

#endif
