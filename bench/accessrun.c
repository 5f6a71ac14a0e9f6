/* accessrun: what an access pattern of mm.h changes, in a process of its own.
 *
 *	accessrun ACCESS BLOCKS [holes|stream|octree]     ACCESS is a number of enum mm_access
 *
 * Blocks of 64 bytes are allocated and written one after another; then all are visited in a
 * random order; then holes are made and filled. Prints one line of "name value" pairs:
 * fill_ns, visit_ns and hole_ns a block; faults while filling; huge_kib that the system gave;
 * rss_kib; cached blocks at the end.
 *
 * stream and octree: a pool is filled, and one block of 12 is freed again, at random (for the
 * octree half of them eight in a row: children of a node). Then a
 * chain, or an octree of nodes that are divided in eight, depth first, is built of as many blocks
 * as were freed. Prints build_ns a block; pass_ns a block of going along the chain or through the
 * tree, depth first; seek_ns a step of going from the root to a leaf at random; rss_kib.
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

/* --- blocks at random, and holes ----------------------------------------------------------- */

static int holes(struct mm_pool *pool, uint64_t n)
{
	uint64_t **block = calloc(n, sizeof *block), seed = 1, sum = 0;
	struct mm_pool_stats s;

	if (!block)
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
	free(block);
	return 0;
}

/* --- what is built in a pool with holes --------------------------------------------------------- */

enum { HOLE_EVERY = 12, PASSES = 8, SEEKS = 400000, SURE_DEPTH = 5, RARELY = 40, CHILDREN = 8 };

union node { union node *child[CHILDREN]; struct { union node *next; uint64_t value; } link; };

struct tree { struct mm_pool *pool; union node *root; uint64_t nodes, most, seed, steps; };

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/* How many there are; half of them, with families, are eight in a row. */
static uint64_t make_holes(struct mm_pool *pool, uint64_t n, int families)
{
	void **block = calloc(n, sizeof *block);
	uint64_t seed = 7, made = 0, every = families ? 2 * HOLE_EVERY : HOLE_EVERY;
	int family = 0;

	for (uint64_t i = 0; block && i < n; i++)
		if ((block[i] = mm_pool_alloc(pool)) != NULL)
			memset(block[i], 0, BYTES);
	for (uint64_t i = 0; block && i < n; i++) {
		if (families && i % CHILDREN == 0)
			family = draw(&seed) % every == 0;
		if (family || draw(&seed) % every == 0) {
			mm_pool_free(pool, block[i]);
			made++;
		}
	}
	free(block);
	return made;
}

static union node *node_new(struct tree *t)
{
	union node *n = mm_pool_alloc(t->pool);

	if (!n)
		exit(3);
	memset(n, 0, sizeof *n);
	t->nodes++;
	return n;
}

static void divide(struct tree *t, union node *n, int depth)
{
	if (t->nodes + CHILDREN > t->most || depth == 16)
		return;
	for (int i = 0; i < CHILDREN; i++)
		n->child[i] = node_new(t);
	for (int i = 0; i < CHILDREN; i++)
		if (depth < SURE_DEPTH || draw(&t->seed) % RARELY == 0)
			divide(t, n->child[i], depth + 1);
}

static void walk(struct tree *t, const union node *n)
{
	t->steps++;
	for (int i = 0; i < CHILDREN && n->child[i]; i++)
		walk(t, n->child[i]);
}

static void seek_leaf(struct tree *t)
{
	/* Where to go next is known only once the node is there. */
	for (const union node *n = t->root; n; t->steps++)
		n = n->child[(draw(&t->seed) ^ ((uintptr_t)n->child[0] & 7)) % CHILDREN];
}

static int octree(struct mm_pool *pool, uint64_t n)
{
	struct tree t = { .pool = pool, .most = make_holes(pool, n, 1), .seed = 11 };
	double begin = now_ns(), built, walked, sought;

	t.root = node_new(&t);
	divide(&t, t.root, 0);
	built = now_ns();
	for (int i = 0; i < PASSES; i++)
		walk(&t, t.root);
	walked = now_ns();
	uint64_t in_walks = t.steps;
	for (int i = 0; i < SEEKS; i++)
		seek_leaf(&t);
	sought = now_ns();
	printf("build_ns %.2f pass_ns %.2f seek_ns %.2f rss_kib %ld\n",
	       (built - begin) / (double)t.nodes, (walked - built) / (double)in_walks,
	       (sought - walked) / (double)(t.steps - in_walks), kib_of("Rss:"));
	return 0;
}

static int stream(struct mm_pool *pool, uint64_t n)
{
	struct tree t = { .pool = pool, .most = make_holes(pool, n, 0) };
	union node *last = NULL;
	uint64_t sum = 0;
	double begin = now_ns(), built;

	while (t.nodes < t.most) {
		union node *one = node_new(&t);
		if (last)
			last->link.next = one;
		else
			t.root = one;
		last = one;
	}
	built = now_ns();
	for (int i = 0; i < PASSES; i++)
		for (union node *at = t.root; at; at = at->link.next)
			sum += ++at->link.value;
	printf("build_ns %.2f pass_ns %.2f seek_ns 0 rss_kib %ld\n", (built - begin) / (double)t.nodes,
	       (now_ns() - built) / (double)(PASSES * t.nodes), kib_of("Rss:"));
	return sum == 0;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const char *what = argc > 3 ? argv[3] : "holes";
	struct mm_pool *pool;

	if (n < 2 * HOLES || mm_pool_create(NULL, "access", BYTES, 0, (enum mm_access)atoi(argv[1]),
					    1, &pool))
		return 3;
	return strcmp(what, "stream") == 0 ? stream(pool, n)
	     : strcmp(what, "octree") == 0 ? octree(pool, n) : holes(pool, n);
}
