/* pages.c: anonymous mappings that grow (pages.h). */
#include "base/pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "core/error.h"

enum {
	PAGE = 4096,
	HUGE = 32 * 1024 * 1024 /* bytes from which large pages pay: fewer misses where it is
	                           read at random; below, clearing them costs more */
};

static size_t bytes_of(size_t items, size_t size)
{
	return (items * size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void *map_or_move(void *old, size_t old_bytes, size_t bytes)
{
	void *p = old ? mremap(old, old_bytes, bytes, MREMAP_MAYMOVE)
		      : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE)
		madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

int mm_pages_grow(void *array, size_t *cap, size_t want, size_t size)
{
	size_t n = *cap * 2 > want ? *cap * 2 : want;
	void *old, *p;

	if (want <= *cap)
		return MM_OK;
	if (n > (SIZE_MAX / 2 - PAGE) / size)
		return MM_ENOMEM;
	memcpy(&old, array, sizeof old);
	size_t had = bytes_of(*cap, size);
	p = map_or_move(old, had, bytes_of(n, size));
	if (!p && n > want) /* little address space is left */
		p = map_or_move(old, had, bytes_of(n = want, size));
	if (!p)
		return MM_ENOMEM;
	memcpy(array, &p, sizeof p);
	*cap = bytes_of(n, size) / size;
	return MM_OK;
}

void mm_pages_free(void *array, size_t *cap, size_t size)
{
	void *p;

	memcpy(&p, array, sizeof p);
	if (p)
		munmap(p, bytes_of(*cap, size));
	p = NULL;
	memcpy(array, &p, sizeof p);
	*cap = 0;
}

void mm_pages_clear(void *array, size_t cap, size_t size)
{
	void *p;

	memcpy(&p, array, sizeof p);
	if (p)
		madvise(p, bytes_of(cap, size), MADV_DONTNEED);
}
