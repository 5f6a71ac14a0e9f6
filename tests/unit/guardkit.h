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

#endif
