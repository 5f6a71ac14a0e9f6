/* run_malloc.c: the malloc family, as glibc's manual has it, on the engine.
 *
 * Promise: alignment 16 and more; errno is ENOMEM when there is no memory, EINVAL for what is
 * no alignment, and else left alone; a size above PTRDIFF_MAX is refused; free and realloc of
 * what is no block of ours end the program with one line, as glibc does, but a free of memory
 * that was there before us (the loader's own) leaves it alone. Its size is not known to us, so
 * that a realloc of it cannot be served.
 * Exports nothing else. Never: stdio, a call that allocates.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/checked.h"
#include "alloc/fast.h"
#include "core/error.h"
#include "manager/run_front.h"
#include "manager/run_tell.h"

/* C23; this C library may not have them. */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

#define EXPORT __attribute__((visibility("default")))

enum { MINIMAL = 16 };

/* --- allocating -------------------------------------------------------------------------- */

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* What is wrong is told with the place that called us. */
static struct mm_run_seat sit_for(const void *caller)
{
	struct mm_run_seat s = mm_run_sit();

	if (s.context)
		s.context->site = (uintptr_t)caller;
	return s;
}

#define CALLER __builtin_return_address(0)

static __attribute__((noinline)) void *allocate(size_t size, size_t align, const void *caller)
{
	struct mm_run_seat s;
	uint64_t addr;

	if (__builtin_expect(size > PTRDIFF_MAX, 0))
		return no_memory();
	s = sit_for(caller);
	int err = s.context ? mm_heap_alloc(s.heap, s.context, size, align, &addr) : MM_ENOMEM;
	mm_run_rise(&s);
	return __builtin_expect(err != 0, 0) ? no_memory() : (void *)(uintptr_t)addr;
}

/* The second shortest way. */
static __attribute__((noinline)) void *checked_or_allocate(size_t size, const void *caller)
{
	struct mm_context *c = mm_run_context;
	uint64_t addr = c ? mm_checked_take(mm_run_heap, c, size) : 0;

	return addr ? (void *)(uintptr_t)addr : allocate(size, MINIMAL, caller);
}

/* NULL: by the way around. */
static inline struct mm_cache_seat *ready(size_t size)
{
	struct mm_context *c = mm_run_context;

	return __builtin_expect(c != NULL, 1) ? mm_fast_seat(c, size) : NULL;
}

static inline void *malloc_from(size_t size, const void *caller)
{
	struct mm_cache_seat *s = ready(size);

	return __builtin_expect(s != NULL, 1) ? (void *)(uintptr_t)mm_cache_pop(s)
					      : checked_or_allocate(size, caller);
}

EXPORT void *malloc(size_t size)
{
	return malloc_from(size, CALLER);
}

static __attribute__((noinline)) void *allocate_zeroed(size_t bytes, const void *caller)
{
	struct mm_run_seat s = sit_for(caller);
	uint64_t addr;
	int err = s.context ? mm_heap_zalloc(s.heap, s.context, bytes, &addr) : MM_ENOMEM;

	mm_run_rise(&s);
	return err ? no_memory() : (void *)(uintptr_t)addr;
}

EXPORT void *calloc(size_t count, size_t size)
{
	size_t bytes;
	struct mm_cache_seat *s;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
		return no_memory();
	if ((s = ready(bytes)) != NULL)
		return memset((void *)(uintptr_t)mm_cache_pop(s), 0, bytes);
	return allocate_zeroed(bytes, CALLER);
}

static int is_power(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	int saved = errno;
	void *p;

	if (!is_power(align) || align % sizeof(void *))
		return EINVAL;
	p = allocate(size, align, CALLER);
	errno = saved;
	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

/* glibc takes the next power of two. */
EXPORT void *memalign(size_t align, size_t size)
{
	if (align > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	while (!is_power(align))
		align = align ? (align | (align - 1)) + 1 : 1;
	return allocate(size, align, CALLER);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	if (!is_power(align)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(size, align, CALLER);
}

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

EXPORT void *valloc(size_t size)
{
	return allocate(size, page(), CALLER);
}

EXPORT void *pvalloc(size_t size)
{
	size_t whole = (size + page() - 1) & ~(page() - 1);

	return whole < size ? no_memory() : allocate(whole, page(), CALLER);
}

/* --- giving back ------------------------------------------------------------------------------ */

__attribute__((noinline, noreturn)) static void wrong_pointer(const char *text)
{
	mm_run_say(text);
	abort();
}

static void give(const struct mm_run_seat *s, void *p)
{
	if (__builtin_expect(mm_heap_free(s->heap, s->context, (uintptr_t)p) == MM_EINVAL, 0) &&
	    mm_heap_has(s->heap, (uintptr_t)p))
		wrong_pointer("mmprof run: free(): invalid pointer\n");
}

static __attribute__((noinline)) void free_slowly(void *p, const void *caller)
{
	int saved = errno;
	struct mm_run_seat s = sit_for(caller);

	if (s.context)
		give(&s, p);
	mm_run_rise(&s);
	errno = saved;
}

static __attribute__((noinline)) void free_checked_or_slowly(void *p, const void *caller)
{
	struct mm_context *c = mm_run_context;

	if (p && !(c && mm_checked_give(mm_run_heap, c, (uintptr_t)p)))
		free_slowly(p, caller);
}

static inline void free_from(void *p, const void *caller)
{
	struct mm_context *c = mm_run_context;

	if (__builtin_expect(!c || !mm_fast_free(c, (uintptr_t)p), 0))
		free_checked_or_slowly(p, caller);
}

EXPORT void free(void *p)
{
	free_from(p, CALLER);
}

static void free_as(void *p, size_t size, const void *caller)
{
	struct mm_run_seat s = sit_for(caller);

	if (p && s.context)
		mm_heap_said_size(s.heap, s.context, (uintptr_t)p, size);
	mm_run_rise(&s);
	free_from(p, caller);
}

EXPORT void free_sized(void *p, size_t size)
{
	free_as(p, size, CALLER);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	(void)align;
	free_as(p, size, CALLER);
}

static void *resize(void *p, size_t size, const void *caller)
{
	struct mm_run_seat s = sit_for(caller);
	uint64_t addr;
	int err = s.context ? mm_heap_realloc(s.heap, s.context, (uintptr_t)p, size, MINIMAL, &addr)
			    : MM_ENOMEM;

	mm_run_rise(&s);
	if (err == MM_EINVAL)
		wrong_pointer("mmprof run: realloc(): invalid pointer\n");
	return err ? no_memory() : (void *)(uintptr_t)addr;
}

/* The class that the new size has anyway. */
static int stays(const void *p, size_t size)
{
	const struct mm_context *c = mm_run_context;
	uint64_t granted = c ? mm_fast_granted(c, (uintptr_t)p) : 0;

	return granted && size <= granted && mm_class_bytes(mm_class_of(size)) == granted;
}

static inline void *realloc_from(void *p, size_t size, const void *caller)
{
	if (!p)
		return malloc_from(size, caller);
	if (size && stays(p, size))
		return p;
	if (size == 0) {
		free_from(p, caller);
		return NULL;
	}
	return size > PTRDIFF_MAX ? no_memory() : resize(p, size, caller);
}

EXPORT void *realloc(void *p, size_t size)
{
	return realloc_from(p, size, CALLER);
}

EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? no_memory() : realloc_from(p, bytes, CALLER);
}

EXPORT size_t malloc_usable_size(void *p)
{
	struct mm_run_seat s;
	uint64_t bytes = 0;

	if (!p)
		return 0;
	if (mm_run_context && (bytes = mm_fast_granted(mm_run_context, (uintptr_t)p)) != 0)
		return bytes;
	s = mm_run_sit();
	mm_heap_granted(s.heap, (uintptr_t)p, &bytes);
	mm_run_rise(&s);
	return bytes;
}
