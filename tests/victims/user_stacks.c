/* victim: threads on stacks of the program's own, as small as is allowed. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *work(void *arg)
{
	long n = 0;

	(void)arg;
	for (int i = 0; i < 2000; i++) {
		char *p = malloc(200);
		n += p != NULL;
		p = realloc(p, 300);
		free(p);
	}
	return (void *)n;
}

int main(void)
{
	size_t size = (size_t)sysconf(_SC_THREAD_STACK_MIN);
	long sum = 0;

	if (size < 16384)
		size = 16384;
	for (int i = 0; i < 50; i++) {
		char *m = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_attr_t a;
		pthread_t t;
		void *r;
		mprotect(m + 4096, size, PROT_READ | PROT_WRITE);
		pthread_attr_init(&a);
		pthread_attr_setstack(&a, m + 4096, size);
		if (pthread_create(&t, &a, work, NULL) != 0)
			return 1;
		pthread_join(t, &r);
		sum += (long)r;
		munmap(m, size + 8192);
	}
	printf("%ld\n", sum);
	return 0;
}
