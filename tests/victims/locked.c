/* victim: locks all its memory, now and to come; what that takes must be the program's
 * size, not the recorder's.
 * root: yes
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

int main(void)
{
	struct rusage before, after;
	char *p = malloc(10 << 20);
	int r;

	memset(p, 1, 10 << 20);
	getrusage(RUSAGE_SELF, &before);
	errno = 0;
	r = mlockall(MCL_CURRENT | MCL_FUTURE);
	getrusage(RUSAGE_SELF, &after);
	printf("locked %d %d, grew by less than 64 MiB: %d\n", r, errno,
	       after.ru_maxrss - before.ru_maxrss < 65536);
	errno = 0;
	r = mlockall(1 << 20);
	printf("nonsense %d %d\n", r, errno);
	for (int i = 0; i < 1000; i++)
		free(malloc((size_t)i * 100));
	printf("unlocked %d\n", munlockall());
	free(p);
	return 0;
}
