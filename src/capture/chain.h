/* chain.h: the definitions that stand behind our own: what the program would
 * have called without us (RTLD_NEXT), found once.
 *
 * Promise: every pointer below can be called at any time; until the real one is
 * found it leads to a small pool of our own, which serves what the lookup itself
 * asks for. Pool blocks are 16-byte aligned, never reused, and free and realloc
 * know them for ever.
 * Never: __libc_* entry points, an enlarged request, abort.
 */
#ifndef MM_CAPTURE_CHAIN_H
#define MM_CAPTURE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mm_chain {
	void *(*malloc)(size_t);
	void (*free)(void *);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*reallocarray)(void *, size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, void *);
	int (*mlockall)(int);
	int (*dlclose)(void *);
};
extern struct mm_chain mm_chain;

enum { MM_BOOT_BYTES = 256 * 1024 };
extern char mm_boot_pool[MM_BOOT_BYTES];

/* True for a block that the pool has handed out (not for the mappings that it
 * falls back to: mm_chain.free and .realloc know those). */
static inline bool mm_boot_owns(const void *p)
{
	return (uintptr_t)p - (uintptr_t)mm_boot_pool < MM_BOOT_BYTES;
}

/* The pool's own calls. Any thread, signal-safe; NULL and ENOMEM when even the
 * kernel has no memory. align is a power of two. */
void *mm_boot_alloc(size_t n, size_t align);

/* Bytes asked for at p, a block of the pool or of its mappings. */
size_t mm_boot_size(const void *p);

/* Finds the definitions now. Safe to call again and from any thread. */
void mm_chain_resolve(void);

/* True when the next reallocarray is the C library's, which calls realloc by its
 * public name: it is then recorded there. */
extern bool mm_chain_array_by_realloc;

/* Next definition of any symbol, NULL if none. May call back into the hooks. */
void *mm_chain_next(const char *name);

#endif
