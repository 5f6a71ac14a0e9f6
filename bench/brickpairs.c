/* brickpairs: what it costs to give a brick of a narrow band back and to take it again.
 *
 *	brickpairs rows|random THREADS      prints "pair_ns NANOSECONDS" and the lowest and highest
 *
 * A full cube of 32^3 bricks of 512 floats, every one written before. THREADS 2: a second
 * thread exists and sleeps, so that libmm's locks are real ones. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mm.h"

enum { SIDE = 32, BRICKS = SIDE * SIDE * SIDE, PAIRS = 2000000, ROUNDS = 7 };

static uint64_t keys[BRICKS];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *sleeper(void *arg)
{
	pause();
	return arg;
}

static struct mm_band_pool *full(void)
{
	struct mm_band_pool *p;
	uint32_t brick;

	if (mm_band_pool_create(NULL, "bricks", 8, 3, MM_PRECISION_F32, &p))
		exit(1);
	for (int i = 0; i < BRICKS; i++) {
		keys[i] = mm_brick_key(i % SIDE, i / SIDE % SIDE, i / SIDE / SIDE);
		if (mm_band_pool_take(p, keys[i], &brick))
			exit(1);
		memset(mm_band_pool_payload(p, brick), 1, 2048);
	}
	return p;
}

static double pairs(struct mm_band_pool *p, int random)
{
	static uint64_t r = 1;
	double start = now();
	uint32_t brick;

	for (uint32_t i = 0; i < PAIRS; i++) {
		r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint64_t key = keys[random ? r >> 49 : i % BRICKS];
		if (mm_band_pool_give(p, key) || mm_band_pool_take(p, key, &brick))
			exit(1);
	}
	return (now() - start) / PAIRS;
}

static int by_size(const void *a, const void *b)
{
	return *(const double *)a > *(const double *)b ? 1 : -1;
}

int main(int argc, char **argv)
{
	double took[ROUNDS];
	pthread_t t;

	if (argc != 3)
		return 2;
	if (atoi(argv[2]) > 1 && pthread_create(&t, NULL, sleeper, NULL))
		return 1;
	struct mm_band_pool *p = full();
	for (int i = 0; i < ROUNDS; i++)
		took[i] = pairs(p, strcmp(argv[1], "random") == 0);
	qsort(took, ROUNDS, sizeof *took, by_size);
	printf("pair_ns %.1f\npair_ns_low %.1f\npair_ns_high %.1f\n", took[ROUNDS / 2], took[0],
	       took[ROUNDS - 1]);
	return 0;
}
