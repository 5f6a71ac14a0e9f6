/* test_lock_order.c: a thread that takes locks in any order but lock_order.h's ends, and says which;
 * this program alone is built so that they are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/lock_order.h"

static struct mm_lock depot = MM_LOCK_OF(MM_RANK_DEPOT), slabs = MM_LOCK_OF(MM_RANK_SLABS);
static struct mm_lock other_depot = MM_LOCK_OF(MM_RANK_DEPOT), leaf, other_leaf;

/* What a child that does it says when it aborts. */
static void dies_saying(void (*fn)(void), const char *text)
{
	char said[256] = "";
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(ends[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(ends[1]);
	assert_true(read(ends[0], said, sizeof said - 1) >= 0);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_string_equal(said, text);
}

static void in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		mm_lock_take(&depot);
		mm_lock_take(&slabs);
		mm_lock_take(&leaf);
		mm_lock_give(&depot); /* back they may go in any order */
		mm_lock_give(&leaf);
		mm_lock_give(&slabs);
	}
}

static void slabs_first(void)
{
	mm_lock_take(&slabs);
	mm_lock_take(&depot);
}

static void two_of_a_rank(void)
{
	mm_lock_take(&depot);
	mm_lock_take(&other_depot);
}

static void below_a_leaf(void)
{
	mm_lock_take(&leaf);
	mm_lock_take(&other_leaf);
}

static void twice(void)
{
	mm_lock_take(&depot);
	mm_lock_take(&depot);
}

static void never_taken(void)
{
	mm_lock_take(&slabs);
	mm_lock_give(&depot);
}

static void out_of_order_aborts(void **state)
{
	(void)state;
	dies_saying(slabs_first, "lock order: depot is taken while slabs is held\n");
	dies_saying(two_of_a_rank, "lock order: depot is taken while depot is held\n");
	dies_saying(below_a_leaf, "lock order: a leaf is taken while a leaf is held\n");
	dies_saying(twice, "lock order: depot is taken twice\n");
	dies_saying(never_taken, "lock order: depot is given back and was not held\n");
}

/* Before a fork all are taken. */
static void all_in_any_order(void **state)
{
	(void)state;
	mm_lock_order_all(1);
	mm_lock_take(&slabs);
	mm_lock_take(&other_depot);
	mm_lock_take(&depot);
	mm_lock_give(&slabs);
	mm_lock_give(&other_depot);
	mm_lock_give(&depot);
	mm_lock_order_all(0);
	dies_saying(slabs_first, "lock order: depot is taken while slabs is held\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(out_of_order_aborts),
		cmocka_unit_test(all_in_any_order),
	};

	return cmocka_run_group_tests_name("lock order", tests, NULL, NULL);
}
