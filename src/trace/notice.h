/* notice.h: what a program's memory manager or GPU layer says of where memory is: tiers,
 * what moves between them, evictions, refusals, pressure, and the heaps of devices.
 *
 * Vocabulary: notice = one such event; tier = a kind of memory that data can lie in, with a
 * number that the program gave; cause = why something moved, went or was refused (one word:
 * budget, pressure, age, demand, user); device, heap, block = as the GPU's interface counts
 * them. Which members a kind has says the table behind mm_notice_fields; the others are
 * unknown: MM_UNKNOWN, or a text of no bytes.
 * Promise: what a writer of a later version appends to a kind is skipped, what an earlier one
 * did not write is unknown. Texts are not NUL-terminated and point into what was decoded.
 * Pure; nothing here allocates but mm_notice_encode.
 */
#ifndef MM_TRACE_NOTICE_H
#define MM_TRACE_NOTICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/bytes.h"

/* Levels of memory pressure. */
enum mm_level { MM_LEVEL_OK = 0, MM_LEVEL_NOTE = 1, MM_LEVEL_WARN = 2, MM_LEVEL_HIGH = 3,
	MM_LEVEL_CRITICAL = 4, MM_LEVEL_COUNT = 5 };

struct mm_span { const char *text; uint32_t len; };

struct mm_notice {
	struct mm_span category; /* "" = of all together */
	struct mm_span name;     /* of a tier or a device */
	struct mm_span what;     /* the kind of a tier or of an allocation, flags of a heap, the
	                            map of a block: one letter a cell, S storage, I image,
	                            V vertex or index, T staging, . free */
	struct mm_span cause;
	struct mm_span driver, source; /* of a device */
	uint64_t tier, to;       /* numbers; of a move: from and to */
	uint64_t part_of;        /* the tier whose bytes these are too */
	uint64_t level, before;  /* enum mm_level */
	uint64_t device, heap, block;
	uint64_t bytes;          /* used, moved, evicted, asked for; of a GPU block: in all */
	uint64_t capacity_bytes, budget_bytes, ours_bytes, largest_bytes;
	uint64_t hits, misses;   /* counted since the program started */
	uint64_t blocks, count;
	uint64_t dedicated, mapped;
	uint64_t stall_ns;       /* for which somebody waited */
	uint64_t age_ns;         /* median age */
	uint64_t up_bytes, down_bytes;  /* copied to and from the device since the start */
	uint64_t movable_bytes, movable_blocks; /* defragmentation could move and give back */
};

struct mm_notice_field {
	const char *key;   /* as JSON spells it, with its unit: "capacity_bytes" */
	size_t offset;     /* of the member in struct mm_notice */
	uint8_t is_text;   /* a struct mm_span; else a uint64_t */
};

/* The members of a kind, in the order in which they are written; NULL when the kind is no
 * notice. Static. */
const struct mm_notice_field *mm_notice_fields(unsigned kind, size_t *ret_count);

/* A notice of which nothing is known. */
struct mm_notice mm_notice_unknown(void);

/* A member of a notice, by its field. */
uint64_t mm_notice_number(const struct mm_notice *n, const struct mm_notice_field *f);
struct mm_span mm_notice_text(const struct mm_notice *n, const struct mm_notice_field *f);

/* Appends the bytes of a notice of this kind; without memory, out->failed. */
void mm_notice_encode(unsigned kind, const struct mm_notice *n, struct mm_buf *out);

/* Takes a notice of this kind from b; b->bad when what is there makes no sense. */
void mm_notice_decode(unsigned kind, struct mm_bytes *b, struct mm_notice *ret);

#endif
