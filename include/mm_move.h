/* mm_move.h: libmm's blocks that may move, and the time-sliced defragmentation that moves them.
 * mm.h includes it.
 *
 *	struct mm_movable text;
 *	char *p;
 *	err = mm_movable_create(NULL, 300, &text);
 *	err = mm_movable_pin(NULL, text, (void **)&p);   // it stays where it is now
 *	strcpy(p, "...");
 *	mm_movable_unpin(NULL, text);                    // p means nothing any more
 *	mm_defragment(NULL, 2, MM_PRIORITY_CACHEABLE, NULL); // two milliseconds, any block
 *
 * Promise: a name means one block until that is freed, and nothing ever after; a pinned block
 * stays where it is; pinning and unpinning wait for nothing but the copy of that one block; a
 * pass is late by the copy of one block at most, as long as the system lets the thread run.
 * Vocabulary
 *   movable   the name of a block that may move; all zeros: of none
 *   pin       while there is one, the address holds; a block has as many as it was given
 *   pass      one call of mm_defragment
 *   epoch     a number of the program's that grows (frames, seconds); each block keeps the
 *             last in which it was pinned
 * Movable blocks are charged, limited and known as others are (mm_alloc.h), and are no blocks
 * for mm_free and mm_realloc: MM_EINVAL. NULL for a manager is the default one. Any thread may
 * call anything. Functions return 0 or a negative code of mm_error.h; out-parameters are
 * untouched on failure. After a fork the child has the pins of all threads, also of those that
 * it does not have itself.
 */
#ifndef MM_MOVE_H
#define MM_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "mm_alloc.h"
#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;

/* --- blocks that may move ---------------------------------------------------------------- */

struct mm_movable { uint32_t index, generation; };

enum { MM_MOVABLES = 1 << 24 }; /* of a manager, at once */

/* A block of the thread's category, content undefined. The caller's until it is freed, by any
 * thread. MM_EINVAL; MM_ELIMIT: a budget, a limit or MM_MOVABLES; MM_ENOMEM. */
MM_API int mm_movable_create(struct mm_manager *manager, size_t size, struct mm_movable *ret);

/* The same, and what is said of it. MM_EUNSUP: cacheable. */
MM_API int mm_movable_create_as(struct mm_manager *manager, size_t size,
				const struct mm_what *what, struct mm_movable *ret);

/* MM_ENOENT: it is no block's name, or not any more. MM_EPERM: it is pinned. MM_ECORRUPT: it
 * was written beyond its end (check levels); the name is gone, its memory is not used again. */
MM_API int mm_movable_free(struct mm_manager *manager, struct mm_movable block);

/* MM_ENOENT; MM_ELIMIT after 2^30 - 1 pins. */
MM_API int mm_movable_pin(struct mm_manager *manager, struct mm_movable block, void **ret);

/* One pin less. MM_ENOENT; MM_EINVAL: it has none. */
MM_API int mm_movable_unpin(struct mm_manager *manager, struct mm_movable block);

struct mm_movable_info {
	uint64_t size;      /* requested */
	uint32_t pins;
	uint32_t epoch;     /* in which it was pinned last; before: created */
	enum mm_priority priority;
};

/* May be past when the caller reads it; mm_info of a pinned address says the rest. MM_ENOENT. */
MM_API int mm_movable_info(struct mm_manager *manager, struct mm_movable block,
			   struct mm_movable_info *ret);

/* What counts for passes from now on. MM_ENOENT, MM_EINVAL. */
MM_API int mm_movable_set_priority(struct mm_manager *manager, struct mm_movable block,
				   enum mm_priority priority);

/* The epoch that pins note from now on. MM_ENOMEM. */
MM_API int mm_movables_epoch(struct mm_manager *manager, uint32_t epoch);

/* --- putting them together ------------------------------------------------------------------ */

struct mm_defragmented {
	uint64_t moved_blocks, moved_bytes;
	uint64_t freed_bytes;    /* of slabs that were emptied: pages in use */
	uint64_t skipped_blocks; /* pinned, or of lower priority, when they were looked at */
	uint64_t took_ns;
	double fragmentation;    /* % afterwards, as of mm_fragmentation */
};

/* One pass over movable blocks, of at most max_ms milliseconds by the clock, in the thread that
 * calls. Blocks of a lower priority than `lowest` stay; cacheable is the lowest, then low,
 * normal, high, critical. Those are moved first that free most for each byte moved. `ret` may
 * be NULL. MM_EAGAIN: a pass is under way; MM_EINVAL; MM_ENOMEM. */
MM_API int mm_defragment(struct mm_manager *manager, uint32_t max_ms, enum mm_priority lowest,
			 struct mm_defragmented *ret);

/* Whether a pass is under way. */
MM_API int mm_is_defragmenting(struct mm_manager *manager);

/* Whether passes move blocks of the size class that serves `bytes`; 0 = of all. All are in to
 * begin with. MM_EINVAL: blocks of that size have pages of their own and never move. MM_EPERM:
 * sealed (mm_audit.h). */
MM_API int mm_defragment_enrol(struct mm_manager *manager, size_t bytes, int is_in);

/* Free bytes, in % of the bytes of slabs, in the size classes that are in. */
MM_API double mm_fragmentation(struct mm_manager *manager);

struct mm_movables_stats {
	uint64_t live_count;
	uint64_t requested_bytes, committed_bytes, metadata_bytes; /* handles are metadata */
	uint64_t passes, moved_blocks, moved_bytes, freed_bytes, longest_ns; /* of all passes */
};

MM_API void mm_movables_stats(struct mm_manager *manager, struct mm_movables_stats *ret);

#ifdef __cplusplus
}
#endif

#endif
