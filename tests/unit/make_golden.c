/* make_golden.c: writes the kept traces again, for a new version of the format:
 *     make_golden v1 FILE       traces/v1.mmt
 *     make_golden bounded FILE  traces/v1-bounded.mmt
 *     make_golden voxel FILE    traces/v1-voxel.mmt
 *     make_golden tiny FILE     the example of FORMAT.md
 * Files of versions that were released are never replaced. */
#include <stdio.h>
#include <string.h>

#include "goldens.h"
#include "voxel.h"

int main(int argc, char **argv)
{
	struct tg g[GOLDEN_BOUNDED_PROCESSES];
	const char *which = argc == 3 ? argv[1] : "";
	struct voxel voxel;
	int count = 0;

	if (strcmp(which, "v1") == 0) {
		golden_v1(argv[2], g);
		count = GOLDEN_PROCESSES;
	} else if (strcmp(which, "bounded") == 0) {
		golden_bounded(argv[2], g);
		count = GOLDEN_BOUNDED_PROCESSES;
	} else if (strcmp(which, "voxel") == 0) {
		voxel_write(argv[2], &voxel);
		voxel_end(&voxel);
	} else if (strcmp(which, "tiny") == 0) {
		golden_tiny(argv[2]);
	} else {
		fprintf(stderr, "usage: make_golden v1|bounded|voxel|tiny FILE\n");
		return 2;
	}
	while (count)
		tg_end(&g[--count]);
	return 0;
}
