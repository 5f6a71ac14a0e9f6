/* victim: a library whose constructor runs before any preload's allocates, looks up
 * names that exist and names that do not, and has calloc called by the lookup.
 * lib: lib_early.c
 */
#include <stdio.h>
#include <stdlib.h>

extern int early_count, early_missing;
extern char *early_block[64];

int main(void)
{
	int ok = 0;

	for (int i = 0; i < 64; i++) {
		ok += early_block[i] && early_block[i][0] == i && early_block[i][99] == 0;
		early_block[i] = realloc(early_block[i], 1000);
		ok += early_block[i][0] == i;
		free(early_block[i]);
	}
	printf("%d early allocations, %d missing names, %d good\n", early_count,
	       early_missing, ok);
	return 0;
}
