/* heap.c: the general heap by size classes (heap.h). */
#include "alloc/heap.h"

#include <string.h>
#include <sys/mman.h>

#include "alloc/fast.h"
#include "alloc/heap_parts.h"
#include "alloc/lock_order.h"
#include "core/error.h"

#define ADDRESSES (UINT64_C(64) << 30)

enum { OWNED_MOST = 1024 };
enum { RETAIN_BYTES = 1 << 20, RETAIN_SHARE = 8, REGRET_SHARE = 2 };

/* --- opening and closing -------------------------------------------------------------- */

static const char *const names[MM_STRATEGIES] = { "size-class", "first-fit", "best-fit",
	"numa-aware" };

const char *mm_strategy_name(enum mm_strategy s)
{
	return (unsigned)s < MM_STRATEGIES ? names[s] : NULL;
}

int mm_strategy_of(const char *name, enum mm_strategy *ret)
{
	for (int i = 0; i < MM_STRATEGIES; i++)
		if (strcmp(names[i], name) == 0) {
			*ret = (enum mm_strategy)i;
			return MM_OK;
		}
	return MM_EINVAL;
}

static int open_depots(struct mm_heap *h)
{
	int err = MM_OK;

	h->nodes = h->o.strategy == MM_STRATEGY_NUMA_AWARE && h->o.nodes ? h->o.nodes : 1;
	h->depots = h->nodes * MM_CLASSES;
	if (h->nodes > 1 && !(h->more = mm_meta_take(&h->meta, (h->depots - MM_CLASSES) *
							       sizeof *h->more)))
		return MM_ENOMEM;
	for (uint32_t i = 0; !err && i < h->depots; i++) {
		struct mm_depot *p = mm_heap_depot(h, i);
		err = mm_depot_init(p, &h->ground, i, mm_class_bytes(i % MM_CLASSES));
		p->seat = i % MM_CLASSES;
		p->node = i / MM_CLASSES;
		p->owned = p->block_bytes <= OWNED_MOST;
	}
	return err;
}

static int begin(struct mm_heap *h)
{
	struct mm_vspace_options v = { .bytes = h->o.bytes ? h->o.bytes : ADDRESSES,
		.page_bytes = h->o.page_bytes ? h->o.page_bytes : 4096,
		.simulated = h->o.simulated,
		.retain_bytes = h->o.retain_bytes == MM_HEAP_DEFAULT ? RETAIN_BYTES
								     : h->o.retain_bytes,
		.retain_share = h->o.retain_share ? h->o.retain_share : RETAIN_SHARE,
		.regret_share = h->o.retain_bytes == MM_HEAP_DEFAULT ? REGRET_SHARE : 0 };
	int err = mm_vspace_init(&h->vspace, &v, &h->meta);

	if (err || (err = mm_slabs_init(&h->slabs, &h->meta, h->vspace.slices)))
		return err;
	if (h->o.check)
		mm_guard_init(h);
	h->ground = (struct mm_ground){ .meta = &h->meta, .vspace = &h->vspace,
		.slabs = &h->slabs, .track = h->o.track, .note_bytes = h->o.note_bytes,
		.place = h->o.place, .place_arg = h->o.place_arg };
	h->content.simulated = h->o.simulated;
	mm_lock_is(&h->contexts_lock, MM_RANK_CONTEXTS);
	mm_lock_is(&h->guard.lock, MM_RANK_GUARD);
	h->number_taken[0] = 1; /* 0 is nobody's */
	err = open_depots(h);
	if (!err && mm_heap_ordered(h))
		err = mm_ordered_init(&h->ordered, &h->ground,
				      h->o.strategy == MM_STRATEGY_BEST_FIT);
	return err;
}

int mm_heap_open(struct mm_heap **ret, const struct mm_heap_options *o)
{
	struct mm_heap *h;

	if ((unsigned)o->strategy >= MM_STRATEGIES || (unsigned)o->check >= MM_CHECKS)
		return MM_EINVAL;
	if (o->note_bytes > 64 || o->note_bytes % 8 || o->nodes > MM_HEAP_NODES)
		return MM_EINVAL;
	if (o->check && o->strategy != MM_STRATEGY_SIZE_CLASS)
		return MM_EUNSUP;
	if (o->note_bytes && o->strategy != MM_STRATEGY_SIZE_CLASS &&
	    o->strategy != MM_STRATEGY_NUMA_AWARE)
		return MM_EUNSUP;
	h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return MM_ENOMEM;
	h->o = *o;
	int err = begin(h);
	if (err) {
		mm_heap_close(h);
		return err;
	}
	*ret = h;
	return MM_OK;
}

void mm_heap_close(struct mm_heap *h)
{
	if (!h)
		return;
	mm_vspace_deinit(&h->vspace);
	mm_meta_deinit(&h->meta);
	munmap(h, sizeof *h);
}

/* Contexts have the lowest numbers, so that one who comes takes over the slabs of one who
 * has gone. Beyond 2^16: none. */
static uint32_t free_number(const struct mm_heap *h)
{
	for (uint32_t w = 0; w < MM_HEAP_NUMBERS / 64; w++)
		if (~h->number_taken[w])
			return w * 64 + (uint32_t)__builtin_ctzll(~h->number_taken[w]);
	return 0;
}

static void link_context(struct mm_heap *h, struct mm_context *c)
{
	c->number = free_number(h);
	h->number_taken[c->number / 64] |= UINT64_C(1) << c->number % 64;
	if ((c->next = h->contexts) != NULL)
		c->next->prev = c;
	h->contexts = c;
}

static void unlink_context(struct mm_heap *h, struct mm_context *c)
{
	if (c->number)
		h->number_taken[c->number / 64] &= ~(UINT64_C(1) << c->number % 64);
	if (c->prev)
		c->prev->next = c->next;
	else
		h->contexts = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

/* fast.h: where nothing is to be noted of a block. checked.h: where all are checked. */
static void open_fast_way(const struct mm_heap *h, struct mm_context *c)
{
	if (h->o.check == MM_CHECK_ON && h->nodes == 1 && !mm_heap_ordered(h))
		c->checked_below = MM_CLASS_MOST + 1;
	if (h->o.track || mm_guard_all(h) || mm_heap_ordered(h))
		return;
	if (h->nodes == 1) { /* else a free looks for the block's home */
		c->base = h->vspace.base;
		c->bytes = h->vspace.bytes;
		c->owner = h->vspace.owner;
	}
	c->below = MM_CLASS_MOST + 1;
	c->table_below = MM_FAST_TABLE + 1;
	c->counting = h->o.check == MM_CHECK_SAMPLED;
}

int mm_heap_context(struct mm_heap *h, uint32_t node, struct mm_context **ret)
{
	struct mm_context *c = mm_meta_borrow(&h->meta, mm_cache_bytes(MM_CLASSES));

	if (!c)
		return MM_ENOMEM;
	c->node = node < h->nodes ? node : 0;
	c->first_depot = c->node * MM_CLASSES;
	c->seats = MM_CLASSES;
	open_fast_way(h, c);
	mm_lock_take(&h->contexts_lock);
	link_context(h, c);
	if (h->o.check)
		mm_guard_context(h, c);
	mm_lock_give(&h->contexts_lock);
	*ret = c;
	return MM_OK;
}

/* What a context counted stays. */
static void forget(struct mm_heap *h, const struct mm_context *c)
{
	h->live_gone += c->live;
	h->granted_gone += c->granted;
	h->requested_gone += c->requested;
	h->remote_gone[c->node] += c->remote;
}

void mm_heap_leave(struct mm_heap *h, struct mm_context *c)
{
	if (!c)
		return;
	mm_cache_deinit(c);
	mm_lock_take(&h->contexts_lock);
	unlink_context(h, c);
	forget(h, c);
	mm_lock_give(&h->contexts_lock);
	mm_meta_return(&h->meta, c, mm_cache_bytes(MM_CLASSES));
}

/* --- blocks ----------------------------------------------------------------------------- */

static int begins_block(const struct mm_depot *p, const struct mm_slab *s, uint64_t addr)
{
	uint32_t block = mm_depot_block_of(p, s, addr);

	return block < s->blocks && s->addr + (uint64_t)block * p->block_bytes == addr;
}

static void note_out(struct mm_context *c, const struct mm_depot *p, struct mm_slab *s,
		     uint64_t addr, uint64_t size)
{
	__atomic_store_n(&s->slack[mm_depot_block_of(p, s, addr)],
			 (uint16_t)(p->block_bytes - size), __ATOMIC_RELAXED);
	c->live++;
	c->granted += p->block_bytes;
	c->requested += (int64_t)size;
}

static void note_back(struct mm_context *c, const struct mm_depot *p, const struct mm_slab *s,
		      uint64_t addr)
{
	c->live--;
	c->granted -= p->block_bytes;
	c->requested -= p->block_bytes - s->slack[mm_depot_block_of(p, s, addr)];
}

static int alloc_class(struct mm_heap *h, struct mm_context *c, uint32_t n, uint64_t size,
		       uint64_t *ret_addr)
{
	struct mm_depot *p = mm_heap_depot(h, c->first_depot + n);
	uint64_t addr = mm_cache_take(c, p);

	if (!addr)
		return MM_ENOMEM;
	if (h->o.track)
		note_out(c, p, mm_heap_slab_at(h, addr), addr, size);
	*ret_addr = addr;
	return MM_OK;
}

static inline int block_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size,
			      uint64_t align, uint64_t *ret_addr)
{
	uint32_t n = mm_heap_class(size, align);

	if (mm_heap_ordered(h))
		return size <= MM_ORDERED_MOST && align <= MM_SLICE_BYTES
			? mm_ordered_take(&h->ordered, size, align, ret_addr) : MM_ELIMIT;
	return n < MM_CLASSES ? alloc_class(h, c, n, size, ret_addr) : MM_ELIMIT;
}

static inline int plain_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size,
			      uint64_t align, uint64_t *ret_addr)
{
	int err = block_alloc(h, c, size, align, ret_addr);

	return err == MM_ELIMIT ? mm_large_alloc(h, size, align, c->node, 0, ret_addr) : err;
}

int mm_heap_zalloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t *ret_addr)
{
	int err = __builtin_expect(mm_guard_wants(h, c), 0)
		? mm_guard_alloc(h, c, size, MM_HEAP_ALIGN, ret_addr)
		: block_alloc(h, c, size, MM_HEAP_ALIGN, ret_addr);

	if (err == MM_ELIMIT)
		return mm_large_alloc(h, size, MM_HEAP_ALIGN, c->node, 1, ret_addr);
	if (!err)
		mm_content_zero(&h->content, *ret_addr, size);
	return err;
}

int mm_plain_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		   uint64_t *ret_addr)
{
	return plain_alloc(h, c, size, align, ret_addr);
}

int mm_heap_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		  uint64_t *ret_addr)
{
	align = align < MM_HEAP_ALIGN ? MM_HEAP_ALIGN : align;
	if (align & (align - 1))
		return MM_EINVAL;
	if (__builtin_expect(mm_guard_wants(h, c), 0))
		return mm_guard_alloc(h, c, size, align, ret_addr);
	return plain_alloc(h, c, size, align, ret_addr);
}

static inline int plain_free(struct mm_heap *h, struct mm_context *c, uint64_t addr)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);
	struct mm_depot *p;

	if (!s)
		return MM_EINVAL;
	if (!s->pool)
		return s->guarded ? mm_run_free(h, c, s, addr) : mm_large_free(h, s, addr);
	if (s->pool == MM_SLAB_ORDERED)
		return mm_ordered_give(&h->ordered, addr);
	p = mm_heap_depot_of(h, s);
	if (!begins_block(p, s, addr))
		return MM_EINVAL;
	if (h->o.track)
		note_back(c, p, s, addr);
	mm_cache_take_back(c, p, s, addr);
	return MM_OK;
}

void mm_heap_soon(const struct mm_heap *h, uint64_t addr)
{
	const struct mm_slab *s;

	if (mm_heap_ordered(h)) {
		mm_ordered_soon(&h->ordered, addr);
	} else if ((s = mm_heap_slab_at(h, addr)) && s->slack) {
		__builtin_prefetch(&s->slack[mm_depot_block_of(mm_heap_depot_of(h, s), s, addr)], 1);
	}
}

int mm_heap_free(struct mm_heap *h, struct mm_context *c, uint64_t addr)
{
	int err;

	if (__builtin_expect(mm_guard_all(h), 0))
		return mm_guard_free(h, c, addr);
	err = plain_free(h, c, addr);
	return __builtin_expect(err == MM_EINVAL && h->o.check, 0) ? mm_guard_stray(h, c, addr) : err;
}

int mm_plain_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes)
{
	const struct mm_slab *s = mm_heap_slab_at(h, addr);

	if (s && s->pool == MM_SLAB_ORDERED)
		return mm_ordered_granted(&h->ordered, addr, ret_bytes);
	if (!s || (s->pool ? !begins_block(mm_heap_depot_of(h, s), s, addr) : addr != s->addr))
		return MM_EINVAL;
	*ret_bytes = s->pool ? mm_heap_depot_of(h, s)->block_bytes : s->bytes;
	return MM_OK;
}

int mm_heap_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes)
{
	return h->o.check ? mm_guard_granted(h, addr, ret_bytes)
			  : mm_plain_granted(h, addr, ret_bytes);
}

/* Bytes above which a block is large. */
static uint64_t most_of(const struct mm_heap *h)
{
	return mm_heap_ordered(h) ? MM_ORDERED_MOST : MM_CLASS_MOST;
}

/* A block of the class that the new size has anyway stays. */
static int stays(struct mm_heap *h, struct mm_context *c, struct mm_slab *s, uint64_t addr,
		 uint64_t size, uint64_t align)
{
	const struct mm_depot *p;

	if (!s->pool)
		return size > most_of(h) && mm_large_resize(h, s, size, align);
	if (s->pool == MM_SLAB_ORDERED)
		return mm_ordered_resize(&h->ordered, addr, size, align);
	p = mm_heap_depot_of(h, s);
	if (size > MM_CLASS_MOST || mm_class_of(size ? size : 1) != p->seat ||
	    addr & (align - 1))
		return 0;
	if (h->o.track) {
		note_back(c, p, s, addr);
		note_out(c, p, s, addr, size);
	}
	return 1;
}

int mm_plain_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		    uint64_t align, uint64_t *ret_addr)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);
	uint64_t granted, fresh;
	int err = mm_plain_granted(h, addr, &granted);

	if (err)
		return err;
	if (stays(h, c, s, addr, size, align)) {
		*ret_addr = addr;
		return MM_OK;
	}
	if ((err = mm_heap_alloc(h, c, size, align, &fresh)))
		return err;
	if (size > granted)
		mm_large_grew(h, fresh);
	mm_content_copy(&h->content, fresh, addr, size < granted ? size : granted);
	*ret_addr = fresh;
	return mm_heap_free(h, c, addr);
}

int mm_heap_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		    uint64_t align, uint64_t *ret_addr)
{
	align = align < MM_HEAP_ALIGN ? MM_HEAP_ALIGN : align;
	if (align & (align - 1))
		return MM_EINVAL;
	return h->o.check ? mm_guard_realloc(h, c, addr, size, align, ret_addr)
			  : mm_plain_realloc(h, c, addr, size, align, ret_addr);
}

static void each_lock(struct mm_heap *h, void (*fn)(struct mm_lock *))
{
	fn(&h->contexts_lock);
	fn(&h->guard.told_lock);
	fn(&h->guard.lock);
	for (uint32_t i = 0; i < h->depots; i++)
		fn(&mm_heap_depot(h, i)->lock);
	fn(&h->ordered.lock);
	fn(&h->slabs.lock);
}

void mm_heap_hold(struct mm_heap *h)
{
	mm_lock_order_all(1);
	each_lock(h, mm_lock_take);
	mm_vspace_hold(&h->vspace);
	mm_lock_take(&h->meta.lock);
}

void mm_heap_go_on(struct mm_heap *h)
{
	mm_lock_give(&h->meta.lock);
	mm_vspace_go_on(&h->vspace);
	each_lock(h, mm_lock_give);
	mm_lock_order_all(0);
}

void mm_heap_forked(struct mm_heap *h, struct mm_context *mine)
{
	for (struct mm_context *c = h->contexts; c; c = c->next) {
		if (c == mine)
			continue;
		forget(h, c);
		h->lost_bytes += mm_heap_ready(h, c);
	}
	memset(h->number_taken, 0, sizeof h->number_taken);
	h->number_taken[0] = 1;
	if (mine)
		h->number_taken[mine->number / 64] |= UINT64_C(1) << mine->number % 64;
	h->contexts = mine;
	if (mine)
		mine->prev = mine->next = NULL;
}

void mm_heap_trim(struct mm_heap *h)
{
	mm_lock_take(&h->contexts_lock);
	for (struct mm_context *c = h->contexts; c; c = c->next)
		mm_cache_flush(c);
	mm_lock_give(&h->contexts_lock);
	if (h->o.check)
		mm_run_trim(h, NULL);
	mm_vspace_purge(&h->vspace, 0);
}
