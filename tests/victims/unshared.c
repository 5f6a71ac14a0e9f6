/* victim: a child that is process 1 of a new pid namespace, with its own children.
 * root: yes
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int work(void)
{
	int n = 0;

	for (int i = 0; i < 5000; i++) {
		void *p = malloc(120);
		n += p != NULL;
		free(p);
	}
	return n == 5000;
}

int main(void)
{
	int status, apart = unshare(CLONE_NEWPID) == 0;
	pid_t pid = fork();

	if (pid == 0) {
		int inner;
		int first = !apart || getpid() == 1;
		pid_t p = fork();
		if (p == 0)
			_exit(work() ? 15 : 1);
		waitpid(p, &inner, 0);
		_exit(first && work() && WEXITSTATUS(inner) == 15 ? 16 : 1);
	}
	waitpid(pid, &status, 0);
	printf("%d\n", WEXITSTATUS(status));
	return 0;
}
