/* test_vspace: what of an address space shows only from outside a heap: children that are forked
 * while another thread gives pages back have every slice; only pages that are there are given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc/vspace.h"
#include "core/error.h"

#include "limited.h"

enum { SLICES = 64, FORKS = 100 };

static struct mm_meta meta;
static struct mm_vspace vspace;
static _Atomic int is_over;

static void open_space(uint64_t retain)
{
	struct mm_vspace_options o = { .bytes = UINT64_C(1) << 32, .page_bytes = 4096,
				       .retain_bytes = retain };

	memset(&meta, 0, sizeof meta);
	memset(&vspace, 0, sizeof vspace);
	assert_int_equal(mm_vspace_init(&vspace, &o, &meta), MM_OK);
}

static void close_space(void)
{
	mm_vspace_deinit(&vspace);
	mm_meta_deinit(&meta);
}

static void *take_and_give(void *arg)
{
	uint64_t addr;

	while (!atomic_load(&is_over)) {
		if (mm_vspace_take(&vspace, SLICES, 1, SLICES * MM_SLICE_BYTES, 1, &addr))
			return arg;
		memset((void *)(uintptr_t)addr, 1, SLICES * MM_SLICE_BYTES);
		mm_vspace_give(&vspace, addr, SLICES);
	}
	return NULL;
}

/* What the child finds wrong. */
static int forked_finds(void)
{
	int status;
	pid_t pid;

	mm_vspace_hold(&vspace);
	pid = fork();
	if (!pid)
		_exit(vspace.purging ? 100 : mm_vspace_check(&vspace));
	mm_vspace_go_on(&vspace);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void children_have_every_slice(void **state)
{
	pthread_t thread;
	void *failed;

	(void)state;
	open_space(0);
	atomic_store(&is_over, 0);
	assert_int_equal(pthread_create(&thread, NULL, take_and_give, &vspace), 0);
	for (int i = 0; i < FORKS; i++)
		assert_int_equal(forked_finds(), 0);
	atomic_store(&is_over, 1);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_true(vspace.purges > 0);
	assert_int_equal(mm_vspace_check(&vspace), 0);
	close_space();
}

static void only_pages_that_are_there_go(void **state)
{
	uint64_t addr, again, used, retained;

	(void)state;
	open_space(UINT64_MAX);
	assert_int_equal(mm_vspace_take(&vspace, 2, 1, 4096, 1, &addr), MM_OK);
	memset((void *)(uintptr_t)addr, 7, 4096);
	mm_vspace_give(&vspace, addr, 2);
	assert_int_equal(mm_vspace_take(&vspace, 2, 1, 0, 1, &again), MM_OK);
	assert_int_equal(again, addr);
	assert_int_equal(*(unsigned char *)(uintptr_t)addr, 7);
	mm_vspace_trim(&vspace, addr, 2);
	assert_int_equal(vspace.purges, 1);
	assert_int_equal(*(unsigned char *)(uintptr_t)addr, 0);
	*(unsigned char *)(uintptr_t)addr = 8; /* not told: so the next trim has nothing to do */
	mm_vspace_trim(&vspace, addr, 2);
	assert_int_equal(vspace.purges, 1);
	assert_int_equal(*(unsigned char *)(uintptr_t)addr, 8);
	mm_vspace_sums(&vspace, &used, &retained);
	assert_int_equal(used + retained, 0);
	mm_vspace_give(&vspace, addr, 2);
	assert_int_equal(mm_vspace_check(&vspace), 0);
	close_space();
}

/* What could not be reserved is not given back: somebody else may lie where simulated ranges do. */
static void nothing_reserved_nothing_lost(void **state)
{
	struct mm_vspace_options o = { .bytes = UINT64_C(1) << 30, .page_bytes = 4096 };
	struct mm_vspace_options simulated = { .bytes = 1 << 20, .page_bytes = 4096, .simulated = 1 };
	struct rlimit was, none = { 0, 0 };
	uint64_t addr;
	char *other;

	(void)state;
	if (!LIMITED)
		skip();
	memset(&vspace, 0, sizeof vspace);
	assert_int_equal(mm_vspace_init(&vspace, &simulated, &meta), MM_OK);
	assert_int_equal(mm_vspace_take(&vspace, 1, 1, 0, 1, &addr), MM_OK);
	other = mmap((void *)(uintptr_t)addr, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(other, (void *)(uintptr_t)addr);
	close_space();
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	memset(&vspace, 0, sizeof vspace);
	int err = mm_vspace_init(&vspace, &o, &meta);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_int_equal(err, MM_ENOSPC);
	*other = 7;
	assert_int_equal(munmap(other, 4096), 0);
	mm_meta_deinit(&meta);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_have_every_slice),
		cmocka_unit_test(only_pages_that_are_there_go),
		cmocka_unit_test(nothing_reserved_nothing_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
