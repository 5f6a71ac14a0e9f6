/* random.c: COUNT allocations of random sizes (16 to 1039 bytes, uniform) into a
 * table of 8192 places, each freeing the place it takes. What a trace must at least
 * hold of it is known: log2(1024) bits an allocation for its size and log2(8192)
 * bits a free for which object, so 23 bits for two events: 1.44 bytes an event,
 * before times and addresses.
 * Usage: random COUNT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 8192 };

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int argc, char **argv)
{
	static char *place[PLACES];
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned long frees = 0;

	for (unsigned long i = 0; i < count; i++) {
		uint64_t r = next();
		char **p = &place[r >> 40 & (PLACES - 1)];
		frees += *p != NULL;
		free(*p);
		*p = malloc(16 + (r >> 16 & 1023));
		if (!*p)
			return 2;
		**p = (char)i;
	}
	for (int i = 0; i < PLACES; i++)
		free(place[i]);
	printf("{\"allocs\": %lu, \"replaced\": %lu}\n", count, frees);
	return 0;
}
