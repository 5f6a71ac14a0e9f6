/* test_svo.c: octree nodes by Morton prefix: no two runs overlap, contents and handles stay,
 * regions go back whole, compaction keeps the tree, every byte is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "alloc/svo_pool.h"
#include "core/error.h"

enum { RUNS = 40000, STEPS = 1000000, EVERY = 100000, KEYS = 40 };

struct run { uint32_t handle, count, mark; uint64_t key; int kind; };

static uint64_t svo_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

static struct mm_svo *opened(uint32_t value_bytes)
{
	struct mm_svo_options o = { .value_bytes = value_bytes };
	struct mm_svo *p = NULL;

	assert_int_equal(mm_svo_open(&p, &o), MM_OK);
	return p;
}

static void write_run(struct mm_svo *p, const struct run *r)
{
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->kind == MM_SVO_INNER)
			*(uint64_t *)(uintptr_t)mm_svo_node(p, r->handle + i) = r->mark * 8ull + i;
		*(uint32_t *)(uintptr_t)mm_svo_value(p, r->handle + i) = r->mark + i;
	}
}

static void read_run(struct mm_svo *p, const struct run *r)
{
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->kind == MM_SVO_INNER)
			assert_int_equal(*(uint64_t *)(uintptr_t)mm_svo_node(p, r->handle + i),
					 r->mark * 8ull + i);
		assert_int_equal(*(uint32_t *)(uintptr_t)mm_svo_value(p, r->handle + i),
				 r->mark + i);
	}
}

/* Also: growth must not move what a caller holds an address of. */
static void random_runs_keep_their_contents(void **state)
{
	struct mm_svo *p = opened(4);
	struct run *runs = calloc(RUNS, sizeof *runs);
	struct mm_svo_account a;
	uint64_t seed = 88172645463325252u, live = 0;

	(void)state;
	for (uint32_t step = 0; step < STEPS; step++) {
		struct run *r = &runs[svo_random(&seed) % RUNS];
		if (r->count) {
			read_run(p, r);
			live -= r->count;
			assert_int_equal(mm_svo_give(p, r->handle, r->count), MM_OK);
			r->count = 0;
		} else {
			*r = (struct run){ .count = 1 + svo_random(&seed) % 8, .mark = step,
					   .key = 64 + svo_random(&seed) % KEYS,
					   .kind = svo_random(&seed) % 2 };
			assert_int_equal(mm_svo_take(p, r->key, r->kind, r->count, &r->handle), 0);
			write_run(p, r);
			live += r->count;
		}
		if (step % EVERY == 0) {
			assert_int_equal(mm_svo_check(p), 0);
			mm_svo_sums(p, &a);
			assert_int_equal(a.live, live);
		}
	}
	for (uint32_t i = 0; i < RUNS; i++)
		if (runs[i].count)
			read_run(p, &runs[i]);
	mm_svo_drop(p, 1);
	mm_svo_sums(p, &a);
	assert_int_equal(a.live + a.chunks + a.slack, 0);
	assert_int_equal(mm_svo_check(p), 0);
	free(runs);
	mm_svo_close(p);
}

static void a_region_goes_back_whole(void **state)
{
	struct mm_svo *p = opened(4);
	struct mm_svo_account a;
	uint32_t h;

	(void)state;
	for (uint64_t key = 64; key < 128; key++)
		for (int i = 0; i < 3000; i++)
			assert_int_equal(mm_svo_take(p, key, MM_SVO_INNER, 5, &h), MM_OK);
	mm_svo_sums(p, &a);
	assert_int_equal(a.chunks, 128);
	assert_int_equal(mm_svo_drop(p, 9), 16); /* keys 72 to 79, two chunks each */
	mm_svo_sums(p, &a);
	assert_int_equal(a.chunks, 112);
	assert_int_equal(a.live, 56 * 15000);
	assert_int_equal(mm_svo_check(p), 0);
	mm_svo_close(p);
}

static void misuse_is_refused(void **state)
{
	struct mm_svo *p = opened(0);
	uint32_t h = 77;

	(void)state;
	assert_int_equal(mm_svo_take(p, 0, MM_SVO_INNER, 1, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, 2, MM_SVO_INNER, 1, &h), MM_EINVAL); /* of no level */
	assert_int_equal(mm_svo_take(p, 7, MM_SVO_INNER, 1, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, UINT64_C(1) << 63, MM_SVO_INNER, 1, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 9, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_LEAVES, 1, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, 1, (enum mm_svo_kind)2, 1, &h), MM_EINVAL);
	assert_int_equal(mm_svo_take(p, 1, (enum mm_svo_kind)-1, 1, &h), MM_EINVAL);
	assert_int_equal(h, 77);
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 8, &h), MM_OK);
	assert_int_equal(mm_svo_give(p, h + 4, 8), MM_EINVAL);
	assert_int_equal(mm_svo_give(p, h, 8), MM_OK);
	assert_int_equal(mm_svo_give(p, h, 8), MM_EINVAL);
	mm_svo_close(p);
}

/* Sizes in 32 bits overflow at 4 GiB: 10240 chunks of 2 MiB of nodes are 20 GiB. */
static void sizes_beyond_32_bits_are_exact(void **state)
{
	struct mm_svo_options o = { .node_bytes = 256, .simulated = 1 };
	struct mm_svo *p = NULL;
	struct mm_svo_account a;
	uint32_t h;

	(void)state;
	assert_int_equal(mm_svo_open(&p, &o), MM_OK);
	for (uint64_t i = 0; i < 10240 * 1024; i++)
		assert_int_equal(mm_svo_take(p, 1 << 18 | i / 1024, MM_SVO_INNER, 8, &h), MM_OK);
	mm_svo_sums(p, &a);
	assert_int_equal(a.nodes, UINT64_C(10240) * 8192 * 256);
	assert_true(a.committed > UINT64_C(20) << 30);
	assert_int_equal(mm_svo_check(p), 0);
	mm_svo_close(p);
}

/* A node here: count of children << 32 | handle. */
static uint32_t kids(void *ctx, const void *node, uint32_t *ret)
{
	uint64_t n = *(const uint64_t *)node;

	(void)ctx;
	*ret = (uint32_t)n;
	return (uint32_t)(n >> 32);
}

static void relink(void *ctx, void *node, uint32_t handle)
{
	uint64_t *n = node;

	(void)ctx;
	*n = *n >> 32 << 32 | handle;
}

static uint32_t grow(struct mm_svo *p, uint32_t depth, uint32_t count, uint64_t *seed, int fill)
{
	uint32_t h, hole;

	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, count, &h), MM_OK);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t n = depth ? 1 + svo_random(seed) % 4 : 0;
		if (fill)
			assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 1, &hole), MM_OK);
		*(uint32_t *)(uintptr_t)mm_svo_value(p, h + i) = (uint32_t)svo_random(seed);
		*(uint64_t *)(uintptr_t)mm_svo_node(p, h + i) =
			n ? (uint64_t)n << 32 | grow(p, depth - 1, n, seed, fill) : 0;
		if (fill)
			assert_int_equal(mm_svo_give(p, hole, 1), MM_OK);
	}
	return h;
}

static uint64_t digest(struct mm_svo *p, uint32_t h, uint32_t count, uint32_t *next)
{
	uint64_t sum = count;

	for (uint32_t i = 0; i < count; i++)
		sum = sum * 31 + *(uint32_t *)(uintptr_t)mm_svo_value(p, h + i);
	if (next) {
		assert_int_equal(h % MM_SVO_SLOTS, *next);
		*next += count;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t to, n = kids(NULL, (void *)(uintptr_t)mm_svo_node(p, h + i), &to);
		if (n)
			sum = sum * 31 + digest(p, to, n, next);
	}
	return sum;
}

/* A defragmentation that moves nodes and tells no one loses the tree. */
static void compaction_keeps_the_tree_and_orders_it(void **state)
{
	struct mm_svo_links links = { .children = kids, .relink = relink };
	struct mm_svo *p = opened(4);
	struct mm_svo_account before, after;
	uint64_t seed = 99, sum;
	uint32_t root = grow(p, 5, 3, &seed, 1), next = 0;

	(void)state;
	sum = digest(p, root, 3, NULL);
	mm_svo_sums(p, &before);
	assert_int_equal(mm_svo_compact(p, 2, 3, &links), MM_ENOENT);
	assert_int_equal(mm_svo_compact(p, 1, 2, &links), MM_EUNSUP);
	assert_int_equal(mm_svo_compact(p, 1, 3, &links), MM_OK);
	assert_int_equal(digest(p, root, 3, &next), sum);
	mm_svo_sums(p, &after);
	assert_int_equal(after.live, next);
	assert_true(after.committed <= before.committed);
	assert_int_equal(mm_svo_check(p), 0);
	mm_svo_close(p);
}

/* What is no tree stays as it is: two nodes with the same children, whose sum of slots is right all
 * the same, would leave a run behind that nobody copied; so would children that are free. */
static void what_is_no_tree_is_not_compacted(void **state)
{
	struct mm_svo_links links = { .children = kids, .relink = relink };
	struct mm_svo *p = opened(4);
	uint32_t root, shared, alone;

	(void)state;
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 2, &root), MM_OK);
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 4, &shared), MM_OK);
	assert_int_equal(mm_svo_take(p, 1, MM_SVO_INNER, 4, &alone), MM_OK);
	for (uint32_t i = 0; i < 4; i++) {
		*(uint64_t *)(uintptr_t)mm_svo_node(p, shared + i) = 0;
		*(uint64_t *)(uintptr_t)mm_svo_node(p, alone + i) = 0;
		*(uint32_t *)(uintptr_t)mm_svo_value(p, alone + i) = 77 + i;
	}
	for (uint32_t i = 0; i < 2; i++)
		*(uint64_t *)(uintptr_t)mm_svo_node(p, root + i) = UINT64_C(4) << 32 | shared;
	assert_int_equal(mm_svo_compact(p, 1, 2, &links), MM_EUNSUP);
	assert_int_equal(mm_svo_compact(p, UINT64_C(1) << 63 | 1, 2, &links), MM_EINVAL);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(*(uint32_t *)(uintptr_t)mm_svo_value(p, alone + i), 77 + i);
	*(uint64_t *)(uintptr_t)mm_svo_node(p, root + 1) = 0;
	assert_int_equal(mm_svo_give(p, shared, 4), MM_OK);
	assert_int_equal(mm_svo_compact(p, 1, 2, &links), MM_EUNSUP);
	*(uint64_t *)(uintptr_t)mm_svo_node(p, root) = UINT64_C(4) << 32 | alone;
	assert_int_equal(mm_svo_compact(p, 1, 2, &links), MM_OK);
	alone = (uint32_t)*(uint64_t *)(uintptr_t)mm_svo_node(p, root);
	assert_int_equal(*(uint32_t *)(uintptr_t)mm_svo_value(p, alone + 3), 80);
	assert_int_equal(mm_svo_check(p), 0);
	mm_svo_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_runs_keep_their_contents),
		cmocka_unit_test(a_region_goes_back_whole),
		cmocka_unit_test(misuse_is_refused),
		cmocka_unit_test(sizes_beyond_32_bits_are_exact),
		cmocka_unit_test(compaction_keeps_the_tree_and_orders_it),
		cmocka_unit_test(what_is_no_tree_is_not_compacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
