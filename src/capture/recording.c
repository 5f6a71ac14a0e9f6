/* recording.c: the uncommon halves of recording.h. */
#include "capture/recording.h"

void mm_record_alloc_slow(struct mm_hook *t, const struct mm_caller *from, void *p, size_t n,
			  uint32_t align_log2, uint32_t call)
{
	uint32_t kind = p != NULL ? MM_REC_ALLOC : MM_REC_FAILED;
	bool nested;
	uint32_t node;

	if (p == NULL && n == 0)
		return; /* some allocators give nothing for nothing */
	nested = mm_hook_enter(t, from);
	node = mm_record_node(t, from, nested);
	if (p != NULL)
		t->allocated = (uintptr_t)p;
	mm_ring_put_slow(t, nested, 4, MM_REC_HEAD(kind, (uintptr_t)p), n,
			 MM_REC_NODE(node, align_log2, call));
}

void mm_record_free_slow(struct mm_hook *t, const struct mm_caller *from, const void *p)
{
	bool nested = mm_hook_enter(t, from);
	uint32_t node;

	if (!(mm_target.options & MM_OPT_FREE_STACKS)) {
		mm_ring_put_slow(t, nested, 2, MM_REC_HEAD(MM_REC_FREE, (uintptr_t)p), 0, 0);
		return;
	}
	node = mm_record_node(t, from, nested);
	mm_ring_put_slow(t, nested, 3, MM_REC_HEAD(MM_REC_FREE_AT, (uintptr_t)p),
			 MM_REC_NODE(node, 0, 0), 0);
}

void mm_record_note_free(struct mm_hook *t, const struct mm_caller *from, const void *p)
{
	bool nested = mm_hook_enter(t, from);
	uint32_t node = 0;

	if (mm_target.options & MM_OPT_FREE_STACKS)
		node = mm_record_node(t, from, nested);
	mm_ring_put_slow(t, nested, 3, MM_REC_HEAD(MM_REC_FREE_AT, (uintptr_t)p),
			 MM_REC_NODE(node, 0, MM_CALL_NOTE), 0);
}
