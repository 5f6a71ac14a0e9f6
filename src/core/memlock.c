/* memlock.c: /proc/self/maps, one mapping after the other (memlock.h). */
#include "core/memlock.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/arch.h"

#define USER_END (UINT64_C(1) << 47)

struct memlock { int on_fault; uint64_t but_base, but_bytes; };

struct lines {
	int64_t fd;
	uint32_t at, len;
	char buf[1024];
};

struct mapping {
	uint64_t start, end;
	int has_content;
};

static int next_char(struct lines *m)
{
	if (m->at == m->len) {
		int64_t n = mm_arch_syscall(SYS_read, (uint64_t)m->fd, (uintptr_t)m->buf,
					    sizeof m->buf, 0, 0, 0);
		if (n <= 0)
			return -1;
		m->len = (uint32_t)n;
		m->at = 0;
	}
	return (unsigned char)m->buf[m->at++];
}

/* A hexadecimal number and the character behind it. */
static int read_hex(struct lines *m, uint64_t *ret)
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
	*ret = n;
	return c >= 0;
}

static void skip_line(struct lines *m)
{
	int c;

	do
		c = next_char(m);
	while (c >= 0 && c != '\n');
}

/* start-end rwxp offset major:minor inode path; inode 0 is no file. Pages of no file that can only
 * be read hold nothing. */
static int read_mapping(struct lines *m, struct mapping *ret)
{
	uint64_t skipped, inode;
	int r, w, x;

	if (!read_hex(m, &ret->start) || !read_hex(m, &ret->end))
		return 0;
	r = next_char(m) != '-';
	w = next_char(m) != '-';
	x = next_char(m) != '-';
	next_char(m);
	next_char(m);
	if (!read_hex(m, &skipped) || !read_hex(m, &skipped) || !read_hex(m, &skipped) ||
	    !read_hex(m, &inode))
		return 0;
	ret->has_content = w || x || (r && inode);
	skip_line(m);
	return 1;
}

/* 0 or an errno. */
static int lock(const struct mapping *r, int on_fault)
{
	int64_t e = mm_arch_syscall(SYS_mlock2, r->start, r->end - r->start,
				    on_fault ? MLOCK_ONFAULT : 0, 0, 0, 0);

	return e < 0 ? (int)-e : 0;
}

/* Those with content, or those without: what of these stays unlocked does not matter. */
static int lock_each(const struct memlock *o, int has_content)
{
	struct lines m = { .at = 0, .len = 0 };
	struct mapping r;
	int error = 0;

	m.fd = mm_arch_syscall(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)"/proc/self/maps",
			       O_RDONLY | O_CLOEXEC, 0, 0, 0);
	if (m.fd < 0)
		return (int)-m.fd;
	while (error == 0 && read_mapping(&m, &r)) {
		if (r.has_content != has_content || r.start - o->but_base < o->but_bytes ||
		    r.start >= USER_END)
			continue;
		error = lock(&r, o->on_fault);
		if (!has_content)
			error = 0;
	}
	mm_arch_syscall(SYS_close, (uint64_t)m.fd, 0, 0, 0, 0, 0);
	return error;
}

int mm_memlock_current(int on_fault, uint64_t but_base, uint64_t but_bytes)
{
	struct memlock o = { on_fault, but_base, but_bytes };
	int error = lock_each(&o, 1);

	if (!error)
		lock_each(&o, 0);
	return error;
}
