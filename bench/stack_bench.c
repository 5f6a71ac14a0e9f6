/* stack_bench.c: what a stack costs, in nanoseconds, by depth.
 *
 *   hit    the stack is the one seen last but a few
 *   join   the innermost two frames differ, the rest is the stack seen last
 *   miss   no frame is where it was: rows and call tree warm, nothing remembered
 *
 * Each figure is the median of nine runs, less the same loop with a hook that
 * does nothing. Usage: stack_bench [DEPTH ...] */
#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "capture/stack.h"
#include "core/shm.h"

#define NOINLINE __attribute__((noinline, noclone))

enum { MAPPING = 256 << 20, RUNS = 9, CALLS = 200000, SPREAD = 4096 };

static struct mm_stack_thread self;
static int idle; /* the hook does nothing */
static int inner_calls, inner_spread;
static volatile uint32_t sink;

NOINLINE __attribute__((optimize("no-omit-frame-pointer"))) static void hook(void)
{
	struct mm_caller c = MM_CALLER_HERE();

	if (!idle)
		sink += mm_stack_node(&self, &c, 0);
}

NOINLINE static void leaf(uint32_t room)
{
	volatile char *p = alloca(room + 16);

	p[0] = 1;
	hook();
	p[1] = 1;
}

NOINLINE static void descend(int depth)
{
	if (depth > 2) {
		descend(depth - 1);
		__asm__ volatile("");
		return;
	}
	for (int i = 0; i < inner_calls; i++)
		leaf(inner_spread ? (uint32_t)(i % SPREAD) * 16 : 0);
	__asm__ volatile("");
}

NOINLINE static void outer(int depth, uint32_t room)
{
	volatile char *p = alloca(room + 16);

	p[0] = 1;
	descend(depth);
	p[1] = 1;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double once(int depth, char kind)
{
	double start = seconds();

	inner_calls = kind == 'm' ? 1 : CALLS;
	inner_spread = kind == 'j';
	if (kind == 'm')
		for (int i = 0; i < CALLS; i++)
			outer(depth, (uint32_t)(i % SPREAD) * 16);
	else
		outer(depth, 0);
	return (seconds() - start) / CALLS * 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(int depth, char kind)
{
	double ns[RUNS];

	for (int i = 0; i < RUNS; i++) {
		idle = 1;
		double bare = once(depth, kind);
		idle = 0;
		ns[i] = once(depth, kind) - bare;
	}
	qsort(ns, RUNS, sizeof ns[0], by_value);
	return ns[RUNS / 2];
}

/* `depth` counts the frames from the hook's caller to _start. */
static void measure(int depth)
{
	int frames = depth - 6; /* leaf, outer, main and three of libc's */

	if (frames < 2)
		frames = 2;
	printf("depth %3d   hit %6.1f ns   join %6.1f ns   miss %7.1f ns, %5.1f a frame\n", depth,
	       median(frames + 1, 'h'), median(frames + 1, 'j'), median(frames + 1, 'm'),
	       median(frames + 1, 'm') / depth);
}

int main(int argc, char **argv)
{
	static const int usual[] = { 8, 12, 20, 50 };
	void *base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, 256, MM_CLOCK_TSC) != 0 ||
	    mm_stack_bind(base, 0, 256) != 0)
		return 2;
	mm_stack_thread_adopt(&self, 0);
	for (int i = 1; i < argc; i++)
		measure(atoi(argv[i]));
	for (int i = 0; argc < 2 && i < 4; i++)
		measure(usual[i]);
	return 0;
}
