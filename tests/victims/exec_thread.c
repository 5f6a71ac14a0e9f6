/* victim: one thread execs while the others are allocating.
 * expect: 6
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *churn(void *arg)
{
	(void)arg;
	for (;;)
		free(malloc(50));
	return NULL;
}

static void *go(void *arg)
{
	(void)arg;
	usleep(20000);
	execlp("sh", "sh", "-c", "echo replaced; exit 6", (char *)NULL);
	return NULL;
}

int main(void)
{
	pthread_t t[5];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, NULL);
	pthread_create(&t[4], NULL, go, NULL);
	pthread_join(t[4], NULL);
	return 1;
}
