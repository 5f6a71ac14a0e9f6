/* victim: vfork, then exec, then exec that fails, allocating in between. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int ran = 0, failed = 0;

	for (int i = 0; i < 20; i++) {
		volatile int err = 0;
		int status;
		void *p = malloc(100);
		pid_t pid = vfork();
		if (pid == 0) {
			free(malloc(200));
			execl(i % 2 ? "/bin/true" : "/no/such/program", "x", (char *)NULL);
			err = errno;
			_exit(42);
		}
		waitpid(pid, &status, 0);
		ran += WEXITSTATUS(status) == 0;
		failed += WEXITSTATUS(status) == 42 && err == ENOENT;
		free(p);
	}
	printf("%d ran, %d failed\n", ran, failed);
	return 0;
}
