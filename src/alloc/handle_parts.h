/* handle_parts.h: what moves blocks behind their handles (handle.h): for defrag.c.
 *
 * Between begin and end whoever locks the handle waits: only the copy belongs there.
 */
#ifndef MM_ALLOC_HANDLE_PARTS_H
#define MM_ALLOC_HANDLE_PARTS_H

#include "alloc/handle.h"

struct mm_heap *mm_handles_heap(const struct mm_handles *t);

/* Whether the block of that place could move now: no pin, priority not below the floor. */
int mm_handle_may_move(const struct mm_handles *t, uint32_t index, uint8_t floor);

/* Nobody gets at the block until the end. MM_EAGAIN when it may not move, MM_ENOENT when the
 * place has no block at `addr`. */
int mm_handle_move_begin(struct mm_handles *t, uint32_t index, uint64_t addr, uint8_t floor);

/* It is at `addr` now. */
void mm_handle_move_end(struct mm_handles *t, uint32_t index, uint64_t addr);

#endif
