/* victim: a handler that allocates, on the smallest alternate stack that is usual.
 * lib: lib_bump.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bumpalloc.h"

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	(void)sig;
	free(malloc(50));
	handled++;
}

int main(void)
{
	char *m = mmap(NULL, 3 * 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t ss = { .ss_sp = m + 8192, .ss_size = 8192 };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	(void)&bump_marker;
	mprotect(m + 8192, 8192, PROT_READ | PROT_WRITE);
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 1000; i++)
		raise(SIGUSR1);
	printf("%d\n", (int)handled);
	return 0;
}
