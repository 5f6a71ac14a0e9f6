/* checked.h: the way of a call that has nothing to do but to check a block and hand it over,
 * where every block is checked and none is watched (guard.h: on). As fast.h is where none is.
 *
 * Promise: what is done here is what guard.c would do, without a lock and without a system
 * call; what it declines (returns 0) mm_heap_alloc and mm_heap_free do, and tell.
 */
#ifndef MM_ALLOC_CHECKED_H
#define MM_ALLOC_CHECKED_H

#include <stdint.h>

struct mm_context;
struct mm_heap;

/* A block of `size` bytes at a multiple of 16, 0 = declined. */
uint64_t mm_checked_take(struct mm_heap *h, struct mm_context *c, uint64_t size);

/* 1: the block is back. */
int mm_checked_give(struct mm_heap *h, struct mm_context *c, uint64_t addr);

#endif
