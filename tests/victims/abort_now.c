/* victim: abort with a handler that comes back, over blocks that are live.
 * expect: 134
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void handler(int sig)
{
	(void)sig;
	(void)!write(1, "aborting\n", 9);
}

int main(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, handler);
	for (int i = 0; i < 1000; i++)
		if (!malloc(100))
			return 1;
	abort();
}
