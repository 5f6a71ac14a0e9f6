/* victim: every signal leaves whatever it interrupted, malloc included, by
 * siglongjmp, to a frame further out or further in than the last time.
 * lib: lib_bump.c
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "bumpalloc.h"

static sigjmp_buf back;
static volatile sig_atomic_t handled, armed;

static void handler(int sig)
{
	(void)sig;
	free(malloc(50));
	handled++;
	if (armed)
		siglongjmp(back, 1);
}

__attribute__((noinline)) static int spin(int depth)
{
	volatile char pad[512];

	pad[0] = 1;
	if (depth > 0)
		return spin(depth - 1) + pad[0];
	for (;;) {
		void *p = malloc(24);
		p = realloc(p, 4000);
		free(p);
	}
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler };
	struct itimerval t = { { 0, 200 }, { 0, 200 } }, none = { { 0, 0 }, { 0, 0 } };

	(void)&bump_marker;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	for (volatile int i = 0; i < 2000; i++)
		if (sigsetjmp(back, 1) == 0) {
			armed = 1;
			spin(i % 40);
		} else {
			armed = 0;
			free(malloc(10));
		}
	setitimer(ITIMER_REAL, &none, NULL);
	printf("2000 jumps\n");
	return 0;
}
