/* victim: thread-specific destructors that free, allocate and set the key again,
 * as many rounds as the library allows.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key[8];
static _Atomic int rounds;

static void again(void *p)
{
	int k = *(int *)p;

	free(p);
	rounds++;
	p = malloc(sizeof k);
	*(int *)p = k;
	pthread_setspecific(key[k], p);
}

static void *work(void *arg)
{
	(void)arg;
	for (int k = 0; k < 8; k++) {
		int *p = malloc(sizeof *p);
		*p = k;
		pthread_setspecific(key[k], p);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[16];

	for (int k = 0; k < 8; k++)
		pthread_key_create(&key[k], again);
	for (int i = 0; i < 16; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 16; i++)
		pthread_join(t[i], NULL);
	printf("%d of %d\n", rounds, 16 * 8 * PTHREAD_DESTRUCTOR_ITERATIONS);
	return 0;
}
