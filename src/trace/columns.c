/* columns.c: packing and unpacking columns (columns.h). */
#include "trace/columns.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/error.h"
#include "trace/block.h"
#include "trace/bytes.h"
#include "trace/codec.h"

enum { PACK_LEAST = 24 }; /* bytes below which a frame cannot win */

struct mm_columns {
	struct mm_buf columns[MM_COLS];
	struct mm_buf packed;
	ZSTD_CCtx *compress;   /* both made when first needed */
	ZSTD_DCtx *decompress;
};

int mm_columns_create(struct mm_columns **ret)
{
	struct mm_columns *c = calloc(1, sizeof *c);

	if (!c)
		return MM_ENOMEM;
	*ret = c;
	return MM_OK;
}

void mm_columns_destroy(struct mm_columns *c)
{
	if (!c)
		return;
	for (int i = 0; i < MM_COLS; i++)
		mm_buf_deinit(&c->columns[i]);
	mm_buf_deinit(&c->packed);
	ZSTD_freeCCtx(c->compress);
	ZSTD_freeDCtx(c->decompress);
	free(c);
}

void mm_columns_clear(struct mm_columns *c)
{
	for (int i = 0; i < MM_COLS; i++)
		mm_buf_clear(&c->columns[i]);
}

struct mm_buf *mm_column(struct mm_columns *c, unsigned column)
{
	return &c->columns[column];
}

/* --- packing --------------------------------------------------------------------------- */

static int all_same(const struct mm_buf *b)
{
	return b->len > 1 && memcmp(b->data, b->data + 1, b->len - 1) == 0;
}

static void put_column(struct mm_buf *out, unsigned column, enum mm_packing packing,
		       size_t raw, const uint8_t *data, size_t len)
{
	mm_buf_u8(out, (uint8_t)column);
	mm_buf_u8(out, (uint8_t)packing);
	mm_buf_varint(out, raw);
	mm_buf_varint(out, len);
	mm_buf_put(out, data, len);
}

static int pack_column(struct mm_columns *c, unsigned column, int level, struct mm_buf *out)
{
	const struct mm_buf *b = &c->columns[column];
	size_t room = ZSTD_compressBound(b->len);

	if (b->failed)
		return MM_ENOMEM;
	if (!b->len)
		return MM_OK;
	if (all_same(b)) {
		put_column(out, column, MM_PACK_SAME, b->len, b->data, 1);
		return MM_OK;
	}
	mm_buf_clear(&c->packed);
	if (mm_buf_reserve(&c->packed, room))
		return MM_ENOMEM;
	size_t n = b->len < PACK_LEAST ? b->len :
		   ZSTD_compressCCtx(c->compress, c->packed.data, room, b->data, b->len, level);
	if (ZSTD_isError(n) || n >= b->len)
		put_column(out, column, MM_PACK_PLAIN, b->len, b->data, b->len);
	else
		put_column(out, column, MM_PACK_ZSTD, b->len, c->packed.data, n);
	return MM_OK;
}

int mm_columns_pack(struct mm_columns *c, int zstd_level, struct mm_buf *out)
{
	int err = MM_OK;

	if (!c->compress && !(c->compress = ZSTD_createCCtx()))
		return MM_ENOMEM;
	for (unsigned i = 1; !err && i < MM_COLS; i++)
		err = pack_column(c, i, zstd_level, out);
	return err || out->failed ? MM_ENOMEM : MM_OK;
}

/* --- unpacking --------------------------------------------------------------------------- */

/* Bytes that a column of a chunk can have. */
static uint64_t most_of(unsigned column)
{
	switch (column) {
	case MM_COL_OTHER:
		return MM_COLUMN_MAX;
	case MM_COL_SHAPES:
		return MM_CHUNK_EVENTS * 24 + MM_VARINT_MAX;
	case MM_COL_TIME_WIDE: case MM_COL_SIZE_WIDE: case MM_COL_ADDR_WIDE:
	case MM_COL_PAIR: case MM_COL_FOREIGN: case MM_COL_OTHER_LEN:
		return MM_CHUNK_EVENTS * MM_VARINT_MAX;
	}
	return 2 * MM_CHUNK_EVENTS;
}

static int unpack_column(struct mm_columns *c, unsigned packing, uint64_t raw,
			 const struct mm_bytes *stored, struct mm_buf *out)
{
	size_t len = mm_bytes_left(stored);

	mm_buf_clear(out);
	if (!raw)
		return MM_OK;
	if (mm_buf_reserve(out, raw))
		return MM_ENOMEM;
	if (packing == MM_PACK_PLAIN && len == raw) {
		memcpy(out->data, stored->p, raw);
	} else if (packing == MM_PACK_SAME && len == 1) {
		memset(out->data, *stored->p, raw);
	} else if (packing == MM_PACK_ZSTD) {
		size_t n = ZSTD_decompressDCtx(c->decompress, out->data, raw, stored->p, len);
		if (ZSTD_isError(n) || n != raw)
			return MM_ECORRUPT;
	} else {
		return MM_ECORRUPT;
	}
	out->len = raw;
	return MM_OK;
}

int mm_columns_unpack(struct mm_columns *c, const uint8_t *data, size_t len)
{
	return mm_columns_unpack_some(c, data, len, ~UINT64_C(0));
}

int mm_columns_unpack_some(struct mm_columns *c, const uint8_t *data, size_t len,
			   uint64_t wanted)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	uint64_t total = 0;
	int err = MM_OK;

	if (!c->decompress && !(c->decompress = ZSTD_createDCtx()))
		return MM_ENOMEM;
	mm_columns_clear(c);
	while (!err && mm_bytes_left(&b)) {
		unsigned column = mm_bytes_u8(&b), packing = mm_bytes_u8(&b);
		uint64_t raw = mm_bytes_varint(&b);
		struct mm_bytes stored = mm_bytes_sub(&b, mm_bytes_varint(&b));
		if (b.bad || raw > MM_COLUMN_MAX || (total += raw) > MM_RAW_MAX)
			return MM_ECORRUPT;
		if (!column || column >= MM_COLS || !(wanted >> column & 1))
			continue;
		err = raw > most_of(column) ? MM_ECORRUPT :
		      unpack_column(c, packing, raw, &stored, &c->columns[column]);
	}
	return err;
}
