/* checkpoints.c: which checkpoints a trace has, and what one holds without the chunks behind it
 * (reader.h, hand.h). */
#include <string.h>

#include "core/error.h"
#include "trace/scan.h"

const struct mm_rcheckpoint *mm_rcheckpoint_find(const struct mm_rprocess *p, uint64_t number,
						 int exact)
{
	size_t count = p->checkpoint_count - (p->want_part != 0);
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->checkpoints[mid].number <= number)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || (exact && p->checkpoints[lo - 1].number != number))
		return NULL;
	return &p->checkpoints[lo - 1];
}

uint32_t mm_rchunk_numbered(const struct mm_rprocess *p, uint64_t number)
{
	uint32_t low = 0, high = p->chunk_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (p->chunks[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int mm_reader_checkpoint(const struct mm_reader *r, uint32_t process, uint32_t chunk,
			 uint32_t *ret)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	const struct mm_rcheckpoint *cp = p && chunk < p->chunk_count
		? mm_rcheckpoint_find(p, p->chunks[chunk].number, 0) : NULL;

	if (!cp)
		return 0;
	uint32_t at = mm_rchunk_numbered(p, cp->number);
	if (p->chunks[at].number != cp->number)
		return 0;
	*ret = at;
	return 1;
}

int mm_hand_part(struct mm_hand *h, const struct mm_rcheckpoint *c, uint32_t part,
		 struct mm_checkpoint_head *ret)
{
	struct mm_checkpoint_head head;
	struct mm_block b;

	if (part >= c->part_count)
		return MM_ECORRUPT;
	const uint8_t *stored;
	int err = mm_hand_stored(h, c->parts[part], MM_BLOCK_CHECKPOINT, &b, &stored);
	if (!err)
		err = mm_checkpoint_decode_head(stored, b.prefix, &head);
	if (err)
		return err;
	if (head.part != part || head.parts != c->part_count || head.number != c->number)
		return MM_ECORRUPT;
	*ret = head;
	return mm_block_unpack(&b, stored, &h->raw);
}

/* The one right before the chunk, or NULL. */
static const struct mm_rcheckpoint *before(const struct mm_hand *h, uint32_t process,
					   uint32_t chunk)
{
	const struct mm_rprocess *p = mm_reader_find(h->reader, process);

	return p && chunk < p->chunk_count
		? mm_rcheckpoint_find(p, p->chunks[chunk].number, 1) : NULL;
}

static int stands_before(const struct mm_checkpoint_head *h, const struct mm_rchunk *c)
{
	return h->high_water == c->start.high_water && h->free_count == c->start.free_depth &&
	       h->totals.live_count == c->info.before.live_count &&
	       h->totals.live_bytes == c->info.before.live_bytes;
}

int mm_hand_checkpoint(struct mm_hand *h, uint32_t process, uint32_t chunk, uint32_t *latest,
		       uint32_t threads, uint32_t *ret_parts, struct mm_totals *ret_totals)
{
	const struct mm_rcheckpoint *c = before(h, process, chunk);
	struct mm_checkpoint_head head;
	int err = c ? mm_hand_part(h, c, 0, &head) : MM_ENOENT;

	if (!err)
		err = mm_checkpoint_latest(h->raw.data, h->raw.len, latest, threads);
	if (!err && !stands_before(&head, &mm_reader_find(h->reader, process)->chunks[chunk]))
		err = MM_ECORRUPT;
	if (err)
		return err;
	*ret_parts = mm_checkpoint_object_parts(&head);
	*ret_totals = head.totals;
	return MM_OK;
}

int mm_hand_checkpoint_part(struct mm_hand *h, uint32_t process, uint32_t chunk, uint32_t part,
			    struct mm_live_list *ret)
{
	const struct mm_rcheckpoint *c = before(h, process, chunk);
	struct mm_checkpoint_head head;
	int err = c ? mm_hand_part(h, c, part + 1, &head) : MM_ENOENT;

	ret->count = 0;
	return err ? err : mm_checkpoint_objects(h->raw.data, h->raw.len, &head, ret);
}
