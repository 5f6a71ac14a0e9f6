/* hooks_lock.c: mlockall, which would otherwise fill the whole sparse mapping that we
 * share with the collector, gigabytes of it, with real memory.
 *
 * Promise: everything of the program's is locked, as it asked; what is ours is not.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/syscalls.h"
#include "core/memlock.h"

MM_EXPORT int mlockall(int flags);

MM_EXPORT int mlockall(int flags)
{
	int error;

	if (mm_target.base == NULL || !(flags & MCL_CURRENT) ||
	    (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return mm_chain.mlockall(flags);
	if ((flags & MCL_FUTURE) && mm_chain.mlockall(flags & ~MCL_CURRENT) != 0)
		return -1;
	error = mm_memlock_current(flags & MCL_ONFAULT, mm_sys_ptr(mm_target.base),
				   mm_target.bytes);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
