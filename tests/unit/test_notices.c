/* test_notices.c: notices through the trace: every kind comes back as written, whatever part
 * of it is known; shorter and longer ones are understood; no bytes lead astray. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "modelkit.h"
#include "trace/hand.h"
#include "trace/notice.h"
#include "trace/other.h"

static const unsigned kinds[] = { MM_EV_TIER, MM_EV_TIER_USE, MM_EV_TIER_MOVE, MM_EV_EVICT,
	MM_EV_DENY, MM_EV_PRESSURE, MM_EV_GPU_DEVICE, MM_EV_GPU_HEAP, MM_EV_GPU_KIND,
	MM_EV_GPU_BLOCK };
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct mm_span span(const char *text)
{
	return (struct mm_span){ text, (uint32_t)strlen(text) };
}

/* By hand, what the format says a move is. */
static void the_bytes_of_a_move(void **state)
{
	static const uint8_t want[] = { 2, 'a', 'b', 2, 0, 0x81, 1, 1, 3, 'a', 'g', 'e', 0 };
	struct mm_notice n = mm_notice_unknown();
	struct mm_event ev = { .kind = MM_EV_TIER_MOVE, .notice = &n };
	struct mm_buf out = { 0 };

	(void)state;
	n.category = span("ab");
	n.tier = 1;
	n.bytes = 128;
	n.blocks = 0;
	n.cause = span("age");
	assert_int_equal(mm_other_encode(&ev, 1, &out), 0);
	assert_int_equal(out.len, sizeof want);
	assert_memory_equal(out.data, want, sizeof want);
	mm_buf_deinit(&out);
}

/* A notice with every second member known, from the first or from the second on. */
static struct mm_notice half_known(unsigned kind, size_t first)
{
	static const char *const texts[] = { "svo_nodes", "", "w\303\266rk \"x\"" };
	struct mm_notice n = mm_notice_unknown();
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = first; i < count; i += 2) {
		struct mm_span s = span(texts[i % 3]);
		uint64_t v = i % 3 == 0 ? 0 : i % 3 == 1 ? UINT64_MAX - 1 : 1234567 * i;
		if (f[i].is_text)
			memcpy((char *)&n + f[i].offset, &s, sizeof s);
		else
			memcpy((char *)&n + f[i].offset, &v, sizeof v);
	}
	return n;
}

static void assert_same(unsigned kind, const struct mm_notice *a, const struct mm_notice *b)
{
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++) {
		if (!f[i].is_text) {
			assert_true(mm_notice_number(a, &f[i]) == mm_notice_number(b, &f[i]));
			continue;
		}
		struct mm_span x = mm_notice_text(a, &f[i]), y = mm_notice_text(b, &f[i]);
		assert_int_equal(x.len, y.len);
		assert_memory_equal(x.text, y.text, x.len);
	}
}

static int compare_with(void *arg, const struct mm_event *ev, uint32_t index)
{
	const struct mm_notice *want = arg;

	assert_int_equal(ev->kind, kinds[index / 2]);
	assert_int_equal(ev->text_len, 0);
	assert_same(ev->kind, ev->notice, &want[index]);
	return 0;
}

static void notices_come_back(void **state)
{
	struct mm_notice all[2 * KINDS];
	struct mm_cursor *cursor;
	struct mm_event ev;
	struct kit k;
	uint32_t n = 0;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	for (size_t i = 0; i < 2 * KINDS; i++) {
		all[i] = half_known(kinds[i / 2], i % 2);
		kit_other(&k, p, &(struct mm_event){ .kind = (uint8_t)kinds[i / 2],
			.slot = MM_NO_SLOT, .thread = MM_NO_THREAD, .time = i,
			.notice = &all[i] });
	}
	kit_reader(&k);
	assert_int_equal(mm_hand_other(mm_reader_hand(k.reader), p, 0, compare_with, all), 0);
	assert_int_equal(mm_cursor_open(&cursor, k.reader, p, 0, NULL), 0);
	while (mm_cursor_next(cursor, &ev) > 0)
		compare_with(all, &ev, n++);
	assert_int_equal(n, 2 * KINDS);
	mm_cursor_close(cursor);
	kit_end(&k);
}

/* Fields may be missing at the end, and there may be more than are known. */
static void shorter_and_longer_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct mm_notice n = half_known(kinds[i], 0), unknown = mm_notice_unknown();
		struct mm_event ev = { .kind = (uint8_t)kinds[i], .notice = &n };
		union mm_other_room room;
		struct mm_buf out = { 0 };
		assert_int_equal(mm_other_decode(NULL, 0, &ev, &room), 0);
		assert_same(kinds[i], ev.notice, &unknown);
		ev.notice = &n;
		assert_int_equal(mm_other_encode(&ev, 1, &out), 0);
		assert_int_equal(mm_buf_put(&out, "\3new\7", 5), 0);
		assert_int_equal(mm_other_decode(out.data, out.len, &ev, &room), 0);
		assert_same(kinds[i], ev.notice, &n);
		assert_int_equal(ev.text_len, 0);
		mm_buf_deinit(&out);
	}
}

/* Bytes in a buffer of just their length, so that a sanitizer sees a step beyond it. */
static void try_bytes(unsigned kind, const uint8_t *bytes, size_t len)
{
	struct mm_event ev = { .kind = (uint8_t)kind };
	uint8_t *copy = malloc(len ? len : 1);
	union mm_other_room room;
	size_t count, texts = 0;

	memcpy(copy, bytes, len);
	int err = mm_other_decode(copy, len, &ev, &room);
	assert_true(err == 0 || err == MM_ECORRUPT);
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);
	for (size_t i = 0; !err && i < count; i++)
		texts += f[i].is_text ? mm_notice_text(ev.notice, &f[i]).len : 0;
	assert_true(texts <= len);
	free(copy);
}

static void hostile_bytes(void **state)
{
	uint8_t bytes[64], flood[11];
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t len = (size_t)round % sizeof bytes;
		for (size_t i = 0; i < len; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			bytes[i] = (uint8_t)(x % 3 ? x >> 32 & 15 : x >> 32);
		}
		try_bytes(kinds[round % KINDS], bytes, len);
	}
	memset(flood, 0xff, sizeof flood);
	for (size_t i = 0; i < KINDS; i++) {
		struct mm_event ev = { .kind = (uint8_t)kinds[i] };
		union mm_other_room room;
		assert_int_equal(mm_other_decode(flood, sizeof flood, &ev, &room), MM_ECORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_a_move),
		cmocka_unit_test(notices_come_back),
		cmocka_unit_test(shorter_and_longer_ones),
		cmocka_unit_test(hostile_bytes),
	};

	return cmocka_run_group_tests_name("notices", tests, NULL, NULL);
}
