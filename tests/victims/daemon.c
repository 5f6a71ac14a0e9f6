/* victim: a daemon made the classic way, which reports through a pipe. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int out)
{
	char text[64];
	int n = 0;

	for (int i = 0; i < 3000; i++) {
		char *p = strdup("work of the daemon");
		n += p[0] == 'w';
		free(p);
	}
	snprintf(text, sizeof text, "daemon did %d\n", n);
	(void)!write(out, text, strlen(text));
	_exit(0);
}

int main(void)
{
	char buf[128];
	int p[2], status;
	ssize_t n;

	if (pipe(p) != 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		umask(0);
		(void)!chdir("/");
		close(p[0]);
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		open("/dev/null", O_RDWR);
		serve(p[1]);
	}
	close(p[1]);
	waitpid(pid, &status, 0);
	while ((n = read(p[0], buf, sizeof buf)) > 0)
		(void)!write(1, buf, (size_t)n);
	return WEXITSTATUS(status);
}
