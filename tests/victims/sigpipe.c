/* victim: dies of SIGPIPE while it allocates and writes.
 * expect: 141
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	int p[2];

	if (pipe(p) != 0)
		return 1;
	signal(SIGPIPE, SIG_DFL);
	(void)!write(1, "writing\n", 8);
	close(p[0]);
	for (int i = 0; i < 1000; i++)
		free(malloc(100));
	(void)!write(p[1], "x", 1);
	return 0;
}
