/* heap_parts.h: what the files of the heap share (heap.h): for heap*.c, guard*.c,
 * handle.c and defrag.c. */
#ifndef MM_ALLOC_HEAP_PARTS_H
#define MM_ALLOC_HEAP_PARTS_H

#include "alloc/classes.h"
#include "alloc/content.h"
#include "alloc/guard_parts.h"
#include "alloc/heap.h"
#include "alloc/ordered.h"

enum { MM_HEAP_NUMBERS = 1 << 12 };

struct mm_heap_large { /* blocks with slices of their own */
	_Atomic uint64_t live, bytes, requested;
};

struct mm_heap {
	struct mm_heap_options o;
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_slabs slabs;
	struct mm_ground ground;
	struct mm_content content;
	struct mm_depot pool[MM_CLASSES];
	struct mm_depot *more;     /* numa-aware: of the nodes from 1 on */
	uint32_t nodes, depots;
	_Atomic uint64_t node_large[MM_HEAP_NODES], large_misplaced[MM_HEAP_NODES];
	struct mm_ordered ordered; /* first-fit, best-fit */
	struct mm_heap_large large;
	struct mm_guard guard;
	struct mm_lock contexts_lock;
	struct mm_context *contexts;
	uint64_t number_taken[MM_HEAP_NUMBERS / 64]; /* by contexts */
	uint64_t lost_bytes; /* ready in threads that a fork left behind */
	uint64_t remote_gone[MM_HEAP_NODES];
	int64_t live_gone, granted_gone, requested_gone; /* of contexts that are closed */
};

enum { MM_HEAP_ALIGN = 16 };

/* First-fit or best-fit. */
static inline int mm_heap_ordered(const struct mm_heap *h)
{
	return h->o.strategy == MM_STRATEGY_FIRST_FIT || h->o.strategy == MM_STRATEGY_BEST_FIT;
}

/* Bytes of blocks that a context has ready. */
static inline uint64_t mm_heap_ready(const struct mm_heap *h, const struct mm_context *c)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < c->seats; i++)
		bytes += mm_cache_ready(&c->seat[i]) * h->pool[i].block_bytes;
	return bytes + c->aside_bytes;
}

/* By its index: those of node 0 first. */
static inline struct mm_depot *mm_heap_depot(const struct mm_heap *h, uint32_t index)
{
	return (struct mm_depot *)(index < MM_CLASSES ? &h->pool[index]
						      : &h->more[index - MM_CLASSES]);
}

static inline struct mm_depot *mm_heap_depot_of(const struct mm_heap *h, const struct mm_slab *s)
{
	return mm_heap_depot(h, s->pool - 1);
}

/* NULL where no slab is. */
static inline struct mm_slab *mm_heap_slab_at(const struct mm_heap *h, uint64_t addr)
{
	uint32_t number = mm_vspace_owner(&h->vspace, addr);

	return number ? mm_slab_at(&h->slabs, number) : NULL;
}

/* Every block is checked. */
static inline int mm_guard_all(const struct mm_heap *h)
{
	return h->o.check == MM_CHECK_ON || h->o.check == MM_CHECK_FULL;
}

/* Whether the next allocation is guard.c's. */
static inline int mm_guard_wants(const struct mm_heap *h, struct mm_context *c)
{
	return h->o.check != MM_CHECK_OFF &&
	       (h->o.check != MM_CHECK_SAMPLED || --c->until_drawn == 0);
}

/* A block of a pool comes back. */
static inline void mm_cache_take_back(struct mm_context *c, struct mm_depot *p,
				      const struct mm_slab *s, uint64_t addr)
{
	int away = p->node != c->node;

	if (__builtin_expect(away || (p->owned && mm_slab_filled_for(s) != c->number), 0)) {
		c->remote += (uint64_t)away;
		mm_cache_put_aside(c, p, addr);
	} else {
		mm_cache_give(c, p, addr);
	}
}

/* The class that serves it; MM_CLASSES: blocks with slices of their own do. */
static inline uint32_t mm_heap_class(uint64_t size, uint64_t align)
{
	if (align == MM_HEAP_ALIGN && size <= MM_CLASS_MOST)
		return mm_class_of(size ? size : 1);
	return mm_class_aligned(size, align);
}

/* --- heap.c: what is done where nothing is checked; align is at least MM_HEAP_ALIGN --------- */

int mm_plain_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		   uint64_t *ret_addr);
int mm_plain_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		     uint64_t align, uint64_t *ret_addr);
int mm_plain_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes);

/* --- heap_large.c --------------------------------------------------------------------- */

int mm_large_alloc(struct mm_heap *h, uint64_t size, uint64_t align, uint32_t node, int zeroed,
		   uint64_t *ret_addr);
int mm_large_free(struct mm_heap *h, struct mm_slab *s, uint64_t addr);

/* 1 when it fits where it is. */
int mm_large_resize(struct mm_heap *h, struct mm_slab *s, uint64_t size, uint64_t align);

/* A block that had to move because it grew: it gets addresses to go on growing, where those are to
 * be had that nobody ever used. Else one that grows by little would be copied each time. */
void mm_large_grew(struct mm_heap *h, uint64_t addr);

#endif
