/* test_mmcheck: damage to libmm's blocks (mm_check.h): each kind is told, at the level that says
 * so, with the block it was done to. What the engine finds is tested in test_guard*.c and
 * test_checked.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mm.h"

static struct mm_damage last;
static int count;

static void note_damage(void *ctx, const struct mm_damage *damage)
{
	assert_ptr_equal(ctx, &last);
	last = *damage;
	count++;
}

static struct mm_manager *checked(enum mm_checking checking)
{
	struct mm_manager_options o = { .checking = checking, .damaged = note_damage, .ctx = &last };
	struct mm_manager *m = NULL;

	assert_int_equal(mm_manager_create_with(&o, &m), MM_OK);
	count = 0;
	return m;
}

static void options(void **state)
{
	struct mm_manager_options o = { .checking = (enum mm_checking)4 };
	struct mm_manager *m = NULL;

	(void)state;
	assert_int_equal(mm_manager_create_with(&o, &m), MM_EINVAL);
	assert_null(m);
	assert_string_equal(mm_damage_name(MM_DAMAGE_OVERRUN), "overrun");
	assert_null(mm_damage_name(MM_DAMAGES));
}

/* At every level. */
static void frees_that_are_none(void **state)
{
	(void)state;
	for (int level = MM_CHECKING_OFF; level <= MM_CHECKING_FULL; level++) {
		struct mm_manager *m = checked((enum mm_checking)level);
		char *p = MM_ALLOC(m, 100, MM_CATEGORY_MESH_DATA, "strip"), *q = mm_alloc(m, 100);
		assert_int_equal(mm_free(m, p + 16), MM_EINVAL);
		assert_true(count == 1 && last.kind == MM_DAMAGE_INTERIOR_FREE);
		assert_true(last.address == p + 16 && last.block == p && last.offset == 16);
		assert_int_equal(last.size, 100);
		assert_string_equal(last.info.name, "strip");
		assert_int_equal(mm_free(m, q), MM_OK);
		assert_int_equal(mm_free(m, q), MM_EINVAL);
		assert_true(count == 2 && last.kind == MM_DAMAGE_DOUBLE_FREE);
		assert_ptr_equal(last.address, q);
		assert_int_equal(mm_free(m, &m), MM_EINVAL);
		assert_true(count == 3 && last.kind == MM_DAMAGE_INVALID_FREE && !last.block);
		assert_null(last.info.start);
		assert_int_equal(mm_free(m, p), MM_OK);
		assert_int_equal(mm_validate(m), MM_OK);
		assert_int_equal(count, 3);
		mm_manager_destroy(m);
	}
}

static void writes_behind_blocks(void **state)
{
	(void)state;
	for (int level = MM_CHECKING_ON; level <= MM_CHECKING_FULL; level++) {
		struct mm_manager *m = checked((enum mm_checking)level);
		if (level == MM_CHECKING_SAMPLED) {
			mm_manager_destroy(m);
			continue;
		}
		char *p = MM_ALLOC(m, 97, MM_CATEGORY_SDF_FIELDS, "field");
		assert_non_null(mm_alloc(m, 97));
		assert_int_equal(mm_validate(m), MM_OK);
		p[97] ^= 0x55;
		assert_int_equal(mm_validate(m), MM_ECORRUPT);
		assert_true(count == 1 && last.kind == MM_DAMAGE_OVERRUN && last.offset == 97);
		assert_string_equal(last.info.name, "field");
		assert_int_equal(mm_free(m, p), MM_ECORRUPT);
		assert_true(count == 2 && last.block == p && last.size == 97);
		assert_string_equal(last.info.name, "field");
		assert_string_equal(last.info.category_name, "sdf_fields");
		assert_non_null(strstr(last.info.file, "test_mmcheck.c"));
		struct mm_usage u;
		assert_int_equal(mm_usage(m, MM_CATEGORY_SDF_FIELDS, &u), MM_OK);
		assert_int_equal(u.used_bytes, 0);
		mm_manager_destroy(m);
	}
}

static void writes_behind_movable_blocks(void **state)
{
	struct mm_manager *m = checked(MM_CHECKING_ON);
	struct mm_what what = MM_WHAT;
	struct mm_movable n;
	char *p;

	(void)state;
	what.name = "moved";
	assert_int_equal(mm_movable_create_as(m, 97, &what, &n), MM_OK);
	assert_int_equal(mm_movable_pin(m, n, (void **)&p), MM_OK);
	p[97] ^= 0x55;
	assert_int_equal(mm_validate(m), MM_ECORRUPT);
	assert_int_equal(mm_movable_unpin(m, n), MM_OK);
	assert_int_equal(mm_movable_free(m, n), MM_ECORRUPT);
	assert_true(count == 2 && last.kind == MM_DAMAGE_OVERRUN && last.block == p);
	assert_string_equal(last.info.name, "moved");
	assert_int_equal(mm_movable_free(m, n), MM_ENOENT);
	mm_manager_destroy(m);
}

static struct mm_manager *faulty;

static void in_handler(int number, siginfo_t *info, void *context)
{
	struct mm_damage d;

	(void)number;
	(void)context;
	if (mm_fault(faulty, info->si_addr, &d))
		_exit(1);
	_exit(10 + (int)d.kind);
}

static int killed_by(size_t at, int is_freed)
{
	struct sigaction a = { .sa_sigaction = in_handler, .sa_flags = SA_SIGINFO };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		volatile char *p = mm_alloc(faulty, 64);
		sigaction(SIGSEGV, &a, NULL);
		if (is_freed)
			mm_free(faulty, (void *)(uintptr_t)p);
		p[at] = 1;
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void guard_pages_are_explained(void **state)
{
	struct mm_damage d;
	int on_stack;

	(void)state;
	faulty = checked(MM_CHECKING_FULL);
	assert_int_equal(killed_by(0, 0), 0);
	assert_int_equal(killed_by(4096, 0), 10 + MM_DAMAGE_OVERRUN);
	assert_int_equal(killed_by(8, 1), 10 + MM_DAMAGE_USE_AFTER_FREE);
	assert_int_equal(mm_fault(faulty, &on_stack, &d), MM_ENOENT);
	mm_manager_destroy(faulty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),
		cmocka_unit_test(frees_that_are_none),
		cmocka_unit_test(writes_behind_blocks),
		cmocka_unit_test(writes_behind_movable_blocks),
		cmocka_unit_test(guard_pages_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
