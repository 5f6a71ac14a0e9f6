/* victim: errno is the program's: no call that succeeds may touch it, whatever the
 * recorder does meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *work(void *arg)
{
	long bad = 0;

	errno = 4711; /* the thread's very first call below registers it */
	void *p = malloc(10);
	bad += errno != 4711;
	free(p);
	for (int i = 0; i < 200000; i++) {
		errno = i + 1;
		p = malloc((size_t)(i % 900));
		bad += errno != i + 1;
		p = realloc(p, (size_t)(i % 1300) + 1);
		bad += errno != i + 1;
		free(p);
		bad += errno != i + 1;
	}
	*(long *)arg = bad;
	return NULL;
}

int main(void)
{
	pthread_t t[4];
	long bad[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, &bad[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%ld\n", bad[0] + bad[1] + bad[2] + bad[3]);
	return 0;
}
