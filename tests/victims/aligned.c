/* victim: every aligned call with every alignment, the impossible ones included. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int good(void *p, size_t align)
{
	int ok = p && (uintptr_t)p % align == 0;

	free(p);
	return ok;
}

int main(void)
{
	int n = 0;

	for (size_t a = 8; a <= 1 << 16; a *= 2)
		for (size_t size = 0; size < 300; size += 37) {
			void *p = NULL;
			if (posix_memalign(&p, a, size) == 0)
				n += good(p, a);
			n += good(memalign(a, size), a);
			n += good(aligned_alloc(a, a * 3), a);
		}
	n += good(valloc(100), 4096) + good(pvalloc(100), 4096);
	printf("%d good\n", n);
	for (size_t a = 0; a < 40; a += 3) {
		void *p = (void *)1;
		errno = 0;
		int r = posix_memalign(&p, a, 10);
		printf("%zu: %d %d %d\n", a, r, p == (void *)1, errno);
		if (r == 0)
			free(p);
	}
	errno = 0;
	void *p = memalign(24, 100); /* rounded up by this libc */
	printf("memalign 24: %d %d\n", p != NULL && (uintptr_t)p % 32 == 0, errno);
	free(p);
	errno = 0;
	p = aligned_alloc((size_t)1 << 63, 1);
	printf("huge alignment: %d %d\n", p == NULL, errno);
	errno = 0;
	p = valloc(SIZE_MAX - 100);
	printf("huge valloc: %d %d\n", p == NULL, errno);
	errno = 0;
	p = pvalloc(SIZE_MAX - 100);
	printf("huge pvalloc: %d %d\n", p == NULL, errno);
	printf("usable %d\n", malloc_usable_size(NULL) == 0);
	return 0;
}
