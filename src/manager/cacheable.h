/* cacheable.h: blocks that may be taken away, oldest first.
 *
 * Promise: a block is taken at most once, by its owner or by the library.
 * Vocabulary: taken = out of the list: whoever took it frees it.
 * Thread-safe.
 */
#ifndef MM_MANAGER_CACHEABLE_H
#define MM_MANAGER_CACHEABLE_H

#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/meta.h"

enum { MM_CACHEABLE_MOST = 1 << 24 };

struct mm_cacheable {
	uint64_t block;
	void (*gone)(void *ctx, void *block);
	void *ctx;
	uint32_t what, category;   /* what: whats.h */
	uint32_t prev, next;       /* neighbours in age, or next vacant */
};

struct mm_cacheables {
	struct mm_lock lock;
	struct mm_meta *meta;
	struct mm_cacheable *entry; /* from 1; NULL: there has been none, as anybody may look */
	uint32_t most, frontier, vacant, oldest, newest;
};

void mm_cacheables_init(struct mm_cacheables *c, struct mm_meta *meta);

/* Its number, 0 = no room. The block's note says so before anybody can take it away: the number
 * and what `note` has beside it. */
uint32_t mm_cacheables_add(struct mm_cacheables *c, const struct mm_cacheable *entry,
			   uint64_t note, uint64_t *note_at);

/* What is said of it. */
uint32_t mm_cacheables_what(struct mm_cacheables *c, uint32_t number);

/* The owner takes it: 1, or 0 when the library has done so. */
int mm_cacheables_take(struct mm_cacheables *c, uint32_t number, uint64_t block,
		       struct mm_cacheable *ret);

/* The oldest of a category (UINT32_MAX: of any): 1, or 0 when there is none. */
int mm_cacheables_oldest(struct mm_cacheables *c, uint32_t category, struct mm_cacheable *ret);

#endif
