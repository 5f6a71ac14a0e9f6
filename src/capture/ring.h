/* ring.h: one thread's way into the shared memory (core/shm.h).
 *
 * Promise: a record is written where the ring ends and taken into it by one
 * instruction that no signal handler of the thread can divide; a handler that
 * recorded in between makes that instruction fail, and the record is stamped and
 * written again behind the handler's. So nothing is lost, records are in the order
 * they were made, and a hook left by longjmp leaves nothing behind. A hook whose
 * handler forked is told so in the child, where its record would be of another process. What the interrupted hook has
 * written or is about to write lands in a pad that the handler's hook leaves it. A
 * writer far ahead lets the collector run; a ring without space makes its writer wait
 * (holding no stamp, busy or segment) or drop, as the recording was told; a collector
 * that is gone ends the wait and the recording.
 *
 * Vocabulary: commit = take into the ring; publish = let the collector see; hole
 * = space committed as MM_REC_VOID to be filled before it is published.
 * Never: malloc, a lock, a change of errno; on the fast path no system call and
 * no locked instruction. Everything is signal-safe.
 */
#ifndef MM_CAPTURE_RING_H
#define MM_CAPTURE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/hookstate.h"
#include "core/arch.h"
#include "core/shm.h"

enum { MM_RING_REALLOC_WORDS = 6, MM_RING_AHEAD_WORDS = 64 };

/* The thread has no slot and no ring, or none that is its own: its next record starts
 * one. A hook that was at work in the parent is at an end; it may go on wherever it was,
 * and what it still writes by way of *t goes to memory that nobody reads. */
void mm_ring_forget(struct mm_hook *t);

/* Commits the n words at w, stamping w[1], and leaves the hook: publishes unless
 * nested. Waits for space. False: the process forked in the middle and this is the child,
 * or a handler took the hook for left; nothing is written, the hook is left, and what it
 * knows (its node) may be the parent's: it must begin anew, by mm_hook_ready(). */
bool mm_ring_write(struct mm_hook *t, bool nested, uint64_t *w, uint32_t n);

/* mm_ring_hole() where there is more to do. */
uint64_t *mm_ring_hole_slow(struct mm_hook *t, bool nested, bool *ret_again);

/* Leaves a hook: publishes what is committed, nested hooks' records included. */
void mm_ring_leave(struct mm_hook *t);

/* Publishes what an outermost hook that has been left had committed. */
void mm_ring_recover(struct mm_hook *t);

/* Asks the collector to look. */
void mm_ring_wake(void);

static inline uint32_t mm_ring_bytes(const struct mm_seg *seg, const uint64_t *upto)
{
	return (uint32_t)((const char *)upto - (const char *)seg->data);
}

/* Publishes up to w and leaves, given that w was committed in seg and that all
 * before it is published. */
__attribute__((always_inline)) static inline void
mm_ring_leave_at(struct mm_hook *t, struct mm_shm_thread *slot, struct mm_seg *seg,
		 uint64_t *w)
{
	atomic_store_explicit(&seg->head, mm_ring_bytes(seg, w), memory_order_release);
	t->inside = MM_HOOK_NONE;
	atomic_signal_fence(memory_order_seq_cst);
	/* A handler's hook that still found us inside did not publish. */
	if (MM_UNLIKELY(*(uint64_t *volatile *)&t->next != w))
		mm_ring_leave(t);
	else
		atomic_store_explicit(&slot->busy, 0, memory_order_release);
}

/* True unless that has happened. In this order: a fork before `next` was read shows in
 * `inside`, one behind it makes the commit fail. */
static inline bool mm_ring_is_ours(const struct mm_hook *t)
{
	return *(const volatile uint32_t *)&t->inside != MM_HOOK_NONE;
}

/* A commit failed. In a child it may have been noted that the hook holds a segment that is
 * the parent's. */
static inline void mm_ring_look_back(struct mm_hook *t, const struct mm_shm_thread *slot)
{
	if (t->slot != slot)
		t->inside = MM_HOOK_NONE;
}

/* mm_ring_put() where there is more to do. */
bool mm_ring_put_slow(struct mm_hook *t, bool nested, uint32_t n, uint64_t w0, uint64_t w2,
		      uint64_t w3);

/* Commits and publishes a record of n words (2 .. 4; w0, the stamp, w2, w3) of the
 * outermost hook and leaves it. False as mm_ring_write(). */
__attribute__((always_inline)) static inline bool
mm_ring_put(struct mm_hook *t, uint32_t n, uint64_t w0, uint64_t w2, uint64_t w3)
{
	struct mm_shm_thread *slot = t->slot;

	atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	uint64_t *w = *(uint64_t *volatile *)&t->next;
	bool ours = mm_ring_is_ours(t);
	struct mm_seg *seg = t->seg;
	if (MM_LIKELY(ours && w + n <= t->end &&
		      atomic_load_explicit(&slot->seg, memory_order_relaxed) != 0)) {
		t->inside = MM_HOOK_HOLDS;
		/* The collector has read these lines since they were last written. */
		mm_arch_prefetch_write(w + MM_RING_AHEAD_WORDS);
		atomic_signal_fence(memory_order_seq_cst);
		w[0] = w0;
		if (n > 2)
			w[2] = w2;
		if (n > 3)
			w[3] = w3;
		w[1] = mm_hook_stamp();
		if (MM_LIKELY(mm_arch_local_cas(&t->next, w, w + n))) {
			mm_arch_local_inc(&slot->events);
			mm_ring_leave_at(t, slot, seg, w + n);
			return true;
		}
		mm_ring_look_back(t, slot);
	}
	return mm_ring_put_slow(t, false, n, w0, w2, w3);
}

/* Commits an unpublished hole of MM_RING_REALLOC_WORDS and marks the thread busy;
 * waits for space unless nested. NULL = nothing to fill, the hook has been left: for want
 * of space, or (*ret_again) where mm_ring_write() would give false. */
static inline uint64_t *mm_ring_hole(struct mm_hook *t, bool nested, bool *ret_again)
{
	const uint32_t n = MM_RING_REALLOC_WORDS;

	if (MM_LIKELY(!nested)) {
		struct mm_shm_thread *slot = t->slot;

		atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		uint64_t *w = *(uint64_t *volatile *)&t->next;
		bool ours = mm_ring_is_ours(t);
		if (MM_LIKELY(ours && w + n <= t->end &&
			      atomic_load_explicit(&slot->seg, memory_order_relaxed) != 0)) {
			t->inside = MM_HOOK_HOLDS;
			atomic_signal_fence(memory_order_seq_cst);
			w[0] = MM_REC_HEAD(MM_REC_VOID, n - 1);
			if (MM_LIKELY(mm_arch_local_cas(&t->next, w, w + n)))
				return w;
			mm_ring_look_back(t, slot);
		}
	}
	return mm_ring_hole_slow(t, nested, ret_again);
}

#endif
