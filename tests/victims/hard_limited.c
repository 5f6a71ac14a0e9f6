/* hard_limited.c: an address space of so many MiB: it takes memory until there is none, gives
 * it back, and takes some again; threads too. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200000 };

static void *block[MOST];

/* Blocks of n bytes until there is no memory, or `most` of them. */
static int fill(size_t n, int most)
{
	int i = 0;

	errno = 0;
	while (i < most && (block[i] = malloc(n)) != NULL)
		memset(block[i++], 1, n);
	if (i < most && errno != ENOMEM)
		puts("errno is not ENOMEM");
	for (int k = 0; k < i; k++)
		free(block[k]);
	return i;
}

static void *in_thread(void *arg)
{
	for (int i = 0; i < 10000; i++)
		free(malloc((size_t)i % 3000));
	return arg;
}

int main(void)
{
	int least = 4 << 20; /* bytes that must be there */
	pthread_t t;

	for (size_t n = 100; n <= 1000000; n *= 100)
		for (int round = 0; round < 3; round++)
			if ((size_t)fill(n, MOST) * n < (size_t)least && n * MOST > (size_t)least)
				printf("too little in blocks of %zu\n", n);
	if (pthread_create(&t, NULL, in_thread, NULL) == 0)
		pthread_join(t, NULL);
	else
		puts("no thread");
	if (fill(1000, 2000) != 2000)
		puts("no memory any more");
	puts("done");
	return 0;
}
