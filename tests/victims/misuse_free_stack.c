/* misuse_free_stack.c: frees an array on the stack. */
#include "misuse_kit.h"

static void misuse(void)
{
	char array[100];

	free((void *)((uintptr_t)array & ~(uintptr_t)15));
}
