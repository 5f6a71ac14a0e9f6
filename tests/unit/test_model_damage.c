/* test_model_damage: of the model: no damaged trace makes it crash or count what is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "modelkit.h"

static uint8_t *slurp(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*ret_size = (size_t)ftell(f);
	rewind(f);
	uint8_t *data = malloc(*ret_size);
	assert_int_equal(fread(data, 1, *ret_size, f), *ret_size);
	fclose(f);
	return data;
}

/* Whatever is broken, no allocation of the totals is in no row and not in the rest. */
static void check_damaged(struct mm_reader *reader, unsigned *ret_opened)
{
	struct mm_model_options o = { .by = MM_BY_SITE };
	struct mm_diag diag = { "" };
	struct mm_report *r;

	assert_int_equal(mm_categories_load(&o.categories, NULL, &diag), 0);
	if (mm_reader_processes(reader) && mm_model_report(&r, reader, &o, &diag) == 0) {
		struct mm_measure sum = r->table.rest;
		for (size_t i = 0; i < r->table.count; i++)
			mm_measure_add(&sum, &r->table.rows[i].own);
		assert_true(sum.alloc_count >= r->totals.all.alloc_count);
		size_t last = r->timeline.count;
		if (last)
			assert_int_equal(r->timeline.live_bytes[last - 1],
					 r->totals.all.live_bytes);
		++*ret_opened;
		mm_report_free(r);
	}
	mm_categories_free(o.categories);
}

static void damage_never_crashes(void **state)
{
	struct kit k;
	size_t size;
	unsigned opened = 0;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	uint32_t site = kit_site(&k, p, 0, "main", "m.c", 1);
	for (uint64_t i = 0; i < 140000; i++) {
		size_t o = kit_alloc(&k, p, t, site, i % 100, 2 * i);
		if (i % 3)
			kit_free(&k, o, t, 2 * i + 1);
	}
	kit_reader(&k);
	uint8_t *data = slurp(k.path, &size);
	for (size_t cut = 0; cut < 60; cut++) {
		struct mm_reader *r;
		size_t at = 64 + (size - 64) / 60 * cut;
		data[at] ^= 0x10;
		if (mm_reader_open_memory(&r, data, size, NULL) == 0) {
			check_damaged(r, &opened);
			mm_reader_close(r);
		}
		data[at] ^= 0x10;
		if (mm_reader_open_memory(&r, data, at, NULL) == 0) {
			check_damaged(r, &opened);
			mm_reader_close(r);
		}
	}
	assert_true(opened > 60);
	free(data);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_never_crashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
