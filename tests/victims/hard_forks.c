/* hard_forks.c: four threads fork at once, while four others allocate, and hand blocks to each
 * other; each child allocates, frees what it inherited, and starts a thread of its own. Then
 * children by vfork, posix_spawn, system and popen. */
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { FORKERS = 4, BUSY = 4, TURNS = 10, SHARED = 64 };

static _Atomic(void *) shared[SHARED];
static atomic_int stop, bad;

static void *churn(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg * 2654435761u | 1;

	while (!atomic_load(&stop)) {
		r = r * 1664525 + 1013904223;
		size_t n = (r >> 8) % (r % 64 ? 800 : 100000);
		char *p = malloc(n);
		memset(p, 1, n);
		free(atomic_exchange(&shared[r >> 26], p));
	}
	return NULL;
}

static void *a_little(void *arg)
{
	for (int i = 0; i < 500; i++)
		free(malloc((size_t)i * 7));
	return arg;
}

static void in_child(void)
{
	pthread_t t;

	alarm(30);
	for (int i = 0; i < SHARED; i++)
		free(atomic_exchange(&shared[i], malloc((size_t)i * 100)));
	a_little(NULL);
	if (pthread_create(&t, NULL, a_little, NULL))
		_exit(3);
	pthread_join(t, NULL);
	_exit(0);
}

static void *forks(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			in_child();
		waitpid(pid, &status, 0);
		if (status)
			atomic_fetch_add(&bad, 1);
	}
	return arg;
}

static void spawned(void)
{
	char *argv[] = { "true", NULL }, line[20] = "";
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ) || waitpid(pid, &status, 0) < 0 ||
	    status)
		atomic_fetch_add(&bad, 1);
	if ((pid = vfork()) == 0) {
		free(malloc(100)); /* in the parent's memory */
		execvp("true", argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	FILE *f = popen("echo yes", "r");
	if (status || system("true") || !f || !fgets(line, sizeof line, f) ||
	    strcmp(line, "yes\n") || pclose(f))
		atomic_fetch_add(&bad, 1);
}

int main(void)
{
	pthread_t t[FORKERS + BUSY];

	for (intptr_t i = 0; i < FORKERS + BUSY; i++)
		if (pthread_create(&t[i], NULL, i < FORKERS ? forks : churn, (void *)i))
			return 9;
	for (int i = 0; i < FORKERS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 10; i++)
		spawned();
	atomic_store(&stop, 1);
	for (int i = FORKERS; i < FORKERS + BUSY; i++)
		pthread_join(t[i], NULL);
	printf("%d bad\n", atomic_load(&bad));
	return atomic_load(&bad) != 0;
}
