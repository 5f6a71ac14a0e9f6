/* lock.c: waiting for a lock (lock.h). */
#include "alloc/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/arch.h"

enum { SPINS = 100 };

void mm_lock_wait(struct mm_lock *l)
{
	int saved = errno;

	for (int i = 0; i < SPINS; i++) {
		uint32_t none = 0;
		mm_arch_pause();
		if (atomic_load_explicit(&l->state, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_strong_explicit(&l->state, &none, 1,
				memory_order_acquire, memory_order_relaxed))
			return;
	}
	while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0)
		syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = saved;
}

void mm_lock_wake(struct mm_lock *l)
{
	int saved = errno;

	syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
