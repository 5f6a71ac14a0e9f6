/* gate.h: who is asked before a pool takes more, and told when it gives some back.
 *
 * Promise: asked for every byte that counts, once; a refusal leaves the pool as it is.
 * Vocabulary: refused = the pool says MM_ELIMIT, or NULL.
 * Zero-filled: nobody is asked. Asked with the pool's lock held: `ask` must not call the pool.
 */
#ifndef MM_ALLOC_GATE_H
#define MM_ALLOC_GATE_H

#include <stdint.h>

struct mm_gate {
	/* 0 = granted; never refuses less than nothing. */
	int (*ask)(void *arg, int64_t bytes);
	void *arg;
};

static inline int mm_gate_ask(const struct mm_gate *g, uint64_t bytes)
{
	return g->ask && bytes ? g->ask(g->arg, (int64_t)bytes) : 0;
}

static inline void mm_gate_tell(const struct mm_gate *g, uint64_t bytes)
{
	if (g->ask && bytes)
		g->ask(g->arg, -(int64_t)bytes);
}

#endif
