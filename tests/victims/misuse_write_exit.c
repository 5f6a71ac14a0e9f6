/* misuse_write_exit.c: writes into a freed block, and the program ends. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100);

	free(p);
	p[3] = 1;
}
