/* bell.h: what the collector sleeps on.
 *
 * Promise: a ring between the last look and the sleep is not missed; targets that fill
 * a segment, the server thread and signal handlers can all ring.
 * Vocabulary: ring = raise the word and wake; wake word = mm_shm_control.wake_seq.
 */
#ifndef MM_COLLECT_BELL_H
#define MM_COLLECT_BELL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/image.h"

/* Caller's memory, zero-initialised. */
struct mm_bell {
	_Atomic uint32_t word;
};

/* Any thread, signal-safe. */
void mm_bell_ring(struct mm_bell *b);

/* To be read before looking for work. */
static inline uint32_t mm_bell_look(struct mm_bell *b)
{
	return atomic_load(&b->word);
}

/* Sleeps at most ns nanoseconds, not at all when the bell has rung since `seen`; with
 * images, until one of their targets has filled a segment, too. */
void mm_bell_wait(struct mm_bell *b, uint32_t seen, struct mm_image *const *images,
		  size_t count, uint64_t ns);

#endif
