/* band_tell.c: what the sink hears of band pools (core/sink.h, band_parts.h). */
#include "alloc/band_parts.h"
#include "core/sink.h"

void band_tell_slab(const struct mm_band *p, uint32_t n)
{
	mm_sink->slab(p->told, p->slab[n].addr, MM_SLICE_BYTES,
		      MM_SLICE_BYTES / block_bytes(p->slab[n].format));
}

void band_tell_slab_end(const struct mm_band *p, uint32_t n)
{
	mm_sink->slab_end(p->told, p->slab[n].addr, MM_SLICE_BYTES,
			  MM_SLICE_BYTES / block_bytes(p->slab[n].format));
}

void band_tell_brick(const struct mm_band *p, uint32_t brick)
{
	uint64_t at = mm_band_payload(p, brick);

	if (!at)
		return;
	mm_sink->alloc(p->told, at, block_bytes(p->format[brick]), NULL);
	mm_sink->key(p->told, at, p->key[brick]);
}

void band_tell_brick_end(const struct mm_band *p, uint32_t brick)
{
	uint64_t at = mm_band_payload(p, brick);

	if (at)
		mm_sink->free(p->told, at);
}

static void tell_slabs(const struct mm_band *p, void (*tell)(const struct mm_band *, uint32_t))
{
	for (uint32_t n = 1; n < p->slabs; n++)
		if (p->slab[n].addr)
			tell(p, n);
}

void mm_band_tell(struct mm_band *p, uint32_t told, int again)
{
	if (!told) { /* it closes */
		for (uint32_t b = 1; b < p->frontier; b++)
			if (p->key[b] >> 63 == 0)
				band_tell_brick_end(p, b);
		tell_slabs(p, band_tell_slab_end);
	}
	p->told = told;
	if (again)
		tell_slabs(p, band_tell_slab);
}
