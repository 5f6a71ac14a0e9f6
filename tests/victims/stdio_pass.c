/* victim: copies its input to its output through buffers it allocates.
 * input: the text that goes in
 * expect: 22
 */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t n = 0;
	long total = 0;

	for (ssize_t got; (got = getline(&line, &n, stdin)) > 0;) {
		fwrite(line, 1, (size_t)got, stdout);
		total += got;
	}
	free(line);
	fprintf(stderr, "%ld\n", total);
	return (int)(total % 100);
}
