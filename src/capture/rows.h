/* rows.h: how to leave a frame, in one word per return address.
 *
 * Promise: a row says what the module's own unwind table says for the call that
 * returns to an address; it is compiled once and found again in a few
 * nanoseconds by any thread. A row of an older load generation is never given
 * out without a look at the module that is there now.
 *
 * Vocabulary
 *   place  return address; of a frame that a signal interrupted, the
 *          interrupted instruction's address + 1: so place - 1 is always inside
 *          the instruction at which the frame stands
 *   row    kind and offsets; the caller's return address is at CFA - 8 and its
 *          stack pointer is the CFA
 *
 * Never: a lock, an allocation other than mmap, errno. Lock-free, signal-safe.
 */
#ifndef MM_CAPTURE_ROWS_H
#define MM_CAPTURE_ROWS_H

#include <stdatomic.h>
#include <stdint.h>

#include "capture/cfi.h"

enum mm_row_kind {
	MM_ROW_NONE = 0,  /* empty */
	MM_ROW_SP = 1,    /* CFA = SP + k */
	MM_ROW_BP = 2,    /* CFA = BP + k */
	MM_ROW_AT_BP = 3, /* CFA = the word at BP + k (realigned stacks) */
	MM_ROW_END = 4,   /* outermost: there is no caller */
	MM_ROW_SLOW = 5,  /* needs all registers: mm_rows_rules() */
	MM_ROW_BLANK = 6, /* in a module, whose table says nothing */
	MM_ROW_ALIEN = 7  /* in no module; never cached */
};

/* A row: kind 3 bits, k/8 17 bits signed, saved BP/8 9 bits signed, "BP is
 * saved" 1 bit, module 13 bits, generation 21 bits. */
#define MM_ROW_GENERATION_BITS 21

static inline enum mm_row_kind mm_row_kind(uint64_t row)
{
	return (enum mm_row_kind)(row & 7);
}

static inline int64_t mm_row_k(uint64_t row)
{
	return ((int64_t)(row << 44) >> 47) * 8;
}

/* Where the caller's BP is: from the CFA, or from BP in an AT_BP row. */
static inline int64_t mm_row_bp(uint64_t row)
{
	return ((int64_t)(row << 35) >> 55) * 8;
}

static inline int mm_row_saves_bp(uint64_t row)
{
	return (int)(row >> 29 & 1);
}

static inline uint32_t mm_row_module(uint64_t row)
{
	return (uint32_t)(row >> 30) & 0x1fff;
}

static inline uint32_t mm_row_generation(uint64_t row)
{
	return (uint32_t)(row >> 43);
}

/* The row without its generation: what a table says. Any rules; MM_ROW_SLOW when
 * they do not fit. Pure. */
uint64_t mm_row_from_rules(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
			   uint32_t module);

/* Compiles, or checks again, the row of a place. */
uint64_t mm_rows_compile(uint64_t place, uint32_t generation);

/* The full rules at a place, with the image they refer to. MM_ENOENT when there
 * are none. */
int mm_rows_rules(uint64_t place, uint32_t generation, const struct mm_cfi_image **ret_image,
		  struct mm_cfi_rules *ret);

/* --- the cache: buckets of four, each a cache line ---------------------------------- */

enum { MM_ROWS_WAYS = 4, MM_ROWS_FIRST_BITS = 11 /* buckets of the first level */ };

struct mm_rows_bucket {
	_Alignas(64) struct {
		_Atomic uint64_t place, row;
	} way[MM_ROWS_WAYS];
};

extern struct mm_rows_bucket mm_rows_first[1 << MM_ROWS_FIRST_BITS]
	__attribute__((visibility("hidden")));

/* Gets the memory of the first level ready. Once, when recording begins. */
void mm_rows_prepare(void);

static inline uint64_t mm_rows_hash(uint64_t place)
{
	return place * UINT64_C(0x9e3779b97f4a7c15);
}

/* The row of a place at this load generation. */
static inline uint64_t mm_rows_get(uint64_t place, uint32_t generation)
{
	const struct mm_rows_bucket *b =
		&mm_rows_first[mm_rows_hash(place) >> (64 - MM_ROWS_FIRST_BITS)];
	uint64_t row = 0;

	/* Without a branch: which way it is cannot be foretold. */
	for (int i = 0; i < MM_ROWS_WAYS; i++) {
		uint64_t is_it = atomic_load_explicit(&b->way[i].place, memory_order_relaxed) ==
				 place;
		row |= (0 - is_it) & atomic_load_explicit(&b->way[i].row, memory_order_relaxed);
	}
	if (__builtin_expect(mm_row_generation(row) ==
			     (generation & ((1u << MM_ROW_GENERATION_BITS) - 1)) && row != 0, 1))
		return row;
	return mm_rows_compile(place, generation);
}

#endif
