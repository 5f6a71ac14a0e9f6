/* hooks_lock.c: mlockall, which would otherwise fill the whole sparse mapping that we
 * share with the collector, gigabytes of it, with real memory.
 *
 * Promise: everything of the program's is locked, as it asked; what is ours is not.
 * Never: a descriptor left open, memory of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/syscalls.h"

MM_EXPORT int mlockall(int flags);

struct maps {
	int fd;
	uint32_t at, len;
	char buf[1024];
};

struct range {
	uint64_t start, end;
	bool accessible;
};

static int next_char(struct maps *m)
{
	if (m->at == m->len) {
		long n = mm_sys(SYS_read, (uint64_t)m->fd, mm_sys_ptr(m->buf), sizeof m->buf, 0, 0, 0);
		if (n <= 0)
			return -1;
		m->len = (uint32_t)n;
		m->at = 0;
	}
	return (unsigned char)m->buf[m->at++];
}

/* A hexadecimal number and the character behind it. */
static bool read_hex(struct maps *m, uint64_t *out)
{
	uint64_t n = 0;
	int c;

	while ((c = next_char(m)) >= 0) {
		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	*out = n;
	return c >= 0;
}

/* The next line of /proc/self/maps. */
static bool read_range(struct maps *m, struct range *r)
{
	int c;

	if (!read_hex(m, &r->start) || !read_hex(m, &r->end))
		return false;
	r->accessible = false;
	for (int i = 0; i < 3; i++)
		r->accessible |= next_char(m) != '-';
	do
		c = next_char(m);
	while (c >= 0 && c != '\n');
	return true;
}

static bool is_ours(const struct range *r)
{
	uint64_t base = mm_sys_ptr(mm_target.base);

	return r->start >= base && r->start < base + mm_target.bytes;
}

/* Locks every mapping of the program's there is now; 0 or an errno. */
static int lock_each(bool on_fault)
{
	const uint64_t user_end = UINT64_C(1) << 47;
	struct maps m = { .at = 0, .len = 0 };
	struct range r;
	int error = 0;

	m.fd = (int)mm_sys(SYS_openat, (uint64_t)AT_FDCWD, mm_sys_ptr("/proc/self/maps"),
			   O_RDONLY | O_CLOEXEC, 0, 0, 0);
	if (m.fd < 0)
		return -m.fd;
	while (error == 0 && read_range(&m, &r)) {
		if (is_ours(&r) || r.start >= user_end)
			continue;
		long e = mm_sys(SYS_mlock2, r.start, r.end - r.start,
				on_fault ? MLOCK_ONFAULT : 0, 0, 0, 0);
		/* What cannot be touched cannot be filled, which is no failure. */
		if (e < 0 && r.accessible)
			error = (int)-e;
	}
	mm_sys(SYS_close, (uint64_t)m.fd, 0, 0, 0, 0, 0);
	return error;
}

MM_EXPORT int mlockall(int flags)
{
	int error;

	if (mm_target.base == NULL || !(flags & MCL_CURRENT) ||
	    (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return mm_chain.mlockall(flags);
	if ((flags & MCL_FUTURE) && mm_chain.mlockall(flags & ~MCL_CURRENT) != 0)
		return -1;
	error = lock_each(flags & MCL_ONFAULT);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
