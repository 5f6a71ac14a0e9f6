/* victim: main returns while detached threads are in the middle of it.
 * expect: 3
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *churn(void *arg)
{
	(void)arg;
	for (;;) {
		void *p = malloc(100);
		p = realloc(p, 3000);
		free(p);
	}
	return NULL;
}

int main(void)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 8; i++) {
		pthread_t t;
		pthread_create(&t, &a, churn, NULL);
	}
	usleep(30000);
	printf("leaving\n");
	return 3;
}
