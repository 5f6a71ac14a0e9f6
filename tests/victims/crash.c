/* victim: dies of a wild store, deep in a recursion that allocates.
 * expect: 139
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

__attribute__((noinline)) static int down(int n, char *volatile wild)
{
	void *volatile p = malloc(16);
	int r;

	if (n == 0)
		*wild = 1;
	r = down(n - 1, wild) + (p != NULL);
	free(p);
	return r;
}

int main(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	(void)!write(1, "going\n", 6);
	return down(200, NULL);
}
