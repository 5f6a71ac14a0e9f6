/* victim: ten thousand threads one after the other, a few at a time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *work(void *arg)
{
	for (int i = 0; i < 20; i++)
		free(malloc(60));
	return arg;
}

int main(void)
{
	int n = 0;

	for (int round = 0; round < 1250; round++) {
		pthread_t t[8];
		for (int i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, work, t);
		for (int i = 0; i < 8; i++) {
			void *r;
			pthread_join(t[i], &r);
			n += r == t;
		}
	}
	printf("%d threads\n", n);
	return 0;
}
