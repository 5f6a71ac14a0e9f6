/* test_tracegap.c: a trace of 20 chunks with any one of them gone. Every other chunk must
 * give the same slots, sizes, times and sites as before, or unknown; totals stay exact;
 * from the next checkpoint on nothing is unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "trace/block.h"
#include "tracecheck.h"
#include "tracegen.h"

enum { CHUNKS = 20, PER_CHUNK = 900, BLOCKS = 400 };

enum loss { LOSS_CUT, LOSS_ZERO, LOSS_BODY, LOSS_HEAD, LOSSES };

struct image {
	struct tg g;
	uint8_t *data;
	size_t len;
	struct mm_block blocks[BLOCKS];
	size_t block_count;
	size_t first[CHUNKS + 1]; /* first event of each chunk */
	uint64_t live[CHUNKS];    /* live bytes before each */
};

static void find_blocks(struct image *im)
{
	uint64_t at = MM_FILE_HEADER;

	im->block_count = 0;
	while (at + MM_BLOCK_HEADER <= im->len) {
		struct mm_block *b = &im->blocks[im->block_count++];
		assert_true(im->block_count < BLOCKS);
		assert_int_equal(mm_block_decode(im->data + at, b), 0);
		b->offset = at;
		at += MM_BLOCK_HEADER + b->stored;
	}
	assert_int_equal(at, im->len);
}

static int make_image(void **state)
{
	struct image *im = calloc(1, sizeof *im);
	struct mm_writer_options opt = tg_options();
	struct mm_reader *r;
	char *path = tg_path("gap");

	tg_write(&im->g, path, 42, CHUNKS * PER_CHUNK, PER_CHUNK, &opt);
	im->data = tg_load(path, &im->len);
	unlink(path);
	free(path);
	find_blocks(im);
	assert_int_equal(mm_reader_open_memory(&r, im->data, im->len, NULL), 0);
	assert_int_equal(mm_reader_chunks(r, 0), CHUNKS);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		im->first[i + 1] = im->first[i] + mm_reader_chunk(r, 0, i)->events;
		im->live[i] = mm_reader_chunk(r, 0, i)->before.live_bytes;
	}
	mm_reader_close(r);
	*state = im;
	return 0;
}

static int drop_image(void **state)
{
	struct image *im = *state;

	tg_end(&im->g);
	free(im->data);
	free(im);
	return 0;
}

/* The n-th block of a type, counted from 0. */
static const struct mm_block *nth_block(const struct image *im, unsigned type, uint32_t n)
{
	for (size_t i = 0; i < im->block_count; i++)
		if (im->blocks[i].type == type && !n--)
			return &im->blocks[i];
	fail_msg("no such block");
	return NULL;
}

/* A copy of the image with one block damaged. */
static uint8_t *damage(const struct image *im, const struct mm_block *b, enum loss how,
		       size_t *ret_len)
{
	size_t bytes = MM_BLOCK_HEADER + b->stored, end = b->offset + bytes;
	uint8_t *copy = malloc(im->len);

	memcpy(copy, im->data, im->len);
	*ret_len = im->len;
	if (how == LOSS_CUT) {
		memmove(copy + b->offset, im->data + end, im->len - end);
		*ret_len -= bytes;
	} else if (how == LOSS_ZERO) {
		memset(copy + b->offset, 0, bytes);
	} else if (how == LOSS_BODY) {
		copy[end - 1] ^= 4;
	} else {
		copy[b->offset + 9] ^= 1;
	}
	return copy;
}

/* Whether a whole checkpoint stands between chunk `gone` and chunk `chunk`. */
static int known_again(const struct image *im, uint32_t gone, uint32_t chunk)
{
	const struct mm_block *from = nth_block(im, MM_BLOCK_CHUNK, gone);
	const struct mm_block *to = nth_block(im, MM_BLOCK_CHUNK, chunk);

	for (size_t i = 0; i < im->block_count; i++)
		if (im->blocks[i].type == MM_BLOCK_CHECKPOINT &&
		    im->blocks[i].offset > from->offset && im->blocks[i].offset < to->offset)
			return 1;
	return 0;
}

/* Chunk of the original that chunk `i` of a trace without chunk `gone` is. */
static uint32_t original(uint32_t i, uint32_t gone)
{
	return i < gone ? i : i + 1;
}

/* Gives how many deaths were of objects that the gap made unknown. */
static size_t expect_rest(const struct image *im, struct mm_reader *r, uint32_t gone)
{
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0, unknown = 0;

	assert_int_equal(mm_cursor_open(&c, r, 0, 0, NULL), 0);
	while (mm_cursor_next(c, &ev) > 0) {
		uint32_t chunk = original(mm_cursor_chunk(c), gone);
		if (n == im->first[gone])
			n = im->first[gone + 1];
		const char *field = tc_differs(&ev, &im->g.events[n], 1);
		if (field)
			fail_msg("without chunk %u, event %zu: %s", gone, n, field);
		if (ev.flags & MM_EVF_BORN_UNKNOWN) {
			/* of an object that the gap hid: born before it ended */
			assert_true(chunk > gone && !known_again(im, gone, chunk));
			assert_true(im->g.events[n].born_time <=
				    im->g.events[im->first[gone + 1]].time);
		}
		unknown += ev.flags & MM_EVF_BORN_UNKNOWN;
		n++;
	}
	if (gone != CHUNKS - 1)
		assert_int_equal(n, im->g.count);
	mm_cursor_close(c);
	return unknown;
}

static void expect_heads(const struct image *im, struct mm_reader *r, uint32_t gone)
{
	assert_int_equal(mm_reader_chunks(r, 0), CHUNKS - 1);
	for (uint32_t i = 0; i < CHUNKS - 1; i++) {
		const struct mm_chunk_info *info = mm_reader_chunk(r, 0, i);
		struct mm_digest d;
		uint32_t was = original(i, gone);
		assert_int_equal(info->after_gap, i == gone);
		assert_int_equal(info->events, im->first[was + 1] - im->first[was]);
		assert_int_equal(info->before.live_bytes, im->live[was]);
		assert_int_equal(mm_reader_digest(r, 0, i, &d), 0);
		mm_digest_deinit(&d);
	}
	if (gone != CHUNKS - 1)
		assert_null(tc_totals_differ(mm_reader_totals(r, 0), &im->g.totals));
}

static void any_chunk_gone(void **state)
{
	const struct image *im = *state;
	size_t unknown = 0;

	for (uint32_t gone = 0; gone < CHUNKS; gone++)
		for (int how = 0; how < LOSSES; how++) {
			const struct mm_block *b = nth_block(im, MM_BLOCK_CHUNK, gone);
			struct mm_reader *r;
			size_t len;
			uint8_t *copy = damage(im, b, how, &len);
			assert_int_equal(mm_reader_open_memory(&r, copy, len, NULL), 0);
			expect_heads(im, r, gone);
			unknown += expect_rest(im, r, gone);
			if (how == LOSS_ZERO)
				assert_int_equal(mm_reader_info(r)->lost_bytes,
						 MM_BLOCK_HEADER + b->stored);
			mm_reader_close(r);
			free(copy);
		}
	assert_true(unknown > 0);
}

/* A walk that begins behind a gap and its checkpoint knows everything. */
static void walks_begin_behind_gaps(void **state)
{
	const struct image *im = *state;
	const uint32_t gone = 3;
	size_t len;
	uint8_t *copy = damage(im, nth_block(im, MM_BLOCK_CHUNK, gone), LOSS_CUT, &len);
	struct mm_reader *r;
	uint32_t checked = 0;

	assert_int_equal(mm_reader_open_memory(&r, copy, len, NULL), 0);
	for (uint32_t i = 0; i < CHUNKS - 1; i++) {
		struct mm_cursor *c;
		struct mm_event ev;
		uint32_t was = original(i, gone);
		int sure = was < gone || known_again(im, gone, was);
		assert_int_equal(mm_cursor_open(&c, r, 0, i, NULL), 0);
		for (size_t n = im->first[was]; n < im->first[was + 1]; n++) {
			assert_int_equal(mm_cursor_next(c, &ev), 1);
			assert_null(tc_differs(&ev, &im->g.events[n], !sure));
		}
		checked += was > gone && sure;
		mm_cursor_close(c);
	}
	assert_true(checked > 0);
	mm_reader_close(r);
	free(copy);
}

/* Sites whose block is gone are [lost], never others; a checkpoint brings them back. */
static void definitions_gone(void **state)
{
	const struct image *im = *state;
	const struct mm_block *b = nth_block(im, MM_BLOCK_DEFS, 0);
	size_t len, short_len = nth_block(im, MM_BLOCK_CHECKPOINT, 0)->offset;
	uint8_t *copy = damage(im, b, LOSS_ZERO, &len);
	struct mm_reader *whole, *r;

	assert_int_equal(mm_reader_open_memory(&whole, im->data, im->len, NULL), 0);
	/* before any checkpoint: nothing but the root is defined */
	for (size_t i = 0; i < im->block_count; i++)
		if (im->blocks[i].flags & MM_BLOCKF_REPEAT && im->blocks[i].offset < short_len)
			short_len = im->blocks[i].offset;
	assert_int_equal(mm_reader_open_memory(&r, copy, short_len, NULL), 0);
	for (uint32_t i = 1; i < TG_SITES; i++) {
		assert_true(mm_reader_site_lost(r, 0, i));
		assert_int_equal(mm_reader_site(r, 0, i)->kind, MM_SITE_CUT);
	}
	mm_reader_close(r);
	assert_int_equal(mm_reader_open_memory(&r, copy, len, NULL), 0);
	assert_int_equal(mm_reader_sites(r, 0), TG_SITES);
	for (uint32_t i = 1; i < TG_SITES; i++) {
		assert_false(mm_reader_site_lost(r, 0, i));
		assert_int_equal(mm_reader_site(r, 0, i)->value,
				 mm_reader_site(whole, 0, i)->value);
		assert_int_equal(mm_reader_site(r, 0, i)->parent,
				 mm_reader_site(whole, 0, i)->parent);
	}
	mm_reader_close(r);
	mm_reader_close(whole);
	free(copy);
}

/* The block that says how to read the times is gone: chunks know it too. */
static void the_run_gone(void **state)
{
	struct image *im = calloc(1, sizeof *im);
	struct mm_writer_options opt = tg_options();
	char *path = tg_path("norun");
	struct mm_reader *r;

	(void)state;
	opt.time_resolution_ns = 50;
	tg_write(&im->g, path, 7, 2 * PER_CHUNK, PER_CHUNK, &opt);
	im->data = tg_load(path, &im->len);
	unlink(path);
	free(path);
	find_blocks(im);
	im->data[nth_block(im, MM_BLOCK_RUN, 0)->offset + MM_BLOCK_HEADER] ^= 0xff;
	assert_int_equal(mm_reader_open_memory(&r, im->data, im->len, NULL), 0);
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 1);
	assert_string_equal(mm_reader_info(r)->command, "");
	assert_int_equal(mm_reader_info(r)->time_resolution_ns, 50);
	assert_int_equal(mm_reader_info(r)->has_addresses, 1);
	mm_reader_close(r);
	tg_end(&im->g);
	free(im->data);
	free(im);
}

static void a_damaged_digest_is_said_to_be(void **state)
{
	const struct image *im = *state;
	struct mm_digest d;
	struct mm_reader *r;
	size_t len;
	uint8_t *copy = damage(im, nth_block(im, MM_BLOCK_DIGEST, 7), LOSS_BODY, &len);

	assert_int_equal(mm_reader_open_memory(&r, copy, len, NULL), 0);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		int err = mm_reader_digest(r, 0, i, &d);
		assert_int_equal(err, i == 7 ? MM_ECORRUPT : 0);
		if (!err)
			mm_digest_deinit(&d);
	}
	assert_int_equal(mm_reader_info(r)->damaged_blocks, 1);
	const char *field;
	assert_int_equal(tc_walk(r, &im->g, &field), im->g.count);
	assert_null(field);
	mm_reader_close(r);
	free(copy);
}

/* Without one of its checkpoints a trace loses nothing. */
static void checkpoints_are_not_needed(void **state)
{
	const struct image *im = *state;
	struct mm_reader *r;
	const char *field;
	size_t len;
	uint8_t *copy = damage(im, nth_block(im, MM_BLOCK_CHECKPOINT, 1), LOSS_CUT, &len);

	assert_int_equal(mm_reader_open_memory(&r, copy, len, NULL), 0);
	assert_int_equal(tc_walk(r, &im->g, &field), im->g.count);
	assert_null(field);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		struct mm_cursor *c;
		struct mm_event ev;
		assert_int_equal(mm_cursor_open(&c, r, 0, i, NULL), 0);
		assert_int_equal(mm_cursor_next(c, &ev), 1);
		assert_null(tc_differs(&ev, &im->g.events[im->first[i]], 0));
		mm_cursor_close(c);
	}
	mm_reader_close(r);
	free(copy);
}

/* Checkpoints take at most an eighth of what they stand between. */
static void checkpoints_keep_their_share(void **state)
{
	const struct image *im = *state;
	uint64_t events = 0, checkpoints = 0;

	for (size_t i = 0; i < im->block_count; i++) {
		const struct mm_block *b = &im->blocks[i];
		uint64_t bytes = MM_BLOCK_HEADER + b->stored;
		if (b->type == MM_BLOCK_CHUNK || b->type == MM_BLOCK_DIGEST)
			events += bytes;
		else if (b->type == MM_BLOCK_CHECKPOINT || b->flags & MM_BLOCKF_REPEAT)
			checkpoints += bytes;
	}
	assert_true(checkpoints > 0);
	if (checkpoints * 8 > events)
		fail_msg("%lu bytes of checkpoints, %lu of events", (unsigned long)checkpoints,
			 (unsigned long)events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_chunk_gone),
		cmocka_unit_test(walks_begin_behind_gaps),
		cmocka_unit_test(definitions_gone),
		cmocka_unit_test(the_run_gone),
		cmocka_unit_test(a_damaged_digest_is_said_to_be),
		cmocka_unit_test(checkpoints_are_not_needed),
		cmocka_unit_test(checkpoints_keep_their_share),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
