/* voxel_pools.c: the public pools of octree nodes and bricks (mm_voxel.h): the engine's, with a
 * name and a manager. */
#include <float.h>
#include <string.h>

#include "alloc/band_pool.h"
#include "alloc/svo_pool.h"
#include "core/error.h"
#include "core/sink.h"
#include "manager/general.h"
#include "manager/manager.h"
#include "manager/numa.h"

_Static_assert((int)MM_NODES_INNER == (int)MM_SVO_INNER && (int)MM_NODES_LEAVES == (int)MM_SVO_LEAVES,
	       "kinds of runs are the engine's");
_Static_assert((int)MM_PRECISION_F32 == (int)MM_BAND_F32 &&
	       (int)MM_PRECISION_I16 == (int)MM_BAND_I16 &&
	       (int)MM_PRECISION_I8 == (int)MM_BAND_I8 &&
	       (int)MM_PRECISION_CONST == (int)MM_BAND_CONST &&
	       (int)MM_PRECISIONS == (int)MM_BAND_FORMATS, "precisions are the engine's");

struct mm_svo_pool {
	struct mm_named named;
	struct mm_svo *svo;
	struct mm_svo_options o;
	uint32_t told; /* what the sink knows it by; 0 = it does not */
};
struct mm_band_pool {
	struct mm_named named;
	struct mm_band *band;
	struct mm_band_options o;
	uint32_t told;
};

/* --- names ------------------------------------------------------------------------------ */

static int is_name(const char *name)
{
	return name && *name && strlen(name) < MM_VOXEL_NAME_BYTES;
}

static struct mm_named *look_up(struct mm_named *list, const char *name)
{
	while (list && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

/* Under the manager's lock. */
static int enter(struct mm_manager *m, struct mm_named **list, struct mm_named *n,
		 const char *name)
{
	if (look_up(*list, name))
		return MM_EEXIST;
	if (mm_manager_is_full(m))
		return MM_ELIMIT;
	strcpy(n->name, name);
	n->manager = m;
	n->next = *list;
	*list = n;
	return MM_OK;
}

static void take_out(struct mm_named **list, struct mm_named *n)
{
	struct mm_manager *m = n->manager;

	mm_lock_take(&m->lock);
	while (*list != n)
		list = &(*list)->next;
	*list = n->next;
	mm_lock_give(&m->lock);
}

static struct mm_named *known_as(struct mm_manager *m, struct mm_named *const *list,
				 const char *name)
{
	struct mm_named *n;

	if (!name)
		return NULL;
	mm_lock_take(&m->lock);
	n = look_up(*list, name);
	mm_lock_give(&m->lock);
	return n;
}

static int charge_nodes(void *m, int64_t bytes)
{
	return mm_manager_charge(m, MM_CATEGORY_SVO_NODES, bytes);
}

static int charge_bricks(void *m, int64_t bytes)
{
	return mm_manager_charge(m, MM_CATEGORY_NARROW_BAND, bytes);
}

static struct mm_manager *whose(struct mm_manager *m)
{
	return m ? m : mm_manager_default();
}

/* --- whose memory it is ----------------------------------------------------------------------- */

static void settle_svo(struct mm_svo_pool *p)
{
	uint64_t base, bytes;

	mm_svo_addresses(p->svo, &base, &bytes);
	mm_numa_settle_range(p->named.manager, base, bytes);
}

static void settle_band(struct mm_band_pool *p)
{
	uint64_t base, bytes;

	mm_band_addresses(p->band, &base, &bytes);
	mm_numa_settle_range(p->named.manager, base, bytes);
}

/* --- who listens ----------------------------------------------------------------------------- */

static void tell_svo(struct mm_svo_pool *p, uint32_t flags)
{
	struct mm_svo_account a;

	if (!mm_sink)
		return;
	mm_svo_sums(p->svo, &a);
	uint32_t node = p->o.node_bytes ? p->o.node_bytes : 8;
	p->told = mm_sink->pool(p->told, p->named.name, "svo_nodes",
				p->o.value_bytes ? 0 : node, a.live, flags);
	mm_svo_tell(p->svo, p->told, (flags & MM_SINK_AGAIN) != 0);
}

static void tell_band(struct mm_band_pool *p, uint32_t flags)
{
	struct mm_band_account a;

	if (!mm_sink)
		return;
	mm_band_sums(p->band, &a);
	p->told = mm_sink->pool(p->told, p->named.name, "narrow_band", 0,
				a.bricks - a.by_format[MM_BAND_CONST], flags);
	mm_band_tell(p->band, p->told, (flags & MM_SINK_AGAIN) != 0);
}

void mm_voxel_pools_forked(struct mm_manager *m)
{
	for (struct mm_named *n = m->svo_pools; n; n = n->next)
		tell_svo((struct mm_svo_pool *)n, MM_SINK_AGAIN);
	for (struct mm_named *n = m->band_pools; n; n = n->next)
		tell_band((struct mm_band_pool *)n, MM_SINK_AGAIN);
}

/* --- octrees ------------------------------------------------------------------------------ */

int mm_svo_pool_create(struct mm_manager *m, const char *name, uint32_t node_bytes,
		       uint32_t value_bytes, uint64_t node_count, struct mm_svo_pool **ret)
{
	struct mm_svo_options o = { .node_bytes = node_bytes, .value_bytes = value_bytes };
	struct mm_svo_pool *p;
	int err;

	(void)node_count; /* addresses are plenty, and pages come as nodes do */
	if (!is_name(name))
		return MM_EINVAL;
	if (!(m = whose(m)) || !(p = mm_meta_borrow(&m->meta, sizeof *p)))
		return MM_ENOMEM;
	o.gate = (struct mm_gate){ charge_nodes, m };
	p->o = o;
	err = mm_svo_open(&p->svo, &o);
	mm_lock_take(&m->lock);
	if (!err)
		err = enter(m, &m->svo_pools, &p->named, name);
	if (!err) {
		settle_svo(p);
		tell_svo(p, 0);
	}
	mm_lock_give(&m->lock);
	if (!err) {
		*ret = p;
		return MM_OK;
	}
	mm_svo_close(p->svo);
	mm_meta_return(&m->meta, p, sizeof *p);
	return err;
}

void mm_svo_pool_destroy(struct mm_svo_pool *p)
{
	if (!p)
		return;
	take_out(&p->named.manager->svo_pools, &p->named);
	mm_svo_close(p->svo);
	if (p->told)
		mm_sink->pool_end(p->told);
	mm_meta_return(&p->named.manager->meta, p, sizeof *p);
}

struct mm_svo_pool *mm_svo_pool_get(struct mm_manager *m, const char *name)
{
	m = whose(m);
	return m ? (struct mm_svo_pool *)known_as(m, &m->svo_pools, name) : NULL;
}

int mm_svo_pool_take(struct mm_svo_pool *p, uint64_t key, enum mm_nodes kind, uint32_t count,
		     uint32_t *ret_handle)
{
	mm_general_ready(p->named.manager);
	return mm_svo_take(p->svo, key, (enum mm_svo_kind)kind, count, ret_handle);
}

int mm_svo_pool_give(struct mm_svo_pool *p, uint32_t handle, uint32_t count)
{
	return mm_svo_give(p->svo, handle, count);
}

void *mm_svo_pool_node(const struct mm_svo_pool *p, uint32_t handle)
{
	return (void *)(uintptr_t)mm_svo_node(p->svo, handle);
}

void *mm_svo_pool_value(const struct mm_svo_pool *p, uint32_t handle)
{
	return (void *)(uintptr_t)mm_svo_value(p->svo, handle);
}

int mm_svo_pool_live(struct mm_svo_pool *p, uint32_t handle)
{
	return mm_svo_live(p->svo, handle);
}

uint32_t mm_svo_pool_drop(struct mm_svo_pool *p, uint64_t key)
{
	return mm_svo_drop(p->svo, key);
}

int mm_svo_pool_compact(struct mm_svo_pool *p, uint64_t key, uint32_t first,
			const struct mm_node_links *links)
{
	struct mm_svo_links l = { links->children, links->relink, links->ctx };

	return mm_svo_compact(p->svo, key, first, &l);
}

void mm_svo_pool_stats(struct mm_svo_pool *p, struct mm_svo_pool_stats *ret)
{
	struct mm_svo_account a;

	mm_svo_sums(p->svo, &a);
	*ret = (struct mm_svo_pool_stats){ .node_bytes = p->o.node_bytes ? p->o.node_bytes : 8,
		.value_bytes = p->o.value_bytes, .live = a.live, .committed = a.committed,
		.nodes = a.nodes, .values = a.values, .slack = a.slack, .retained = a.retained,
		.metadata = a.metadata };
	strcpy(ret->name, p->named.name);
}

/* --- narrow bands --------------------------------------------------------------------------- */

int mm_band_pool_create(struct mm_manager *m, const char *name, uint32_t brick_side, float width,
			enum mm_precision precision, struct mm_band_pool **ret)
{
	struct mm_band_options o = { .band = width, .precision = (enum mm_band_format)precision };
	struct mm_band_pool *p;
	int err;

	if (!is_name(name) || (unsigned)precision >= MM_PRECISIONS ||
	    !(width >= 0 && width <= FLT_MAX))
		return MM_EINVAL;
	if (brick_side != MM_BRICK_SIDE)
		return MM_EUNSUP;
	if (!(m = whose(m)) || !(p = mm_meta_borrow(&m->meta, sizeof *p)))
		return MM_ENOMEM;
	o.gate = (struct mm_gate){ charge_bricks, m };
	p->o = o;
	err = mm_band_open(&p->band, &o);
	mm_lock_take(&m->lock);
	if (!err)
		err = enter(m, &m->band_pools, &p->named, name);
	if (!err) {
		settle_band(p);
		tell_band(p, 0);
	}
	mm_lock_give(&m->lock);
	if (!err) {
		*ret = p;
		return MM_OK;
	}
	mm_band_close(p->band);
	mm_meta_return(&m->meta, p, sizeof *p);
	return err;
}

void mm_band_pool_destroy(struct mm_band_pool *p)
{
	if (!p)
		return;
	take_out(&p->named.manager->band_pools, &p->named);
	mm_band_close(p->band);
	if (p->told)
		mm_sink->pool_end(p->told);
	mm_meta_return(&p->named.manager->meta, p, sizeof *p);
}

struct mm_band_pool *mm_band_pool_get(struct mm_manager *m, const char *name)
{
	m = whose(m);
	return m ? (struct mm_band_pool *)known_as(m, &m->band_pools, name) : NULL;
}

int mm_band_pool_take(struct mm_band_pool *p, uint64_t key, uint32_t *ret_brick)
{
	mm_general_ready(p->named.manager);
	return mm_band_take(p->band, key, p->o.precision, ret_brick);
}

int mm_band_pool_take_as(struct mm_band_pool *p, uint64_t key, enum mm_precision precision,
			 uint32_t *ret_brick)
{
	if ((unsigned)precision >= MM_PRECISIONS)
		return MM_EINVAL;
	mm_general_ready(p->named.manager);
	return mm_band_take(p->band, key, (enum mm_band_format)precision, ret_brick);
}

int mm_band_pool_give(struct mm_band_pool *p, uint64_t key)
{
	return mm_band_give(p->band, key);
}

uint32_t mm_band_pool_find(struct mm_band_pool *p, uint64_t key)
{
	return mm_band_find(p->band, key);
}

uint32_t mm_band_pool_neighbour(struct mm_band_pool *p, uint32_t brick, unsigned side)
{
	return mm_band_neighbour(p->band, brick, side);
}

void *mm_band_pool_payload(const struct mm_band_pool *p, uint32_t brick)
{
	return (void *)(uintptr_t)mm_band_payload(p->band, brick);
}

uint64_t *mm_band_pool_mask(struct mm_band_pool *p, uint32_t brick)
{
	return mm_band_mask(p->band, brick);
}

enum mm_precision mm_band_pool_precision(const struct mm_band_pool *p, uint32_t brick)
{
	return (enum mm_precision)mm_band_format(p->band, brick);
}

int mm_band_pool_convert(struct mm_band_pool *p, uint64_t key, enum mm_precision to)
{
	if ((unsigned)to >= MM_PRECISIONS)
		return MM_EINVAL;
	mm_general_ready(p->named.manager);
	return mm_band_convert(p->band, key, (enum mm_band_format)to);
}

int mm_band_pool_each(struct mm_band_pool *p,
		      int (*each)(void *ctx, uint64_t key, uint32_t brick), void *ctx)
{
	return mm_band_each(p->band, each, ctx);
}

uint32_t mm_band_pool_drop(struct mm_band_pool *p, uint64_t key, unsigned level)
{
	return mm_band_drop(p->band, key, level);
}

void mm_band_pool_stats(struct mm_band_pool *p, struct mm_band_pool_stats *ret)
{
	struct mm_band_account a;

	mm_band_sums(p->band, &a);
	*ret = (struct mm_band_pool_stats){ .width = p->o.band > 0 ? p->o.band : 3,
		.bricks = a.bricks, .committed = a.committed, .payload = a.payload,
		.slack = a.slack, .hash = a.hash, .retained = a.retained,
		.metadata = a.metadata };
	for (int i = 0; i < MM_PRECISIONS; i++)
		ret->by_precision[i] = a.by_format[i];
	strcpy(ret->name, p->named.name);
}

/* --- all of a manager's ------------------------------------------------------------------------ */

void mm_voxel_pools_destroy(struct mm_manager *m)
{
	while (m->svo_pools)
		mm_svo_pool_destroy((struct mm_svo_pool *)m->svo_pools);
	while (m->band_pools)
		mm_band_pool_destroy((struct mm_band_pool *)m->band_pools);
}

void mm_voxel_pools_sums(struct mm_manager *m, uint64_t *committed, uint64_t *metadata)
{
	struct mm_band_account b;
	struct mm_svo_account s;

	mm_lock_take(&m->lock);
	for (struct mm_named *n = m->svo_pools; n; n = n->next) {
		mm_svo_sums(((struct mm_svo_pool *)n)->svo, &s);
		*committed += s.committed;
		*metadata += s.metadata;
	}
	for (struct mm_named *n = m->band_pools; n; n = n->next) {
		mm_band_sums(((struct mm_band_pool *)n)->band, &b);
		*committed += b.committed;
		*metadata += b.metadata;
	}
	mm_lock_give(&m->lock);
}

int mm_voxel_pools_each_range(struct mm_manager *m,
			      int (*fn)(uint64_t base, uint64_t bytes, int arg), int arg)
{
	uint64_t base, bytes;
	int err = MM_OK;

	for (struct mm_named *n = m->svo_pools; n && !err; n = n->next) {
		mm_svo_addresses(((struct mm_svo_pool *)n)->svo, &base, &bytes);
		err = fn(base, bytes, arg);
	}
	for (struct mm_named *n = m->band_pools; n && !err; n = n->next) {
		mm_band_addresses(((struct mm_band_pool *)n)->band, &base, &bytes);
		err = fn(base, bytes, arg);
	}
	return err;
}

void mm_voxel_pools_hold(struct mm_manager *m)
{
	for (struct mm_named *n = m->svo_pools; n; n = n->next)
		mm_svo_hold(((struct mm_svo_pool *)n)->svo);
	for (struct mm_named *n = m->band_pools; n; n = n->next)
		mm_band_hold(((struct mm_band_pool *)n)->band);
}

void mm_voxel_pools_go_on(struct mm_manager *m)
{
	for (struct mm_named *n = m->band_pools; n; n = n->next)
		mm_band_go_on(((struct mm_band_pool *)n)->band);
	for (struct mm_named *n = m->svo_pools; n; n = n->next)
		mm_svo_go_on(((struct mm_svo_pool *)n)->svo);
}
