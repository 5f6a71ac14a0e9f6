/* test_ops.c: a trace as calls of an allocator: places, rounds, halves of reallocs, and that
 * executing them on any number of threads frees what was born. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "modelkit.h"
#include "replay/drive.h"
#include "replay/execute.h"
#include "replay/ops.h"

static struct kit kit;

static int set_up(void **state)
{
	(void)state;
	kit_begin(&kit);
	kit_process(&kit, 100, MM_START_COMMAND, 0);
	for (uint32_t i = 0; i < 3; i++)
		kit_thread(&kit, 0, 100 + i, "t");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_end(&kit);
	return 0;
}

static void is_op(const struct mm_op *op, unsigned kind, uint32_t thread, uint64_t size)
{
	assert_int_equal(op->kind, kind);
	assert_int_equal(op->thread, thread);
	if (kind == MM_OP_ALLOC || kind == MM_OP_REALLOC)
		assert_int_equal(op->size, size);
}

static void places(void **state)
{
	struct mm_ops ops = { 0 };

	(void)state;
	size_t a = kit_alloc(&kit, 0, 0, 0, 10, 1);
	size_t b = kit_alloc(&kit, 0, 1, 0, 20, 2);
	kit_free(&kit, a, 2, 3);
	size_t c = kit_alloc(&kit, 0, 1, 0, 30, 4); /* takes the slot, not the place */
	b = kit_realloc(&kit, b, 1, 0, 40, 5);
	kit_free(&kit, c, 0, 6);
	assert_int_equal(mm_ops_of_chunk(&ops, kit_reader(&kit), 0, 0), 0);
	assert_int_equal(ops.count, 7);
	is_op(&ops.op[0], MM_OP_ALLOC, 0, 10);
	is_op(&ops.op[1], MM_OP_ALLOC, 1, 20);
	is_op(&ops.op[2], MM_OP_FREE, 2, 0);
	is_op(&ops.op[3], MM_OP_ALLOC, 1, 30);
	is_op(&ops.op[4], MM_OP_HOLD, 1, 0);
	is_op(&ops.op[5], MM_OP_REALLOC, 1, 40);
	is_op(&ops.op[6], MM_OP_FREE, 0, 0);
	assert_int_equal(ops.op[2].place, ops.op[0].place);
	assert_int_equal(ops.op[2].round, ops.op[0].round);
	for (int i = 0; i < 6; i++) /* four objects, four places */
		for (int k = 0; k < i; k++)
			if (ops.op[i].kind != MM_OP_HOLD && i != 2)
				assert_int_not_equal(ops.op[i].place, ops.op[k].place);
	assert_int_equal(ops.places, 4);
	assert_int_equal(ops.threads, 3);
	assert_int_equal(ops.leaving.count, 3);
	mm_ops_deinit(&ops);
}

/* More events than a chunk holds; every object is freed by another thread. */
static void executed(void **state)
{
	enum { OBJECTS = 50000, LAG = 300 };
	static size_t object[OBJECTS];
	const struct mm_execute_options ways[] = {
		{ .kind = MM_TARGET_NONE }, { .kind = MM_TARGET_SYSTEM },
		{ .kind = MM_TARGET_ENGINE }, { .kind = MM_TARGET_ENGINE, .keep_threads = 1 },
		{ .kind = MM_TARGET_SYSTEM, .keep_threads = 1, .touch_all = 1 } };
	struct mm_execute_result result;

	(void)state;
	for (uint64_t i = 0; i < OBJECTS; i++) {
		object[i] = kit_alloc(&kit, 0, i % 3, 0, i * 7 % 5000, i);
		if (i >= LAG)
			kit_free(&kit, object[i - LAG], (uint32_t)(i + 1) % 3, i);
	}
	for (uint64_t i = OBJECTS - LAG; i < OBJECTS; i++)
		kit_free(&kit, object[i], 0, OBJECTS);
	struct mm_reader *r = kit_reader(&kit);
	assert_true(mm_reader_chunks(r, 0) > 1);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		assert_int_equal(mm_execute(r, &ways[i], &result, NULL), 0);
		assert_int_equal(result.ops, 2 * OBJECTS);
		assert_int_equal(result.failed, 0);
		assert_int_equal(result.threads, ways[i].keep_threads ? 3 : 1);
		assert_true(result.ns > 0);
	}
}

/* A trace may be damaged, or made: a thread that it does not name costs nothing. */
static void unknown_threads_are_the_first(void **state)
{
	struct mm_heap_options o = { .simulated = 1 };
	struct mm_drive drive = { 0 };
	struct mm_ops ops = { 0 };
	struct mm_heap *heap;

	(void)state;
	kit_alloc(&kit, 0, 2, 0, 10, 1);
	kit_alloc(&kit, 0, 60, 0, 20, 2);
	assert_int_equal(mm_ops_of_chunk(&ops, kit_reader(&kit), 0, 0), 0);
	assert_int_equal(ops.count, 2);
	is_op(&ops.op[0], MM_OP_ALLOC, 2, 10);
	is_op(&ops.op[1], MM_OP_ALLOC, 0, 20);
	assert_int_equal(ops.threads, 3);
	assert_int_equal(mm_heap_open(&heap, &o), 0);
	mm_drive_init(&drive, heap, 1);
	mm_drive_of(&drive, kit.reader, 0);
	for (size_t i = 0; i < ops.rows.count; i++) {
		struct mm_row row = ops.rows.rows[i];
		row.thread = i ? 60 : 2;
		assert_int_equal(mm_drive_row(&drive, &row), 0);
	}
	assert_int_equal(drive.thread_count, 3);
	mm_drive_deinit(&drive);
	mm_heap_close(heap);
	mm_ops_deinit(&ops);
}

/* As many bits as a trace has room for. */
static void alignments_have_an_end(void **state)
{
	(void)state;
	assert_int_equal(mm_event_align(0), 0);
	assert_int_equal(mm_event_align(4), 16);
	assert_true(mm_event_align(62) == UINT64_C(1) << 62);
	assert_true(mm_event_align(255) == UINT64_C(1) << 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(executed, set_up, tear_down),
		cmocka_unit_test(alignments_have_an_end),
		cmocka_unit_test_setup_teardown(unknown_threads_are_the_first, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
