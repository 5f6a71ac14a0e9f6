/* block.c: envelopes and the file's header (block.h). */
#include "trace/block.h"

#include <string.h>
#include <zstd.h>

#include "core/crc32c.h"
#include "core/error.h"

static const uint8_t file_magic[8] = { 0x89, 'M', 'M', 'T', '\r', '\n', 0x1a, '\n' };

void mm_block_encode(const struct mm_block *b, uint8_t out[MM_BLOCK_HEADER])
{
	mm_put32(out, MM_BLOCK_MAGIC);
	out[4] = b->type;
	out[5] = b->flags;
	out[6] = out[7] = 0;
	mm_put32(out + 8, b->process);
	mm_put32(out + 12, b->stored);
	mm_put32(out + 16, b->prefix);
	mm_put32(out + 20, b->raw);
	mm_put64(out + 24, b->number);
	mm_put64(out + 32, b->back);
	mm_put32(out + 40, b->crc);
	mm_put32(out + 44, mm_crc32c(0, out, 44));
}

int mm_block_decode(const uint8_t in[MM_BLOCK_HEADER], struct mm_block *ret)
{
	if (mm_get32(in) != MM_BLOCK_MAGIC || mm_get32(in + 44) != mm_crc32c(0, in, 44))
		return MM_ECORRUPT;
	struct mm_block b = {
		.type = in[4], .flags = in[5], .process = mm_get32(in + 8),
		.stored = mm_get32(in + 12), .prefix = mm_get32(in + 16),
		.raw = mm_get32(in + 20), .number = mm_get64(in + 24),
		.back = mm_get64(in + 32), .crc = mm_get32(in + 40),
	};
	if (b.stored > MM_RAW_MAX + MM_PREFIX_MAX || b.prefix > b.stored ||
	    b.prefix > MM_PREFIX_MAX || b.raw > MM_RAW_MAX)
		return MM_ECORRUPT;
	if (!(b.flags & MM_BLOCKF_ZSTD) && b.raw != b.stored - b.prefix)
		return MM_ECORRUPT;
	*ret = b;
	return MM_OK;
}

int mm_block_unpack(const struct mm_block *b, const uint8_t *stored, struct mm_buf *out)
{
	const uint8_t *payload = stored + b->prefix;
	size_t bytes = b->stored - b->prefix;

	mm_buf_clear(out);
	if (mm_buf_reserve(out, b->raw))
		return MM_ENOMEM;
	if (!(b->flags & MM_BLOCKF_ZSTD))
		return mm_buf_put(out, payload, bytes);
	size_t n = ZSTD_decompress(out->data, b->raw, payload, bytes);
	if (ZSTD_isError(n) || n != b->raw)
		return MM_ECORRUPT;
	out->len = n;
	return MM_OK;
}

void mm_file_encode_state(uint8_t out[MM_FILE_HEADER - MM_FILE_STATE],
			  const struct mm_file_state *state)
{
	memset(out, 0, MM_FILE_HEADER - MM_FILE_STATE);
	mm_put64(out, state->whole_end);
	mm_put64(out + 8, state->last_chunk);
	mm_put64(out + 16, state->last_checkpoint);
	mm_put64(out + 24, state->blocks);
	mm_put32(out + 32, state->flags);
	mm_put32(out + 60, mm_crc32c(0, out, 60));
}

void mm_file_encode(uint8_t out[MM_FILE_HEADER], const struct mm_file_state *state)
{
	memset(out, 0, MM_FILE_STATE);
	memcpy(out, file_magic, sizeof file_magic);
	mm_put32(out + 8, MM_VERSION);
	mm_put32(out + 12, MM_COMPAT);
	mm_put32(out + 16, ~(uint32_t)MM_VERSION);
	mm_put32(out + 20, ~(uint32_t)MM_COMPAT);
	mm_file_encode_state(out + MM_FILE_STATE, state);
}

int mm_file_decode(const uint8_t *in, size_t len, uint32_t *ret_version,
		   uint32_t *ret_compat, struct mm_file_state *ret_state)
{
	if (len < 24 || memcmp(in, file_magic, sizeof file_magic) != 0)
		return MM_ENOTRACE;
	uint32_t version = mm_get32(in + 8), compat = mm_get32(in + 12);
	if (version != ~mm_get32(in + 16) || compat != ~mm_get32(in + 20) || !compat ||
	    compat > version)
		return MM_ENOTRACE;
	if (compat > MM_VERSION)
		return MM_ENEWER;
	*ret_version = version;
	*ret_compat = compat;
	memset(ret_state, 0, sizeof *ret_state);
	const uint8_t *state = in + MM_FILE_STATE;
	if (len < MM_FILE_HEADER || mm_get32(state + 60) != mm_crc32c(0, state, 60))
		return MM_OK;
	ret_state->whole_end = mm_get64(state);
	ret_state->last_chunk = mm_get64(state + 8);
	ret_state->last_checkpoint = mm_get64(state + 16);
	ret_state->blocks = mm_get64(state + 24);
	ret_state->flags = mm_get32(state + 32);
	return MM_OK;
}
