/* importtext.c: lines out of plain or zstd input (importtext.h). */
#include "collect/importtext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { MAGIC_SIZE = 4, IN_SIZE = 64 << 10, OUT_FIRST = 128 << 10, LINE_MAX_BYTES = 1 << 20 };

struct mm_text {
	struct mm_text_input input;
	ZSTD_DStream *zstd; /* NULL: plain */
	size_t zstd_left;   /* 0 = between frames */
	ZSTD_inBuffer in;
	int in_end;         /* the input has no more bytes */
	int cut;
	uint64_t number;
	size_t start, filled; /* text in out not yet given: [start, filled) */
	size_t out_size;      /* more than the longest line */
	char *out;
	uint8_t in_bytes[IN_SIZE];
};

/* Reads until there are `least` bytes, or the input ends. */
static int fill_in(struct mm_text *t, size_t least, struct mm_diag *diag)
{
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < least) {
		do
			n = t->input.read(t->input.arg, t->in_bytes + have, IN_SIZE - have);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return mm_fail_errno(diag, "%s: cannot be read", t->input.name);
		have += (size_t)n;
	}
	t->in = (ZSTD_inBuffer){ t->in_bytes, have, 0 };
	t->in_end = n == 0;
	return MM_OK;
}

static int begins_with(const struct mm_text *t, const uint8_t *magic, size_t len)
{
	return t->in.size >= len && memcmp(t->in_bytes, magic, len) == 0;
}

static int detect(struct mm_text *t, struct mm_diag *diag)
{
	static const uint8_t zstd_magic[MAGIC_SIZE] = { 0x28, 0xB5, 0x2F, 0xFD };
	static const uint8_t gzip_magic[] = { 0x1F, 0x8B };

	if (begins_with(t, gzip_magic, sizeof gzip_magic))
		return mm_fail(diag, MM_EUNSUP,
			       "%s: gzip is not read directly: gunzip -c '%s' | mmprof import - -o TRACE",
			       t->input.name, t->input.name);
	if (!begins_with(t, zstd_magic, sizeof zstd_magic))
		return MM_OK;
	t->zstd = ZSTD_createDStream();
	t->zstd_left = 1;
	return t->zstd ? MM_OK : MM_ENOMEM;
}

int mm_text_open(struct mm_text **ret, const struct mm_text_input *input, struct mm_diag *diag)
{
	struct mm_text *t = calloc(1, sizeof *t);
	int err;

	if (!t)
		return MM_ENOMEM;
	t->input = *input;
	t->out_size = OUT_FIRST;
	t->out = malloc(t->out_size);
	err = t->out ? fill_in(t, MAGIC_SIZE, diag) : MM_ENOMEM;
	if (err == MM_OK)
		err = detect(t, diag);
	if (err != MM_OK) {
		mm_text_close(t);
		return err;
	}
	*ret = t;
	return MM_OK;
}

void mm_text_close(struct mm_text *t)
{
	if (!t)
		return;
	ZSTD_freeDStream(t->zstd);
	free(t->out);
	free(t);
}

static int unpack(struct mm_text *t, struct mm_diag *diag)
{
	ZSTD_outBuffer out = { t->out, t->out_size, t->filled };
	size_t left = ZSTD_decompressStream(t->zstd, &out, &t->in);

	if (ZSTD_isError(left))
		return mm_fail(diag, MM_ECORRUPT, "%s: damaged after line %llu (%s)",
			       t->input.name, (unsigned long long)t->number,
			       ZSTD_getErrorName(left));
	t->filled = out.pos;
	t->zstd_left = left;
	return MM_OK;
}

static void copy_plain(struct mm_text *t)
{
	size_t n = t->in.size - t->in.pos, room = t->out_size - t->filled;

	n = n < room ? n : room;
	memcpy(t->out + t->filled, t->in_bytes + t->in.pos, n);
	t->in.pos += n;
	t->filled += n;
}

/* Makes room behind the text that is not given yet. */
static int make_room(struct mm_text *t)
{
	char *larger;

	memmove(t->out, t->out + t->start, t->filled - t->start);
	t->filled -= t->start;
	t->start = 0;
	if (t->filled < t->out_size / 2)
		return MM_OK;
	larger = realloc(t->out, t->out_size * 2);
	if (!larger)
		return MM_ENOMEM;
	t->out = larger;
	t->out_size *= 2;
	return MM_OK;
}

/* Brings more text behind what is not given yet: 1, 0 at the end, or an error. */
static int more_text(struct mm_text *t, struct mm_diag *diag)
{
	int err = make_room(t);
	size_t before = t->filled;

	while (err == MM_OK && t->filled == before) {
		if (t->in.pos == t->in.size && !t->in_end)
			err = fill_in(t, 1, diag);
		if (err != MM_OK || (t->in.pos == t->in.size && t->in_end))
			break;
		if (t->zstd)
			err = unpack(t, diag);
		else
			copy_plain(t);
	}
	return err != MM_OK ? err : t->filled > before;
}

int mm_text_line(struct mm_text *t, const char **ret, size_t *ret_len, struct mm_diag *diag)
{
	size_t seen = 0;

	for (;;) {
		char *from = t->out + t->start;
		char *end = memchr(from + seen, '\n', t->filled - t->start - seen);
		int got;
		if (end) {
			t->number++;
			t->start = (size_t)(end + 1 - t->out);
			*ret = from;
			*ret_len = (size_t)(end - from);
			return 1;
		}
		seen = t->filled - t->start;
		if (seen > LINE_MAX_BYTES)
			return mm_fail(diag, MM_ESYNTAX, "%s:%llu: a line longer than 1 MiB",
				       t->input.name, (unsigned long long)t->number + 1);
		got = more_text(t, diag);
		if (got > 0)
			continue;
		if (got == 0)
			t->cut = seen > 0 || (t->zstd && t->zstd_left != 0);
		return got;
	}
}

uint64_t mm_text_number(const struct mm_text *t)
{
	return t->number;
}

int mm_text_cut(const struct mm_text *t)
{
	return t->cut;
}

/* --- words of a line ------------------------------------------------------------ */

static int skip_space(struct mm_words *w)
{
	while (w->at < w->end && *w->at == ' ')
		w->at++;
	return w->at < w->end;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mm_words_hex(struct mm_words *w, uint64_t *ret)
{
	uint64_t v = 0;

	if (!skip_space(w))
		return 0;
	for (; w->at < w->end && *w->at != ' '; w->at++) {
		int digit = hex_digit(*w->at);
		if (digit < 0 || v >> 60 != 0)
			return MM_ESYNTAX;
		v = v << 4 | (uint64_t)digit;
	}
	*ret = v;
	return 1;
}

int mm_words_plain(struct mm_words *w, const char **ret, size_t *ret_len)
{
	const char *from;

	if (!skip_space(w))
		return 0;
	from = w->at;
	while (w->at < w->end && *w->at != ' ')
		w->at++;
	*ret = from;
	*ret_len = (size_t)(w->at - from);
	return 1;
}

int mm_words_sized(struct mm_words *w, const char **ret, size_t *ret_len)
{
	uint64_t len;
	int got = mm_words_hex(w, &len);

	if (got <= 0)
		return got;
	if (len == 0) {
		*ret = w->at;
		*ret_len = 0;
		return 1;
	}
	if (w->at == w->end || len > (uint64_t)(w->end - w->at - 1))
		return MM_ESYNTAX;
	*ret = w->at + 1;
	*ret_len = (size_t)len;
	w->at += 1 + len;
	return 1;
}

void mm_words_rest(struct mm_words *w, const char **ret, size_t *ret_len)
{
	if (w->at < w->end && *w->at == ' ')
		w->at++;
	*ret = w->at;
	*ret_len = (size_t)(w->end - w->at);
	w->at = w->end;
}
