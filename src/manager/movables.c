/* movables.c: blocks behind handles: charged, noted, and put together in slices of time
 * (mm_move.h). Their heap is their own, so that no pointer that was seen while a block was
 * pinned is taken for a block of the general heap.
 */
#include <string.h>
#include <time.h>

#include "alloc/heap_notes.h"
#include "core/error.h"
#include "manager/damage.h"
#include "manager/general.h"
#include "manager/numa.h"

enum { NOTE_BYTES = 8 };

/* handle.h: the greater, the more it matters where the block lies. */
static const uint8_t rank[MM_PRIORITIES] = {
	[MM_PRIORITY_CACHEABLE] = 0, [MM_PRIORITY_LOW] = 1, [MM_PRIORITY_NORMAL] = 2,
	[MM_PRIORITY_HIGH] = 3, [MM_PRIORITY_CRITICAL] = 4,
};
static const enum mm_priority ranked[MM_PRIORITIES] = {
	MM_PRIORITY_CACHEABLE, MM_PRIORITY_LOW, MM_PRIORITY_NORMAL, MM_PRIORITY_HIGH,
	MM_PRIORITY_CRITICAL,
};

/* --- the heap ------------------------------------------------------------------------------ */

static int open_parts(struct mm_movables *v, struct mm_heap *h)
{
	static const struct mm_handles_options handles = { .most = MM_MOVABLES };
	int err;

	if ((err = mm_heap_context(h, 0, &v->context)) ||
	    (err = mm_heap_context(h, 0, &v->mover)) ||
	    (err = mm_handles_open(&v->handles, h, &handles)) ||
	    (err = mm_defrag_open(&v->defrag, v->handles)))
		return err;
	return mm_defrag_register(v->defrag, 0);
}

static void open_movables(struct mm_manager *m)
{
	struct mm_heap_options o = { .track = 1, .note_bytes = NOTE_BYTES,
				     .retain_bytes = MM_HEAP_DEFAULT,
				     .check = (enum mm_check)m->options.checking,
				     .misuse = mm_damage_found, .misuse_arg = m };
	struct mm_heap *h;

	if (mm_heap_open(&h, &o))
		return;
	if (open_parts(&m->movables, h)) {
		mm_heap_close(h); /* with its metadata, which the parts lie in */
		return;
	}
	mm_numa_settle(m, h);
	mm_told_movables(m, h);
	atomic_store_explicit(&m->movables.heap, h, memory_order_release);
}

/* NULL without memory. */
static struct mm_movables *movables_made(struct mm_manager *m)
{
	if (!(m = mm_general_of(m)))
		return NULL;
	if (!atomic_load_explicit(&m->movables.heap, memory_order_acquire)) {
		mm_lock_take(&m->lock);
		if (!atomic_load_explicit(&m->movables.heap, memory_order_relaxed))
			open_movables(m);
		mm_lock_give(&m->lock);
	}
	return atomic_load_explicit(&m->movables.heap, memory_order_acquire) ? &m->movables : NULL;
}

/* NULL before the first block. */
static struct mm_movables *movables_of(struct mm_manager *m)
{
	m = mm_general_of(m);
	return m && atomic_load_explicit(&m->movables.heap, memory_order_acquire) ? &m->movables
										 : NULL;
}

void mm_movables_close(struct mm_manager *m)
{
	if (!atomic_load(&m->movables.heap))
		return;
	mm_told_movables_end(m);
	mm_heap_close(m->movables.heap);
}

/* --- blocks -------------------------------------------------------------------------------- */

static struct mm_handle handle_of(struct mm_movable n)
{
	return (struct mm_handle){ n.index, n.generation };
}

/* The note of the block, which is pinned until release_note: it stays where it is. */
static int pin_note(struct mm_movables *v, struct mm_handle n, struct mm_heap_block *ret)
{
	uint64_t addr;
	int err = mm_handle_lock(v->handles, n, &addr);

	if (err)
		return err;
	if ((err = mm_heap_block_at(v->heap, addr, ret)))
		mm_handle_unlock(v->handles, n);
	return err;
}

static void release_note(struct mm_movables *v, struct mm_handle n,
			 const struct mm_heap_block *b, uint64_t note)
{
	__atomic_store_n((uint64_t *)b->note, note, __ATOMIC_RELEASE);
	mm_handle_unlock(v->handles, n);
}

/* In the thread's turn. */
static int place_movable(struct mm_manager *m, size_t size, const struct mm_what *what,
			 uint32_t number, struct mm_movable *ret)
{
	struct mm_movables *v = &m->movables;
	struct mm_heap_block b;
	struct mm_handle n;
	int err = mm_handle_create(v->handles, v->context, size, what->align,
				   rank[what->priority], &n);

	if (err)
		return err == MM_ENOSPC ? MM_ENOMEM : err;
	if (pin_note(v, n, &b)) {
		mm_handle_free(v->handles, v->context, n);
		return MM_ENOMEM;
	}
	if (__builtin_expect(v->told != 0, 0))
		mm_told_movable(m, b.addr, size, mm_whats_said(number)->category);
	release_note(v, n, &b, mm_general_note(m, number));
	*ret = (struct mm_movable){ n.index, n.generation };
	return MM_OK;
}

static int create(struct mm_manager *m, size_t size, const struct mm_what *what,
		  struct mm_said *said, struct mm_movable *ret)
{
	uint32_t number = mm_whats_number(&mm_rider_mine()->quick, said);
	int err;

	if (!number)
		return MM_ENOMEM;
	mm_general_ready(m);
	if ((err = mm_budget_charge(&m->budget, said->category, size, 1, what->priority)))
		return err;
	mm_lock_take(&m->movables.turn);
	err = place_movable(m, size, what, number, ret);
	mm_lock_give(&m->movables.turn);
	if (err)
		mm_budget_uncharge(&m->budget, said->category, size, 1);
	return err;
}

static int create_said(struct mm_manager *m, size_t size, const struct mm_what *what,
		       uintptr_t site, struct mm_movable *ret)
{
	struct mm_said said = { what->name, what->file, site, what->line, 0,
				(uint8_t)what->priority, what->tag, (uintptr_t)what->object };
	char name[MM_WHATS_NAME];

	if ((unsigned)what->priority >= MM_PRIORITIES || size > PTRDIFF_MAX ||
	    (what->align & (what->align - 1)))
		return MM_EINVAL;
	if (what->priority == MM_PRIORITY_CACHEABLE)
		return MM_EUNSUP;
	if (!(m = mm_general_of(m)) || !mm_rider_mine() || !movables_made(m))
		return MM_ENOMEM;
	uint32_t category = what->category == MM_CATEGORY_CURRENT
		? mm_rider_category(mm_rider_mine()) : what->category;
	if (category >= m->budget.categories)
		return MM_EINVAL;
	said.category = (uint8_t)category;
	if (what->name && strlen(what->name) >= sizeof name) {
		memcpy(name, what->name, sizeof name - 1);
		name[sizeof name - 1] = 0;
		said.name = name;
	}
	return create(m, size, what, &said, ret);
}

int mm_movable_create_as(struct mm_manager *m, size_t size, const struct mm_what *what,
			 struct mm_movable *ret)
{
	return create_said(m, size, what, (uintptr_t)__builtin_return_address(0), ret);
}

int mm_movable_create(struct mm_manager *m, size_t size, struct mm_movable *ret)
{
	static const struct mm_what plain = MM_WHAT;

	return create_said(m, size, &plain, (uintptr_t)__builtin_return_address(0), ret);
}

/* Whoever frees it is in turn, so that only pins may come between. */
static int free_unless_pinned(struct mm_movables *v, struct mm_handle n, uint64_t note)
{
	struct mm_rider *r = mm_rider_mine();
	int err;

	if (r)
		r->freed_note = note; /* damage.c */
	err = mm_handle_free(v->handles, v->context, n);
	if (r)
		r->freed_note = 0;
	return err;
}

/* In the thread's turn. The note goes first: then the memory is somebody else's. */
static int free_movable(struct mm_manager *m, struct mm_handle n, uint64_t *ret_size,
			uint64_t *ret_note)
{
	struct mm_movables *v = &m->movables;
	struct mm_handle_info i;
	struct mm_heap_block b;
	int err = mm_handle_info(v->handles, n, &i);

	if (!err && i.pins)
		err = MM_EPERM;
	if (err || (err = pin_note(v, n, &b)))
		return err;
	*ret_size = b.requested;
	*ret_note = __atomic_load_n((uint64_t *)b.note, __ATOMIC_RELAXED);
	if (__builtin_expect(v->told != 0, 0))
		mm_told_movable_end(m, b.addr);
	release_note(v, n, &b, 0);
	err = free_unless_pinned(v, n, *ret_note);
	if (err == MM_EPERM && pin_note(v, n, &b) == MM_OK) {
		if (__builtin_expect(v->told != 0, 0))
			mm_told_movable(m, b.addr, *ret_size,
					mm_general_said(m, *ret_note)->category);
		release_note(v, n, &b, *ret_note);
	}
	return err;
}

int mm_movable_free(struct mm_manager *m, struct mm_movable n)
{
	struct mm_movables *v = movables_of(m);
	uint64_t size = 0, note = 0;
	int err;

	if (!v)
		return MM_ENOENT;
	m = mm_general_of(m);
	mm_lock_take(&v->turn);
	err = free_movable(m, handle_of(n), &size, &note);
	mm_lock_give(&v->turn);
	if (!err || err == MM_ECORRUPT)
		mm_budget_uncharge(&m->budget, mm_general_said(m, note)->category, size, 1);
	return err;
}

int mm_movable_pin(struct mm_manager *m, struct mm_movable n, void **ret)
{
	struct mm_movables *v = movables_of(m);
	uint64_t addr;
	int err = v ? mm_handle_lock(v->handles, handle_of(n), &addr) : MM_ENOENT;

	if (!err)
		*ret = (void *)(uintptr_t)addr;
	return err;
}

int mm_movable_unpin(struct mm_manager *m, struct mm_movable n)
{
	struct mm_movables *v = movables_of(m);

	return v ? mm_handle_unlock(v->handles, handle_of(n)) : MM_ENOENT;
}

static int look_at(struct mm_movables *v, struct mm_handle n, struct mm_movable_info *ret)
{
	struct mm_handle_info i;
	struct mm_heap_block b;
	int err = mm_handle_info(v->handles, n, &i);

	if (err || (err = pin_note(v, n, &b)))
		return err;
	*ret = (struct mm_movable_info){ b.requested, i.pins, i.epoch, ranked[i.priority] };
	return mm_handle_unlock(v->handles, n);
}

/* In turn: it pins for a moment, and whoever frees would take that for the program's pin. */
int mm_movable_info(struct mm_manager *m, struct mm_movable n, struct mm_movable_info *ret)
{
	struct mm_movables *v = movables_of(m);
	int err;

	if (!v)
		return MM_ENOENT;
	mm_lock_take(&v->turn);
	err = look_at(v, handle_of(n), ret);
	mm_lock_give(&v->turn);
	return err;
}

int mm_movable_set_priority(struct mm_manager *m, struct mm_movable n, enum mm_priority priority)
{
	struct mm_movables *v = movables_of(m);

	if ((unsigned)priority >= MM_PRIORITIES)
		return MM_EINVAL;
	return v ? mm_handle_priority(v->handles, handle_of(n), rank[priority]) : MM_ENOENT;
}

int mm_movables_epoch(struct mm_manager *m, uint32_t epoch)
{
	struct mm_movables *v = movables_made(m);

	if (!v)
		return MM_ENOMEM;
	mm_handles_epoch(v->handles, epoch);
	return MM_OK;
}

/* --- passes --------------------------------------------------------------------------------- */

static uint64_t clock_ns(void *arg, const struct mm_defrag_work *w)
{
	struct timespec t;

	(void)arg;
	(void)w;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What the context has ready counts as in use: it goes back before, in time that counts. */
static void pass(struct mm_movables *v, uint64_t max_ns, uint8_t floor, uint64_t began)
{
	struct mm_defrag_slice s = { .floor = floor, .now = clock_ns };
	uint64_t spent;

	if (max_ns) {
		mm_lock_take(&v->turn);
		mm_cache_flush(v->context);
		mm_lock_give(&v->turn);
	}
	spent = clock_ns(NULL, NULL) - began;
	s.max_ns = max_ns > spent ? max_ns - spent : 0;
	mm_defrag_pass(v->defrag, v->mover, &s);
}

static struct mm_defragmented made_since(struct mm_movables *v,
					 const struct mm_defrag_counts *was, uint64_t began)
{
	struct mm_defrag_counts is;

	mm_defrag_counts(v->defrag, &is);
	return (struct mm_defragmented){ is.moved_blocks - was->moved_blocks,
		is.moved_bytes - was->moved_bytes, is.freed_bytes - was->freed_bytes,
		is.skipped_pinned - was->skipped_pinned, clock_ns(NULL, NULL) - began,
		mm_defrag_fragmentation(v->defrag) / 100.0 };
}

int mm_defragment(struct mm_manager *m, uint32_t max_ms, enum mm_priority lowest,
		  struct mm_defragmented *ret)
{
	uint64_t began = clock_ns(NULL, NULL);
	struct mm_movables *v = movables_made(m);
	struct mm_defrag_counts was;
	struct mm_defragmented made;
	int none = 0;

	if ((unsigned)lowest >= MM_PRIORITIES)
		return MM_EINVAL;
	if (!v)
		return MM_ENOMEM;
	if (!atomic_compare_exchange_strong(&v->passing, &none, 1))
		return MM_EAGAIN;
	mm_lock_take(&v->pass_lock);
	mm_defrag_counts(v->defrag, &was);
	pass(v, (uint64_t)max_ms * 1000000, rank[lowest], began);
	made = made_since(v, &was, began);
	mm_lock_give(&v->pass_lock);
	atomic_store(&v->passing, 0);
	if (ret)
		*ret = made;
	return MM_OK;
}

int mm_is_defragmenting(struct mm_manager *m)
{
	struct mm_movables *v = movables_of(m);

	return v && atomic_load(&v->passing);
}

int mm_defragment_enrol(struct mm_manager *m, size_t bytes, int is_in)
{
	struct mm_movables *v = movables_made(m);

	if (!v)
		return MM_ENOMEM;
	m = mm_general_of(m);
	if (mm_seal_check(m, "mm_defragment_enrol"))
		return MM_EPERM;
	int err = is_in ? mm_defrag_register(v->defrag, bytes)
			: mm_defrag_unregister(v->defrag, bytes);
	if (!err)
		mm_audit_add(m, &(struct mm_audit_record){ .kind = MM_AUDIT_POLICY,
							   .bytes = bytes,
							   .call = "mm_defragment_enrol" });
	return err;
}

double mm_fragmentation(struct mm_manager *m)
{
	struct mm_movables *v = movables_of(m);

	return v ? mm_defrag_fragmentation(v->defrag) / 100.0 : 0;
}

void mm_movables_stats(struct mm_manager *m, struct mm_movables_stats *ret)
{
	struct mm_movables *v = movables_of(m);
	struct mm_handles_sums sums;
	struct mm_defrag_counts c;
	struct mm_account a;

	memset(ret, 0, sizeof *ret);
	if (!v)
		return;
	mm_defrag_counts(v->defrag, &c);
	mm_lock_take(&v->turn);
	mm_handles_sums(v->handles, &sums); /* its lock is nobody's around a fork: the turn is */
	mm_heap_account(v->heap, &a);
	mm_lock_give(&v->turn);
	*ret = (struct mm_movables_stats){ sums.live, a.requested, a.committed, a.metadata,
		c.passes, c.moved_blocks, c.moved_bytes, c.freed_bytes, c.longest_ns };
}
