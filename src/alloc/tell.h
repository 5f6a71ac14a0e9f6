/* tell.h: slabs that come and go, to the sink (core/sink.h), where somebody listens.
 *
 * Vocabulary: told = number that the sink knows their pool by; 0 = nobody is told of them.
 */
#ifndef MM_ALLOC_TELL_H
#define MM_ALLOC_TELL_H

#include "alloc/slab.h"
#include "core/sink.h"

/* One that has its memory. */
static inline void mm_tell_slab(uint32_t told, const struct mm_slab *s)
{
	if (__builtin_expect(told != 0, 0))
		mm_sink->slab(told, s->addr, s->bytes, s->blocks ? s->blocks : 1);
}

/* One that still has it. */
static inline void mm_tell_slab_end(uint32_t told, const struct mm_slab *s)
{
	if (__builtin_expect(told != 0, 0))
		mm_sink->slab_end(told, s->addr, s->bytes, s->blocks ? s->blocks : 1);
}

/* One that has other bytes now than it had. */
static inline void mm_tell_slab_size(uint32_t told, const struct mm_slab *s, uint64_t before)
{
	if (__builtin_expect(told != 0, 0))
		mm_sink->slab_size(told, s->addr, s->bytes, before);
}

#endif
