/* victim: children in a time namespace whose clocks stand an hour and more ahead and
 * behind. As an ordinary user it goes without.
 * root: yes
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static int child(void)
{
	int n = 0;

	for (int i = 0; i < 5000; i++) {
		void *p = malloc(40);
		n += p != NULL;
		free(p);
	}
	return n == 5000 ? 12 : 1;
}

static void step(const char *text)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

int main(void)
{
	int status, good = 0;

	if (unshare(CLONE_NEWTIME) == 0)
		step("monotonic 86400 0\nboottime 86400 0\n");
	for (int i = 0; i < 3; i++) {
		void *p = malloc(100);
		pid_t pid = fork();
		if (pid == 0) {
			free(p);
			_exit(child());
		}
		free(p);
		waitpid(pid, &status, 0);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 12;
	}
	printf("%d good\n", good);
	return 0;
}
