/* victim: what no machine has: every call fails as it should, and only as it should. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void say(const char *what, void *p)
{
	printf("%s: %d %d\n", what, p == NULL, errno);
	errno = 0;
}

int main(void)
{
	volatile size_t huge = SIZE_MAX / 2 - 4096;
	void *p = (void *)1;

	errno = 0;
	say("malloc", malloc(huge));
	say("calloc", calloc(huge, 1));
	say("calloc overflow", calloc(huge, 16));
	say("realloc", realloc(NULL, huge));
	say("memalign", memalign(64, huge));
	say("aligned_alloc", aligned_alloc(64, huge));
	int r = posix_memalign(&p, 64, huge);
	printf("posix_memalign: %d %d %d\n", r, p == (void *)1, errno);
	for (int i = 0; i < 1000; i++)
		if (malloc(huge - (size_t)i))
			printf("impossible\n");
	return 0;
}
