/* content.h: the only place where the engine reads or writes what is in blocks.
 *
 * Promise: simulated, nothing is touched; the bytes are counted all the same.
 * Vocabulary: zero and copy are what a program asks for (calloc, realloc); poison and canary
 * are the engine's own, in checked modes.
 * Thread-safe. */
#ifndef MM_ALLOC_CONTENT_H
#define MM_ALLOC_CONTENT_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct mm_content {
	int simulated;
	_Atomic uint64_t zeroed, copied; /* bytes */
	_Atomic uint64_t canaries, poisoned, verified;
};

static inline void mm_content_zero(struct mm_content *c, uint64_t addr, uint64_t bytes)
{
	if (c->simulated)
		atomic_fetch_add_explicit(&c->zeroed, bytes, memory_order_relaxed);
	else
		memset((void *)(uintptr_t)addr, 0, bytes);
}

/* Ranges do not overlap. */
static inline void mm_content_copy(struct mm_content *c, uint64_t to, uint64_t from,
				   uint64_t bytes)
{
	if (c->simulated)
		atomic_fetch_add_explicit(&c->copied, bytes, memory_order_relaxed);
	else
		memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes);
}

enum { MM_CONTENT_POISON = 0xd7, MM_CONTENT_CANARY = 0xc5 };

static inline uint64_t mm_content_filled(const void *from, uint64_t bytes, uint8_t with)
{
	const uint8_t *p = from;
	uint64_t words = with * UINT64_C(0x0101010101010101), word, i = 0;

	for (; i + sizeof word <= bytes; i += sizeof word) {
		memcpy(&word, p + i, sizeof word);
		if (word != words)
			break;
	}
	while (i < bytes && p[i] == with)
		i++;
	return i;
}

/* A canary is written in one word that ends where the block does, or earlier: what of it lies
 * before `size` the program may overwrite, so that no size takes a branch of its own. Blocks
 * have at least that word. */
static inline uint64_t mm_content_canary_at(uint64_t addr, uint64_t size, uint64_t granted)
{
	uint64_t last = granted - sizeof(uint64_t);

	return addr + (size < last ? size : last);
}

static inline uint64_t mm_content_canary_bytes(uint64_t size, uint64_t granted)
{
	return granted - size < sizeof(uint64_t) ? granted - size : sizeof(uint64_t);
}

/* Behind the `size` bytes that are requested of a block; those must be nobody's yet. */
static inline void mm_content_canary(struct mm_content *c, uint64_t addr, uint64_t size,
				     uint64_t granted)
{
	const uint64_t word = MM_CONTENT_CANARY * UINT64_C(0x0101010101010101);

	if (c->simulated)
		atomic_fetch_add_explicit(&c->canaries, mm_content_canary_bytes(size, granted),
					  memory_order_relaxed);
	else
		memcpy((void *)(uintptr_t)mm_content_canary_at(addr, size, granted), &word,
		       sizeof word);
}

/* The same, and what is in those bytes stays. */
static inline void mm_content_canary_behind(struct mm_content *c, uint64_t addr, uint64_t size,
					    uint64_t granted)
{
	uint64_t bytes = mm_content_canary_bytes(size, granted);

	if (c->simulated)
		atomic_fetch_add_explicit(&c->canaries, bytes, memory_order_relaxed);
	else
		memset((void *)(uintptr_t)(addr + size), MM_CONTENT_CANARY, bytes);
}

/* It will be looked at: where the block ends, whatever was requested. */
static inline void mm_content_canary_soon(const struct mm_content *c, uint64_t addr,
					  uint64_t granted)
{
	if (!c->simulated)
		__builtin_prefetch((const void *)(uintptr_t)(addr + granted - sizeof(uint64_t)));
}

/* Whether all of it is as it was written. */
static inline int mm_content_canary_whole(struct mm_content *c, uint64_t addr, uint64_t size,
					  uint64_t granted)
{
	uint64_t at = mm_content_canary_at(addr, size, granted), word;
	unsigned half = 4 * (unsigned)(addr + size - at); /* of the bits before `size` */

	if (c->simulated) {
		atomic_fetch_add_explicit(&c->verified, mm_content_canary_bytes(size, granted),
					  memory_order_relaxed);
		return 1;
	}
	memcpy(&word, (const void *)(uintptr_t)at, sizeof word);
	word ^= MM_CONTENT_CANARY * UINT64_C(0x0101010101010101);
	return word >> half >> half == 0; /* little-endian */
}

static inline void mm_content_poison(struct mm_content *c, uint64_t addr, uint64_t bytes)
{
	if (c->simulated)
		atomic_fetch_add_explicit(&c->poisoned, bytes, memory_order_relaxed);
	else
		memset((void *)(uintptr_t)addr, MM_CONTENT_POISON, bytes);
}

/* How many bytes of a canary that is not whole still are as they were written. */
static inline uint64_t mm_content_canary_good(uint64_t addr, uint64_t size, uint64_t granted)
{
	return mm_content_filled((const void *)(uintptr_t)(addr + size),
				 mm_content_canary_bytes(size, granted), MM_CONTENT_CANARY);
}

/* How many bytes from the start on are as they were written: `bytes` when all are. */
static inline uint64_t mm_content_poison_good(struct mm_content *c, uint64_t addr, uint64_t bytes)
{
	if (c->simulated) {
		atomic_fetch_add_explicit(&c->verified, bytes, memory_order_relaxed);
		return bytes;
	}
	return mm_content_filled((const void *)(uintptr_t)addr, bytes, MM_CONTENT_POISON);
}

#endif
