/* test_hostile.c: traces that lie. Every envelope and checksum holds, what they enclose
 * claims the impossible: slots, numbers and counts near 2^32, payloads that unpack to far
 * more than their size. The reader must answer within 256 MiB of address space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "core/varint.h"
#include "trace/block.h"
#include "trace/checkpoint.h"
#include "trace/chunk.h"
#include "trace/columns.h"
#include "trace/facts.h"
#include "trace/objects.h"
#include "trace/reader.h"
#include "trace/tables.h"

#include "limited.h"

static struct mm_buf file;
static uint64_t block_number;

static void begin_file(void)
{
	struct mm_file_state state = { 0 };

	mm_buf_clear(&file);
	assert_int_equal(mm_buf_reserve(&file, MM_FILE_HEADER), 0);
	mm_file_encode(file.data, &state);
	file.len = MM_FILE_HEADER;
	block_number = 0;
}

static void add_block(uint8_t type, uint32_t process, uint8_t flags, const struct mm_buf *prefix,
		      const struct mm_buf *payload, uint32_t raw)
{
	struct mm_block b = { .type = type, .flags = flags, .process = process,
		.prefix = (uint32_t)prefix->len, .raw = raw, .number = block_number++,
		.stored = (uint32_t)(prefix->len + payload->len) };
	uint8_t head[MM_BLOCK_HEADER];

	b.crc = mm_crc32c(mm_crc32c(0, prefix->data, prefix->len), payload->data, payload->len);
	mm_block_encode(&b, head);
	mm_buf_put(&file, head, sizeof head);
	mm_buf_put(&file, prefix->data, prefix->len);
	mm_buf_put(&file, payload->data, payload->len);
}

static void put_all(struct mm_buf *b, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mm_buf_varint(b, v[i]);
}

/* Reads everything in a child that may map 256 MiB: its exit status is 0 when all was
 * answered, 1 for an error of memory. */
static int read_in_little_memory(void)
{
	struct rlimit limit = { 256u << 20, 256u << 20 };
	struct mm_reader *r;
	struct mm_cursor *c;
	struct mm_event ev;
	struct mm_digest d;
	int bad = 0;

	if ((LIMITED && setrlimit(RLIMIT_AS, &limit)) ||
	    mm_reader_open_memory(&r, file.data, file.len, NULL))
		return 1;
	for (uint32_t p = 0; p < mm_reader_processes(r); p++) {
		for (uint32_t i = 0; i < mm_reader_chunks(r, p); i++) {
			bad |= mm_reader_digest(r, p, i, &d) == MM_ENOMEM;
			int err = mm_cursor_open(&c, r, p, i, NULL), more = 0;
			bad |= err == MM_ENOMEM;
			while (!err && (more = mm_cursor_next(c, &ev)) > 0)
				;
			bad |= more == MM_ENOMEM;
			if (!err)
				mm_cursor_close(c);
		}
	}
	mm_reader_close(r);
	return bad;
}

static void expect_answers(void)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		_exit(read_in_little_memory());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- chunks ------------------------------------------------------------------------------- */

static void put_column(struct mm_buf *out, unsigned column, const void *data, size_t len)
{
	mm_buf_u8(out, (uint8_t)column);
	mm_buf_u8(out, MM_PACK_PLAIN);
	mm_buf_varint(out, len);
	mm_buf_varint(out, len);
	mm_buf_put(out, data, len);
}

/* A death of slot 2^32 - 2, then a birth at the next never used. */
static void slots_beyond_all_bounds(void **state)
{
	static const uint8_t shapes[] = { 2, 16, 2, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t numbers[] = { 0, 1 };
	static const uint8_t zero[] = { 0 }, far[] = { 255 }, fe[] = { 0xfd }, ff[] = { 0xff };
	struct mm_chunk_head h = { .number = 5, .resolution_ns = 1, .events = 2, .births = 1,
		.deaths = 1, .start = { 0, 0xfffffffe, 0 },
		.before = { .live_count = 0xfffffffe, .live_bytes = UINT64_MAX } };
	struct mm_buf prefix = { 0 }, payload = { 0 };
	struct mm_reader *r;
	struct mm_cursor *c;
	struct mm_event ev;

	(void)state;
	begin_file();
	mm_chunk_encode(&h, &prefix);
	put_column(&payload, MM_COL_SHAPES, shapes, sizeof shapes);
	put_column(&payload, MM_COL_SHAPE_LO, numbers, sizeof numbers);
	put_column(&payload, MM_COL_SIZE_LO, zero, 1);
	put_column(&payload, MM_COL_SIZE_HI, zero, 1);
	put_column(&payload, MM_COL_OLD, far, 1);
	put_column(&payload, MM_COL_OLD_0, fe, 1);
	put_column(&payload, MM_COL_OLD_0 + 1, ff, 1);
	put_column(&payload, MM_COL_OLD_0 + 2, ff, 1);
	put_column(&payload, MM_COL_OLD_0 + 3, ff, 1);
	add_block(MM_BLOCK_CHUNK, 0, 0, &prefix, &payload, (uint32_t)payload.len);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	assert_int_equal(mm_cursor_next(c, &ev), 1);
	assert_int_equal(ev.slot, 0xfffffffd);
	assert_int_equal(ev.flags, MM_EVF_BORN_UNKNOWN);
	assert_int_equal(ev.size, MM_UNKNOWN);
	assert_int_equal(mm_cursor_next(c, &ev), 1);
	assert_int_equal(ev.slot, 0xfffffffd);
	assert_int_equal(ev.kind, MM_EV_MALLOC);
	assert_int_equal(mm_cursor_next(c, &ev), 0);
	mm_cursor_close(c);
	mm_reader_close(r);
	mm_buf_deinit(&prefix);
	mm_buf_deinit(&payload);
}

/* Columns that unpack to 8 MiB each out of a few bytes, in a dozen chunks. */
static void columns_that_swell(void **state)
{
	struct mm_chunk_head h = { .resolution_ns = 1, .events = 65536 };
	struct mm_buf prefix = { 0 }, payload = { 0 };

	(void)state;
	begin_file();
	for (unsigned i = 1; i < 250; i++) {
		mm_buf_u8(&payload, (uint8_t)i);
		mm_buf_u8(&payload, MM_PACK_SAME);
		mm_buf_varint(&payload, MM_COLUMN_MAX);
		mm_buf_varint(&payload, 1);
		mm_buf_u8(&payload, 0);
	}
	for (h.number = 0; h.number < 12; h.number++) {
		mm_buf_clear(&prefix);
		mm_chunk_encode(&h, &prefix);
		add_block(MM_BLOCK_CHUNK, 0, 0, &prefix, &payload, (uint32_t)payload.len);
	}
	expect_answers();
	mm_buf_deinit(&prefix);
	mm_buf_deinit(&payload);
}

/* --- other blocks ---------------------------------------------------------------------------- */

static void checkpoints_without_end(void **state)
{
	static const uint64_t objects[] = { 1, 0xfffffff0 };
	struct mm_checkpoint_head h = { .parts = 1 + 65536, .high_water = 0xffffffff,
		.resolution_ns = 1, .totals = { .live_count = 0xffffffff } };
	struct mm_chunk_head chunk = { .number = 9, .resolution_ns = 1 };
	struct mm_buf prefix = { 0 }, payload = { 0 };

	(void)state;
	begin_file();
	h.number = 9;
	mm_checkpoint_encode_head(&h, &prefix);
	mm_buf_u8(&payload, 1);
	put_all(&payload, objects, 2);
	for (int i = 0; i < 9; i++)
		mm_buf_u8(&payload, 1);
	add_block(MM_BLOCK_CHECKPOINT, 0, 0, &prefix, &payload, (uint32_t)payload.len);
	/* one part, and objects beyond it */
	h.parts = 2;
	h.high_water = 1;
	h.totals.live_count = 1;
	for (h.part = 0; h.part < 2; h.part++) {
		mm_buf_clear(&prefix);
		mm_checkpoint_encode_head(&h, &prefix);
		add_block(MM_BLOCK_CHECKPOINT, 0, 0, &prefix, &payload, (uint32_t)payload.len);
	}
	mm_buf_clear(&prefix);
	mm_chunk_encode(&chunk, &prefix);
	mm_buf_clear(&payload);
	add_block(MM_BLOCK_CHUNK, 0, 0, &prefix, &payload, 0);
	expect_answers();
	mm_buf_deinit(&prefix);
	mm_buf_deinit(&payload);
}

/* No object is left, but 97 bytes: the objects behind it are those after a gap. */
static void checkpoints_that_do_not_add_up(void **state)
{
	struct mm_checkpoint_head h = { .number = 9, .parts = 1, .resolution_ns = 1,
		.totals = { .live_bytes = 97 } };
	struct mm_chunk_head chunk = { .number = 9, .resolution_ns = 1 };
	struct mm_buf prefix = { 0 }, none = { 0 };
	struct mm_reader *r;
	struct mm_cursor *c;
	struct mm_event ev;

	(void)state;
	begin_file();
	mm_checkpoint_encode_head(&h, &prefix);
	add_block(MM_BLOCK_CHECKPOINT, 0, 0, &prefix, &none, 0);
	mm_buf_clear(&prefix);
	mm_chunk_encode(&chunk, &prefix);
	add_block(MM_BLOCK_CHUNK, 0, 0, &prefix, &none, 0);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	assert_int_equal(mm_cursor_next(c, &ev), 0);
	assert_int_equal(mm_objects_check(mm_cursor_objects(c)), MM_OK);
	assert_int_equal(mm_objects_totals(mm_cursor_objects(c))->live_bytes, 0);
	mm_cursor_close(c);
	mm_reader_close(r);
	mm_buf_deinit(&prefix);
}

static void numbers_beyond_all_bounds(void **state)
{
	struct mm_buf none = { 0 }, payload = { 0 };
	struct mm_reader *r;

	(void)state;
	begin_file();
	for (unsigned tag = MM_DEFS_STRINGS; tag <= MM_DEFS_SITES; tag++) {
		const uint64_t section[] = { 0xfffffff0, 5, 40 };
		mm_buf_clear(&payload);
		mm_buf_u8(&payload, (uint8_t)tag);
		put_all(&payload, section, 3);
		for (int i = 0; i < 40; i++)
			mm_buf_u8(&payload, 1);
		add_block(MM_BLOCK_DEFS, 0, 0, &none, &payload, (uint32_t)payload.len);
		add_block(MM_BLOCK_DEFS, 0xfffffffe, 0, &none, &payload,
			  (uint32_t)payload.len);
	}
	add_block(MM_BLOCK_PROCESS, 0xfffffffe, 0, &none, &none, 0);
	add_block(200, 0xfffffffe, 0, &none, &payload, (uint32_t)payload.len);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_reader_processes(r), 1);
	assert_true(mm_reader_sites(r, 0) < 1 << 21);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 9);
	mm_reader_close(r);
	mm_buf_deinit(&payload);
}

/* Each number is near the one before; all together are not. */
static void processes_far_apart(void **state)
{
	struct mm_buf none = { 0 };
	struct mm_reader *r;

	(void)state;
	begin_file();
	for (uint32_t i = 0; i < 2000; i++)
		add_block(MM_BLOCK_PROCESS, i * 65536, 0, &none, &none, 0);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_true(mm_reader_processes(r) <= 1 << 17);
	assert_true(mm_reader_info(r)->damaged_blocks >= 1990);
	mm_reader_close(r);
}

/* Numbers that nothing defines, a few bytes of the file for as many as a table takes in. */
static void holes_in_every_process(void **state)
{
	const uint64_t section[] = { 300000, 0, 0 };
	struct mm_buf none = { 0 }, payload = { 0 };
	struct mm_reader *r;
	uint64_t modules = 0;

	(void)state;
	mm_buf_u8(&payload, MM_DEFS_MODULES);
	put_all(&payload, section, 3);
	begin_file();
	for (uint32_t i = 0; i < 50; i++)
		add_block(MM_BLOCK_DEFS, i, 0, &none, &payload, (uint32_t)payload.len);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	for (uint32_t i = 0; i < mm_reader_processes(r); i++)
		modules += mm_reader_modules(r, i);
	assert_true(modules <= MM_HOLES_MAX + 50);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 47);
	mm_reader_close(r);
	mm_buf_deinit(&payload);
}

/* Headers that all claim the same many bytes behind them, wrongly summed: not each is believed far
 * enough to sum them up again. */
static void blocks_over_one_another(void **state)
{
	enum { HEADERS = 1000, CLAIM = 4 << 20 };
	struct mm_block b = { .type = MM_BLOCK_CHUNK, .stored = CLAIM, .raw = CLAIM };
	struct mm_buf none = { 0 };
	struct mm_reader *r;

	(void)state;
	begin_file();
	for (b.number = 0; b.number < HEADERS; b.number++) {
		uint8_t head[MM_BLOCK_HEADER];
		mm_block_encode(&b, head);
		mm_buf_put(&file, head, sizeof head);
	}
	assert_int_equal(mm_buf_reserve(&file, CLAIM), 0);
	memset(file.data + file.len, 0, CLAIM);
	file.len += CLAIM;
	block_number = HEADERS;
	add_block(MM_BLOCK_PROCESS, 3, 0, &none, &none, 0);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_true(mm_reader_info(r)->damaged_blocks <= 8);
	assert_int_equal(mm_reader_processes(r), 4); /* what lies behind is found */
	mm_reader_close(r);
}

static void payloads_that_swell(void **state)
{
	struct mm_buf none = { 0 }, payload = { 0 }, raw = { 0 };
	size_t bytes = MM_RAW_MAX;

	(void)state;
	begin_file();
	assert_int_equal(mm_buf_reserve(&raw, bytes), 0);
	memset(raw.data, 0, bytes);
	assert_int_equal(mm_buf_reserve(&payload, ZSTD_compressBound(bytes)), 0);
	payload.len = ZSTD_compress(payload.data, payload.cap, raw.data, bytes, 1);
	assert_false(ZSTD_isError(payload.len));
	for (int i = 0; i < 20; i++) {
		add_block(MM_BLOCK_DEFS, 0, MM_BLOCKF_ZSTD, &none, &payload, MM_RAW_MAX);
		add_block(MM_BLOCK_SYMBOLS, 0, MM_BLOCKF_ZSTD, &none, &payload, MM_RAW_MAX);
		add_block(MM_BLOCK_RUN, 0, MM_BLOCKF_ZSTD, &none, &payload, MM_RAW_MAX);
		/* says less than it holds */
		add_block(MM_BLOCK_DEFS, 0, MM_BLOCKF_ZSTD, &none, &payload, 1000);
	}
	expect_answers();
	mm_buf_deinit(&payload);
	mm_buf_deinit(&raw);
}

/* A roll of `count` processes with numbers `step` apart from `first` on, packed. */
static void add_roll(uint32_t first, uint32_t count, uint32_t step)
{
	struct mm_process p = { .exe = "", .cmd = "" };
	struct mm_process_sums sums = { .events = 1 };
	struct mm_roll_head head = { .left_out = UINT64_MAX, .events = UINT64_MAX };
	struct mm_buf prefix = { 0 }, raw = { 0 }, payload = { 0 };

	mm_roll_encode_head(&head, &prefix);
	for (uint32_t i = 0; i < count; i++) {
		p.number = first + i * step;
		assert_int_equal(mm_roll_encode(&p, &sums, &raw), 0);
	}
	assert_int_equal(mm_buf_reserve(&payload, ZSTD_compressBound(raw.len)), 0);
	payload.len = ZSTD_compress(payload.data, payload.cap, raw.data, raw.len, 1);
	assert_false(ZSTD_isError(payload.len));
	add_block(MM_BLOCK_ROLL, UINT32_MAX, MM_BLOCKF_ZSTD, &prefix, &payload, (uint32_t)raw.len);
	mm_buf_deinit(&prefix);
	mm_buf_deinit(&raw);
	mm_buf_deinit(&payload);
}

static void rolls_that_swell(void **state)
{
	struct mm_reader *r;

	(void)state;
	begin_file();
	add_roll(0, 10000, 1);
	add_roll(0, 1000, 60000);
	add_roll(0, 1000, 0);
	add_roll(0, 100000, 1);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_reader_processes(r), 10000);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 3);
	assert_int_equal(mm_reader_lost(r, 9999), 1);
	mm_reader_close(r);
}

/* Of each nothing is known but that it was there: little more than that is kept. */
static void many_processes_of_which_little_is_known(void **state)
{
	struct mm_reader *r;

	(void)state;
	begin_file();
	for (uint32_t i = 0; i < 12; i++)
		add_roll(10000 * i, 10000, 1);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_reader_processes(r), 120000);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 0);
	mm_reader_close(r);
}

/* Addresses chosen so that the hash of all symbols is the same one. */
static void symbols_of_one_hash(void **state)
{
	const uint64_t by_address = UINT64_C(0x9E3779B97F4A7C15);
	const uint64_t by_module = UINT64_C(0xC2B2AE3D27D4EB4F);
	struct mm_buf none = { 0 }, payload = { 0 };
	uint64_t inverse = 1, address, before = 0;
	struct mm_reader *r;

	(void)state;
	for (int i = 0; i < 6; i++) /* Newton: of by_address, modulo 2^64 */
		inverse *= 2 - by_address * inverse;
	for (uint64_t module = 0; module < 50000; module++, before = address) {
		address = inverse * (12345 ^ module * by_module);
		const uint64_t symbol[] = { 0, module, mm_zigzag((int64_t)(address - before)), 0 };
		put_all(&payload, symbol, 4);
	}
	begin_file();
	add_block(MM_BLOCK_SYMBOLS, 0, 0, &none, &payload, (uint32_t)payload.len);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 1);
	mm_reader_close(r);
	mm_buf_deinit(&payload);
}

static void digests_that_lie(void **state)
{
	struct mm_chunk_head h = { .resolution_ns = 1 };
	struct mm_buf prefix = { 0 }, payload = { 0 };
	struct mm_reader *r;
	struct mm_digest d;

	(void)state;
	begin_file();
	mm_chunk_encode(&h, &prefix);
	add_block(MM_BLOCK_CHUNK, 0, 0, &prefix, &payload, 0);
	mm_buf_clear(&prefix);
	mm_buf_varint(&prefix, 0);
	mm_buf_varint(&payload, 65536);
	mm_buf_varint(&payload, 3);
	add_block(MM_BLOCK_DIGEST, 0, 0, &prefix, &payload, (uint32_t)payload.len);
	expect_answers();
	assert_int_equal(mm_reader_open_memory(&r, file.data, file.len, NULL), 0);
	assert_int_equal(mm_reader_digest(r, 0, 0, &d), MM_ECORRUPT);
	mm_reader_close(r);
	mm_buf_deinit(&prefix);
	mm_buf_deinit(&payload);
}

static int drop_file(void **state)
{
	(void)state;
	mm_buf_deinit(&file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_beyond_all_bounds),
		cmocka_unit_test(columns_that_swell),
		cmocka_unit_test(checkpoints_without_end),
		cmocka_unit_test(checkpoints_that_do_not_add_up),
		cmocka_unit_test(numbers_beyond_all_bounds),
		cmocka_unit_test(processes_far_apart),
		cmocka_unit_test(holes_in_every_process),
		cmocka_unit_test(blocks_over_one_another),
		cmocka_unit_test(payloads_that_swell),
		cmocka_unit_test(rolls_that_swell),
		cmocka_unit_test(many_processes_of_which_little_is_known),
		cmocka_unit_test(symbols_of_one_hash),
		cmocka_unit_test(digests_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, drop_file);
}
