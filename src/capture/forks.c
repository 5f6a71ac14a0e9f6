/* forks.c: children that are copies. */
#include "capture/forks.h"

#include <linux/membarrier.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/catnames.h"
#include "capture/hookstate.h"
#include "capture/ring.h"
#include "capture/syscalls.h"
#include "capture/told.h"
#include "core/shm.h"

/* A slot of the process table, or UINT32_MAX. */
static uint32_t claim_process(void)
{
	struct mm_shm_control *c = mm_target.base;
	uint32_t slot = atomic_fetch_add(&c->process_next, 1);

	if (slot < MM_SHM_PROCESSES) {
		atomic_store(&mm_shm_process(c, slot)->state, MM_PROC_CLAIMED);
		return slot;
	}
	atomic_store(&c->process_next, MM_SHM_PROCESSES);
	for (slot = 1; slot < MM_SHM_PROCESSES; slot++) {
		uint32_t done = MM_PROC_DONE;
		if (atomic_compare_exchange_strong(&mm_shm_process(c, slot)->state, &done,
						   MM_PROC_CLAIMED))
			return slot;
	}
	return UINT32_MAX;
}

static void fill_process(struct mm_shm_process *p, uint32_t parent, uint64_t fork_stamp)
{
	p->pid = (uint32_t)mm_sys0(SYS_getpid);
	p->ppid = (uint32_t)mm_sys0(SYS_getppid);
	p->parent = parent + 1;
	p->start_stamp = mm_hook_stamp();
	p->fork_stamp = fork_stamp;
	atomic_store(&p->node_count, 0);
	atomic_store(&p->module_count, 0);
	atomic_store(&p->name_count, 0);
	atomic_store(&p->dir_seg, 0);
	atomic_store(&p->flags, 0);
	atomic_store(&p->dropped, 0);
	mm_target.pid = p->pid;
}

/* Everything about the thread that belonged to the parent goes. */
static void forget_ring(struct mm_hook *t)
{
	t->epoch = MM_HOOK_NO_EPOCH;
	t->refused = 0;
	mm_ring_forget(t);
	t->fork_stamp = 0;
	t->allocated = 0;
}

/* A handler has forked in the middle of a hook, which will go on here with addresses in the
 * parent's ring that it had already read. The mapping moves elsewhere, and memory of our
 * own comes where it was. Without memory for that all stays as it is. */
static void stand_apart(void)
{
	uint64_t old = mm_sys_ptr(mm_target.base), bytes = mm_target.bytes;
	long copy = mm_sys(SYS_mremap, old, 0, bytes, MREMAP_MAYMOVE, 0, 0);

	if (copy < 0 && copy > -4096)
		return;
	if (mm_sys(SYS_mmap, old, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, ~UINT64_C(0), 0) !=
	    (long)old) {
		mm_sys(SYS_munmap, (uint64_t)copy, bytes, 0, 0, 0, 0);
		return;
	}
	mm_sys(SYS_madvise, old, bytes, MADV_DONTDUMP, 0, 0, 0);
	mm_sys(SYS_madvise, (uint64_t)copy, bytes, MADV_DONTDUMP, 0, 0, 0);
	mm_target.base = (void *)copy;
}

bool mm_forks_adopt(struct mm_hook *t)
{
	uint32_t parent = mm_target.process;
	uint64_t forked = t->fork_stamp;
	uint32_t slot;

	if (t->inside != MM_HOOK_NONE)
		stand_apart();
	struct mm_shm_control *c = mm_target.base;
	forget_ring(t);
	if ((c->options & MM_OPT_NO_FOLLOW) || mm_shm_collector_gone(c))
		return false;
	slot = claim_process();
	if (slot == UINT32_MAX)
		return false;
	fill_process(mm_shm_process(c, slot), parent, forked);
	mm_target.process = slot;
	if (mm_stack_bind(c, slot, c->depth) != 0) {
		atomic_fetch_or(&mm_shm_process(c, slot)->flags, MM_PROCF_MAPFULL);
		atomic_store(&mm_shm_process(c, slot)->state, MM_PROC_LIVE);
		return false;
	}
	mm_catnames_inherit(t, parent);
	mm_told_inherit(parent);
	atomic_store_explicit(&mm_shm_process(c, slot)->state, MM_PROC_LIVE,
			      memory_order_release);
	mm_sys(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
	return true;
}

/* What pthread_atfork comes to; weak so that a program of another libc can at
 * least be loaded with us. */
extern int __register_atfork(void (*before)(void), void (*parent)(void), void (*child)(void),
			     void *library) __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static void before_fork(void)
{
	struct mm_hook *t = &mm_hook_self;
	struct mm_caller here = MM_CALLER_HERE();
	uint64_t w[2] = { MM_REC_HEAD(MM_REC_FORK, 0), 0 };

	if (!mm_hook_ready(t))
		return;
	bool nested = mm_hook_enter(t, &here);
	if (mm_ring_write(t, nested, w, 2))
		t->fork_stamp = w[1];
}

static void after_fork_parent(void)
{
	mm_hook_self.fork_stamp = 0;
}

static void after_fork_child(void)
{
	/* Where the kernel does not know MADV_WIPEONFORK this is all we have. A handler that came
	 * before this one may have allocated: then the child is adopted already. */
	if (mm_target.pid != (uint32_t)mm_sys0(SYS_getpid)) {
		atomic_store(&mm_hook_gate.word, 0);
		atomic_store(&mm_hook_gate.adopter, 0);
	}
	(void)mm_hook_ready(&mm_hook_self);
}

void mm_forks_watch(void)
{
	if (__register_atfork != NULL)
		__register_atfork(before_fork, after_fork_parent, after_fork_child,
				  &__dso_handle);
}
