/* misuse_free_static.c: frees a static array. */
#include "misuse_kit.h"

static char array[100] __attribute__((aligned(16)));

static void misuse(void)
{
	free(array);
}
