/* store_mm.c: the store of a program on libmm (store.h).
 *
 * Distances lie in a band pool, nodes in an octree pool, headers and channels in pools of
 * their size; meshes and everything else in the general heap. libmm tells a recording of all
 * of them by itself, with the category that is pushed.
 */
#include "store.h"

#include <string.h>

#include "digmath.h"
#include "mm.h"

struct pooled {
	struct store head;
	struct mm_manager *manager;
	struct mm_band_pool *field;
	struct mm_svo_pool *tree;
	struct mm_pool *bricks, *channels;
	struct brick **by_id;
	size_t by_id_count;
	uint64_t mesh_bytes, general_bytes;
};

/* --- blocks of any size --------------------------------------------------------------------- */

static void *pooled_block_take(struct store *s, int kind, size_t bytes)
{
	struct pooled *p = (struct pooled *)s;

	if (kind == STORE_CHANNEL)
		return mm_pool_alloc(p->channels);
	if (kind == STORE_MESH) {
		store_add(&p->mesh_bytes, bytes);
		return MM_ALLOC(p->manager, bytes, MM_CATEGORY_MESH_DATA, "mesh");
	}
	store_add(&p->general_bytes, bytes);
	return MM_ALLOC(p->manager, bytes, MM_CATEGORY_GENERAL, NULL);
}

static void pooled_block_give(struct store *s, int kind, void *block, size_t bytes)
{
	struct pooled *p = (struct pooled *)s;

	if (kind == STORE_CHANNEL) {
		mm_pool_free(p->channels, block);
		return;
	}
	store_add(kind == STORE_MESH ? &p->mesh_bytes : &p->general_bytes, -(uint64_t)bytes);
	mm_free(p->manager, block);
}

/* --- bricks ------------------------------------------------------------------------------- */

static uint64_t brick_key(const int at[3])
{
	return mm_brick_key(at[0], at[1], at[2]);
}

static void by_id_grow(struct pooled *p, uint32_t id)
{
	size_t n = p->by_id_count ? p->by_id_count : 256;
	struct brick **more;

	while (n <= id)
		n *= 2;
	if (n == p->by_id_count)
		return;
	more = store_take(&p->head, STORE_GENERAL, n * sizeof *more);
	memset(more, 0, n * sizeof *more);
	if (p->by_id) {
		memcpy(more, p->by_id, p->by_id_count * sizeof *more);
		store_give(&p->head, STORE_GENERAL, p->by_id, p->by_id_count * sizeof *more);
	}
	p->by_id = more;
	p->by_id_count = n;
}

static struct brick *pooled_brick_take(struct store *s, uint64_t key, const int at[3])
{
	struct pooled *p = (struct pooled *)s;
	struct brick *b;
	int err;

	mm_category_push("narrow_band");
	b = store_need(mm_pool_alloc(p->bricks));
	mm_category_pop();
	memset(b, 0, sizeof *b);
	b->key = key;
	memcpy(b->at, at, sizeof b->at);
	mm_category_push("sdf_fields");
	err = mm_band_pool_take(p->field, brick_key(at), &b->id);
	mm_category_pop();
	store_need(err ? NULL : b);
	b->payload = mm_band_pool_payload(p->field, b->id);
	by_id_grow(p, b->id);
	p->by_id[b->id] = b;
	return b;
}

static void pooled_brick_give(struct store *s, struct brick *b)
{
	struct pooled *p = (struct pooled *)s;

	p->by_id[b->id] = NULL;
	mm_band_pool_give(p->field, brick_key(b->at));
	mm_pool_free(p->bricks, b);
}

static struct brick *pooled_brick_find(struct store *s, uint64_t key)
{
	struct pooled *p = (struct pooled *)s;
	uint32_t id;
	int at[3];

	dig_place(key, at);
	id = mm_band_pool_find(p->field, brick_key(at));
	return id ? p->by_id[id] : NULL;
}

/* --- nodes -------------------------------------------------------------------------------- */

static uint32_t pooled_run_take(struct store *s, uint64_t subtree, unsigned count)
{
	struct pooled *p = (struct pooled *)s;
	uint32_t handle;
	int err;

	mm_category_push("svo_nodes");
	err = mm_svo_pool_take(p->tree, subtree, MM_NODES_INNER, count, &handle);
	mm_category_pop();
	store_need(err ? NULL : p);
	return handle;
}

static void pooled_run_give(struct store *s, uint32_t handle, unsigned count)
{
	struct pooled *p = (struct pooled *)s;

	mm_svo_pool_give(p->tree, handle, count);
}

static struct node *pooled_run_nodes(struct store *s, uint32_t handle)
{
	return mm_svo_pool_node(((struct pooled *)s)->tree, handle);
}

/* --- sums --------------------------------------------------------------------------------- */

static uint64_t live_blocks(struct mm_pool *pool)
{
	struct mm_pool_stats st;

	mm_pool_stats(pool, &st);
	return st.allocated;
}

/* What manager and voxel pools obtained from the system, less what the program asked for, is overhead. */
static void pooled_counts(struct store *s, struct store_counts *ret)
{
	struct pooled *p = (struct pooled *)s;
	struct mm_svo_pool_stats tree;
	struct mm_band_pool_stats field;
	struct mm_totals all;
	struct store_counts c = { .mesh_data = p->mesh_bytes, .general = p->general_bytes };

	mm_svo_pool_stats(p->tree, &tree);
	mm_band_pool_stats(p->field, &field);
	mm_totals(p->manager, &all);
	c.svo_node = tree.nodes;
	c.svo_pool = tree.committed - tree.metadata;
	c.sdf_field = field.payload;
	c.sdf_pool = field.payload + field.slack;
	c.bricks_free = field.slack / s->payload_bytes;
	c.narrow_band = live_blocks(p->bricks) * sizeof(struct brick);
	c.material_channel = live_blocks(p->channels) * MM_BRICK_VOXELS;
	c.overhead = all.committed_bytes + tree.committed + field.committed - c.svo_node -
		     c.sdf_field - c.narrow_band - c.material_channel - c.mesh_data - c.general;
	*ret = c;
}

static void pooled_close(struct store *s)
{
	struct pooled *p = (struct pooled *)s;

	mm_manager_destroy(p->manager);
}

static const struct store_ops pooled_ops = {
	.brick_take = pooled_brick_take, .brick_give = pooled_brick_give,
	.brick_find = pooled_brick_find, .block_take = pooled_block_take,
	.block_give = pooled_block_give, .run_take = pooled_run_take,
	.run_give = pooled_run_give, .run_nodes = pooled_run_nodes,
	.counts = pooled_counts, .close = pooled_close,
};

struct store *store_mm_open(size_t payload_bytes, unsigned band)
{
	enum mm_precision precision = payload_bytes == 2048 ? MM_PRECISION_F32 : MM_PRECISION_I16;
	struct mm_manager *m;
	struct mm_pool *own;
	struct pooled *p;

	if (mm_manager_create(&m) ||
	    mm_pool_create(m, "store", sizeof *p, 1, MM_ACCESS_GENERAL, 1, &own) ||
	    !(p = mm_pool_alloc(own)))
		return NULL;
	memset(p, 0, sizeof *p);
	p->head = (struct store){ &pooled_ops, payload_bytes };
	p->manager = m;
	if (mm_band_pool_create(m, "sdf", 8, (float)band, precision, &p->field) ||
	    mm_svo_pool_create(m, "octree", sizeof(struct node), 0, 0, &p->tree) ||
	    mm_pool_create(m, "bricks", sizeof(struct brick), 0, MM_ACCESS_MINING, 1, &p->bricks) ||
	    mm_pool_create(m, "channels", MM_BRICK_VOXELS, 0, MM_ACCESS_SDF_OPERATION, 1,
			   &p->channels) ||
	    mm_pool_set_category(p->bricks, MM_CATEGORY_NARROW_BAND) ||
	    mm_pool_set_category(p->channels, MM_CATEGORY_MATERIAL_CHANNELS))
		return NULL;
	return &p->head;
}
