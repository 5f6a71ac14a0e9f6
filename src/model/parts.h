/* parts.h: who held the memory at one point of a process, without following every object.
 *
 * What lived when the point's chunk began is born and not dead in the digests before it;
 * births and deaths from there to the point are added (part.h).
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_PARTS_H
#define MM_MODEL_PARTS_H

#include <stdint.h>

#include "model/learnt.h"
#include "model/visit.h"
#include "trace/reader.h"

struct mm_part_sum { uint64_t bytes, count; };

struct mm_parts { /* zero-initialised = empty */
	struct mm_part_sum *sites, *threads; /* the last thread: unknown; unknown sites: 0 */
	uint32_t site_count, thread_count;
	struct mm_part_sum sizes[MM_SIZE_BUCKETS];
	struct mm_part_sum all;
};

void mm_parts_deinit(struct mm_parts *p);

/* Live objects at the point as sums: 0; 1 = it cannot be told this way; MM_ENOMEM. `most` as
 * mm_part_read; site_count and thread_count as in struct mm_sums. */
int mm_parts_at(struct mm_parts *ret, struct mm_reader *r, struct mm_learnt *l,
		struct mm_point at, uint32_t most, uint32_t site_count, uint32_t thread_count);

#endif
