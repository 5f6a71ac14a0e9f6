/* victim: minds its children itself: SIGCHLD counted, waitpid(-1) finds only those
 * it made, and none in the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t chld;

static void handler(int sig)
{
	(void)sig;
	chld++;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	int reaped = 0, status, got;

	errno = 0;
	printf("before: %d, %d\n", (int)waitpid(-1, &status, WNOHANG), errno == ECHILD);
	sigaction(SIGCHLD, &sa, NULL);
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			free(malloc(10));
			_exit(i);
		}
		while ((got = waitpid(-1, &status, 0)) != pid)
			if (got < 0)
				return 1;
		reaped += WEXITSTATUS(status) == i;
	}
	for (int i = 0; i < 100000; i++)
		free(malloc(30));
	errno = 0;
	got = waitpid(-1, &status, 0);
	printf("%d reaped, %d signals, then %d %d\n", reaped, (int)chld, got, errno == ECHILD);
	return 0;
}
