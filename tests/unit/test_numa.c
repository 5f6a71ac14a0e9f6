/* test_numa: the strategy numa-aware over a machine of four nodes that is pretended: which node
 * a block lies on, where it goes when another node's thread frees it, and that the account adds
 * up. Nothing is said of speed: there are no such nodes.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/heap.h"
#include "alloc/heap_notes.h"
#include "core/error.h"

enum { NODES = 4, THREADS = 8, ROUNDS = 30000, SWAP = 512, MAP = 1 << 16 };

/* Who places what: the node of each 64 KiB, as the heap has said it. */
static struct { uint64_t base; _Atomic uint8_t node[MAP]; int refuse; } map;

static int place(void *arg, uint64_t addr, uint64_t bytes, uint32_t node)
{
	(void)arg;
	for (uint64_t at = addr; at < addr + bytes; at += 65536)
		map.node[(at >> 16) % MAP] = (uint8_t)(node + 1);
	return map.refuse && node == 2;
}

static uint32_t placed_on(uint64_t addr)
{
	return map.node[(addr >> 16) % MAP] - 1u;
}

static struct mm_heap *open_heap(int simulated)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_NUMA_AWARE, .nodes = NODES,
		.simulated = simulated, .track = 1, .place = place,
		.bytes = UINT64_C(1) << 32, .retain_bytes = MM_HEAP_DEFAULT };
	struct mm_heap *h;

	memset(&map, 0, sizeof map);
	assert_int_equal(mm_heap_open(&h, &o), 0);
	return h;
}

static void law(struct mm_heap *h)
{
	struct mm_account a;
	uint64_t pages = 0;

	mm_heap_account(h, &a);
	assert_int_equal(mm_account_sum(&a), a.committed);
	assert_int_equal(mm_heap_check(h), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		struct mm_heap_node n;
		mm_heap_node(h, i, &n);
		pages += n.slab_bytes + n.large_bytes;
	}
	assert_int_equal(pages, a.committed - a.retained - a.metadata);
}

/* --- one thread ------------------------------------------------------------------------ */

static void blocks_lie_at_home(void **state)
{
	struct mm_heap *h = open_heap(1);
	struct mm_context *c[NODES];
	uint64_t addr[NODES][100], again;
	static const uint64_t size[] = { 16, 100, 3000, 30000, 200000 };
	struct mm_heap_node n;

	(void)state;
	for (uint32_t i = 0; i < NODES; i++)
		assert_int_equal(mm_heap_context(h, i, &c[i]), 0);
	for (uint32_t k = 0; k < 100; k++)
		for (uint32_t i = 0; i < NODES; i++) {
			assert_int_equal(mm_heap_alloc(h, c[i], size[k % 5], 0, &addr[i][k]), 0);
			assert_int_equal(placed_on(addr[i][k]), i);
		}
	law(h);
	/* Node 3 frees what node 1 has: it is counted, and is never node 3's to give. */
	for (uint32_t k = 0; k < 100; k++)
		assert_int_equal(mm_heap_free(h, c[3], addr[1][k]), 0);
	mm_heap_node(h, 3, &n);
	assert_int_equal(n.remote_frees, 80); /* the large ones lie in no pool */
	law(h);
	for (uint32_t k = 0; k < 100; k++) {
		assert_int_equal(mm_heap_alloc(h, c[3], size[k % 5], 0, &again), 0);
		assert_int_equal(placed_on(again), 3);
	}
	mm_heap_leave(h, c[3]);
	mm_heap_node(h, 3, &n);
	assert_int_equal(n.remote_frees, 80);
	law(h);
	mm_heap_close(h);
}

static void many_come_and_go(void **state)
{
	struct mm_heap *h = open_heap(1);
	struct mm_context *c[NODES];
	static uint64_t held[SWAP];
	static uint32_t home[SWAP];
	uint64_t r = 1;

	(void)state;
	memset(held, 0, sizeof held);
	for (uint32_t i = 0; i < NODES; i++)
		assert_int_equal(mm_heap_context(h, i, &c[i]), 0);
	for (uint32_t k = 0; k < 200000; k++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint32_t at = (uint32_t)(r >> 40) % SWAP, who = (uint32_t)(r >> 33) % NODES;
		uint64_t size = 1 + (r >> 20) % (k % 50 ? 900 : 90000);
		if (held[at])
			assert_int_equal(placed_on(held[at]), home[at]);
		if (held[at] && k % 7 == 0) { /* a realloc takes it to where it is asked for */
			assert_int_equal(mm_heap_realloc(h, c[who], held[at], size, 0, &held[at]), 0);
			home[at] = placed_on(held[at]);
			continue;
		}
		if (held[at])
			assert_int_equal(mm_heap_free(h, c[who], held[at]), 0);
		assert_int_equal(mm_heap_alloc(h, c[who], size, 0, &held[at]), 0);
		home[at] = who;
		if (k % 5000 == 0)
			law(h);
	}
	law(h);
	mm_heap_close(h);
}

static void what_cannot_be_placed_is_counted(void **state)
{
	struct mm_heap *h = open_heap(1);
	struct mm_context *c;
	struct mm_heap_node n;
	uint64_t addr;

	(void)state;
	map.refuse = 1;
	assert_int_equal(mm_heap_context(h, 2, &c), 0);
	assert_int_equal(mm_heap_alloc(h, c, 10, 0, &addr), 0);
	assert_int_equal(mm_heap_alloc(h, c, 100000, 0, &addr), 0);
	mm_heap_node(h, 2, &n);
	assert_int_equal(n.misplaced, 2);
	mm_heap_node(h, 1, &n);
	assert_int_equal(n.misplaced, 0);
	mm_heap_node(h, NODES, &n);
	assert_int_equal(n.slab_bytes, 0);
	mm_heap_close(h);
}

static void one_node_is_one_arena(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_NUMA_AWARE, .simulated = 1, .track = 1 };
	struct mm_heap *h;
	struct mm_context *c;
	struct mm_heap_node n;
	uint64_t addr;

	(void)state;
	assert_int_equal(mm_heap_open(&h, &o), 0);
	assert_int_equal(mm_heap_nodes(h), 1);
	assert_int_equal(mm_heap_context(h, 7, &c), 0);
	assert_int_equal(mm_heap_alloc(h, c, 10, 0, &addr), 0);
	mm_heap_node(h, 0, &n);
	assert_int_equal(n.slab_bytes, 4096);
	mm_heap_close(h);
	o.nodes = MM_HEAP_NODES + 1;
	assert_int_equal(mm_heap_open(&h, &o), MM_EINVAL);
}

/* --- threads ------------------------------------------------------------------------------ */

struct shared { struct mm_heap *heap; _Atomic uint64_t swap[SWAP]; };
struct worker { struct shared *s; uint32_t number; };

static void *works(void *arg)
{
	struct worker *w = arg;
	struct mm_context *c;
	uint64_t r = w->number + 1, addr, old;

	if (mm_heap_context(w->s->heap, w->number % NODES, &c))
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (mm_heap_alloc(w->s->heap, c, 8 + (r >> 40) % 2000, 0, &addr))
			abort();
		if (placed_on(addr) != w->number % NODES)
			abort();
		memset((void *)(uintptr_t)addr, (int)w->number, 8);
		old = atomic_exchange(&w->s->swap[(r >> 33) % SWAP], addr);
		if (old && mm_heap_free(w->s->heap, c, old))
			abort();
	}
	mm_heap_leave(w->s->heap, c);
	return NULL;
}

static void threads_free_across_nodes(void **state)
{
	static struct shared s;
	struct worker w[THREADS];
	pthread_t t[THREADS];
	struct mm_account a;

	(void)state;
	memset(&s, 0, sizeof s);
	s.heap = open_heap(0);
	for (uint32_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ &s, i };
		assert_int_equal(pthread_create(&t[i], NULL, works, &w[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	law(s.heap);
	mm_heap_account(s.heap, &a);
	assert_in_range(a.live, 1, SWAP);
	assert_int_equal(a.cached, 0);
	mm_heap_close(s.heap);
}

static int sum_notes(void *arg, const struct mm_heap_block *b)
{
	*(uint64_t *)arg += *(uint64_t *)b->note;
	return 0;
}

/* Notes are found whichever node's pools a block is of. */
static void notes_on_every_node(void **state)
{
	struct mm_heap_options o = { .strategy = MM_STRATEGY_NUMA_AWARE, .nodes = NODES,
		.track = 1, .note_bytes = 8, .bytes = UINT64_C(1) << 32,
		.retain_bytes = MM_HEAP_DEFAULT };
	struct mm_context *c[NODES];
	uint64_t addr[NODES][2], sum = 0;
	struct mm_heap_block b;
	struct mm_heap *h;

	(void)state;
	assert_int_equal(mm_heap_open(&h, &o), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		assert_int_equal(mm_heap_context(h, i, &c[i]), 0);
		for (uint32_t k = 0; k < 2; k++) { /* of a pool, and large */
			uint64_t size = k ? 1 << 20 : 100 + 200 * i;
			assert_int_equal(mm_heap_alloc(h, c[i], size, 0, &addr[i][k]), 0);
			assert_int_equal(mm_heap_block_at(h, addr[i][k] + 50, &b), 0);
			assert_int_equal(b.addr, addr[i][k]);
			assert_int_equal(b.requested, size);
			*(uint64_t *)b.note = UINT64_C(1) << (2 * i + k);
		}
	}
	assert_int_equal(mm_heap_each_block(h, sum_notes, &sum), 0);
	assert_int_equal(sum, (1 << 2 * NODES) - 1);
	for (uint32_t i = 0; i < NODES; i++)
		mm_heap_leave(h, c[i]);
	mm_heap_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_lie_at_home),
		cmocka_unit_test(many_come_and_go),
		cmocka_unit_test(what_cannot_be_placed_is_counted),
		cmocka_unit_test(one_node_is_one_arena),
		cmocka_unit_test(threads_free_across_nodes),
		cmocka_unit_test(notes_on_every_node),
	};

	return cmocka_run_group_tests_name("numa", tests, NULL, NULL);
}
