/* hooks_map.c: the mmap family, recorded only when the recording asks for it.
 *
 * Promise: the calls do what they do, errno included. An unmapping is stamped
 * before the real call, a mapping after it. What the allocator or the loader maps
 * for itself does not pass here.
 * Never: a mapping of our own through these names.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/recording.h"
#include "capture/ring.h"

enum { PAGE_MASK = 4095 };

MM_EXPORT void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
MM_EXPORT void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off);
MM_EXPORT int munmap(void *at, size_t n);
MM_EXPORT void *mremap(void *at, size_t old, size_t n, int flags, ...);

static bool wanted(void)
{
	return MM_UNLIKELY(mm_target.options & MM_OPT_MMAP) && mm_hook_ready(&mm_hook_self);
}

/* Writes the n words at w, whose fourth is the caller's site. */
static void record(const struct mm_caller *from, uint64_t *w, uint32_t n)
{
	struct mm_hook *t = &mm_hook_self;
	bool nested;

	do {
		nested = mm_hook_enter(t, from);
		w[3] = MM_REC_NODE(mm_record_node(t, from, nested), 0, 0);
	} while (!mm_ring_write(t, nested, w, n) && mm_hook_ready(t));
}

static void *map(const struct mm_caller *from, void *at, size_t n, int prot, int flags,
		 int fd, off_t off)
{
	void *p = mm_chain.mmap(at, n, prot, flags, fd, off);

	if (p != MAP_FAILED && wanted()) {
		uint64_t w[5] = { MM_REC_HEAD(MM_REC_MAP, (uintptr_t)p), 0, n, 0,
				  (uint32_t)prot | (uint64_t)(uint32_t)flags << 32 };
		record(from, w, 5);
	}
	return p;
}

MM_EXPORT void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	struct mm_caller from = MM_CALLER_HERE();

	return map(&from, at, n, prot, flags, fd, off);
}

MM_EXPORT void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	struct mm_caller from = MM_CALLER_HERE();

	return map(&from, at, n, prot, flags, fd, off);
}

MM_EXPORT int munmap(void *at, size_t n)
{
	/* What the kernel is going to refuse is no event. */
	if (((uintptr_t)at & PAGE_MASK) == 0 && n != 0 && wanted()) {
		struct mm_caller from = MM_CALLER_HERE();
		uint64_t w[4] = { MM_REC_HEAD(MM_REC_UNMAP, (uintptr_t)at), 0, n, 0 };
		record(&from, w, 4);
	}
	return mm_chain.munmap(at, n);
}

MM_EXPORT void *mremap(void *at, size_t old, size_t n, int flags, ...)
{
	void *to = NULL, *p;

	if (flags & ~MREMAP_MAYMOVE) {
		va_list ap;
		va_start(ap, flags);
		to = va_arg(ap, void *);
		va_end(ap);
	}
	p = mm_chain.mremap(at, old, n, flags, to);
	if (p != MAP_FAILED && wanted()) {
		struct mm_caller from = MM_CALLER_HERE();
		uint64_t w[6] = { MM_REC_HEAD(MM_REC_REMAP, (uintptr_t)p), 0, n, 0,
				  (uintptr_t)at, old };
		record(&from, w, 6);
	}
	return p;
}
