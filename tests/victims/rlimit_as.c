/* victim: lives in 1 GiB of address space: what should fit fits, what should not
 * fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2) {
		struct rlimit lim = { (rlim_t)1 << 30, (rlim_t)1 << 30 };
		setrlimit(RLIMIT_AS, &lim);
		execl("/proc/self/exe", argv[0], "limited", (char *)NULL);
		return 1;
	}
	char *fits = malloc((size_t)500 << 20);
	printf("500 MiB %s\n", fits ? "fit" : "do not fit");
	errno = 0;
	char *not = malloc((size_t)1 << 30);
	printf("1 GiB %s, errno %d\n", not ? "fits" : "does not fit", errno);
	free(not);
	free(fits);
	for (int i = 0; i < 10000; i++)
		free(malloc(1000));
	return 0;
}
