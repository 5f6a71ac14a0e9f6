/* misuse_double_free.c: frees a block twice. */
#include "misuse_kit.h"

static void misuse(void)
{
	void *volatile p = block(100), *volatile q = block(100);

	free(p);
	free(q);
	free(p);
}
