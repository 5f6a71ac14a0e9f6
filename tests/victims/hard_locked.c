/* victim: a program that locks its memory, which must not lock what the allocator holds ready.
 * all: whatever it may lock, 10 MiB among it; what comes back from calloc is zero.
 * little: it fits in 8 MiB.
 * Prints what came of it, without figures that differ from one allocator to another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, BLOCKS = 8 };

static long most_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static long dirty_after_locking(void)
{
	long dirty = 0;
	char *block[BLOCKS];

	for (int i = 0; i < BLOCKS; i++)
		memset(block[i] = malloc(MIB), 0x5a, MIB);
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	for (int i = 0; i < BLOCKS; i++) {
		block[i] = calloc(1, MIB);
		for (int k = 0; k < MIB; k++)
			dirty += block[i][k] != 0;
	}
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	return dirty;
}

static void lock_all(void)
{
	char *p = malloc(10 * MIB);
	long before;
	int r;

	memset(p, 1, 10 * MIB);
	before = most_kib();
	errno = 0;
	r = mlockall(MCL_CURRENT | MCL_FUTURE);
	printf("all: %d, errno %d, ", r, errno);
	printf("grew by less than 8 MiB: %d, ", most_kib() - before < 8192);
	printf("dirty: %ld\n", dirty_after_locking());
	free(p);
}

int main(int argc, char **argv)
{
	void *p = malloc(100);
	int r;

	if (argc > 1 && strcmp(argv[1], "all") == 0) {
		lock_all();
	} else {
		errno = 0;
		r = mlockall(MCL_CURRENT);
		printf("little: %d, errno %d\n", r, errno);
	}
	errno = 0;
	r = mlockall(1 << 20);
	printf("nonsense: %d, errno %d\n", r, errno);
	printf("unlocked: %d\n", munlockall());
	free(p);
	return 0;
}
