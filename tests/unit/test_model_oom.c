/* test_model_oom.c: the model without memory: whichever allocation fails, once or from
 * then on, the answer is "out of memory" or the right report, and nothing is leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/error.h"
#include "modelkit.h"
#include "oomkit.h"
#include "trace/notice.h"

/* One of every kind, so that each is kept, counted and listed. */
static void put_notices(struct kit *k, uint32_t process, uint64_t time)
{
	struct mm_notice n = mm_notice_unknown();
	size_t count;

	n.category = n.name = n.what = n.cause = (struct mm_span){ "some text", 9 };
	n.tier = n.to = n.device = n.heap = n.block = n.level = 1;
	n.bytes = n.stall_ns = n.capacity_bytes = 7;
	for (unsigned kind = MM_EV_TIER; mm_notice_fields(kind, &count); kind++)
		kit_other(k, process, &(struct mm_event){ .kind = (uint8_t)kind,
			.thread = MM_NO_THREAD, .slot = MM_NO_SLOT, .time = time, .notice = &n });
	kit_text(k, process, MM_EV_BUDGET, "textures", 60, time);
}

static void make_trace(struct kit *k)
{
	kit_begin(k);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t p = kit_process(k, 10 + i, i ? MM_START_FORK : MM_START_COMMAND, 0);
		uint32_t t = kit_thread(k, p, 10 + i, "t");
		uint32_t top = kit_site(k, p, 0, "main", "m.c", 1);
		uint32_t pushed = kit_category(k, p, top, "textures");
		uint32_t site = kit_site(k, p, pushed, "work", "w.c", 2);
		kit_text(k, p, MM_EV_MARK, "begin", 0, 10 * i + 1);
		kit_text(k, p, MM_EV_METRIC, "svo.nodes", 4, 10 * i + 1);
		put_notices(k, p, 10 * i + 1);
		size_t o = kit_alloc(k, p, t, site, 100, 10 * i + 2);
		kit_alloc(k, p, t, top, 50, 10 * i + 3);
		kit_free(k, o, t, 10 * i + 4);
	}
	kit_reader(k);
}

static uint64_t whole_peak(const struct mm_report *r)
{
	uint64_t sum = r->table.rest.peak_bytes;

	for (size_t i = 0; i < r->table.count; i++)
		sum += r->table.rows[i].own.peak_bytes;
	return sum;
}

/* One report with the allocation number `n` failing; returns whether one failed at all. */
static int try_report(struct kit *k, struct mm_model_options o, long n, int stays)
{
	struct mm_report *r = NULL;
	struct mm_diag diag = { "" };

	assert_int_equal(mm_categories_load(&o.categories, NULL, &diag), 0);
	failures = 0;
	failure_stays = stays;
	until_failure = n;
	int err = mm_model_report(&r, k->reader, &o, &diag);
	until_failure = -1;
	if (err) {
		assert_int_equal(err, MM_ENOMEM);
		assert_null(r);
	} else {
		assert_int_equal(whole_peak(r), r->totals.peak_live_bytes);
		assert_int_equal(r->totals.peak_live_bytes, o.process ? 200 : 150);
	}
	mm_report_free(r);
	mm_categories_free(o.categories);
	return failures != 0;
}

static void fail_each(struct mm_model_options o)
{
	struct kit k;
	long n;

	make_trace(&k);
	for (n = 0; try_report(&k, o, n, 0); n++)
		try_report(&k, o, n, 1);
	assert_true(n > 50);
	kit_end(&k);
}

static void by_site(void **state)
{
	(void)state;
	fail_each((struct mm_model_options){ 0 });
}

static void by_function_in_a_range(void **state)
{
	(void)state;
	fail_each((struct mm_model_options){ .by = MM_BY_FUNCTION, .from = "mark:begin",
					     .match = "*" });
}

static void tree_of_all_processes(void **state)
{
	(void)state;
	fail_each((struct mm_model_options){ .process = "all", .tree = MM_TREE_CALLEES,
					     .by = MM_BY_THREAD });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_site),
		cmocka_unit_test(by_function_in_a_range),
		cmocka_unit_test(tree_of_all_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
