/* Constructor and destructor that allocate and free. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ctor_made[1000];
char *dtor_frees[1000];

__attribute__((constructor)) static void make(void)
{
	for (int i = 0; i < 1000; i++) {
		ctor_made[i] = malloc(32);
		memset(ctor_made[i], 'x', 32);
		ctor_made[i][i % 31] = 0;
	}
}

__attribute__((destructor)) static void unmake(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		n += dtor_frees[i] != NULL;
		free(dtor_frees[i]);
	}
	printf("destructor freed %d\n", n);
	fflush(stdout);
}
