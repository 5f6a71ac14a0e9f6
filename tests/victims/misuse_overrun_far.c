/* misuse_overrun_far.c: writes far behind a block. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100), *q = malloc(100000);

	p[4000] = 1;
	free(p);
	free(q);
}
