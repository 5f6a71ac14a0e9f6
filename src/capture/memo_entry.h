/* memo_entry.h: how a memo keeps one stack (memo.h): for memo.c.
 *
 * An entry is a header, the words that the walk read with their distance from the innermost
 * frame's stack pointer, and the frames; all in one piece, read from front to back.
 * Signal-safe, as memo.h.
 */
#ifndef MM_CAPTURE_MEMO_ENTRY_H
#define MM_CAPTURE_MEMO_ENTRY_H

#include <stdint.h>

enum { MM_MEMO_UNIT = 16 /* entries start at multiples of it */ };

struct mm_memo_frame {
	uint32_t hash[2]; /* of its path, low and high: an entry's words come in fours of bytes */
	uint32_t sp;    /* from the innermost frame's */
	uint32_t bp_at; /* as in struct mm_frame */
	uint16_t after; /* index of the word after its return address */
	uint16_t needs_bp;
};

struct mm_memo_entry {
	uint64_t stamp; /* 0 = being written */
	uint64_t place, sp, bp;
	uint32_t node;
	uint32_t top;        /* end of the highest word, from sp */
	uint32_t base;       /* position / MM_MEMO_UNIT of the entry that goes on, 0 = all is here */
	uint16_t base_frame; /* with this frame of it */
	uint16_t links;      /* from here to the outermost frame */
	uint16_t words, frames; /* here */
	uint16_t total;      /* frames in all */
	uint8_t needs_bp;
	uint8_t end;         /* enum mm_walk_end */
	uint32_t next;       /* position / MM_MEMO_UNIT of the entry that was last used after it */
	/* uint64_t value[words]; uint32_t offset[words]; struct mm_memo_frame frame[frames] */
};

static inline uint64_t *mm_memo_values(const struct mm_memo_entry *e)
{
	return (uint64_t *)(uintptr_t)(e + 1);
}

static inline uint32_t *mm_memo_offsets(const struct mm_memo_entry *e)
{
	return (uint32_t *)(mm_memo_values(e) + e->words);
}

static inline struct mm_memo_frame *mm_memo_frames(const struct mm_memo_entry *e)
{
	return (struct mm_memo_frame *)(mm_memo_offsets(e) + e->words);
}

static inline uint64_t mm_memo_entry_bytes(uint32_t words, uint32_t count)
{
	uint64_t n = sizeof(struct mm_memo_entry) + (uint64_t)words * 12 +
		     (uint64_t)count * sizeof(struct mm_memo_frame);

	return (n + MM_MEMO_UNIT - 1) & ~(uint64_t)(MM_MEMO_UNIT - 1);
}

static inline uint64_t mm_memo_hash(const struct mm_memo_frame *k)
{
	return (uint64_t)k->hash[1] << 32 | k->hash[0];
}

static inline uint64_t mm_memo_place(const struct mm_memo_entry *e, uint32_t i)
{
	return i == 0 ? e->place : mm_memo_values(e)[mm_memo_frames(e)[i].after - 1];
}

/* Index of the first word from `word` on that is not what it was, and what it is now;
 * e->words when all are. In order, and nothing after the first difference is read. */
static inline uint32_t mm_memo_verify(const struct mm_memo_entry *e, uint32_t word,
				      uint64_t *ret_other)
{
	const uint64_t *value = mm_memo_values(e);
	const uint32_t *offset = mm_memo_offsets(e);
	const char *sp = (const char *)(uintptr_t)e->sp;
	uint32_t n = e->words;

	for (; word < n; word++) {
		uint64_t now = *(const volatile uint64_t *)(sp + offset[word]);
		if (now != value[word]) {
			*ret_other = now;
			break;
		}
	}
	return word;
}

#endif
