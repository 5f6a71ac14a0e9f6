/* lowset.c: words of words (lowset.h). */
#include "alloc/lowset.h"

static uint64_t words_at(uint32_t limit, int level)
{
	uint64_t n = limit;

	for (int i = 0; i <= level; i++)
		n = (n + 63) / 64;
	return n;
}

uint64_t mm_lowset_bytes(uint32_t limit)
{
	uint64_t words = 0;

	for (int i = 0; i < MM_LOWSET_LEVELS; i++)
		words += words_at(limit, i);
	return words * sizeof(uint64_t);
}

uint64_t mm_lowset_bytes_until(uint32_t limit, uint32_t n)
{
	return mm_lowset_bytes(limit) - (words_at(limit, 0) - words_at(n, 0)) * sizeof(uint64_t);
}

void mm_lowset_init(struct mm_lowset *s, uint32_t limit, void *memory)
{
	uint64_t *at = memory;

	for (int i = MM_LOWSET_LEVELS - 1; i >= 0; i--) {
		s->level[i] = at;
		s->words[i] = (uint32_t)words_at(limit, i);
		at += s->words[i];
	}
}

void mm_lowset_add(struct mm_lowset *s, uint32_t n)
{
	for (int i = 0; i < MM_LOWSET_LEVELS; i++, n /= 64) {
		uint64_t *w = &s->level[i][n / 64], was = *w;
		*w = was | UINT64_C(1) << n % 64;
		if (was)
			return;
	}
}

void mm_lowset_remove(struct mm_lowset *s, uint32_t n)
{
	for (int i = 0; i < MM_LOWSET_LEVELS; i++, n /= 64) {
		uint64_t *w = &s->level[i][n / 64];
		*w &= ~(UINT64_C(1) << n % 64);
		if (*w)
			return;
	}
}

/* The lowest member below the word `at` of `level`, which is not 0. */
static uint32_t lowest_below(const struct mm_lowset *s, int level, uint32_t at)
{
	for (; level >= 0; level--)
		at = at * 64 + (uint32_t)__builtin_ctzll(s->level[level][at]);
	return at;
}

uint32_t mm_lowset_lowest(const struct mm_lowset *s)
{
	return s->level[MM_LOWSET_LEVELS - 1][0] ? lowest_below(s, MM_LOWSET_LEVELS - 1, 0)
						 : MM_LOWSET_NONE;
}

uint32_t mm_lowset_highest(const struct mm_lowset *s)
{
	uint32_t at = 0;

	if (!s->level[MM_LOWSET_LEVELS - 1][0])
		return MM_LOWSET_NONE;
	for (int i = MM_LOWSET_LEVELS - 1; i >= 0; i--)
		at = at * 64 + 63 - (uint32_t)__builtin_clzll(s->level[i][at]);
	return at;
}

uint32_t mm_lowset_from(const struct mm_lowset *s, uint32_t n)
{
	for (int i = 0; i < MM_LOWSET_LEVELS && n / 64 < s->words[i]; i++, n = n / 64 + 1) {
		uint64_t w = s->level[i][n / 64] >> n % 64;
		if (w) {
			n += (uint32_t)__builtin_ctzll(w);
			return i == 0 ? n : lowest_below(s, i - 1, n);
		}
	}
	return MM_LOWSET_NONE;
}
