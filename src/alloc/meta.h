/* meta.h: memory for the engine's own records.
 *
 * Promise: records never lie in the memory that is handed out; what was taken keeps its
 * address until the end; the bytes obtained from the system are known exactly, and are the
 * same in every run.
 * Vocabulary: committed = bytes of this memory that a record may have touched, in whole
 * pages of 4096 whatever the machine's are.
 * Thread-safe. Never: malloc.
 */
#ifndef MM_ALLOC_META_H
#define MM_ALLOC_META_H

#include <stddef.h>
#include <stdint.h>

#include "alloc/lock.h"

enum { MM_META_PAGE = 4096, MM_META_ALONE = 512 * 1024,
	MM_META_RECORDS = 1024, MM_META_KINDS = 40 /* sizes that are kept for reuse */ };

struct mm_meta {
	struct mm_lock lock;
	uint8_t *at;          /* in the newest piece */
	uint64_t left;
	uint64_t page_left;   /* of the last page that counts as committed */
	uint64_t committed;
	void *pieces;         /* every mapping, linked */
	void *spare[MM_META_KINDS];
};

/* In the caller's memory, zero-filled before. */
void mm_meta_deinit(struct mm_meta *m);

/* Zero-filled, aligned to 64 bytes; NULL without memory. */
void *mm_meta_take(struct mm_meta *m, uint64_t bytes);

/* The same for records that are given back: bytes are rounded up to a power of two, or to half
 * way to it. Those of MM_META_ALONE and more go to the system. */
void *mm_meta_borrow(struct mm_meta *m, uint64_t bytes);
void mm_meta_return(struct mm_meta *m, void *p, uint64_t bytes);

/* Address space for a table that is used from its start on: zero to who reads it, and written to
 * only as far as it was opened; the user says, too, how far that counts as committed. NULL without
 * address space. */
void *mm_meta_reserve(struct mm_meta *m, uint64_t bytes);
void mm_meta_commit(struct mm_meta *m, uint64_t bytes_more);

/* The same for a table of *ret_most records, or of as few as a 2^n-th of that, at least
 * MM_META_RECORDS, where addresses are limited and others must have some: *ret_most tells. */
void *mm_meta_reserve_for(struct mm_meta *m, uint64_t record_bytes, uint32_t *ret_most);

/* Its first bytes, of those reserved, may be written to from now on, some more with them. One thread
 * at a time for one table. MM_ENOMEM: they may not. */
int mm_meta_open(void *table, uint64_t bytes);

uint64_t mm_meta_committed(struct mm_meta *m);

#endif
