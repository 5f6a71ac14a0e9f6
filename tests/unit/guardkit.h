/* guardkit.h: what the tests of the checked levels share: a heap that tells its misuses to the
 * kit, and blocks that are written whole. Included after cmocka.h. */
#ifndef MM_TEST_GUARDKIT_H
#define MM_TEST_GUARDKIT_H

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "alloc/checked.h"
#include "alloc/heap.h"
#include "core/error.h"

struct kit {
	struct mm_heap *heap;
	struct mm_context *context;
	struct mm_misuse told;
	int times;
};

static pthread_mutex_t hearing = PTHREAD_MUTEX_INITIALIZER;

static inline void hear(void *arg, const struct mm_misuse *m)
{
	struct kit *k = arg;

	pthread_mutex_lock(&hearing);
	k->told = *m;
	k->times++;
	pthread_mutex_unlock(&hearing);
}

static inline void begin_with(struct kit *k, struct mm_heap_options o)
{
	memset(k, 0, sizeof *k);
	o.misuse = hear;
	o.misuse_arg = k;
	o.retain_bytes = MM_HEAP_DEFAULT;
	assert_int_equal(mm_heap_open(&k->heap, &o), 0);
	assert_int_equal(mm_heap_context(k->heap, 0, &k->context), 0);
}

/* sampled: every allocation is drawn. */
static inline void begin(struct kit *k, enum mm_check level)
{
	begin_with(k, (struct mm_heap_options){ .check = level, .sample_every = 1 });
}

static inline void end(struct kit *k)
{
	struct mm_account a;

	assert_int_equal(mm_heap_check(k->heap), 0);
	mm_heap_account(k->heap, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	mm_heap_leave(k->heap, k->context);
	mm_heap_close(k->heap);
}

/* As a program's malloc does: the short way where there is one. */
static inline uint8_t *take(struct kit *k, uint64_t size)
{
	uint64_t addr = mm_checked_take(k->heap, k->context, size);

	if (!addr)
		assert_int_equal(mm_heap_alloc(k->heap, k->context, size, 0, &addr), 0);
	memset((void *)(uintptr_t)addr, 0x11, size);
	return (uint8_t *)(uintptr_t)addr;
}

static inline int give(struct kit *k, const void *p)
{
	return mm_checked_give(k->heap, k->context, (uintptr_t)p)
		? MM_OK : mm_heap_free(k->heap, k->context, (uintptr_t)p);
}

static inline void was_told(const struct kit *k, enum mm_misuse_kind kind, enum mm_check level,
		     const uint8_t *block, uint64_t size, int64_t offset)
{
	struct mm_misuse latest;
	struct mm_check_counts n;

	assert_int_equal(k->told.kind, kind);
	assert_int_equal(k->told.level, level);
	assert_int_equal(k->told.block, (uintptr_t)block);
	assert_int_equal(k->told.size, size);
	assert_int_equal(k->told.offset, offset);
	assert_int_equal(mm_heap_misuse(k->heap, &latest), 0);
	assert_int_equal(latest.addr, k->told.addr);
	mm_heap_check_counts(k->heap, &n);
	assert_true(n.kind[kind] > 0);
}

/* Nothing that is given out again overlaps it. */
static inline void never_comes_back(struct kit *k, const uint8_t *block, uint64_t size)
{
	struct mm_check_counts n;

	mm_heap_check_counts(k->heap, &n);
	assert_int_equal(n.marked, 1);
	for (int i = 0; i < 3000; i++) {
		const uint8_t *p = take(k, size);
		assert_false(p < block + size && block < p + size);
		if (i % 3)
			assert_int_equal(give(k, p), 0);
	}
	mm_heap_trim(k->heap);
	assert_int_not_equal(give(k, block), 0);
}

#endif
