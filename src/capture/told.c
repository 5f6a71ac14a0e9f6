/* told.c: the recorder's side of core/sink.h (told.h). */
#include "capture/told.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "capture/catnames.h"
#include "capture/hookstate.h"
#include "capture/recording.h"
#include "capture/ring.h"
#include "core/sink.h"

enum { POOL_NAME_MOST = 64, CATEGORIES_KEPT = 65536 };

static _Atomic uint32_t pools_told;
/* The category that was pushed where a pool was made, by the pool's number. */
static uint16_t category_of[CATEGORIES_KEPT];

static uint32_t pushed(const struct mm_hook *t)
{
	uint32_t depth = t->categories;

	if (depth == 0)
		return 0;
	return t->category[(depth > MM_HOOK_CATEGORIES ? MM_HOOK_CATEGORIES : depth) - 1];
}

static uint32_t category_for(const struct mm_hook *t, uint32_t pool)
{
	uint32_t own = pushed(t);

	return own ? own : pool < CATEGORIES_KEPT ? category_of[pool] : 0;
}

void mm_told_inherit(uint32_t parent)
{
	uint32_t count = atomic_load(&pools_told);

	for (uint32_t i = 1; i <= count && i < CATEGORIES_KEPT; i++)
		category_of[i] = (uint16_t)mm_catnames_renumber(parent, category_of[i]);
}

/* --- pools and slabs ------------------------------------------------------------------------ */

/* Without a stack: an engine may hold locks, and who asked for a slab is chance. */
static void write_seen(const struct mm_caller *from, uint64_t *w, uint32_t n)
{
	struct mm_hook *t = &mm_hook_self;
	bool nested;

	if (!mm_hook_ready(t))
		return;
	do
		nested = mm_hook_enter(t, from);
	while (!mm_ring_write(t, nested, w, n) && mm_hook_ready(t));
}

/* A lookup of ours allocates unseen, but a slab that comes then serves others later. */
static void write_record(const struct mm_caller *from, uint64_t *w, uint32_t n)
{
	struct mm_hook *t = &mm_hook_self;
	uint32_t looking = t->looking, epoch = t->epoch;

	if (MM_LIKELY(!looking)) {
		write_seen(from, w, n);
	} else if (t->looked_from == atomic_load(&mm_hook_gate.word)) {
		t->looking = 0;
		t->epoch = t->looked_from;
		write_seen(from, w, n);
		t->epoch = epoch;
		t->looking = looking;
	}
}

static uint32_t told_pool(uint32_t number, const char *name, const char *category,
			  uint64_t block_bytes, uint64_t live, uint32_t flags)
{
	struct mm_hook *t = &mm_hook_self;
	struct mm_caller from = MM_CALLER_HERE();
	size_t bytes = strnlen(name, POOL_NAME_MOST);
	uint64_t w[7 + POOL_NAME_MOST / 8];
	uint32_t node = 0;
	bool nested;

	if (!mm_hook_ready(t))
		return number;
	if (number == 0) {
		number = atomic_fetch_add(&pools_told, 1) + 1;
		if (number < CATEGORIES_KEPT)
			category_of[number] = (uint16_t)pushed(t);
	}
	if (category && number < CATEGORIES_KEPT)
		category_of[number] = (uint16_t)mm_catnames_number(category);
	w[0] = MM_REC_HEAD(MM_REC_POOL, 0);
	w[2] = bytes;
	w[4] = number | (uint64_t)flags << 32;
	w[5] = block_bytes;
	w[6] = live;
	if (bytes % 8 != 0)
		w[7 + bytes / 8] = 0;
	memcpy(&w[7], name, bytes);
	do {
		nested = mm_hook_enter(t, &from);
		if (number < CATEGORIES_KEPT && category_of[number])
			node = mm_stack_pool(0, category_of[number], number);
		w[3] = MM_REC_NODE(node, 0, 0);
	} while (!mm_ring_write(t, nested, w, 7 + (uint32_t)((bytes + 7) / 8)) &&
		 mm_hook_ready(t));
	return number;
}

static void told_pool_end(uint32_t pool)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[4] = { MM_REC_HEAD(MM_REC_POOL_END, 0), 0, pool, 0 };

	write_record(&from, w, 4);
}

static void told_slab(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t blocks)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[6] = { MM_REC_HEAD(MM_REC_SLAB, addr), 0, bytes, 0, pool, blocks };

	write_record(&from, w, 6);
}

static void told_slab_end(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t blocks)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[6] = { MM_REC_HEAD(MM_REC_SLAB_END, addr), 0, bytes, 0, pool, blocks };

	write_record(&from, w, 6);
}

static void told_slab_size(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t before)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[6] = { MM_REC_HEAD(MM_REC_SLAB_SIZE, addr), 0, bytes, 0, pool, before };

	write_record(&from, w, 6);
}

/* --- blocks --------------------------------------------------------------------------------- */

static uint32_t node_for(struct mm_hook *t, const struct mm_caller *from, bool nested,
			 uint32_t pool, const char *category)
{
	uint32_t node = mm_stack_node(&t->stack, from, nested);

	return mm_stack_pool(node, category ? mm_catnames_number(category)
					    : category_for(t, pool), pool);
}

static void alloc_slowly(struct mm_hook *t, const struct mm_caller *from, uint32_t pool,
			 uint64_t block, uint64_t bytes, const char *category)
{
	uint32_t node;
	bool nested;

	do {
		nested = mm_hook_enter(t, from);
		node = node_for(t, from, nested, pool, category);
		t->allocated = block;
	} while (!mm_ring_put_slow(t, nested, 4, MM_REC_HEAD(MM_REC_ALLOC, block), bytes,
				   MM_REC_NODE(node, 0, MM_CALL_NOTE)) && mm_hook_ready(t));
}

static void told_alloc(uint32_t pool, uint64_t block, uint64_t bytes, const char *category)
{
	struct mm_hook *t = &mm_hook_self;
	struct mm_caller from = MM_CALLER_HERE();

	if (!mm_hook_ready(t))
		return;
	if (MM_UNLIKELY(t->inside)) {
		alloc_slowly(t, &from, pool, block, bytes, category);
		return;
	}
	mm_hook_begin(t, &from);
	uint32_t node = node_for(t, &from, false, pool, category);
	t->allocated = block;
	if (MM_UNLIKELY(!mm_ring_put(t, 4, MM_REC_HEAD(MM_REC_ALLOC, block), bytes,
				     MM_REC_NODE(node, 0, MM_CALL_NOTE))) && mm_hook_ready(t))
		alloc_slowly(t, &from, pool, block, bytes, category);
}

static void told_free(uint32_t pool, uint64_t block)
{
	struct mm_hook *t = &mm_hook_self;
	struct mm_caller from = MM_CALLER_HERE();
	const void *p = (const void *)(uintptr_t)block;

	(void)pool;
	if (!mm_hook_ready(t))
		return;
	if (MM_UNLIKELY(t->inside || (mm_target.options & MM_OPT_FREE_STACKS))) {
		mm_record_note_free(t, &from, p);
		return;
	}
	mm_hook_begin(t, &from);
	if (MM_UNLIKELY(!mm_ring_put(t, 3, MM_REC_HEAD(MM_REC_FREE_AT, block),
				     MM_REC_NODE(0, 0, MM_CALL_NOTE), 0)) && mm_hook_ready(t))
		mm_record_note_free(t, &from, p);
}

static void told_move(uint32_t pool, uint64_t from_addr, uint64_t to)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[6] = { MM_REC_HEAD(MM_REC_MOVE, from_addr), 0, 0, 0, pool, to };

	write_record(&from, w, 6);
}

static void told_key(uint32_t pool, uint64_t block, uint64_t key)
{
	struct mm_caller from = MM_CALLER_HERE();
	uint64_t w[6] = { MM_REC_HEAD(MM_REC_KEY, block), 0, 0, 0, pool, key };

	write_record(&from, w, 6);
}

MM_EXPORT const struct mm_sink *mmprof_sink_v1(void);

MM_EXPORT const struct mm_sink *mmprof_sink_v1(void)
{
	static const struct mm_sink table = {
		.size = sizeof table,
		.pool = told_pool, .pool_end = told_pool_end,
		.slab = told_slab, .slab_size = told_slab_size, .slab_end = told_slab_end,
		.alloc = told_alloc, .free = told_free,
		.move = told_move, .key = told_key
	};

	return mm_hook_ready(&mm_hook_self) ? &table : NULL;
}
