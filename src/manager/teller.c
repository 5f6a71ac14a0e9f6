/* teller.c: what a recorder of this process learns of its pools (core/sink.h).
 *
 * Promise: costs nothing where nobody listens. A pool that is told of has its blocks from the
 * same magazines as any other, so its blocks lie where they otherwise would; but a thread looks
 * for them in a seat that is always empty, and so comes by here.
 */
#include <dlfcn.h>

#include "alloc/heap_notes.h"
#include "core/sink.h"
#include "manager/front.h"
#include "manager/manager.h"

#define MOVABLES "movable blocks"

/* A program without a dynamic linker has nobody who listens. */
#pragma weak dlsym

void mm_told_listen(void)
{
	union { void *object; mm_sink_entry *call; } at;
	const struct mm_sink *sink;

	if (!dlsym)
		return;
	at.object = dlsym(RTLD_DEFAULT, MM_SINK_ENTRY);
	sink = at.object ? at.call() : NULL;
	if (sink && sink->size >= sizeof *sink)
		mm_sink = sink;
}

/* General is what everything is that nobody said anything of: so it is not said. */
static const char *category_said(struct mm_manager *m, uint32_t category)
{
	return category == MM_CATEGORY_GENERAL ? NULL : mm_category_name(m, category);
}

/* --- pools --------------------------------------------------------------------------------- */

void mm_told_begin(struct mm_pool *p)
{
	if (!mm_sink)
		return;
	p->depot.told = mm_sink->pool(0, p->name, NULL, p->depot.block_bytes, 0, 0);
	if (p->depot.told)
		p->seat = MM_FRONT_EMPTY;
}

void mm_told_category(struct mm_pool *p)
{
	if (p->depot.told)
		mm_sink->pool(p->depot.told, p->name, mm_category_name(p->manager, p->category),
			      p->depot.block_bytes, 0, 0);
}

void *mm_told_alloc(struct mm_pool *p)
{
	void *block = mm_pool_alloc_cached(p);

	if (block)
		mm_sink->alloc(p->depot.told, (uintptr_t)block, p->depot.block_bytes, NULL);
	return block;
}

void mm_told_free(struct mm_pool *p, void *block)
{
	mm_sink->free(p->depot.told, (uintptr_t)block);
	mm_pool_free_cached(p, (uintptr_t)block);
}

static void tell_free(void *pool, uint64_t addr)
{
	const struct mm_pool *p = pool;

	mm_sink->free(p->depot.told, addr);
}

/* All blocks end; no magazine has any. */
void mm_told_clear(struct mm_pool *p)
{
	if (p->depot.told)
		mm_depot_each_out(&p->depot, tell_free, p);
}

void mm_told_end(struct mm_pool *p)
{
	if (p->depot.told)
		mm_sink->pool_end(p->depot.told);
}

/* --- the general heap -------------------------------------------------------------------------- */

void mm_told_heap(struct mm_manager *m, struct mm_heap *h)
{
	if (!mm_sink)
		return;
	m->told = mm_sink->pool(0, "general heap", NULL, 0, 0, 0);
	mm_heap_tell(h, m->told, 0);
}

void mm_told_block(struct mm_manager *m, const void *block, size_t size, uint32_t category)
{
	mm_sink->alloc(m->told, (uintptr_t)block, size, category_said(m, category));
}

void mm_told_block_end(struct mm_manager *m, uint64_t block)
{
	mm_sink->free(m->told, block);
}

static int tell_block_end(void *arg, const struct mm_heap_block *b)
{
	if (__atomic_load_n((uint64_t *)b->note, __ATOMIC_RELAXED)) /* live: general.c */
		mm_sink->free(*(uint32_t *)arg, b->addr);
	return 0;
}

static void tell_slab_end(void *arg, const struct mm_slab_view *v)
{
	mm_sink->slab_end(*(uint32_t *)arg, v->addr, v->bytes, v->blocks);
}

static void tell_heap_end(struct mm_heap *h, uint32_t told)
{
	if (!told)
		return;
	mm_heap_each_block(h, tell_block_end, &told);
	mm_heap_slabs(h, tell_slab_end, &told);
	mm_sink->pool_end(told);
}

void mm_told_heap_end(struct mm_manager *m)
{
	tell_heap_end(m->heap, m->told);
}

/* --- movable blocks ------------------------------------------------------------------------------ */

void mm_told_movables(struct mm_manager *m, struct mm_heap *h)
{
	if (!mm_sink)
		return;
	m->movables.told = mm_sink->pool(0, MOVABLES, NULL, 0, 0, 0);
	mm_heap_tell(h, m->movables.told, 0);
}

void mm_told_movable(struct mm_manager *m, uint64_t block, size_t size, uint32_t category)
{
	mm_sink->alloc(m->movables.told, block, size, category_said(m, category));
}

void mm_told_movable_end(struct mm_manager *m, uint64_t block)
{
	mm_sink->free(m->movables.told, block);
}

void mm_told_movables_end(struct mm_manager *m)
{
	tell_heap_end(m->movables.heap, m->movables.told);
}

/* --- forks ------------------------------------------------------------------------------------- */

static void pool_again(struct mm_pool *p)
{
	struct mm_pool_stats s;

	mm_pool_stats(p, &s);
	mm_sink->pool(p->depot.told, p->name, category_said(p->manager, p->category),
		      p->depot.block_bytes, s.allocated, MM_SINK_AGAIN);
	mm_depot_tell(&p->depot);
}

static void movables_again(struct mm_manager *m)
{
	struct mm_movables_stats s;

	mm_movables_stats(m, &s);
	mm_sink->pool(m->movables.told, MOVABLES, NULL, 0, s.live_count, MM_SINK_AGAIN);
	mm_heap_tell(m->movables.heap, m->movables.told, 1);
}

static void heap_again(struct mm_manager *m)
{
	struct mm_movables_stats s;
	struct mm_totals t;

	mm_totals(m, &t);
	mm_movables_stats(m, &s);
	mm_sink->pool(m->told, "general heap", NULL, 0,
		      t.live_count - s.live_count - m->foreign.count, MM_SINK_AGAIN);
	mm_heap_tell(m->heap, m->told, 1);
}

/* To the recorder a forked child is a process with no pools. */
void mm_told_forked(struct mm_manager *m)
{
	for (struct mm_pool *p = m->pools; p; p = p->next)
		if (p->depot.told)
			pool_again(p);
	if (m->told)
		heap_again(m);
	if (m->movables.told)
		movables_again(m);
	if (mm_sink)
		mm_voxel_pools_forked(m);
}
