/* victim: is traced by nobody, then traces a child through its allocations. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long r = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (r == 0)
			raise(SIGSTOP);
		for (int i = 0; i < 50; i++)
			free(malloc(64));
		_exit(r == 0 ? 17 : 1);
	}
	waitpid(pid, &status, 0);
	printf("stopped %d\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	for (int i = 0; i < 2000; i++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
	}
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	printf("child gave %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
