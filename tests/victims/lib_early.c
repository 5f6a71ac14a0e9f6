/* Allocates and looks things up as early as a library can. */
#include <dlfcn.h>
#include <stdlib.h>

int early_count, early_missing;
char *early_block[64];

__attribute__((constructor(101))) static void early(void)
{
	for (int i = 0; i < 64; i++) {
		early_block[i] = calloc(1, 100);
		early_block[i][0] = (char)i;
		early_count++;
		if (!dlsym(RTLD_DEFAULT, "no_such_name_anywhere") && dlerror())
			early_missing++;
		if (!dlsym(RTLD_NEXT, "calloc"))
			early_missing += 1000;
	}
}
