/* hookstate.h: what a hook must know about itself: is this process recorded, is
 * this thread registered, is another hook of this thread at work below it.
 *
 * Vocabulary
 *   gate       a word that is 0 in a process that has not been looked at; the
 *              kernel zeroes it in every child that copies our memory, however
 *              it was made, so no child ever writes to its parent's ring
 *   epoch      process slot + 1; a thread whose epoch is not the gate's word is
 *              not registered in this process
 *   outermost  the hook that found no other hook of its thread at work; only it
 *              publishes. Others (in signal handlers, or below a real realloc)
 *              are nested
 *   left       a hook that longjmp or a thread's end took off the stack before
 *              it was through
 *
 * Never: malloc, stdio, a lock, a change of errno. All of it is signal-safe.
 */
#ifndef MM_CAPTURE_HOOKSTATE_H
#define MM_CAPTURE_HOOKSTATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/bridge.h"
#include "capture/stack.h"
#include "core/arch.h"
#include "core/shm.h"

#define MM_EXPORT __attribute__((visibility("default")))
#define MM_LIKELY(x) __builtin_expect(!!(x), 1)
#define MM_UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
	MM_HOOK_NO_EPOCH = UINT32_MAX,
	MM_HOOK_CATEGORIES = 32 /* levels of mm_category_push that count */
};

/* How far the outermost hook is. */
enum mm_hook_inside {
	MM_HOOK_NONE = 0, /* no hook is at work */
	MM_HOOK_IN = 1,
	MM_HOOK_HOLDS = 2 /* busy, and has seen since that its segment is its own */
};

/* One thread. Zero except epoch until the thread's first recorded call. */
struct mm_hook {
	uint32_t epoch;
	uint32_t inside;             /* enum mm_hook_inside */
	uint64_t *next;              /* where the next record goes */
	uint64_t *end;               /* of this segment's data; NULL = not so fast */
	struct mm_seg *seg;
	struct mm_shm_thread *slot;
	uint64_t outer_sp, outer_ra; /* of the outermost hook's caller */
	uint32_t categories;         /* levels pushed, those that count or not */
	uint32_t slot_number;

	uint64_t *limit;             /* of this segment's data, always */
	struct mm_seg *published;    /* first segment not published to its end */
	uint64_t *pad;               /* where an interrupted hook may still write */
	uint32_t pad_words;
	uint64_t allocated;          /* object of the latest alloc record */
	uint64_t fork_stamp;         /* of a fork under way; 0 = none */
	uint32_t refused;            /* epoch that had no room for this thread */
	uint32_t looking;            /* lookups of ours under way: nothing is recorded */
	uint32_t looked_from;        /* epoch before them */
	uint16_t category[MM_HOOK_CATEGORIES];
	struct mm_stack_thread stack;
};

extern __thread struct mm_hook mm_hook_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

struct mm_hook_gate {
	_Atomic uint32_t word;
	_Atomic uint32_t adopter; /* thread that is looking at a new child */
	uint8_t pad[4096 - 8];
};
extern struct mm_hook_gate mm_hook_gate;

enum mm_target_mode {
	MM_TARGET_UNTRIED = 0,
	MM_TARGET_ATTACHING = 1,
	MM_TARGET_LIVE = 2,
	MM_TARGET_OFF = 3 /* not recorded, for good */
};

/* The process. Written while attaching and when a child is adopted. */
struct mm_target {
	void *base;
	uint64_t bytes;     /* mapped at base */
	uint32_t process;   /* slot */
	uint32_t options;   /* enum mm_shm_option */
	uint32_t monotonic; /* stamps are CLOCK_MONOTONIC ns */
	_Atomic uint32_t mode;
	_Atomic uint32_t owner; /* thread that attaches */
	uint32_t pid;           /* as this process sees itself */
};
extern struct mm_target mm_target;

/* The slow way in, for a thread or process not seen before: attaches, adopts a
 * forked child, registers the thread. True: *t may record. */
bool mm_hook_admit(struct mm_hook *t);

/* Stops recording in this process for good. */
void mm_hook_stop(void);

/* Marks the gate page so that a child finds zeroes there. True when the kernel
 * can; otherwise only libc's fork is noticed. */
bool mm_hook_gate_arm(void);

/* A hook was entered at sp while t says that one is at work: true when that one
 * has left the stack; what it had begun is then settled. In doubt false. */
bool mm_hook_outer_left(struct mm_hook *t, uint64_t sp);

/* libc's word for it, false before a second thread starts; absent from old ones. It does not
 * know of threads that the program makes past it, whose stamps may be a few ns early. */
extern char __libc_single_threaded __attribute__((weak));

/* Between threads the order of the stamps is that of the calls. A thread alone needs only
 * that of its own records, and a stamp may be read a little early. */
static inline uint64_t mm_hook_stamp(void)
{
	bool alone = &__libc_single_threaded != NULL && __libc_single_threaded;

	if (MM_UNLIKELY(mm_target.monotonic))
		return alone ? mm_bridge_ns() : mm_bridge_clock_ns();
	return alone ? mm_arch_stamp_alone() : mm_arch_stamp();
}

/* True when this thread may record. */
__attribute__((always_inline)) static inline bool mm_hook_ready(struct mm_hook *t)
{
	uint32_t word = atomic_load_explicit(&mm_hook_gate.word, memory_order_relaxed);

	if (MM_LIKELY(t->epoch == word))
		return true;
	return atomic_load_explicit(&mm_target.mode, memory_order_relaxed) != MM_TARGET_OFF &&
	       mm_hook_admit(t);
}

/* Enters as the outermost hook, called from *from. */
__attribute__((always_inline)) static inline void
mm_hook_begin(struct mm_hook *t, const struct mm_caller *from)
{
	t->inside = MM_HOOK_IN;
	t->outer_sp = from->sp;
	t->outer_ra = from->ra;
	atomic_signal_fence(memory_order_seq_cst);
}

/* Enters a hook called from *from; true = nested. Leave through the ring
 * (capture/ring.h). */
static inline bool mm_hook_enter(struct mm_hook *t, const struct mm_caller *from)
{
	if (MM_UNLIKELY(t->inside) && !mm_hook_outer_left(t, from->sp))
		return true;
	mm_hook_begin(t, from);
	return false;
}

#endif
