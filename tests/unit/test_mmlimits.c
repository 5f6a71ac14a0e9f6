/* test_mmlimits: what libmm's general heap does where something is at its end: blocks that are
 * taken away while they grow, frees that come twice at once, subscribers that leave while they
 * are told, more names than there is room for, threads beyond a limit, blocks left at the end.
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

static struct mm_manager *fresh(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_usage usage(struct mm_manager *m, uint32_t category)
{
	struct mm_usage u;

	assert_int_equal(mm_usage(m, category, &u), MM_OK);
	return u;
}

/* --- cacheable blocks --------------------------------------------------------------------- */

static void count_gone(void *ctx, void *block)
{
	(void)block;
	++*(int *)ctx;
}

static void *cacheable(struct mm_manager *m, uint32_t category, size_t size, int *gone)
{
	struct mm_what w = { .category = category, .priority = MM_PRIORITY_CACHEABLE,
			     .gone = count_gone, .ctx = gone };
	void *p = NULL;

	return mm_alloc_as(m, size, &w, &p) == MM_OK ? p : NULL;
}

static void a_block_that_grows_is_not_taken(void **state)
{
	struct mm_manager *m = fresh();
	int gone[2] = { 0, 0 };
	unsigned char *p;

	(void)state;
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_EVICT), MM_OK);
	assert_non_null(p = cacheable(m, MM_CATEGORY_MESH_DATA, 400, &gone[0]));
	memset(p, 7, 400);
	assert_non_null(cacheable(m, MM_CATEGORY_MESH_DATA, 500, &gone[1]));
	assert_non_null(p = mm_realloc(m, p, 900)); /* the other one goes, though it is younger */
	assert_true(gone[0] == 0 && gone[1] == 1);
	assert_true(p[0] == 7 && p[399] == 7);
	assert_null(mm_realloc(m, p, 1001)); /* it is not its own victim */
	assert_int_equal(gone[0], 0);
	assert_int_equal(usage(m, MM_CATEGORY_MESH_DATA).used_bytes, 900);
	assert_non_null(p = mm_realloc(m, p, 300));
	assert_non_null(MM_ALLOC(m, 800, MM_CATEGORY_MESH_DATA, NULL)); /* it may go again */
	assert_true(gone[0] == 1);
	assert_int_equal(mm_free(m, p), MM_EINVAL);
	assert_int_equal(usage(m, MM_CATEGORY_MESH_DATA).used_bytes, 800);
	mm_manager_destroy(m);
}

static void nothing_is_taken_in_vain(void **state)
{
	struct mm_manager *m = fresh();
	int gone = 0;

	(void)state;
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_EVICT), MM_OK);
	assert_non_null(cacheable(m, MM_CATEGORY_MESH_DATA, 400, &gone));
	assert_null(MM_ALLOC(m, 1001, MM_CATEGORY_MESH_DATA, NULL));
	assert_int_equal(gone, 0);
	mm_manager_destroy(m);
}

static void a_limit_takes_from_all(void **state)
{
	struct mm_manager *m = fresh();
	struct mm_limits l = { .bytes = 1000 };
	int gone = 0;

	(void)state;
	assert_int_equal(mm_limits_set(m, &l), MM_OK);
	assert_non_null(cacheable(m, MM_CATEGORY_MESH_DATA, 400, &gone));
	assert_null(mm_alloc(m, 1001));
	assert_int_equal(gone, 0);
	assert_non_null(mm_alloc(m, 700)); /* another category, whose budget only warns */
	assert_int_equal(gone, 1);
	mm_manager_destroy(m);
}

static void fewer_blocks_than_there_are(void **state)
{
	struct mm_manager *m = fresh();
	struct mm_limits l = { .live_count = 1 };
	void *block = mm_alloc(m, 10), *other = mm_alloc(m, 10);
	struct mm_pool *p;

	(void)state;
	assert_int_equal(mm_limits_set(m, &l), MM_OK);
	assert_non_null(mm_realloc(m, block, 10000)); /* no block more */
	assert_int_equal(mm_pool_create(m, "p", 64, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	assert_non_null(mm_pool_alloc(p));
	assert_null(mm_alloc(m, 1));
	assert_int_equal(mm_free(m, other), MM_OK);
	mm_manager_destroy(m);
}

static _Atomic int is_over;

static void *sets_limits(void *arg)
{
	const struct mm_limits a = { .bytes = 1000, .reserve_bytes = 900 }, b = { .bytes = 100 };

	while (!is_over) {
		mm_limits_set(arg, &a);
		mm_limits_set(arg, &b);
	}
	return NULL;
}

static void never_above_any_limit(void **state)
{
	const struct mm_limits first = { .bytes = 100 };
	struct mm_manager *m = fresh();
	pthread_t thread[2];

	(void)state;
	assert_int_equal(mm_limits_set(m, &first), MM_OK);
	for (int i = 0; i < 2; i++) /* what one sets is whole, too */
		assert_int_equal(pthread_create(&thread[i], NULL, sets_limits, m), 0);
	for (int i = 0; i < 1000000; i++)
		assert_null(mm_alloc(m, 1001));
	is_over = 1;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	mm_manager_destroy(m);
}

/* --- frees ---------------------------------------------------------------------------------- */

enum { BLOCKS = 20000 };

static struct mm_manager *shared;
static void *twice[BLOCKS];
static _Atomic int freed, step;

static void *free_all(void *arg)
{
	(void)arg;
	step++;
	while (step < 2)
		;
	for (int i = 0; i < BLOCKS; i++)
		freed += mm_free(shared, twice[i]) == MM_OK;
	return NULL;
}

/* Whoever comes second is told, also when both come at once. */
static void freed_by_two(void **state)
{
	pthread_t t[2];

	(void)state;
	shared = fresh();
	freed = step = 0;
	for (int i = 0; i < BLOCKS; i++)
		assert_non_null(twice[i] = mm_alloc(shared, 40));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, free_all, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(freed, BLOCKS);
	assert_int_equal(usage(shared, MM_CATEGORY_GENERAL).used_bytes, 0);
	assert_int_equal(usage(shared, MM_CATEGORY_GENERAL).live_count, 0);
	mm_manager_destroy(shared);
}

static uint64_t resident_pages(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident;
}

static void zeros_are_not_written(void **state)
{
	struct mm_manager *m = fresh();
	uint64_t before = resident_pages();
	char *p;

	(void)state;
	assert_non_null(p = mm_calloc(m, 64 << 10, 1 << 10));
	assert_true(p[0] == 0 && p[(64 << 20) - 1] == 0);
	assert_in_range(resident_pages() - before, 0, 4096);
	mm_manager_destroy(m);
}

/* --- alarms --------------------------------------------------------------------------------- */

static _Atomic int done;

static void told(void *ctx, const struct mm_alarm *alarm)
{
	assert_true(alarm->bytes == 8);
	atomic_fetch_add((_Atomic int *)ctx, 1);
}

static void *come_and_go(void *arg)
{
	static _Atomic int heard;

	(void)arg;
	while (!done)
		if (mm_subscribe(shared, told, &heard) || mm_unsubscribe(shared, told, &heard))
			abort();
	return NULL;
}

static void subscribers_come_and_go(void **state)
{
	static _Atomic int always;
	pthread_t t[2];

	(void)state;
	shared = fresh();
	done = always = 0;
	assert_int_equal(mm_budget_set(shared, MM_CATEGORY_GENERAL, 4, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(mm_subscribe(shared, told, &always), MM_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < 50000; i++)
		assert_null(mm_alloc(shared, 8));
	done = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(always, 50000);
	assert_int_equal(usage(shared, MM_CATEGORY_GENERAL).denied_count, 50000);
	mm_manager_destroy(shared);
}

/* --- names ------------------------------------------------------------------------------------ */

/* Beyond what there is room for blocks go without a name, never without memory. */
static void more_names_than_room(void **state)
{
	enum { NAMES = (1 << 20) + 1000 };
	struct mm_manager *m = fresh();
	struct mm_info i;
	char name[32];
	void *p = NULL;

	(void)state;
	for (int n = 0; n < NAMES; n++) {
		snprintf(name, sizeof name, "block %d", n);
		p = MM_ALLOC(m, 8, MM_CATEGORY_SDF_FIELDS, name);
		assert_non_null(p);
		assert_int_equal(mm_free(m, p), MM_OK);
	}
	p = MM_ALLOC(m, 8, MM_CATEGORY_SDF_FIELDS, "one more");
	assert_int_equal(mm_info(m, p, &i), MM_OK);
	assert_true(i.name == NULL && i.size == 8 && i.category == MM_CATEGORY_SDF_FIELDS);
	mm_manager_destroy(m);
}

/* --- threads ------------------------------------------------------------------------------------ */

static void *takes_and_gives(void *arg)
{
	struct mm_what w = MM_WHAT;
	void *mine = NULL;
	int *err = arg;

	*err = mm_alloc_as(shared, 8, &w, &mine);
	if (*err == MM_ELIMIT && mm_free(shared, atomic_exchange((_Atomic(void *) *)twice, NULL)))
		*err = 1; /* what others allocated it may free */
	return mine;
}

static int in_a_thread(void)
{
	pthread_t t;
	int err = 2;

	assert_int_equal(pthread_create(&t, NULL, takes_and_gives, &err), 0);
	pthread_join(t, NULL);
	return err;
}

static void threads_have_a_limit(void **state)
{
	struct mm_limits l = { .threads = 1 };

	(void)state;
	shared = fresh();
	assert_int_equal(mm_limits_set(shared, &l), MM_OK);
	assert_non_null(twice[0] = mm_alloc(shared, 8));
	assert_int_equal(in_a_thread(), MM_ELIMIT);
	assert_null(twice[0]);
	assert_non_null(mm_alloc(shared, 8));
	l.threads = 2;
	assert_int_equal(mm_limits_set(shared, &l), MM_OK);
	for (int i = 0; i < 5; i++) /* one after another */
		assert_int_equal(in_a_thread(), MM_OK);
	mm_manager_destroy(shared);
}

/* --- what is left --------------------------------------------------------------------------------- */

static int count_left(void *ctx, const struct mm_info *i)
{
	int *n = ctx;

	n[0]++;
	n[1] += i->line == 77 && !strcmp(i->file, "left.c") && !strcmp(i->name, "left");
	return 0;
}

static void what_is_left_is_told(void **state)
{
	struct mm_manager *m = fresh();
	int n[2] = { 0, 0 };

	(void)state;
	mm_leaks_at_end(m, count_left, n);
	assert_non_null(mm_alloc_at(m, 10, MM_CATEGORY_GENERAL, "left", "left.c", 77));
	mm_free(m, mm_alloc_at(m, 10, MM_CATEGORY_GENERAL, "not left", "left.c", 78));
	assert_non_null(mm_alloc(m, 3));
	mm_manager_destroy(m);
	assert_true(n[0] == 2 && n[1] == 1);
}

static int leave_as_status(void *ctx, const struct mm_info *i)
{
	(void)ctx;
	_exit(40 + (int)i->size);
}

/* The default manager ends with the process. */
static void the_end_of_a_process(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		mm_leaks_at_end(NULL, leave_as_status, NULL);
		exit(mm_alloc(NULL, 5) ? 0 : 1);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 45);
}

static _Atomic int is_over;

static void *ask_in_vain(void *m)
{
	uintptr_t had = 0;

	while (!atomic_load(&is_over))
		had += mm_alloc_at(m, 1 << 20, MM_CATEGORY_MESH_DATA, NULL, NULL, 0) != NULL;
	return (void *)had;
}

/* What a category's budget refuses is not missing elsewhere meanwhile. */
static void the_refused_are_in_nobodys_way(void **state)
{
	struct mm_limits limits = { .bytes = (1 << 20) + 1000 };
	struct mm_manager *m = fresh();
	int refused = 0;
	pthread_t thread;
	void *had;

	(void)state;
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_MESH_DATA, 1000, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(mm_limits_set(m, &limits), MM_OK);
	atomic_store(&is_over, 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_in_vain, m), 0);
	for (int i = 0; i < 100000; i++) {
		void *p = mm_alloc_at(m, 2000, MM_CATEGORY_GENERAL, NULL, NULL, 0);
		refused += !p;
		mm_free(m, p);
	}
	atomic_store(&is_over, 1);
	assert_int_equal(pthread_join(thread, &had), 0);
	assert_null(had);
	assert_int_equal(refused, 0);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_that_grows_is_not_taken),
		cmocka_unit_test(nothing_is_taken_in_vain),
		cmocka_unit_test(a_limit_takes_from_all),
		cmocka_unit_test(fewer_blocks_than_there_are),
		cmocka_unit_test(never_above_any_limit),
		cmocka_unit_test(freed_by_two),
		cmocka_unit_test(the_refused_are_in_nobodys_way),
		cmocka_unit_test(zeros_are_not_written),
		cmocka_unit_test(subscribers_come_and_go),
		cmocka_unit_test(threads_have_a_limit),
		cmocka_unit_test(what_is_left_is_told),
		cmocka_unit_test(the_end_of_a_process),
		cmocka_unit_test(more_names_than_room), /* last: names stay */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
