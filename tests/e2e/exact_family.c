/* exact_family.c: every way to allocate, the corners included, each a stated number of
 * times; prints what a recording must say as NAME=NUMBER lines.
 *
 * A size of 0 counts as an allocation; a refused one does not; calloc as the product;
 * a realloc is a free and an allocation; realloc(NULL) an allocation alone; what libc
 * allocates for the program (strdup, asprintf's buffer) is the program's. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 100, BLOCKS_MAX = 32 };

static void *blocks[BLOCKS_MAX];
static unsigned long block_count, allocs, frees, bytes, live, peak;
static size_t sizes[BLOCKS_MAX];

static void *volatile sink;

static void count(void *p, size_t size)
{
	if (!p)
		_exit(3);
	sink = p;
	blocks[block_count] = p;
	sizes[block_count++] = size;
	allocs++;
	bytes += size;
	live += size;
	if (live > peak)
		peak = live;
}

static void resize_last(size_t size)
{
	void *p = realloc(blocks[--block_count], size);

	frees++;
	live -= sizes[block_count];
	count(p, size);
}

static void family(void)
{
	void *p = NULL;

	count(malloc(100), 100);
	count(malloc(0), 0);
	count(calloc(7, 13), 91);
	count(calloc(0, 13), 0);
	count(realloc(NULL, 40), 40);
	resize_last(4000);
	resize_last(30);
	count(reallocarray(NULL, 5, 9), 45);
	count(memalign(256, 300), 300);
	count(aligned_alloc(64, 640), 640);
	if (posix_memalign(&p, 4096, 50) != 0)
		_exit(3);
	count(p, 50);
	count(valloc(70), 70);
	count(strdup("a text of 18 bytes"), 19);
	count(malloc(3 << 20), 3 << 20); /* beyond the mmap threshold */
}

/* None of these succeeds, so none is an allocation. */
static unsigned long refusals(void)
{
	static volatile size_t huge = PTRDIFF_MAX;
	void *p = NULL;
	unsigned long refused = 0;

	refused += malloc(huge) == NULL;
	refused += calloc(huge, 16) == NULL;
	refused += realloc(blocks[0], huge) == NULL; /* the block lives on */
	refused += posix_memalign(&p, 3, 10) != 0;
	return refused;
}

int main(void)
{
	char text[512];
	int n;

	for (int i = 0; i < ROUNDS; i++) {
		family();
		if (refusals() != 4)
			return 5;
		free(NULL);
		while (block_count > 0) {
			free(blocks[--block_count]);
			frees++;
			live -= sizes[block_count];
		}
	}
	n = snprintf(text, sizeof text,
		     "alloc_count=%lu\nfree_count=%lu\nalloc_bytes=%lu\npeak_live_bytes=%lu\n"
		     "live_end_bytes=%lu\nlive_end_count=%lu\n", allocs, frees, bytes, peak, live,
		     allocs - frees);
	return write(1, text, (size_t)n) == n ? 0 : 4;
}
