/* columns.h: the columns of a chunk as bytes: each packed by itself, so that one kind of
 * number does not spoil the statistics of another (FORMAT.md 5).
 *
 * Unpacking is bounded: a column holds at most MM_COLUMN_MAX bytes, all together at most
 * MM_RAW_MAX; columns of unknown number are skipped.
 */
#ifndef MM_TRACE_COLUMNS_H
#define MM_TRACE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum mm_column {
	MM_COL_SHAPES = 1,    /* varints: the shapes of this chunk */
	MM_COL_SHAPE_LO = 2,  /* one byte an event: its shape */
	MM_COL_SHAPE_HI = 3,  /* the same, high bytes; absent below 257 shapes */
	MM_COL_TIME_RUN = 4,  /* events that pass without a tick, before each that has one */
	MM_COL_TIME_STEP = 5, /* ticks of each such event, less 1; 255 = in TIME_WIDE */
	MM_COL_TIME_WIDE = 6, /* varints */
	MM_COL_SIZE_LO = 7,   /* births: size modulo 256 */
	MM_COL_SIZE_HI = 8,   /* births: size / 256; 255 = size in SIZE_WIDE */
	MM_COL_SIZE_WIDE = 9, /* varints */
	MM_COL_ADDR = 10,     /* births: enum mm_addr_token */
	MM_COL_ADDR_0 = 11,   /* far addresses: four byte planes */
	MM_COL_ADDR_3 = 14,
	MM_COL_ADDR_WIDE = 15,/* varints: zigzag differences of any kind */
	MM_COL_POP = 16,      /* hidden births: slot, as a token */
	MM_COL_POP_0 = 17,    /* and where the token is 255: four byte planes */
	MM_COL_POP_3 = 20,
	MM_COL_OLD = 21,      /* deaths of older objects: slot, as a token */
	MM_COL_OLD_0 = 22,
	MM_COL_OLD_3 = 25,
	MM_COL_NEW = 26,      /* deaths of objects born in the chunk: which birth, a token */
	MM_COL_NEW_0 = 27,    /* else births since, less 1: two byte planes */
	MM_COL_NEW_1 = 28,
	MM_COL_PAIR = 29,     /* varints: slots of free halves that no rule gives */
	MM_COL_FOREIGN = 30,  /* varints: addresses of inherited frees */
	MM_COL_OTHER_LEN = 31,/* varints: bytes of each event of kind 64 and up */
	MM_COL_OTHER = 32,    /* those bytes */
	MM_COLS = 33
};

enum { MM_COLUMN_MAX = 8 << 20 };

enum mm_packing { MM_PACK_PLAIN = 0, MM_PACK_ZSTD = 1, MM_PACK_SAME = 2 /* one byte, n times */ };

struct mm_columns; /* both directions share the memory */

int mm_columns_create(struct mm_columns **ret);
void mm_columns_destroy(struct mm_columns *c);

/* Empties every column. */
void mm_columns_clear(struct mm_columns *c);

/* The bytes of a column, to be filled or read. */
struct mm_buf *mm_column(struct mm_columns *c, unsigned column);

/* Appends all columns that are not empty. 0 or MM_ENOMEM. */
int mm_columns_pack(struct mm_columns *c, int zstd_level, struct mm_buf *out);

/* Replaces all columns by those in data; absent ones are empty.
 * 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_columns_unpack(struct mm_columns *c, const uint8_t *data, size_t len);

/* The same for the columns whose bit is set in `wanted`; the others are empty. */
int mm_columns_unpack_some(struct mm_columns *c, const uint8_t *data, size_t len,
			   uint64_t wanted);

#endif
