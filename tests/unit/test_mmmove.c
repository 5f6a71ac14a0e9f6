/* test_mmmove: libmm's movable blocks (mm_move.h): names, pins, what is charged and known,
 * passes, threads, forked children; which node is preferred; what is supported. When which
 * block moves is tested in test_defrag, with a clock that is computed. Every block says in
 * its first bytes which one it is.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

enum { MANY = 60000, BYTES = 200 };

static struct mm_manager *new_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_movable new_block(struct mm_manager *m, size_t size, uint32_t mark)
{
	struct mm_movable n = { 0, 0 };
	void *p = NULL;

	assert_int_equal(mm_movable_create(m, size, &n), MM_OK);
	assert_int_equal(mm_movable_pin(m, n, &p), MM_OK);
	memset(p, (int)(mark & 0xff), size);
	memcpy(p, &mark, sizeof mark);
	assert_int_equal(mm_movable_unpin(m, n), MM_OK);
	return n;
}

/* Without assertions: for threads and children. */
static int is_marked(struct mm_manager *m, struct mm_movable n, size_t size, uint32_t mark)
{
	uint8_t *p;
	int good;

	if (mm_movable_pin(m, n, (void **)&p))
		return 0;
	good = memcmp(p, &mark, sizeof mark) == 0 && p[size - 1] == (mark & 0xff);
	return mm_movable_unpin(m, n) == MM_OK && good;
}

static uint64_t used_by(struct mm_manager *m, uint32_t category)
{
	struct mm_usage u;

	assert_int_equal(mm_usage(m, category, &u), MM_OK);
	return u.used_bytes;
}

/* --- names and pins ------------------------------------------------------------------------ */

static void a_name_means_one_block(void **state)
{
	struct mm_manager *m = new_manager(), *other = new_manager();
	struct mm_movable none = { 0, 0 }, a, b;
	struct mm_movable_info i = { .size = 1 };
	void *p = &i, *q;

	(void)state;
	assert_int_equal(mm_movable_pin(m, none, &p), MM_ENOENT);
	assert_int_equal(mm_movable_free(m, none), MM_ENOENT);
	assert_int_equal(mm_movable_info(m, none, &i), MM_ENOENT);
	a = new_block(m, 100, 7);
	assert_int_equal(mm_movable_pin(other, a, &p), MM_ENOENT);
	assert_ptr_equal(p, &i);
	assert_int_equal(mm_movable_unpin(m, a), MM_EINVAL);
	assert_int_equal(mm_movable_pin(m, a, &p), MM_OK);
	assert_int_equal(mm_movable_pin(m, a, &q), MM_OK);
	assert_ptr_equal(p, q);
	assert_int_equal(mm_movable_free(m, a), MM_EPERM);
	assert_int_equal(mm_movable_info(m, a, &i), MM_OK);
	assert_true(i.pins == 2 && i.size == 100 && i.priority == MM_PRIORITY_NORMAL);
	assert_int_equal(mm_free(m, p), MM_EINVAL);
	assert_null(mm_realloc(m, p, 8));
	assert_int_equal(mm_movable_unpin(m, a), MM_OK);
	assert_int_equal(mm_movable_unpin(m, a), MM_OK);
	assert_int_equal(mm_movable_free(m, a), MM_OK);
	b = new_block(m, 100, 8); /* in the same place */
	assert_int_equal(b.index, a.index);
	assert_int_equal(mm_movable_free(m, a), MM_ENOENT);
	assert_int_equal(mm_movable_pin(m, a, &p), MM_ENOENT);
	assert_true(is_marked(m, b, 100, 8));
	mm_manager_destroy(other);
	mm_manager_destroy(m); /* with what is left */
}

static void epochs_and_priorities(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_movable_info i;

	(void)state;
	assert_int_equal(mm_movables_epoch(m, 5), MM_OK);
	struct mm_movable a = new_block(m, 10, 1);
	assert_int_equal(mm_movables_epoch(m, 9), MM_OK);
	assert_int_equal(mm_movable_info(m, a, &i), MM_OK);
	assert_int_equal(i.epoch, 5);
	assert_true(is_marked(m, a, 10, 1));
	assert_int_equal(mm_movable_set_priority(m, a, MM_PRIORITIES), MM_EINVAL);
	for (int p = 0; p < MM_PRIORITIES; p++) {
		assert_int_equal(mm_movable_set_priority(m, a, (enum mm_priority)p), MM_OK);
		assert_int_equal(mm_movable_info(m, a, &i), MM_OK);
		assert_true(i.epoch == 9 && i.priority == (enum mm_priority)p);
	}
	mm_manager_destroy(m);
}

/* --- as other blocks ------------------------------------------------------------------------- */

static void they_are_charged(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_movable n[11], none = { 0, 0 };
	struct mm_what what = MM_WHAT;
	struct mm_usage u;

	(void)state;
	what.category = MM_CATEGORY_MESH_DATA;
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_DENY), MM_OK);
	for (int i = 0; i < 10; i++)
		assert_int_equal(mm_movable_create_as(m, 99, &what, &n[i]), MM_OK);
	assert_int_equal(mm_movable_create_as(m, 11, &what, &none), MM_ELIMIT);
	assert_true(none.index == 0 && none.generation == 0);
	assert_int_equal(mm_movable_create_as(m, 10, &what, &n[10]), MM_OK);
	assert_int_equal(mm_usage(m, MM_CATEGORY_MESH_DATA, &u), MM_OK);
	assert_true(u.used_bytes == 1000 && u.live_count == 11 && u.denied_count == 1);
	for (int i = 0; i < 11; i++)
		assert_int_equal(mm_movable_free(m, n[i]), MM_OK);
	assert_int_equal(mm_movable_free(m, n[0]), MM_ENOENT);
	assert_int_equal(used_by(m, MM_CATEGORY_MESH_DATA), 0);
	mm_category_begin(MM_CATEGORY_SDF_FIELDS);
	new_block(m, 77, 1);
	mm_category_end();
	assert_int_equal(used_by(m, MM_CATEGORY_SDF_FIELDS), 77);
	what.category = MM_CATEGORIES - 1;
	assert_int_equal(mm_movable_create_as(m, 8, &what, &none), MM_EINVAL);
	what = (struct mm_what)MM_WHAT;
	what.priority = MM_PRIORITY_CACHEABLE;
	assert_int_equal(mm_movable_create_as(m, 8, &what, &none), MM_EUNSUP);
	what.priority = MM_PRIORITY_HIGH;
	for (what.align = 3; what.align < 25; what.align += 7) /* no power of two, above 16 or below */
		assert_int_equal(mm_movable_create_as(m, 8, &what, &none), MM_EINVAL);
	assert_int_equal(mm_movable_create(m, SIZE_MAX, &none), MM_EINVAL);
	assert_int_equal(used_by(m, MM_CATEGORY_GENERAL), 0);
	mm_manager_destroy(m);
}

static int count_one(void *ctx, const struct mm_info *info)
{
	uint64_t *sum = ctx;

	sum[0]++;
	sum[1] += info->size;
	return 0;
}

static void they_are_known(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_what what = { MM_CATEGORY_SVO_NODES, MM_PRIORITY_HIGH, 64, "leaf", "tree.c", 12,
				0, 0, 0, NULL };
	struct mm_movable n, large;
	struct mm_info i;
	uint64_t sum[2] = { 0, 0 };
	char *p;

	(void)state;
	assert_int_equal(mm_movable_create_as(m, 500, &what, &n), MM_OK);
	assert_int_equal(mm_movable_pin(m, n, (void **)&p), MM_OK);
	assert_int_equal((uintptr_t)p % 64, 0);
	assert_int_equal(mm_info(m, p + 499, &i), MM_OK);
	assert_ptr_equal(i.start, p);
	assert_int_equal(i.size, 500);
	assert_string_equal(i.name, "leaf");
	assert_string_equal(i.category_name, "svo_nodes");
	assert_string_equal(i.file, "tree.c");
	assert_true(i.line == 12 && i.priority == MM_PRIORITY_HIGH && i.site != NULL);
	what.name = "large";
	assert_int_equal(mm_movable_create_as(m, 5 << 20, &what, &large), MM_OK);
	assert_int_equal(mm_each(m, count_one, sum), 0);
	assert_true(sum[0] == 2 && sum[1] == 500 + (5 << 20));
	assert_int_equal(mm_movable_free(m, large), MM_OK);
	assert_int_equal(mm_leaks(m, 0, NULL, NULL), 1);
	assert_int_equal(mm_movable_unpin(m, n), MM_OK);
	assert_int_equal(mm_movable_free(m, n), MM_OK);
	assert_int_equal(mm_leaks(m, 0, NULL, NULL), 0);
	mm_manager_destroy(m);
}

/* --- passes ------------------------------------------------------------------------------------ */

static struct mm_movable block[MANY];

/* Three of four are freed: the holes are everywhere. */
static void fill_with_holes(struct mm_manager *m)
{
	for (uint32_t i = 0; i < MANY; i++)
		block[i] = new_block(m, BYTES, i);
	for (uint32_t i = 0; i < MANY; i++)
		if (i % 4)
			assert_int_equal(mm_movable_free(m, block[i]), MM_OK);
}

static void passes_put_blocks_together(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_defragmented d = { .moved_blocks = 9 };
	struct mm_movables_stats before, after;
	uint64_t sum[2] = { 0, 0 };
	void *pinned, *again;

	(void)state;
	fill_with_holes(m);
	assert_int_equal(mm_movable_pin(m, block[MANY - 4], &pinned), MM_OK);
	mm_movables_stats(m, &before);
	assert_int_equal(mm_defragment(m, 0, MM_PRIORITY_CACHEABLE, &d), MM_OK);
	assert_true(d.moved_blocks == 0);
	assert_int_equal(mm_defragment(m, 10000, MM_PRIORITIES, &d), MM_EINVAL);
	assert_int_equal(mm_defragment(m, 10000, MM_PRIORITY_CACHEABLE, &d), MM_OK);
	assert_true(d.moved_blocks > 0 && d.moved_bytes >= d.moved_blocks * BYTES);
	assert_true(d.freed_bytes > 0 && d.skipped_blocks > 0);
	assert_true(d.fragmentation < 5 && d.fragmentation == mm_fragmentation(m));
	assert_int_equal(mm_is_defragmenting(m), 0);
	for (uint32_t i = 0; i < MANY; i += 4)
		assert_true(is_marked(m, block[i], BYTES, i));
	assert_int_equal(mm_movable_pin(m, block[MANY - 4], &again), MM_OK);
	assert_ptr_equal(pinned, again);
	mm_each(m, count_one, sum);
	assert_true(sum[0] == MANY / 4 && sum[1] == MANY / 4 * BYTES);
	mm_movables_stats(m, &after);
	assert_true(after.live_count == MANY / 4 && after.requested_bytes == MANY / 4 * BYTES);
	assert_true(after.committed_bytes < before.committed_bytes);
	assert_true(after.moved_blocks == d.moved_blocks && after.freed_bytes == d.freed_bytes);
	mm_manager_destroy(m);
}

static void what_matters_more_moves_alone(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_defragmented d;

	(void)state;
	fill_with_holes(m);
	assert_int_equal(mm_defragment(m, 10000, MM_PRIORITY_HIGH, &d), MM_OK);
	assert_true(d.moved_blocks == 0 && d.skipped_blocks > 0);
	for (uint32_t i = 0; i < MANY; i += 4)
		assert_int_equal(mm_movable_set_priority(m, block[i], MM_PRIORITY_CRITICAL), MM_OK);
	assert_int_equal(mm_defragment_enrol(m, BYTES, 0), MM_OK);
	assert_int_equal(mm_defragment(m, 10000, MM_PRIORITY_HIGH, &d), MM_OK);
	assert_true(d.moved_blocks == 0 && mm_fragmentation(m) == 0);
	assert_int_equal(mm_defragment_enrol(m, 0, 1), MM_OK);
	assert_int_equal(mm_defragment_enrol(m, 64 << 20, 1), MM_EINVAL);
	assert_int_equal(mm_defragment(m, 10000, MM_PRIORITY_HIGH, &d), MM_OK);
	assert_true(d.moved_blocks > 0 && d.fragmentation < 5);
	mm_manager_destroy(m);
}

/* What is kept for a movable block: handle 24, mover 4, note 8, size 2, and a share of the
 * slabs' records; the tables' last pages beside it. */
static void their_records_are_small(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_movables_stats first, all;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		block[i] = new_block(m, BYTES, i);
		if (i == MANY / 2 - 1)
			mm_movables_stats(m, &first);
	}
	mm_movables_stats(m, &all);
	uint64_t each = (all.metadata_bytes - first.metadata_bytes) * 100 / (MANY / 2);
	if (each > 4200)
		print_message("%.2f bytes a block\n", (double)each / 100);
	assert_in_range(each, 3800, 4200);
	mm_manager_destroy(m);
}

/* --- threads ------------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 6000, HELD = 300 };

static struct mm_manager *shared;
static _Atomic int wrong, running;

static uint32_t draw(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223, *seed >> 8;
}

static void replace_block(struct mm_movable *n, uint32_t *size, uint32_t mark, uint32_t *seed)
{
	uint8_t *p;

	if (n->index && (!is_marked(shared, *n, *size, mark) || mm_movable_free(shared, *n)))
		wrong++;
	*size = 16 + draw(seed) % 600;
	if (mm_movable_create(shared, *size, n) || mm_movable_pin(shared, *n, (void **)&p)) {
		wrong++;
		return;
	}
	memset(p, (int)(mark & 0xff), *size);
	memcpy(p, &mark, sizeof mark);
	wrong += mm_movable_unpin(shared, *n) != MM_OK;
}

static void *churn(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg, size[HELD] = { 0 };
	struct mm_movable n[HELD] = { { 0, 0 } };

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t at = draw(&seed) % HELD;
		replace_block(&n[at], &size[at], at << 8 | (at & 0x7f), &seed);
		at = draw(&seed) % HELD;
		if (n[at].index && !is_marked(shared, n[at], size[at], at << 8 | (at & 0x7f)))
			wrong++;
	}
	for (int i = 0; i < HELD; i++)
		if (n[i].index && mm_movable_free(shared, n[i]))
			wrong++;
	running--;
	return NULL;
}

/* Those that stay are met once each, and nothing half made. */
static int count_kept(void *ctx, const struct mm_info *info)
{
	*(int *)ctx += info->name && strcmp(info->name, "kept") == 0 && info->size == 333;
	return info->size < 16 || info->size > 616 ? -1 : 0;
}

static void keep_some(void)
{
	struct mm_what what = MM_WHAT;

	what.name = "kept";
	for (int i = 0; i < HELD; i++) {
		new_block(shared, 333, 1);
		assert_int_equal(mm_movable_create_as(shared, 333, &what, &block[i]), MM_OK);
	}
}

static void passes_beside_threads(void **state)
{
	pthread_t t[THREADS];
	struct mm_movables_stats s;
	int met, err;

	(void)state;
	shared = new_manager();
	running = THREADS;
	wrong = 0;
	keep_some();
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
	while (running) {
		err = mm_defragment(shared, 1, MM_PRIORITY_CACHEABLE, NULL);
		assert_true(err == MM_OK || err == MM_EAGAIN);
		met = 0;
		assert_int_equal(mm_each(shared, count_kept, &met), 0);
		assert_int_equal(met, HELD);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(wrong, 0);
	mm_movables_stats(shared, &s);
	assert_true(s.live_count == 2 * HELD && s.passes > 0);
	assert_int_equal(used_by(shared, MM_CATEGORY_GENERAL), 2 * HELD * 333);
	mm_manager_destroy(shared);
}

static _Atomic uint64_t watched; /* index << 32 | generation */

static void *watch(void *arg)
{
	struct mm_movable_info i;

	while (running) {
		uint64_t n = watched;
		mm_movable_info(shared, (struct mm_movable){ (uint32_t)(n >> 32), (uint32_t)n }, &i);
	}
	return arg;
}

/* Who only asks about a block pins it for nobody. */
static void asking_holds_nobody_up(void **state)
{
	struct mm_movable n;
	pthread_t t;

	(void)state;
	shared = new_manager();
	running = 1;
	wrong = 0;
	assert_int_equal(mm_movable_create(shared, 64, &n), MM_OK); /* or there is nothing to ask */
	assert_int_equal(pthread_create(&t, NULL, watch, NULL), 0);
	for (int i = 0; i < 200000; i++) {
		wrong += mm_movable_create(shared, 64, &n) != MM_OK;
		watched = (uint64_t)n.index << 32 | n.generation;
		wrong += mm_movable_free(shared, n) != MM_OK;
	}
	running = 0;
	pthread_join(t, NULL);
	assert_int_equal(wrong, 0);
	mm_manager_destroy(shared);
}

/* --- forks ---------------------------------------------------------------------------------------- */

static void *pass_on(void *arg)
{
	(void)arg;
	while (running)
		if (mm_defragment(shared, 2, MM_PRIORITY_CACHEABLE, NULL) != MM_OK)
			wrong++;
	return NULL;
}

static int child_is_well(void)
{
	struct mm_movable n;
	void *p;

	for (uint32_t i = 0; i < MANY; i += 4)
		if (!is_marked(shared, block[i], BYTES, i) || mm_movable_free(shared, block[i]))
			return 1;
	if (mm_movable_create(shared, 300, &n) || mm_movable_pin(shared, n, &p) ||
	    mm_defragment(shared, 5, MM_PRIORITY_CACHEABLE, NULL))
		return 2;
	return mm_is_defragmenting(shared) ? 3 : 0;
}

static void *sum_up(void *arg)
{
	struct mm_movables_stats s;

	while (running)
		mm_movables_stats(shared, &s);
	return arg;
}

/* Whatever others were asking in that moment. */
static void children_of_many_go_on(void **state)
{
	pthread_t t[8];
	struct mm_movable n;
	int status;

	(void)state;
	shared = new_manager();
	running = 1;
	new_block(shared, 100, 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sum_up, NULL), 0);
	for (int i = 0; i < 400; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			alarm(20);
			_exit(mm_movable_create(shared, 10, &n) != MM_OK);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	running = 0;
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	mm_manager_destroy(shared);
}

static void children_go_on(void **state)
{
	pthread_t t;

	(void)state;
	shared = new_manager();
	running = 1;
	wrong = 0;
	fill_with_holes(shared);
	assert_int_equal(pthread_create(&t, NULL, pass_on, NULL), 0);
	for (int i = 0; i < 5; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			_exit(child_is_well());
		assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
		assert_int_equal(status, 0);
	}
	running = 0;
	pthread_join(t, NULL);
	assert_int_equal(wrong, 0);
	for (uint32_t i = 0; i < MANY; i += 4)
		assert_true(is_marked(shared, block[i], BYTES, i));
	mm_manager_destroy(shared);
}

/* --- nodes and features ------------------------------------------------------------------------------ */

enum { PREFERRED = 1, OF_ADDRESS = 2 }; /* as the kernel has them */

static int policy_of(const void *address, unsigned long *ret_nodes)
{
	unsigned long nodes[17] = { 0 };
	int mode = -1;

	assert_int_equal(syscall(SYS_get_mempolicy, &mode, nodes, 1025ul, address,
				 (unsigned long)OF_ADDRESS), 0);
	*ret_nodes = nodes[0];
	return mode;
}

static void *voxels_in(struct mm_manager *m, const char *name)
{
	struct mm_svo_pool *p;
	uint32_t node;

	assert_int_equal(mm_svo_pool_create(m, name, 8, 0, 0, &p), MM_OK);
	assert_int_equal(mm_svo_pool_take(p, mm_node_key(3, 0, 0, 0), MM_NODES_INNER, 1, &node), MM_OK);
	return mm_svo_pool_node(p, node);
}

static void *brick_in(struct mm_manager *m, const char *name)
{
	struct mm_band_pool *p;
	uint32_t brick;

	assert_int_equal(mm_band_pool_create(m, name, 8, 3, MM_PRECISION_F32, &p), MM_OK);
	assert_int_equal(mm_band_pool_take(p, 0, &brick), MM_OK);
	return mm_band_pool_payload(p, brick);
}

static void nodes_are_preferred(void **state)
{
	struct mm_manager *m = new_manager();
	unsigned long nodes = 0;
	struct mm_movable n;
	void *p;

	(void)state;
	assert_int_equal(mm_numa_node(m), -1);
	assert_int_equal(mm_numa_policy_set(m, 1, -1), MM_EINVAL);
	assert_int_equal(mm_numa_policy_set(m, 1, 1 << 20), MM_EINVAL);
	assert_int_equal(mm_numa_policy_set(m, 0, 99), MM_OK);
	if (!mm_manager_is_supported(m, MM_FEATURE_NUMA)) {
		assert_int_equal(mm_numa_policy_set(m, 1, 0), MM_EUNSUP);
		assert_int_equal(mm_numa_node(m), -1);
		mm_manager_destroy(m);
		return;
	}
	void *before = mm_alloc(m, 100), *early = voxels_in(m, "early");
	assert_int_equal(policy_of(early, &nodes), 0);
	assert_int_equal(mm_numa_policy_set(m, 1, 0), MM_OK);
	assert_int_equal(mm_numa_node(m), 0);
	assert_int_equal(policy_of(before, &nodes), PREFERRED);
	assert_int_equal(nodes, 1);
	n = new_block(m, 100, 1); /* a heap that is made later */
	assert_int_equal(mm_movable_pin(m, n, &p), MM_OK);
	assert_int_equal(policy_of(p, &nodes), PREFERRED);
	void *late = voxels_in(m, "late");
	assert_int_equal(policy_of(early, &nodes), PREFERRED);
	assert_int_equal(policy_of(late, &nodes), PREFERRED);
	assert_int_equal(policy_of(brick_in(m, "late"), &nodes), PREFERRED);
	assert_int_equal(mm_numa_policy_set(m, 1, 1000), MM_EINVAL); /* not here */
	assert_int_equal(mm_numa_node(m), 0);
	assert_int_equal(policy_of(before, &nodes), PREFERRED);
	assert_int_equal(mm_numa_policy_set(m, 0, 0), MM_OK);
	assert_int_equal(policy_of(before, &nodes), 0);
	assert_int_equal(policy_of(early, &nodes), 0);
	assert_int_equal(policy_of(late, &nodes), 0);
	assert_int_equal(mm_numa_node(m), -1);
	mm_manager_destroy(m);
}

static void what_there_is(void **state)
{
	struct mm_manager *m;

	(void)state;
	assert_int_equal(mm_manager_is_initialised(NULL), 0);
	assert_non_null(mm_manager_default());
	assert_int_equal(mm_manager_is_initialised(NULL), 1);
	m = new_manager();
	assert_int_equal(mm_manager_is_initialised(m), 1);
	mm_manager_destroy(m);
	assert_int_equal(mm_manager_is_initialised(m), 0);
	assert_int_equal(mm_manager_is_supported(NULL, MM_FEATURE_MOVABLES), 1);
	assert_int_equal(mm_manager_is_supported(NULL, MM_FEATURE_GPU), 0);
	assert_int_equal(mm_manager_is_supported(NULL, (enum mm_feature)(MM_FEATURES + 5)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_there_is), /* first: before there is a default manager */
		cmocka_unit_test(a_name_means_one_block),
		cmocka_unit_test(epochs_and_priorities),
		cmocka_unit_test(they_are_charged),
		cmocka_unit_test(they_are_known),
		cmocka_unit_test(passes_put_blocks_together),
		cmocka_unit_test(what_matters_more_moves_alone),
		cmocka_unit_test(their_records_are_small),
		cmocka_unit_test(passes_beside_threads),
		cmocka_unit_test(asking_holds_nobody_up),
		cmocka_unit_test(children_go_on),
		cmocka_unit_test(children_of_many_go_on),
		cmocka_unit_test(nodes_are_preferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
