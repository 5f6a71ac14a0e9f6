/* The allocator of bumpalloc.h with calloc and realloc made of malloc and free, called as
 * any program would call them. */
#include <stdlib.h>

#define BUMP_MALLOC malloc
#define BUMP_FREE free
#include "lib_bump.c"
