/* test_mmbuffer: libmm's buffers: who may map what, versions, sizes, references; shared buffers
 * with readers that never see half a version, and changes counted by a model.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

enum { PAGES = 50, BYTES = PAGES * MM_BUFFER_PAGE - 100, ROUNDS = 300 };

static struct mm_manager *some_manager(void)
{
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create(&m), MM_OK);
	return m;
}

static struct mm_buffer_stats stats_of(struct mm_buffer *b)
{
	struct mm_buffer_stats s;

	mm_buffer_stats(b, &s);
	return s;
}

static uint64_t used_by(struct mm_manager *m)
{
	struct mm_totals t;

	mm_totals(m, &t);
	return t.current_bytes;
}

/* --- buffers ------------------------------------------------------------------------------ */

static void comes_and_goes_by_references(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_buffer *b, *twin = (void *)1;
	char name[MM_BUFFER_NAME_BYTES + 1];
	void *p;

	(void)state;
	memset(name, 'n', sizeof name);
	name[MM_BUFFER_NAME_BYTES] = 0;
	assert_int_equal(mm_buffer_create(m, name, 10, 0, 0, &b), MM_EINVAL);
	assert_int_equal(mm_buffer_create(m, "", 10, 0, 0, &b), MM_EINVAL);
	assert_int_equal(mm_buffer_create(m, "field", 0, 0, 0, &b), MM_EINVAL);
	assert_int_equal(mm_buffer_create(m, "field", 5000, 1, 0, &b), MM_OK);
	assert_int_equal(used_by(m), 5000);
	assert_int_equal(mm_buffer_create(m, "field", 10, 0, 0, &twin), MM_EEXIST);
	assert_ptr_equal(twin, (void *)1);
	assert_int_equal(used_by(m), 5000);
	assert_null(mm_buffer_get(m, "other"));
	assert_ptr_equal(mm_buffer_get(m, "field"), b);
	mm_buffer_add_ref(b);
	assert_int_equal(stats_of(b).refs, 3);
	assert_int_equal(mm_buffer_release(b), MM_OK);
	assert_int_equal(mm_buffer_release(b), MM_OK);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, &p), MM_OK);
	assert_int_equal(mm_buffer_release(b), MM_EPERM);
	assert_int_equal(mm_buffer_unmap(b), MM_OK);
	assert_int_equal(mm_buffer_release(b), MM_OK);
	assert_null(mm_buffer_get(m, "field"));
	assert_int_equal(used_by(m), 0);
	mm_manager_destroy(m);
}

static void is_mapped_by_one_writer_or_by_readers(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_buffer *b;
	struct mm_info i;
	uint8_t *p, *q = NULL;

	(void)state;
	assert_int_equal(mm_buffer_create(m, "field", 5000, 1, 1, &b), MM_OK);
	assert_int_equal(mm_buffer_unmap(b), MM_EINVAL);
	assert_int_equal(mm_buffer_map(b, (enum mm_map_mode)0, (void **)&p), MM_EINVAL);
	assert_int_equal(mm_buffer_map(b, (enum mm_map_mode)4, (void **)&p), MM_EINVAL);
	assert_int_equal(mm_buffer_map(b, MM_MAP_WRITE, (void **)&p), MM_OK);
	assert_int_equal((uintptr_t)p % MM_BUFFER_PAGE, 0);
	for (int at = 0; at < 5000; at++)
		assert_int_equal(p[at], 0);
	memset(p, 7, 5000);
	assert_true(mm_buffer_is_mapped(b));
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, (void **)&q), MM_EAGAIN);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ_WRITE, (void **)&q), MM_EAGAIN);
	assert_null(q);
	assert_int_equal(stats_of(b).version, 1);
	assert_int_equal(mm_buffer_unmap(b), MM_OK);
	assert_int_equal(stats_of(b).version, 2);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, (void **)&p), MM_OK);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, (void **)&q), MM_OK);
	assert_ptr_equal(p, q);
	assert_int_equal(q[4999], 7);
	assert_int_equal(mm_buffer_map(b, MM_MAP_WRITE, (void **)&q), MM_EAGAIN);
	assert_int_equal(mm_buffer_resize(b, 10, 1), MM_EPERM);
	assert_int_equal(mm_info(m, p + 4000, &i), MM_OK);
	assert_string_equal(i.name, "field");
	assert_int_equal(stats_of(b).mapped, 2);
	assert_int_equal(mm_buffer_unmap(b), MM_OK);
	assert_int_equal(mm_buffer_unmap(b), MM_OK);
	assert_false(mm_buffer_is_mapped(b));
	struct mm_buffer_stats s = stats_of(b);
	assert_int_equal(s.version, 2);
	assert_int_equal(s.map_count, 3);
	assert_int_equal(s.unmap_count, 3);
	assert_int_equal(s.last_mode, MM_MAP_READ);
	assert_int_equal(s.is_zero_copy + s.is_gpu_writable, 2);
	assert_string_equal(s.name, "field");
	mm_manager_destroy(m);
}

static void takes_another_size(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_buffer *b;
	uint8_t *p;

	(void)state;
	assert_int_equal(mm_buffer_create(m, "b", 100, 0, 0, &b), MM_OK);
	assert_int_equal(mm_buffer_map(b, MM_MAP_WRITE, (void **)&p), MM_OK);
	memset(p, 9, 100);
	mm_buffer_unmap(b);
	assert_int_equal(mm_buffer_resize(b, 0, 1), MM_EINVAL);
	assert_int_equal(mm_buffer_resize(b, 100000, 1), MM_OK);
	assert_int_equal(stats_of(b).version, 3);
	assert_int_equal(stats_of(b).size, 100000);
	assert_int_equal(used_by(m), 100000);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, (void **)&p), MM_OK);
	assert_int_equal(p[99], 9);
	assert_int_equal(p[100], 0);
	assert_int_equal(p[99999], 0);
	mm_buffer_unmap(b);
	mm_budget_set(m, MM_CATEGORY_GENERAL, 150000, MM_BUDGET_DENY);
	assert_int_equal(mm_buffer_resize(b, 60000, 1), MM_ELIMIT);
	assert_int_equal(stats_of(b).version, 3);
	assert_int_equal(stats_of(b).size, 100000);
	assert_int_equal(mm_buffer_resize(b, 50, 0), MM_OK);
	assert_int_equal(mm_buffer_map(b, MM_MAP_READ, (void **)&p), MM_OK);
	assert_int_equal(p[0], 0);
	mm_buffer_unmap(b);
	mm_manager_destroy(m);
}

static uint64_t charged_to(struct mm_manager *m, uint32_t category)
{
	struct mm_usage u;

	assert_int_equal(mm_usage(m, category, &u), MM_OK);
	return u.used_bytes;
}

/* Whoever gives it another size, in whatever category. */
static void stays_in_its_category(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_buffer *b;

	(void)state;
	mm_category_begin(MM_CATEGORY_MESH_DATA);
	assert_int_equal(mm_buffer_create(m, "b", 100, 0, 0, &b), MM_OK);
	mm_category_end();
	assert_int_equal(charged_to(m, MM_CATEGORY_MESH_DATA), 100);
	assert_int_equal(mm_buffer_resize(b, 5000, 1), MM_OK);
	assert_int_equal(charged_to(m, MM_CATEGORY_MESH_DATA), 5000);
	assert_int_equal(charged_to(m, MM_CATEGORY_GENERAL), 0);
	assert_int_equal(mm_buffer_release(b), MM_OK);
	assert_int_equal(charged_to(m, MM_CATEGORY_MESH_DATA), 0);
	mm_manager_destroy(m);
}

static void has_no_gpu(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_buffer *b;

	(void)state;
	assert_int_equal(mm_manager_is_supported(m, MM_FEATURE_BUFFERS), 1);
	assert_int_equal(mm_manager_is_supported(m, MM_FEATURE_GPU), 0);
	assert_int_equal(mm_buffer_create(m, "b", 100, 0, 1, &b), MM_OK);
	assert_int_equal(mm_buffer_sync_to_gpu(b), 0);
	assert_int_equal(mm_buffer_sync_from_gpu(b), 0);
	assert_null(mm_buffer_native(b));
	assert_int_equal(mm_buffer_set_hint(b, MM_HINTS), MM_EINVAL);
	assert_int_equal(mm_buffer_set_hint(b, MM_HINT_INDEX_DATA), MM_OK);
	assert_int_equal(stats_of(b).hint, MM_HINT_INDEX_DATA);
	mm_manager_destroy(m);
}

/* --- shared buffers ---------------------------------------------------------------------- */

static void tells_what_changed(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_shared_buffer *b;
	uint64_t version = 0, of_page[PAGES], seed = 1;
	struct mm_changed r[PAGES];
	uint8_t *p, model[BYTES] = { 0 };

	(void)state;
	assert_int_equal(mm_shared_buffer_create(m, "s", BYTES, &b), MM_OK);
	assert_int_equal(mm_shared_buffer_publish(b, NULL), MM_EINVAL);
	assert_int_equal(mm_shared_buffer_touch(b, 0, 1), MM_EINVAL);
	for (int i = 0; i < PAGES; i++)
		of_page[i] = 1;
	for (int round = 0; round < ROUNDS; round++) {
		int tells = round % 3 == 0, abandons = round % 7 == 3, any = 0;
		uint64_t now = mm_shared_buffer_version(b);
		assert_int_equal(mm_shared_buffer_begin(b, (void **)&p), MM_OK);
		assert_memory_equal(p, model, BYTES);
		for (int n = round % 5; n > 0; n--) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			size_t at = (seed >> 33) % BYTES;
			p[at]++;
			if (tells)
				assert_int_equal(mm_shared_buffer_touch(b, at, 1), MM_OK);
			if (abandons)
				continue;
			model[at]++;
			of_page[at / MM_BUFFER_PAGE] = now + 1;
			any = 1;
		}
		if (abandons) {
			assert_int_equal(mm_shared_buffer_abandon(b), MM_OK);
			continue;
		}
		assert_int_equal(mm_shared_buffer_publish(b, &version), MM_OK);
		assert_int_equal(version, now + (uint64_t)any);
		size_t n = mm_shared_buffer_changes(b, version - 2, r, PAGES), at = 0;
		for (int i = 0; i < PAGES; i++) {
			uint64_t start = (uint64_t)i * MM_BUFFER_PAGE;
			while (at < n && r[at].offset + r[at].bytes <= start)
				at++;
			assert_int_equal(at < n && r[at].offset <= start,
					 of_page[i] > version - 2);
		}
	}
	assert_true(version > 100);
	assert_int_equal(mm_shared_buffer_changes(b, version, r, PAGES), 0);
	assert_int_equal(mm_shared_buffer_changes(b, 0, r, PAGES), 1);
	assert_int_equal(r[0].bytes, BYTES);
	mm_shared_buffer_destroy(b);
	assert_int_equal(used_by(m), 0);
	mm_manager_destroy(m);
}

static void waits_for_who_still_reads(void **state)
{
	struct mm_shared_buffer *b;
	uint8_t *p, *q = NULL;
	const uint8_t *r;
	uint64_t version;

	(void)state;
	assert_int_equal(mm_shared_buffer_create(NULL, "s", 100, &b), MM_OK);
	r = mm_shared_buffer_read(b, &version);
	assert_int_equal(version, 1);
	assert_int_equal(mm_shared_buffer_begin(b, (void **)&p), MM_OK);
	assert_int_equal(mm_shared_buffer_begin(b, (void **)&q), MM_EAGAIN);
	p[5] = 5;
	assert_int_equal(mm_shared_buffer_touch(b, 90, 11), MM_EINVAL);
	assert_int_equal(mm_shared_buffer_publish(b, NULL), MM_OK);
	assert_int_equal(r[5], 0);
	assert_int_equal(mm_shared_buffer_begin(b, (void **)&q), MM_EAGAIN);
	assert_null(q);
	assert_int_equal(mm_shared_buffer_read_end(b, &version), MM_EINVAL);
	assert_int_equal(mm_shared_buffer_read_end(b, r), MM_OK);
	assert_int_equal(mm_shared_buffer_read_end(b, r), MM_EINVAL);
	assert_int_equal(mm_shared_buffer_begin(b, (void **)&q), MM_OK);
	assert_int_equal(q[5], 5);
	assert_int_equal(mm_shared_buffer_abandon(b), MM_OK);
	assert_int_equal(mm_shared_buffer_abandon(b), MM_EINVAL);
	mm_shared_buffer_destroy(b);
}

static _Atomic int done;

/* Every word of a version is its number less one, and versions never go back. */
static void *reads_whole_versions(void *arg)
{
	struct mm_shared_buffer *b = arg;
	uint64_t last = 0, version, wrong = 0;

	while (!done) {
		const uint64_t *w = mm_shared_buffer_read(b, &version);
		for (int i = 0; i < BYTES / 8; i++)
			wrong += w[i] != version - 1;
		wrong += version < last;
		last = version;
		wrong += mm_shared_buffer_read_end(b, w) != MM_OK;
	}
	return (void *)(uintptr_t)wrong;
}

static void is_read_while_it_is_written(void **state)
{
	struct mm_shared_buffer *b;
	pthread_t t[3];
	uint64_t *w, n = 0;

	(void)state;
	assert_int_equal(mm_shared_buffer_create(NULL, "s", BYTES, &b), MM_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, reads_whole_versions, b), 0);
	while (n < 200) {
		if (mm_shared_buffer_begin(b, (void **)&w))
			continue;
		n++;
		for (int i = 0; i < BYTES / 8; i++)
			w[i] = n;
		assert_int_equal(mm_shared_buffer_publish(b, NULL), MM_OK);
		if (n == 100) {
			pid_t child = fork();
			int status = 1;
			if (child == 0)
				_exit(mm_shared_buffer_version(b) != 101);
			waitpid(child, &status, 0);
			assert_int_equal(status, 0);
		}
	}
	done = 1;
	for (int i = 0; i < 3; i++) {
		void *wrong;
		pthread_join(t[i], &wrong);
		assert_int_equal((uintptr_t)wrong, 0);
	}
	mm_shared_buffer_destroy(b);
}

/* --- forks -------------------------------------------------------------------------------- */

enum { LARGE = 4 << 20, FORKS = 40 };

static void *publishes(void *arg)
{
	struct mm_shared_buffer *b = arg;
	uint8_t *p;

	for (size_t i = 0; !done; i++)
		if (mm_shared_buffer_begin(b, (void **)&p) == MM_OK) {
			p[i * 4099 % LARGE]++;
			mm_shared_buffer_publish(b, NULL);
		}
	return NULL;
}

static void *resizes(void *arg)
{
	for (size_t i = 0; !done; i++)
		mm_buffer_resize(arg, LARGE + i % 2, 1);
	return NULL;
}

static int child_can_write(struct mm_shared_buffer *b)
{
	void *p;

	if (mm_shared_buffer_begin(b, &p) == MM_OK)
		return mm_shared_buffer_publish(b, NULL) == MM_OK;
	return mm_shared_buffer_abandon(b) == MM_OK && mm_shared_buffer_begin(b, &p) == MM_OK;
}

static int child_can_map(struct mm_buffer *b)
{
	void *p;

	return !mm_buffer_is_mapped(b) && mm_buffer_map(b, MM_MAP_WRITE, &p) == MM_OK &&
	       mm_buffer_unmap(b) == MM_OK;
}

/* Whatever the threads that it does not have were in the middle of. */
static void children_go_on(void **state)
{
	struct mm_manager *m = some_manager();
	struct mm_shared_buffer *s;
	struct mm_buffer *b;
	pthread_t t[2];
	int status;

	(void)state;
	done = 0;
	assert_int_equal(mm_shared_buffer_create(m, "s", LARGE, &s), MM_OK);
	assert_int_equal(mm_buffer_create(m, "b", LARGE, 0, 0, &b), MM_OK);
	assert_int_equal(pthread_create(&t[0], NULL, publishes, s), 0);
	assert_int_equal(pthread_create(&t[1], NULL, resizes, b), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(60);
			_exit((child_can_write(s) ? 0 : 1) + (child_can_map(b) ? 0 : 2));
		}
		assert_int_equal(mm_buffer_unmap(b), MM_EINVAL); /* nobody has it mapped */
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	done = 1;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	mm_shared_buffer_destroy(s);
	mm_manager_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_and_goes_by_references),
		cmocka_unit_test(is_mapped_by_one_writer_or_by_readers),
		cmocka_unit_test(takes_another_size),
		cmocka_unit_test(stays_in_its_category),
		cmocka_unit_test(has_no_gpu),
		cmocka_unit_test(tells_what_changed),
		cmocka_unit_test(waits_for_who_still_reads),
		cmocka_unit_test(is_read_while_it_is_written),
		cmocka_unit_test(children_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
