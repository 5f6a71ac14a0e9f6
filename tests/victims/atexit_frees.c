/* victim: frees in exit handlers, in destructors, after stdout is closed.
 * expect: 27
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *kept[100];

static void last(void)
{
	int n = 0;

	for (int i = 0; i < 100; i++) {
		n += kept[i] != NULL;
		free(kept[i]);
		kept[i] = malloc(10);
	}
	(void)!write(2, n == 100 ? "all\n" : "some\n", n == 100 ? 4 : 5);
}

static void first(void)
{
	fclose(stdout);
	free(malloc(100));
}

__attribute__((destructor)) static void very_last(void)
{
	for (int i = 0; i < 100; i++)
		free(kept[i]);
	(void)!write(2, "gone\n", 5);
}

int main(void)
{
	for (int i = 0; i < 100; i++)
		kept[i] = malloc(50);
	atexit(last);
	atexit(first);
	printf("leaving\n");
	return 27;
}
