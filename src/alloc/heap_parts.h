/* heap_parts.h: what the files of the heap share (heap.h): for heap*.c. */
#ifndef MM_ALLOC_HEAP_PARTS_H
#define MM_ALLOC_HEAP_PARTS_H

#include "alloc/classes.h"
#include "alloc/content.h"
#include "alloc/heap.h"
#include "alloc/ordered.h"

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
	struct mm_pool pool[MM_CLASSES];
	struct mm_ordered ordered; /* first-fit, best-fit */
	struct mm_heap_large large;
	struct mm_lock contexts_lock;
	struct mm_context *contexts;
	uint64_t lost_bytes; /* ready in threads that a fork left behind */
	int64_t live_gone, granted_gone, requested_gone; /* of contexts that are closed */
};

/* --- heap_large.c --------------------------------------------------------------------- */

int mm_large_alloc(struct mm_heap *h, uint64_t size, uint64_t align, int zeroed,
		   uint64_t *ret_addr);
int mm_large_free(struct mm_heap *h, struct mm_slab *s, uint64_t addr);

/* 1 when it fits where it is. */
int mm_large_resize(struct mm_heap *h, struct mm_slab *s, uint64_t size, uint64_t align);

#endif
