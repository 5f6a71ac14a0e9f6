/* victim: changes its root to an empty directory, its user to nobody, and goes on.
 * root: yes
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int work(void)
{
	int n = 0;

	for (int i = 0; i < 20000; i++) {
		void *p = malloc(120);
		n += p != NULL;
		free(p);
	}
	return n == 20000;
}

int main(void)
{
	char dir[] = "/tmp/victim.XXXXXX";
	int in, status;

	if (!mkdtemp(dir))
		return 1;
	in = chroot(dir) == 0 && chdir("/") == 0 && setgid(65534) == 0 && setuid(65534) == 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(work() ? 14 : 1);
	waitpid(pid, &status, 0);
	printf("root only: %d %d %d\n", in || geteuid() != 0, work(), WEXITSTATUS(status));
	return 0;
}
