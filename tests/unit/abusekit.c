/* abusekit.c: mmtop, abused (abusekit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abusekit.h"
#include "base/buf.h"
#include "core/crc32c.h"
#include "topkit.h"
#include "trace/block.h"
#include "tui/keys.h"

uint64_t abuse_random(struct abuse *a)
{
	a->state ^= a->state << 13;
	a->state ^= a->state >> 7;
	a->state ^= a->state << 17;
	return a->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t abuse_below(struct abuse *a, uint64_t n)
{
	return abuse_random(a) % n;
}

/* --- keys ----------------------------------------------------------------------------------- */

static void random_command(struct abuse *a, struct mm_top *top)
{
	static const char *const words[] = { "goto", "from", "to", "screen", "filter", "search", "sort",
		"metric", "set", "size", "json", "export", "save-screen", "help", "", "go" };
	static const char *const args[] = { "peak", "end", "50%", "0", "1", "0.000001ms", "99.999%",
		"18446744073.709551615s", "18446744073709551615ns", "mark:", "mark:load", "9:59:59.9", "-1",
		"live", "bytes", "bytes on", "plain on", "plain off", "ascii on", "maximised on", "1x1",
		"1000x1000", "80x24", "fragmap", "calls", "category", "%s%n%n", "\xff\xfe", "/dev/full",
		"/nonexistent/x", "", "100%", "0%", "1e9", "0.5" };
	struct mm_diag diag = { "" };
	char line[400];
	size_t n = (size_t)snprintf(line, sizeof line, "%s %s", words[abuse_below(a, 16)],
				    args[abuse_below(a, sizeof args / sizeof *args)]);

	if (abuse_below(a, 4) == 0)
		line[abuse_below(a, n)] = (char)(1 + abuse_below(a, 255));
	if (abuse_below(a, 16) == 0) {
		memset(line, 'a' + (int)abuse_below(a, 26), sizeof line - 1);
		line[sizeof line - 1] = 0;
	}
	/* Nothing is written: such a file is there, or cannot be. */
	if (mm_top_command(top, line, &diag) && !diag.text[0])
		fail_msg("no reason why not: %s", line);
}

static void check_line(const char *line)
{
	for (; *line; line++)
		assert_false((unsigned char)*line < 0x20 || *line == 0x7f);
}

static void write_json(struct mm_top *top)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (mm_top_report(top))
		assert_int_equal(mm_top_json(top, out), 0);
	fclose(out);
	free(text);
}

static uint32_t random_key(struct abuse *a)
{
	static const char often[] = "123456789+-fAtvmMxab[]pPnN{}*IsSBejkgG/\\ \t\r";

	switch (abuse_below(a, 4)) {
	case 0: return 0x110000 + (uint32_t)abuse_below(a, 26);
	case 1: return (uint32_t)abuse_below(a, abuse_below(a, 8) ? 127 : 0x111000);
	default: return (unsigned char)often[abuse_below(a, sizeof often - 1)];
	}
}

static void press(struct abuse *a, struct topkit *k)
{
	uint32_t key = random_key(a);

	if (abuse_below(a, 12) == 0)
		random_command(a, k->top);
	if (abuse_below(a, 20) == 0)
		mm_top_click(k->top, (int)abuse_below(a, 70) - 5, (int)abuse_below(a, 230) - 5);
	if (abuse_below(a, 20) == 0)
		mm_top_tick(k->top);
	/* Nothing is written to files, wherever the keys lead. */
	if (key != 'E' && key != MM_KEY_F1 + 8 && key != ':' && key != MM_KEY_F1 + 1)
		mm_top_key(k->top, key);
	mm_top_wish(k->top);
	if (abuse_below(a, 4) == 0) {
		int large = abuse_below(a, 100) == 0;
		topkit_draw(k, 1 + (int)abuse_below(a, large ? 1000 : 60),
			    1 + (int)abuse_below(a, large ? 1000 : 220));
		topkit_check_cells(k);
	}
	check_line(mm_top_row_line(k->top));
}

void abuse_keys(struct abuse *a, struct topkit *k, unsigned keys)
{
	for (unsigned i = 0; i < keys; i++)
		press(a, k);
}

int abuse_explore(struct abuse *a, const char *path, unsigned keys)
{
	struct mm_top_options options = { .readonly = 1 };
	struct mm_top_source_options from = { .trace = path, .no_symbols = 1 };
	struct mm_diag diag = { "" };
	struct topkit k = { 0 };
	int err = mm_top_source_open(&k.source, &from, &diag);

	if (err) {
		assert_true(mm_diag_text(&diag, err)[0] && !strchr(diag.text, '\n'));
		return err;
	}
	assert_int_equal(mm_top_create(&k.top, &options, mm_top_source_view(k.source)), 0);
	err = mm_top_update(k.top, &diag);
	if (err)
		assert_true(mm_diag_text(&diag, err)[0] && !strchr(diag.text, '\n'));
	for (int i = 0; !err && i < MM_SCREEN_COUNT; i++) {
		mm_top_key(k.top, (uint32_t)('1' + i));
		topkit_draw(&k, 30 + (int)abuse_below(a, 30), 80 + (int)abuse_below(a, 120));
		topkit_check_cells(&k);
		write_json(k.top);
	}
	if (!err) {
		abuse_keys(a, &k, keys);
		write_json(k.top);
	}
	topkit_end(&k);
	return err;
}

/* --- damage --------------------------------------------------------------------------------- */

static void hurt(struct abuse *a, uint8_t *p, size_t len)
{
	for (uint64_t n = 1 + abuse_below(a, abuse_below(a, 3) ? 3 : 20); len && n; n--) {
		size_t at = abuse_below(a, len);
		switch (abuse_below(a, 4)) {
		case 0: p[at] ^= (uint8_t)(1u << abuse_below(a, 8)); break;
		case 1: p[at] = (uint8_t)abuse_random(a); break;
		case 2: /* a number as large as can be */
			for (size_t i = 0; i < 10 && at + i < len; i++)
				p[at + i] = i < 9 ? 0xff : 1;
			break;
		default: p[at] = abuse_below(a, 2) ? 0x7f : 0;
		}
	}
}

static void put_block(struct mm_buf *out, struct mm_block b, const uint8_t *prefix,
		      const struct mm_buf *payload, uint64_t number)
{
	uint8_t head[MM_BLOCK_HEADER];
	size_t at = out->len;

	b.flags &= (uint8_t)~MM_BLOCKF_ZSTD;
	b.raw = (uint32_t)payload->len;
	b.stored = b.prefix + b.raw;
	b.number = number;
	mm_buf_put(out, head, sizeof head);
	mm_buf_put(out, prefix, b.prefix);
	mm_buf_put(out, payload->data, payload->len);
	b.crc = mm_crc32c(0, out->data + at + MM_BLOCK_HEADER, b.stored);
	mm_block_encode(&b, head);
	memcpy(out->data + at, head, sizeof head);
}

/* One block: dropped, doubled, hurt inside, or as it was. */
static void take_block(struct abuse *a, struct mm_buf *out, const uint8_t *p, uint64_t rate,
		       uint64_t *number)
{
	struct mm_buf payload = { 0 }, prefix = { 0 };
	struct mm_block b;

	if (mm_block_decode(p, &b) || mm_block_unpack(&b, p + MM_BLOCK_HEADER, &payload))
		fail_msg("the traces of the tree are whole");
	mm_buf_put(&prefix, p + MM_BLOCK_HEADER, b.prefix);
	uint64_t how = abuse_below(a, rate);
	if (how == 0)
		hurt(a, payload.data, payload.len);
	else if (how == 1)
		hurt(a, prefix.data, prefix.len);
	else if (how == 2 && payload.len)
		payload.len = abuse_below(a, payload.len);
	else if (how == 3)
		b.process = (uint32_t)abuse_below(a, 3);
	else if (how == 4)
		b.type = (uint8_t)abuse_below(a, 11);
	/* A copy of where blocks were is wrong by now; now and then it stays. */
	int drop = how == 5 || (b.type == MM_BLOCK_INDEX && abuse_below(a, 4));
	for (int n = drop ? 0 : how == 6 ? 2 : 1; n; n--)
		put_block(out, b, prefix.data, &payload, (*number)++);
	mm_buf_deinit(&payload);
	mm_buf_deinit(&prefix);
}

static void rebuild(struct abuse *a, const uint8_t *trace, size_t len, struct mm_buf *out)
{
	uint64_t number = 0, rate = 8 + abuse_below(a, 60);
	size_t at = MM_FILE_HEADER;

	mm_buf_put(out, trace, MM_FILE_HEADER);
	while (at + MM_BLOCK_HEADER <= len) {
		struct mm_block b;
		assert_int_equal(mm_block_decode(trace + at, &b), 0);
		take_block(a, out, trace + at, rate, &number);
		at += MM_BLOCK_HEADER + b.stored;
	}
	struct mm_file_state state = { .whole_end = out->len, .blocks = number,
		.flags = abuse_below(a, 2) ? MM_FILE_CLOSED : 0 };
	mm_file_encode(out->data, &state);
}

void abuse_damage(struct abuse *a, const uint8_t *trace, size_t len, uint8_t **ret,
		  size_t *ret_len)
{
	struct mm_buf out = { 0 };

	if (abuse_below(a, 4)) {
		rebuild(a, trace, len, &out);
	} else {
		mm_buf_put(&out, trace, len);
		hurt(a, out.data, out.len);
		if (abuse_below(a, 2))
			out.len = abuse_below(a, out.len + 1);
	}
	assert_false(out.failed);
	*ret = out.data;
	*ret_len = out.len;
}
