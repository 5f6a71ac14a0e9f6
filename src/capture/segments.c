/* segments.c: extends directories (segments.h). */
#include "capture/segments.h"

#include "capture/touch.h"
#include "core/shm.h"

static _Atomic uint32_t spare; /* taken by somebody who then was not first */

uint32_t mm_segment_of(void *base, _Atomic uint32_t *entry, int clear)
{
	uint32_t seg = atomic_load_explicit(entry, memory_order_acquire), mine;

	if (seg != 0)
		return seg;
	mine = atomic_exchange_explicit(&spare, 0, memory_order_relaxed);
	if (mine == 0)
		mine = mm_shm_seg_take(base);
	if (mine == 0)
		return atomic_load_explicit(entry, memory_order_acquire);
	mm_touch(mm_shm_seg(base, mine), MM_SEG_SIZE);
	if (clear)
		__builtin_memset(mm_shm_seg(base, mine), 0, MM_SEG_SIZE);
	if (atomic_compare_exchange_strong_explicit(entry, &seg, mine, memory_order_acq_rel,
						    memory_order_acquire))
		return mine;
	atomic_store_explicit(&spare, mine, memory_order_relaxed);
	return seg;
}

void mm_segments_forget(void)
{
	atomic_store_explicit(&spare, 0, memory_order_relaxed);
}
