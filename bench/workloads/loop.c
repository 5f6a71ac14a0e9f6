/* loop.c: THREADS threads allocate COUNT blocks each, 12 calls deep, with 64 of them
 * alive at a time. Prints one JSON line: what it did, and the wall and CPU time of
 * the process as it saw them, so that a recorder's work inside the process can be
 * told from the work around it.
 * Usage: loop THREADS COUNT */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { WINDOW = 64, THREADS_MAX = 256 };

static unsigned long count;

/* Each level is a frame of its own: the empty asm after the call keeps the compiler
 * from turning it into a jump. */
#define LEVEL(n, inner) \
	static __attribute__((noinline)) void *level##n(size_t size) \
	{ \
		void *p = inner(size); \
		__asm__ volatile("" : "+r"(p)); \
		return p; \
	}
LEVEL(1, malloc)
LEVEL(2, level1)
LEVEL(3, level2)
LEVEL(4, level3)
LEVEL(5, level4)
LEVEL(6, level5)
LEVEL(7, level6)
LEVEL(8, level7)
LEVEL(9, level8)
LEVEL(10, level9)

static void *work(void *arg)
{
	char *window[WINDOW] = {0};

	(void)arg;
	for (unsigned long i = 0; i < count; i++) {
		char **place = &window[i % WINDOW];
		free(*place);
		*place = level10(16 + i * 7 % 241);
		if (!*place)
			abort();
		**place = (char)i;
	}
	for (int i = 0; i < WINDOW; i++)
		free(window[i]);
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t ids[THREADS_MAX];

	count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	uint64_t wall = now_ns(), cpu = cpu_ns();
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, work, NULL) != 0)
			return 2;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	wall = now_ns() - wall;
	cpu = cpu_ns() - cpu;
	printf("{\"threads\": %d, \"allocs\": %lu, \"wall_ns\": %llu, \"cpu_ns\": %llu}\n", threads,
	       count * (unsigned long)threads, (unsigned long long)wall, (unsigned long long)cpu);
	return 0;
}
