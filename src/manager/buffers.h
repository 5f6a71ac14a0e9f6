/* buffers.h: buffers of a manager (mm_buffer.h): for src/manager alone.
 *
 * Never: memory obtained or given back with the lock held: it comes after all others.
 */
#ifndef MM_MANAGER_BUFFERS_H
#define MM_MANAGER_BUFFERS_H

#include "alloc/lock.h"
#include "mm_buffer.h"

struct mm_shared_buffer;

struct mm_buffers {
	struct mm_lock lock; /* of all that changes in buffers, shared ones too */
	struct mm_buffer *first;
	struct mm_shared_buffer *first_shared;
};

/* In a forked child: what other threads were in the middle of, which are not in it, is not under
 * way any more. */
void mm_buffers_forked(struct mm_manager *m);
void mm_shared_buffers_forked(struct mm_manager *m);

/* Zeros at a multiple of a page, of that category, known by that name. MM_ELIMIT, MM_ENOMEM. */
int mm_buffers_obtain(struct mm_manager *m, uint32_t category, const char *name, size_t size,
		      void **ret);

int mm_buffers_is_name(const char *name);

#endif
