/* misuse_write_reused.c: writes into a freed block that has left the quarantine and is given out next. */
#include "misuse_kit.h"

enum { LATER = 64 /* as many as rest in it */ };

static void misuse(void)
{
	unsigned char *p = block(100), *later[LATER];

	for (int i = 0; i < LATER; i++)
		later[i] = block(100);
	free(p);
	for (int i = 0; i < LATER; i++)
		free(later[i]);
	p[3] = 1;
	block(100);
}
