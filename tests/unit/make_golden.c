/* make_golden.c: writes the kept traces again, for a new version of the format:
 *     make_golden v1 FILE     traces/v1.mmt
 *     make_golden tiny FILE   the example of FORMAT.md
 * Files of versions that were released are never replaced. */
#include <stdio.h>
#include <string.h>

#include "goldens.h"

int main(int argc, char **argv)
{
	struct tg g[GOLDEN_PROCESSES];

	if (argc != 3 || (strcmp(argv[1], "v1") && strcmp(argv[1], "tiny"))) {
		fprintf(stderr, "usage: make_golden v1|tiny FILE\n");
		return 2;
	}
	if (strcmp(argv[1], "tiny") == 0) {
		golden_tiny(argv[2]);
		return 0;
	}
	golden_v1(argv[2], g);
	for (int i = 0; i < GOLDEN_PROCESSES; i++)
		tg_end(&g[i]);
	return 0;
}
