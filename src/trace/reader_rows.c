/* reader_rows.c: single chunks without the objects around them (reader.h): the scratch
 * memory is the reader's, so that many of them cost no more than their bytes. */
#include <string.h>

#include "core/error.h"
#include "trace/codec.h"
#include "trace/other.h"
#include "trace/scan.h"

/* The payload of a chunk, in r->raw, and a codec to read it with. */
static int load_chunk(struct mm_reader *r, uint32_t process, uint32_t chunk,
		      const struct mm_rchunk **ret)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	struct mm_block b;

	if (!p || chunk >= p->chunk_count)
		return MM_ENOENT;
	int err = r->codec ? MM_OK : mm_codec_create(&r->codec);
	if (err)
		return err;
	const uint8_t *stored = mm_scan_block(r, p->chunks[chunk].info.offset, MM_BLOCK_CHUNK, &b);
	if (!stored)
		return MM_ECORRUPT;
	*ret = &p->chunks[chunk];
	return mm_block_unpack(&b, stored, &r->raw);
}

int mm_reader_rows(struct mm_reader *r, uint32_t process, uint32_t chunk, struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	int err = load_chunk(r, process, chunk, &c);

	return err ? err : mm_codec_decode_bare(r->codec, r->raw.data, r->raw.len,
						(uint32_t)c->info.events, &c->start, rows);
}

int mm_reader_all_rows(struct mm_reader *r, uint32_t process, uint32_t chunk,
		       struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	int err = load_chunk(r, process, chunk, &c);

	return err ? err : mm_codec_decode(r->codec, r->raw.data, r->raw.len,
					   (uint32_t)c->info.events, &c->start, c->has_addr, rows);
}

int mm_reader_births(struct mm_reader *r, uint32_t process, uint32_t chunk,
		     const uint64_t *bits, uint32_t slots, struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	struct mm_slot_set set = { bits, slots };
	int err = load_chunk(r, process, chunk, &c);

	return err ? err : mm_codec_decode_births(r->codec, r->raw.data, r->raw.len,
						  (uint32_t)c->info.events, &c->start, &set, rows);
}

int mm_reader_last_birth(struct mm_reader *r, uint32_t thread, uint32_t *ret)
{
	return r->codec ? mm_codec_last_birth(r->codec, thread, ret) : MM_ENOENT;
}

int mm_reader_touched(struct mm_reader *r, uint32_t process, uint32_t chunk,
		      struct mm_touched *ret)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	const struct mm_rchunk *c;
	int err = load_chunk(r, process, chunk, &c);

	if (!err)
		err = mm_codec_decode_touched(r->codec, r->raw.data, r->raw.len, &ret->slots,
					      &ret->cap, &ret->count);
	if (err)
		return err;
	const struct mm_rchunk *next = chunk + 1 < p->chunk_count ? c + 1 : NULL;
	ret->fresh_from = c->start.high_water;
	ret->fresh_to = next && next->number == c->number + 1 ? next->start.high_water
							     : UINT32_MAX;
	return MM_OK;
}

static int make_other(const struct mm_reader *r, const struct mm_rchunk *c,
		      const struct mm_row *row, struct mm_event *ev, union mm_other_room *room)
{
	const uint8_t *bytes = row->other_len ? r->rows.other.data + row->ref : NULL;

	memset(ev, 0, sizeof *ev);
	ev->kind = row->kind;
	ev->slot = MM_NO_SLOT;
	ev->thread = row->thread;
	ev->site = row->site;
	ev->time = row->tick * c->resolution_ns;
	return mm_other_decode(bytes, row->other_len, ev, room);
}

int mm_reader_decode_other(struct mm_reader *r, uint32_t process, uint32_t chunk,
			   int (*fn)(void *arg, const struct mm_event *ev, uint32_t index),
			   void *arg)
{
	const struct mm_rchunk *c;
	union mm_other_room room;
	struct mm_event ev;
	int err = load_chunk(r, process, chunk, &c);

	if (!err)
		err = mm_codec_decode_other(r->codec, r->raw.data, r->raw.len,
					    (uint32_t)c->info.events, &c->start, &r->rows);
	for (size_t i = 0; !err && i < r->rows.count; i++) {
		err = make_other(r, c, &r->rows.rows[i], &ev, &room);
		if (!err)
			err = fn(arg, &ev, r->rows.rows[i].slot);
	}
	return err;
}
