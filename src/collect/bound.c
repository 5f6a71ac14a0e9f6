/* bound.c: membarrier (bound.h). Targets register for the expedited kind when they
 * start; where that fails the slow kind is right too. */
#include "collect/bound.h"

#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

void mm_bound_barrier(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	atomic_thread_fence(memory_order_seq_cst);
}
