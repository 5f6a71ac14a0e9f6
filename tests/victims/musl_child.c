/* victim: a program of another libc, static, started by a shell that is recorded.
 * build: musl-gcc -O2 -fno-builtin -static $src -o $out
 * through: sh
 * expect: 22
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
	printf("musl %d\n", n);
	return 22;
}
