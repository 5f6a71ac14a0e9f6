/* heap.h: the general heap, every call with heap and context in its hands.
 *
 * Promise: the same calls in the same order give the same addresses, on every machine, real
 * or simulated; nothing of ours lies in or beside a block; the law of account.h holds.
 * Vocabulary
 *   strategy   how blocks are placed
 *   context    cache.h; one thread's at a time
 *   granted    what a block may use, at least what was requested
 *   large      a block of slices of its own
 * Thread-safe, but for open, close, check and contexts, as said there.
 * Never: a clock, thread-local memory, malloc; an abort.
 */
#ifndef MM_ALLOC_HEAP_H
#define MM_ALLOC_HEAP_H

#include <stdint.h>

#include "alloc/account.h"
#include "alloc/cache.h"
#include "alloc/guard.h"

struct mm_heap;

/* size-class: a pool for each of 72 sizes. first-fit, best-fit: alloc/ordered.h. numa-aware:
 * size classes with pools of each node's own; a block goes back to the pools of its node, in
 * batches, whoever frees it. */
enum mm_strategy { MM_STRATEGY_SIZE_CLASS, MM_STRATEGY_FIRST_FIT, MM_STRATEGY_BEST_FIT,
	MM_STRATEGY_NUMA_AWARE, MM_STRATEGIES };

enum { MM_HEAP_NODES = 64 };

struct mm_heap_options {
	enum mm_strategy strategy;
	int simulated;        /* addresses are numbers: nothing is touched */
	int track;            /* keep what was requested of each block: 2 bytes a block */
	uint64_t bytes;       /* of address space, 0 = 64 GiB */
	uint32_t page_bytes;  /* 0 = 4096 */
	uint64_t retain_bytes;/* retained at most, or ...; MM_HEAP_DEFAULT = 1 MiB, and more of
			       * what was soon wanted again (vspace.h: regretted) */
	uint32_t retain_share;/* ... one in so many bytes in use; 0 = 8 */
	enum mm_check check;  /* guard.h; on and full track */
	uint64_t seed;        /* of what is drawn: which allocations are watched */
	uint32_t sample_every;/* sampled: one allocation in so many is watched, 0 = 20,000 */
	uint32_t watched_most;/* runs with guard pages at once, 0 = 30,000 */
	uint32_t note_bytes;  /* heap_notes.h: 0 to 64, a multiple of 8; not of ordered */
	uint32_t nodes;       /* numa-aware: of the machine, real or imagined; 0 = 1 */
	/* numa-aware: the pages of these addresses are to come from that node; other than 0 =
	 * they may not. NULL = nobody places them. With a lock of the heap held. */
	int (*place)(void *arg, uint64_t addr, uint64_t bytes, uint32_t node);
	void *place_arg;
	mm_misuse_sink *misuse; /* NULL = counted only */
	void *misuse_arg;
};

#define MM_HEAP_DEFAULT UINT64_MAX

/* "size-class", "first-fit", "best-fit"; NULL when there is no such strategy. And back: MM_EINVAL. */
const char *mm_strategy_name(enum mm_strategy s);
int mm_strategy_of(const char *name, enum mm_strategy *ret);

/* MM_EINVAL, MM_ENOMEM, MM_ENOSPC; MM_EUNSUP: checked, and not by size classes. Closing takes every block with it; contexts go before. */
int mm_heap_open(struct mm_heap **ret, const struct mm_heap_options *o);
void mm_heap_close(struct mm_heap *h);

/* A context for a thread on `node` (numa-aware; beyond those there are: the first). Closing gives back what it has ready. */
int mm_heap_context(struct mm_heap *h, uint32_t node, struct mm_context **ret);
void mm_heap_leave(struct mm_heap *h, struct mm_context *c);

/* A block of `size` bytes (0 counts as 1) at a multiple of `align` (a power of two; 0 = 16).
 * MM_ENOMEM, MM_ENOSPC, MM_EINVAL. */
int mm_heap_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		  uint64_t *ret_addr);

/* The same, zeroed, of the default alignment: what is zero anyway is not touched. */
int mm_heap_zalloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t *ret_addr);

/* MM_EINVAL when no block that is handed out begins there, as far as that is known; checked
 * heaps: MM_ECORRUPT when it was damaged, in which case it stays where it is for ever. */
int mm_heap_free(struct mm_heap *h, struct mm_context *c, uint64_t addr);

/* Brings near what a coming free of that block will look at: for those who know the future. */
void mm_heap_soon(const struct mm_heap *h, uint64_t addr);

/* The block with its contents as one of `size` bytes, here or elsewhere; on failure it stays
 * as it is, and a damaged one (MM_ECORRUPT) live. */
int mm_heap_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		    uint64_t align, uint64_t *ret_addr);

/* What the block at addr may use: MM_EINVAL as above. Of a block that is checked: what was
 * requested. */
int mm_heap_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes);

/* Around a fork: nobody is in the middle of anything, in the parent and then in the child,
 * which both go on. In the child then the contexts of threads that it does not have are let
 * go of; what they had ready is lost to it. `mine` may be NULL. */
void mm_heap_hold(struct mm_heap *h);
void mm_heap_go_on(struct mm_heap *h);
void mm_heap_forked(struct mm_heap *h, struct mm_context *mine);

/* Gives back what contexts (of threads that rest now) and vspace keep. */
void mm_heap_trim(struct mm_heap *h);

/* Without `track`, requested is what was granted. Exact when nobody is in the heap. */
void mm_heap_account(struct mm_heap *h, struct mm_account *ret);

/* numa-aware: what a node has. Exact when nobody is in the heap. */
struct mm_heap_node {
	uint64_t slab_bytes, large_bytes; /* pages in use */
	uint64_t remote_frees;            /* of its threads: of blocks of other nodes */
	uint64_t misplaced;               /* slabs and large blocks that could not be placed */
};
uint32_t mm_heap_nodes(const struct mm_heap *h);
void mm_heap_node(struct mm_heap *h, uint32_t node, struct mm_heap_node *ret);

/* The account's committed bytes alone: cheap, for every step. */
uint64_t mm_heap_committed(struct mm_heap *h);

/* The largest that has been, looked at whenever slices are taken. */
uint64_t mm_heap_peak(struct mm_heap *h);
enum mm_strategy mm_heap_strategy(const struct mm_heap *h);

/* Is it one of the heap's addresses, whether a block or not? Any thread. */
int mm_heap_has(const struct mm_heap *h, uint64_t addr);

/* Where all of them lie. */
void mm_heap_addresses(const struct mm_heap *h, uint64_t *ret_base, uint64_t *ret_bytes);

/* Pages that were obtained and given back, all in all. */
void mm_heap_pages(const struct mm_heap *h, uint64_t *ret_committed, uint64_t *ret_purged);

/* The sink (core/sink.h) knows it as pool `told` and hears of its slabs from now on; 0 = it does
 * not. With `again` it is told of those there are. Nobody else may be in it. */
void mm_heap_tell(struct mm_heap *h, uint32_t told, int again);

/* Calls fn for each slab, by number, but for runs (guard.h) that were never used: for maps of
 * the heap. Nobody else may be in it. */
struct mm_slab_view {
	uint32_t number;
	uint64_t addr, bytes; /* pages in use */
	uint32_t block_bytes, blocks, free;
	uint64_t external;    /* bytes of those pages that are in free blocks */
};
void mm_heap_slabs(struct mm_heap *h, void (*fn)(void *arg, const struct mm_slab_view *v),
		   void *arg);

/* How many slabs there are of each tenth (slab.h); a large block is a slab of one. As
 * mm_heap_slabs tells it, without a look at slabs that are full. Nobody else may be in it. */
void mm_heap_occupancy(struct mm_heap *h, uint64_t ret[MM_SLAB_TENTHS]);

/* Calls fn for each range of pages in use that nobody has: runs of free blocks of slabs, free
 * ranges of ordered heaps as far as they were ever used. Nobody else may be in it. */
void mm_heap_each_free(struct mm_heap *h, void (*fn)(void *arg, uint64_t addr, uint64_t bytes),
		       void *arg);

/* depot.h, meshable: of all depots. */
void mm_heap_meshable(struct mm_heap *h, uint64_t *ret_pairs, uint64_t *ret_disjoint);

/* The slab that an address lies in: its number, 0 = none; and the bytes of its free blocks. */
uint32_t mm_heap_slab_of(const struct mm_heap *h, uint64_t addr);
uint64_t mm_heap_slab_free(const struct mm_heap *h, uint32_t number);

/* Bytes that calloc and realloc would have zeroed and copied: simulated heaps only. */
void mm_heap_touched(const struct mm_heap *h, uint64_t *ret_zeroed, uint64_t *ret_copied);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_heap_check(struct mm_heap *h);

#endif
