/* test_stack.c: what mm_stack_node() says where stacks end early, in handlers, in children
 * and without memory. Stacks of every shape are tested in tests/stacks. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <execinfo.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/stack.h"
#include "core/shm.h"

#define NOINLINE __attribute__((noinline, noclone, optimize("no-omit-frame-pointer")))
#ifdef __clang__
#undef NOINLINE
#define NOINLINE __attribute__((noinline))
#endif

enum { MAPPING = 64 << 20, DEPTH = 32 };

static void *base;
static struct mm_stack_thread self;
static int nested;
static uint32_t last;
static volatile int two = 2, four = 4; /* so that no loop is unrolled into other call sites */

NOINLINE static void hook(void)
{
	struct mm_caller c = MM_CALLER_HERE();

	errno = 4711;
	last = mm_stack_node(&self, &c, nested);
	assert_int_equal(errno, 4711);
}

NOINLINE static void descend(int n)
{
	if (n == 0)
		hook();
	else
		descend(n - 1);
	__asm__ volatile("" ::: "memory");
}

static int bind(void **state)
{
	(void)state;
	base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, DEPTH, MM_CLOCK_TSC) != 0)
		return -1;
	nested = 0;
	return mm_stack_bind(base, 0, DEPTH);
}

static int unbind(void **state)
{
	(void)state;
	self = (struct mm_stack_thread){ 0 };
	return munmap(base, MAPPING);
}

/* The node's path, innermost first; *cut says whether it ends under a CUT node. */
static uint32_t path(uint32_t process, uint32_t node, uint64_t *ret, int *cut)
{
	struct mm_shm_process *p = mm_shm_process(base, process);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(base, p->dir_seg);
	uint32_t n = 0;

	*cut = 0;
	while (node != 0) {
		struct mm_shm_node *x = (struct mm_shm_node *)mm_shm_seg(
			base, dir->nodes[node / MM_NODES_PER_SEG]) + node % MM_NODES_PER_SEG;
		if (MM_NODE_KIND(x->value_kind) == MM_NODE_CUT) {
			assert_int_equal(x->parent, 0);
			*cut = 1;
		} else {
			ret[n++] = x->value_kind;
		}
		node = x->parent;
	}
	return n;
}

static void deep_stacks(void **state)
{
	uint64_t at[DEPTH], deeper[DEPTH];
	uint32_t node;
	int cut;

	(void)state;
	mm_stack_thread_adopt(&self, 0);
	descend(DEPTH + 10);
	node = last;
	assert_int_equal(path(0, node, at, &cut), DEPTH);
	assert_true(cut);
	for (int i = 2; i < DEPTH; i++)
		assert_int_equal(at[i], at[1]); /* the recursion's return address */
	descend(DEPTH + 20);
	assert_int_equal(path(0, last, deeper, &cut), DEPTH);
	assert_int_equal(last, node); /* the innermost frames are the same */
	descend(1);
	assert_true(path(0, last, at, &cut) < DEPTH);
	assert_false(cut);
}

/* One line for all, or return addresses would differ. */
NOINLINE static void same_place(int n, int is_nested, uint32_t *ret)
{
	nested = is_nested;
	descend(n);
	nested = 0;
	*ret = last;
}

static void with_and_without_memory(void **state)
{
	struct rlimit old, none = { 0, 0 };
	uint32_t node[4];

	(void)state;
	mm_stack_thread_adopt(&self, 1);
	assert_non_null(self.memo);
	for (int i = 0; i < four; i++) {
		if (i % 2)
			self.memo = NULL;
		else
			mm_stack_thread_adopt(&self, 1); /* finds what was left */
		assert_int_equal(self.memo != NULL, i % 2 == 0);
		same_place(5, 0, &node[i]);
		assert_int_equal(node[i], node[0]);
	}
	getrlimit(RLIMIT_AS, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_AS, &none);
	self = (struct mm_stack_thread){ 0 };
	mm_stack_thread_adopt(&self, 2);
	same_place(6, 0, &node[1]);
	setrlimit(RLIMIT_AS, &old);
	assert_null(self.memo);
	assert_int_not_equal(node[1], 0);
}

static void in_a_handler(void **state)
{
	uint32_t node[4];

	(void)state;
	mm_stack_thread_adopt(&self, 3);
	for (int i = 0; i < four; i++)
		same_place(6, i % 2, &node[i]);
	for (int i = 1; i < 4; i++)
		assert_int_equal(node[i], node[0]);
}

static void another_generation(void **state)
{
	uint32_t node[4];
	struct mm_shm_control *c = base;

	(void)state;
	mm_stack_thread_adopt(&self, 4);
	for (int i = 0; i < four; i++) {
		uint32_t before = c->load_generation;
		same_place(6, 0, &node[i]);
		mm_stack_unloaded();
		assert_int_equal(c->load_generation, before + 1);
	}
	assert_int_equal(node[1], node[0]);
	assert_int_equal(node[2], node[0]);
	assert_int_equal(mm_shm_process(base, 0)->module_count > 1, 1);
}

static void categories(void **state)
{
	uint32_t site, a, b;

	(void)state;
	mm_stack_thread_adopt(&self, 5);
	descend(3);
	site = last;
	a = mm_stack_category(site, 1);
	b = mm_stack_category(site, 2);
	assert_int_not_equal(a, b);
	assert_int_equal(mm_stack_category(site, 1), a);
	assert_int_not_equal(a, site);
}

/* A child has a tree of its own; what it knows of modules it takes along. */
static void a_forked_child(void **state)
{
	uint64_t at[DEPTH], theirs[DEPTH];
	uint32_t n, node, child_node = 0;
	int cut, status;
	volatile uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	mm_stack_thread_adopt(&self, 6);
	for (int child = 0; child < two; child++) {
		pid_t pid = child ? fork() : 0;
		if (child && pid == 0) {
			if (mm_stack_bind(base, 1, DEPTH) != 0)
				_exit(1);
			mm_stack_thread_adopt(&self, 7);
		}
		same_place(4, 0, &node);
		if (child && pid == 0) {
			*shared = node;
			_exit(0);
		}
		if (child)
			assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_int_equal(status, 0);
	child_node = *shared;
	n = path(0, node, at, &cut);
	assert_int_equal(path(1, child_node, theirs, &cut), n);
	at[6] = theirs[6]; /* this function's: a compiler may make two calls of one */
	assert_memory_equal(at, theirs, n * sizeof at[0]);
	assert_int_equal(mm_shm_process(base, 1)->node_count, n + 1);
	assert_int_equal(mm_shm_process(base, 1)->module_count,
			 mm_shm_process(base, 0)->module_count);
}

/* As execinfo sees it, which unwinds by libgcc. */
static void same_as_backtrace(void **state)
{
	uint64_t at[DEPTH];
	void *theirs[DEPTH * 2];
	int cut, n, skip = 0;
	uint32_t count;

	(void)state;
	mm_stack_thread_adopt(&self, 8);
	n = backtrace(theirs, DEPTH * 2);
	hook();
	count = path(0, last, at, &cut);
	while (skip < n && (uint64_t)(uintptr_t)theirs[skip] != at[1])
		skip++;
	assert_int_equal(n - skip, count - 1);
	for (uint32_t i = 1; i < count; i++)
		assert_int_equal(at[i], (uintptr_t)theirs[skip + (int)i - 1]);
}

/* A frame pointer that leads nowhere, a stack pointer into nothing. */
static void wild_registers(void **state)
{
	struct mm_caller c = { .ra = (uintptr_t)descend + 8, .sp = 0x1000, .bp = 0x10 };
	uint64_t at[DEPTH];
	int cut;

	(void)state;
	mm_stack_thread_adopt(&self, 9);
	assert_int_not_equal(mm_stack_node(&self, &c, 0), 0);
	c.sp = (uintptr_t)&c;
	for (uint64_t bp = 1; bp != 0; bp <<= 1) {
		c.bp = bp - 8;
		path(0, mm_stack_node(&self, &c, 0), at, &cut);
		c.bp = bp;
		path(0, mm_stack_node(&self, &c, 0), at, &cut);
	}
	for (uint64_t sp = 1; sp != 0; sp <<= 1) {
		c.sp = sp;
		assert_true(path(0, mm_stack_node(&self, &c, 0), at, &cut) >= 1);
	}
	c.ra = 0x10; /* in no module */
	c.sp = (uintptr_t)&c;
	assert_int_equal(path(0, mm_stack_node(&self, &c, 0), at, &cut), 1);
	assert_true(cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(deep_stacks, bind, unbind),
		cmocka_unit_test_setup_teardown(with_and_without_memory, bind, unbind),
		cmocka_unit_test_setup_teardown(in_a_handler, bind, unbind),
		cmocka_unit_test_setup_teardown(another_generation, bind, unbind),
		cmocka_unit_test_setup_teardown(categories, bind, unbind),
		cmocka_unit_test_setup_teardown(a_forked_child, bind, unbind),
		cmocka_unit_test_setup_teardown(same_as_backtrace, bind, unbind),
		cmocka_unit_test_setup_teardown(wild_registers, bind, unbind),
	};

	return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
