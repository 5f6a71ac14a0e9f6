/* victim: closes every descriptor from 3 up, again and again, and expects the
 * lowest number when it opens one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	int ok = 0;

	for (int round = 0; round < 50; round++) {
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		for (int i = 0; i < 500; i++)
			free(malloc((size_t)i));
		int fd = open("/dev/null", O_RDONLY);
		ok += fd == 3;
	}
	close_range(3, ~0u, 0);
	for (int i = 0; i < 100000; i++)
		free(malloc(77));
	int fd = open("/dev/zero", O_RDONLY);
	printf("%d, then %d\n", ok, fd);
	return 0;
}
