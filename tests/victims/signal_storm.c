/* victim: a signal every 100 us whose handler allocates, reallocates and frees,
 * over a loop that does nothing else.
 * lib: lib_bump.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "bumpalloc.h"

static volatile sig_atomic_t handled;
static volatile sig_atomic_t wrong;

static void handler(int sig)
{
	char *p = malloc(50);

	(void)sig;
	p[0] = 'h';
	p = realloc(p, 500);
	wrong += p[0] != 'h';
	free(p);
	handled++;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval t = { { 0, 100 }, { 0, 100 } };

	(void)&bump_marker;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	while (handled < 3000)
		for (int i = 0; i < 1000; i++) {
			char *p = malloc(24);
			p[0] = 'm';
			p = realloc(p, 48);
			wrong += p[0] != 'm';
			free(p);
		}
	memset(&t, 0, sizeof t);
	setitimer(ITIMER_REAL, &t, NULL);
	printf("3000 signals, %d wrong\n", (int)wrong);
	return 0;
}
