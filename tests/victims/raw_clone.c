/* victim: children made past libc: clone without CLONE_VM, and clone3. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static int child(void)
{
	int n = 0;

	for (int i = 0; i < 2000; i++) {
		char *p = malloc(64);
		n += p != NULL;
		free(p);
	}
	return n == 2000 ? 5 : 1;
}

int main(void)
{
	int good = 0, status;

	for (int i = 0; i < 10; i++) {
		struct clone3_args a = { .exit_signal = SIGCHLD };
		void *p = malloc(10);
		long pid = i % 2 ? syscall(SYS_clone3, &a, sizeof a)
				 : syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (pid == 0) {
			free(p);
			_exit(child());
		}
		free(p);
		for (int k = 0; k < 100; k++)
			free(malloc(33));
		waitpid((pid_t)pid, &status, 0);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 5;
	}
	printf("%d children\n", good);
	return 0;
}
