/* poolset.h: what pools of exact sizes (mm.h) would have made of objects: simulated.
 *
 * Promise: a block is as large as its object or as one of a few sizes, in steps of 8 bytes,
 * and lies where a pool of libmm would have put it; the law of alloc/account.h holds.
 * Vocabulary
 *   set      the depots of one destination, in one range of addresses
 *   fixed    a set whose sizes were given; any other has a depot for each size that it meets,
 *            up to MM_POOLSET_SIZES
 *   context  alloc/cache.h
 * One thread at a time. No address is touched.
 */
#ifndef MM_REPLAY_POOLSET_H
#define MM_REPLAY_POOLSET_H

#include <stdint.h>

#include "alloc/account.h"
#include "alloc/cache.h"
#include "alloc/heap.h"

enum { MM_POOLSET_SIZES = 128 };

struct mm_poolset;

/* sizes: bytes, ascending, each 1 to MM_DEPOT_BLOCK_MOST; count 0 = not fixed. page_bytes 0 =
 * 4096. MM_EINVAL, MM_ENOMEM, MM_ENOSPC. Contexts go before the set. */
int mm_poolset_open(struct mm_poolset **ret, const uint64_t *sizes, size_t count,
		    uint32_t page_bytes);
void mm_poolset_close(struct mm_poolset *p);

int mm_poolset_context(struct mm_poolset *p, uint32_t node, struct mm_context **ret);
void mm_poolset_leave(struct mm_poolset *p, struct mm_context *c);

/* A block for `size` bytes at a multiple of `align` (a power of two; 0 = 8). MM_ELIMIT: no
 * depot takes such an object; MM_ENOMEM. */
int mm_poolset_alloc(struct mm_poolset *p, struct mm_context *c, uint64_t size, uint64_t align,
		     uint64_t *ret_addr);

/* 1 when a depot takes such an object, or would if it were made. */
int mm_poolset_takes(const struct mm_poolset *p, uint64_t size, uint64_t align);

/* size: as it was allocated. */
void mm_poolset_free(struct mm_poolset *p, struct mm_context *c, uint64_t addr, uint64_t size);

/* 1: the block serves the new size as well and now counts as that; 0: it does not. */
int mm_poolset_resize(struct mm_poolset *p, uint64_t addr, uint64_t was, uint64_t size,
		      uint64_t align);

/* As the functions of mm_heap_* that are called so. */
void mm_poolset_account(struct mm_poolset *p, struct mm_account *ret);
uint64_t mm_poolset_committed(const struct mm_poolset *p);
void mm_poolset_pages(const struct mm_poolset *p, uint64_t *ret_committed, uint64_t *ret_purged);
void mm_poolset_slabs(struct mm_poolset *p, void (*fn)(void *arg, const struct mm_slab_view *v),
		      void *arg);
uint32_t mm_poolset_slab_of(const struct mm_poolset *p, uint64_t addr);
uint64_t mm_poolset_slab_free(const struct mm_poolset *p, uint32_t number);
int mm_poolset_check(struct mm_poolset *p);

/* Block sizes of its depots, in the order in which they came: how many. Up to `room` of them go
 * to `ret`. */
size_t mm_poolset_sizes(const struct mm_poolset *p, uint32_t *ret, size_t room);

#endif
