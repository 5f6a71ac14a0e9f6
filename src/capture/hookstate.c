/* hookstate.c: the slow way into a hook. */
#include "capture/hookstate.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "capture/attach.h"
#include "capture/chain.h"
#include "capture/forks.h"
#include "capture/newops.h"
#include "capture/probe.h"
#include "capture/ring.h"
#include "capture/syscalls.h"

__thread struct mm_hook mm_hook_self = { .epoch = MM_HOOK_NO_EPOCH };
struct mm_target mm_target;
_Alignas(4096) struct mm_hook_gate mm_hook_gate;

extern char **environ;

/* Absent from other C libraries, in which we only pass calls on. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

bool mm_hook_gate_arm(void)
{
	return mm_sys(SYS_madvise, mm_sys_ptr(&mm_hook_gate), sizeof mm_hook_gate,
		      MADV_WIPEONFORK, 0, 0, 0) == 0;
}

void mm_hook_stop(void)
{
	atomic_store(&mm_target.mode, MM_TARGET_OFF);
	atomic_store(&mm_hook_gate.word, 0);
	atomic_fetch_or(&mm_shm_process(mm_target.base, mm_target.process)->flags,
			MM_PROCF_GAVE_UP);
}

/* --- threads ------------------------------------------------------------------ */

static bool claim_thread(uint32_t slot)
{
	struct mm_shm_thread *s = mm_shm_thread(mm_target.base, slot);
	uint32_t none = MM_THREAD_FREE;

	return atomic_load_explicit(&s->state, memory_order_relaxed) == none &&
	       atomic_compare_exchange_strong(&s->state, &none, MM_THREAD_CLAIMED);
}

/* A slot that the collector has freed, or one never used; UINT32_MAX = table full.
 * Looks at few freed slots while there are new ones. */
static uint32_t find_thread_slot(void)
{
	struct mm_shm_control *c = mm_target.base;
	static _Atomic uint32_t hint;
	uint32_t used = atomic_load(&c->thread_next);
	uint32_t tries = used < MM_SHM_THREADS ? 64 : MM_SHM_THREADS;
	uint32_t at = atomic_load(&hint);

	for (uint32_t i = 0; i < tries && i < used; i++, at++) {
		at = at < used ? at : 0;
		if (claim_thread(at)) {
			atomic_store(&hint, at + 1);
			return at;
		}
	}
	atomic_store(&hint, at);
	while (used < MM_SHM_THREADS)
		if (atomic_compare_exchange_weak(&c->thread_next, &used, used + 1) &&
		    claim_thread(used))
			return used;
	return UINT32_MAX;
}

static bool register_thread(struct mm_hook *t, uint32_t epoch)
{
	uint32_t n = find_thread_slot();
	struct mm_shm_thread *s;

	if (n == UINT32_MAX) {
		t->refused = epoch;
		return false;
	}
	s = mm_shm_thread(mm_target.base, n);
	atomic_store(&s->busy, 0);
	atomic_store(&s->seg, 0);
	atomic_store(&s->first_seg, 0);
	atomic_store(&s->ring_segs, 0);
	atomic_store(&s->dropped, 0);
	atomic_store(&s->events, 0);
	s->process = mm_target.process;
	s->tid = (uint32_t)mm_sys0(SYS_gettid);
	s->start_stamp = mm_hook_stamp();
	mm_sys(SYS_prctl, PR_GET_NAME, mm_sys_ptr(s->name), 0, 0, 0, 0);
	atomic_store_explicit(&s->state, MM_THREAD_LIVE, memory_order_release);
	mm_ring_forget(t);
	t->slot = s;
	t->slot_number = n;
	mm_stack_thread_adopt(&t->stack, n);
	t->epoch = epoch;
	return true;
}

/* --- processes ---------------------------------------------------------------- */

/* Opens the gate for process slot mm_target.process. */
static void go_live(void)
{
	atomic_store(&mm_target.mode, MM_TARGET_LIVE);
	atomic_store_explicit(&mm_hook_gate.word, mm_target.process + 1,
			      memory_order_release);
}

static void first_look(void)
{
	uint32_t untried = MM_TARGET_UNTRIED;

	if (!atomic_compare_exchange_strong(&mm_target.mode, &untried,
					    MM_TARGET_ATTACHING))
		return;
	atomic_store(&mm_target.owner, (uint32_t)mm_sys0(SYS_gettid));
	mm_chain_resolve();
	if (gnu_get_libc_version != NULL && mm_attach())
		go_live();
	else
		atomic_store(&mm_target.mode, MM_TARGET_OFF);
}

/* Another thread is at it (or this one, which then came here by way of what it
 * calls): false. */
static bool await_attach(void)
{
	uint32_t self = (uint32_t)mm_sys0(SYS_gettid);

	while (atomic_load(&mm_target.mode) == MM_TARGET_ATTACHING) {
		if (atomic_load(&mm_target.owner) == self)
			return false;
		if (mm_target.pid != 0 && mm_target.pid != (uint32_t)mm_sys0(SYS_getpid)) {
			/* Forked while another thread attached: it is not here. */
			atomic_store(&mm_target.mode, MM_TARGET_OFF);
			return false;
		}
		mm_sys_sleep_us(200);
	}
	return true;
}

static void adopt(struct mm_hook *t)
{
	uint32_t none = 0;
	uint32_t self = (uint32_t)mm_sys0(SYS_gettid);

	if (!atomic_compare_exchange_strong(&mm_hook_gate.adopter, &none, self)) {
		while (none != self && atomic_load(&mm_hook_gate.word) == 0 &&
		       atomic_load(&mm_target.mode) == MM_TARGET_LIVE)
			mm_sys_sleep_us(200);
		return;
	}
	if (mm_forks_adopt(t))
		go_live();
	else
		atomic_store(&mm_target.mode, MM_TARGET_OFF);
}

static bool admit(struct mm_hook *t)
{
	if (atomic_load(&mm_target.mode) == MM_TARGET_UNTRIED)
		first_look();
	if (!await_attach())
		return false;
	if (atomic_load(&mm_target.mode) == MM_TARGET_LIVE &&
	    atomic_load(&mm_hook_gate.word) == 0)
		adopt(t);
	uint32_t word = atomic_load(&mm_hook_gate.word);
	return word != 0 && (t->epoch == word || register_thread(t, word));
}

bool mm_hook_admit(struct mm_hook *t)
{
	uint32_t mode = atomic_load_explicit(&mm_target.mode, memory_order_relaxed);
	uint32_t word = atomic_load_explicit(&mm_hook_gate.word, memory_order_relaxed);
	uint64_t mask;
	bool ok;

	if (t->looking)
		return false;
	/* Before libc has its environment nothing can be known. */
	if (mode == MM_TARGET_OFF || (mode == MM_TARGET_UNTRIED && environ == NULL))
		return false;
	if (word != 0 && t->refused == word) {
		atomic_fetch_add(&mm_shm_process(mm_target.base,
						 mm_target.process)->dropped, 1);
		return false;
	}
	mm_sys_block(&mask);
	ok = admit(t);
	mm_sys_unblock(&mask);
	return ok;
}

__attribute__((constructor)) static void look_early(void)
{
	mm_newops_resolve();
	(void)mm_hook_ready(&mm_hook_self);
}

/* --- hooks that were left ------------------------------------------------------ */

static bool on_signal_stack(void)
{
	stack_t now = { 0 };

	return mm_sys(SYS_sigaltstack, 0, mm_sys_ptr(&now), 0, 0, 0, 0) != 0 ||
	       (now.ss_flags & SS_ONSTACK) != 0;
}

static bool has_left(const struct mm_hook *t, uint64_t sp)
{
	uint64_t at = t->outer_sp - sizeof(uint64_t);

	if (on_signal_stack())
		return false;
	/* On one stack, a hook that is still at work lies further in than any
	 * frame it did not call; and its return address stands where it was. */
	if (sp >= t->outer_sp)
		return true;
	return mm_probe_pages(at & ~UINT64_C(4095), 1) == 1 &&
	       *(const uint64_t *)at != t->outer_ra;
}

bool mm_hook_outer_left(struct mm_hook *t, uint64_t sp)
{
	if (!has_left(t, sp))
		return false;
	mm_ring_recover(t);
	return true;
}
