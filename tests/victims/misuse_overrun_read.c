/* misuse_overrun_read.c: reads behind a block. */
#include "misuse_kit.h"

static void misuse(void)
{
	volatile unsigned char *p = block(FULL);

	(void)p[FULL];
	free((void *)p);
}
