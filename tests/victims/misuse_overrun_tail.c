/* misuse_overrun_tail.c: writes what its class leaves over behind a block's canary, and frees it. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100);

	p[110] = 1;
	free(p);
}
