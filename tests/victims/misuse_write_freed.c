/* misuse_write_freed.c: writes into a freed block, which shows when it leaves the quarantine. */
#include "misuse_kit.h"

static void misuse(void)
{
	unsigned char *p = block(100);

	free(p);
	p[3] = 1;
	time_passes();
}
