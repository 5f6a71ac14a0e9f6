/* fuzz_reader.c: any bytes as a trace: opened, walked, decoded chunk by chunk, digests and
 * tables read. Built with libFuzzer (--enable-fuzz).
 *
 * So that the fuzzer gets behind the checksums, the first byte of its input chooses: odd =
 * the bytes as they are; even = every block that looks like one gets right checksums. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "trace/block.h"
#include "trace/hand.h"
#include "trace/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes the envelopes hold, whatever they hold. */
static void mend(uint8_t *p, size_t len)
{
	struct mm_file_state state = { 0 };
	size_t at = MM_FILE_HEADER;

	if (len < MM_FILE_HEADER)
		return;
	mm_file_encode(p, &state);
	while (at + MM_BLOCK_HEADER <= len) {
		uint8_t *head = p + at;
		uint32_t left = (uint32_t)(len - at - MM_BLOCK_HEADER);
		uint32_t stored = mm_get32(head + 12);
		if (stored > left)
			stored = left;
		mm_put32(head, MM_BLOCK_MAGIC);
		mm_put32(head + 12, stored);
		if (mm_get32(head + 16) > stored)
			mm_put32(head + 16, stored);
		if (!(head[5] & MM_BLOCKF_ZSTD))
			mm_put32(head + 20, stored - mm_get32(head + 16));
		mm_put32(head + 40, mm_crc32c(0, head + MM_BLOCK_HEADER, stored));
		mm_put32(head + 44, mm_crc32c(0, head, 44));
		at += MM_BLOCK_HEADER + stored;
	}
}

static int count_event(void *arg, const struct mm_event *ev)
{
	uint64_t *sum = arg;

	*sum += ev->time + ev->size + ev->slot;
	for (uint32_t i = 0; i < ev->text_len; i++)
		*sum += (uint8_t)ev->text[i];
	return 0;
}

static int count_other(void *arg, const struct mm_event *ev, uint32_t index)
{
	*(uint64_t *)arg += index;
	return count_event(arg, ev);
}

static uint64_t read_tables(struct mm_reader *r, uint32_t p)
{
	uint64_t sum = strlen(mm_reader_process(r, p)->cmd);
	const struct mm_frame *frames;
	size_t count = 0;

	for (uint32_t i = 0; i < mm_reader_sites(r, p); i++) {
		const struct mm_site *s = mm_reader_site(r, p, i);
		if (s->parent > i)
			abort();
		sum += strlen(mm_reader_module(r, p, s->module)->path);
		if (mm_reader_symbol(r, p, s->module, s->value, &frames, &count) == 0)
			for (size_t k = 0; k < count; k++)
				sum += strlen(frames[k].function) + strlen(frames[k].file);
	}
	for (uint32_t i = 0; i < mm_reader_threads(r, p); i++)
		sum += strlen(mm_reader_thread(r, p, i)->name);
	return sum + strlen(mm_reader_string(r, p, 1));
}

static uint64_t read_births(struct mm_reader *r, uint32_t p, uint32_t chunk)
{
	static const uint64_t bits[4] = { 0x5a5a5a5a5a5a5a5a, ~UINT64_C(0), 1, 0 };
	struct mm_touched touched = { 0 };
	struct mm_rows rows = { 0 };
	uint64_t sum = 0;
	uint32_t last;

	if (mm_hand_births(mm_reader_hand(r), p, chunk, bits, 256, &rows) == 0) {
		for (size_t i = 0; i < rows.count; i++) {
			if (rows.rows[i].slot >= 192 || rows.rows[i].ref >= MM_CHUNK_EVENTS)
				abort();
			sum += rows.rows[i].size + rows.rows[i].tick;
		}
		if (mm_hand_last_birth(mm_reader_hand(r), 0, &last) == 0)
			sum += last;
	}
	if (mm_hand_touched(mm_reader_hand(r), p, chunk, &touched) == 0 && touched.count)
		sum += touched.slots[touched.count - 1];
	free(touched.slots);
	mm_rows_deinit(&rows);
	return sum;
}

static uint64_t read_process(struct mm_reader *r, uint32_t p)
{
	uint64_t sum = read_tables(r, p);
	struct mm_cursor *c;
	struct mm_event ev;
	struct mm_digest d;
	struct mm_rows rows = { 0 };

	for (uint32_t i = 0; i < mm_reader_chunks(r, p) && i < 20; i++) {
		mm_reader_decode(r, p, i, count_event, &sum);
		mm_hand_other(mm_reader_hand(r), p, i, count_other, &sum);
		if (mm_hand_rows(mm_reader_hand(r), p, i, &rows) == 0 && rows.count)
			sum += rows.rows[rows.count - 1].slot;
		sum += read_births(r, p, i);
		if (mm_reader_digest(r, p, i, &d) == 0)
			mm_digest_deinit(&d);
	}
	mm_rows_deinit(&rows);
	if (mm_cursor_open(&c, r, p, 0, NULL) == 0) {
		while (mm_cursor_next(c, &ev) > 0)
			count_event(&sum, &ev);
		if (mm_objects_check(mm_cursor_objects(c)))
			abort();
		mm_cursor_close(c);
	}
	uint32_t chunks = mm_reader_chunks(r, p);
	if (chunks > 1 && mm_cursor_open(&c, r, p, chunks - 1, NULL) == 0) {
		while (mm_cursor_next(c, &ev) > 0)
			count_event(&sum, &ev);
		mm_cursor_close(c);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static volatile uint64_t sink; /* so that nothing read is optimised away */
	struct mm_reader *r;

	if (!size)
		return 0;
	uint8_t *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (!(data[0] & 1))
		mend(copy, size - 1);
	if (mm_reader_open_memory(&r, copy, size - 1, NULL) == 0) {
		for (uint32_t p = 0; p < mm_reader_processes(r) && p < 8; p++)
			sink += read_process(r, p);
		mm_reader_close(r);
	}
	free(copy);
	(void)sink;
	return 0;
}
