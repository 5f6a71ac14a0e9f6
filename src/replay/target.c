/* target.c: one call each (target.h). */
#include "replay/target.h"

#include <stdlib.h>

#include "core/error.h"

#define NOWHERE UINT64_C(0x1000)

int mm_target_open(struct mm_target *t, enum mm_target_kind kind, enum mm_strategy strategy)
{
	struct mm_heap_options o = { .strategy = strategy, .retain_bytes = MM_HEAP_DEFAULT };

	t->kind = kind;
	t->heap = NULL;
	return kind == MM_TARGET_ENGINE ? mm_heap_open(&t->heap, &o) : MM_OK;
}

void mm_target_close(struct mm_target *t)
{
	mm_heap_close(t->heap);
	t->heap = NULL;
}

int mm_target_sit(struct mm_target *t, struct mm_seat *ret)
{
	ret->context = NULL;
	ret->next = NOWHERE;
	return t->kind == MM_TARGET_ENGINE ? mm_heap_context(t->heap, 0, &ret->context) : MM_OK;
}

void mm_target_rise(struct mm_target *t, struct mm_seat *s)
{
	if (s->context)
		mm_heap_leave(t->heap, s->context);
	s->context = NULL;
}

static void *system_alloc(uint64_t size, uint64_t align)
{
	void *p;

	if (!align)
		return malloc(size);
	return posix_memalign(&p, align < sizeof p ? sizeof p : align, size) ? NULL : p;
}

void *mm_target_alloc(struct mm_target *t, struct mm_seat *s, uint64_t size, uint64_t align)
{
	uint64_t addr;

	switch (t->kind) {
	case MM_TARGET_NONE:
		return (void *)(uintptr_t)(s->next += 16);
	case MM_TARGET_SYSTEM:
		return system_alloc(size, align);
	default:
		return mm_heap_alloc(t->heap, s->context, size, align, &addr)
			? NULL : (void *)(uintptr_t)addr;
	}
}

void mm_target_free(struct mm_target *t, struct mm_seat *s, void *p)
{
	if (t->kind == MM_TARGET_SYSTEM)
		free(p);
	else if (t->kind == MM_TARGET_ENGINE)
		mm_heap_free(t->heap, s->context, (uintptr_t)p);
}

void *mm_target_realloc(struct mm_target *t, struct mm_seat *s, void *p, uint64_t size,
			uint64_t align)
{
	uint64_t addr;

	switch (t->kind) {
	case MM_TARGET_NONE:
		return (void *)(uintptr_t)(s->next += 16);
	case MM_TARGET_SYSTEM:
		return realloc(p, size ? size : 1);
	default:
		return mm_heap_realloc(t->heap, s->context, (uintptr_t)p, size, align, &addr)
			? NULL : (void *)(uintptr_t)addr;
	}
}
