/* victim: the same storm with the handler on a small alternate stack.
 * lib: lib_bump.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "bumpalloc.h"

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	void *p = malloc(50);

	(void)sig;
	free(p);
	handled++;
}

int main(void)
{
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct itimerval t = { { 0, 100 }, { 0, 100 } }, none = { { 0, 0 }, { 0, 0 } };

	(void)&bump_marker;
	sigaltstack(&ss, NULL);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	while (handled < 2000)
		for (int i = 0; i < 1000; i++)
			free(malloc(24));
	setitimer(ITIMER_REAL, &none, NULL);
	printf("2000 signals\n");
	return 0;
}
