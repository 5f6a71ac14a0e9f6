/* test_damage.c: a small trace cut short at every byte, and with every bit flipped. No
 * crash, no hang, no wrong event: every chunk that is whole is returned, as it was or with
 * births unknown; a file whose magic or version is damaged is not a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "trace/block.h"
#include "tracecheck.h"
#include "tracegen.h"

enum { CHUNKS = 8, PER_CHUNK = 170, IDENTITY = 24 /* bytes of magic and versions */ };

struct small {
	struct tg g;
	uint8_t *data;
	size_t len;
	uint64_t at[CHUNKS], end[CHUNKS]; /* where each chunk lies */
	size_t first[CHUNKS + 1];
};

static void write_small(struct small *s, const char *path)
{
	static const struct mm_frame frames[] = { { "inner", "a.c", 3, 1 }, { "outer", "b.c", 9, 0 } };
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;

	assert_int_equal(mm_writer_open(&w, path, &opt, NULL), 0);
	tg_begin(&s->g, w, 77, "small");
	for (int i = 0; i < CHUNKS; i++) {
		while (s->g.count < (size_t)(i + 1) * PER_CHUNK)
			tg_step(&s->g);
		assert_int_equal(mm_writer_sync(w, s->g.now, 1), 0);
	}
	assert_int_equal(mm_writer_symbol(w, 0, 1, 0x400010, frames, 2), 0);
	assert_int_equal(mm_writer_close(w, NULL), 0);
}

static int make_small(void **state)
{
	struct small *s = calloc(1, sizeof *s);
	struct mm_reader *r;
	char *path = tg_path("small");

	write_small(s, path);
	s->data = tg_load(path, &s->len);
	unlink(path);
	free(path);
	assert_int_equal(mm_reader_open_memory(&r, s->data, s->len, NULL), 0);
	assert_int_equal(mm_reader_chunks(r, 0), CHUNKS);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		const struct mm_chunk_info *info = mm_reader_chunk(r, 0, i);
		s->at[i] = info->offset;
		s->end[i] = info->offset + info->bytes;
		s->first[i + 1] = s->first[i] + info->events;
	}
	mm_reader_close(r);
	*state = s;
	return 0;
}

static int drop_small(void **state)
{
	struct small *s = *state;

	tg_end(&s->g);
	free(s->data);
	free(s);
	return 0;
}

/* The chunk of the original that this one is, by its first event's time and count of
 * births before it; CHUNKS when it is none. */
static uint32_t which(const struct small *s, const struct mm_chunk_info *info)
{
	for (uint32_t i = 0; i < CHUNKS; i++)
		if (info->offset == s->at[i] && s->end[i] - s->at[i] == info->bytes &&
		    info->events == s->first[i + 1] - s->first[i])
			return i;
	return CHUNKS;
}

/* Every event that the trace gives is one that was written: chunks seen, as bits. */
static unsigned expect_only_the_truth(const struct small *s, struct mm_reader *r)
{
	struct mm_cursor *c;
	struct mm_event ev;
	unsigned seen = 0;
	uint32_t last = UINT32_MAX, chunk = CHUNKS;
	size_t n = 0;

	if (mm_cursor_open(&c, r, 0, 0, NULL))
		return 0;
	while (mm_cursor_next(c, &ev) > 0) {
		if (mm_cursor_chunk(c) != last) {
			last = mm_cursor_chunk(c);
			chunk = which(s, mm_reader_chunk(r, 0, last));
			assert_true(chunk < CHUNKS);
			n = s->first[chunk];
			seen |= 1u << chunk;
		}
		const char *field = tc_differs(&ev, &s->g.events[n++], 1);
		if (field)
			fail_msg("event %zu: %s", n - 1, field);
		assert_true(n <= s->first[chunk + 1]);
	}
	mm_cursor_close(c);
	return seen;
}

static void read_everything_else(struct mm_reader *r)
{
	const struct mm_frame *frames;
	struct mm_digest d;
	size_t count;

	for (uint32_t i = 0; i < mm_reader_chunks(r, 0); i++)
		if (mm_reader_digest(r, 0, i, &d) == 0)
			mm_digest_deinit(&d);
	for (uint32_t i = 0; i < mm_reader_sites(r, 0); i++)
		if (!mm_reader_site_lost(r, 0, i))
			assert_true(mm_reader_site(r, 0, i)->parent <= i);
	if (mm_reader_symbol(r, 0, 1, 0x400010, &frames, &count) == 0) {
		assert_int_equal(count, 2);
		assert_string_equal(frames[0].function, "inner");
	}
}

static void cut_at_every_byte(void **state)
{
	const struct small *s = *state;

	for (size_t len = 0; len < s->len; len++) {
		/* a copy of its own, so that a sanitizer sees reads behind the end */
		uint8_t *copy = malloc(len ? len : 1);
		struct mm_reader *r;
		memcpy(copy, s->data, len);
		int err = mm_reader_open_memory(&r, copy, len, NULL);
		assert_int_equal(err, len < IDENTITY ? MM_ENOTRACE : 0);
		if (!err) {
			unsigned want = 0, seen = expect_only_the_truth(s, r);
			for (int i = 0; i < CHUNKS; i++)
				want |= s->end[i] <= len ? 1u << i : 0;
			assert_int_equal(seen, want);
			assert_int_equal(mm_reader_info(r)->complete, 0);
			read_everything_else(r);
			mm_reader_close(r);
		}
		free(copy);
	}
}

static void expect_after_flip(const struct small *s, uint8_t *copy, size_t byte)
{
	struct mm_reader *r;
	int err = mm_reader_open_memory(&r, copy, s->len, NULL);

	assert_int_equal(err, byte < IDENTITY ? MM_ENOTRACE : 0);
	if (err)
		return;
	unsigned seen = expect_only_the_truth(s, r);
	for (int i = 0; i < CHUNKS; i++) {
		int hit = byte >= s->at[i] && byte < s->end[i];
		if (seen >> i & 1 ? hit : !hit)
			fail_msg("byte %zu, chunk %d: %s", byte, i, hit ? "taken" : "lost");
	}
	read_everything_else(r);
	mm_reader_close(r);
}

static void every_bit_flipped(void **state)
{
	const struct small *s = *state;
	uint8_t *copy = malloc(s->len);

	memcpy(copy, s->data, s->len);
	for (size_t byte = 0; byte < s->len; byte++)
		for (int bit = 0; bit < 8; bit++) {
			copy[byte] ^= (uint8_t)(1 << bit);
			expect_after_flip(s, copy, byte);
			copy[byte] ^= (uint8_t)(1 << bit);
		}
	free(copy);
}

static void bytes_missing_or_extra(void **state)
{
	const struct small *s = *state;
	uint8_t *copy = malloc(s->len + 64);

	/* a hole of 37 bytes anywhere takes the blocks it touches, no others */
	for (size_t at = MM_FILE_HEADER; at + 37 < s->len; at += 61) {
		struct mm_reader *r;
		memcpy(copy, s->data, at);
		memcpy(copy + at, s->data + at + 37, s->len - at - 37);
		assert_int_equal(mm_reader_open_memory(&r, copy, s->len - 37, NULL), 0);
		uint32_t whole = 0;
		for (int i = 0; i < CHUNKS; i++)
			whole += s->end[i] <= at || s->at[i] >= at + 37;
		assert_int_equal(mm_reader_chunks(r, 0), whole);
		assert_true(mm_reader_info(r)->lost_bytes > 0);
		mm_reader_close(r);
	}
	/* garbage between blocks costs nothing */
	memcpy(copy, s->data, s->at[3]);
	memset(copy + s->at[3], 0x8b, 64);
	memcpy(copy + s->at[3] + 64, s->data + s->at[3], s->len - s->at[3]);
	struct mm_reader *r;
	const char *field;
	assert_int_equal(mm_reader_open_memory(&r, copy, s->len + 64, NULL), 0);
	assert_int_equal(tc_walk(r, &s->g, &field), s->g.count);
	assert_null(field);
	assert_int_equal(mm_reader_info(r)->lost_bytes, 64);
	mm_reader_close(r);
	free(copy);
}

static void newer_and_foreign(void **state)
{
	const struct small *s = *state;
	uint8_t *copy = malloc(s->len);
	struct mm_diag diag = { "" };
	struct mm_reader *r = NULL;

	memcpy(copy, s->data, s->len);
	mm_put32(copy + 8, 9);
	mm_put32(copy + 16, ~UINT32_C(9));
	assert_int_equal(mm_reader_open_memory(&r, copy, s->len, &diag), 0);
	assert_int_equal(mm_reader_info(r)->version, 9);
	mm_reader_close(r);
	r = NULL;
	mm_put32(copy + 12, 2);
	mm_put32(copy + 20, ~UINT32_C(2));
	assert_int_equal(mm_reader_open_memory(&r, copy, s->len, &diag), MM_ENEWER);
	assert_non_null(strstr(diag.text, "newer"));
	memcpy(copy, "\177ELF", 4);
	assert_int_equal(mm_reader_open_memory(&r, copy, s->len, &diag), MM_ENOTRACE);
	assert_non_null(strstr(diag.text, "not a trace"));
	assert_null(r);
	free(copy);
}

int main(void)
{
	/* a hundred thousand readers come and go: keep their memory */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(every_bit_flipped),
		cmocka_unit_test(bytes_missing_or_extra),
		cmocka_unit_test(newer_and_foreign),
	};

	return cmocka_run_group_tests(tests, make_small, drop_small);
}
