/* test_calltree.c: one number for one triple, whoever asks first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/mman.h>

#include "capture/calltree.h"
#include "core/shm.h"

enum { MAPPING = 256 << 20, THREADS = 8, TRIPLES = 60000, SMALL_SEGMENTS = 3 };

static struct mm_path root;

struct triple { struct mm_path parent; uint64_t value; uint32_t module; };

static void *base;
static struct triple triple[TRIPLES];
static uint32_t answer[THREADS][TRIPLES];
static pthread_barrier_t start;

static const struct mm_shm_node *node_of(uint32_t node)
{
	struct mm_shm_process *p = mm_shm_process(base, 0);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(base, p->dir_seg);

	return (struct mm_shm_node *)mm_shm_seg(base, dir->nodes[node / MM_NODES_PER_SEG]) +
	       node % MM_NODES_PER_SEG;
}

static int map_fresh(void **state)
{
	(void)state;
	base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, 64, MM_CLOCK_TSC) != 0 ||
	    mm_calltree_bind(base, 0) != 0)
		return -1;
	root = mm_calltree_root();
	return 0;
}

static int unmap(void **state)
{
	(void)state;
	return munmap(base, MAPPING);
}

static void a_chain(void **state)
{
	struct mm_path a_path = mm_calltree_child(root, 0x1000, 3);
	struct mm_path b_path = mm_calltree_child(a_path, 0x2000, 4);
	uint32_t a = a_path.node, b = b_path.node;
	uint32_t category = mm_calltree_child(mm_calltree_bare(b),
					      (uint64_t)MM_NODE_CATEGORY << 56 | 9, 0).node;

	(void)state;
	assert_int_not_equal(a, 0);
	assert_int_equal(mm_calltree_child(root, 0x1000, 3).node, a);
	assert_int_equal(mm_calltree_child(a_path, 0x2000, 4).node, b);
	assert_int_not_equal(mm_calltree_child(a_path, 0x2000, 5).node, b); /* another module */
	assert_int_not_equal(mm_calltree_child(root, 0x2000, 4).node, b); /* another parent */
	assert_int_not_equal(mm_calltree_child(a_path, (uint64_t)MM_NODE_CUT << 56 | 0x2000,
					       4).node, b);
	assert_int_equal(mm_calltree_hash(a_path.hash, 0x2000, 4), b_path.hash);
	assert_int_equal(mm_calltree_find(b_path.hash, 0x2000, 4), b);
	assert_int_equal(mm_calltree_find(b_path.hash, 0x2000, 5), 0);
	/* every bit of the hash counts */
	for (int bit = 0; bit < 64; bit++)
		assert_int_equal(mm_calltree_find(b_path.hash ^ UINT64_C(1) << bit, 0x2000, 4), 0);
	assert_int_equal(node_of(b)->parent, a);
	assert_int_equal(node_of(b)->value_kind, 0x2000);
	assert_int_equal(node_of(b)->module, 4);
	assert_int_equal(MM_NODE_KIND(node_of(category)->value_kind), MM_NODE_CATEGORY);
	assert_int_equal(MM_NODE_VALUE(node_of(category)->value_kind), 9);
	assert_int_equal(mm_calltree_check(), 0);
}

static void *insert_all(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;

	pthread_barrier_wait(&start);
	for (uint32_t i = 0; i < TRIPLES; i++) { /* threads meet, at other times part */
		uint32_t k = (i * (me % 3 == 0 ? 1 : 7919) + me * 13) % TRIPLES;
		const struct triple *t = &triple[k];
		answer[me][k] = mm_calltree_child(t->parent, t->value, t->module).node;
		const struct mm_shm_node *n = node_of(answer[me][k]);
		if (n->value_kind != t->value || n->parent != t->parent.node || n->module != t->module)
			answer[me][k] = 0; /* seen before it was complete */
	}
	return NULL;
}

static void eight_threads(void **state)
{
	pthread_t thread[THREADS];
	uint32_t given = 0, highest = 0;

	(void)state;
	srand(7);
	struct mm_path parent[50] = { root };
	for (int i = 1; i < 50; i++) /* a chain, and nodes beside it */
		parent[i] = mm_calltree_child(parent[i % 3 ? i - 1 : 0], 0x1000 + (uint64_t)i, 1);
	for (uint32_t i = 0; i < TRIPLES; i++)
		triple[i] = (struct triple){ parent[rand() % 50], 0x400000 + i * 16ULL,
					     (uint32_t)rand() % 4 };
	pthread_barrier_init(&start, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, insert_all, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t k = 0; k < TRIPLES; k++) {
		assert_int_not_equal(answer[0][k], 0);
		for (int i = 1; i < THREADS; i++)
			assert_int_equal(answer[i][k], answer[0][k]);
		highest = answer[0][k] > highest ? answer[0][k] : highest;
	}
	given = mm_shm_process(base, 0)->node_count;
	assert_true(highest < given);
	assert_true(given - 50 >= TRIPLES);
	/* Whoever comes second with the same child has wasted a node, no more. */
	assert_true(given - 50 <= THREADS * TRIPLES);
	assert_int_equal(mm_calltree_check(), 0);
}

static void bound_again(void **state)
{
	uint32_t before = mm_calltree_child(root, 0x1234, 1).node, after;

	(void)state;
	assert_int_equal(mm_calltree_bind(base, 1), 0);
	assert_int_equal(mm_shm_process(base, 1)->node_count, 1);
	after = mm_calltree_child(root, 0x1234, 1).node;
	assert_int_equal(after, 1);
	assert_int_equal(mm_shm_process(base, 1)->node_count, 2);
	assert_int_equal(node_of(before)->value_kind, 0x1234); /* the old tree stands */
}

static void full_mapping(void **state)
{
	struct mm_shm_control *c = base;
	uint32_t n = 0, made = 0;

	(void)state;
	c->seg_limit = c->bump + SMALL_SEGMENTS;
	while (n < 10 * MM_NODES_PER_SEG && mm_calltree_child(root, 0x5000 + n, 0).node != 0)
		n++;
	made = mm_shm_process(base, 0)->node_count;
	assert_int_equal(made, (SMALL_SEGMENTS + 1) * MM_NODES_PER_SEG);
	assert_int_equal(mm_calltree_child(root, 0x5000 + n, 0).node, 0);      /* no room */
	assert_int_not_equal(mm_calltree_child(root, 0x5000, 0).node, 0);      /* known still */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_chain, map_fresh, unmap),
		cmocka_unit_test_setup_teardown(eight_threads, map_fresh, unmap),
		cmocka_unit_test_setup_teardown(bound_again, map_fresh, unmap),
		cmocka_unit_test_setup_teardown(full_mapping, map_fresh, unmap),
	};

	return cmocka_run_group_tests_name("calltree", tests, NULL, NULL);
}
