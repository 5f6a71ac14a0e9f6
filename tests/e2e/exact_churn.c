/* exact_churn.c: a table of blocks allocated, resized and freed at random, every figure
 * of it kept by the program itself and printed as NAME=NUMBER lines. Nothing else in it
 * allocates: it prints with write(2).
 * Usage: exact_churn STEPS [plain]   plain: no realloc, no calloc */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 3000, KEPT_EACH = 97 };

static struct { void *at; size_t size; unsigned long birth; } table[PLACES];
static unsigned long births, allocs, frees, bytes, live, peak, temporaries, live_count;
static int plain;

static unsigned rnd(unsigned n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

static void born(int i, void *p, size_t size)
{
	if (!p)
		_exit(3);
	table[i].at = p;
	table[i].size = size;
	table[i].birth = ++births;
	allocs++;
	live_count++;
	bytes += size;
	live += size;
	if (live > peak)
		peak = live;
}

static void died(int i)
{
	frees++;
	live_count--;
	live -= table[i].size;
	table[i].at = NULL;
}

static void let_go(int i)
{
	temporaries += table[i].birth == births;
	free(table[i].at);
	died(i);
}

static void make(int i)
{
	size_t size = rnd(8) ? rnd(500) : rnd(100000);

	if (plain || rnd(4))
		born(i, malloc(size), size);
	else
		born(i, calloc(size / 8, 8), size / 8 * 8);
}

static void resize(int i)
{
	size_t size = rnd(2000) + 1;
	void *p = realloc(table[i].at, size);

	died(i);
	born(i, p, size);
}

static void step(void)
{
	int i = (int)rnd(PLACES);

	if (!table[i].at)
		make(i);
	else if (!plain && rnd(3) == 0)
		resize(i);
	else
		let_go(i);
	if (rnd(10) == 0 && table[i].at)
		let_go(i);
}

static void print(const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (write(1, text, (size_t)n) != n)
		_exit(4);
}

int main(int argc, char **argv)
{
	long steps = argc > 1 ? atol(argv[1]) : 10000;

	plain = argc > 2;
	while (steps-- > 0)
		step();
	for (int i = 0; i < PLACES; i++)
		if (table[i].at && i % KEPT_EACH)
			let_go(i);
	print("alloc_count=%lu\nfree_count=%lu\nalloc_bytes=%lu\npeak_live_bytes=%lu\n"
	      "live_end_bytes=%lu\nlive_end_count=%lu\ntemporary_count=%lu\n",
	      allocs, frees, bytes, peak, live, live_count, temporaries);
	return 0;
}
