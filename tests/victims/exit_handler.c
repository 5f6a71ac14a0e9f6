/* victim: _exit in a signal handler, out of whatever it interrupted.
 * expect: 33
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static void handler(int sig)
{
	(void)sig;
	(void)!write(1, "bye\n", 4);
	_exit(33);
}

int main(void)
{
	struct itimerval t = { { 0, 0 }, { 0, 20000 } };

	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &t, NULL);
	for (;;)
		free(malloc(40));
}
