/* victim: ten thousand threads alive at once, each allocating before and after all
 * the others have.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 10000, STACK = 65536 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;
static int started, gone;
static _Atomic int good;

static void *work(void *arg)
{
	char *p = malloc(100);

	(void)arg;
	p[0] = 1;
	pthread_mutex_lock(&lock);
	started++;
	while (!gone)
		pthread_cond_wait(&go, &lock);
	pthread_mutex_unlock(&lock);
	good += p[0];
	free(p);
	return NULL;
}

int main(void)
{
	static pthread_t t[THREADS];
	pthread_attr_t a;
	int n = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, STACK);
	while (n < THREADS && pthread_create(&t[n], &a, work, NULL) == 0)
		n++;
	pthread_mutex_lock(&lock);
	gone = 1;
	pthread_cond_broadcast(&go);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	printf("%d threads, %d good\n", n, good);
	return 0;
}
