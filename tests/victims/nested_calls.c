/* victim: over an allocator whose calls call each other by their public names.
 * lib: lib_nested.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bumpalloc.h"

int main(void)
{
	int good = 0;

	(void)&bump_marker;
	for (int i = 0; i < 5000; i++) {
		char *p = calloc(10, 10);
		good += p[50] == 0;
		strcpy(p, "nested");
		p = realloc(p, 1000);
		good += strcmp(p, "nested") == 0;
		free(p);
	}
	printf("%d\n", good);
	return 0;
}
