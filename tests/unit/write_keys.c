/* write_keys.c: prints the list of keys for man/mmtop.1. */
#include <stdio.h>

#include "tui/keys.h"

int main(void)
{
	return mm_keys_write_manual(stdout) || fflush(stdout) ? 1 : 0;
}
