/* victim: takes LD_PRELOAD out of its environment, then runs programs; then empties
 * it altogether.
 * expect: 5
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int a, b;

	free(malloc(10));
	unsetenv("LD_PRELOAD");
	a = system("/bin/sh -c 'exit 3'");
	clearenv();
	for (int i = 0; i < 1000; i++)
		free(malloc(100));
	setenv("A", "b", 1);
	b = system("/bin/sh -c '[ \"$A\" = b ] && exit 4'");
	char *argv[] = { "/bin/sh", "-c", "echo last; exit 5", NULL }, *env[] = { NULL };
	printf("%d %d\n", WEXITSTATUS(a), WEXITSTATUS(b));
	fflush(stdout);
	execve("/bin/sh", argv, env);
	return 1;
}
