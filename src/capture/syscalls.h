/* syscalls.h: system calls as the preload makes them.
 *
 * Promise: errno is as it was; the result is the kernel's, negative errno on
 * failure. Goes past every interposed function, this library's own included.
 * Never: a cancellation point, a lock, memory.
 */
#ifndef MM_CAPTURE_SYSCALLS_H
#define MM_CAPTURE_SYSCALLS_H

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Any system call; arguments as the kernel takes them. Signal-safe. */
static inline long mm_sys(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e, uint64_t f)
{
	int keep = errno;
	long r = syscall(nr, a, b, c, d, e, f);

	if (r == -1)
		r = -errno;
	errno = keep;
	return r;
}

#define mm_sys0(nr) mm_sys(nr, 0, 0, 0, 0, 0, 0)

static inline uint64_t mm_sys_ptr(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Waits until *word differs from seen or ms milliseconds have passed. */
static inline void mm_sys_wait(_Atomic uint32_t *word, uint32_t seen, uint32_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)mm_sys(SYS_futex, mm_sys_ptr(word), FUTEX_WAIT, seen, mm_sys_ptr(&t), 0, 0);
}

static inline void mm_sys_wake(_Atomic uint32_t *word)
{
	(void)mm_sys(SYS_futex, mm_sys_ptr(word), FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

static inline void mm_sys_sleep_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	(void)mm_sys(SYS_nanosleep, mm_sys_ptr(&t), 0, 0, 0, 0, 0);
}

/* Kernel's signal set: one word. Blocks everything; *old is for mm_sys_unblock. */
static inline void mm_sys_block(uint64_t *old)
{
	uint64_t all = ~UINT64_C(0);

	*old = 0;
	(void)mm_sys(SYS_rt_sigprocmask, SIG_SETMASK, mm_sys_ptr(&all), mm_sys_ptr(old),
		     sizeof all, 0, 0);
}

static inline void mm_sys_unblock(const uint64_t *old)
{
	(void)mm_sys(SYS_rt_sigprocmask, SIG_SETMASK, mm_sys_ptr(old), 0, sizeof *old, 0, 0);
}

#endif
