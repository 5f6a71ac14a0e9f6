/* victim: may open nothing any more, and still allocates, threads and forks. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void *work(void *arg)
{
	for (int i = 0; i < 20000; i++)
		free(malloc((size_t)i));
	return arg;
}

int main(void)
{
	struct rlimit none = { 0, 0 };
	pthread_t t;
	int status, fd;

	setrlimit(RLIMIT_NOFILE, &none);
	pthread_create(&t, NULL, work, NULL);
	work(NULL);
	pthread_join(t, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		work(NULL);
		_exit(13);
	}
	waitpid(pid, &status, 0);
	errno = 0;
	fd = open("/dev/null", O_RDONLY);
	printf("child %d, open %d %d\n", WEXITSTATUS(status), fd, errno == EMFILE);
	return 0;
}
