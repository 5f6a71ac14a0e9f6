/* accessrun: what an access pattern of mm.h changes, in a process of its own.
 *
 *	accessrun ACCESS BLOCKS     ACCESS is a number of enum mm_access
 *
 * Blocks of 64 bytes are allocated and written one after another; then all are visited in a
 * random order; then holes are made and filled. Prints one line of "name value" pairs:
 * fill_ns, visit_ns and hole_ns a block; faults while filling; huge_kib that the system gave;
 * rss_kib; cached blocks at the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mm.h"

enum { BYTES = 64, VISITS = 3, HOLES = 64, ROUNDS = 20000 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static long faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

/* KiB of a line of smaps_rollup. */
static long kib_of(const char *what)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, what, strlen(what)) == 0)
			kib = atol(line + strlen(what));
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, seed = 1, sum = 0;
	struct mm_pool_stats s;
	struct mm_pool *pool;
	uint64_t **block = calloc(n ? n : 1, sizeof *block);

	if (!n || !block || mm_pool_create(NULL, "access", BYTES, 0,
					   (enum mm_access)atoi(argv[1]), 1, &pool))
		return 3;
	memset(block, 1, n * sizeof *block);
	long before = faults();
	double begin = now_ns();
	for (uint64_t i = 0; i < n; i++) {
		if (!(block[i] = mm_pool_alloc(pool)))
			return 3;
		*block[i] = i;
	}
	double filled = now_ns();
	long filling = faults() - before;
	for (uint64_t i = 0; i < VISITS * n; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		sum += (*block[(seed >> 20) % n])++;
	}
	double visited = now_ns();
	for (int r = 0; r < ROUNDS; r++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint64_t at = (seed >> 20) % (n - HOLES);
		for (int i = 0; i < HOLES; i++)
			mm_pool_free(pool, block[at + (uint64_t)i]);
		for (int i = 0; i < HOLES; i++)
			*(block[at + (uint64_t)i] = mm_pool_alloc(pool)) = sum;
	}
	double holed = now_ns();
	mm_pool_stats(pool, &s);
	printf("fill_ns %.2f visit_ns %.2f hole_ns %.2f faults %ld huge_kib %ld rss_kib %ld"
	       " cached %llu\n", (filled - begin) / (double)n,
	       (visited - filled) / (double)(VISITS * n),
	       (holed - visited) / (double)(ROUNDS * HOLES), filling, kib_of("AnonHugePages:"),
	       kib_of("Rss:"), (unsigned long long)s.cached);
	return 0;
}
