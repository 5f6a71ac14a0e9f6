/* buffers.h: buffers of a manager (mm_buffer.h): for src/manager alone.
 *
 * Never: memory obtained or given back with the lock held: it comes after all others.
 */
#ifndef MM_MANAGER_BUFFERS_H
#define MM_MANAGER_BUFFERS_H

#include "alloc/lock.h"
#include "mm_buffer.h"

struct mm_buffers {
	struct mm_lock lock; /* of all that changes in buffers, shared ones too */
	struct mm_buffer *first;
};

/* Zeros at a multiple of a page, of that category, known by that name. MM_ELIMIT, MM_ENOMEM. */
int mm_buffers_obtain(struct mm_manager *m, uint32_t category, const char *name, size_t size,
		      void **ret);

int mm_buffers_is_name(const char *name);

#endif
