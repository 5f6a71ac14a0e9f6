/* hooks.c: the malloc family, interposed.
 *
 * Promise: the program gets exactly what the next definition gives it: pointer,
 * errno, alignment, failure. Free is stamped and published before the real call,
 * an allocation after it; a realloc is one record with a stamp on either side.
 * Vocabulary: ring.h, hookstate.h; next = the definition behind ours (chain.h).
 * Never: __libc_* calls, a larger request, a change of errno, memory of our own.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/recording.h"
#include "capture/ring.h"

enum { PAGE_LOG2 = 12 };

/* What the C library declares with attributes that do not matter here. */
MM_EXPORT void *malloc(size_t n);
MM_EXPORT void free(void *p);
MM_EXPORT void *calloc(size_t n, size_t size);
MM_EXPORT void *realloc(void *p, size_t n);
MM_EXPORT void *reallocarray(void *p, size_t n, size_t size);
MM_EXPORT int posix_memalign(void **out, size_t align, size_t n);
MM_EXPORT void *aligned_alloc(size_t align, size_t n);
MM_EXPORT void *memalign(size_t align, size_t n);
MM_EXPORT void *valloc(size_t n);
MM_EXPORT void *pvalloc(size_t n);
MM_EXPORT void free_sized(void *p, size_t n);
MM_EXPORT void free_aligned_sized(void *p, size_t align, size_t n);

MM_EXPORT void *malloc(size_t n)
{
	void *p = mm_chain.malloc(n);
	struct mm_hook *t = &mm_hook_self;

	if (mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_alloc(t, &from, p, n, 0, MM_CALL_MALLOC);
	}
	return p;
}

MM_EXPORT void free(void *p)
{
	struct mm_hook *t = &mm_hook_self;

	if (MM_UNLIKELY(mm_boot_owns(p)))
		return;
	if (MM_LIKELY(p != NULL) && mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_free(t, &from, p);
	}
	mm_chain.free(p);
}

MM_EXPORT void free_sized(void *p, size_t n)
{
	struct mm_hook *t = &mm_hook_self;

	if (MM_UNLIKELY(mm_boot_owns(p)))
		return;
	if (p != NULL && mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_free(t, &from, p);
	}
	mm_chain.free_sized(p, n);
}

MM_EXPORT void free_aligned_sized(void *p, size_t align, size_t n)
{
	struct mm_hook *t = &mm_hook_self;

	if (MM_UNLIKELY(mm_boot_owns(p)))
		return;
	if (p != NULL && mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_free(t, &from, p);
	}
	mm_chain.free_aligned_sized(p, align, n);
}

MM_EXPORT void *calloc(size_t n, size_t size)
{
	struct mm_hook *t = &mm_hook_self;
	void *p;

	t->allocated = 0;
	p = mm_chain.calloc(n, size);
	if (mm_hook_ready(t) && !mm_record_has(t, p)) {
		struct mm_caller from = MM_CALLER_HERE();
		size_t bytes;
		if (__builtin_mul_overflow(n, size, &bytes))
			bytes = SIZE_MAX;
		mm_record_alloc(t, &from, p, bytes, 0, MM_CALL_CALLOC);
	}
	return p;
}

/* --- realloc -------------------------------------------------------------------- */

/* Turns the first two words of the hole into the free half and voids the rest. */
static void fill_free(struct mm_hook *t, uint64_t *hole, const void *old, uint64_t t0)
{
	mm_arch_local_inc(&t->slot->events);
	hole[1] = t0;
	hole[2] = MM_REC_HEAD(MM_REC_VOID, MM_RING_REALLOC_WORDS - 3);
	hole[0] = MM_REC_HEAD(MM_REC_FREE, (uintptr_t)old);
}

struct realloc_call {
	void *old, *new;
	size_t n;
	uint64_t t0, t1, node;
};

/* Fills the hole when nothing was recorded meanwhile. */
static void fill_whole(struct mm_hook *t, uint64_t *hole, const struct realloc_call *r)
{
	if (r->new == NULL && r->n == 0) {
		fill_free(t, hole, r->old, r->t0);
		return;
	}
	mm_arch_local_inc(&t->slot->events);
	hole[1] = r->t1;
	hole[2] = r->n;
	hole[3] = r->node;
	if (r->new == NULL) {
		hole[4] = MM_REC_HEAD(MM_REC_VOID, 1);
		hole[0] = MM_REC_HEAD(MM_REC_FAILED, 0);
		return;
	}
	hole[4] = (uintptr_t)r->old;
	hole[5] = r->t0;
	hole[0] = MM_REC_HEAD(MM_REC_REALLOC, (uintptr_t)r->new);
}

/* True when a free of p is among the records committed since the hole, none of which
 * has been published. */
static bool freed_since(const struct mm_hook *t, const uint64_t *hole, const void *p)
{
	const struct mm_seg *seg = mm_shm_seg(
		mm_target.base, (uint32_t)(((const char *)hole - (char *)mm_target.base) /
					   MM_SEG_SIZE));
	const uint64_t *w = hole + MM_RING_REALLOC_WORDS;

	for (;;) {
		const uint64_t *end = seg == t->seg ? t->next : seg->data + seg->tail / 8;
		uint32_t n;
		for (; w < end && (n = mm_rec_words(w, (uint32_t)(end - w))) != 0; w += n)
			if ((MM_REC_KIND(w[0]) == MM_REC_FREE ||
			     MM_REC_KIND(w[0]) == MM_REC_FREE_AT) &&
			    MM_REC_ADDR(w[0]) == (uintptr_t)p)
				return true;
		if (seg == t->seg || seg->pending_next == 0)
			return false;
		seg = mm_shm_seg(mm_target.base, seg->pending_next);
		w = seg->data;
	}
}

/* Records made meanwhile (by a signal handler, or below the next realloc) have
 * stamps between t0 and t1: the two halves must stand on either side of them. If
 * the next realloc is made of the program's malloc and free, they stand there. */
static void fill_split(struct mm_hook *t, bool nested, uint64_t *hole,
		       const struct realloc_call *r)
{
	bool below = r->new != NULL && mm_record_has(t, r->new);
	uint64_t w[4] = { MM_REC_HEAD(r->new ? MM_REC_ALLOC : MM_REC_FAILED, (uintptr_t)r->new),
			  0, r->n, r->node };

	if ((r->new != NULL || r->n == 0) && !(below && freed_since(t, hole, r->old)))
		fill_free(t, hole, r->old, r->t0);
	if (!below && (r->new != NULL || r->n != 0))
		mm_ring_write(t, nested, w, 4);
	else if (!nested)
		mm_ring_leave(t);
}

static void fill(struct mm_hook *t, bool nested, uint64_t *hole, const struct realloc_call *r)
{
	if (MM_UNLIKELY(t->next != hole + MM_RING_REALLOC_WORDS)) {
		fill_split(t, nested, hole, r);
		return;
	}
	fill_whole(t, hole, r);
	if (nested)
		return;
	if (MM_LIKELY(t->end != NULL))
		mm_ring_leave_at(t, t->slot, t->seg, hole + MM_RING_REALLOC_WORDS);
	else
		mm_ring_leave(t);
}

static void *recorded_realloc(struct mm_hook *t, const struct mm_caller *from, void *old,
			      size_t n)
{
	struct realloc_call r = { .old = old, .n = n };
	uint32_t epoch = *(volatile uint32_t *)&t->epoch;
	bool nested = mm_hook_enter(t, from);
	uint64_t *hole;
	bool again;

	r.node = MM_REC_NODE(mm_record_node(t, from, nested), 0, MM_CALL_REALLOC);
	do {
		hole = mm_ring_hole(t, nested, &again);
		if (MM_UNLIKELY(hole == NULL))
			return again && mm_hook_ready(t)
				? recorded_realloc(t, from, old, n) : mm_chain.realloc(old, n);
		r.t0 = mm_hook_stamp();
		/* Records of a handler in between are older than t0: start behind. */
	} while (MM_UNLIKELY(*(uint64_t *volatile *)&t->next != hole + MM_RING_REALLOC_WORDS));
	t->allocated = 0;
	r.new = mm_chain.realloc(old, n);
	r.t1 = mm_hook_stamp();
	/* In a child forked by a signal handler meanwhile the hole is not ours. */
	if (MM_LIKELY(t->epoch == epoch && mm_hook_ready(t) && t->epoch == epoch))
		fill(t, nested, hole, &r);
	return r.new;
}

static void *realloc_boot(void *p, size_t n)
{
	void *q = mm_chain.malloc(n);

	if (q != NULL)
		memcpy(q, p, n < mm_boot_size(p) ? n : mm_boot_size(p));
	return q;
}

static void *realloc_from(const struct mm_caller *from, void *p, size_t n)
{
	struct mm_hook *t = &mm_hook_self;
	void *q;

	if (MM_LIKELY(p != NULL && !mm_boot_owns(p)))
		return mm_hook_ready(t) ? recorded_realloc(t, from, p, n)
					: mm_chain.realloc(p, n);
	q = p == NULL ? mm_chain.realloc(NULL, n) : realloc_boot(p, n);
	if (mm_hook_ready(t))
		mm_record_alloc(t, from, q, n, 0, MM_CALL_REALLOC);
	return q;
}

MM_EXPORT void *realloc(void *p, size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();

	return realloc_from(&from, p, n);
}

/* Takes the caller by value: with its address given away reallocarray could not jump. */
__attribute__((noinline)) static void *array_from(void *p, size_t n, size_t size,
						  struct mm_caller from)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return mm_chain.reallocarray(p, n, size);
	return realloc_from(&from, p, bytes);
}

/* libc's calls realloc by its public name, which is ours or, in a program that brings
 * an allocator of its own, the program's. Both of us jump there, so that the stack is
 * the caller's, without a frame of ours. */
MM_EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	if (MM_LIKELY(mm_chain_array_by_realloc))
		return mm_chain.reallocarray(p, n, size);
	return array_from(p, n, size, MM_CALLER_HERE());
}

/* --- aligned ---------------------------------------------------------------------- */

static uint32_t log2_up(size_t align)
{
	return align <= 1 ? 0 : 64 - (uint32_t)__builtin_clzl(align - 1);
}

/* A refused alignment is no failed allocation. */
static void record_aligned(const struct mm_caller *from, void *p, size_t n, uint32_t log2,
			   int error)
{
	struct mm_hook *t = &mm_hook_self;

	if ((p != NULL || error == ENOMEM) && mm_hook_ready(t) && !mm_record_has(t, p))
		mm_record_alloc(t, from, p, n, log2, MM_CALL_ALIGNED);
}

MM_EXPORT int posix_memalign(void **out, size_t align, size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();
	int error;

	mm_hook_self.allocated = 0;
	error = mm_chain.posix_memalign(out, align, n);
	record_aligned(&from, error == 0 ? *out : NULL, n, log2_up(align), error);
	return error;
}

MM_EXPORT void *aligned_alloc(size_t align, size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();
	void *p;

	mm_hook_self.allocated = 0;
	p = mm_chain.aligned_alloc(align, n);
	record_aligned(&from, p, n, log2_up(align), p ? 0 : errno);
	return p;
}

MM_EXPORT void *memalign(size_t align, size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();
	void *p;

	mm_hook_self.allocated = 0;
	p = mm_chain.memalign(align, n);
	record_aligned(&from, p, n, log2_up(align), p ? 0 : errno);
	return p;
}

MM_EXPORT void *valloc(size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();
	void *p;

	mm_hook_self.allocated = 0;
	p = mm_chain.valloc(n);
	record_aligned(&from, p, n, PAGE_LOG2, p ? 0 : errno);
	return p;
}

MM_EXPORT void *pvalloc(size_t n)
{
	struct mm_caller from = MM_CALLER_HERE();
	void *p;

	mm_hook_self.allocated = 0;
	p = mm_chain.pvalloc(n);
	record_aligned(&from, p, n, PAGE_LOG2, p ? 0 : errno);
	return p;
}
