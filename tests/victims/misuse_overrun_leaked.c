/* misuse_overrun_leaked.c: writes the byte behind a block that nobody ever frees. */
#include "misuse_kit.h"

static void misuse(void)
{
	block(100)[100] = 1;
}
