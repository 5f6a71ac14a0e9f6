/* movekit.h: what the tests of movable blocks share: a heap with handles, contents that name
 * their block, and a clock that is computed from the work done. Included after cmocka.h. */
#ifndef MM_TEST_MOVEKIT_H
#define MM_TEST_MOVEKIT_H

#include <stdint.h>
#include <string.h>

#include "alloc/defrag.h"
#include "alloc/handle.h"
#include "alloc/heap.h"
#include "core/error.h"

struct movable {
	struct mm_handle handle;
	uint64_t size;
	uint64_t mark;
};

struct movekit {
	struct mm_heap *heap;
	struct mm_context *context;
	struct mm_handles *handles;
	struct mm_defrag *defrag;
	uint64_t random;
	int real;
};

static inline uint64_t movekit_next(struct movekit *k)
{
	k->random ^= k->random << 13;
	k->random ^= k->random >> 7;
	k->random ^= k->random << 17;
	return k->random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static inline void movekit_open(struct movekit *k, const struct mm_heap_options *o,
				const struct mm_handles_options *ho)
{
	*k = (struct movekit){ .random = 11, .real = !o->simulated };
	assert_int_equal(mm_heap_open(&k->heap, o), 0);
	assert_int_equal(mm_heap_context(k->heap, 0, &k->context), 0);
	assert_int_equal(mm_handles_open(&k->handles, k->heap, ho), 0);
	assert_int_equal(mm_defrag_open(&k->defrag, k->handles), 0);
}

static inline void movekit_close(struct movekit *k)
{
	assert_int_equal(mm_handles_check(k->handles), 0);
	assert_int_equal(mm_heap_check(k->heap), 0);
	mm_defrag_close(k->defrag);
	mm_handles_close(k->handles);
	mm_heap_leave(k->heap, k->context);
	mm_heap_close(k->heap);
}

/* The mark at the start and at the end of the block, as far as it holds them. */
static inline void movekit_fill(const struct movable *m, uint64_t addr)
{
	memset((void *)(uintptr_t)addr, (int)(m->mark & 0xff), m->size);
	if (m->size >= 8)
		memcpy((void *)(uintptr_t)addr, &m->mark, 8);
}

static inline int movekit_is_whole(const struct movable *m, uint64_t addr)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)addr;
	uint64_t i = 0;

	if (m->size >= 8) {
		if (memcmp(p, &m->mark, 8))
			return 0;
		i = 8;
	}
	for (; i < m->size; i++)
		if (p[i] != (m->mark & 0xff))
			return 0;
	return 1;
}

static inline void movekit_create(struct movekit *k, struct movable *m, uint64_t size,
				  uint8_t priority)
{
	uint64_t addr;

	m->size = size;
	m->mark = movekit_next(k) << 8 | 0x5a;
	assert_int_equal(mm_handle_create(k->handles, k->context, size, 0, priority, &m->handle),
			 0);
	assert_int_equal(mm_handle_lock(k->handles, m->handle, &addr), 0);
	if (k->real)
		movekit_fill(m, addr);
	assert_int_equal(mm_handle_unlock(k->handles, m->handle), 0);
}

static inline void movekit_verify(struct movekit *k, const struct movable *m)
{
	uint64_t addr;

	assert_int_equal(mm_handle_lock(k->handles, m->handle, &addr), 0);
	if (k->real)
		assert_true(movekit_is_whole(m, addr));
	assert_int_equal(mm_handle_unlock(k->handles, m->handle), 0);
}

static inline void movekit_free(struct movekit *k, struct movable *m)
{
	movekit_verify(k, m);
	assert_int_equal(mm_handle_free(k->handles, k->context, m->handle), 0);
	m->handle = (struct mm_handle){ 0, 0 };
}

/* 100 ns a block, 1 ns for 8 bytes, 500 ns for a slab. */
enum { MOVEKIT_BLOCK_NS = 100, MOVEKIT_VICTIM_NS = 500 };

static inline uint64_t movekit_clock(void *arg, const struct mm_defrag_work *w)
{
	(void)arg;
	return w->victims * MOVEKIT_VICTIM_NS + w->moved_blocks * MOVEKIT_BLOCK_NS +
	       w->moved_bytes / 8;
}

static inline void movekit_pass(struct movekit *k, uint64_t max_ns, uint8_t floor)
{
	struct mm_defrag_slice s = { max_ns, floor, movekit_clock, NULL };

	assert_int_equal(mm_defrag_pass(k->defrag, k->context, &s), 0);
}

#endif
