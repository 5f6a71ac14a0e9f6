/* victim: forks in a signal handler that has interrupted anything at all.
 * lib: lib_bump.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bumpalloc.h"

enum { FORKS = 500 }; /* each strikes a hook somewhere else */

static volatile sig_atomic_t forks, good, in_child;

static void handler(int sig)
{
	int status;
	pid_t pid;

	(void)sig;
	if (in_child || forks >= FORKS)
		return;
	forks++;
	pid = fork();
	if (pid == 0) {
		in_child = 1; /* goes on where the signal struck */
		return;
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9)
		good++;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval t = { { 0, 2000 }, { 0, 2000 } };

	(void)&bump_marker;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	for (int after = 0; forks < FORKS || in_child;) {
		void *p = malloc(40);
		p = realloc(p, 400);
		free(p);
		if (in_child && ++after == 1000)
			_exit(9);
	}
	printf("%d forks, %d good\n", (int)forks, (int)good);
	return 0;
}
