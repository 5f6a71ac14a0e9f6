/* ring.c: the slow half of ring.h: segments, waiting, dropping.
 *
 * Every function here runs with all signals blocked, so that the thread's own
 * handlers never see a move half done; only the wait for space lets them in.
 */
#include "capture/ring.h"

#include <stddef.h>
#include <string.h>

#include "capture/syscalls.h"
#include "capture/touch.h"

enum {
	WAIT_MS = 100,
	NESTED_WAITS = 20,
	FAR_AHEAD = 6, /* segments that the collector has not come for */
	PAD_WORDS = MM_RING_REALLOC_WORDS /* the longest fast record */
};

/* What a thread without a ring or a slot has instead. */
static struct mm_seg nowhere;
static struct mm_shm_thread nobody;

void mm_ring_forget(struct mm_hook *t)
{
	t->inside = MM_HOOK_NONE;
	t->next = t->end = t->limit = t->pad = NULL;
	t->seg = t->published = &nowhere;
	t->slot = &nobody;
}

static struct mm_shm_control *control(void)
{
	return mm_target.base;
}

void mm_ring_wake(void)
{
	struct mm_shm_control *c = control();

	atomic_fetch_add_explicit(&c->wake_seq, 1, memory_order_release);
	if (atomic_load_explicit(&c->sleeping, memory_order_acquire))
		mm_sys_wake(&c->wake_seq);
}

/* Makes a segment ready that was never used: numbers rise with those. A thread that has none
 * yet may never need more than a page of it. */
static void touch_new(struct mm_hook *t, uint32_t seg)
{
	static _Atomic uint32_t last;

	if (t->seg == &nowhere || seg <= atomic_load_explicit(&last, memory_order_relaxed))
		return;
	atomic_store_explicit(&last, seg, memory_order_relaxed);
	mm_touch(mm_shm_seg(mm_target.base, seg), MM_SEG_SIZE);
}

/* A segment for this thread's ring, counted; 0 = none to be had now. */
static uint32_t take_segment(struct mm_hook *t)
{
	struct mm_shm_control *c = control();
	uint32_t seg;

	if (atomic_load(&t->slot->ring_segs) >= MM_RING_SEGS_THREAD)
		return 0;
	if (atomic_fetch_add(&c->ring_segs, 1) >= MM_RING_SEGS_ALL ||
	    (seg = mm_shm_seg_take(mm_target.base)) == 0) {
		atomic_fetch_sub(&c->ring_segs, 1);
		return 0;
	}
	atomic_fetch_add(&t->slot->ring_segs, 1);
	touch_new(t, seg);
	struct mm_seg *s = mm_shm_seg(mm_target.base, seg);
	atomic_store_explicit(&s->head, 0, memory_order_relaxed);
	atomic_store_explicit(&s->next, 0, memory_order_relaxed);
	s->thread = t->slot_number;
	s->pending_next = 0;
	s->tail = 0;
	return seg;
}

static void write_into(struct mm_hook *t, struct mm_seg *seg)
{
	t->seg = seg;
	t->next = seg->data;
	t->limit = seg->data + MM_SEG_DATA / 8;
}

static bool start_afresh(struct mm_hook *t)
{
	uint32_t seg;

	t->seg = t->published = &nowhere; /* the old one is not ours to touch any more */
	t->pad = NULL;
	t->next = t->limit = t->end = NULL;
	seg = take_segment(t);
	if (seg == 0)
		return false;
	write_into(t, mm_shm_seg(mm_target.base, seg));
	t->published = t->seg;
	t->end = t->limit;
	atomic_store_explicit(&t->slot->first_seg, seg, memory_order_release);
	atomic_store_explicit(&t->slot->seg, seg, memory_order_release);
	return true;
}

/* Goes on in another segment. Nothing is published here: the collector must not
 * take a segment back while a hook of this thread may still write to it. */
static bool move_on(struct mm_hook *t)
{
	uint32_t seg = take_segment(t), old;

	if (seg == 0)
		return false;
	t->seg->tail = mm_ring_bytes(t->seg, t->next);
	t->seg->pending_next = seg;
	t->end = NULL;
	write_into(t, mm_shm_seg(mm_target.base, seg));
	old = atomic_load(&t->slot->seg);
	if (old != 0)
		atomic_compare_exchange_strong(&t->slot->seg, &old, seg);
	return true;
}

/* True when that gave the collector a segment that it may take back. */
static bool publish_all(struct mm_hook *t)
{
	bool moved = t->published != t->seg;

	while (t->published != t->seg) {
		struct mm_seg *s = t->published;
		uint32_t next = s->pending_next;
		atomic_store_explicit(&s->head, s->tail, memory_order_release);
		atomic_store_explicit(&s->next, next, memory_order_release);
		t->published = mm_shm_seg(mm_target.base, next);
	}
	atomic_store_explicit(&t->seg->head, mm_ring_bytes(t->seg, t->next),
			      memory_order_release);
	t->end = t->limit;
	if (moved)
		mm_ring_wake();
	return moved;
}

/* The outermost hook is past its last write by the fast path. */
static void settle(struct mm_hook *t)
{
	if (t->pad != NULL)
		t->pad[0] = MM_REC_HEAD(MM_REC_VOID, t->pad_words - 1);
	t->pad = NULL;
}

/* Many threads on few processors leave the collector its share of one, and stand still
 * when all rings are full. Who is far ahead does better to let it run. */
static void let_collector_run(const struct mm_hook *t)
{
	if (atomic_load(&t->slot->ring_segs) > FAR_AHEAD && !(mm_target.options & MM_OPT_DROP))
		mm_sys0(SYS_sched_yield);
}

static void leave(struct mm_hook *t)
{
	settle(t);
	bool moved = publish_all(t);
	t->inside = MM_HOOK_NONE;
	atomic_store_explicit(&t->slot->busy, 0, memory_order_release);
	if (moved)
		let_collector_run(t);
}

void mm_ring_leave(struct mm_hook *t)
{
	uint64_t mask;

	mm_sys_block(&mask);
	/* Not busy: a handler's hook was here since, published everything, and the
	 * segment may be somebody else's by now. */
	if (atomic_load_explicit(&t->slot->busy, memory_order_relaxed))
		leave(t);
	else
		t->inside = MM_HOOK_NONE;
	mm_sys_unblock(&mask);
}

void mm_ring_recover(struct mm_hook *t)
{
	uint64_t mask;

	mm_sys_block(&mask);
	if (t->inside == MM_HOOK_HOLDS || (atomic_load(&t->slot->busy) && atomic_load(&t->slot->seg)))
		leave(t);
	t->inside = MM_HOOK_NONE;
	atomic_store_explicit(&t->slot->busy, 0, memory_order_release);
	mm_sys_unblock(&mask);
}

/* Makes sure that the segment written to is this thread's own. */
static bool hold(struct mm_hook *t)
{
	if (t->inside == MM_HOOK_HOLDS && t->seg != &nowhere)
		return true;
	atomic_store_explicit(&t->slot->busy, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load(&t->slot->seg) == 0 && !start_afresh(t))
		return false;
	t->inside = MM_HOOK_HOLDS;
	return true;
}

/* In a nested hook. The interrupted one may be about to write where the ring ended
 * when it looked: that place becomes a pad, void whatever it holds, and the fast
 * path is closed until the interrupted hook has come by the slow one. */
static void step_aside(struct mm_hook *t)
{
	t->end = NULL;
	if (t->pad == NULL && t->next != NULL && t->next < t->limit) {
		size_t left = (size_t)(t->limit - t->next);
		t->pad = t->next;
		t->pad_words = left < PAD_WORDS ? (uint32_t)left : PAD_WORDS;
		t->next += t->pad_words;
	}
	if (t->pad != NULL)
		t->pad[0] = MM_REC_HEAD(MM_REC_VOID, t->pad_words - 1);
}

static bool has_room(struct mm_hook *t, bool nested, uint32_t n)
{
	if (!hold(t))
		return false;
	if (nested)
		step_aside(t);
	else
		settle(t);
	return t->next + n <= t->limit || move_on(t);
}

static void drop(struct mm_hook *t)
{
	atomic_fetch_add(&t->slot->dropped, 1);
}

/* The mapping is full and no ring has a segment to give back: waiting would be
 * for ever. */
static bool hopeless(void)
{
	struct mm_shm_control *c = control();

	if (atomic_load(&c->ring_segs) != 0 || !mm_shm_is_full(c))
		return false;
	atomic_fetch_or(&mm_shm_process(mm_target.base, mm_target.process)->flags,
			MM_PROCF_MAPFULL);
	return true;
}

/* In a nested hook what the interrupted one holds cannot be let go, so the collector
 * may be waiting for this thread while this thread waits for it: not for long, and
 * only if there is something published that it can give back. */
static bool may_wait_nested(const struct mm_hook *t, uint32_t waits)
{
	const struct mm_seg *s = t->published;
	uint32_t held = 1;

	for (; s != t->seg; s = mm_shm_seg(mm_target.base, s->pending_next))
		held++;
	return waits < NESTED_WAITS && atomic_load(&t->slot->ring_segs) > held;
}

/* Sleeps until there may be space; the thread's handlers run meanwhile and, unless
 * this is a nested hook, find no hook at work. False = recording has ended. */
static bool wait_for_space(struct mm_hook *t, bool nested, uint32_t seen,
			   const uint64_t *mask)
{
	struct mm_shm_control *c = control();
	uint32_t epoch = t->epoch;
	uint64_t all;

	if (!nested)
		leave(t);
	mm_ring_wake();
	atomic_fetch_add(&c->space_waiters, 1);
	mm_sys_unblock(mask);
	mm_sys_wait(&c->space_seq, seen, WAIT_MS);
	mm_sys_block(&all);
	atomic_fetch_sub(&c->space_waiters, 1);
	return t->epoch == epoch && epoch == atomic_load(&mm_hook_gate.word);
}

/* Room for n words at t->next, the hook being inside and the thread busy; false =
 * the record is given up. */
static bool make_room(struct mm_hook *t, bool nested, uint32_t n, const uint64_t *mask)
{
	struct mm_shm_control *c = control();

	for (uint32_t waits = 0;; waits++) {
		uint32_t seen = atomic_load(&c->space_seq);
		if (has_room(t, nested, n))
			return true;
		if (mm_shm_collector_gone(mm_target.base)) {
			mm_hook_stop();
			return false;
		}
		if ((mm_target.options & MM_OPT_DROP) || hopeless() ||
		    (nested && !may_wait_nested(t, waits))) {
			drop(t);
			return false;
		}
		if (!wait_for_space(t, nested, seen, mask))
			return false;
		if (!nested)
			t->inside = MM_HOOK_IN;
	}
}

/* Leaves in a child what was begun in the parent. One made by the system call alone has
 * not been adopted yet: *t still names the parent's ring. */
static void leave_orphan(struct mm_hook *t)
{
	if (t->epoch != atomic_load(&mm_hook_gate.word) &&
	    mm_target.pid != (uint32_t)mm_sys0(SYS_getpid))
		mm_ring_forget(t);
	else
		leave(t);
}

/* Signals blocked: is the hook at work in this process? A handler may also have taken it for
 * one that was left, where it had only just begun. */
static bool enter_slowly(struct mm_hook *t, uint64_t *mask)
{
	mm_sys_block(mask);
	if (t->inside == MM_HOOK_NONE || t->epoch != atomic_load(&mm_hook_gate.word)) {
		leave_orphan(t);
		return false;
	}
	return true;
}

static void commit(struct mm_hook *t, uint64_t *w, uint32_t n)
{
	w[1] = mm_hook_stamp();
	memcpy(t->next, w, n * sizeof *w);
	t->next += n;
	mm_arch_local_inc(&t->slot->events);
}

bool mm_ring_write(struct mm_hook *t, bool nested, uint64_t *w, uint32_t n)
{
	uint32_t epoch = t->epoch;
	uint64_t mask;
	bool here = enter_slowly(t, &mask);

	if (here) {
		if (make_room(t, nested, n, &mask))
			commit(t, w, n);
		if (!nested)
			leave(t);
		here = t->epoch == epoch;
	}
	mm_sys_unblock(&mask);
	return here;
}

bool mm_ring_put_slow(struct mm_hook *t, bool nested, uint32_t n, uint64_t w0, uint64_t w2,
		      uint64_t w3)
{
	uint64_t w[4] = { w0, 0, w2, w3 };

	return mm_ring_write(t, nested, w, n);
}

uint64_t *mm_ring_hole_slow(struct mm_hook *t, bool nested, bool *ret_again)
{
	const uint32_t n = MM_RING_REALLOC_WORDS;
	uint64_t mask, *w = NULL;

	*ret_again = !enter_slowly(t, &mask);
	if (!*ret_again) {
		w = make_room(t, nested, n, &mask) ? t->next : NULL;
		if (w != NULL) {
			w[0] = MM_REC_HEAD(MM_REC_VOID, n - 1);
			t->next = w + n;
		} else if (!nested) {
			leave(t);
		}
	}
	mm_sys_unblock(&mask);
	return w;
}
