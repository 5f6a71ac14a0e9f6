/* bumpalloc.h: an allocator that may be entered anywhere, by signal handlers too:
 * blocks are cut from one static region with one atomic add and never used again.
 * A program that includes it may allocate in its handlers without being wrong, so
 * every oddity is the recorder's. Built into a library of its own (see `lib:`). */
#ifndef VICTIM_BUMPALLOC_H
#define VICTIM_BUMPALLOC_H
#include <stddef.h>
extern char bump_marker; /* forces the library to be linked */
#endif
