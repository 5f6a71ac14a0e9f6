/* scan.h: what the reader's files share: the tables of a trace being read, and the walk
 * over its blocks. Private to the reader.
 */
#ifndef MM_TRACE_SCAN_H
#define MM_TRACE_SCAN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "trace/block.h"
#include "trace/checkpoint.h"
#include "trace/chunk.h"
#include "trace/codec.h"
#include "trace/facts.h"
#include "trace/hand.h"
#include "trace/reader.h"
#include "trace/source.h"
#include "trace/tables.h"

struct mm_rchunk {
	struct mm_chunk_info info;
	uint64_t number, resolution_ns;
	uint64_t digest_at; /* 0 = lost */
	struct mm_chunk_start start;
	int has_addr;
};

struct mm_rcheckpoint {
	uint64_t number; /* of the chunk that follows */
	uint64_t *parts; /* offsets of its blocks */
	uint32_t part_count, part_cap;
};

struct mm_rprocess {
	struct mm_process facts;
	int known; /* facts were found */
	struct mm_tables tables;
	struct mm_rchunk *chunks;
	size_t chunk_cap;
	uint32_t chunk_count;
	struct mm_totals after; /* the last chunk */
	uint64_t events;        /* in chunks */
	int has_sums;           /* a roll told them */
	struct mm_process_sums sums;
	struct mm_rcheckpoint *checkpoints; /* the last may lack parts */
	size_t checkpoint_cap, checkpoint_count;
	uint32_t want_part; /* of the last checkpoint; 0 = it is whole */
};

struct mm_rsymbol {
	uint32_t process, module;
	uint64_t address;
	uint32_t first_frame, frame_count;
	uint32_t next; /* of the same hash, + 1 */
};

struct mm_rsymbols {
	struct mm_rsymbol *items;
	struct mm_frame *frames;
	size_t item_cap, item_count, frame_cap, frame_count;
	struct mm_map by_hash;
	struct mm_arena arena;
};

struct mm_hand { /* scratch all, but for the reader */
	const struct mm_reader *reader;
	struct mm_source *source; /* the reader's, or `own`: the same with a window of its own */
	struct mm_source own;
	struct mm_buf raw;       /* an unpacked payload */
	struct mm_codec *codec;  /* NULL until needed */
	struct mm_rows rows;
};

struct mm_reader {
	struct mm_source source;
	struct mm_trace_info info;
	int has_run;
	struct mm_arena arena;
	struct mm_rprocess **processes;
	size_t process_cap;
	uint32_t process_count;
	uint32_t process_holes; /* numbers below it without a process */
	uint32_t holes;         /* and those of all tables (tables.h) */
	uint64_t doubted;       /* bytes that were summed up for nothing */
	uint64_t scan_at;       /* everything before it has been taken in */
	uint64_t lost_before;   /* bytes of it that were no block */
	uint64_t next_number;   /* of the block expected there */
	int broken_chain;       /* a block number was missing */
	uint64_t last_whole;    /* end of the last block */
	struct mm_block last;   /* which is this */
	uint64_t chunk_count;   /* of all processes */
	struct mm_buf raw;      /* scratch: an unpacked payload */
	struct mm_roll_head roll; /* of all processes; zeros when there is none */
	struct mm_rsymbols symbols;
	struct mm_hand hand;
};

/* Takes in what lies between scan_at and the end of the source. 0 or MM_ENOMEM. */
int mm_scan(struct mm_reader *r);
/* The first block alone. MM_ENOTRACE when it does not tell of the run. */
int mm_scan_first(struct mm_reader *r);

/* The whole block at `at`, checked: its stored bytes, valid until the next look at the source;
 * MM_ECORRUPT when it is damaged or not of `type`, MM_ENOMEM. */
int mm_scan_block(struct mm_source *s, uint64_t at, uint8_t type, struct mm_block *ret,
		  const uint8_t **ret_stored);

/* hand.c: one for the reader's own thread, which shares its window. */
void mm_hand_init(struct mm_hand *h, struct mm_reader *r);
void mm_hand_deinit(struct mm_hand *h);
/* checkpoints.c: the whole checkpoint that stands right before chunk `number`, or the last before
 * it. */
const struct mm_rcheckpoint *mm_rcheckpoint_find(const struct mm_rprocess *p, uint64_t number,
						 int exact);
/* The first chunk from `number` on. */
uint32_t mm_rchunk_numbered(const struct mm_rprocess *p, uint64_t number);
/* A part of a checkpoint: its payload in h->raw. 0, MM_ECORRUPT, MM_ENOMEM. */
int mm_hand_part(struct mm_hand *h, const struct mm_rcheckpoint *c, uint32_t part,
		 struct mm_checkpoint_head *ret);

/* mm_scan_block of the reader's source. */
int mm_hand_stored(struct mm_hand *h, uint64_t at, uint8_t type, struct mm_block *ret,
		   const uint8_t **ret_stored);

struct mm_rprocess *mm_reader_find(const struct mm_reader *r, uint32_t process);

/* symbolsin.c */
int mm_symbols_in_decode(struct mm_rsymbols *s, const uint8_t *data, size_t len);
void mm_symbols_in_deinit(struct mm_rsymbols *s);

#endif
