/* misuse_double_large.c: frees a block twice that has slices of its own. */
#include "misuse_kit.h"

static void misuse(void)
{
	void *volatile p = block(100000);

	free(p);
	free(p);
}
