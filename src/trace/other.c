/* other.c: the bytes of events that are no births and deaths (other.h). */
#include "trace/other.h"

#include <string.h>

#include "core/error.h"
#include "trace/bytes.h"
#include "trace/tables.h"

static void put_text(const struct mm_event *ev, struct mm_buf *out)
{
	mm_buf_put(out, ev->text, ev->text_len < MM_TEXT_MAX ? ev->text_len : MM_TEXT_MAX);
}

/* Unknown (all ones) becomes 0 and takes one byte. */
static void put_sample(const struct mm_sample *s, struct mm_buf *out)
{
	const uint64_t v[] = { s->rss_bytes, s->anon_bytes, s->rss_peak_bytes,
		s->mem_available_bytes, s->limit_bytes, s->cgroup_bytes, s->psi_some_ppm,
		s->psi_full_ppm };

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		mm_buf_varint(out, v[i] + 1);
}

/* Which of the fields that pools have a kind has. */
static void pool_fields(unsigned kind, int *addr, int *sizes, int *value)
{
	*addr = kind >= MM_EV_SLAB;
	*sizes = kind == MM_EV_POOL || kind == MM_EV_SLAB || kind == MM_EV_SLAB_END ||
		 kind == MM_EV_SLAB_SIZE;
	*value = kind == MM_EV_POOL || kind >= MM_EV_BLOCK_MOVE;
}

static void put_pool(const struct mm_event *ev, int has_addr, struct mm_buf *out)
{
	int addr, sizes, value, is_addr = ev->kind == MM_EV_BLOCK_MOVE;

	pool_fields(ev->kind, &addr, &sizes, &value);
	mm_buf_varint(out, ev->pool);
	if (addr)
		mm_buf_varint(out, has_addr ? ev->addr : 0);
	if (sizes) {
		mm_buf_varint(out, ev->size);
		mm_buf_varint(out, ev->blocks);
	}
	if (value)
		mm_buf_varint(out, is_addr && !has_addr ? 0 : (uint64_t)ev->value);
	if (is_addr)
		mm_buf_varint(out, (uint32_t)(ev->slot + 1));
	if (ev->kind == MM_EV_POOL)
		put_text(ev, out);
}

int mm_other_encode(const struct mm_event *ev, int has_addr, struct mm_buf *out)
{
	size_t fields;

	if (mm_notice_fields(ev->kind, &fields)) {
		if (ev->notice)
			mm_notice_encode(ev->kind, ev->notice, out);
		return out->failed ? MM_ENOMEM : MM_OK;
	}
	switch (ev->kind) {
	case MM_EV_MAP:
	case MM_EV_UNMAP:
		mm_buf_varint(out, has_addr ? ev->addr : 0);
		/* fall through */
	case MM_EV_FAILED:
		mm_buf_varint(out, ev->size);
		break;
	case MM_EV_POOL: case MM_EV_POOL_END: case MM_EV_SLAB: case MM_EV_SLAB_END:
	case MM_EV_BLOCK_MOVE: case MM_EV_BLOCK_KEY: case MM_EV_SLAB_SIZE:
		put_pool(ev, has_addr, out);
		break;
	case MM_EV_METRIC:
	case MM_EV_BUDGET:
		mm_buf_varint(out, mm_zigzag(ev->value));
		put_text(ev, out);
		break;
	case MM_EV_FORK:
	case MM_EV_LOST:
		mm_buf_varint(out, mm_zigzag(ev->value));
		break;
	case MM_EV_SAMPLE:
		if (ev->sample)
			put_sample(ev->sample, out);
		break;
	default:
		put_text(ev, out);
	}
	return out->failed ? MM_ENOMEM : MM_OK;
}

static void get_sample(struct mm_bytes *b, struct mm_sample *s)
{
	uint64_t v[8];

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		v[i] = mm_bytes_left(b) ? mm_bytes_varint(b) - 1 : MM_UNKNOWN;
	*s = (struct mm_sample){ v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7] };
}

static void get_pool(struct mm_bytes *b, struct mm_event *ev)
{
	int addr, sizes, value;

	pool_fields(ev->kind, &addr, &sizes, &value);
	ev->pool = mm_bytes_u32(b);
	if (addr)
		ev->addr = mm_bytes_varint(b);
	if (sizes) {
		ev->size = mm_bytes_varint(b);
		ev->blocks = mm_bytes_varint(b);
	}
	if (value)
		ev->value = (int64_t)mm_bytes_varint(b);
	if (ev->kind == MM_EV_BLOCK_MOVE)
		ev->slot = mm_bytes_u32(b) - 1;
}

static int get_notice(struct mm_bytes *b, struct mm_event *ev, struct mm_notice *room)
{
	mm_notice_decode(ev->kind, b, room);
	ev->notice = room;
	return b->bad ? MM_ECORRUPT : MM_OK;
}

int mm_other_decode(const uint8_t *data, size_t len, struct mm_event *ev,
		    union mm_other_room *room)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	size_t fields;

	if (mm_notice_fields(ev->kind, &fields))
		return get_notice(&b, ev, &room->notice);

	switch (ev->kind) {
	case MM_EV_MAP:
	case MM_EV_UNMAP:
		ev->addr = mm_bytes_varint(&b);
		/* fall through */
	case MM_EV_FAILED:
		ev->size = mm_bytes_varint(&b);
		break;
	case MM_EV_POOL: case MM_EV_POOL_END: case MM_EV_SLAB: case MM_EV_SLAB_END:
	case MM_EV_BLOCK_MOVE: case MM_EV_BLOCK_KEY: case MM_EV_SLAB_SIZE:
		get_pool(&b, ev);
		break;
	case MM_EV_METRIC:
	case MM_EV_BUDGET:
	case MM_EV_FORK:
	case MM_EV_LOST:
		ev->value = mm_unzigzag(mm_bytes_varint(&b));
		break;
	case MM_EV_SAMPLE:
		get_sample(&b, &room->sample);
		ev->sample = &room->sample;
		break;
	default:
		break;
	}
	if (b.bad)
		return MM_ECORRUPT;
	ev->text = (const char *)b.p;
	ev->text_len = (uint32_t)mm_bytes_left(&b);
	return MM_OK;
}
