/* misuse_read_freed.c: reads a freed block. */
#include "misuse_kit.h"

static void misuse(void)
{
	volatile unsigned char *p = block(100);

	free((void *)p);
	(void)p[3];
}
