/* misuse_free_sized.c: says a wrong size when it frees a block. */
#include "misuse_kit.h"

void free_sized(void *p, size_t size) __attribute__((weak));

static void misuse(void)
{
	unsigned char *p = block(100);

	if (free_sized)
		free_sized(p, 90);
	else
		free(p);
}
