/* victim: threads cancelled while they allocate, deferred, with clean-up handlers
 * that free.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void cleanup(void *p)
{
	free(p);
}

static void *work(void *arg)
{
	pthread_cleanup_push(cleanup, malloc(1000));
	for (;;) {
		free(malloc(64));
		pthread_testcancel();
	}
	pthread_cleanup_pop(1);
	return arg;
}

int main(void)
{
	int cancelled = 0;

	for (int i = 0; i < 100; i++) {
		pthread_t t;
		void *r;
		pthread_create(&t, NULL, work, NULL);
		if (i % 2)
			usleep(200);
		pthread_cancel(t);
		pthread_join(t, &r);
		cancelled += r == PTHREAD_CANCELED;
	}
	printf("%d\n", cancelled);
	return 0;
}
