/* foreign.h: memory that others allocated, by its address.
 *
 * Promise: at most 40 bytes for each: a record of 24, and a hash of numbers at most 0.65 full.
 * Vocabulary: note = as general.c writes it for blocks: number of what is said, and when.
 * Thread-safe. Never: touches that memory.
 */
#ifndef MM_MANAGER_FOREIGN_H
#define MM_MANAGER_FOREIGN_H

#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/meta.h"

struct mm_alien { uint64_t start, size, note; };

struct mm_foreign {
	struct mm_lock lock;
	struct mm_meta *meta;
	struct mm_alien *alien;  /* dense, from 1 */
	uint32_t *slot;          /* numbers by hash; 0 = empty */
	uint32_t slots, count, most;
};

/* In zero-filled memory. */
void mm_foreign_init(struct mm_foreign *f, struct mm_meta *meta);

/* MM_EEXIST, MM_ENOMEM, MM_ELIMIT. */
int mm_foreign_add(struct mm_foreign *f, const struct mm_alien *alien);

/* MM_ENOENT. */
int mm_foreign_remove(struct mm_foreign *f, uint64_t start, struct mm_alien *ret);

/* By any address in it: looks through all. MM_ENOENT. */
int mm_foreign_find(struct mm_foreign *f, uint64_t addr, struct mm_alien *ret);

/* Each, until fn returns other than 0, which is returned; fn must not call this. */
int mm_foreign_each(struct mm_foreign *f, int (*fn)(void *arg, const struct mm_alien *a),
		    void *arg);

#endif
