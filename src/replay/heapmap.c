/* heapmap.c: slabs counted, then listed; regions of ordered heaps in parts (heapmap.h). */
#include "replay/heapmap.h"

#include <stdlib.h>

#include "alloc/ordered.h"
#include "core/error.h"

enum { PART_BYTES = 64 << 10, PARTS = MM_ORDERED_REGION / PART_BYTES };

struct taking {
	struct mm_map_row *row; /* NULL: only counted */
	size_t count;
	uint32_t dest;
	int ordered;
};

static int is_ordered(const struct mm_dest *d)
{
	enum mm_strategy s = d->heap ? mm_heap_strategy(d->heap) : MM_STRATEGY_SIZE_CLASS;

	return s == MM_STRATEGY_FIRST_FIT || s == MM_STRATEGY_BEST_FIT;
}

static struct mm_map_row row_of(const struct taking *t, const struct mm_slab_view *v)
{
	return (struct mm_map_row){ .dest = t->dest,
		.kind = v->block_bytes ? MM_MAP_SLAB : MM_MAP_LARGE, .addr = v->addr,
		.bytes = v->bytes, .external_bytes = v->external, .block_bytes = v->block_bytes,
		.blocks = v->blocks, .free = v->free };
}

/* All of it taken; what is free is subtracted when free ranges are gone through. */
static struct mm_map_row part_of(const struct taking *t, const struct mm_slab_view *v, uint64_t from)
{
	uint64_t bytes = v->bytes > from ? v->bytes - from : 0;

	bytes = bytes < PART_BYTES ? bytes : PART_BYTES;
	return (struct mm_map_row){ .dest = t->dest, .kind = MM_MAP_PART, .addr = v->addr + from,
		.bytes = bytes, .block_bytes = MM_ORDERED_UNIT,
		.blocks = PART_BYTES / MM_ORDERED_UNIT,
		.free = (uint32_t)((PART_BYTES - bytes) / MM_ORDERED_UNIT) };
}

static void take_slab(void *arg, const struct mm_slab_view *v)
{
	struct taking *t = arg;

	if (!t->ordered || !v->block_bytes) {
		if (t->row)
			t->row[t->count] = row_of(t, v);
		t->count++;
		return;
	}
	for (int i = 0; i < PARTS; i++, t->count++)
		if (t->row)
			t->row[t->count] = part_of(t, v, (uint64_t)i * PART_BYTES);
}

static int by_place(const void *a, const void *b)
{
	const struct mm_map_row *x = a, *y = b;

	if (x->dest != y->dest)
		return x->dest < y->dest ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->block_bytes != y->block_bytes)
		return x->block_bytes < y->block_bytes ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The part that an address lies in; NULL = none. */
static struct mm_map_row *part_at(const struct taking *t, uint64_t addr)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct mm_map_row *r = &t->row[mid];
		if (r->kind == MM_MAP_PART && addr >= r->addr && addr < r->addr + PART_BYTES)
			return r;
		if (r->kind == MM_MAP_PART && r->addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void subtract(void *arg, uint64_t addr, uint64_t bytes)
{
	const struct taking *t = arg;

	for (uint64_t end = addr + bytes, next; addr < end; addr = next) {
		struct mm_map_row *r = part_at(t, addr);
		next = (addr / PART_BYTES + 1) * PART_BYTES;
		next = next < end ? next : end;
		if (!r)
			continue;
		r->free += (uint32_t)((next - addr) / MM_ORDERED_UNIT);
		r->external_bytes += next - addr;
	}
}

static void take_dest(struct taking *t, struct mm_dest *d, uint32_t number)
{
	struct taking own = { .row = t->row ? t->row + t->count : NULL, .dest = number,
			      .ordered = is_ordered(d) };

	mm_dest_slabs(d, take_slab, &own);
	t->count += own.count;
	if (!own.row)
		return;
	qsort(own.row, own.count, sizeof *own.row, by_place);
	if (own.ordered)
		mm_heap_each_free(d->heap, subtract, &own);
}

int mm_heapmap_take(struct mm_dest *dests, size_t count, struct mm_report_store *store,
		    struct mm_outcome *out)
{
	struct taking t = { 0 };

	for (size_t i = 0; i < count; i++)
		take_dest(&t, &dests[i], (uint32_t)i);
	out->map_taken = 1;
	if (!t.count)
		return MM_OK;
	if (!(t.row = mm_report_store_alloc(store, t.count, sizeof *t.row)))
		return MM_ENOMEM;
	t.count = 0;
	for (size_t i = 0; i < count; i++)
		take_dest(&t, &dests[i], (uint32_t)i);
	out->map = t.row;
	out->map_count = t.count;
	return MM_OK;
}
