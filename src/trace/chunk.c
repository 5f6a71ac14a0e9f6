/* chunk.c: the prefix of a chunk (chunk.h). */
#include "trace/chunk.h"

#include "core/error.h"
#include "trace/bytes.h"

void mm_totals_encode(const struct mm_totals *t, struct mm_buf *out)
{
	const uint64_t v[] = { t->allocs, t->frees, t->alloc_bytes, t->free_bytes,
		t->live_bytes, t->live_count, t->peak_bytes, t->peak_time, t->temporaries,
		t->implied, t->inherited, t->failed, t->reallocs };

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		mm_buf_varint(out, v[i]);
}

void mm_totals_decode(struct mm_bytes *b, struct mm_totals *ret)
{
	ret->allocs = mm_bytes_varint(b);
	ret->frees = mm_bytes_varint(b);
	ret->alloc_bytes = mm_bytes_varint(b);
	ret->free_bytes = mm_bytes_varint(b);
	ret->live_bytes = mm_bytes_varint(b);
	ret->live_count = mm_bytes_varint(b);
	ret->peak_bytes = mm_bytes_varint(b);
	ret->peak_time = mm_bytes_varint(b);
	ret->temporaries = mm_bytes_varint(b);
	ret->implied = mm_bytes_varint(b);
	ret->inherited = mm_bytes_varint(b);
	ret->failed = mm_bytes_varint(b);
	ret->reallocs = mm_bytes_varint(b);
	ret->unknown_count = 0;
}

int mm_chunk_encode(const struct mm_chunk_head *h, struct mm_buf *out)
{
	const uint64_t v[] = { h->number, h->resolution_ns, h->events, h->births, h->deaths,
		h->has_addr ? 1 : 0, h->start.tick, h->last_tick - h->start.tick,
		h->start.high_water, h->start.free_depth, h->peak_bytes, h->peak_tick,
		h->peak_index };

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		mm_buf_varint(out, v[i]);
	mm_totals_encode(&h->before, out);
	mm_totals_encode(&h->after, out);
	return out->failed ? MM_ENOMEM : MM_OK;
}

int mm_chunk_decode(const uint8_t *data, size_t len, struct mm_chunk_head *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct mm_chunk_head h;

	h.number = mm_bytes_varint(&b);
	h.resolution_ns = mm_bytes_varint(&b);
	h.events = mm_bytes_u32(&b);
	h.births = mm_bytes_u32(&b);
	h.deaths = mm_bytes_u32(&b);
	h.has_addr = mm_bytes_varint(&b) & 1;
	h.start.tick = mm_bytes_varint(&b);
	h.last_tick = h.start.tick + mm_bytes_varint(&b);
	h.start.high_water = mm_bytes_u32(&b);
	h.start.free_depth = mm_bytes_u32(&b);
	h.peak_bytes = mm_bytes_varint(&b);
	h.peak_tick = mm_bytes_varint(&b);
	h.peak_index = mm_bytes_u32(&b);
	mm_totals_decode(&b, &h.before);
	mm_totals_decode(&b, &h.after);
	if (b.bad || h.events > MM_CHUNK_EVENTS || !h.resolution_ns ||
	    h.births > h.events || h.deaths > h.events ||
	    h.start.free_depth > h.start.high_water)
		return MM_ECORRUPT;
	*ret = h;
	return MM_OK;
}
