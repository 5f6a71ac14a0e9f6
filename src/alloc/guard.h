/* guard.h: what a heap can watch for, and how it tells.
 *
 * Promise: each misuse below is caught by the weakest level named, exactly or, for the sampled
 * level, on the blocks that were drawn; what is damaged is marked and never given out again;
 * nothing aborts here.
 * Vocabulary
 *   level      off: nothing but what costs nothing.
 *              on: double, invalid and interior frees, from records out of line; writes behind
 *              a block by a canary, looked at when the block is freed or resized and by
 *              validate. The canary takes the bytes that the block's class leaves over, at
 *              most 8: a block that fills its class has none.
 *              sampled: one allocation in N is watched, the others are as with off.
 *              full: every block is watched, up to a number of them; beyond it as with on.
 *   watched    in a run of its own with a guard page behind it, and in quarantine when freed
 *   run        the slices of one watched block; its end is the guard page's start
 *   quarantine freed runs. Sampled, they are filled with poison that is looked at when they
 *              leave it (the oldest first), when they are used again, and by validate: writes
 *              after free show there, reads do not. Full, nobody may read or write them
 * A read or write in a guard page, or of a run that is shut, is a fault (SIGSEGV): whoever
 * handles it asks mm_heap_fault. */
#ifndef MM_ALLOC_GUARD_H
#define MM_ALLOC_GUARD_H

#include <stdint.h>

struct mm_context;
struct mm_heap;

enum mm_check { MM_CHECK_OFF, MM_CHECK_ON, MM_CHECK_SAMPLED, MM_CHECK_FULL, MM_CHECKS };

/* "off", "on", ...; NULL when there is no such level. And back: MM_EINVAL. */
const char *mm_check_name(enum mm_check level);
int mm_check_of(const char *name, enum mm_check *ret);

enum mm_misuse_kind {
	MM_MISUSE_DOUBLE_FREE,    /* of a block that was not given out again; on */
	MM_MISUSE_INTERIOR_FREE,  /* an address inside a live block; on */
	MM_MISUSE_INVALID_FREE,   /* any other address that is no block's; on */
	MM_MISUSE_OVERRUN,        /* bytes behind a block were written; on */
	MM_MISUSE_UNDERRUN,       /* bytes before a block were written; sampled */
	MM_MISUSE_USE_AFTER_FREE, /* a freed block was written; sampled. Or read; full */
	MM_MISUSE_WRONG_SIZE,     /* a block is freed as one of another size; on */
	MM_MISUSES
};

const char *mm_misuse_name(enum mm_misuse_kind kind);

struct mm_misuse {
	enum mm_misuse_kind kind;
	enum mm_check level;  /* of the heap that caught it */
	uint64_t addr;        /* what was freed or touched; else the first wrong byte */
	uint64_t block, size; /* the block meant, as far as known: 0 = none; what was requested */
	int64_t offset;       /* of addr from the block's start: negative before it */
	/* Places in the program, as its callers say (struct mm_context); 0 = not known: of the call
	 * that met it; of those that took and gave back the block, where it was watched. */
	uint64_t site, born, died;
	uint64_t said;        /* wrong size: what it was freed as */
};

/* Called in the thread whose call met the misuse, before that returns, no lock held. */
typedef void mm_misuse_sink(void *arg, const struct mm_misuse *m);

struct mm_check_counts {
	uint64_t kind[MM_MISUSES];
	uint64_t watched;     /* blocks given out watched */
	uint64_t beyond;      /* full: allocations that were not, by the limit or the system's */
	uint64_t quarantined; /* runs, now */
	uint64_t marked;      /* blocks never to be given out again, now */
	uint64_t marked_bytes;
	/* Simulated heaps: bytes that would have been written and looked at. */
	uint64_t canary_bytes, poisoned_bytes, verified_bytes;
};
void mm_heap_check_counts(struct mm_heap *h, struct mm_check_counts *ret);

/* The latest misuse. MM_ENOENT: there was none. */
int mm_heap_misuse(struct mm_heap *h, struct mm_misuse *ret);

/* The size that a program says a block has which it is about to free: MM_EINVAL, and told,
 * where it is known to be another; else MM_OK, whatever there is at addr. */
int mm_heap_said_size(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size);

/* Looks at every canary, padding and poison of the heap; each wrong one is told to the sink,
 * live blocks each time anew. MM_OK or MM_ECORRUPT. Nobody else may be in the heap. */
int mm_heap_validate(struct mm_heap *h);

/* The same at a program's end, in the thread whose context is c: where any other context is
 * there, only at what is free. Of several misuses the sink is told one. */
int mm_heap_validate_last(struct mm_heap *h, struct mm_context *c);

/* What a fault at that address means: MM_ENOENT when it is in no guard page or shut run. No lock,
 * no write: for handlers of signals. */
int mm_heap_fault(const struct mm_heap *h, uint64_t addr, struct mm_misuse *ret);

#endif
