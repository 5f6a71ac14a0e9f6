/* fill_gpu.c: devices, their heaps, and what lies in these, of a report (work.h).
 *
 * What was told last before the range's end counts. However much a trace names, so much is
 * listed: DEVICES, HEAPS, KINDS and BLOCKS at most.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/ratios.h"
#include "core/error.h"
#include "model/work.h"

enum { DEVICES = 64, HEAPS = 256, KINDS = 4096, BLOCKS = 65536, NO_PLACE = UINT32_MAX };

struct copied { uint64_t before, at_window; }; /* counters: when the range, the window began */
struct heap_extra { struct copied up, down; };

struct gpu_fill {
	struct mm_work *w;
	uint64_t window_from, end;
	struct mm_report_gpu_device *devices;
	struct mm_report_gpu_heap *heaps;
	struct heap_extra *extras;   /* by heap */
	struct mm_report_gpu_kind *kinds;
	struct mm_report_gpu_block *blocks;
	struct mm_map by_block;      /* heap and number: place + 1 */
	size_t device_count, device_cap, heap_count, heap_cap, extra_cap, kind_count, kind_cap,
		block_count, block_cap;
	int failed;
};

/* --- finding rows: made when there is none; NO_PLACE where there is no room --------------- */

static uint32_t find_device(struct gpu_fill *f, uint32_t process, uint64_t told)
{
	uint32_t number = mm_notice_place(told), i = 0;

	while (i < f->device_count &&
	       (f->devices[i].number != number || f->devices[i].process != process))
		i++;
	if (i < f->device_count)
		return i;
	if (i == DEVICES || number == UINT32_MAX)
		return NO_PLACE;
	if (MM_GROW(f->devices, f->device_cap, i + 1)) {
		f->failed = 1;
		return NO_PLACE;
	}
	f->devices[f->device_count++] = (struct mm_report_gpu_device){
		.process = process, .number = number, .name = "", .driver = "", .source = "" };
	return i;
}

static struct mm_report_gpu_heap blank_heap(uint32_t device, uint32_t number)
{
	return (struct mm_report_gpu_heap){ .device = device, .number = number, .flags = "",
		.told_at_ns = MM_UNKNOWN, .budget_bytes = MM_UNKNOWN, .usage_bytes = MM_UNKNOWN,
		.ours_bytes = MM_UNKNOWN, .block_count = MM_UNKNOWN, .alloc_count = MM_UNKNOWN,
		.unused_bytes = MM_UNKNOWN, .upload_bytes = MM_UNKNOWN,
		.download_bytes = MM_UNKNOWN, .movable_bytes = MM_UNKNOWN,
		.movable_block_count = MM_UNKNOWN };
}

static uint32_t find_heap(struct gpu_fill *f, const struct mm_note_state *s)
{
	uint32_t device = find_device(f, s->process, s->n.device);
	uint32_t number = mm_notice_place(s->n.heap), i = 0;

	while (i < f->heap_count &&
	       (f->heaps[i].number != number || f->heaps[i].device != device))
		i++;
	if (i < f->heap_count)
		return i;
	if (i == HEAPS || device == NO_PLACE || number == UINT32_MAX)
		return NO_PLACE;
	if (MM_GROW(f->heaps, f->heap_cap, i + 1) || MM_GROW(f->extras, f->extra_cap, i + 1)) {
		f->failed = 1;
		return NO_PLACE;
	}
	f->extras[i] = (struct heap_extra){ { MM_UNKNOWN, MM_UNKNOWN }, { MM_UNKNOWN, MM_UNKNOWN } };
	f->heaps[f->heap_count++] = blank_heap(device, number);
	return i;
}

static struct mm_report_gpu_kind *find_kind(struct gpu_fill *f, uint32_t heap,
					    const struct mm_notice *n)
{
	for (size_t i = 0; i < f->kind_count; i++)
		if (f->kinds[i].heap == heap && f->kinds[i].type == n->what.text &&
		    f->kinds[i].category == n->category.text)
			return &f->kinds[i];
	if (f->kind_count == KINDS)
		return NULL;
	if (MM_GROW(f->kinds, f->kind_cap, f->kind_count + 1)) {
		f->failed = 1;
		return NULL;
	}
	return &f->kinds[f->kind_count++];
}

static struct mm_report_gpu_block *find_block(struct gpu_fill *f, uint32_t heap, uint32_t number)
{
	uint64_t key = ((uint64_t)heap << 32 | number) + 1;
	struct mm_map_place *place = mm_map_find(&f->by_block, key);

	if (place)
		return &f->blocks[place->value - 1];
	if (f->block_count == BLOCKS)
		return NULL;
	if (MM_GROW(f->blocks, f->block_cap, f->block_count + 1) ||
	    mm_map_set(&f->by_block, key, (uint32_t)f->block_count + 1)) {
		f->failed = 1;
		return NULL;
	}
	return &f->blocks[f->block_count++];
}

/* --- what was told ------------------------------------------------------------------------- */

static void take_device(struct gpu_fill *f, const struct mm_note_state *s)
{
	uint32_t i = find_device(f, s->process, s->n.device);

	if (i == NO_PLACE)
		return;
	f->devices[i].name = s->n.name.text;
	f->devices[i].driver = s->n.driver.text;
	f->devices[i].source = s->n.source.text;
}

static void take_count(const struct gpu_fill *f, struct copied *c, uint64_t time, uint64_t count)
{
	mm_ratio_base(&c->before, f->w->from, time, count);
	mm_ratio_base(&c->at_window, f->window_from, time, count);
}

static void take_heap(struct gpu_fill *f, const struct mm_note_state *s)
{
	uint32_t i = find_heap(f, s);

	if (i == NO_PLACE)
		return;
	struct mm_report_gpu_heap *h = &f->heaps[i];
	*h = (struct mm_report_gpu_heap){ .device = h->device, .number = h->number,
		.flags = s->n.what.text, .told_at_ns = s->time,
		.budget_bytes = s->n.budget_bytes, .usage_bytes = s->n.bytes,
		.ours_bytes = s->n.ours_bytes, .block_count = s->n.blocks,
		.alloc_count = s->n.count, .unused_bytes = MM_UNKNOWN,
		.upload_bytes = s->n.up_bytes, .download_bytes = s->n.down_bytes,
		.movable_bytes = s->n.movable_bytes,
		.movable_block_count = s->n.movable_blocks };
	take_count(f, &f->extras[i].up, s->time, s->n.up_bytes);
	take_count(f, &f->extras[i].down, s->time, s->n.down_bytes);
}

static void take_kind(struct gpu_fill *f, const struct mm_note_state *s)
{
	uint32_t heap = find_heap(f, s);
	struct mm_report_gpu_kind *k = heap == NO_PLACE ? NULL : find_kind(f, heap, &s->n);

	if (k)
		*k = (struct mm_report_gpu_kind){ .heap = heap, .type = s->n.what.text,
			.category = s->n.category.text, .count = s->n.count, .bytes = s->n.bytes,
			.mean_bytes = mm_ratio_scaled(s->n.bytes, s->n.count, 1),
			.dedicated_count = s->n.dedicated, .mapped_count = s->n.mapped,
			.age_ns = s->n.age_ns };
}

/* Of what is free, the part outside the longest run. */
static uint64_t scattered(const struct mm_notice *n)
{
	uint64_t unused = n->capacity_bytes - n->bytes;

	if (n->capacity_bytes == MM_UNKNOWN || n->bytes == MM_UNKNOWN ||
	    n->largest_bytes == MM_UNKNOWN || n->bytes > n->capacity_bytes)
		return MM_UNKNOWN;
	return n->largest_bytes >= unused ? 0 : mm_ratio_ppm(unused - n->largest_bytes, unused);
}

static void take_block(struct gpu_fill *f, const struct mm_note_state *s)
{
	uint32_t heap = find_heap(f, s), number = mm_notice_place(s->n.block);
	struct mm_report_gpu_block *b;

	if (heap == NO_PLACE || number == UINT32_MAX || !(b = find_block(f, heap, number)))
		return;
	*b = (struct mm_report_gpu_block){ .heap = heap, .number = number,
		.size_bytes = s->n.capacity_bytes, .used_bytes = s->n.bytes,
		.used_ppm = mm_ratio_ppm(s->n.bytes, s->n.capacity_bytes),
		.largest_free_bytes = s->n.largest_bytes,
		.fragmentation_ppm = scattered(&s->n), .map = s->n.what.text };
}

static void take_states(struct gpu_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (size_t i = 0; i < n->state_count && n->states[i].time < f->w->to; i++)
		switch (n->states[i].kind) {
		case MM_EV_GPU_DEVICE: take_device(f, &n->states[i]); break;
		case MM_EV_GPU_HEAP: take_heap(f, &n->states[i]); break;
		case MM_EV_GPU_KIND: take_kind(f, &n->states[i]); break;
		case MM_EV_GPU_BLOCK: take_block(f, &n->states[i]); break;
		default: break;
		}
}

/* --- settling ---------------------------------------------------------------------------------- */

static void drop_gone(struct gpu_fill *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->kind_count; i++)
		if (f->kinds[i].bytes)
			f->kinds[kept++] = f->kinds[i];
	f->kind_count = kept;
	kept = 0;
	for (size_t i = 0; i < f->block_count; i++)
		if (f->blocks[i].size_bytes)
			f->blocks[kept++] = f->blocks[i];
	f->block_count = kept;
}

static void settle_heap(const struct gpu_fill *f, size_t i)
{
	struct mm_report_gpu_heap *h = &f->heaps[i];
	const struct heap_extra *x = &f->extras[i];
	uint64_t window = f->end - f->window_from;

	h->used_ppm = mm_ratio_ppm(h->usage_bytes, h->budget_bytes);
	h->others_bytes = mm_ratio_since(h->usage_bytes, h->ours_bytes);
	h->upload_bytes_per_s = mm_ratio_per_second(
		mm_ratio_since(h->upload_bytes, x->up.at_window), window);
	h->download_bytes_per_s = mm_ratio_per_second(
		mm_ratio_since(h->download_bytes, x->down.at_window), window);
	h->upload_bytes = mm_ratio_since(h->upload_bytes, x->up.before);
	h->download_bytes = mm_ratio_since(h->download_bytes, x->down.before);
}

static void settle(struct gpu_fill *f)
{
	drop_gone(f);
	for (size_t i = 0; i < f->block_count; i++)
		mm_ratio_add(&f->heaps[f->blocks[i].heap].unused_bytes,
			     mm_ratio_since(f->blocks[i].size_bytes, f->blocks[i].used_bytes));
	for (size_t i = 0; i < f->heap_count; i++)
		settle_heap(f, i);
}

/* --- order ----------------------------------------------------------------------------------- */

static int kind_order(const void *a, const void *b)
{
	const struct mm_report_gpu_kind *x = a, *y = b;

	if (x->heap != y->heap)
		return x->heap < y->heap ? -1 : 1;
	if (x->bytes != y->bytes) /* MM_UNKNOWN + 1 is 0: what is not known comes last */
		return x->bytes + 1 > y->bytes + 1 ? -1 : 1;
	int by_type = strcmp(x->type, y->type);
	return by_type ? by_type : strcmp(x->category, y->category);
}

static int block_order(const void *a, const void *b)
{
	const struct mm_report_gpu_block *x = a, *y = b;

	if (x->heap != y->heap)
		return x->heap < y->heap ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int device_order(const void *a, const void *b)
{
	const struct mm_report_gpu_device *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int heap_order(const void *a, const void *b)
{
	const struct mm_report_gpu_heap *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Devices and heaps get their places in order before anything refers to these. */
static void list_heaps(struct gpu_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (int heaps = 0; heaps <= 1; heaps++) {
		for (size_t i = 0; i < n->state_count && n->states[i].time < f->w->to; i++) {
			const struct mm_note_state *s = &n->states[i];
			if (s->kind < MM_EV_GPU_DEVICE || s->kind > MM_EV_GPU_BLOCK)
				continue;
			if (!heaps)
				find_device(f, s->process, s->n.device);
			else if (s->kind != MM_EV_GPU_DEVICE)
				find_heap(f, s);
		}
		if (!heaps && f->device_count)
			qsort(f->devices, f->device_count, sizeof *f->devices, device_order);
	}
	if (f->heap_count)
		qsort(f->heaps, f->heap_count, sizeof *f->heaps, heap_order);
}

static void store_all(struct gpu_fill *f, struct mm_report_gpu *g)
{
	struct mm_report_store *s = f->w->store;

	if (f->kind_count)
		qsort(f->kinds, f->kind_count, sizeof *f->kinds, kind_order);
	if (f->block_count)
		qsort(f->blocks, f->block_count, sizeof *f->blocks, block_order);
	g->devices = mm_report_store_copy(s, f->devices, f->device_count, sizeof *f->devices);
	g->heaps = mm_report_store_copy(s, f->heaps, f->heap_count, sizeof *f->heaps);
	g->kinds = mm_report_store_copy(s, f->kinds, f->kind_count, sizeof *f->kinds);
	g->blocks = mm_report_store_copy(s, f->blocks, f->block_count, sizeof *f->blocks);
	g->device_count = g->devices ? f->device_count : 0;
	g->heap_count = g->heaps ? f->heap_count : 0;
	g->kind_count = g->kinds ? f->kind_count : 0;
	g->block_count = g->blocks ? f->block_count : 0;
}

int mm_fill_gpu(struct mm_work *w)
{
	struct gpu_fill f = { .w = w, .window_from = mm_work_window(w),
			      .end = w->report->run.to_ns };

	list_heaps(&f);
	take_states(&f);
	if (!f.failed) {
		settle(&f);
		store_all(&f, &w->report->gpu);
	}
	free(f.devices);
	free(f.heaps);
	free(f.extras);
	free(f.kinds);
	free(f.blocks);
	mm_map_deinit(&f.by_block);
	return f.failed ? MM_ENOMEM : MM_OK;
}
