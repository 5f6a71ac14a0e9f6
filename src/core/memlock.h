/* memlock.h: what mlockall does, but not to memory that is ours.
 *
 * For a library in somebody else's program that has reserved, or shares, more addresses than the
 * program would ever lock.
 * Signal-safe. Never: memory of its own, a descriptor left open, errno touched.
 */
#ifndef MM_CORE_MEMLOCK_H
#define MM_CORE_MEMLOCK_H

#include <stdint.h>

/* Locks every mapping that there is now but those that begin in the given range; on_fault: pages as
 * they come (MLOCK_ONFAULT). What cannot be touched, or is but zero to who reads it, comes last and
 * may stay unlocked. 0, or the errno of the system: some may be locked then. */
int mm_memlock_current(int on_fault, uint64_t but_base, uint64_t but_bytes);

#endif
