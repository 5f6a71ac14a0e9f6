/* victim: a static program, started by a shell that is recorded.
 * build: $CC -O2 -fno-builtin -static -pthread $src -o $out
 * through: sh
 * expect: 21
 */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		void *p = malloc(100);
		n += p != NULL;
		free(p);
	}
	printf("static %d\n", n);
	return 21;
}
