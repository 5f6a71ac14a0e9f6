/* misuse_free_interior.c: frees an address inside a block. */
#include "misuse_kit.h"

static void misuse(void)
{
	free(block(100) + 16);
}
