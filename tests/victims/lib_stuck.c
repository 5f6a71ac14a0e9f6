/* The allocator of bumpalloc.h with a realloc that can be made to wait. */
#include <stdatomic.h>
#include <unistd.h>

_Atomic int stuck_wait, stuck_in;

static void hold_on(void *p)
{
	(void)p;
	while (stuck_wait) {
		stuck_in = 1;
		usleep(1000);
	}
}

#define BUMP_MALLOC cut
#define BUMP_FREE hold_on
#include "lib_bump.c"
