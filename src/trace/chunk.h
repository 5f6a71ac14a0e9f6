/* chunk.h: the plain prefix of a chunk: what is known of it without unpacking it. */
#ifndef MM_TRACE_CHUNK_H
#define MM_TRACE_CHUNK_H

#include <stdint.h>

#include "base/buf.h"
#include "trace/codec.h"
#include "trace/objects.h"

struct mm_chunk_head {
	uint64_t number;            /* of the chunk in its process, from 0 */
	uint64_t resolution_ns;     /* of a tick */
	uint32_t events, births, deaths;
	int has_addr;
	struct mm_chunk_start start;
	uint64_t last_tick;
	uint64_t peak_bytes, peak_tick; /* highest live bytes within the chunk */
	uint32_t peak_index;            /* event that reached it first */
	struct mm_totals before, after; /* peak_time in nanoseconds */
};

/* 0 or MM_ENOMEM. */
int mm_chunk_encode(const struct mm_chunk_head *h, struct mm_buf *out);

/* 0 or MM_ECORRUPT; numbers that newer writers append are skipped. */
int mm_chunk_decode(const uint8_t *data, size_t len, struct mm_chunk_head *ret);

/* Totals as varints, for chunks and checkpoints. */
void mm_totals_encode(const struct mm_totals *t, struct mm_buf *out);
struct mm_bytes;
void mm_totals_decode(struct mm_bytes *b, struct mm_totals *ret);

#endif
