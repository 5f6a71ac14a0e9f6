/* probe.h: which memory a walk may read.
 *
 * Promise: mm_reach_word() is true only of words that lie in pages which the
 * kernel has said are readable: those of the thread's own stack, remembered for
 * as long as the thread lives; those of another stack the thread is on now
 * (coroutine, signal stack), remembered until the thread is seen elsewhere; any
 * others for the length of one walk.
 *
 * Vocabulary
 *   probe  what one thread remembers; lives in the thread's own block
 *   reach  what one walk may read
 *
 * Never: a fault, a lock, a change of errno. Signal-safe; a walk nested in a
 * signal handler learns nothing but how deep the thread's own stack has become.
 */
#ifndef MM_CAPTURE_PROBE_H
#define MM_CAPTURE_PROBE_H

#include <stdint.h>

struct mm_probe {
	uint64_t own_lo, own_hi;     /* the thread's own stack; hi 0 = not found */
	uint64_t guest_lo, guest_hi; /* the other stack it was last on */
};

struct mm_reach {
	uint64_t lo, hi;         /* run that holds the stack pointer */
	uint64_t far_lo, far_hi; /* elsewhere: a stack that was switched from */
	struct mm_probe *learn;  /* NULL: nested */
};

/* Of n pages from `page` on, how many are readable before the first that is not. */
uint32_t mm_probe_pages(uint64_t page, uint32_t n);

/* Fills *r for a walk that starts at stack pointer sp. */
void mm_reach_begin(struct mm_reach *r, struct mm_probe *p, uint64_t sp, int nested);

/* Out of line: asks the kernel. */
int mm_reach_extend(struct mm_reach *r, uint64_t addr);

/* True when the 8 bytes at addr may be read. */
static inline int mm_reach_word(struct mm_reach *r, uint64_t addr)
{
	if (__builtin_expect(addr >= r->lo && addr < r->hi && r->hi - addr >= 8, 1))
		return 1;
	return mm_reach_extend(r, addr);
}

#endif
