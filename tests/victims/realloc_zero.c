/* victim: realloc and malloc at their edges. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *p = malloc(100);

	strcpy(p, "text");
	errno = 0;
	char *q = realloc(p, 0);
	printf("realloc(p, 0) %s, errno %d\n", q ? "gives a block" : "frees", errno);
	free(q);
	p = realloc(NULL, 0);
	printf("realloc(NULL, 0) %s\n", p ? "gives a block" : "gives none");
	p = realloc(p, 50);
	strcpy(p, "more");
	errno = 0;
	q = realloc(p, SIZE_MAX / 2);
	printf("too much: %d, errno %d, still %s\n", q == NULL, errno, p);
	errno = 0;
	q = reallocarray(p, SIZE_MAX / 4, 8);
	printf("overflow: %d, errno %d, still %s\n", q == NULL, errno, p);
	q = reallocarray(p, 100, 8);
	printf("array: %s, %d\n", q, malloc_usable_size(q) >= 800);
	q = reallocarray(q, 0, 8);
	printf("array of none: %s\n", q ? "a block" : "none");
	for (int i = 1; i < 20000; i += 17) {
		q = realloc(q, (size_t)i);
		q[i - 1] = 'e';
	}
	free(q);
	p = malloc(0);
	q = calloc(0, 8);
	printf("malloc(0) %d, calloc(0, 8) %d\n", p != NULL, q != NULL);
	free(p);
	free(q);
	return 0;
}
