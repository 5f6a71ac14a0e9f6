/* known.c: what is known of blocks, and of all of them together (mm_alloc.h). */
#include <string.h>

#include "alloc/heap_notes.h"
#include "core/error.h"
#include "manager/general.h"

#define MOST (UINT64_C(1) << 63)

/* --- one block ---------------------------------------------------------------------------- */

static struct mm_info described(struct mm_manager *m, uint64_t start, uint64_t size,
				uint64_t note)
{
	const struct mm_said *said = mm_general_said(m, note);

	return (struct mm_info){ .start = (void *)(uintptr_t)start, .size = size,
		.category = said->category,
		.category_name = m->budget.purse[said->category].name, .name = said->name,
		.priority = (enum mm_priority)said->priority, .site = (void *)said->site,
		.file = said->file, .line = said->line,
		.age_ms = mm_general_age(m, note), .tag = said->tag,
		.object = (void *)said->object };
}

void mm_known_info(struct mm_manager *m, uint64_t start, uint64_t size, uint64_t note,
		   struct mm_info *ret)
{
	*ret = described(m, start, size, note);
}

/* The note of a block, and the size that belongs to it; 0 = it is not live. Others may free it
 * meanwhile and allocate in its place: the size was written before the note. */
static uint64_t steady_note(struct mm_heap *h, struct mm_heap_block *b)
{
	uint64_t note, after;

	do {
		note = __atomic_load_n((uint64_t *)b->note, __ATOMIC_ACQUIRE);
		if (!note || mm_heap_block_at(h, b->addr, b))
			return 0;
		atomic_thread_fence(memory_order_acquire);
		after = __atomic_load_n((uint64_t *)b->note, __ATOMIC_RELAXED);
	} while (after != note);
	return note;
}

static int in_heap(struct mm_manager *m, struct mm_heap *h, uint64_t addr, struct mm_info *ret)
{
	struct mm_heap_block b;
	uint64_t note;

	if (!h || mm_heap_block_at(h, addr, &b) || !(note = steady_note(h, &b)))
		return 0;
	*ret = described(m, b.addr, b.requested, note);
	return 1;
}

static int in_pool(struct mm_manager *m, uint64_t addr, struct mm_info *ret)
{
	uint32_t number = mm_vspace_owner(&m->vspace, addr);
	const struct mm_slab *s = number ? mm_slab_at(&m->slabs, number) : NULL;
	struct mm_pool *p;
	uint32_t n;

	if (!s || !s->pool)
		return 0;
	mm_lock_take(&m->lock);
	for (p = m->pools; p && p->depot.index + 1 != s->pool; p = p->next)
		;
	mm_lock_give(&m->lock);
	if (!p || (n = mm_depot_block_of(&p->depot, s, addr)) >= s->blocks)
		return 0;
	*ret = (struct mm_info){ .start = (void *)(uintptr_t)(s->addr +
						(uint64_t)n * p->depot.block_bytes),
		.size = p->depot.block_bytes, .category = p->category, .name = p->name,
		.category_name = m->budget.purse[p->category].name, .is_pooled = 1 };
	return 1;
}

static int is_foreign(struct mm_manager *m, uint64_t addr, struct mm_info *ret)
{
	struct mm_alien a;

	if (mm_foreign_find(&m->foreign, addr, &a))
		return 0;
	*ret = described(m, a.start, a.size, a.note);
	ret->is_registered = 1;
	return 1;
}

int mm_info(struct mm_manager *m, const void *address, struct mm_info *ret)
{
	uint64_t addr = (uintptr_t)address;

	m = mm_general_of(m);
	if (!m || !(in_heap(m, atomic_load(&m->heap), addr, ret) ||
		    in_heap(m, atomic_load(&m->movables.heap), addr, ret) ||
		    in_pool(m, addr, ret) || is_foreign(m, addr, ret)))
		return MM_ENOENT;
	return MM_OK;
}

/* --- all ------------------------------------------------------------------------------------ */

struct each {
	struct mm_manager *m;
	struct mm_heap *h;
	int (*fn)(void *ctx, const struct mm_info *info);
	void *ctx;
	uint64_t older, count;
};

static int one(struct each *e, const struct mm_info *info)
{
	if (info->age_ms < e->older)
		return 0;
	e->count++;
	return e->fn ? e->fn(e->ctx, info) : 0;
}

static int each_block(void *arg, const struct mm_heap_block *at)
{
	struct each *e = arg;
	struct mm_heap_block b = *at;
	uint64_t note = steady_note(e->h, &b);
	struct mm_info info;

	if (!note)
		return 0;
	info = described(e->m, b.addr, b.requested, note);
	return one(e, &info);
}

static int each_alien(void *arg, const struct mm_alien *a)
{
	struct each *e = arg;
	struct mm_info info = described(e->m, a->start, a->size, a->note);

	info.is_registered = 1;
	return one(e, &info);
}

static int each_of(struct each *e, struct mm_heap *h)
{
	e->h = h;
	return h ? mm_heap_each_block(h, each_block, e) : 0;
}

/* No movable block moves meanwhile, or one might be met twice. */
static int each(struct each *e)
{
	struct mm_movables *v = &e->m->movables;
	int stop = each_of(e, atomic_load(&e->m->heap));

	mm_lock_take(&v->pass_lock);
	if (!stop)
		stop = each_of(e, atomic_load(&v->heap));
	mm_lock_give(&v->pass_lock);
	return stop ? stop : mm_foreign_each(&e->m->foreign, each_alien, e);
}

int mm_each(struct mm_manager *m, int (*fn)(void *ctx, const struct mm_info *info), void *ctx)
{
	struct each e = { .m = mm_general_of(m), .fn = fn, .ctx = ctx };

	return e.m ? each(&e) : 0;
}

uint64_t mm_leaks(struct mm_manager *m, uint64_t older_than_ms,
		  int (*fn)(void *ctx, const struct mm_info *info), void *ctx)
{
	struct each e = { .m = mm_general_of(m), .fn = fn, .ctx = ctx, .older = older_than_ms };

	if (e.m)
		each(&e);
	return e.count;
}

struct tagged { uint64_t count, bytes; uint32_t tag; };

static int add_tagged(void *ctx, const struct mm_info *info)
{
	struct tagged *t = ctx;

	if (info->tag == t->tag) {
		t->count++;
		t->bytes += info->size;
	}
	return 0;
}

uint64_t mm_tagged(struct mm_manager *m, uint32_t tag, uint64_t *ret_bytes)
{
	struct tagged t = { .tag = tag };

	mm_each(m, add_tagged, &t);
	if (ret_bytes)
		*ret_bytes = t.bytes;
	return t.count;
}

/* --- sums and limits --------------------------------------------------------------------------- */

void mm_totals(struct mm_manager *m, struct mm_totals *ret)
{
	struct mm_account a = { 0 }, b = { 0 };
	uint64_t used, retained;

	memset(ret, 0, sizeof *ret);
	if (!(m = mm_general_of(m)))
		return;
	if (atomic_load(&m->heap))
		mm_heap_account(m->heap, &a);
	if (atomic_load(&m->movables.heap))
		mm_heap_account(m->movables.heap, &b);
	mm_vspace_sums(&m->vspace, &used, &retained);
	uint64_t now = m->budget.used, peak = m->budget.peak; /* others may be about to raise it */
	*ret = (struct mm_totals){ m->budget.allocated, m->budget.freed, now,
				   peak > now ? peak : now, m->budget.live, 0, 0, 0 };
	for (uint32_t i = 0; i < m->budget.categories; i++)
		ret->alloc_count += m->budget.purse[i].allocs;
	ret->metadata_bytes = a.metadata + b.metadata + mm_meta_committed(&m->meta);
	ret->committed_bytes = a.committed + b.committed + used + retained +
			        mm_meta_committed(&m->meta);
	mm_voxel_pools_sums(m, &ret->committed_bytes, &ret->metadata_bytes);
}

int mm_limits_set(struct mm_manager *m, const struct mm_limits *l)
{
	m = mm_general_of(m);
	if (!m || l->reserve_bytes > l->bytes || l->bytes > MOST)
		return MM_EINVAL;
	if (mm_seal_check(m, "mm_limits_set"))
		return MM_EPERM;
	mm_audit_add(m, &(struct mm_audit_record){ .kind = MM_AUDIT_LIMITS, .bytes = l->bytes,
						   .call = "mm_limits_set" });
	mm_lock_take(&m->budget.lock); /* of two that are set at once, one */
	m->budget.limit = l->bytes;
	m->budget.reserve = l->reserve_bytes;
	m->budget.live_limit = l->live_count;
	m->pools_most = l->pools;
	atomic_store(&m->threads_most, l->threads);
	mm_lock_give(&m->budget.lock);
	return MM_OK;
}
