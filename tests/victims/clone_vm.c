/* victim: a child that shares memory but is no thread (clone with CLONE_VM and
 * CLONE_VFORK, as spawn does it), allocating in the parent's heap.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *made[100];

static int child(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++)
		made[i] = malloc((size_t)i + 1);
	return 4;
}

int main(void)
{
	char *stack = malloc(65536);
	int good = 0, status;

	for (int round = 0; round < 20; round++) {
		pid_t pid = clone(child, stack + 65536, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		waitpid(pid, &status, 0);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 4;
		for (int i = 0; i < 100; i++)
			free(made[i]);
	}
	free(stack);
	printf("%d children\n", good);
	return 0;
}
