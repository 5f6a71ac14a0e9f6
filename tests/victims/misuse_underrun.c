/* misuse_underrun.c: writes the byte before a block, and frees it. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *before = block(100), *p = block(100);

	p[-1] = 1;
	free(p);
	free(before);
}
