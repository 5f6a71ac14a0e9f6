/* report_family.c: processes with numbers of their own.
 *
 * As it starts: allocates 7 x 1000, forks a child that allocates 5 x 300 and frees one
 * block of its parent's, starts `env -i` with this program (which no recorder sees), and
 * at last replaces itself by itself with the argument "last": 3 x 50.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile keep;

__attribute__((noinline)) static void take(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		keep = malloc(size);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "last") == 0) {
		take(3, 50);
		return 4;
	}
	if (argc > 1)
		return usleep(500000);
	take(7, 1000);
	void *mine = keep;
	pid_t child = fork();
	if (child == 0) {
		take(5, 300);
		free(mine);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	child = vfork();
	if (child == 0) {
		execl("/usr/bin/env", "env", "-i", argv[0], "unseen", (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	execl(argv[0], argv[0], "last", (char *)NULL);
	return 1;
}
