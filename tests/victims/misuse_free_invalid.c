/* misuse_free_invalid.c: frees an address among the heap's that is no block's. */
#include "misuse_kit.h"

static void misuse(void)
{
	free(block(100) + (1 << 30));
}
