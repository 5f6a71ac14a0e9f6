/* ops.h: rows of a trace as calls of an allocator, with all that can be known beforehand
 * worked out beforehand.
 *
 * Vocabulary
 *   op     one call: allocate, free, or a half of realloc
 *   place  where an object's address is kept from its birth to its death; a place that
 *          becomes vacant is given out again from the next chunk on: so within a chunk the
 *          only thing an op can have to wait for is the birth of its object
 *   round  which object of a place it is
 * Objects whose birth or death is missing from the trace are left out or ended early.
 * One thread at a time.
 */
#ifndef MM_REPLAY_OPS_H
#define MM_REPLAY_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "trace/codec.h"
#include "trace/reader.h"

enum mm_op_kind { MM_OP_ALLOC, MM_OP_FREE, MM_OP_HOLD /* free half of a realloc */,
	MM_OP_REALLOC /* alloc half: of what is held, if anything */ };

struct mm_op {
	uint64_t size;
	uint32_t place, round;
	uint32_t thread;
	uint8_t kind, align_log2, pad[2];
};

struct mm_op_stack { uint32_t *item; size_t count, cap; };

/* Caller's memory, zero-initialised = empty. */
struct mm_ops {
	struct mm_op *op;      /* of the latest chunk */
	size_t count, cap;
	uint32_t *place_of;    /* by slot: place + 1, 0 = nobody is there */
	size_t slot_cap;
	uint32_t *round;       /* by place */
	size_t round_cap;
	struct mm_op_stack vacant, leaving; /* places: for now, and from the next chunk on */
	uint32_t places, threads;           /* so far */
	struct mm_rows rows;
};

void mm_ops_deinit(struct mm_ops *o);

/* The ops of one chunk, in the order of its rows, replacing those before. MM_ENOMEM, or
 * MM_ECORRUPT: the chunk does not decode, and there are none. */
int mm_ops_of_chunk(struct mm_ops *o, struct mm_reader *r, uint32_t process, uint32_t chunk);

/* Bytes of memory that grow with the number of live objects. */
uint64_t mm_ops_bytes(const struct mm_ops *o);

#endif
