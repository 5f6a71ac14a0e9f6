/* victim: a program that brings malloc, free, calloc and realloc of its own, and calls
 * those of libc's functions that are made of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib_bump.c"

int main(void)
{
	int good = 0;

	for (int i = 0; i < 1000; i++) {
		char *p = reallocarray(NULL, 10, 10);
		strcpy(p, "mine");
		p = reallocarray(p, 100, 10);
		good += strcmp(p, "mine") == 0;
		char *q = strdup(p);
		good += strcmp(q, "mine") == 0;
		free(p);
		free(q);
		q = NULL;
		if (asprintf(&q, "%d", i) > 0)
			good += atoi(q) == i;
		free(q);
	}
	printf("%d\n", good);
	return 0;
}
