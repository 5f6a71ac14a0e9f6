/* recording.h: from a hook to one record, shared by every kind of hook.
 *
 * Inlined into the hooks, so that the common case is straight code. Signal-safe,
 * never changes errno; *t has passed mm_hook_ready().
 */
#ifndef MM_CAPTURE_RECORDING_H
#define MM_CAPTURE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/hookstate.h"
#include "capture/ring.h"
#include "capture/stack.h"
#include "core/shm.h"

/* The site: the caller's stack, below the innermost category if there is one. */
__attribute__((always_inline)) static inline uint32_t
mm_record_node(struct mm_hook *t, const struct mm_caller *from, bool nested)
{
	uint32_t node = mm_stack_node(&t->stack, from, nested);
	uint32_t depth = t->categories;

	if (MM_LIKELY(depth == 0))
		return node;
	if (depth > MM_HOOK_CATEGORIES)
		depth = MM_HOOK_CATEGORIES;
	return mm_stack_category(node, t->category[depth - 1]);
}

/* True when the object at p was recorded by a hook that the next definition
 * called; t->allocated was 0 before the call. */
static inline bool mm_record_has(const struct mm_hook *t, const void *p)
{
	return MM_UNLIKELY(t->allocated != 0) && t->allocated == (uintptr_t)p;
}

/* The uncommon halves of what follows: nested, failed, with the stack of a free. */
void mm_record_alloc_slow(struct mm_hook *t, const struct mm_caller *from, void *p, size_t n,
			  uint32_t align_log2, uint32_t call);
void mm_record_free_slow(struct mm_hook *t, const struct mm_caller *from, const void *p);

/* The coming end of a block that the program's own allocator had given out: a record
 * that names the call, since malloc may have given the same address. */
void mm_record_note_free(struct mm_hook *t, const struct mm_caller *from, const void *p);

/* An allocation of n bytes that gave p; p == NULL: it failed. */
__attribute__((always_inline)) static inline void
mm_record_alloc(struct mm_hook *t, const struct mm_caller *from, void *p, size_t n,
		uint32_t align_log2, uint32_t call)
{
	uint32_t node;

	if (MM_UNLIKELY(p == NULL || t->inside)) {
		mm_record_alloc_slow(t, from, p, n, align_log2, call);
		return;
	}
	mm_hook_begin(t, from);
	node = mm_record_node(t, from, false);
	t->allocated = (uintptr_t)p;
	if (MM_UNLIKELY(!mm_ring_put(t, 4, MM_REC_HEAD(MM_REC_ALLOC, (uintptr_t)p), n,
				     MM_REC_NODE(node, align_log2, call))) && mm_hook_ready(t))
		mm_record_alloc_slow(t, from, p, n, align_log2, call);
}

/* The coming free of p. */
__attribute__((always_inline)) static inline void
mm_record_free(struct mm_hook *t, const struct mm_caller *from, const void *p)
{
	if (MM_UNLIKELY(t->inside || (mm_target.options & MM_OPT_FREE_STACKS))) {
		mm_record_free_slow(t, from, p);
		return;
	}
	mm_hook_begin(t, from);
	if (MM_UNLIKELY(!mm_ring_put(t, 2, MM_REC_HEAD(MM_REC_FREE, (uintptr_t)p), 0, 0)) &&
	    mm_hook_ready(t))
		mm_record_free_slow(t, from, p);
}

#endif
