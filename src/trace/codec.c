/* codec.c: thin first version of the columns (codec.h). */
#include "trace/codec.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/bytes.h"

enum column { COL_KIND = 1, COL_THREAD, COL_TIME, COL_SITE, COL_SIZE, COL_ALIGN, COL_ADDR,
	      COL_POPPED, COL_HIDDEN, COL_REF, COL_PAIR, COL_OTHER_LEN, COL_OTHER, COL_COUNT };

struct mm_codec {
	struct mm_buf col[COL_COUNT];
	uint32_t *birth_slot, *stack;
};

void mm_rows_deinit(struct mm_rows *r)
{
	free(r->rows);
	mm_buf_deinit(&r->other);
	memset(r, 0, sizeof *r);
}

int mm_codec_create(struct mm_codec **ret)
{
	struct mm_codec *c = calloc(1, sizeof *c);

	if (!c)
		return MM_ENOMEM;
	c->birth_slot = malloc(MM_CHUNK_EVENTS * sizeof *c->birth_slot);
	c->stack = malloc(MM_CHUNK_EVENTS * sizeof *c->stack);
	if (!c->birth_slot || !c->stack) {
		mm_codec_destroy(c);
		return MM_ENOMEM;
	}
	*ret = c;
	return MM_OK;
}

void mm_codec_destroy(struct mm_codec *c)
{
	if (!c)
		return;
	for (int i = 0; i < COL_COUNT; i++)
		mm_buf_deinit(&c->col[i]);
	free(c->birth_slot);
	free(c->stack);
	free(c);
}

static void put(struct mm_codec *c, enum column col, uint64_t v)
{
	mm_buf_varint(&c->col[col], v);
}

int mm_codec_encode(struct mm_codec *c, const struct mm_rows *rows,
		    const struct mm_chunk_start *start, int has_addr, struct mm_buf *out)
{
	uint64_t tick = start->tick, addr = 0;
	uint32_t births = 0;

	for (int i = 0; i < COL_COUNT; i++)
		mm_buf_clear(&c->col[i]);
	for (size_t i = 0; i < rows->count; i++) {
		const struct mm_row *r = &rows->rows[i];
		put(c, COL_KIND, r->kind);
		put(c, COL_THREAD, r->thread);
		put(c, COL_TIME, r->tick - tick);
		tick = r->tick;
		put(c, COL_SITE, r->site);
		if (mm_event_is_birth(r->kind)) {
			put(c, COL_SIZE, r->size);
			put(c, COL_ALIGN, r->align_log2);
			put(c, COL_HIDDEN, r->flags & MM_ROWF_HIDDEN);
			if (r->flags & MM_ROWF_HIDDEN)
				put(c, COL_POPPED, r->slot);
			if (r->kind == MM_EV_REALLOC_IN)
				put(c, COL_PAIR, (uint64_t)r->ref);
			if (has_addr)
				put(c, COL_ADDR, mm_zigzag((int64_t)(r->addr - addr)));
			addr = r->addr;
			births++;
		} else if (mm_event_is_death(r->kind)) {
			if (r->kind == MM_EV_INHERITED)
				put(c, COL_ADDR, has_addr ? r->addr : 0);
			else if (r->ref == MM_NO_SLOT)
				put(c, COL_REF, (uint64_t)r->slot << 1);
			else
				put(c, COL_REF, (uint64_t)(births - r->ref) << 1 | 1);
		} else {
			put(c, COL_OTHER_LEN, r->other_len);
		}
	}
	mm_buf_put(&c->col[COL_OTHER], rows->other.data, rows->other.len);
	for (int i = 1; i < COL_COUNT; i++) {
		if (c->col[i].failed)
			return MM_ENOMEM;
		if (i == COL_ADDR && !has_addr && !c->col[i].len)
			continue;
		mm_buf_varint(out, (uint64_t)i);
		mm_buf_varint(out, c->col[i].len);
		mm_buf_put(out, c->col[i].data, c->col[i].len);
	}
	return out->failed ? MM_ENOMEM : MM_OK;
}

struct decoding {
	struct mm_bytes col[COL_COUNT];
	uint32_t births, stack_len, hidden, high;
	uint64_t tick, addr;
	uint64_t other_at;
	int has_addr;
};

static int decode_birth(struct mm_codec *c, struct decoding *d, struct mm_row *r)
{
	r->size = mm_bytes_varint(&d->col[COL_SIZE]);
	r->align_log2 = (uint8_t)mm_bytes_varint(&d->col[COL_ALIGN]);
	uint64_t hidden = mm_bytes_varint(&d->col[COL_HIDDEN]);
	if (hidden) {
		if (d->stack_len || !d->hidden)
			return MM_ECORRUPT;
		d->hidden--;
		r->slot = mm_bytes_u32(&d->col[COL_POPPED]);
		r->flags = MM_ROWF_HIDDEN;
	} else if (d->stack_len) {
		r->slot = c->stack[--d->stack_len];
	} else {
		if (d->hidden || d->high == MM_NO_SLOT)
			return MM_ECORRUPT;
		r->slot = d->high++;
	}
	if (r->slot == MM_NO_SLOT)
		return MM_ECORRUPT;
	if (r->kind == MM_EV_REALLOC_IN)
		r->ref = mm_bytes_u32(&d->col[COL_PAIR]);
	if (d->has_addr)
		r->addr = d->addr += (uint64_t)mm_unzigzag(mm_bytes_varint(&d->col[COL_ADDR]));
	c->birth_slot[d->births++] = r->slot;
	return MM_OK;
}

static int decode_death(struct mm_codec *c, struct decoding *d, struct mm_row *r)
{
	r->size = MM_UNKNOWN;
	r->ref = MM_NO_SLOT;
	if (r->kind == MM_EV_INHERITED) {
		r->slot = MM_NO_SLOT;
		r->addr = mm_bytes_varint(&d->col[COL_ADDR]);
		return MM_OK;
	}
	uint64_t ref = mm_bytes_varint(&d->col[COL_REF]);
	if (ref & 1) {
		if (ref >> 1 > d->births || !(ref >> 1))
			return MM_ECORRUPT;
		r->ref = d->births - (uint32_t)(ref >> 1);
		r->slot = c->birth_slot[r->ref];
	} else {
		if (ref >> 1 >= d->high)
			return MM_ECORRUPT;
		r->slot = (uint32_t)(ref >> 1);
	}
	c->stack[d->stack_len++] = r->slot;
	return MM_OK;
}

static int decode_row(struct mm_codec *c, struct decoding *d, struct mm_row *r, size_t other)
{
	uint64_t kind = mm_bytes_varint(&d->col[COL_KIND]);

	memset(r, 0, sizeof *r);
	if (kind > 255)
		return MM_ECORRUPT;
	r->kind = (uint8_t)kind;
	r->thread = mm_bytes_u32(&d->col[COL_THREAD]);
	r->tick = d->tick += mm_bytes_varint(&d->col[COL_TIME]);
	r->site = mm_bytes_u32(&d->col[COL_SITE]);
	if (mm_event_is_birth(r->kind))
		return decode_birth(c, d, r);
	if (mm_event_is_death(r->kind))
		return decode_death(c, d, r);
	r->slot = MM_NO_SLOT;
	r->other_len = mm_bytes_u32(&d->col[COL_OTHER_LEN]);
	r->ref = (uint32_t)d->other_at;
	d->other_at += r->other_len;
	return d->other_at > other ? MM_ECORRUPT : MM_OK;
}

int mm_codec_decode(struct mm_codec *c, const uint8_t *data, size_t len, uint32_t count,
		    const struct mm_chunk_start *start, struct mm_rows *rows)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct decoding d = { .tick = start->tick, .high = start->high_water,
			      .hidden = start->free_depth };

	rows->count = 0;
	rows->births = 0;
	mm_buf_clear(&rows->other);
	if (count > MM_CHUNK_EVENTS || start->free_depth > start->high_water)
		return MM_ECORRUPT;
	if (MM_GROW(rows->rows, rows->cap, count))
		return MM_ENOMEM;
	while (mm_bytes_left(&b)) {
		uint64_t id = mm_bytes_varint(&b);
		struct mm_bytes body = mm_bytes_sub(&b, mm_bytes_varint(&b));
		if (b.bad)
			return MM_ECORRUPT;
		if (id < COL_COUNT)
			d.col[id] = body;
		d.has_addr |= id == COL_ADDR;
	}
	size_t other = mm_bytes_left(&d.col[COL_OTHER]);
	if (mm_buf_put(&rows->other, d.col[COL_OTHER].p, other))
		return MM_ENOMEM;
	int err = MM_OK;
	for (uint32_t i = 0; !err && i < count; i++)
		err = decode_row(c, &d, &rows->rows[i], other);
	for (int i = 0; i < COL_COUNT; i++)
		err = d.col[i].bad ? MM_ECORRUPT : err;
	if (err)
		return err;
	rows->count = count;
	rows->births = d.births;
	return MM_OK;
}
