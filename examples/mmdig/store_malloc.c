/* store_malloc.c: the store of a plain program: one malloc for everything (store.h). */
#include "store.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digmath.h"

struct plain {
	struct store head;
	struct store_counts held;
	struct brick **table;   /* by key, linear probing; capacity a power of two */
	size_t capacity, bricks;
	struct node **runs;     /* by handle */
	uint32_t *free_runs;    /* handles that were given back */
	uint32_t run_count, run_capacity, free_count;
};

void *store_need(void *p)
{
	if (p)
		return p;
	fputs("mmdig: out of memory\n", stderr);
	exit(3);
}

/* Obtains memory and keeps account of what malloc adds to it. */
static void *counted_malloc(struct plain *p, const char *category, size_t bytes, uint64_t *sum)
{
	void *block;

	if (category)
		mm_category_push(category);
	block = store_need(malloc(bytes));
	if (category)
		mm_category_pop();
	store_add(sum, bytes);
	store_add(&p->held.overhead, malloc_usable_size(block) + sizeof(size_t) - bytes);
	return block;
}

static void counted_free(struct plain *p, void *block, size_t bytes, uint64_t *sum)
{
	store_add(sum, -(uint64_t)bytes);
	store_add(&p->held.overhead, bytes - malloc_usable_size(block) - sizeof(size_t));
	free(block);
}

static size_t table_slot(const struct plain *p, uint64_t key)
{
	size_t i = dig_mix(key) & (p->capacity - 1);

	while (p->table[i] && p->table[i]->key != key)
		i = (i + 1) & (p->capacity - 1);
	return i;
}

static void table_grow(struct plain *p)
{
	struct brick **old = p->table;
	size_t n = p->capacity, i;

	mm_category_push("narrow_band");
	p->table = store_need(calloc(n * 2, sizeof *p->table));
	mm_category_pop();
	p->capacity = n * 2;
	p->held.overhead += n * sizeof *old;
	for (i = 0; i < n; i++)
		if (old[i])
			p->table[table_slot(p, old[i]->key)] = old[i];
	free(old);
}

static struct brick *plain_brick_take(struct store *s, uint64_t key, const int at[3])
{
	struct plain *p = (struct plain *)s;
	struct brick *b = counted_malloc(p, "narrow_band", sizeof *b, &p->held.narrow_band);

	memset(b, 0, sizeof *b);
	b->key = key;
	memcpy(b->at, at, sizeof b->at);
	b->payload = counted_malloc(p, "sdf_fields", s->payload_bytes, &p->held.sdf_field);
	if (++p->bricks * 2 > p->capacity)
		table_grow(p);
	p->table[table_slot(p, key)] = b;
	return b;
}

/* Moves later bricks of the probe sequence back, so that no gap hides them. */
static void table_remove(struct plain *p, uint64_t key)
{
	size_t mask = p->capacity - 1, gap = table_slot(p, key), i = gap;

	for (;;) {
		i = (i + 1) & mask;
		if (!p->table[i])
			break;
		size_t home = dig_mix(p->table[i]->key) & mask;
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			p->table[gap] = p->table[i];
			gap = i;
		}
	}
	p->table[gap] = NULL;
	p->bricks--;
}

static void plain_brick_give(struct store *s, struct brick *b)
{
	struct plain *p = (struct plain *)s;

	table_remove(p, b->key);
	counted_free(p, b->payload, s->payload_bytes, &p->held.sdf_field);
	counted_free(p, b, sizeof *b, &p->held.narrow_band);
}

static struct brick *plain_brick_find(struct store *s, uint64_t key)
{
	struct plain *p = (struct plain *)s;

	return p->table[table_slot(p, key)];
}

static uint64_t *sum_of(struct plain *p, int kind)
{
	return kind == STORE_CHANNEL ? &p->held.material_channel :
	       kind == STORE_MESH ? &p->held.mesh_data : &p->held.general;
}

static void *plain_block_take(struct store *s, int kind, size_t bytes)
{
	struct plain *p = (struct plain *)s;

	return counted_malloc(p, NULL, bytes, sum_of(p, kind));
}

static void plain_block_give(struct store *s, int kind, void *block, size_t bytes)
{
	struct plain *p = (struct plain *)s;

	counted_free(p, block, bytes, sum_of(p, kind));
}

static void runs_grow(struct plain *p)
{
	uint32_t n = p->run_capacity ? p->run_capacity * 2 : 1024;

	mm_category_push("svo_nodes");
	p->runs = store_need(realloc(p->runs, n * sizeof *p->runs));
	p->free_runs = store_need(realloc(p->free_runs, n * sizeof *p->free_runs));
	mm_category_pop();
	p->held.overhead += (n - p->run_capacity) * (sizeof *p->runs + sizeof *p->free_runs);
	p->run_capacity = n;
}

static uint32_t plain_run_take(struct store *s, uint64_t subtree, unsigned count)
{
	struct plain *p = (struct plain *)s;
	uint32_t h;

	(void)subtree;
	if (p->free_count) {
		h = p->free_runs[--p->free_count];
	} else {
		if (p->run_count + 1 >= p->run_capacity)
			runs_grow(p);
		h = ++p->run_count;
	}
	p->runs[h] = counted_malloc(p, "svo_nodes", count * sizeof(struct node), &p->held.svo_node);
	return h;
}

static void plain_run_give(struct store *s, uint32_t h, unsigned count)
{
	struct plain *p = (struct plain *)s;

	counted_free(p, p->runs[h], count * sizeof(struct node), &p->held.svo_node);
	p->runs[h] = NULL;
	p->free_runs[p->free_count++] = h;
}

static struct node *plain_run_nodes(struct store *s, uint32_t h)
{
	return ((struct plain *)s)->runs[h];
}

static void plain_counts(struct store *s, struct store_counts *ret)
{
	struct plain *p = (struct plain *)s;

	*ret = p->held;
	ret->svo_pool = ret->svo_node;
	ret->sdf_pool = ret->sdf_field;
}

static void plain_close(struct store *s)
{
	struct plain *p = (struct plain *)s;

	free(p->table);
	free(p->runs);
	free(p->free_runs);
	free(p);
}

static const struct store_ops plain_ops = {
	.brick_take = plain_brick_take, .brick_give = plain_brick_give,
	.brick_find = plain_brick_find, .block_take = plain_block_take,
	.block_give = plain_block_give, .run_take = plain_run_take,
	.run_give = plain_run_give, .run_nodes = plain_run_nodes,
	.counts = plain_counts, .close = plain_close,
};

struct store *store_malloc_open(size_t payload_bytes, unsigned band)
{
	struct plain *p = calloc(1, sizeof *p);

	(void)band;
	if (!p)
		return NULL;
	p->head.ops = &plain_ops;
	p->head.payload_bytes = payload_bytes;
	p->capacity = 1024;
	p->table = calloc(p->capacity, sizeof *p->table);
	p->held.overhead = sizeof *p + p->capacity * sizeof *p->table;
	if (!p->table) {
		free(p);
		return NULL;
	}
	return &p->head;
}
