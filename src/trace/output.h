/* output.h: the file that a trace is written to: whole blocks, in order.
 *
 * Promise: what mm_output_flush has returned from survives a SIGKILL; the file never
 * ends in a half block because of a failed write; a failed write stops the output for
 * good and is remembered, never raised.
 * Vocabulary: segment (MM_KEEP_LAST) = what follows a checkpoint of everything; the file
 * holds the last whole one and the one being written.
 */
#ifndef MM_TRACE_OUTPUT_H
#define MM_TRACE_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "trace/block.h"

struct mm_output;

int mm_output_open(struct mm_output **ret, const char *path, int zstd_level,
		   uint64_t max_bytes, struct mm_diag *diag);

/* Opens an existing trace to append to it. A half block at its end is cut off. */
int mm_output_reopen(struct mm_output **ret, const char *path, struct mm_diag *diag);

/* Appends one block: prefix, then payload, packed when that helps. `back` is where the
 * last block of its kind starts, 0 = none. Its own start goes to *ret_offset (may be
 * NULL). MM_OK, or the error that stopped the output (MM_ELIMIT: max_bytes). */
int mm_output_block(struct mm_output *o, const struct mm_block *kind,
		    const struct mm_buf *prefix, const struct mm_buf *payload,
		    uint64_t *ret_offset);

/* Says that the next block holds `events` of them: they are lost unless it gets to the
 * file. */
void mm_output_expect(struct mm_output *o, uint64_t events);
/* Events in blocks that did not get to the file, so far. */
uint64_t mm_output_lost(const struct mm_output *o);

/* Lets the few blocks that end a process or a trace be written after all, where the file
 * has come to its bound (they use the room held back for them) or the disk is full (what
 * room there is). Gives the error set aside, 0 = none; mm_output_stop takes it back, and
 * with it the output stays as stopped as it was. */
int mm_output_resume(struct mm_output *o);
void mm_output_stop(struct mm_output *o, int stopped);

/* Writes everything out and brings the file's header up to date. */
int mm_output_flush(struct mm_output *o);

/* The file from `offset` on replaces the file; the first block is kept. Gives by how
 * much offsets sank. */
int mm_output_drop(struct mm_output *o, uint64_t offset, uint64_t *ret_sunk);

/* Bytes so far, header included. */
uint64_t mm_output_bytes(const struct mm_output *o);
uint64_t mm_output_blocks(const struct mm_output *o);
/* The error that stopped it, 0 = none. */
int mm_output_error(const struct mm_output *o);

/* Flushes, marks the trace as closed and frees; the first error met, described. */
int mm_output_close(struct mm_output *o, struct mm_diag *diag);

#endif
