/* victim: eight threads fork while the others allocate; children allocate, free
 * what they inherited and exit with what they counted.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int good;

static void *work(void *arg)
{
	void *inherited[16];

	(void)arg;
	for (int round = 0; round < 10; round++) {
		int status;
		for (int i = 0; i < 16; i++)
			inherited[i] = malloc(100);
		pid_t pid = fork();
		if (pid == 0) {
			int n = 0;
			for (int i = 0; i < 16; i++)
				free(inherited[i]);
			for (int i = 0; i < 1000; i++) {
				char *p = malloc(30);
				n += p != NULL;
				free(p);
			}
			_exit(n == 1000 ? 7 : 1);
		}
		for (int i = 0; i < 16; i++)
			free(inherited[i]);
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		    WEXITSTATUS(status) == 7)
			good++;
	}
	return NULL;
}

int main(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	printf("%d children\n", good);
	return 0;
}
