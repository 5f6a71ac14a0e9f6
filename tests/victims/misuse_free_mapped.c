/* misuse_free_mapped.c: frees memory that mmap gave. */
#include "misuse_kit.h"

static void misuse(void)
{
	free(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}
