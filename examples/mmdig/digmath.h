/* digmath.h: the arithmetic of mmdig: integers only, so that every machine gets the same.
 *
 * Vocabulary
 *   Q         4096: lengths are in 1/4096 voxel
 *   brick     8 x 8 x 8 voxels
 *   key       Morton code: the bits of x, y and z interleaved, x lowest
 */
#ifndef DIGMATH_H
#define DIGMATH_H

#include <math.h>
#include <stdint.h>

enum { Q = 4096, BRICK = 8, BRICK_VOXELS = 512 };

/* Floor of the square root; exact below 2^50, where a double holds every integer. */
static inline uint32_t dig_root(uint64_t x)
{
	return (uint32_t)sqrt((double)x);
}

/* A number that looks random and depends on every bit of x (finaliser of SplitMix64). */
static inline uint64_t dig_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* The next of a sequence; 0 to n - 1. */
static inline uint32_t dig_random(uint64_t *state, uint32_t n)
{
	return (uint32_t)((dig_mix((*state)++) >> 32) * n >> 32);
}

static inline uint64_t dig_spread(uint64_t v)
{
	v = (v | v << 32) & 0x001f00000000ffffu;
	v = (v | v << 16) & 0x001f0000ff0000ffu;
	v = (v | v << 8) & 0x100f00f00f00f00fu;
	v = (v | v << 4) & 0x10c30c30c30c30c3u;
	return (v | v << 2) & 0x1249249249249249u;
}

static inline uint32_t dig_gather(uint64_t v)
{
	v &= 0x1249249249249249u;
	v = (v | v >> 2) & 0x10c30c30c30c30c3u;
	v = (v | v >> 4) & 0x100f00f00f00f00fu;
	v = (v | v >> 8) & 0x001f0000ff0000ffu;
	v = (v | v >> 16) & 0x001f00000000ffffu;
	return (uint32_t)(v | v >> 32);
}

static inline uint64_t dig_key(const int at[3])
{
	return dig_spread((uint32_t)at[0]) | dig_spread((uint32_t)at[1]) << 1 |
	       dig_spread((uint32_t)at[2]) << 2;
}

static inline void dig_place(uint64_t key, int at[3])
{
	at[0] = (int)dig_gather(key);
	at[1] = (int)dig_gather(key >> 1);
	at[2] = (int)dig_gather(key >> 2);
}

static inline int dig_clamp(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

#endif
