/* drive.c: births, deaths and halves of reallocs (drive.h). */
#include "replay/drive.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/pages.h"
#include "core/error.h"

void mm_drive_init(struct mm_drive *d, struct mm_heap *heap, uint32_t nodes)
{
	d->heap = heap;
	d->nodes = nodes;
	d->counts.fingerprint = UINT64_C(0xcbf29ce484222325);
}

void mm_drive_route(struct mm_drive *d, struct mm_routed *routed)
{
	d->routed = routed;
}

void mm_drive_of(struct mm_drive *d, struct mm_reader *reader, uint32_t process)
{
	d->reader = reader;
	d->process = process;
}

void mm_drive_keep_births(struct mm_drive *d)
{
	d->keep_births = 1;
}

void mm_drive_deinit(struct mm_drive *d)
{
	for (size_t i = 0; d->routed && i < d->thread_count; i++)
		mm_routed_end_thread(d->routed, (uint32_t)i);
	for (size_t i = 0; i < d->thread_count; i++)
		mm_heap_leave(d->heap, d->thread[i].context);
	free(d->thread);
	MM_PAGES_FREE(d->slot, d->slot_cap);
	MM_PAGES_FREE(d->birth, d->birth_cap);
	memset(d, 0, sizeof *d);
}

/* --- who and where ---------------------------------------------------------------------- */

static int grow_threads(struct mm_drive *d, uint32_t thread)
{
	size_t want = (size_t)thread + 1;

	if (MM_GROW(d->thread, d->thread_cap, want))
		return MM_ENOMEM;
	memset(d->thread + d->thread_count, 0, (want - d->thread_count) * sizeof *d->thread);
	d->thread_count = want;
	return MM_OK;
}

/* A number that the trace has no thread for says nothing, and must not cost memory. */
static int is_unknown(const struct mm_drive *d, uint32_t thread)
{
	return thread == MM_NO_THREAD ||
	       (thread >= d->thread_count && d->reader &&
		thread >= mm_reader_threads(d->reader, d->process));
}

/* Unknown threads are all the first one. */
static int thread_of(struct mm_drive *d, uint32_t thread, struct mm_drive_thread **ret)
{
	int err = MM_OK;

	thread = is_unknown(d, thread) ? 0 : thread;
	if (thread >= d->thread_count)
		err = grow_threads(d, thread);
	if (!err && d->routed)
		err = mm_routed_thread(d->routed, thread);
	if (!err && !d->thread[thread].context)
		err = mm_heap_context(d->heap, thread % d->nodes, &d->thread[thread].context);
	if (!err)
		*ret = &d->thread[thread];
	return err;
}

static int slot_room(struct mm_drive *d, uint32_t slot)
{
	if (d->keep_births && slot >= d->birth_cap &&
	    MM_PAGES_GROW(d->birth, d->birth_cap, (size_t)slot + 1))
		return MM_ENOMEM;
	if (slot >= d->slot_cap && MM_PAGES_GROW(d->slot, d->slot_cap, (size_t)slot + 1))
		return MM_ENOMEM;
	d->group_used[slot >> MM_DRIVE_GROUP_SHIFT] = 1;
	return MM_OK;
}

/* FNV-1a, a word at a time. */
static void print_finger(struct mm_drive *d, uint64_t addr)
{
	d->counts.fingerprint = (d->counts.fingerprint ^ addr) * UINT64_C(0x100000001b3);
}

/* --- births -------------------------------------------------------------------------------- */

static uint32_t number_of(const struct mm_drive *d, const struct mm_drive_thread *t)
{
	return (uint32_t)(t - d->thread);
}

/* What the slot has of it is from the engine. */
static inline void place(struct mm_drive *d, const struct mm_row *row, struct mm_drive_block *b)
{
	if (d->keep_births)
		d->birth[row->slot] = (struct mm_drive_birth){ row->site,
							       (uint32_t)d->counts.events };
	d->counts.live_bytes += row->size;
	d->counts.allocs++;
	d->counts.allocated_bytes += row->size;
	print_finger(d, b->where);
}

static void pack(struct mm_drive_block *ret, const struct mm_routed_block *b)
{
	ret->where = b->addr | (uint64_t)b->dest << MM_DRIVE_SHIFT;
	ret->extent = b->size | (uint64_t)b->route << MM_DRIVE_SHIFT;
}

static __attribute__((noinline)) int take_routed(struct mm_drive *d, struct mm_drive_thread *t,
						 const struct mm_row *row,
						 struct mm_drive_block *ret)
{
	struct mm_routed_block b;
	int err = mm_routed_alloc(d->routed, number_of(d, t), t->context, row, &b);

	if (!err)
		pack(ret, &b);
	return err;
}

static inline int take(struct mm_drive *d, struct mm_drive_thread *t, const struct mm_row *row,
		       struct mm_drive_block *ret)
{
	int err;

	if (__builtin_expect(d->routed != NULL, 0))
		return take_routed(d, t, row, ret);
	err = mm_heap_alloc(d->heap, t->context, row->size, mm_row_align(row), &ret->where);
	if (!err)
		ret->extent = row->size;
	return err;
}

static int retake(struct mm_drive *d, struct mm_drive_thread *t, const struct mm_row *row,
		  struct mm_drive_block *ret)
{
	struct mm_routed_block was, b;
	int err;

	if (!d->routed) {
		err = mm_heap_realloc(d->heap, t->context, t->held.where, row->size, mm_row_align(row),
				      &ret->where);
		if (!err)
			ret->extent = row->size;
		return err;
	}
	was = mm_drive_unpack(&t->held);
	err = mm_routed_realloc(d->routed, number_of(d, t), t->context, row, &was, &b);
	if (!err)
		pack(ret, &b);
	return err;
}

static __attribute__((noinline)) int release_routed(struct mm_drive *d, struct mm_drive_thread *t,
						    struct mm_drive_block *b)
{
	struct mm_routed_block was = mm_drive_unpack(b);

	d->counts.live_bytes -= was.size;
	b->where = 0;
	return mm_routed_free(d->routed, number_of(d, t), t->context, &was);
}

static inline int release(struct mm_drive *d, struct mm_drive_thread *t, struct mm_drive_block *b)
{
	uint64_t addr = b->where;

	if (__builtin_expect(d->routed != NULL, 0))
		return release_routed(d, t, b);
	d->counts.live_bytes -= b->extent;
	b->where = 0;
	return mm_heap_free(d->heap, t->context, addr);
}

/* The object that was there is still live: its death is not in the trace. */
static void vacate(struct mm_drive *d, struct mm_drive_thread *t, uint32_t slot)
{
	if (!d->slot[slot].where)
		return;
	d->counts.lost_objects++;
	release(d, t, &d->slot[slot]);
}

static int is_no_block(const struct mm_drive *d, const struct mm_row *row)
{
	return row->kind == MM_EV_NOTE_ALLOC &&
	       (!d->reader || !mm_reader_site_pool(d->reader, d->process, row->site));
}

static int be_born(struct mm_drive *d, struct mm_drive_thread *t, const struct mm_row *row)
{
	int err = slot_room(d, row->slot);

	if (err)
		return err;
	vacate(d, t, row->slot);
	if (is_no_block(d, row)) {
		d->counts.notes++;
		return MM_OK;
	}
	if (take(d, t, row, &d->slot[row->slot]))
		d->counts.failed++;
	else
		place(d, row, &d->slot[row->slot]);
	return MM_OK;
}

static int be_born_again(struct mm_drive *d, struct mm_drive_thread *t, const struct mm_row *row)
{
	struct mm_drive_block was = t->held, *b;
	int err = slot_room(d, row->slot);

	if (err)
		return err;
	d->counts.reallocs++;
	if (!was.where || row->ref != t->held_slot)
		return be_born(d, t, row);
	vacate(d, t, row->slot);
	b = &d->slot[row->slot];
	if (retake(d, t, row, b)) {
		d->counts.failed++;
		release(d, t, &t->held);
		return MM_OK;
	}
	d->counts.live_bytes -= was.extent & MM_DRIVE_LOW;
	t->held.where = 0;
	d->counts.moved += b->where != was.where;
	place(d, row, b);
	return MM_OK;
}

/* --- deaths ------------------------------------------------------------------------------------ */

/* A half whose other half never came. */
static void drop_held(struct mm_drive *d, struct mm_drive_thread *t)
{
	if (t->held.where)
		release(d, t, &t->held);
}

static void die(struct mm_drive *d, struct mm_drive_thread *t, const struct mm_row *row)
{
	if (!mm_drive_addr(d, row->slot)) {
		d->counts.unknown_frees += row->kind != MM_EV_NOTE_FREE;
		return;
	}
	d->counts.frees++;
	if (row->kind == MM_EV_REALLOC_OUT) {
		drop_held(d, t);
		t->held = d->slot[row->slot];
		t->held_slot = row->slot;
		if (d->keep_births)
			t->held_birth = d->birth[row->slot];
		d->slot[row->slot].where = 0;
	} else if (release(d, t, &d->slot[row->slot])) {
		d->counts.unknown_frees++;
	}
}

/* Every object ends: the program became another. */
static void discard(struct mm_drive *d, struct mm_drive_thread *t)
{
	for (size_t i = 0; i < d->thread_count; i++)
		if (d->thread[i].context)
			drop_held(d, &d->thread[i]);
	for (size_t i = mm_drive_slot_from(d, 0); i < d->slot_cap; i = mm_drive_slot_from(d, i + 1))
		if (d->slot[i].where)
			release(d, t, &d->slot[i]);
}

static void end_thread(struct mm_drive *d, struct mm_drive_thread *t)
{
	drop_held(d, t);
	if (d->routed)
		mm_routed_end_thread(d->routed, number_of(d, t));
	mm_heap_leave(d->heap, t->context);
	t->context = NULL;
}

int mm_drive_row(struct mm_drive *d, const struct mm_row *row)
{
	struct mm_drive_thread *t;
	int err = thread_of(d, row->thread, &t);

	if (err)
		return err;
	d->counts.events++;
	if (__builtin_expect(d->routed != NULL, 0)) {
		d->routed->time_ns = row->tick * d->routed->tick_ns;
		d->routed->event = d->counts.events;
		d->routed->touched |= 1; /* where contexts come and go */
	}
	if (row->kind == MM_EV_REALLOC_IN)
		return be_born_again(d, t, row);
	if (mm_event_is_birth(row->kind))
		return be_born(d, t, row);
	if (mm_event_is_death(row->kind))
		die(d, t, row);
	else if (row->kind == MM_EV_DISCARD)
		discard(d, t);
	else if (row->kind == MM_EV_THREAD_END)
		end_thread(d, t);
	return MM_OK;
}

void mm_drive_soon_slot(const struct mm_drive *d, const struct mm_row *row)
{
	if (row->slot < d->slot_cap)
		__builtin_prefetch(&d->slot[row->slot], 1);
}

void mm_drive_soon_block(const struct mm_drive *d, const struct mm_row *row)
{
	if (!mm_event_is_death(row->kind) || row->slot >= d->slot_cap ||
	    !d->slot[row->slot].where)
		return;
	if (__builtin_expect(d->routed != NULL, 0)) {
		struct mm_routed_block b = mm_drive_unpack(&d->slot[row->slot]);
		mm_dest_soon(&d->routed->dest[b.dest], b.addr);
	} else {
		mm_heap_soon(d->heap, d->slot[row->slot].where);
	}
}

/* --- what was there before ------------------------------------------------------------------------ */

struct seed { struct mm_object object; uint32_t slot; };

static int by_birth(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;

	if (x->object.time != y->object.time)
		return x->object.time < y->object.time ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int plant(struct mm_drive *d, const struct seed *s)
{
	struct mm_row row;

	mm_row_begin(&row, s->object.kind == MM_EV_NOTE_ALLOC ? MM_EV_NOTE_ALLOC : MM_EV_MALLOC, 0,
		     s->object.thread, s->object.site);
	row.slot = s->slot;
	row.size = s->object.size == MM_UNKNOWN ? 0 : s->object.size;
	row.align_log2 = s->object.align_log2;
	return mm_drive_row(d, &row);
}

int mm_drive_seed(struct mm_drive *d, const struct mm_objects *objects)
{
	struct mm_drive_counts before = d->counts;
	struct seed *seeds = NULL, s;
	size_t count = 0, cap = 0, at = 0;
	int err = MM_OK;

	while (!err && mm_objects_next(objects, &at, &s.slot, &s.object))
		if (!(err = MM_GROW(seeds, cap, count + 1)))
			seeds[count++] = s;
	if (count)
		qsort(seeds, count, sizeof *seeds, by_birth);
	for (size_t i = 0; !err && i < count; i++)
		err = plant(d, &seeds[i]);
	before.seeded = count;
	before.live_bytes = d->counts.live_bytes;
	before.failed = d->counts.failed;
	d->counts = before;
	free(seeds);
	return err;
}
