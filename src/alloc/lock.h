/* lock.h: a lock of one word, for moments.
 *
 * Promise: fair enough for critical sections of a few hundred instructions; whoever waits
 * longer sleeps in the kernel. Zero-filled is unlocked.
 * Never: recursion; use in a signal handler of a thread that may hold it; any order but that of
 * lock_order.h.
 * Source of the algorithm: Drepper, "Futexes Are Tricky" (2011), mutex 2.
 */
#ifndef MM_ALLOC_LOCK_H
#define MM_ALLOC_LOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/single_threaded.h>

struct mm_lock {
	_Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
#ifdef MM_LOCK_ORDER
	uint32_t rank;          /* lock_order.h */
#endif
};

/* lock_order.c: before it is waited for, and once it is given. */
#ifdef MM_LOCK_ORDER
void mm_lock_order_taken(const struct mm_lock *l);
void mm_lock_order_given(const struct mm_lock *l);
#else
static inline void mm_lock_order_taken(const struct mm_lock *l) { (void)l; }
static inline void mm_lock_order_given(const struct mm_lock *l) { (void)l; }
#endif

void mm_lock_wait(struct mm_lock *l);
void mm_lock_wake(struct mm_lock *l);

/* While there is one thread, plain loads and stores do: nobody waits. libc knows (it does the
 * same for its own malloc), and a thread that comes sees what was stored before. */
static inline void mm_lock_take(struct mm_lock *l)
{
	uint32_t none = 0;

	mm_lock_order_taken(l);
	if (__libc_single_threaded &&
	    atomic_load_explicit(&l->state, memory_order_relaxed) == 0)
		atomic_store_explicit(&l->state, 1, memory_order_relaxed);
	else if (__builtin_expect(!atomic_compare_exchange_strong_explicit(&l->state, &none, 1,
			memory_order_acquire, memory_order_relaxed), 0))
		mm_lock_wait(l);
}

static inline void mm_lock_give(struct mm_lock *l)
{
	mm_lock_order_given(l);
	if (__libc_single_threaded)
		atomic_store_explicit(&l->state, 0, memory_order_relaxed);
	else if (__builtin_expect(atomic_exchange_explicit(&l->state, 0,
							   memory_order_release) == 2, 0))
		mm_lock_wake(l);
}

#endif
