/* symbolsout.c: symbols of addresses, collected into blocks (writer.h).
 *
 * Texts repeat (files, outer functions), so a block numbers them: 0 = a new text follows,
 * n = the n-th text of this block. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/error.h"
#include "core/varint.h"
#include "trace/stream.h"

enum { BLOCK_BYTES = 1 << 20 };

struct mm_symbols_out {
	struct mm_buf body;
	struct mm_map texts; /* hash -> number of a text in this block */
	uint32_t text_count;
	uint64_t last_address;
};

static uint64_t hash_of(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

/* Two texts of one 64-bit hash would be told apart by nothing, so the low bits of the
 * length join the hash; a clash is then a matter of 2^-64 a pair. */
static void put_text(struct mm_symbols_out *s, const char *text)
{
	size_t len = text ? strnlen(text, MM_TEXT_MAX) : 0;
	uint64_t key = hash_of(text ? text : "") ^ (uint64_t)len << 48;
	struct mm_map_place *known = mm_map_find(&s->texts, key ? key : 1);

	if (known) {
		mm_buf_varint(&s->body, known->value);
		return;
	}
	mm_buf_varint(&s->body, 0);
	mm_buf_varint(&s->body, len);
	mm_buf_put(&s->body, text, len);
	if (mm_map_set(&s->texts, key ? key : 1, ++s->text_count))
		s->body.failed = 1;
}

int mm_symbols_out_add(struct mm_writer *w, uint32_t process, uint32_t module,
		       uint64_t address, const struct mm_frame *frames, size_t count)
{
	if (!w->symbols)
		w->symbols = calloc(1, sizeof *w->symbols);
	struct mm_symbols_out *s = w->symbols;
	if (!s)
		return MM_ENOMEM;
	mm_buf_varint(&s->body, process);
	mm_buf_varint(&s->body, module);
	mm_buf_varint(&s->body, mm_zigzag((int64_t)(address - s->last_address)));
	s->last_address = address;
	mm_buf_varint(&s->body, count);
	for (size_t i = 0; i < count; i++) {
		put_text(s, frames[i].function);
		put_text(s, frames[i].file);
		mm_buf_varint(&s->body, (uint64_t)frames[i].line << 1 | (frames[i].inlined != 0));
	}
	if (s->body.failed)
		return MM_ENOMEM;
	return s->body.len < BLOCK_BYTES ? MM_OK : mm_symbols_out_flush(w);
}

int mm_symbols_out_flush(struct mm_writer *w)
{
	struct mm_block kind = { .type = MM_BLOCK_SYMBOLS, .process = UINT32_MAX };
	struct mm_symbols_out *s = w->symbols;

	if (!s || !s->body.len)
		return MM_OK;
	int err = mm_output_block(w->out, &kind, NULL, &s->body, NULL);
	mm_buf_clear(&s->body);
	mm_map_deinit(&s->texts);
	s->text_count = 0;
	s->last_address = 0;
	return err;
}

void mm_symbols_out_destroy(struct mm_symbols_out *s)
{
	if (!s)
		return;
	mm_buf_deinit(&s->body);
	mm_map_deinit(&s->texts);
	free(s);
}
