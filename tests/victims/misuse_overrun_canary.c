/* misuse_overrun_canary.c: writes the last byte of a block's canary, and frees it. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100);

	p[107] = 1;
	free(p);
}
