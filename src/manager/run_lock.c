/* run_lock.c: mlockall, whose limit counts addresses, ours among them: what we have reserved for
 * blocks to come is not the program's, and nobody can touch it yet.
 *
 * Promise: what the program has is locked, where its limit has room for that.
 * Exports nothing else.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/arch.h"
#include "core/memlock.h"

static int system_mlockall(int flags)
{
	return (int)-mm_arch_syscall(SYS_mlockall, (uint64_t)flags, 0, 0, 0, 0, 0);
}

/* 0 or an errno. */
static int lock_one_by_one(int flags)
{
	int error = flags & MCL_FUTURE ? system_mlockall(flags & ~MCL_CURRENT) : 0;

	return error ? error : mm_memlock_current(flags & MCL_ONFAULT, 0, 0);
}

__attribute__((visibility("default"))) int mlockall(int flags)
{
	int error = system_mlockall(flags);

	if (error == ENOMEM && (flags & MCL_CURRENT))
		error = lock_one_by_one(flags);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
