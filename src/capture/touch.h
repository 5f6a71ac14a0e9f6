/* touch.h: memory that will be written soon, made ready with one call instead of a fault for
 * each page: on a virtual machine a fault can take ten times as long as the page.
 *
 * Never: an error. Where the kernel does not know how, the faults come as ever. Signal-safe.
 */
#ifndef MM_CAPTURE_TOUCH_H
#define MM_CAPTURE_TOUCH_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/arch.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif

enum { MM_TOUCH_PAGE = 4096 };

/* The pages that hold these bytes. */
static inline void mm_touch(const volatile void *at, uint64_t bytes)
{
	uint64_t lo = (uintptr_t)at & ~(uint64_t)(MM_TOUCH_PAGE - 1);

	mm_arch_syscall(SYS_madvise, lo, (uintptr_t)at + bytes - lo, MADV_POPULATE_WRITE, 0, 0, 0);
}

#endif
