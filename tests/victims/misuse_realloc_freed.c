/* misuse_realloc_freed.c: makes a freed block larger. */
#include "misuse_kit.h"

static void misuse(void)
{
	void *volatile p = block(100);

	free(p);
	p = realloc(p, 200);
}
