/* segments.h: directories of segments that any thread may extend.
 *
 * Promise: a directory entry changes once, from 0 to a segment taken from the
 * pool; a segment taken by the loser of a race is kept for the next who asks.
 * Lock-free, signal-safe.
 */
#ifndef MM_CAPTURE_SEGMENTS_H
#define MM_CAPTURE_SEGMENTS_H

#include <stdatomic.h>
#include <stdint.h>

/* The segment in *entry, taken from the pool of the mapping at base if there is
 * none yet; 0 when the mapping is full. A new one is zero-filled if `clear`, and
 * else may hold anything. */
uint32_t mm_segment_of(void *base, _Atomic uint32_t *entry, int clear);

/* In a forked child: what was kept is the parent's. Single-threaded. */
void mm_segments_forget(void);

#endif
