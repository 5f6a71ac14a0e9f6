/* victim: main ends its thread; the others carry on and the last one's end ends the
 * program.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *work(void *arg)
{
	usleep(10000);
	for (int i = 0; i < 20000; i++)
		free(malloc(50));
	if (arg)
		printf("the others are done\n");
	return NULL;
}

int main(void)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, (void *)(i == 3 ? 1L : 0L));
	pthread_exit(NULL);
}
