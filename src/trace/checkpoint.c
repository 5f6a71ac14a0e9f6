/* checkpoint.c: parts of a checkpoint (checkpoint.h). Part k holds the objects of slots
 * k * MM_PART_ITEMS and on; the free stack follows in parts of its own, so that every
 * part is found without reading another. */
#include "trace/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/varint.h"
#include "trace/bytes.h"
#include "trace/chunk.h"

enum { OBJECT_MAX = 2 + 7 * MM_VARINT_MAX }; /* bytes that one object takes at most */
enum part_tag { PART_OBJECTS = 1, PART_FREE = 2, PART_LATEST = 3 };

static uint32_t parts_of(uint32_t items)
{
	return items / MM_PART_ITEMS + (items % MM_PART_ITEMS != 0);
}

static uint32_t parts_for(uint32_t high_water, uint32_t free_count)
{
	return 1 + parts_of(high_water) + parts_of(free_count);
}

uint32_t mm_checkpoint_parts(const struct mm_objects *o)
{
	return parts_for(mm_objects_high_water(o), mm_objects_free_depth(o));
}

int mm_checkpoint_encode_head(const struct mm_checkpoint_head *h, struct mm_buf *out)
{
	mm_buf_varint(out, h->number);
	mm_buf_varint(out, h->part);
	mm_buf_varint(out, h->parts);
	mm_buf_varint(out, h->high_water);
	mm_buf_varint(out, h->free_count);
	mm_buf_varint(out, h->resolution_ns);
	mm_totals_encode(&h->totals, out);
	return out->failed ? MM_ENOMEM : MM_OK;
}

int mm_checkpoint_decode_head(const uint8_t *data, size_t len,
			      struct mm_checkpoint_head *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct mm_checkpoint_head h;

	h.number = mm_bytes_varint(&b);
	h.part = mm_bytes_u32(&b);
	h.parts = mm_bytes_u32(&b);
	h.high_water = mm_bytes_u32(&b);
	h.free_count = mm_bytes_u32(&b);
	h.resolution_ns = mm_bytes_varint(&b);
	mm_totals_decode(&b, &h.totals);
	if (b.bad || h.part >= h.parts || h.free_count > h.high_water || !h.resolution_ns ||
	    h.parts != parts_for(h.high_water, h.free_count) ||
	    h.totals.live_count != h.high_water - h.free_count)
		return MM_ECORRUPT;
	*ret = h;
	return MM_OK;
}

/* --- encoding -------------------------------------------------------------------------- */

static int encode_latest(const struct mm_objects *o, uint32_t threads, struct mm_buf *out)
{
	mm_buf_u8(out, PART_LATEST);
	mm_buf_varint(out, threads);
	for (uint32_t i = 0; i < threads; i++)
		mm_buf_varint(out, mm_objects_latest(o, i));
	return out->failed ? MM_ENOMEM : MM_OK;
}

static int encode_free(const struct mm_objects *o, uint32_t first, struct mm_buf *out)
{
	uint32_t count, before = 0;
	const uint32_t *slots = mm_objects_free(o, &count);
	uint32_t end = count - first < MM_PART_ITEMS ? count : first + MM_PART_ITEMS;

	mm_buf_u8(out, PART_FREE);
	mm_buf_varint(out, end - first);
	for (uint32_t i = first; i < end; i++) {
		mm_buf_varint(out, mm_zigzag((int64_t)slots[i] - before));
		before = slots[i];
	}
	return out->failed ? MM_ENOMEM : MM_OK;
}

/* Columns, so that like numbers stand together. `p` has room for all. */
static uint8_t *put_objects(const struct mm_object *live, const uint32_t *slots, uint32_t count,
			    uint64_t resolution, int has_addr, uint8_t *p)
{
	uint64_t addr = 0, time = 0, order = 0, slot = 0;

	for (uint32_t i = 0; i < count; slot = (uint64_t)slots[i++] + 1)
		p = mm_varint_put(p, slots[i] - slot);
	for (uint32_t i = 0; i < count; i++)
		*p++ = live[i].kind;
	for (uint32_t i = 0; i < count; i++)
		*p++ = live[i].align_log2;
	for (uint32_t i = 0; i < count; i++)
		p = mm_varint_put(p, live[i].site);
	for (uint32_t i = 0; i < count; i++)
		p = mm_varint_put(p, (uint32_t)(live[i].thread + 1));
	for (uint32_t i = 0; i < count; i++)
		p = mm_varint_put(p, live[i].size + 1);
	for (uint32_t i = 0; i < count; addr = live[i++].addr)
		p = mm_varint_put(p, has_addr ? mm_zigzag((int64_t)(live[i].addr - addr)) : 0);
	for (uint32_t i = 0; i < count; time = live[i++].time / resolution)
		p = mm_varint_put(p, mm_zigzag((int64_t)(live[i].time / resolution - time)));
	for (uint32_t i = 0; i < count; order = live[i++].order)
		p = mm_varint_put(p, mm_zigzag((int64_t)(live[i].order - order)));
	return p;
}

static int encode_objects(const struct mm_objects *o, uint32_t first, uint64_t resolution,
			  int has_addr, struct mm_buf *out)
{
	struct mm_object *live = malloc(MM_PART_ITEMS * sizeof *live);
	uint32_t *slots = malloc(MM_PART_ITEMS * sizeof *slots);
	uint32_t count = 0, high = mm_objects_high_water(o);
	int err = live && slots ? MM_OK : MM_ENOMEM;

	for (uint32_t i = 0; !err && i < MM_PART_ITEMS && first + i < high; i++) {
		if (mm_objects_get(o, first + i, &live[count]))
			slots[count++] = i;
	}
	if (!err) {
		mm_buf_u8(out, PART_OBJECTS);
		mm_buf_varint(out, count);
		mm_buf_varint(out, first);
		err = mm_buf_reserve(out, (size_t)count * OBJECT_MAX);
	}
	if (!err)
		out->len = (size_t)(put_objects(live, slots, count, resolution, has_addr,
						out->data + out->len) - out->data);
	free(live);
	free(slots);
	return err || out->failed ? MM_ENOMEM : MM_OK;
}

int mm_checkpoint_encode(const struct mm_objects *o, uint32_t threads,
			 uint64_t resolution_ns, int has_addr, uint32_t part, struct mm_buf *out)
{
	uint32_t object_parts = parts_of(mm_objects_high_water(o));

	if (part == 0)
		return encode_latest(o, threads, out);
	if (part <= object_parts)
		return encode_objects(o, (part - 1) * MM_PART_ITEMS, resolution_ns,
				      has_addr, out);
	return encode_free(o, (part - 1 - object_parts) * MM_PART_ITEMS, out);
}

/* --- decoding ----------------------------------------------------------------------------- */

static int decode_latest(struct mm_bytes *b, struct mm_objects *o)
{
	uint32_t threads = mm_bytes_u32(b);
	int err = MM_OK;

	for (uint32_t i = 0; !err && !b->bad && i < threads; i++) {
		uint32_t latest = mm_bytes_u32(b);
		if (!b->bad && latest)
			err = mm_objects_set_latest(o, i, latest);
	}
	return err;
}

static int decode_free(struct mm_bytes *b, const struct mm_checkpoint_head *h,
		       struct mm_objects *o)
{
	uint32_t count = mm_bytes_u32(b), slot = 0;
	int err = MM_OK;

	for (uint32_t i = 0; !err && !b->bad && i < count; i++) {
		slot += (uint32_t)mm_unzigzag(mm_bytes_varint(b));
		err = slot < h->high_water ? mm_objects_restore_free(o, slot) : MM_ECORRUPT;
	}
	return err;
}

static void get_objects(struct mm_bytes *b, struct mm_object *objs, uint32_t *slots,
			uint32_t count, uint64_t resolution)
{
	uint64_t addr = 0, time = 0, order = 0, slot = 0;

	for (uint32_t i = 0; i < count; i++, slot++)
		slots[i] = (uint32_t)(slot += mm_bytes_u32(b));
	for (uint32_t i = 0; i < count; i++)
		objs[i].kind = mm_bytes_u8(b);
	for (uint32_t i = 0; i < count; i++)
		objs[i].align_log2 = mm_bytes_u8(b);
	for (uint32_t i = 0; i < count; i++)
		objs[i].site = mm_bytes_u32(b);
	for (uint32_t i = 0; i < count; i++)
		objs[i].thread = mm_bytes_u32(b) - 1;
	for (uint32_t i = 0; i < count; i++)
		objs[i].size = mm_bytes_varint(b) - 1;
	for (uint32_t i = 0; i < count; i++)
		objs[i].addr = addr += (uint64_t)mm_unzigzag(mm_bytes_varint(b));
	for (uint32_t i = 0; i < count; i++)
		objs[i].time = resolution * (time += (uint64_t)mm_unzigzag(mm_bytes_varint(b)));
	for (uint32_t i = 0; i < count; i++)
		objs[i].order = (uint32_t)(order += (uint64_t)mm_unzigzag(mm_bytes_varint(b)));
}

/* Slots of a part are its own: no two objects have one. */
static int is_sound(const struct mm_live_list *l, const struct mm_checkpoint_head *h,
		    uint32_t first)
{
	uint32_t begin = h->part ? (h->part - 1) * MM_PART_ITEMS : 0, last = MM_NO_SLOT;

	if (!h->part || first != begin)
		return 0;
	for (size_t i = 0; i < l->count; i++) {
		if (l->slots[i] >= MM_PART_ITEMS ||
		    (uint64_t)first + l->slots[i] >= h->high_water ||
		    !mm_event_is_birth(l->objects[i].kind) ||
		    (last != MM_NO_SLOT && l->slots[i] <= last))
			return 0;
		last = l->slots[i];
	}
	return 1;
}

static int list_objects(struct mm_bytes *b, const struct mm_checkpoint_head *h,
			struct mm_live_list *l)
{
	uint32_t count = mm_bytes_u32(b), first = mm_bytes_u32(b);

	l->count = 0;
	if (b->bad || count > MM_PART_ITEMS || (uint64_t)count * 9 > mm_bytes_left(b))
		return MM_ECORRUPT;
	if (MM_GROW(l->objects, l->object_cap, count) || MM_GROW(l->slots, l->slot_cap, count))
		return MM_ENOMEM;
	l->count = count;
	get_objects(b, l->objects, l->slots, count, h->resolution_ns);
	if (b->bad || !is_sound(l, h, first)) {
		l->count = 0;
		return MM_ECORRUPT;
	}
	for (uint32_t i = 0; i < count; i++)
		l->slots[i] += first;
	return MM_OK;
}

void mm_live_list_deinit(struct mm_live_list *l)
{
	free(l->objects);
	free(l->slots);
	memset(l, 0, sizeof *l);
}

int mm_checkpoint_objects(const uint8_t *data, size_t len, const struct mm_checkpoint_head *h,
			  struct mm_live_list *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);

	ret->count = 0;
	return mm_bytes_u8(&b) == PART_OBJECTS ? list_objects(&b, h, ret) : MM_ECORRUPT;
}

int mm_checkpoint_latest(const uint8_t *data, size_t len, uint32_t *ret, uint32_t threads)
{
	struct mm_bytes b = mm_bytes_of(data, len);

	memset(ret, 0, threads * sizeof *ret);
	if (mm_bytes_u8(&b) != PART_LATEST)
		return MM_ECORRUPT;
	uint32_t count = mm_bytes_u32(&b);
	for (uint32_t i = 0; i < count && i < threads; i++)
		ret[i] = mm_bytes_u32(&b);
	return b.bad ? MM_ECORRUPT : MM_OK;
}

uint32_t mm_checkpoint_object_parts(const struct mm_checkpoint_head *h)
{
	return parts_of(h->high_water);
}

static int decode_objects(struct mm_bytes *b, const struct mm_checkpoint_head *h,
			  struct mm_objects *o)
{
	struct mm_live_list l = { 0 };
	int err = list_objects(b, h, &l);

	for (size_t i = 0; !err && i < l.count; i++)
		err = mm_objects_restore(o, &l.objects[i], l.slots[i]);
	mm_live_list_deinit(&l);
	return err;
}

int mm_checkpoint_decode(const uint8_t *data, size_t len,
			 const struct mm_checkpoint_head *h, struct mm_objects *o)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	int err = MM_OK;

	while (!err && !b.bad && mm_bytes_left(&b)) {
		switch (mm_bytes_u8(&b)) {
		case PART_LATEST: err = decode_latest(&b, o); break;
		case PART_FREE: err = decode_free(&b, h, o); break;
		case PART_OBJECTS: err = decode_objects(&b, h, o); break;
		default: err = MM_ECORRUPT;
		}
	}
	return err ? err : b.bad ? MM_ECORRUPT : MM_OK;
}
