/* pools.c: the public pools (mm.h): a depot, a name, and the way through the front. */
#include <string.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "manager/front.h"
#include "manager/general.h"
#include "manager/manager.h"

_Static_assert((int)MM_POOLS == (int)MM_CACHE_DEPOTS, "a pool has a place in every context");

enum { CACHED_BLOCK_MOST = 64 * 1024, MINING_BATCH = 8, ROW_BLOCK_MOST = 1024 };

/* From how many bytes of slabs on their pages are made ready, and huge ones asked for: at
 * most a part of what the pool has anyway. And the shortest row of free blocks (alloc/depot.h) that
 * new ones are put into: much of a stream, the children of a node. */
static const struct { uint64_t ready_from, huge_from; uint32_t row; } growth[MM_ACCESS_KINDS] = {
	[MM_ACCESS_GENERAL] = { MM_DEPOT_READY_FROM, UINT64_MAX, 0 },
	[MM_ACCESS_SEQUENTIAL] = { 0, UINT64_MAX, 64 },
	[MM_ACCESS_RANDOM] = { MM_DEPOT_READY_FROM, 1 << 20, 0 },
	[MM_ACCESS_MINING] = { MM_DEPOT_READY_FROM, UINT64_MAX, 0 },
	[MM_ACCESS_SDF_OPERATION] = { 0, 1 << 20, 0 },
	[MM_ACCESS_OCTREE_TRAVERSAL] = { MM_DEPOT_READY_FROM, 1 << 20, 8 },
};

/* --- coming and going ------------------------------------------------------------------ */

static struct mm_manager *standing_for(struct mm_manager *m)
{
	return m ? m : mm_manager_default();
}

static struct mm_pool *find(const struct mm_manager *m, const char *name)
{
	struct mm_pool *p = m->pools;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	return p;
}

static int charge_slab(void *arg, int64_t bytes)
{
	struct mm_pool *p = arg;
	int err = mm_manager_charge(p->manager, p->category, bytes);

	if (err) {
		p->refused = 1;
		return err;
	}
	p->slab_bytes += (uint64_t)bytes;
	if (p->slab_bytes > p->peak_bytes)
		p->peak_bytes = p->slab_bytes;
	return MM_OK;
}

int mm_pool_set_category(struct mm_pool *p, uint32_t category)
{
	if (!mm_category_name(p->manager, category))
		return MM_EINVAL;
	if (mm_seal_check_pool(p, "mm_pool_set_category"))
		return MM_EPERM;
	mm_lock_take(&p->depot.lock);
	int err = p->depot.slab_count ? MM_EPERM : MM_OK;
	if (!err)
		p->category = category;
	mm_lock_give(&p->depot.lock);
	if (!err)
		mm_told_category(p);
	return err;
}

static int furnish(struct mm_pool *p, struct mm_manager *m, const char *name,
		   uint32_t block_bytes, enum mm_access access)
{
	uint32_t number;
	int err = mm_front_number(&number);

	if (err)
		return err;
	mm_depot_init(&p->depot, &m->ground, number, block_bytes);
	mm_lock_is(&p->depot.lock, MM_RANK_POOL);
	p->depot.ready_from = growth[access].ready_from;
	p->depot.huge_from = growth[access].huge_from;
	p->depot.batch = mm_depot_batch(block_bytes, access == MM_ACCESS_MINING ? MINING_BATCH
										 : MM_DEPOT_BATCH);
	p->depot.row = block_bytes <= ROW_BLOCK_MOST ? growth[access].row : 0;
	p->depot.gate = (struct mm_gate){ charge_slab, p };
	p->manager = m;
	p->category = MM_CATEGORY_GENERAL;
	strcpy(p->name, name);
	return MM_OK;
}

int mm_pool_create(struct mm_manager *m, const char *name, size_t block_bytes,
		   uint64_t block_count, enum mm_access access, int allow_growth,
		   struct mm_pool **ret)
{
	struct mm_pool *p = NULL;
	int err = MM_ENOMEM;

	if (!name || !*name || strlen(name) >= MM_POOL_NAME_BYTES || block_bytes == 0 ||
	    block_bytes > MM_POOL_BLOCK_BYTES_MOST || (unsigned)access >= MM_ACCESS_KINDS ||
	    (!allow_growth && !block_count))
		return MM_EINVAL;
	if (!(m = standing_for(m)))
		return MM_ENOMEM;
	block_bytes = (block_bytes + 7) & ~(size_t)7;
	mm_lock_take(&m->lock);
	if (find(m, name))
		err = MM_EEXIST;
	else if (mm_manager_is_full(m))
		err = MM_ELIMIT;
	else if ((p = mm_meta_borrow(&m->meta, sizeof *p)) != NULL)
		err = furnish(p, m, name, (uint32_t)block_bytes, access);
	if (!err) {
		p->direct = !allow_growth || block_bytes > CACHED_BLOCK_MOST;
		p->depot.row = p->direct ? 0 : p->depot.row;
		p->depot.stocks = allow_growth && !p->depot.row && access != MM_ACCESS_MINING;
		p->seat = p->depot.index;
		mm_told_begin(p);
		p->depot.most = allow_growth ? UINT64_MAX : block_count;
		p->next = m->pools;
		m->pools = p;
		*ret = p;
	}
	mm_lock_give(&m->lock);
	if (err)
		mm_meta_return(&m->meta, p, sizeof *p);
	return err;
}

void mm_pool_destroy(struct mm_pool *p)
{
	if (p && mm_seal_check_pool(p, "mm_pool_destroy") == MM_OK)
		mm_pool_end(p);
}

void mm_pool_end(struct mm_pool *p)
{
	struct mm_manager *m = p->manager;
	struct mm_pool **at;

	mm_front_drop(p->depot.index, 0);
	mm_told_clear(p);
	mm_depot_clear(&p->depot);
	mm_told_end(p);
	mm_lock_take(&m->lock);
	for (at = &m->pools; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	mm_lock_give(&m->lock);
	mm_front_drop(p->depot.index, 1);
	mm_meta_return(&m->meta, p, sizeof *p);
}

struct mm_pool *mm_pool_get(struct mm_manager *m, const char *name)
{
	struct mm_pool *p;

	if (!name || !(m = standing_for(m)))
		return NULL;
	mm_lock_take(&m->lock);
	p = find(m, name);
	mm_lock_give(&m->lock);
	return p;
}

/* --- blocks ------------------------------------------------------------------------------ */

static void *alloc_direct(struct mm_pool *p)
{
	uint64_t addr;

	if (mm_depot_take(&p->depot, 1, 0, NULL, &addr) == 0)
		return NULL;
	atomic_fetch_add_explicit(&p->served, 1, memory_order_relaxed);
	return (void *)(uintptr_t)addr;
}

/* A thread's first call, an empty magazine, or a pool without magazines. */
static void *alloc_anew(struct mm_pool *p)
{
	struct mm_context *c = p->direct ? NULL : mm_front_context();
	uint64_t addr;

	mm_general_ready(p->manager);
	addr = c ? mm_cache_refill(c, &p->depot) : 0;
	if (!c)
		return alloc_direct(p);
	if (addr && c->seat[p->depot.index].floor)
		mm_cache_count_served(&c->seat[p->depot.index]);
	else if (addr)
		atomic_fetch_add_explicit(&p->served, 1, memory_order_relaxed);
	return (void *)(uintptr_t)addr;
}

static __attribute__((noinline)) void *alloc_slowly(struct mm_pool *p)
{
	return p->depot.told ? mm_told_alloc(p) : alloc_anew(p);
}

void *mm_pool_alloc_cached(struct mm_pool *p)
{
	struct mm_context *c = mm_front_mine;
	struct mm_cache_seat *s = c ? &c->seat[p->depot.index] : NULL;
	void *block;

	if (!s || s->top == s->floor)
		return alloc_anew(p);
	block = (void *)(uintptr_t)mm_cache_pop(s);
	mm_cache_count_served(s);
	return block;
}

void *mm_pool_alloc(struct mm_pool *p)
{
	struct mm_context *c = mm_front_mine;
	struct mm_cache_seat *s = c ? &c->seat[p->seat] : NULL;
	void *block;

	if (__builtin_expect(!s || s->top == s->floor, 0))
		return alloc_slowly(p);
	block = (void *)(uintptr_t)mm_cache_pop(s);
	mm_cache_count_served(s);
	return block;
}

static int at_limit(struct mm_pool *p)
{
	struct mm_depot_sums s;

	mm_depot_sums(&p->depot, &s);
	return p->refused || s.blocks - s.free >= p->depot.most;
}

int mm_pool_try(struct mm_pool *p, void **ret)
{
	void *block;

	p->refused = 0;
	block = mm_pool_alloc(p);
	if (!block)
		return at_limit(p) ? MM_ELIMIT : MM_ENOMEM;
	*ret = block;
	return MM_OK;
}

static void free_anew(struct mm_pool *p, uint64_t addr)
{
	struct mm_context *c = p->direct ? NULL : mm_front_context();

	if (c)
		mm_cache_spill(c, &p->depot, addr);
	else
		mm_depot_give(&p->depot, &addr, 1);
}

static __attribute__((noinline)) void free_slowly(struct mm_pool *p, uint64_t addr)
{
	if (p->depot.told)
		mm_told_free(p, (void *)(uintptr_t)addr);
	else
		free_anew(p, addr);
}

void mm_pool_free_cached(struct mm_pool *p, uint64_t addr)
{
	struct mm_context *c = mm_front_mine;
	struct mm_cache_seat *s = c ? &c->seat[p->depot.index] : NULL;

	if (!s || s->top == s->ceiling)
		free_anew(p, addr);
	else
		mm_cache_push(s, addr);
}

void mm_pool_free(struct mm_pool *p, void *block)
{
	struct mm_context *c = mm_front_mine;
	struct mm_cache_seat *s = c ? &c->seat[p->seat] : NULL;

	if (__builtin_expect(!block, 0))
		return;
	if (__builtin_expect(!s || s->top == s->ceiling, 0)) {
		free_slowly(p, (uintptr_t)block);
		return;
	}
	mm_cache_push(s, (uintptr_t)block);
}

/* --- looking, and all at once --------------------------------------------------------------- */

int mm_pool_owns(const struct mm_pool *p, const void *address)
{
	uint32_t number = mm_vspace_owner(&p->manager->vspace, (uintptr_t)address);

	return number && mm_slab_at(&p->manager->slabs, number)->pool == p->depot.index + 1;
}

void mm_pool_stats(struct mm_pool *p, struct mm_pool_stats *ret)
{
	struct mm_depot_sums s;
	uint64_t cached, served, out;

	mm_front_sums(p->depot.index, &cached, &served);
	mm_depot_sums(&p->depot, &s);
	out = s.blocks - s.free;
	memset(ret, 0, sizeof *ret);
	strcpy(ret->name, p->name);
	ret->block_bytes = p->depot.block_bytes;
	ret->blocks = s.blocks;
	ret->cached = cached < out ? cached : out;
	ret->allocated = out - ret->cached;
	ret->free = ret->blocks - ret->allocated;
	ret->peak_bytes = p->peak_bytes;
	ret->requests = served + p->served + p->depot.served;
	if (s.slab_bytes)
		ret->fragmentation = 100.0 * (1.0 - (double)(ret->allocated * ret->block_bytes) /
						    (double)s.slab_bytes);
}

int mm_pool_warm_up(struct mm_pool *p, uint64_t blocks)
{
	struct mm_depot_sums s;

	mm_general_ready(p->manager);
	mm_depot_sums(&p->depot, &s);
	if (blocks > p->depot.most - (s.blocks - s.free))
		blocks = p->depot.most - (s.blocks - s.free);
	return mm_depot_warm(&p->depot, blocks);
}

int mm_pool_grow(struct mm_pool *p, uint64_t blocks, int force)
{
	struct mm_depot_sums s;
	uint64_t takes;
	int err;

	mm_general_ready(p->manager);
	mm_depot_sums(&p->depot, &s);
	if (__builtin_add_overflow(s.blocks - s.free, blocks, &takes))
		return force ? MM_ENOMEM : MM_ELIMIT;
	if (!force && takes > p->depot.most)
		return MM_ELIMIT;
	if ((err = mm_depot_warm(&p->depot, blocks)))
		return err;
	mm_lock_take(&p->depot.lock); /* there is room for them: only now may they be */
	if (takes > p->depot.most)
		p->depot.most = takes;
	mm_lock_give(&p->depot.lock);
	return MM_OK;
}

/* Pages that were kept go, but for so many bytes: how many. */
static uint64_t contract(struct mm_manager *m, uint64_t bytes)
{
	uint64_t used, before, after;

	mm_vspace_sums(&m->vspace, &used, &before);
	mm_vspace_purge(&m->vspace, bytes);
	mm_vspace_sums(&m->vspace, &used, &after);
	mm_lock_take(&m->lock);
	for (struct mm_pool *each = m->pools; each; each = each->next)
		mm_depot_purged(&each->depot);
	mm_lock_give(&m->lock);
	return before > after ? before - after : 0;
}

uint64_t mm_pool_shrink_to(struct mm_pool *p, uint64_t blocks)
{
	if (mm_front_mine)
		mm_cache_drop(mm_front_mine, p->depot.index);
	return contract(p->manager, blocks > UINT64_MAX / p->depot.block_bytes
					    ? UINT64_MAX : blocks * p->depot.block_bytes);
}

void mm_pool_shrink(struct mm_pool *p)
{
	mm_pool_shrink_to(p, 0);
}

int mm_retain_set(struct mm_manager *m, uint64_t bytes)
{
	if (!(m = standing_for(m)))
		return MM_ENOMEM;
	if (mm_seal_check(m, "mm_retain_set"))
		return MM_EPERM;
	mm_lock_take(&m->vspace.lock);
	m->vspace.o.retain_bytes = bytes;
	mm_lock_give(&m->vspace.lock);
	contract(m, bytes);
	mm_audit_add(m, &(struct mm_audit_record){ .kind = MM_AUDIT_POLICY, .bytes = bytes,
						   .call = "mm_retain_set" });
	return MM_OK;
}

void mm_pool_clear(struct mm_pool *p)
{
	if (mm_seal_check_pool(p, "mm_pool_clear"))
		return;
	mm_front_drop(p->depot.index, 0);
	mm_told_clear(p);
	mm_depot_clear(&p->depot);
}
