/* lowset.h: a set of small numbers that knows its lowest and its highest member.
 *
 * Promise: add, remove, lowest, highest and "next from n" look at one word a level, whatever
 * the set holds; nothing is allocated after init.
 * Vocabulary: level 0 has a bit for a number; a bit of level n + 1 says that a word of level
 * n is not 0.
 * Never: a lock; two threads at once.
 */
#ifndef MM_ALLOC_LOWSET_H
#define MM_ALLOC_LOWSET_H

#include <stdint.h>

#define MM_LOWSET_NONE UINT32_MAX

enum { MM_LOWSET_LEVELS = 4 /* 64^4 numbers */ };

struct mm_lowset {
	uint64_t *level[MM_LOWSET_LEVELS];
	uint32_t words[MM_LOWSET_LEVELS];
};

/* Bytes of memory that a set of numbers below `limit` (at most 2^24) needs. */
uint64_t mm_lowset_bytes(uint32_t limit);

/* How many of them, from the start, numbers below n (at most the limit) need. */
uint64_t mm_lowset_bytes_until(uint32_t limit, uint32_t n);

/* Empty, in `memory`: zero-filled, mm_lowset_bytes(limit) long, the caller's. */
void mm_lowset_init(struct mm_lowset *s, uint32_t limit, void *memory);

/* Adding what is there and removing what is not there change nothing. */
void mm_lowset_add(struct mm_lowset *s, uint32_t n);
void mm_lowset_remove(struct mm_lowset *s, uint32_t n);

static inline int mm_lowset_has(const struct mm_lowset *s, uint32_t n)
{
	return (int)(s->level[0][n / 64] >> n % 64 & 1);
}

/* MM_LOWSET_NONE when empty. */
uint32_t mm_lowset_lowest(const struct mm_lowset *s);
uint32_t mm_lowset_highest(const struct mm_lowset *s);

/* The lowest member that is not below n. */
uint32_t mm_lowset_from(const struct mm_lowset *s, uint32_t n);

#endif
