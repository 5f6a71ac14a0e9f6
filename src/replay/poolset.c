/* poolset.c: depots by size over a ground of their own (poolset.h). */
#include "replay/poolset.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/slab.h"
#include "alloc/vspace.h"
#include "core/error.h"

/* As the public pools have it: what is cached of a depot, and up to which size of blocks. */
enum { CACHED_MOST = 64 * 1024 };
enum { STEP = 8, RETAIN_BYTES = 1 << 20, RETAIN_SHARE = 8, TABLE = 1024 };

#define ADDRESSES (UINT64_C(1) << 40)

struct mm_poolset {
	struct mm_meta meta;
	struct mm_vspace vspace;
	struct mm_ground ground;
	struct mm_depot *depot[MM_POOLSET_SIZES];
	uint32_t depots, most;      /* how many there are, and may be */
	int fixed;                  /* no others come */
	uint8_t of_size[TABLE];     /* not fixed: depot + 1 by block size in steps */
	struct mm_context *contexts;
	uint64_t live, requested, internal;
	struct mm_slabs slabs;      /* last: its table is large, and touched from its start on */
};

/* --- coming and going --------------------------------------------------------------------- */

static int add_depot(struct mm_poolset *p, uint64_t block_bytes)
{
	struct mm_depot *d;

	if (block_bytes > MM_DEPOT_BLOCK_MOST || p->depots == p->most)
		return MM_ELIMIT;
	if (!(d = mm_meta_take(&p->meta, sizeof *d)))
		return MM_ENOMEM;
	int err = mm_depot_init(d, &p->ground, p->depots, (uint32_t)block_bytes);
	if (err)
		return err;
	d->batch = mm_depot_batch((uint32_t)block_bytes, MM_DEPOT_BATCH);
	d->ready_from = MM_DEPOT_READY_FROM;
	d->stocks = 1;
	p->depot[p->depots++] = d;
	return MM_OK;
}

static int set_sizes(struct mm_poolset *p, const uint64_t *sizes, size_t count)
{
	int err = MM_OK;

	p->most = count ? (uint32_t)count : MM_POOLSET_SIZES;
	p->fixed = count > 0;
	for (size_t i = 0; !err && i < count; i++)
		err = sizes[i] == 0 || sizes[i] > MM_DEPOT_BLOCK_MOST ? MM_EINVAL
			: add_depot(p, (sizes[i] + STEP - 1) / STEP * STEP);
	return err;
}

int mm_poolset_open(struct mm_poolset **ret, const uint64_t *sizes, size_t count,
		    uint32_t page_bytes)
{
	struct mm_vspace_options v = { .bytes = ADDRESSES, .simulated = 1,
		.page_bytes = page_bytes ? page_bytes : 4096, .retain_bytes = RETAIN_BYTES,
		.retain_share = RETAIN_SHARE };
	struct mm_poolset *p;
	int err;

	if (count > MM_POOLSET_SIZES)
		return MM_EINVAL;
	p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return MM_ENOMEM;
	err = mm_vspace_init(&p->vspace, &v, &p->meta);
	if (!err)
		err = mm_slabs_init(&p->slabs, &p->meta, p->vspace.slices);
	if (!err) {
		p->ground = (struct mm_ground){ .meta = &p->meta, .vspace = &p->vspace,
						.slabs = &p->slabs };
		err = set_sizes(p, sizes, count);
	}
	if (err)
		mm_poolset_close(p);
	else
		*ret = p;
	return err;
}

void mm_poolset_close(struct mm_poolset *p)
{
	if (!p)
		return;
	mm_vspace_deinit(&p->vspace);
	mm_meta_deinit(&p->meta);
	munmap(p, sizeof *p);
}

int mm_poolset_context(struct mm_poolset *p, uint32_t node, struct mm_context **ret)
{
	struct mm_context *c = mm_meta_borrow(&p->meta, mm_cache_bytes_stocked(p->most));

	if (!c)
		return MM_ENOMEM;
	c->node = node;
	c->seats = p->most;
	mm_cache_stock_up(c);
	if ((c->next = p->contexts) != NULL)
		c->next->prev = c;
	p->contexts = c;
	*ret = c;
	return MM_OK;
}

void mm_poolset_leave(struct mm_poolset *p, struct mm_context *c)
{
	if (!c)
		return;
	mm_cache_deinit(c);
	if (c->prev)
		c->prev->next = c->next;
	else
		p->contexts = c->next;
	if (c->next)
		c->next->prev = c->prev;
	mm_meta_return(&p->meta, c, mm_cache_bytes_stocked(p->most));
}

/* --- which depot ------------------------------------------------------------------------------ */

static int find_fixed(const struct mm_poolset *p, uint64_t size, uint64_t align, uint32_t *ret)
{
	for (uint32_t i = 0; i < p->depots; i++)
		if (p->depot[i]->block_bytes >= size && (p->depot[i]->block_bytes & (align - 1)) == 0) {
			*ret = i;
			return MM_OK;
		}
	return MM_ELIMIT;
}

static int find_in_list(const struct mm_poolset *p, uint64_t block_bytes, uint32_t *ret)
{
	for (uint32_t i = 0; i < p->depots; i++)
		if (p->depot[i]->block_bytes == block_bytes) {
			*ret = i;
			return MM_OK;
		}
	return MM_ELIMIT;
}

/* Bytes of the block that the object has where depots come as they are needed; 0 = none. */
static uint64_t exact_block(uint64_t size, uint64_t align)
{
	uint64_t block = (size + align - 1) & ~(align - 1);

	return block < size || block > MM_DEPOT_BLOCK_MOST ? 0 : block;
}

static int find_exact(const struct mm_poolset *p, uint64_t size, uint64_t align, uint32_t *ret)
{
	uint64_t block = exact_block(size, align), step = block / STEP;

	if (!block || step >= TABLE)
		return block ? find_in_list(p, block, ret) : MM_ELIMIT;
	if (!p->of_size[step])
		return MM_ELIMIT;
	*ret = p->of_size[step] - 1u;
	return MM_OK;
}

static uint64_t least_align(uint64_t align)
{
	return align < STEP ? STEP : align;
}

/* A slab begins at a slice: no depot promises more than that. */
static int find_depot(const struct mm_poolset *p, uint64_t size, uint64_t align, uint32_t *ret)
{
	size += size == 0;
	align = least_align(align);
	if (align > MM_SLICE_BYTES || align & (align - 1))
		return MM_ELIMIT;
	return p->fixed ? find_fixed(p, size, align, ret) : find_exact(p, size, align, ret);
}

static int new_depot(struct mm_poolset *p, uint64_t size, uint64_t align, uint32_t *ret)
{
	uint64_t block = exact_block(size + (size == 0), least_align(align));
	int err = block && least_align(align) <= MM_SLICE_BYTES ? add_depot(p, block) : MM_ELIMIT;

	if (err)
		return err;
	*ret = p->depots - 1;
	if (block / STEP < TABLE)
		p->of_size[block / STEP] = (uint8_t)p->depots;
	return MM_OK;
}

int mm_poolset_takes(const struct mm_poolset *p, uint64_t size, uint64_t align)
{
	uint32_t n;

	return find_depot(p, size, align, &n) == MM_OK ||
	       (p->depots < p->most && least_align(align) <= MM_SLICE_BYTES &&
		exact_block(size + (size == 0), least_align(align)));
}

static struct mm_depot *depot_of(const struct mm_poolset *p, uint64_t addr)
{
	uint32_t number = mm_vspace_owner(&p->vspace, addr);

	return p->depot[mm_slab_at(&p->slabs, number)->pool - 1];
}

/* --- blocks ------------------------------------------------------------------------------------ */

static void count_in(struct mm_poolset *p, const struct mm_depot *d, uint64_t size)
{
	p->live++;
	p->requested += size;
	p->internal += d->block_bytes - size;
}

static void count_out(struct mm_poolset *p, const struct mm_depot *d, uint64_t size)
{
	p->live--;
	p->requested -= size;
	p->internal -= d->block_bytes - size;
}

int mm_poolset_alloc(struct mm_poolset *p, struct mm_context *c, uint64_t size, uint64_t align,
		     uint64_t *ret_addr)
{
	uint64_t addr = 0;
	uint32_t n;
	int err = find_depot(p, size, align, &n);

	if (err)
		err = new_depot(p, size, align, &n);
	if (err)
		return err;
	if (p->depot[n]->block_bytes <= CACHED_MOST)
		addr = mm_cache_take(c, p->depot[n]);
	else
		mm_depot_take(p->depot[n], 1, 0, NULL, &addr);
	if (!addr)
		return MM_ENOMEM;
	count_in(p, p->depot[n], size);
	*ret_addr = addr;
	return MM_OK;
}

void mm_poolset_free(struct mm_poolset *p, struct mm_context *c, uint64_t addr, uint64_t size)
{
	struct mm_depot *d = depot_of(p, addr);

	count_out(p, d, size);
	if (d->block_bytes <= CACHED_MOST)
		mm_cache_give(c, d, addr);
	else
		mm_depot_give(d, &addr, 1);
}

int mm_poolset_resize(struct mm_poolset *p, uint64_t addr, uint64_t was, uint64_t size,
		      uint64_t align)
{
	struct mm_depot *d = depot_of(p, addr);
	uint32_t n;

	if (find_depot(p, size, align, &n) || p->depot[n] != d)
		return 0;
	count_out(p, d, was);
	count_in(p, d, size);
	return 1;
}

/* --- looking ------------------------------------------------------------------------------------ */

static uint64_t own_pages_of_set(void)
{
	return (sizeof(struct mm_poolset) + MM_META_PAGE - 1) / MM_META_PAGE * MM_META_PAGE;
}

static uint64_t cached_bytes(const struct mm_poolset *p)
{
	uint64_t bytes = 0;

	for (const struct mm_context *c = p->contexts; c; c = c->next) {
		for (uint32_t i = 0; i < p->depots; i++)
			bytes += (mm_cache_ready(&c->seat[i]) + mm_cache_stocked(c, i)) *
				 p->depot[i]->block_bytes;
		bytes += c->aside_bytes;
	}
	return bytes;
}

void mm_poolset_account(struct mm_poolset *p, struct mm_account *ret)
{
	struct mm_account a = { .requested = p->requested, .internal = p->internal,
				.live = p->live, .cached = cached_bytes(p) };
	uint64_t used;

	for (uint32_t i = 0; i < p->depots; i++) {
		struct mm_depot_sums s;
		mm_depot_sums(p->depot[i], &s);
		a.slabs += s.slabs;
		a.slab_external += s.external_bytes;
		a.tail += s.tail_bytes;
	}
	mm_vspace_sums(&p->vspace, &used, &a.retained);
	a.metadata = mm_meta_committed(&p->meta) + own_pages_of_set();
	a.committed = used + a.retained + a.metadata;
	*ret = a;
}

uint64_t mm_poolset_committed(const struct mm_poolset *p)
{
	return p->vspace.used_bytes + p->vspace.retained_bytes + p->meta.committed +
	       own_pages_of_set();
}

void mm_poolset_pages(const struct mm_poolset *p, uint64_t *ret_committed, uint64_t *ret_purged)
{
	*ret_committed = p->vspace.commits;
	*ret_purged = p->vspace.purges;
}

void mm_poolset_slabs(struct mm_poolset *p, void (*fn)(void *arg, const struct mm_slab_view *v),
		      void *arg)
{
	for (uint32_t n = 1; n < p->slabs.count; n++) {
		const struct mm_slab *s = mm_slab_at(&p->slabs, n);
		if (!s->slices)
			continue;
		struct mm_slab_view v = { n, s->addr, s->bytes, p->depot[s->pool - 1]->block_bytes,
					  s->blocks, s->free, mm_poolset_slab_free(p, n) };
		fn(arg, &v);
	}
}

uint32_t mm_poolset_slab_of(const struct mm_poolset *p, uint64_t addr)
{
	return mm_vspace_owner(&p->vspace, addr);
}

uint64_t mm_poolset_slab_free(const struct mm_poolset *p, uint32_t number)
{
	const struct mm_slab *s = mm_slab_at(&p->slabs, number);

	return mm_depot_slab_external(p->depot[s->pool - 1], s);
}

int mm_poolset_check(struct mm_poolset *p)
{
	struct mm_account a;
	int rule = mm_vspace_check(&p->vspace);

	if (rule)
		return 600 + rule;
	for (uint32_t i = 0; i < p->depots; i++)
		if ((rule = mm_depot_check(p->depot[i])))
			return 700 + rule;
	mm_poolset_account(p, &a);
	return mm_account_sum(&a) == a.committed ? 0 : 800;
}

size_t mm_poolset_sizes(const struct mm_poolset *p, uint32_t *ret, size_t room)
{
	for (size_t i = 0; i < p->depots && i < room; i++)
		ret[i] = p->depot[i]->block_bytes;
	return p->depots;
}
