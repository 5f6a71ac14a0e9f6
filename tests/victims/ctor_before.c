/* victim: objects born in a library's constructor die in main, objects of main
 * die in the library's destructor.
 * lib: lib_ctor.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char *ctor_made[1000];
extern char *dtor_frees[1000];

int main(void)
{
	long sum = 0;

	for (int i = 0; i < 1000; i++) {
		sum += (long)strlen(ctor_made[i]);
		free(ctor_made[i]);
		dtor_frees[i] = malloc(64);
	}
	printf("%ld\n", sum);
	return 0;
}
