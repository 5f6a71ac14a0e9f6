/* recording.c: the uncommon halves of recording.h. */
#include "capture/recording.h"

void mm_record_alloc_slow(struct mm_hook *t, const struct mm_caller *from, void *p, size_t n,
			  uint32_t align_log2, uint32_t call)
{
	uint32_t kind = p != NULL ? MM_REC_ALLOC : MM_REC_FAILED, node;
	bool nested;

	if (p == NULL && n == 0)
		return; /* some allocators give nothing for nothing */
	do {
		nested = mm_hook_enter(t, from);
		node = mm_record_node(t, from, nested);
		if (p != NULL)
			t->allocated = (uintptr_t)p;
	} while (!mm_ring_put_slow(t, nested, 4, MM_REC_HEAD(kind, (uintptr_t)p), n,
				   MM_REC_NODE(node, align_log2, call)) && mm_hook_ready(t));
}

static void put_free(struct mm_hook *t, const struct mm_caller *from, const void *p,
		     bool named, uint32_t call)
{
	bool stack = (mm_target.options & MM_OPT_FREE_STACKS) != 0, nested;
	uint32_t kind = named || stack ? MM_REC_FREE_AT : MM_REC_FREE, node;

	do {
		nested = mm_hook_enter(t, from);
		node = stack ? mm_record_node(t, from, nested) : 0;
	} while (!mm_ring_put_slow(t, nested, kind == MM_REC_FREE ? 2 : 3,
				   MM_REC_HEAD(kind, (uintptr_t)p), MM_REC_NODE(node, 0, call), 0) &&
		 mm_hook_ready(t));
}

void mm_record_free_slow(struct mm_hook *t, const struct mm_caller *from, const void *p)
{
	put_free(t, from, p, false, 0);
}

void mm_record_note_free(struct mm_hook *t, const struct mm_caller *from, const void *p)
{
	put_free(t, from, p, true, MM_CALL_NOTE);
}
