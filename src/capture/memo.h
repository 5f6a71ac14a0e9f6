/* memo.h: the stacks that one thread was lately seen on.
 *
 * Promise: a stack is taken for one seen before only after every word that the
 * walk read then has been read again and found equal, in the order in which the
 * walk read them, none after the first difference. So each address read is the
 * one that a fresh walk would read next, and the answer is the fresh walk's.
 *
 * Vocabulary
 *   entry   one stack: its node, the words read, and the frames. Its outer part
 *           may be that of another entry, its base, to which it links
 *   arena   where entries are written one after another, round and round: the
 *           oldest are overwritten. Starts small, grows while it is of use.
 *   stamp   load generation and binding: entries of another stamp are dead
 *   next    the entry that was used after an entry last time: the first to be tried
 *   join    a walk has come to a frame that is also in the latest entry
 *
 * Never: a lock; a system call but to grow. One thread each; an abandoned update
 * (longjmp out of a handler) leaves an entry unfound, never a wrong one.
 */
#ifndef MM_CAPTURE_MEMO_H
#define MM_CAPTURE_MEMO_H

#include <stdint.h>

#include "capture/walk.h"

struct mm_stack_memo;
struct mm_memo_entry;

/* How far a join with one entry has got. */
struct mm_memo_join {
	const struct mm_memo_entry *entry; /* NULL = nothing to join */
	uint64_t position;                 /* of it in the arena */
	uint32_t frame;                    /* first of its frames not yet passed */
	uint32_t bad;                      /* its words before this one are of no use */
	uint32_t joined;                   /* the walk's last frame is that frame */
};

/* A memo for stacks of at most `depth` frames, or NULL without memory. */
struct mm_stack_memo *mm_memo_new(uint32_t depth);
void mm_memo_free(struct mm_stack_memo *m);

/* A second memo for a handler that interrupts the use of m, and back: one is kept, so that
 * a storm of signals does not map and unmap one each. NULL without memory. */
struct mm_stack_memo *mm_memo_take_spare(struct mm_stack_memo *m);
void mm_memo_give_spare(struct mm_stack_memo *m, struct mm_stack_memo *spare);

/* Memory for one walk at a time, for as many frames as the memo was made for. */
struct mm_trail *mm_memo_trail(struct mm_stack_memo *m);

/* The node of the stack at (place, sp, bp) when it is one of the entries: 1 and
 * *ret_node, else 0. Reads nothing outside [sp, hi), which must be readable. */
int mm_memo_find(struct mm_stack_memo *m, uint64_t stamp, uint64_t place, uint64_t sp,
		 uint64_t bp, uint64_t hi, uint32_t *ret_node);

/* Prepares to join the latest entry. */
void mm_memo_join_begin(const struct mm_stack_memo *m, uint64_t stamp, struct mm_memo_join *j);

/* When the trail's last frame is one of the entry's and the rest of the entry
 * still holds: gives that frame its hash and returns how the entry ended; else
 * MM_WALK_ON. Reads nothing at or above reach->hi. */
enum mm_walk_end mm_memo_join(const struct mm_stack_memo *m, struct mm_memo_join *j,
			      struct mm_walk *w);

/* Keeps a plain trail with its hashes, that of the stack for which mm_memo_find() last said
 * no, and what it joined (may be NULL: nothing). `end` is how it ended. The trail is of no
 * use any more. Gives an entry that mm_memo_seal() must complete before any other call, or
 * that is dropped; NULL = it cannot be kept. */
struct mm_memo_entry *mm_memo_keep(struct mm_stack_memo *m, const struct mm_memo_join *join,
				   struct mm_walk *w, enum mm_walk_end end);

/* From now on that stack is found, with this node. */
void mm_memo_seal(struct mm_stack_memo *m, struct mm_memo_entry *e, uint64_t stamp,
		  uint32_t node);

/* What the memo has done; for tests and benches. */
struct mm_memo_counts {
	uint64_t hits, joins, kept;
	uint64_t bytes; /* of the arena */
};
void mm_memo_counts(const struct mm_stack_memo *m, struct mm_memo_counts *ret);

/* In a forked child: the arenas of the parent's threads no longer count. */
void mm_memo_forget_all(void);

#endif
