/* handle.c: the table of handles, and who may touch a block when (handle.h). */
#include "alloc/handle.h"

#include <sched.h>
#include <sys/mman.h>

#include "alloc/handle_parts.h"
#include "alloc/heap_parts.h"
#include "alloc/depot_move.h"
#include "alloc/lock_order.h"
#include "core/arch.h"
#include "core/error.h"

enum { MOST = 1 << 22, SPINS = 128 };

/* State of a place: generation, then: */
#define LIVE (UINT64_C(1) << 31)
#define MOVING (UINT64_C(1) << 30)
#define PINS (MOVING - 1)

struct place {
	_Atomic uint64_t addr;  /* of the block; vacant: the next vacant place */
	_Atomic uint64_t state;
	_Atomic uint32_t epoch;
	_Atomic uint8_t priority;
};

_Static_assert(sizeof(struct place) == 24, "a handle costs 24 bytes");

struct mm_handles {
	struct mm_lock lock;
	struct mm_heap *heap;
	struct place *place;    /* number 0 is never given out */
	uint32_t most, used;    /* places ever given out are below used */
	uint32_t vacant;
	uint32_t first_generation;
	uint64_t table_bytes, live, retired;
	_Atomic uint32_t epoch;
};

/* --- the table ---------------------------------------------------------------------- */

int mm_handles_open(struct mm_handles **ret, struct mm_heap *h,
		    const struct mm_handles_options *o)
{
	struct mm_handles *t = mm_meta_borrow(&h->meta, sizeof *t);
	uint32_t most = o->most ? o->most : MOST, records = most + 1;

	if (!t)
		return MM_ENOMEM;
	*t = (struct mm_handles){ .heap = h, .used = 1,
		.first_generation = o->first_generation ? o->first_generation : 1 };
	mm_lock_is(&t->lock, MM_RANK_HANDLES);
	if (most < UINT32_MAX)
		t->place = mm_meta_reserve_for(&h->meta, sizeof *t->place, &records);
	t->most = records - 1;
	if (!t->place) {
		mm_meta_return(&h->meta, t, sizeof *t);
		return most < UINT32_MAX ? MM_ENOMEM : MM_EINVAL;
	}
	*ret = t;
	return MM_OK;
}

/* The pages go; the addresses stay taken as long as the heap is there. */
void mm_handles_close(struct mm_handles *t)
{
	if (!t)
		return;
	struct mm_meta *meta = &t->heap->meta;
	uint64_t page = MM_META_PAGE, from = ((uintptr_t)t->place + page - 1) & ~(page - 1);
	if (t->table_bytes > page)
		madvise((void *)(uintptr_t)from, t->table_bytes - page, MADV_DONTNEED);
	mm_meta_commit(meta, 0 - t->table_bytes);
	mm_meta_return(meta, t, sizeof *t);
}

static struct place *fresh_place(struct mm_handles *t, uint32_t *ret_index)
{
	uint64_t bytes = ((uint64_t)t->used + 1) * sizeof *t->place, page = MM_META_PAGE;

	if (t->used > t->most)
		return NULL;
	bytes = (bytes + page - 1) & ~(page - 1);
	if (bytes > t->table_bytes) {
		if (mm_meta_open(t->place, bytes))
			return NULL;
		mm_meta_commit(&t->heap->meta, bytes - t->table_bytes);
		t->table_bytes = bytes;
	}
	*ret_index = t->used++;
	atomic_store_explicit(&t->place[*ret_index].state, (uint64_t)t->first_generation << 32,
			      memory_order_relaxed);
	return &t->place[*ret_index];
}

static struct place *take_place(struct mm_handles *t, uint32_t *ret_index)
{
	struct place *p;

	mm_lock_take(&t->lock);
	if ((*ret_index = t->vacant) != 0) {
		p = &t->place[t->vacant];
		t->vacant = (uint32_t)atomic_load_explicit(&p->addr, memory_order_relaxed);
	} else {
		p = fresh_place(t, ret_index);
	}
	t->live += p != NULL;
	mm_lock_give(&t->lock);
	return p;
}

/* A state of 0, no generation left, is that of a retired place. */
static void give_place(struct mm_handles *t, struct place *p)
{
	mm_lock_take(&t->lock);
	t->live--;
	if (atomic_load_explicit(&p->state, memory_order_relaxed)) {
		atomic_store_explicit(&p->addr, t->vacant, memory_order_relaxed);
		t->vacant = (uint32_t)(p - t->place);
	} else {
		t->retired++;
	}
	mm_lock_give(&t->lock);
}

static struct place *place_named(struct mm_handles *t, struct mm_handle n)
{
	return n.index && n.index <= t->most ? &t->place[n.index] : NULL;
}

static int is_of(uint64_t state, struct mm_handle n)
{
	return state >> 32 == n.generation && (state & LIVE);
}

/* The state of a block that is not being moved. MM_ENOENT. */
static int settled(struct place *p, struct mm_handle n, uint64_t *ret_state)
{
	for (unsigned i = 1;; i++) {
		uint64_t state = p ? atomic_load_explicit(&p->state, memory_order_acquire) : 0;
		if (!is_of(state, n))
			return MM_ENOENT;
		if (!(state & MOVING)) {
			*ret_state = state;
			return MM_OK;
		}
		if (i % SPINS)
			mm_arch_pause();
		else
			sched_yield();
	}
}

/* --- blocks ------------------------------------------------------------------------- */

static struct mm_depot *pool_of(const struct mm_handles *t, uint64_t addr)
{
	const struct mm_heap *h = t->heap;
	const struct mm_slab *s = mm_slab_at(&h->slabs, mm_vspace_owner(&h->vspace, addr));

	return s->pool ? &t->heap->pool[s->pool - 1] : NULL;
}

int mm_handle_create(struct mm_handles *t, struct mm_context *c, uint64_t size, uint64_t align,
		     uint8_t priority, struct mm_handle *ret)
{
	uint64_t addr, state;
	uint32_t index;
	struct place *p;
	int err = mm_heap_alloc(t->heap, c, size, align, &addr);

	if (err)
		return err;
	if (!(p = take_place(t, &index))) {
		mm_heap_free(t->heap, c, addr);
		return MM_ELIMIT;
	}
	if (pool_of(t, addr) && (err = mm_depot_own(pool_of(t, addr), addr, index))) {
		give_place(t, p);
		mm_heap_free(t->heap, c, addr);
		return err;
	}
	state = atomic_load_explicit(&p->state, memory_order_relaxed);
	atomic_store_explicit(&p->addr, addr, memory_order_relaxed);
	atomic_store_explicit(&p->priority, priority, memory_order_relaxed);
	atomic_store_explicit(&p->epoch, atomic_load_explicit(&t->epoch, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&p->state, state | LIVE, memory_order_release);
	*ret = (struct mm_handle){ index, (uint32_t)(state >> 32) };
	return MM_OK;
}

int mm_handle_free(struct mm_handles *t, struct mm_context *c, struct mm_handle n)
{
	struct place *p = place_named(t, n);
	uint64_t state, addr;
	int err;

	do {
		if ((err = settled(p, n, &state)))
			return err;
		if (state & PINS)
			return MM_EPERM;
	} while (!atomic_compare_exchange_weak_explicit(&p->state, &state,
			((state >> 32) + 1) << 32, memory_order_acquire, memory_order_relaxed));
	addr = atomic_load_explicit(&p->addr, memory_order_relaxed);
	if (pool_of(t, addr))
		mm_depot_disown(pool_of(t, addr), addr);
	give_place(t, p);
	return mm_heap_free(t->heap, c, addr);
}

static int pin(struct place *p, struct mm_handle n)
{
	uint64_t state;
	int err;

	do {
		if ((err = settled(p, n, &state)))
			return err;
		if ((state & PINS) == PINS)
			return MM_ELIMIT;
	} while (!atomic_compare_exchange_weak_explicit(&p->state, &state, state + 1,
			memory_order_acquire, memory_order_relaxed));
	return MM_OK;
}

int mm_handle_lock(struct mm_handles *t, struct mm_handle n, uint64_t *ret_addr)
{
	struct place *p = place_named(t, n);
	int err = pin(p, n);

	if (err)
		return err;
	atomic_store_explicit(&p->epoch, atomic_load_explicit(&t->epoch, memory_order_relaxed),
			      memory_order_relaxed);
	*ret_addr = atomic_load_explicit(&p->addr, memory_order_relaxed);
	return MM_OK;
}

static int unpin(struct place *p, struct mm_handle n)
{
	uint64_t state;
	int err;

	do {
		if ((err = settled(p, n, &state)))
			return err;
		if (!(state & PINS))
			return MM_EINVAL;
	} while (!atomic_compare_exchange_weak_explicit(&p->state, &state, state - 1,
			memory_order_release, memory_order_relaxed));
	return MM_OK;
}

int mm_handle_unlock(struct mm_handles *t, struct mm_handle n)
{
	return unpin(place_named(t, n), n);
}

/* --- moving ------------------------------------------------------------------------- */

struct mm_heap *mm_handles_heap(const struct mm_handles *t)
{
	return t->heap;
}

int mm_handle_may_move(const struct mm_handles *t, uint32_t index, uint8_t floor)
{
	const struct place *p = &t->place[index];
	uint64_t state = atomic_load_explicit(&p->state, memory_order_relaxed);

	return (state & (LIVE | MOVING | PINS)) == LIVE &&
	       atomic_load_explicit(&p->priority, memory_order_relaxed) >= floor;
}

int mm_handle_move_begin(struct mm_handles *t, uint32_t index, uint64_t addr, uint8_t floor)
{
	struct place *p = &t->place[index];
	uint64_t state = atomic_load_explicit(&p->state, memory_order_relaxed);

	if (!mm_handle_may_move(t, index, floor) || !(state & LIVE) || state & (MOVING | PINS) ||
	    !atomic_compare_exchange_strong_explicit(&p->state, &state, state | MOVING,
			memory_order_acquire, memory_order_relaxed))
		return MM_EAGAIN;
	if (atomic_load_explicit(&p->addr, memory_order_relaxed) == addr)
		return MM_OK;
	atomic_fetch_and_explicit(&p->state, ~MOVING, memory_order_release);
	return MM_ENOENT;
}

void mm_handle_move_end(struct mm_handles *t, uint32_t index, uint64_t addr)
{
	atomic_store_explicit(&t->place[index].addr, addr, memory_order_relaxed);
	atomic_fetch_and_explicit(&t->place[index].state, ~MOVING, memory_order_release);
}

/* --- looking ------------------------------------------------------------------------ */

void mm_handles_epoch(struct mm_handles *t, uint32_t epoch)
{
	atomic_store_explicit(&t->epoch, epoch, memory_order_relaxed);
}

int mm_handle_info(struct mm_handles *t, struct mm_handle n, struct mm_handle_info *ret)
{
	struct place *p = place_named(t, n);
	struct mm_handle_info info;
	uint64_t addr;
	int err = pin(p, n);

	if (err)
		return err;
	addr = atomic_load_explicit(&p->addr, memory_order_relaxed);
	info.pins = (uint32_t)(atomic_load_explicit(&p->state, memory_order_relaxed) & PINS) - 1;
	info.epoch = atomic_load_explicit(&p->epoch, memory_order_relaxed);
	info.priority = atomic_load_explicit(&p->priority, memory_order_relaxed);
	err = mm_heap_granted(t->heap, addr, &info.granted);
	unpin(p, n);
	if (!err)
		*ret = info;
	return err;
}

int mm_handle_priority(struct mm_handles *t, struct mm_handle n, uint8_t priority)
{
	struct place *p = place_named(t, n);
	uint64_t state;
	int err = settled(p, n, &state);

	if (!err)
		atomic_store_explicit(&p->priority, priority, memory_order_relaxed);
	return err;
}

void mm_handles_sums(struct mm_handles *t, struct mm_handles_sums *ret)
{
	mm_lock_take(&t->lock);
	*ret = (struct mm_handles_sums){ t->live, t->retired, t->table_bytes };
	mm_lock_give(&t->lock);
}

/* Each live place's block names it as its mover. */
static int check_block(const struct mm_handles *t, uint32_t index)
{
	uint64_t addr = atomic_load(&t->place[index].addr);
	const struct mm_depot *p = pool_of(t, addr);
	const struct mm_slab *s;

	if (!p)
		return 0;
	s = mm_slab_at(&t->heap->slabs, mm_vspace_owner(&t->heap->vspace, addr));
	return !s->mover || s->mover[mm_depot_block_of(p, s, addr)] != index;
}

int mm_handles_check(struct mm_handles *t)
{
	uint64_t live = 0, retired = 0, vacant = 0;

	for (uint32_t i = 1; i < t->used; i++) {
		uint64_t state = atomic_load(&t->place[i].state);
		live += (state & LIVE) != 0;
		retired += state == 0;
		if (state & MOVING)
			return 1;
		if ((state & LIVE) && check_block(t, i))
			return 2;
	}
	for (uint32_t i = t->vacant; i; i = (uint32_t)atomic_load(&t->place[i].addr))
		if (vacant++ > t->used)
			return 3;
	return live != t->live || retired != t->retired || live + retired + vacant + 1 != t->used
		? 4 : 0;
}
