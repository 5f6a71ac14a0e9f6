/* test_mmalloc: libmm's general heap (mm_alloc.h): what is known of blocks, budgets that hold
 * to the byte under threads, what is kept for a block, threads and children that come and go.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

enum { THREADS = 8, ROUNDS = 20000 };

static struct mm_manager *a_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_usage usage_of(struct mm_manager *m, uint32_t category)
{
	struct mm_usage u;

	assert_int_equal(mm_usage(m, category, &u), MM_OK);
	return u;
}

static struct mm_totals totals_of(struct mm_manager *m)
{
	struct mm_totals t;

	mm_totals(m, &t);
	return t;
}

/* --- what is known ---------------------------------------------------------------------- */

static void categories(void **state)
{
	struct mm_manager *m = a_manager();
	uint32_t n = 0, again = 0, last = 0;
	char name[80];

	(void)state;
	assert_string_equal(mm_category_name(m, MM_CATEGORY_NARROW_BAND), "narrow_band");
	assert_int_equal(usage_of(m, MM_CATEGORY_SDF_FIELDS).budget_bytes, UINT64_C(512) << 20);
	assert_int_equal(mm_category(m, "mesh_data", &n), MM_OK);
	assert_int_equal(n, MM_CATEGORY_MESH_DATA);
	assert_int_equal(mm_category(m, "sound", &n), MM_OK);
	assert_int_equal(n, MM_CATEGORIES_BUILT_IN);
	assert_int_equal(mm_category(m, "sound", &again), MM_OK);
	assert_int_equal(n, again);
	assert_int_equal(usage_of(m, n).budget_bytes, MM_NO_BUDGET);
	assert_int_equal(mm_category(m, "", &n), MM_EINVAL);
	memset(name, 'x', sizeof name);
	name[64] = 0;
	assert_int_equal(mm_category(m, name, &n), MM_EINVAL);
	for (int i = MM_CATEGORIES_BUILT_IN + 1; i < MM_CATEGORIES; i++) {
		snprintf(name, sizeof name, "category %d", i);
		assert_int_equal(mm_category(m, name, &last), MM_OK);
	}
	assert_int_equal(last, MM_CATEGORIES - 1);
	assert_int_equal(mm_category(m, "one more", &n), MM_ELIMIT);
	assert_null(mm_category_name(m, MM_CATEGORIES));
	mm_manager_destroy(m);
}

static void told_of_a_block(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_info i;
	char name[8] = "first", *p = MM_ALLOC(m, 100, MM_CATEGORY_MESH_DATA, name), *q;
	int here = __LINE__ - 1;
	void *none = NULL;

	(void)state;
	strcpy(name, "gone");
	assert_int_equal(mm_info(m, p + 99, &i), MM_OK);
	assert_ptr_equal(i.start, p);
	assert_int_equal(i.size, 100);
	assert_string_equal(i.category_name, "mesh_data");
	assert_string_equal(i.name, "first");
	assert_int_equal(i.line, here);
	assert_non_null(strstr(i.file, "test_mmalloc.c"));
	assert_non_null(i.site);
	assert_int_equal(i.tier, MM_TIER_HOT);
	assert_true(i.age_ms < 60000);
	mm_category_begin(MM_CATEGORY_SVO_NODES);
	mm_category_begin(MM_CATEGORY_MATERIAL_CHANNELS);
	q = mm_alloc(m, 300000);
	mm_category_end();
	mm_category_end();
	assert_int_equal(mm_info(m, q + 299999, &i), MM_OK);
	assert_int_equal(i.category, MM_CATEGORY_MATERIAL_CHANNELS);
	assert_int_equal(i.size, 300000);
	assert_null(i.file);
	for (size_t align = 3; align < 40; align += 2) /* no power of two, and no block */
		assert_int_equal(mm_alloc_as(m, 8, &(struct mm_what){ .align = align }, &none), MM_EINVAL);
	assert_null(none);
	assert_int_equal(mm_free(m, p + 16), MM_EINVAL);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(mm_free(m, p), MM_EINVAL);
	assert_int_equal(mm_info(m, p, &i), MM_ENOENT);
	assert_int_equal(mm_info(m, &i, &i), MM_ENOENT);
	assert_int_equal(mm_free(m, &i), MM_EINVAL);
	assert_int_equal(mm_free(m, NULL), MM_OK);
	assert_int_equal(mm_free(m, q), MM_OK);
	assert_int_equal(totals_of(m).current_bytes, 0);
	mm_manager_destroy(m);
}

static void sizes_change(void **state)
{
	struct mm_manager *m = a_manager();
	unsigned char *p = MM_ALLOC(m, 40, MM_CATEGORY_SDF_FIELDS, "field");
	static const size_t size[] = { 44, 5000, 100000, 2000000, 90, 0, 17 };
	struct mm_info i;
	size_t least = 40;

	(void)state;
	for (size_t k = 0; k < 40; k++)
		p[k] = (unsigned char)k;
	for (size_t n = 0; n < sizeof size / sizeof *size; n++) {
		assert_non_null(p = mm_realloc(m, p, size[n]));
		least = size[n] < least ? size[n] : least;
		for (size_t k = 0; k < least; k++)
			assert_int_equal(p[k], k);
		assert_int_equal(mm_info(m, p, &i), MM_OK);
		assert_int_equal(i.size, size[n]);
		assert_string_equal(i.name, "field");
		assert_int_equal(usage_of(m, MM_CATEGORY_SDF_FIELDS).used_bytes, size[n]);
		assert_int_equal(usage_of(m, MM_CATEGORY_SDF_FIELDS).live_count, 1);
	}
	assert_null(mm_realloc(m, p, SIZE_MAX));
	assert_null(mm_realloc(m, p + 1, 5));
	assert_null(mm_alloc(m, SIZE_MAX));
	assert_null(mm_calloc(m, SIZE_MAX / 2, 3));
	assert_int_equal(totals_of(m).current_bytes, 17);
	assert_int_equal(mm_free(m, p), MM_OK);
	p = mm_calloc(m, 1000, 3);
	for (int k = 0; k < 3000; k++)
		assert_int_equal(p[k], 0);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(totals_of(m).live_count, 0);
	mm_manager_destroy(m);
}

static int counts(void *ctx, const struct mm_info *info)
{
	uint64_t *sum = ctx;

	sum[0]++;
	sum[1] += info->size;
	sum[2] += (uint64_t)info->is_registered;
	return 0;
}

static int stops(void *ctx, const struct mm_info *info)
{
	(void)info;
	return ++*(int *)ctx == 3 ? 7 : 0;
}

static void all_are_found(void **state)
{
	enum { MANY = 200000 };
	struct mm_manager *m = a_manager();
	static char foreign[64][32];
	uint64_t sum[3] = { 0 }, bytes = 0;
	struct mm_info i;
	int seen = 0;

	(void)state;
	for (size_t k = 0; k < MANY; k++, bytes += k % 100)
		assert_non_null(mm_alloc(m, (k + 1) % 100));
	for (int k = 0; k < 64; k++)
		assert_int_equal(mm_register(m, foreign[k], 32, MM_CATEGORY_GENERAL, "mine"), MM_OK);
	assert_int_equal(mm_register(m, foreign[5], 32, MM_CATEGORY_GENERAL, "mine"), MM_EEXIST);
	assert_int_equal(mm_info(m, foreign[9] + 31, &i), MM_OK);
	assert_ptr_equal(i.start, foreign[9]);
	assert_true(i.is_registered && !strcmp(i.name, "mine"));
	assert_int_equal(mm_each(m, counts, sum), 0);
	assert_int_equal(sum[0], MANY + 64);
	assert_int_equal(sum[1], bytes + 64 * 32);
	assert_int_equal(sum[2], 64);
	assert_int_equal(mm_each(m, stops, &seen), 7);
	assert_int_equal(totals_of(m).current_bytes, bytes + 64 * 32);
	assert_int_equal(mm_leaks(m, 0, NULL, NULL), MANY + 64);
	assert_int_equal(mm_leaks(m, 3600000, NULL, NULL), 0);
	for (int k = 0; k < 64; k += 2)
		assert_int_equal(mm_unregister(m, foreign[k]), MM_OK);
	assert_int_equal(mm_unregister(m, foreign[0]), MM_ENOENT);
	assert_int_equal(mm_info(m, foreign[9], &i), MM_OK);
	assert_int_equal(mm_info(m, foreign[8], &i), MM_ENOENT);
	mm_manager_destroy(m);
}

static void pooled_blocks_are_known(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_pool *p = NULL;
	struct mm_info i;
	char *block;

	(void)state;
	assert_int_equal(mm_pool_create(m, "nodes", 24, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	block = mm_pool_alloc(p);
	assert_int_equal(mm_info(m, block + 23, &i), MM_OK);
	assert_ptr_equal(i.start, block);
	assert_true(i.is_pooled && i.size == 24 && !strcmp(i.name, "nodes"));
	mm_manager_destroy(m);
}

static void little_is_kept(void **state)
{
	enum { MANY = 300000 };
	static const size_t size[] = { 16, 64, 200, 1024 };
	static char memory[MANY];

	(void)state;
	for (size_t n = 0; n < sizeof size / sizeof *size; n++) {
		struct mm_manager *m = a_manager();
		uint64_t before = totals_of(m).metadata_bytes;
		assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, MM_NO_BUDGET, 0), MM_OK);
		for (size_t k = 0; k < MANY; k++)
			assert_non_null(mm_alloc(m, size[n]));
		assert_in_range(totals_of(m).metadata_bytes - before, MANY, 16 * MANY);
		mm_manager_destroy(m);
	}
	struct mm_manager *m = a_manager();
	uint64_t before = totals_of(m).metadata_bytes;
	for (size_t k = 0; k < MANY; k++)
		assert_int_equal(mm_register(m, &memory[k], 1, MM_CATEGORY_GENERAL, NULL), MM_OK);
	assert_in_range(totals_of(m).metadata_bytes - before, 24 * MANY, 40 * MANY);
	mm_manager_destroy(m);
}

/* --- budgets --------------------------------------------------------------------------- */

struct alarms { int over, denied, evicted; uint64_t bytes; };

static void note_alarm(void *ctx, const struct mm_alarm *a)
{
	struct alarms *s = ctx;

	s->over += a->kind == MM_ALARM_OVER_BUDGET;
	s->denied += a->kind == MM_ALARM_DENIED;
	s->evicted += a->kind == MM_ALARM_EVICTED;
	s->bytes = a->bytes;
}

static void budgets(void **state)
{
	struct mm_manager *m = a_manager();
	struct alarms s = { 0 };
	void *p[3];

	(void)state;
	assert_int_equal(mm_subscribe(m, note_alarm, &s), MM_OK);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, 1000, MM_BUDGET_WARN), MM_OK);
	p[0] = mm_alloc(m, 1000);
	assert_int_equal(s.over, 0);
	assert_true(mm_is_pressure(m));
	p[1] = mm_alloc(m, 1);
	p[2] = mm_alloc(m, 1);
	assert_true(p[1] && p[2] && s.over == 1 && s.bytes == 1);
	assert_int_equal(usage_of(m, MM_CATEGORY_GENERAL).over_count, 1);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, 1003, MM_BUDGET_DENY), MM_OK);
	assert_null(mm_alloc(m, 2));
	assert_int_equal(s.denied, 1);
	assert_null(mm_realloc(m, p[0], 1002));
	mm_free(m, p[1]);
	assert_non_null(p[1] = mm_alloc(m, 2));
	assert_int_equal(usage_of(m, MM_CATEGORY_GENERAL).denied_count, 2);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, (UINT64_C(1) << 63) + 1, 0), MM_EINVAL);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, UINT64_C(1) << 63, 0), MM_OK);
	assert_int_equal(mm_budget_set(m, 60, 1, 0), MM_EINVAL);
	assert_int_equal(mm_unsubscribe(m, note_alarm, &s), MM_OK);
	assert_int_equal(mm_unsubscribe(m, note_alarm, &s), MM_ENOENT);
	mm_manager_destroy(m);
}

static char *cached[4];

static void lost(void *ctx, void *block)
{
	int n = (int)(intptr_t)ctx;

	assert_ptr_equal(cached[n], block);
	cached[n] = NULL;
}

static void the_oldest_goes(void **state)
{
	struct mm_manager *m = a_manager();
	struct alarms s = { 0 };

	(void)state;
	mm_subscribe(m, note_alarm, &s);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_EVICT), MM_OK);
	for (int i = 0; i < 4; i++) {
		struct mm_what w = { .category = MM_CATEGORY_MESH_DATA, .gone = lost,
				     .priority = MM_PRIORITY_CACHEABLE, .ctx = (void *)(intptr_t)i };
		assert_int_equal(mm_alloc_as(m, 250, &w, (void **)&cached[i]), MM_OK);
	}
	assert_int_equal(mm_free(m, cached[1]), MM_OK); /* its owner may, of course */
	assert_non_null(MM_ALLOC(m, 700, MM_CATEGORY_MESH_DATA, NULL));
	assert_true(!cached[0] && !cached[2] && cached[3]);
	assert_int_equal(s.evicted, 2);
	assert_int_equal(usage_of(m, MM_CATEGORY_MESH_DATA).evicted_count, 2);
	assert_null(MM_ALLOC(m, 301, MM_CATEGORY_MESH_DATA, NULL));
	assert_null(cached[3]); /* it was tried */
	assert_int_equal(usage_of(m, MM_CATEGORY_MESH_DATA).used_bytes, 700);
	mm_manager_destroy(m);
}

static void limits(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_limits l = { .bytes = 1000, .reserve_bytes = 300, .live_count = 4, .pools = 1 };
	struct mm_what critical = { .category = MM_CATEGORY_CURRENT,
				    .priority = MM_PRIORITY_CRITICAL };
	struct mm_pool *p = NULL;
	struct mm_band_pool *b = NULL;
	void *block = NULL;

	(void)state;
	assert_int_equal(mm_limits_set(m, &(struct mm_limits){ 10, 11, 0, 0, 0 }), MM_EINVAL);
	assert_int_equal(mm_limits_set(m, &l), MM_OK);
	assert_non_null(mm_alloc(m, 700));
	assert_null(mm_alloc(m, 1));
	assert_int_equal(mm_alloc_as(m, 301, &critical, &block), MM_ELIMIT);
	assert_null(block);
	assert_int_equal(mm_alloc_as(m, 290, &critical, &block), MM_OK);
	assert_int_equal(mm_alloc_as(m, 5, &critical, &block), MM_OK);
	assert_int_equal(mm_alloc_as(m, 1, &critical, &block), MM_OK);
	assert_int_equal(mm_alloc_as(m, 1, &critical, &block), MM_ELIMIT); /* a fifth block */
	l = (struct mm_limits){ .pools = 1 };
	assert_int_equal(mm_limits_set(m, &l), MM_OK);
	assert_int_equal(mm_pool_create(m, "a", 16, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	assert_int_equal(mm_pool_create(m, "b", 16, 0, MM_ACCESS_GENERAL, 1, &p), MM_ELIMIT);
	assert_int_equal(mm_band_pool_create(m, "c", 8, 3, MM_PRECISION_F32, &b), MM_ELIMIT);
	mm_manager_destroy(m);
}

static void pools_are_charged(void **state)
{
	struct mm_manager *m = a_manager();
	struct mm_pool *p = NULL;
	struct mm_svo_pool *tree = NULL;
	struct mm_band_pool *field = NULL;
	uint32_t n, run = 0, brick = 0;
	void *block = NULL;

	(void)state;
	assert_int_equal(mm_pool_create(m, "meshes", 1024, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	assert_int_equal(mm_pool_set_category(p, MM_CATEGORY_MESH_DATA), MM_OK);
	assert_int_equal(mm_pool_set_category(p, 50), MM_EINVAL);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 70000, MM_BUDGET_DENY), MM_OK);
	for (n = 0; mm_pool_try(p, &block) == MM_OK; n++)
		;
	assert_int_equal(n, 64); /* one slab */
	assert_int_equal(mm_pool_try(p, &block), MM_ELIMIT);
	assert_int_equal(usage_of(m, MM_CATEGORY_MESH_DATA).used_bytes, 65536);
	assert_int_equal(mm_pool_set_category(p, MM_CATEGORY_GENERAL), MM_EPERM);
	mm_pool_destroy(p);
	assert_int_equal(usage_of(m, MM_CATEGORY_MESH_DATA).used_bytes, 0);
	assert_int_equal(mm_svo_pool_create(m, "tree", 8, 4, 0, &tree), MM_OK);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_SVO_NODES, 100, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(mm_svo_pool_take(tree, 1, MM_NODES_INNER, 8, &run), MM_OK);
	assert_int_equal(usage_of(m, MM_CATEGORY_SVO_NODES).used_bytes, 96);
	assert_int_equal(mm_svo_pool_take(tree, 1, MM_NODES_LEAVES, 1, &n), MM_OK);
	assert_int_equal(mm_svo_pool_take(tree, 1, MM_NODES_LEAVES, 1, &n), MM_ELIMIT);
	assert_int_equal(mm_svo_pool_drop(tree, 1), 2);
	assert_int_equal(usage_of(m, MM_CATEGORY_SVO_NODES).used_bytes, 0);
	assert_int_equal(mm_band_pool_create(m, "field", 8, 3, MM_PRECISION_I16, &field), MM_OK);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_NARROW_BAND, 2500, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(mm_band_pool_take(field, 1, &brick), MM_OK);
	assert_int_equal(mm_band_pool_take(field, 2, &brick), MM_OK);
	assert_int_equal(mm_band_pool_take(field, 3, &brick), MM_ELIMIT);
	memset(mm_band_pool_payload(field, brick), 0, 1024);
	assert_int_equal(mm_band_pool_convert(field, 2, MM_PRECISION_CONST), MM_OK);
	assert_int_equal(usage_of(m, MM_CATEGORY_NARROW_BAND).used_bytes, 1024);
	assert_int_equal(mm_band_pool_convert(field, 2, MM_PRECISION_F32), MM_ELIMIT);
	mm_band_pool_destroy(field);
	assert_int_equal(usage_of(m, MM_CATEGORY_NARROW_BAND).used_bytes, 0);
	mm_manager_destroy(m);
}

/* --- threads ----------------------------------------------------------------------------- */

struct crew { struct mm_manager *m; unsigned number; _Atomic(void *) *swap; uint64_t denied; };

static void *works(void *arg)
{
	struct crew *c = arg;
	uint64_t r = c->number * 7919 + 1;

	mm_category_begin(MM_CATEGORY_MESH_DATA);
	for (int i = 0; i < ROUNDS; i++) {
		r = r * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t size = 8 + (r >> 40) % 4000;
		void *p = mm_alloc(c->m, size);
		c->denied += !p;
		if (p)
			memset(p, (int)r, size);
		p = atomic_exchange(&c->swap[(r >> 33) % 256], p);
		if (mm_free(c->m, p))
			abort();
	}
	mm_category_end();
	return NULL;
}

static void exact_under_threads(void **state)
{
	struct mm_manager *m = a_manager();
	static _Atomic(void *) swap[256];
	struct crew crew[THREADS];
	pthread_t t[THREADS];
	uint64_t denied = 0;
	struct mm_usage u;

	(void)state;
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 300000, MM_BUDGET_DENY), MM_OK);
	for (unsigned i = 0; i < THREADS; i++) {
		crew[i] = (struct crew){ m, i, swap, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, works, &crew[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		denied += crew[i].denied;
	}
	u = usage_of(m, MM_CATEGORY_MESH_DATA);
	assert_true(denied > 0 && u.denied_count == denied);
	assert_in_range(u.peak_bytes, 290000, 300000);
	for (int i = 0; i < 256; i++)
		assert_int_equal(mm_free(m, atomic_exchange(&swap[i], NULL)), MM_OK);
	assert_int_equal(usage_of(m, MM_CATEGORY_MESH_DATA).used_bytes, 0);
	assert_int_equal(totals_of(m).live_count, 0);
	assert_int_equal(totals_of(m).allocated_bytes, totals_of(m).freed_bytes);
	mm_manager_destroy(m);
}

static void *outlives_a_manager(void *arg)
{
	pthread_barrier_t *b = arg;

	for (int i = 0; i < 3; i++) {
		struct mm_manager *m = a_manager();
		for (int k = 0; k < 100; k++)
			assert_non_null(mm_alloc(m, 50));
		mm_manager_destroy(m);
	}
	for (int i = 0; i < 20; i++) /* more heaps than a thread has places for */
		assert_non_null(mm_alloc(a_manager(), 50));
	pthread_barrier_wait(b);
	return NULL;
}

static void managers_come_and_go(void **state)
{
	pthread_barrier_t b;
	pthread_t t;

	(void)state;
	pthread_barrier_init(&b, NULL, 2);
	assert_int_equal(pthread_create(&t, NULL, outlives_a_manager, &b), 0);
	pthread_barrier_wait(&b);
	pthread_join(t, NULL);
}

static void a_child_allocates(void **state)
{
	struct mm_manager *m = a_manager();
	void *p = mm_alloc(m, 1000);
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(!mm_alloc(m, 500) || mm_free(m, p) || totals_of(m).current_bytes != 500);
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(totals_of(m).current_bytes, 1000);
	assert_int_equal(mm_free(m, p), MM_OK);
	mm_manager_destroy(m);
}

static int count_object(void *ctx, const struct mm_info *info)
{
	*(int *)ctx += info->object == ctx && info->tag == 7;
	return 0;
}

static void tags_and_objects_are_shown(void **state)
{
	struct mm_what w = MM_WHAT;
	struct mm_manager *m = NULL;
	struct mm_info info;
	struct mm_movable name;
	uint64_t bytes = 1;
	void *p[3], *plain;
	int met = 0;

	(void)state;
	assert_int_equal(mm_manager_create(&m), MM_OK);
	w.name = "tagged";
	for (uint32_t i = 0; i < 3; i++) { /* all else is the same */
		w.tag = i == 2 ? 8 : 7;
		w.object = i == 0 ? &met : NULL;
		assert_int_equal(mm_alloc_as(m, 100 + i, &w, &p[i]), MM_OK);
	}
	assert_non_null(plain = mm_alloc(m, 5));
	assert_int_equal(mm_info(m, p[0], &info), MM_OK);
	assert_int_equal(info.tag, 7);
	assert_ptr_equal(info.object, &met);
	assert_int_equal(mm_info(m, p[1], &info), MM_OK);
	assert_int_equal(info.tag, 7);
	assert_null(info.object);
	assert_int_equal(mm_info(m, plain, &info), MM_OK);
	assert_int_equal(info.tag, 0);
	assert_null(info.object);
	assert_int_equal(mm_leaks(m, 0, count_object, &met), 4);
	assert_int_equal(met, 1);
	w.tag = 7;
	assert_int_equal(mm_movable_create_as(m, 50, &w, &name), MM_OK);
	assert_int_equal(mm_tagged(m, 7, &bytes), 3);
	assert_int_equal(bytes, 100 + 101 + 50);
	assert_non_null(p[1] = mm_realloc(m, p[1], 5000)); /* the tag stays */
	assert_int_equal(mm_tagged(m, 7, &bytes), 3);
	assert_int_equal(bytes, 100 + 5000 + 50);
	assert_int_equal(mm_free(m, p[0]), MM_OK);
	assert_int_equal(mm_tagged(m, 7, NULL), 2);
	assert_int_equal(mm_tagged(m, 9, &bytes), 0);
	assert_int_equal(bytes, 0);
	mm_manager_destroy(m);
}

/* Last: what was said stays. */
static void objects_are_bounded(void **state)
{
	struct mm_what w = MM_WHAT;
	struct mm_manager *m = NULL;
	struct mm_info info;
	uint32_t kept = 0;
	void *p;

	(void)state;
	assert_int_equal(mm_manager_create(&m), MM_OK);
	w.name = "of many";
	w.tag = 3;
	for (uintptr_t i = 1; i <= MM_OBJECTS_MOST + 100; i++) {
		w.object = (void *)(i * 64);
		assert_int_equal(mm_alloc_as(m, 16, &w, &p), MM_OK);
		assert_int_equal(mm_info(m, p, &info), MM_OK);
		assert_true(info.object == w.object || !info.object);
		assert_int_equal(info.tag, 3);
		assert_string_equal(info.name, "of many");
		kept += info.object != NULL;
		assert_int_equal(mm_free(m, p), MM_OK);
	}
	assert_in_range(kept, MM_OBJECTS_MOST - 10, MM_OBJECTS_MOST);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(categories),
		cmocka_unit_test(told_of_a_block),
		cmocka_unit_test(sizes_change),
		cmocka_unit_test(all_are_found),
		cmocka_unit_test(pooled_blocks_are_known),
		cmocka_unit_test(little_is_kept),
		cmocka_unit_test(budgets),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(limits),
		cmocka_unit_test(pools_are_charged),
		cmocka_unit_test(exact_under_threads),
		cmocka_unit_test(managers_come_and_go),
		cmocka_unit_test(a_child_allocates),
		cmocka_unit_test(tags_and_objects_are_shown),
		cmocka_unit_test(objects_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
