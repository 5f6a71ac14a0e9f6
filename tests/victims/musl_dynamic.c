/* victim: a dynamic program of another libc, started by a recorded shell.
 * build: musl-gcc -O2 -fno-builtin $src -o $out
 * through: sh
 * expect: 23
 */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		void *p = malloc(100);
		p = realloc(p, 1000);
		n += p != NULL;
		free(p);
	}
	printf("musl %d\n", n);
	return 23;
}
