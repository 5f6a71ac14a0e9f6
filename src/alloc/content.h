/* content.h: the only place where the engine reads or writes what is in blocks.
 *
 * Promise: simulated, nothing is touched; the bytes are counted all the same.
 * Vocabulary: zero and copy are what a program asks for (calloc, realloc); poison and canary
 * are the engine's own, in checked modes.
 * Thread-safe. */
#ifndef MM_ALLOC_CONTENT_H
#define MM_ALLOC_CONTENT_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct mm_content {
	int simulated;
	_Atomic uint64_t zeroed, copied; /* bytes */
};

static inline void mm_content_zero(struct mm_content *c, uint64_t addr, uint64_t bytes)
{
	if (c->simulated)
		atomic_fetch_add_explicit(&c->zeroed, bytes, memory_order_relaxed);
	else
		memset((void *)(uintptr_t)addr, 0, bytes);
}

/* Ranges do not overlap. */
static inline void mm_content_copy(struct mm_content *c, uint64_t to, uint64_t from,
				   uint64_t bytes)
{
	if (c->simulated)
		atomic_fetch_add_explicit(&c->copied, bytes, memory_order_relaxed);
	else
		memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes);
}

#endif
