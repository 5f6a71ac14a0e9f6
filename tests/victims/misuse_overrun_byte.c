/* misuse_overrun_byte.c: writes the byte behind a block, and frees it. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100);

	p[100] = 1;
	free(p);
}
