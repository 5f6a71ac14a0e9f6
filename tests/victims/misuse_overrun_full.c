/* misuse_overrun_full.c: writes behind a block that fills its class to the last byte. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(FULL);

	p[FULL] = 1;
	free(p);
}
