/* block.h: the envelope of everything in a trace file after its header (FORMAT.md 3).
 *
 * A block is a header of MM_BLOCK_HEADER bytes with its own checksum, then `stored`
 * bytes: a plain prefix, then a payload that may be one zstd frame. Lengths are checked
 * before they are used; a payload never unpacks to more than MM_RAW_MAX bytes.
 */
#ifndef MM_TRACE_BLOCK_H
#define MM_TRACE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	MM_FILE_HEADER = 128,  /* bytes before the first block */
	MM_FILE_STATE = 64,    /* offset of the part rewritten in place */
	MM_VERSION = 1,        /* of what is written */
	MM_COMPAT = 1,         /* oldest reader version that understands it */
	MM_BLOCK_HEADER = 48,
	MM_RAW_MAX = 16 << 20, /* bytes of an unpacked payload */
	MM_PREFIX_MAX = 64 << 10,
	MM_ROLL_MAX = 1 << 20  /* bytes of an unpacked roll: so many processes cost a file something */
};

#define MM_BLOCK_MAGIC UINT32_C(0x4b4d4d8b) /* 8b 'M' 'M' 'K' */

enum mm_block_type {
	MM_BLOCK_RUN = 1,        /* what was recorded, where, how */
	MM_BLOCK_PROCESS = 2,    /* facts about one process; the last one holds */
	MM_BLOCK_DEFS = 3,       /* strings, threads, modules, sites */
	MM_BLOCK_CHUNK = 4,      /* events */
	MM_BLOCK_DIGEST = 5,     /* sums of the chunk before it */
	MM_BLOCK_CHECKPOINT = 6, /* one part of the live objects and free stack */
	MM_BLOCK_SYMBOLS = 7,
	MM_BLOCK_INDEX = 8,      /* a copy of what the scan finds; ends a whole file */
	MM_BLOCK_ROLL = 9        /* all processes and their sums; it may not hold all of them */
};

enum mm_block_flag { MM_BLOCKF_ZSTD = 1, MM_BLOCKF_REPEAT = 2 };

struct mm_block {
	uint8_t type, flags;
	uint32_t process;
	uint32_t stored; /* bytes after the header */
	uint32_t prefix; /* of them plain */
	uint32_t raw;    /* bytes of the payload once unpacked */
	uint32_t crc;    /* CRC32C of the stored bytes */
	uint64_t number; /* of the block in the file, from 0 */
	uint64_t back;   /* bytes back to the last block of this type and process, 0 none */
	uint64_t offset; /* where it was found; not stored */
};

/* Little-endian words. */
static inline void mm_put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static inline void mm_put64(uint8_t *p, uint64_t v)
{
	mm_put32(p, (uint32_t)v);
	mm_put32(p + 4, (uint32_t)(v >> 32));
}

static inline uint32_t mm_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t mm_get64(const uint8_t *p)
{
	return mm_get32(p) | (uint64_t)mm_get32(p + 4) << 32;
}

void mm_block_encode(const struct mm_block *b, uint8_t out[MM_BLOCK_HEADER]);

/* 0, or MM_ECORRUPT when these bytes are not a block header. */
int mm_block_decode(const uint8_t in[MM_BLOCK_HEADER], struct mm_block *ret);

/* Unpacks the payload that follows the prefix in `stored` (b->stored bytes) to the end
 * of *out, which is emptied first. 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_block_unpack(const struct mm_block *b, const uint8_t *stored, struct mm_buf *out);

/* --- file header ------------------------------------------------------------------- */

struct mm_file_state { /* rewritten in place */
	uint64_t whole_end;       /* offset behind the last whole block */
	uint64_t last_chunk;      /* offsets, 0 = none */
	uint64_t last_checkpoint; /* its first part */
	uint64_t blocks;
	uint32_t flags;           /* enum mm_file_flag */
};
enum mm_file_flag { MM_FILE_CLOSED = 1 };

void mm_file_encode(uint8_t out[MM_FILE_HEADER], const struct mm_file_state *state);
void mm_file_encode_state(uint8_t out[MM_FILE_HEADER - MM_FILE_STATE],
			  const struct mm_file_state *state);

/* MM_ENOTRACE, MM_ENEWER or 0 with the numbers; a damaged state reads as zeros. */
int mm_file_decode(const uint8_t *in, size_t len, uint32_t *ret_version,
		   uint32_t *ret_compat, struct mm_file_state *ret_state);

#endif
