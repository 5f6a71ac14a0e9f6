/* victim: a realloc that comes back only when another thread has allocated and freed
 * more than any recorder holds in memory.
 * lib: lib_stuck.c
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern _Atomic int stuck_wait, stuck_in;

enum { OBJECTS = 12000000 };

static void *resize(void *arg)
{
	stuck_wait = 1;
	return realloc(arg, 77777);
}

int main(void)
{
	pthread_t t;
	void *p;

	pthread_create(&t, NULL, resize, malloc(10));
	while (!stuck_in)
		usleep(100);
	for (int i = 0; i < OBJECTS; i++)
		free(malloc(16));
	stuck_wait = 0;
	pthread_join(t, &p);
	free(p);
	printf("%d objects\n", OBJECTS);
	return 0;
}
