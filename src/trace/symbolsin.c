/* symbolsin.c: symbols kept in a trace, by (process, module, address) (scan.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/bytes.h"
#include "trace/scan.h"

static uint64_t key_of(uint32_t process, uint32_t module, uint64_t address)
{
	uint64_t h = address * UINT64_C(0x9E3779B97F4A7C15);

	h ^= (uint64_t)process << 32 ^ (uint64_t)module * UINT64_C(0xC2B2AE3D27D4EB4F);
	h ^= h >> 31;
	return h ? h : 1;
}

/* The texts of one block, by number. */
struct texts { const char **items; size_t cap, count; };

static const char *get_text(struct mm_rsymbols *s, struct texts *t, struct mm_bytes *b)
{
	uint64_t number = mm_bytes_varint(b);

	if (number) {
		if (number > t->count)
			mm_bytes_fail(b);
		return b->bad ? NULL : t->items[number - 1];
	}
	uint64_t len = mm_bytes_varint(b);
	const uint8_t *text = mm_bytes_take(b, len);
	if (b->bad || MM_GROW(t->items, t->cap, t->count + 1))
		return NULL;
	const char *copy = mm_arena_text(&s->arena, (const char *)text, len);
	if (copy)
		t->items[t->count++] = copy;
	return copy;
}

static int get_frames(struct mm_rsymbols *s, struct texts *t, struct mm_bytes *b,
		      uint64_t count)
{
	if (count > mm_bytes_left(b) / 3 || s->frame_count + count > UINT32_MAX)
		return MM_ECORRUPT;
	if (MM_GROW(s->frames, s->frame_cap, s->frame_count + count))
		return MM_ENOMEM;
	for (uint64_t i = 0; i < count; i++) {
		struct mm_frame f = { .function = get_text(s, t, b) };
		f.file = f.function ? get_text(s, t, b) : NULL;
		uint64_t line = mm_bytes_varint(b);
		if (b->bad || !f.file)
			return b->bad ? MM_ECORRUPT : MM_ENOMEM;
		f.line = (uint32_t)(line >> 1);
		f.inlined = line & 1;
		s->frames[s->frame_count + i] = f;
	}
	s->frame_count += count;
	return MM_OK;
}

static struct mm_rsymbol *find_symbol(const struct mm_rsymbols *s, uint64_t key,
				      const struct mm_rsymbol *want)
{
	const struct mm_map_place *p = mm_map_find(&s->by_hash, key);

	for (uint32_t i = p ? p->value : 0; i; i = s->items[i - 1].next) {
		struct mm_rsymbol *f = &s->items[i - 1];
		if (f->process == want->process && f->module == want->module &&
		    f->address == want->address)
			return f;
	}
	return NULL;
}

/* No symbols of a program come to as many with one hash; those of a file made for it would each be
 * compared with all the others. */
enum { CHAIN_MOST = 64 };

static int is_crowded(const struct mm_rsymbols *s, uint32_t first)
{
	uint32_t n = 0;

	for (uint32_t i = first; i && n < CHAIN_MOST; i = s->items[i - 1].next)
		n++;
	return n == CHAIN_MOST;
}

/* Frames of a symbol that was known take the place of the old ones where they fit. */
static void replace_symbol(struct mm_rsymbols *s, struct mm_rsymbol *known,
			   const struct mm_rsymbol *symbol)
{
	if (symbol->frame_count <= known->frame_count) {
		for (uint32_t i = 0; i < symbol->frame_count; i++)
			s->frames[known->first_frame + i] = s->frames[symbol->first_frame + i];
		s->frame_count = symbol->first_frame;
	} else {
		known->first_frame = symbol->first_frame;
	}
	known->frame_count = symbol->frame_count;
}

static int add_symbol(struct mm_rsymbols *s, struct mm_rsymbol *symbol)
{
	uint64_t key = key_of(symbol->process, symbol->module, symbol->address);
	const struct mm_map_place *p = mm_map_find(&s->by_hash, key);
	struct mm_rsymbol *known = find_symbol(s, key, symbol);

	if (known) {
		replace_symbol(s, known, symbol);
		return MM_OK;
	}
	symbol->next = p ? p->value : 0;
	if (is_crowded(s, symbol->next))
		return MM_ECORRUPT;
	if (s->item_count >= UINT32_MAX ||
	    MM_GROW(s->items, s->item_cap, s->item_count + 1))
		return MM_ENOMEM;
	s->items[s->item_count++] = *symbol;
	return mm_map_set(&s->by_hash, key, (uint32_t)s->item_count);
}

int mm_symbols_in_decode(struct mm_rsymbols *s, const uint8_t *data, size_t len)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct texts t = { 0 };
	uint64_t address = 0;
	int err = MM_OK;

	while (!err && mm_bytes_left(&b)) {
		struct mm_rsymbol symbol = { .process = mm_bytes_u32(&b) };
		symbol.module = mm_bytes_u32(&b);
		symbol.address = address += (uint64_t)mm_unzigzag(mm_bytes_varint(&b));
		uint64_t count = mm_bytes_varint(&b);
		symbol.first_frame = (uint32_t)s->frame_count;
		symbol.frame_count = (uint32_t)count;
		err = b.bad ? MM_ECORRUPT : get_frames(s, &t, &b, count);
		if (!err)
			err = add_symbol(s, &symbol);
	}
	free(t.items);
	return err;
}

void mm_symbols_in_deinit(struct mm_rsymbols *s)
{
	free(s->items);
	free(s->frames);
	mm_map_deinit(&s->by_hash);
	mm_arena_deinit(&s->arena);
}

int mm_reader_symbol(const struct mm_reader *r, uint32_t process, uint32_t module,
		     uint64_t address, const struct mm_frame **ret, size_t *ret_count)
{
	const struct mm_rsymbols *s = &r->symbols;
	const struct mm_rsymbol want = { .process = process, .module = module,
					 .address = address };
	const struct mm_rsymbol *f = find_symbol(s, key_of(process, module, address), &want);

	if (!f)
		return MM_ENOENT;
	*ret = f->frame_count ? &s->frames[f->first_frame] : NULL;
	*ret_count = f->frame_count;
	return MM_OK;
}
