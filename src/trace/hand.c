/* hand.c: single chunks without the objects around them (hand.h): the scratch memory is the
 * hand's, so that many of them cost no more than their bytes. */
#include "trace/hand.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/other.h"
#include "trace/scan.h"

void mm_hand_init(struct mm_hand *h, struct mm_reader *r)
{
	*h = (struct mm_hand){ .reader = r, .source = &r->source };
}

void mm_hand_deinit(struct mm_hand *h)
{
	mm_codec_destroy(h->codec);
	mm_rows_deinit(&h->rows);
	mm_buf_deinit(&h->raw);
	mm_buf_deinit(&h->own.window);
}

int mm_hand_open(struct mm_hand **ret, const struct mm_reader *r)
{
	struct mm_hand *h = malloc(sizeof *h);

	if (!h)
		return MM_ENOMEM;
	*h = (struct mm_hand){ .reader = r, .source = &h->own };
	*ret = h;
	return MM_OK;
}

void mm_hand_close(struct mm_hand *h)
{
	if (h)
		mm_hand_deinit(h);
	free(h);
}

struct mm_hand *mm_reader_hand(struct mm_reader *r)
{
	return &r->hand;
}

/* What the reader found out of the file since. */
static void catch_up(struct mm_hand *h)
{
	const struct mm_source *s = &h->reader->source;

	if (h->own.looks != s->looks)
		h->own.window.len = 0;
	h->own.fd = s->fd;
	h->own.memory = s->memory;
	h->own.bytes = s->bytes;
	h->own.looks = s->looks;
}

int mm_hand_stored(struct mm_hand *h, uint64_t at, uint8_t type, struct mm_block *ret,
		   const uint8_t **ret_stored)
{
	if (h->source == &h->own)
		catch_up(h);
	return mm_scan_block(h->source, at, type, ret, ret_stored);
}

/* The payload of a chunk, in h->raw, and a codec to read it with. */
static int load_chunk(struct mm_hand *h, uint32_t process, uint32_t chunk,
		      const struct mm_rchunk **ret)
{
	const struct mm_rprocess *p = mm_reader_find(h->reader, process);
	struct mm_block b;

	if (!p || chunk >= p->chunk_count)
		return MM_ENOENT;
	int err = h->codec ? MM_OK : mm_codec_create(&h->codec);
	const uint8_t *stored;
	if (!err)
		err = mm_hand_stored(h, p->chunks[chunk].info.offset, MM_BLOCK_CHUNK, &b, &stored);
	if (err)
		return err;
	*ret = &p->chunks[chunk];
	return mm_block_unpack(&b, stored, &h->raw);
}

int mm_hand_rows(struct mm_hand *h, uint32_t process, uint32_t chunk, struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	int err = load_chunk(h, process, chunk, &c);

	return err ? err : mm_codec_decode_bare(h->codec, h->raw.data, h->raw.len,
						(uint32_t)c->info.events, &c->start, rows);
}

int mm_hand_all_rows(struct mm_hand *h, uint32_t process, uint32_t chunk,
		       struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	int err = load_chunk(h, process, chunk, &c);

	return err ? err : mm_codec_decode(h->codec, h->raw.data, h->raw.len,
					   (uint32_t)c->info.events, &c->start, c->has_addr, rows);
}

int mm_hand_births(struct mm_hand *h, uint32_t process, uint32_t chunk,
		     const uint64_t *bits, uint32_t slots, struct mm_rows *rows)
{
	const struct mm_rchunk *c;
	struct mm_slot_set set = { bits, slots };
	int err = load_chunk(h, process, chunk, &c);

	return err ? err : mm_codec_decode_births(h->codec, h->raw.data, h->raw.len,
						  (uint32_t)c->info.events, &c->start, &set, rows);
}

int mm_hand_last_birth(struct mm_hand *h, uint32_t thread, uint32_t *ret)
{
	return h->codec ? mm_codec_last_birth(h->codec, thread, ret) : MM_ENOENT;
}

int mm_hand_touched(struct mm_hand *h, uint32_t process, uint32_t chunk,
		      struct mm_touched *ret)
{
	const struct mm_rprocess *p = mm_reader_find(h->reader, process);
	const struct mm_rchunk *c;
	int err = load_chunk(h, process, chunk, &c);

	if (!err)
		err = mm_codec_decode_touched(h->codec, h->raw.data, h->raw.len, &ret->slots,
					      &ret->cap, &ret->count);
	if (err)
		return err;
	const struct mm_rchunk *next = chunk + 1 < p->chunk_count ? c + 1 : NULL;
	ret->fresh_from = c->start.high_water;
	ret->fresh_to = next && next->number == c->number + 1 ? next->start.high_water
							     : UINT32_MAX;
	return MM_OK;
}

static int make_other(const struct mm_hand *h, const struct mm_rchunk *c,
		      const struct mm_row *row, struct mm_event *ev, union mm_other_room *room)
{
	const uint8_t *bytes = row->other_len ? h->rows.other.data + row->ref : NULL;

	memset(ev, 0, sizeof *ev);
	ev->kind = row->kind;
	ev->slot = MM_NO_SLOT;
	ev->thread = row->thread;
	ev->site = row->site;
	ev->time = row->tick * c->resolution_ns;
	return mm_other_decode(bytes, row->other_len, ev, room);
}

int mm_hand_other(struct mm_hand *h, uint32_t process, uint32_t chunk,
			   int (*fn)(void *arg, const struct mm_event *ev, uint32_t index),
			   void *arg)
{
	const struct mm_rchunk *c;
	union mm_other_room room;
	struct mm_event ev;
	int err = load_chunk(h, process, chunk, &c);

	if (!err)
		err = mm_codec_decode_other(h->codec, h->raw.data, h->raw.len,
					    (uint32_t)c->info.events, &c->start, &h->rows);
	for (size_t i = 0; !err && i < h->rows.count; i++) {
		err = make_other(h, c, &h->rows.rows[i], &ev, &room);
		if (!err)
			err = fn(arg, &ev, h->rows.rows[i].slot);
	}
	return err;
}
