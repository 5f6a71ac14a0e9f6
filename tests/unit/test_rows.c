/* test_rows.c: rows hold what tables say, and are not believed for longer than that;
 * modules are told apart. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>

#include "capture/calltree.h"
#include "capture/modules.h"
#include "capture/rows.h"
#include "core/shm.h"

enum { MAPPING = 64 << 20, THREADS = 8, PLACES = 40000 };

static void *base;

static int bind(void **state)
{
	(void)state;
	base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, 64, MM_CLOCK_TSC) != 0 ||
	       mm_calltree_bind(base, 0) != 0 || mm_modules_bind(base, 0) != 0;
}

static struct mm_cfi_rules plain_rules(uint8_t reg, int32_t k, int32_t bp)
{
	struct mm_cfi_rules r = { .ra_reg = MM_REG_RA };

	r.cfa = (struct mm_cfi_rule){ .kind = MM_CFI_REGISTER, .reg = reg, .value = k };
	r.reg[MM_REG_RA] = (struct mm_cfi_rule){ .kind = MM_CFI_OFFSET, .value = -8 };
	if (bp)
		r.reg[MM_REG_BP] = (struct mm_cfi_rule){ .kind = MM_CFI_OFFSET, .value = bp };
	return r;
}

static void words_hold_rules(void **state)
{
	struct mm_cfi_image im = { .count = 0 };

	(void)state;
	for (int32_t k = -1024; k <= 1024; k += 8)
		for (int32_t bp = -2048; bp < 2048; bp += 8) {
			struct mm_cfi_rules r = plain_rules(k & 8 ? MM_REG_SP : MM_REG_BP, k * 64, bp);
			uint64_t row = mm_row_from_rules(&im, &r, 8191);
			assert_int_equal(mm_row_kind(row), k & 8 ? MM_ROW_SP : MM_ROW_BP);
			assert_int_equal(mm_row_k(row), k * 64);
			assert_int_equal(mm_row_saves_bp(row), bp != 0);
			assert_int_equal(mm_row_bp(row), bp);
			assert_int_equal(mm_row_module(row), 8191);
			assert_int_equal(mm_row_generation(row), 0);
		}
}

static void other_rules_are_slow(void **state)
{
	struct mm_cfi_image im = { .count = 0 };
	struct mm_cfi_rules r;

	(void)state;
	r = plain_rules(MM_REG_R10, 8, 0);
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 12, 0);
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 1 << 20, 0);
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 64, -4096);
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 64, 0);
	r.reg[MM_REG_RA].value = -16;
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 64, 0);
	r.signal_frame = 1;
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 64, 0);
	r.reg[MM_REG_BP].kind = MM_CFI_REGISTER;
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_SLOW);
	r = plain_rules(MM_REG_SP, 64, 0);
	r.reg[MM_REG_RA].kind = MM_CFI_UNDEFINED;
	assert_int_equal(mm_row_kind(mm_row_from_rules(&im, &r, 1)), MM_ROW_END);
}

/* gcc's realigned frames: CFA = *(BP - 8), BP saved at BP + 0. */
static void realigned_frames(void **state)
{
	static const uint8_t code[] = { 0x76, 0x78, 0x06, 0x76, 0x00 };
	struct mm_cfi_image im = { .count = 1, .range = { { code, 0x1000, sizeof code } } };
	struct mm_cfi_rules r = plain_rules(MM_REG_SP, 0, 0);
	uint64_t row;

	(void)state;
	r.fde = 0x1000;
	r.cfa = (struct mm_cfi_rule){ .kind = MM_CFI_VAL_EXPR, .expr_len = 3, .value = 0 };
	r.reg[MM_REG_BP] = (struct mm_cfi_rule){ .kind = MM_CFI_EXPR, .expr_len = 2, .value = 3 };
	row = mm_row_from_rules(&im, &r, 1);
	assert_int_equal(mm_row_kind(row), MM_ROW_AT_BP);
	assert_int_equal(mm_row_k(row), -8);
	assert_true(mm_row_saves_bp(row));
	assert_int_equal(mm_row_bp(row), 0);
}

static uint64_t text_start, text_size;

static int libc_text(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	for (int i = 0; strstr(info->dlpi_name, "/libc.so") && i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			text_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			text_size = info->dlpi_phdr[i].p_memsz;
		}
	return text_start != 0;
}

static uint64_t rows_sum(uint32_t generation)
{
	uint64_t sum = 0, step = text_size / PLACES;

	for (uint32_t i = 0; i < PLACES; i++) {
		uint64_t place = text_start + 1 + i * step;
		uint64_t row = mm_rows_get(place, generation);
		if (mm_row_generation(row) != generation)
			return 0;
		sum = sum * 31 + (row & ((UINT64_C(1) << 43) - 1));
	}
	return sum;
}

static void *sum_in_thread(void *arg)
{
	*(uint64_t *)arg = rows_sum(1);
	return NULL;
}

/* Far more places than the first level holds, from all threads at once. */
static void many_places(void **state)
{
	pthread_t thread[THREADS];
	uint64_t sum[THREADS];

	(void)state;
	dl_iterate_phdr(libc_text, NULL);
	assert_true(text_size > PLACES);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, sum_in_thread, &sum[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(sum[i], sum[0]);
	assert_int_not_equal(sum[0], 0);
	assert_int_equal(rows_sum(1), sum[0]);
	assert_int_equal(rows_sum(2), sum[0]); /* looked at again, and still true */
	/* and each is what the table says now */
	for (uint32_t i = 0; i < PLACES; i += 37) {
		uint64_t place = text_start + 1 + i * (text_size / PLACES);
		const struct mm_cfi_image *im;
		struct mm_cfi_rules r;
		uint64_t row = mm_rows_get(place, 2);
		if (mm_rows_rules(place, 2, &im, &r) != 0)
			assert_int_equal(mm_row_kind(row), MM_ROW_BLANK);
		else
			assert_int_equal(row & ((UINT64_C(1) << 43) - 1),
					 mm_row_from_rules(im, &r, mm_row_module(row)));
	}
}

static void no_module(void **state)
{
	static char data[64];
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(mm_row_kind(mm_rows_get((uintptr_t)page + 8, 1)), MM_ROW_ALIEN);
	assert_int_equal(mm_row_kind(mm_rows_get(0, 1)), MM_ROW_ALIEN);
	assert_int_equal(mm_row_kind(mm_rows_get(8, 1)), MM_ROW_ALIEN);
	assert_int_equal(mm_row_kind(mm_rows_get(UINT64_MAX, 1)), MM_ROW_ALIEN);
	assert_int_equal(mm_row_kind(mm_rows_get((uintptr_t)data + 8, 1)), MM_ROW_BLANK);
	munmap(page, 4096);
}

static const struct mm_shm_module *record(uint32_t process, uint32_t number)
{
	struct mm_shm_process *p = mm_shm_process(base, process);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(base, p->dir_seg);

	return (struct mm_shm_module *)mm_shm_seg(base, dir->modules[number / MM_MODULES_PER_SEG]) +
	       number % MM_MODULES_PER_SEG;
}

static void module_records(void **state)
{
	const struct mm_module *libc = mm_module_at((uintptr_t)dlsym(RTLD_DEFAULT, "qsort"), 2);
	const struct mm_module *self = mm_module_at((uintptr_t)module_records, 2);
	const struct mm_shm_module *r;
	Dl_info info;

	(void)state;
	assert_non_null(libc);
	assert_non_null(self);
	assert_int_not_equal(libc->number, self->number);
	assert_ptr_equal(mm_module_at(libc->start + 64, 2), libc);
	assert_ptr_equal(mm_module_at(libc->start + 64, 3), libc); /* recognised */
	r = record(0, libc->number);
	assert_non_null(strstr(r->path, "libc.so.6"));
	assert_int_equal(r->path_len, strlen(r->path));
	assert_int_equal(r->build_id_len, 20);
	assert_true(r->start < r->end && r->stamp != 0);
	assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, "qsort"), &info), 0);
	assert_int_equal(r->bias, (uintptr_t)info.dli_fbase);
	assert_string_equal(record(0, self->number)->path, "");
	/* in a forked child the numbers are the same */
	struct mm_shm_process *child = mm_shm_process(base, 1);
	assert_int_equal(mm_calltree_bind(base, 1), 0);
	assert_int_equal(mm_modules_bind(base, 1), 0);
	assert_true(child->module_count > libc->number);
	assert_memory_equal(record(1, libc->number), r, sizeof *r);
	assert_memory_equal(record(1, self->number), record(0, self->number), sizeof *r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_hold_rules), cmocka_unit_test(other_rules_are_slow),
		cmocka_unit_test(realigned_frames), cmocka_unit_test(many_places),
		cmocka_unit_test(no_module), cmocka_unit_test(module_records),
	};

	return cmocka_run_group_tests_name("rows", tests, bind, NULL);
}
