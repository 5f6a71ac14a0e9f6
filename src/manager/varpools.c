/* varpools.c: pools of many sizes, and of ready-made ones (mm_pools.h): each size class is a
 * pool, found from a block by the slab that it lies in.
 */
#include <string.h>

#include "core/error.h"
#include "manager/general.h"

enum { SMALLEST = 16, CLASSES = 23 /* 16, 32, 48, 64, 96 ... 24576, 32768 */ };

struct mm_varpool {
	struct mm_manager *manager;
	struct mm_varpool *next; /* of the manager */
	uint32_t category;
	enum mm_access access;
	_Atomic(struct mm_pool *) pool[CLASSES]; /* NULL before the first block of a class */
	char name[MM_VARPOOL_NAME_BYTES];
};

/* --- classes --------------------------------------------------------------------------------- */

/* 16 is class 0; 2^n and 1.5 * 2^n from 32 on are 1 and 2, 3 and 4 ... */
static uint32_t class_bytes(uint32_t class)
{
	if (class == 0)
		return SMALLEST;
	return class % 2 ? 32u << (class - 1) / 2 : 48u << (class - 2) / 2;
}

static uint32_t class_for(size_t size)
{
	uint32_t bits;

	if (size <= SMALLEST)
		return 0;
	if (size <= 32)
		return 1;
	bits = 64 - (uint32_t)__builtin_clzll(size - 1); /* size <= 2^bits */
	return 2 * (bits - 5) + (size > (size_t)3 << (bits - 2));
}

/* NAME and a number behind it. */
static void write_name(char *to, const char *name, char between, uint32_t n)
{
	char digits[12];
	int at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	size_t length = strlen(name);
	memcpy(to, name, length);
	to[length] = between;
	strcpy(to + length + 1, digits + at);
}

/* --- ready-made sizes -------------------------------------------------------------------------- */

struct mm_pool *mm_pool_for_size(struct mm_manager *m, size_t size)
{
	uint32_t bytes = MM_POOL_SIZE_LEAST;
	char name[MM_POOL_NAME_BYTES];
	struct mm_pool *p;

	if (!size || size > MM_POOL_SIZE_MOST)
		return NULL;
	while (bytes < size)
		bytes *= 2;
	write_name(name, "size", '-', bytes);
	p = mm_pool_get(m, name);
	if (!p && mm_pool_create(m, name, bytes, 0, MM_ACCESS_GENERAL, 1, &p))
		p = mm_pool_get(m, name); /* another thread's */
	/* A program may have a pool of that name, of blocks of its own size. */
	return p && p->depot.block_bytes >= bytes ? p : NULL;
}

/* --- many sizes ------------------------------------------------------------------------------ */

static int make_class(struct mm_varpool *v, uint32_t class, struct mm_pool **ret)
{
	char name[MM_POOL_NAME_BYTES];
	struct mm_pool *p;

	write_name(name, v->name, ':', class_bytes(class));
	int err = mm_pool_create(v->manager, name, class_bytes(class), 0, v->access, 1, &p);
	if (err)
		return err;
	mm_pool_set_category(p, v->category);
	*ret = p;
	return MM_OK;
}

/* Two threads may come at once: the pool's record is there when its name is. */
static struct mm_pool *class_pool(struct mm_varpool *v, uint32_t class)
{
	struct mm_pool *p = atomic_load_explicit(&v->pool[class], memory_order_acquire);

	if (p)
		return p;
	mm_lock_take(&v->manager->varpool_lock);
	p = atomic_load(&v->pool[class]);
	if (!p && make_class(v, class, &p) == MM_OK)
		atomic_store_explicit(&v->pool[class], p, memory_order_release);
	mm_lock_give(&v->manager->varpool_lock);
	return p;
}

int mm_varpool_create(struct mm_manager *m, const char *name, uint32_t category, int access,
		      struct mm_varpool **ret)
{
	struct mm_varpool *v;
	struct mm_pool *first;
	int err;

	if (!name || !*name || strlen(name) >= MM_VARPOOL_NAME_BYTES ||
	    !mm_category_name(m, category) || (unsigned)access >= MM_ACCESS_KINDS)
		return MM_EINVAL;
	if (!(m = mm_general_of(m)) || !(v = mm_meta_borrow(&m->meta, sizeof *v)))
		return MM_ENOMEM;
	v->manager = m;
	v->category = category;
	v->access = (enum mm_access)access;
	strcpy(v->name, name);
	if ((err = make_class(v, 0, &first))) {
		mm_meta_return(&m->meta, v, sizeof *v);
		return err;
	}
	atomic_store(&v->pool[0], first);
	mm_lock_take(&m->varpool_lock);
	v->next = m->varpools;
	m->varpools = v;
	mm_lock_give(&m->varpool_lock);
	*ret = v;
	return MM_OK;
}

struct mm_varpool *mm_varpool_get(struct mm_manager *m, const char *name)
{
	struct mm_varpool *v;

	if (!name || !(m = mm_general_of(m)))
		return NULL;
	mm_lock_take(&m->varpool_lock);
	for (v = m->varpools; v && strcmp(v->name, name) != 0; v = v->next)
		;
	mm_lock_give(&m->varpool_lock);
	return v;
}

static void take_off(struct mm_varpool *v)
{
	struct mm_varpool **at = &v->manager->varpools;

	mm_lock_take(&v->manager->varpool_lock);
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	mm_lock_give(&v->manager->varpool_lock);
}

void mm_varpool_destroy(struct mm_varpool *v)
{
	if (!v)
		return;
	take_off(v);
	for (uint32_t i = 0; i < CLASSES; i++)
		if (atomic_load(&v->pool[i]))
			mm_pool_end(v->pool[i]); /* sealed or not: the whole goes */
	mm_meta_return(&v->manager->meta, v, sizeof *v);
}

void *mm_varpool_alloc(struct mm_varpool *v, size_t size)
{
	struct mm_pool *p = size <= MM_VARPOOL_BLOCK_MOST ? class_pool(v, class_for(size)) : NULL;

	return p ? mm_pool_alloc(p) : NULL;
}

/* NULL: it is in none of them. */
static struct mm_pool *pool_around(const struct mm_varpool *v, const void *block)
{
	uint32_t number = mm_vspace_owner(&v->manager->vspace, (uintptr_t)block);
	const struct mm_slab *s = number ? mm_slab_at(&v->manager->slabs, number) : NULL;

	for (uint32_t i = 0; s && i < CLASSES; i++) {
		struct mm_pool *p = atomic_load_explicit(&v->pool[i], memory_order_acquire);
		if (p && p->depot.index + 1 == s->pool)
			return p;
	}
	return NULL;
}

int mm_varpool_free(struct mm_varpool *v, void *block)
{
	struct mm_pool *p = block ? pool_around(v, block) : NULL;

	if (!block)
		return MM_OK;
	if (!p)
		return MM_EINVAL;
	mm_pool_free(p, block);
	return MM_OK;
}

size_t mm_varpool_usable(const struct mm_varpool *v, const void *block)
{
	const struct mm_pool *p = pool_around(v, block);

	return p ? p->depot.block_bytes : 0;
}

void mm_varpool_stats(struct mm_varpool *v, struct mm_varpool_stats *ret)
{
	struct mm_pool_stats s;
	struct mm_depot_sums d;

	memset(ret, 0, sizeof *ret);
	for (uint32_t i = 0; i < CLASSES; i++) {
		struct mm_pool *p = atomic_load(&v->pool[i]);
		if (!p)
			continue;
		mm_pool_stats(p, &s);
		mm_depot_sums(&p->depot, &d);
		ret->pools++;
		ret->allocated += s.allocated;
		ret->allocated_bytes += s.allocated * s.block_bytes;
		ret->blocks += s.blocks;
		ret->slab_bytes += d.slab_bytes;
		ret->cached += s.cached;
		ret->requests += s.requests;
	}
	if (ret->slab_bytes)
		ret->fragmentation = 100.0 * (1.0 - (double)ret->allocated_bytes /
						    (double)ret->slab_bytes);
}
