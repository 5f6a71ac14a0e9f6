/* victim: execs itself, ten times over, then something else.
 * expect: 11
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int left = argc > 1 ? atoi(argv[1]) : 10;
	char *p = strdup("kept over exec, so discarded"), text[16];

	for (int i = 0; i < 100; i++)
		free(malloc((size_t)i));
	printf("%d %zu\n", left, strlen(p));
	fflush(stdout);
	snprintf(text, sizeof text, "%d", left - 1);
	if (left > 0)
		execl("/proc/self/exe", argv[0], text, (char *)NULL);
	else
		execlp("sh", "sh", "-c", "echo end of the chain; exit 11", (char *)NULL);
	return 1;
}
