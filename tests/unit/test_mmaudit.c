/* test_mmaudit: seals refuse what they cover to whoever does not show the key, and nothing else;
 * the log has what happened, bounded, with gaps that show.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mm.h"

enum { KEY = 4711, OTHER = 17, THREADS = 4, DENIALS = 500 };

static struct mm_manager *new_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_pool *new_pool(struct mm_manager *m)
{
	struct mm_pool *p = NULL;

	assert_int_equal(mm_pool_create(m, "nodes", 64, 0, MM_ACCESS_GENERAL, 1, &p), MM_OK);
	return p;
}

/* The newest record. */
static struct mm_audit_record last_of(struct mm_manager *m)
{
	struct mm_audit_record r[MM_AUDIT_RECORDS];
	uint64_t at = 0;
	size_t n = mm_audit_read(m, &at, r, MM_AUDIT_RECORDS);

	assert_true(n > 0);
	assert_int_equal(at, r[n - 1].serial + 1);
	return r[n - 1];
}

static void a_sealed_manager_needs_its_key(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_limits none = { 0 };
	struct mm_usage u;
	void *p;

	(void)state;
	assert_int_equal(mm_manager_unseal(m, KEY), MM_EINVAL);
	assert_int_equal(mm_manager_seal(m, 0), MM_EINVAL);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, 100, MM_BUDGET_DENY), MM_OK);
	assert_int_equal(last_of(m).kind, MM_AUDIT_BUDGET);
	assert_int_equal(last_of(m).bytes, 100);
	assert_int_equal(mm_manager_seal(m, KEY), MM_OK);
	assert_int_equal(mm_manager_seal(m, OTHER), MM_EPERM);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, 200, MM_BUDGET_WARN), MM_EPERM);
	assert_string_equal(last_of(m).call, "mm_budget_set");
	assert_int_equal(last_of(m).kind, MM_AUDIT_REFUSED);
	assert_int_equal(mm_usage(m, MM_CATEGORY_GENERAL, &u), MM_OK);
	assert_int_equal(u.budget_bytes, 100);
	assert_int_equal(mm_limits_set(m, &none), MM_EPERM);
	assert_int_equal(mm_numa_policy_set(m, 0, 0), MM_EPERM);
	assert_int_equal(mm_defragment_enrol(m, 64, 0), MM_EPERM);
	mm_manager_destroy(m);
	assert_true(mm_manager_is_initialised(m));
	assert_string_equal(last_of(m).call, "mm_manager_destroy");
	assert_int_equal(mm_audit_count(m, MM_AUDIT_REFUSED), 6);
	assert_non_null(p = mm_alloc(m, 50)); /* blocks and pools are free to all */
	assert_int_equal(mm_free(m, p), MM_OK);
	mm_pool_destroy(new_pool(m));
	assert_int_equal(mm_key_show(KEY), 0);
	assert_int_equal(mm_budget_set(m, MM_CATEGORY_GENERAL, 200, MM_BUDGET_WARN), MM_OK);
	assert_int_equal(mm_limits_set(m, &none), MM_OK);
	assert_int_equal(mm_key_show(OTHER), KEY);
	assert_int_equal(mm_limits_set(m, &none), MM_EPERM);
	assert_int_equal(mm_manager_unseal(m, OTHER), MM_EPERM);
	assert_int_equal(mm_manager_unseal(m, KEY), MM_OK);
	assert_int_equal(last_of(m).kind, MM_AUDIT_UNSEALED);
	assert_int_equal(mm_limits_set(m, &none), MM_OK);
	mm_key_show(0);
	uint64_t policies = mm_audit_count(m, MM_AUDIT_POLICY); /* what is refused is not set */
	assert_int_equal(mm_defragment_enrol(m, (size_t)1 << 40, 1), MM_EINVAL);
	assert_int_equal(mm_audit_count(m, MM_AUDIT_POLICY), policies);
	assert_int_equal(mm_defragment_enrol(m, 64, 0), MM_OK);
	assert_int_equal(mm_audit_count(m, MM_AUDIT_POLICY), policies + 1);
	mm_manager_destroy(m);
	assert_false(mm_manager_is_initialised(m));
}

static void *clears(void *pool)
{
	mm_pool_clear(pool);
	return NULL;
}

static void a_sealed_pool_needs_its_key(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_pool *p = new_pool(m);
	struct mm_pool_stats s;
	pthread_t t;

	(void)state;
	assert_int_equal(mm_pool_seal(p, KEY), MM_OK);
	assert_int_equal(mm_pool_set_category(p, MM_CATEGORY_MESH_DATA), MM_EPERM);
	assert_non_null(mm_pool_alloc(p));
	mm_pool_clear(p);
	mm_pool_stats(p, &s);
	assert_int_equal(s.allocated, 1);
	mm_pool_destroy(p);
	assert_ptr_equal(mm_pool_get(m, "nodes"), p);
	assert_string_equal(last_of(m).pool, "nodes");
	mm_manager_destroy(m);
	assert_ptr_equal(mm_pool_get(m, "nodes"), p);
	mm_key_show(KEY);
	assert_int_equal(pthread_create(&t, NULL, clears, p), 0); /* which shows none */
	pthread_join(t, NULL);
	mm_pool_stats(p, &s);
	assert_int_equal(s.allocated, 1);
	mm_pool_clear(p);
	mm_pool_stats(p, &s);
	assert_int_equal(s.allocated, 0);
	assert_int_equal(mm_manager_seal(m, OTHER), MM_OK);
	mm_key_show(OTHER); /* the manager's does for its pools */
	assert_non_null(mm_pool_alloc(p));
	mm_pool_clear(p);
	mm_pool_stats(p, &s);
	assert_int_equal(s.allocated, 0);
	mm_manager_destroy(m);
	assert_false(mm_manager_is_initialised(m));
	mm_key_show(0);
}

static void the_log_rotates(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_audit_record r[MM_AUDIT_RECORDS + 1];
	uint64_t at = 0;

	(void)state;
	assert_int_equal(mm_audit_read(m, &at, r, 1), 0);
	for (uint64_t i = 1; i <= MM_AUDIT_RECORDS + 10; i++)
		mm_budget_set(m, MM_CATEGORY_MESH_DATA, i, MM_BUDGET_WARN);
	at = 5;
	assert_int_equal(mm_audit_read(m, &at, r, 4), 4);
	assert_int_equal(r[0].serial, 11);
	assert_int_equal(r[0].bytes, 11);
	assert_int_equal(at, 15);
	assert_int_equal(mm_audit_read(m, &at, r, MM_AUDIT_RECORDS + 1), MM_AUDIT_RECORDS - 4);
	assert_int_equal(r[0].bytes, 15);
	assert_int_equal(mm_audit_read(m, &at, r, 1), 0);
	assert_int_equal(mm_audit_count(m, MM_AUDIT_BUDGET), MM_AUDIT_RECORDS + 10);
	assert_int_equal(mm_audit_count(m, MM_AUDIT_KINDS), 0);
	mm_manager_destroy(m);
}

static void *is_denied(void *manager)
{
	for (int i = 0; i < DENIALS; i++)
		if (mm_alloc(manager, 5000))
			return NULL;
	return manager;
}

static void the_log_has_what_was_denied_and_damaged(void **state)
{
	struct mm_manager *m = new_manager();
	pthread_t t[THREADS];
	char *p;

	(void)state;
	mm_budget_set(m, MM_CATEGORY_GENERAL, 4000, MM_BUDGET_DENY);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, is_denied, m), 0);
	for (int i = 0; i < THREADS; i++) {
		void *as_meant;
		pthread_join(t[i], &as_meant);
		assert_ptr_equal(as_meant, m);
	}
	assert_int_equal(mm_audit_count(m, MM_AUDIT_DENIED), THREADS * DENIALS);
	assert_int_equal(last_of(m).bytes, 5000);
	assert_int_equal(last_of(m).category, MM_CATEGORY_GENERAL);
	assert_non_null(p = mm_alloc(m, 100));
	assert_int_equal(mm_free(m, p + 8), MM_EINVAL);
	assert_int_equal(last_of(m).kind, MM_AUDIT_DAMAGE);
	assert_int_equal(last_of(m).bytes, MM_DAMAGE_INTERIOR_FREE);
	assert_ptr_equal(last_of(m).address, p + 8);
	assert_int_equal(mm_free(m, p), MM_OK);
	assert_int_equal(mm_free(m, p), MM_EINVAL);
	assert_int_equal(last_of(m).bytes, MM_DAMAGE_DOUBLE_FREE);
	assert_int_equal(mm_audit_count(m, MM_AUDIT_DAMAGE), 2);
	mm_manager_destroy(m);
}

static void the_log_has_what_was_evicted(void **state)
{
	struct mm_manager *m = new_manager();
	struct mm_what cacheable = MM_WHAT;
	void *p;

	(void)state;
	cacheable.priority = MM_PRIORITY_CACHEABLE;
	mm_budget_set(m, MM_CATEGORY_GENERAL, 4000, MM_BUDGET_EVICT);
	assert_int_equal(mm_alloc_as(m, 3000, &cacheable, &p), MM_OK);
	assert_non_null(mm_alloc(m, 3500));
	assert_int_equal(mm_audit_count(m, MM_AUDIT_EVICTED), 1);
	assert_int_equal(last_of(m).kind, MM_AUDIT_EVICTED);
	assert_int_equal(last_of(m).bytes, 3000);
	mm_budget_set(m, MM_CATEGORY_GENERAL, 4000, MM_BUDGET_WARN);
	assert_non_null(mm_alloc(m, 3500));
	assert_int_equal(last_of(m).kind, MM_AUDIT_OVER);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_manager_needs_its_key),
		cmocka_unit_test(a_sealed_pool_needs_its_key),
		cmocka_unit_test(the_log_rotates),
		cmocka_unit_test(the_log_has_what_was_denied_and_damaged),
		cmocka_unit_test(the_log_has_what_was_evicted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
