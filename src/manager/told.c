/* told.c: what a recorder of this process learns of its pools (core/sink.h).
 *
 * Promise: costs nothing where nobody listens. A pool that is told of has its blocks from the
 * same magazines as any other, so its blocks lie where they otherwise would; but a thread looks
 * for them in a seat that is always empty, and so comes by here.
 */
#include <dlfcn.h>

#include "core/sink.h"
#include "manager/front.h"
#include "manager/manager.h"

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

void mm_told_begin(struct mm_pool *p)
{
	if (!mm_sink)
		return;
	p->depot.told = mm_sink->pool(0, p->name, p->depot.block_bytes, 0, 0);
	if (p->depot.told)
		p->seat = MM_FRONT_EMPTY;
}

void *mm_told_alloc(struct mm_pool *p)
{
	void *block = mm_pool_alloc_cached(p);

	if (block)
		mm_sink->alloc(p->depot.told, block, p->depot.block_bytes);
	return block;
}

void mm_told_free(struct mm_pool *p, void *block)
{
	mm_sink->free(p->depot.told, block);
	mm_pool_free_cached(p, (uintptr_t)block);
}

static void tell_free(void *pool, uint64_t addr)
{
	const struct mm_pool *p = pool;

	mm_sink->free(p->depot.told, (const void *)(uintptr_t)addr);
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

/* To the recorder a forked child is a process with no pools. */
void mm_told_forked(struct mm_manager *m)
{
	for (struct mm_pool *p = m->pools; p; p = p->next) {
		struct mm_pool_stats s;
		if (!p->depot.told)
			continue;
		mm_pool_stats(p, &s);
		mm_sink->pool(p->depot.told, p->name, p->depot.block_bytes, s.allocated,
			      MM_SINK_AGAIN);
		mm_depot_tell(&p->depot);
	}
}
