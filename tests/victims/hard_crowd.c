/* hard_crowd.c: a thousand threads (or as many as is said) that are all there at once, each of
 * which allocates, frees and hands half of its blocks to others. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 1000, TURNS = 2000, SHARED = 1024 };

static _Atomic(uint64_t *) shared[SHARED];
static atomic_int bad;
static pthread_barrier_t all;

/* A block says how long it is at both ends. */
static uint64_t *make(size_t words)
{
	uint64_t *p = malloc(words * sizeof *p);

	if (p)
		p[0] = p[words - 1] = words;
	else
		atomic_fetch_add(&bad, 1);
	return p;
}

static void unmake(uint64_t *p)
{
	if (p && p[p[0] - 1] != p[0])
		atomic_fetch_add(&bad, 1);
	free(p);
}

static void *live(void *arg)
{
	uint64_t r = (uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15) | 1;

	pthread_barrier_wait(&all);
	for (int i = 0; i < TURNS; i++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint64_t *p = make(1 + (r >> 40) % (r >> 30 & 127 ? 100 : 9000));
		unmake(r >> 20 & 1 ? atomic_exchange(&shared[(r >> 50) % SHARED], p) : p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static pthread_t t[THREADS];
	int threads = argc > 1 ? atoi(argv[1]) : THREADS;
	pthread_attr_t a;

	pthread_barrier_init(&all, NULL, (unsigned)threads);
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 128 * 1024);
	for (intptr_t i = 0; i < threads; i++)
		if (pthread_create(&t[i], &a, live, (void *)i))
			return 9;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < SHARED; i++)
		unmake(atomic_load(&shared[i]));
	printf("%d bad\n", atomic_load(&bad));
	return atomic_load(&bad) != 0;
}
