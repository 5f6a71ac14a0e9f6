/* notice.c: what each kind of notice holds, and its bytes (notice.h). */
#include "trace/notice.h"

#include <string.h>

#include "trace/event.h"
#include "trace/tables.h"

#define NUMBER(key, member) { key, offsetof(struct mm_notice, member), 0 }
#define TEXT(key, member) { key, offsetof(struct mm_notice, member), 1 }

/* The order is the file's: fields are appended, never moved. */
static const struct mm_notice_field tier[] = {
	NUMBER("tier", tier), TEXT("name", name), TEXT("type", what),
	NUMBER("capacity_bytes", capacity_bytes), NUMBER("part_of", part_of),
};
static const struct mm_notice_field tier_use[] = {
	NUMBER("tier", tier), TEXT("category", category), NUMBER("used_bytes", bytes),
	NUMBER("hit_count", hits), NUMBER("miss_count", misses),
};
static const struct mm_notice_field tier_move[] = {
	TEXT("category", category), NUMBER("from", tier), NUMBER("to", to),
	NUMBER("bytes", bytes), NUMBER("block_count", blocks), TEXT("cause", cause),
	NUMBER("stall_ns", stall_ns),
};
static const struct mm_notice_field evict[] = {
	TEXT("category", category), NUMBER("tier", tier), NUMBER("bytes", bytes),
	TEXT("cause", cause), NUMBER("block_count", blocks),
};
static const struct mm_notice_field deny[] = {
	TEXT("category", category), NUMBER("asked_bytes", bytes), TEXT("cause", cause),
};
static const struct mm_notice_field pressure[] = {
	NUMBER("level", level), NUMBER("before", before), TEXT("cause", cause),
};
static const struct mm_notice_field gpu_device[] = {
	NUMBER("device", device), TEXT("name", name), TEXT("driver", driver),
	TEXT("source", source),
};
static const struct mm_notice_field gpu_heap[] = {
	NUMBER("device", device), NUMBER("heap", heap), TEXT("flags", what),
	NUMBER("budget_bytes", budget_bytes), NUMBER("usage_bytes", bytes),
	NUMBER("ours_bytes", ours_bytes), NUMBER("block_count", blocks),
	NUMBER("alloc_count", count), NUMBER("upload_bytes", up_bytes),
	NUMBER("download_bytes", down_bytes), NUMBER("movable_bytes", movable_bytes),
	NUMBER("movable_block_count", movable_blocks),
};
static const struct mm_notice_field gpu_kind[] = {
	NUMBER("device", device), NUMBER("heap", heap), TEXT("type", what),
	TEXT("category", category), NUMBER("count", count), NUMBER("bytes", bytes),
	NUMBER("dedicated_count", dedicated), NUMBER("mapped_count", mapped),
	NUMBER("age_ns", age_ns),
};
static const struct mm_notice_field gpu_block[] = {
	NUMBER("device", device), NUMBER("heap", heap), NUMBER("block", block),
	NUMBER("size_bytes", capacity_bytes), NUMBER("used_bytes", bytes),
	NUMBER("largest_free_bytes", largest_bytes), TEXT("map", what),
};

#define FIELDS(a) { a, sizeof a / sizeof *a }
static const struct { const struct mm_notice_field *fields; size_t count; } kinds[] = {
	[MM_EV_TIER - MM_EV_TIER] = FIELDS(tier),
	[MM_EV_TIER_USE - MM_EV_TIER] = FIELDS(tier_use),
	[MM_EV_TIER_MOVE - MM_EV_TIER] = FIELDS(tier_move),
	[MM_EV_EVICT - MM_EV_TIER] = FIELDS(evict),
	[MM_EV_DENY - MM_EV_TIER] = FIELDS(deny),
	[MM_EV_PRESSURE - MM_EV_TIER] = FIELDS(pressure),
	[MM_EV_GPU_DEVICE - MM_EV_TIER] = FIELDS(gpu_device),
	[MM_EV_GPU_HEAP - MM_EV_TIER] = FIELDS(gpu_heap),
	[MM_EV_GPU_KIND - MM_EV_TIER] = FIELDS(gpu_kind),
	[MM_EV_GPU_BLOCK - MM_EV_TIER] = FIELDS(gpu_block),
};

const struct mm_notice_field *mm_notice_fields(unsigned kind, size_t *ret_count)
{
	if (kind < MM_EV_TIER || kind - MM_EV_TIER >= sizeof kinds / sizeof *kinds)
		return NULL;
	*ret_count = kinds[kind - MM_EV_TIER].count;
	return kinds[kind - MM_EV_TIER].fields;
}

uint64_t mm_notice_number(const struct mm_notice *n, const struct mm_notice_field *f)
{
	uint64_t v;

	memcpy(&v, (const char *)n + f->offset, sizeof v);
	return v;
}

struct mm_span mm_notice_text(const struct mm_notice *n, const struct mm_notice_field *f)
{
	struct mm_span s;

	memcpy(&s, (const char *)n + f->offset, sizeof s);
	return s;
}

struct mm_notice mm_notice_unknown(void)
{
	struct mm_notice n = { .category = { "", 0 } };
	size_t count;

	for (unsigned kind = MM_EV_TIER; mm_notice_fields(kind, &count); kind++) {
		const struct mm_notice_field *f = mm_notice_fields(kind, &count);
		for (size_t i = 0; i < count; i++)
			if (f[i].is_text)
				memcpy((char *)&n + f[i].offset, &n.category, sizeof n.category);
			else
				memset((char *)&n + f[i].offset, 0xff, sizeof(uint64_t));
	}
	return n;
}

static void put_span(struct mm_span s, struct mm_buf *out)
{
	uint32_t len = s.len < MM_TEXT_MAX ? s.len : MM_TEXT_MAX;

	mm_buf_varint(out, len);
	mm_buf_put(out, s.text, len);
}

void mm_notice_encode(unsigned kind, const struct mm_notice *n, struct mm_buf *out)
{
	size_t count = 0;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++)
		if (f[i].is_text)
			put_span(mm_notice_text(n, &f[i]), out);
		else
			mm_buf_varint(out, mm_notice_number(n, &f[i]) + 1);
}

static struct mm_span take_span(struct mm_bytes *b)
{
	uint64_t len = mm_bytes_varint(b);
	const uint8_t *p = mm_bytes_take(b, len);

	if (p && len > MM_TEXT_MAX)
		mm_bytes_fail(b);
	return p && len <= MM_TEXT_MAX ? (struct mm_span){ (const char *)p, (uint32_t)len }
				       : (struct mm_span){ "", 0 };
}

void mm_notice_decode(unsigned kind, struct mm_bytes *b, struct mm_notice *ret)
{
	size_t count = 0;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	*ret = mm_notice_unknown();
	for (size_t i = 0; i < count && mm_bytes_left(b); i++) {
		if (f[i].is_text) {
			struct mm_span s = take_span(b);
			memcpy((char *)ret + f[i].offset, &s, sizeof s);
		} else {
			uint64_t v = mm_bytes_varint(b) - 1;
			memcpy((char *)ret + f[i].offset, &v, sizeof v);
		}
	}
}
