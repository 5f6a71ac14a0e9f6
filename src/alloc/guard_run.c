/* guard_run.c: watched blocks, each in slices of its own before a guard page (guard_parts.h).
 *
 * A run is laid out from its guard page: the block ends before it (but for what its alignment
 * takes), whole pages hold it, and what is left over behind it in those pages, and next before
 * it, is padding, filled with poison. The guard page is the last one of a run of one slice, and
 * of others follows the pages, which begin where the run does: so slices in which something was
 * written are those that vspace takes for it. A run of one slice keeps
 * its guard page when it is used again, so a drawn block costs no system call once a few runs
 * are there. At the full level the pages of freed ones are shut, and cost two.
 */
#include <sys/mman.h>

#include "alloc/guard_parts.h"
#include "alloc/heap_parts.h"
#include "alloc/tell.h"
#include "core/error.h"

static uint64_t page_bytes(const struct mm_heap *h)
{
	return h->vspace.o.page_bytes;
}

static uint64_t guard_page(const struct mm_heap *h, const struct mm_slab *s)
{
	return s->addr + (s->slices == 1 ? MM_SLICE_BYTES - page_bytes(h) : s->bytes);
}

enum { BEFORE = 64 /* bytes of padding before a block, at most */, BUNCH = 64 /* runs */ };

static uint64_t watched_from(const struct mm_heap *h, const struct mm_slab *s)
{
	uint64_t first = guard_page(h, s) - s->bytes;

	return s->guarded - first < BEFORE ? first : s->guarded - BEFORE;
}

/* --- what nobody may have written --------------------------------------------------- */

static int tell_of(const struct mm_heap *h, const struct mm_slab *s, enum mm_misuse_kind kind,
		   uint64_t addr, struct mm_misuse *ret)
{
	*ret = (struct mm_misuse){ .kind = kind, .level = h->o.check, .addr = addr,
				   .block = s->guarded, .size = s->requested,
				   .offset = (int64_t)(addr - s->guarded),
				   .born = s->born, .died = s->died };
	return MM_ECORRUPT;
}

int mm_run_verify(struct mm_heap *h, const struct mm_slab *s, struct mm_misuse *ret)
{
	uint64_t end = guard_page(h, s), from = watched_from(h, s);
	uint64_t stop = s->guarded + s->requested, good;

	if (s->guard_state == MM_RUN_LIVE) {
		good = mm_content_poison_good(&h->content, from, s->guarded - from);
		if (good < s->guarded - from)
			return tell_of(h, s, MM_MISUSE_UNDERRUN, from + good, ret);
		good = mm_content_poison_good(&h->content, stop, end - stop);
		if (good < end - stop)
			return tell_of(h, s, MM_MISUSE_OVERRUN, stop + good, ret);
	} else if (s->guard_state != MM_RUN_MARKED && !s->shut) {
		good = mm_content_poison_good(&h->content, from, end - from);
		if (good < end - from)
			return tell_of(h, s, MM_MISUSE_USE_AFTER_FREE, from + good, ret);
	}
	return MM_OK;
}

static void mark_run(struct mm_heap *h, struct mm_slab *s)
{
	s->guard_state = MM_RUN_MARKED;
	atomic_fetch_add(&h->guard.marked, 1);
}

/* --- runs come and go --------------------------------------------------------------- */

static int protect(const struct mm_heap *h, uint64_t from, uint64_t to, int how)
{
	return h->o.simulated ? 0 : mprotect((void *)(uintptr_t)from, to - from, how);
}

static uint64_t first_page(const struct mm_heap *h, const struct mm_slab *s)
{
	return guard_page(h, s) - s->bytes;
}

/* Where the system cannot, poison has to do. */
static void shut(const struct mm_heap *h, struct mm_slab *s)
{
	if (h->o.check == MM_CHECK_FULL)
		s->shut = protect(h, first_page(h, s), guard_page(h, s), PROT_NONE) == 0;
}

/* 0, or it cannot be used any more. */
static int open_again(const struct mm_heap *h, struct mm_slab *s)
{
	if (s->shut && protect(h, first_page(h, s), guard_page(h, s), PROT_READ | PROT_WRITE))
		return -1;
	s->shut = 0;
	return 0;
}

static void drop_run(struct mm_heap *h, struct mm_slab *s)
{
	uint32_t slices = s->slices;
	uint64_t addr = s->addr, from = s->shut ? first_page(h, s) : guard_page(h, s);

	if (protect(h, from, guard_page(h, s) + page_bytes(h), PROT_READ | PROT_WRITE)) {
		/* It cannot serve as a slab: it stays. */
		mark_run(h, s);
		return;
	}
	h->guard.runs--;
	h->guard.cached -= s->bytes;
	void *notes = s->notes;
	mm_tell_slab_end(h->ground.told, s);
	mm_vspace_give(&h->vspace, addr, slices);
	mm_slabs_drop(&h->slabs, s);
	mm_slab_notes_end(&h->meta, notes, h->o.note_bytes);
}

static struct mm_slab *fresh_run(struct mm_heap *h, uint32_t slices, uint64_t bytes)
{
	struct mm_slab *s;

	if (mm_slabs_new(&h->slabs, &s))
		return NULL;
	s->slices = slices;
	s->bytes = bytes;
	if (mm_vspace_take(&h->vspace, slices, 1, bytes, s->number, &s->addr)) {
		mm_slabs_drop(&h->slabs, s);
		return NULL;
	}
	if (!bytes)
		mm_vspace_trim(&h->vspace, s->addr, slices);
	if (protect(h, guard_page(h, s), guard_page(h, s) + page_bytes(h), PROT_NONE)) {
		mm_vspace_give(&h->vspace, s->addr, slices);
		mm_slabs_drop(&h->slabs, s);
		return NULL;
	}
	h->guard.runs++;
	mm_tell_slab(h->ground.told, s);
	return s;
}

/* Side by side, so that runs do not scatter over what slabs and large blocks want in a row. No
 * page of them is in use. 0 = none was to be had. */
static uint32_t stock_up(struct mm_heap *h)
{
	uint32_t n = 0;

	while (n < BUNCH && h->guard.runs < h->guard.most) {
		struct mm_slab *s = fresh_run(h, 1, 0);
		if (!s)
			break;
		s->guarded = guard_page(h, s);
		s->guard_state = MM_RUN_IDLE;
		s->next = h->guard.idle;
		h->guard.idle = s->number;
		n++;
	}
	return n;
}

/* NULL: it was written meanwhile (MM_ECORRUPT), or the system does not open it. */
static struct mm_slab *idle_run(struct mm_heap *h, uint64_t bytes, int *ret_err,
				struct mm_misuse *ret)
{
	struct mm_slab *s = mm_slab_at(&h->slabs, h->guard.idle);

	h->guard.idle = s->next;
	s->next = 0;
	*ret_err = mm_run_verify(h, s, ret);
	if (*ret_err || open_again(h, s)) {
		mark_run(h, s);
		return NULL;
	}
	h->guard.cached -= s->bytes;
	mm_vspace_resize(&h->vspace, s->addr, 1, bytes);
	uint64_t before = s->bytes;
	s->bytes = bytes;
	mm_tell_slab_size(h->ground.told, s, before);
	return s;
}

/* The oldest leaves the quarantine. MM_ECORRUPT and what is to be told when it was written. */
static int evict(struct mm_heap *h, struct mm_misuse *ret)
{
	struct mm_guard *g = &h->guard;
	struct mm_slab *s = mm_slab_at(&h->slabs, g->oldest);
	int err = mm_run_verify(h, s, ret);

	g->oldest = s->next;
	if (!g->oldest)
		g->newest = 0;
	g->quarantined--;
	s->next = 0;
	if (err) {
		mark_run(h, s);
	} else if (s->slices > 1) {
		drop_run(h, s);
	} else {
		s->guard_state = MM_RUN_IDLE;
		s->next = g->idle;
		g->idle = s->number;
	}
	return err;
}

static void quarantine(struct mm_heap *h, struct mm_slab *s)
{
	struct mm_guard *g = &h->guard;

	shut(h, s);
	if (!s->shut)
		mm_content_poison(&h->content, watched_from(h, s),
				  guard_page(h, s) - watched_from(h, s));
	s->guard_state = MM_RUN_QUARANTINED;
	if (g->newest)
		mm_slab_at(&h->slabs, g->newest)->next = s->number;
	else
		g->oldest = s->number;
	g->newest = s->number;
	g->quarantined++;
}

/* --- blocks ------------------------------------------------------------------------- */

static uint64_t rounded(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static void settle_in(struct mm_heap *h, const struct mm_context *c, struct mm_slab *s,
		      uint64_t size, uint64_t room)
{
	s->born = c->site;
	s->died = 0;
	s->requested = size;
	s->guarded = guard_page(h, s) - room;
	s->guard_state = MM_RUN_LIVE;
	mm_content_poison(&h->content, watched_from(h, s), s->guarded - watched_from(h, s));
	mm_content_poison(&h->content, s->guarded + size, room - size);
	h->guard.live++;
	h->guard.watched++;
	h->guard.bytes += s->bytes;
	h->guard.requested += size;
}

/* Under the lock: a run, made or used again; NULL: ask again while *ret_more. */
static struct mm_slab *some_run(struct mm_heap *h, uint32_t slices, uint64_t bytes, int *ret_more,
				int *ret_err, struct mm_misuse *ret)
{
	struct mm_guard *g = &h->guard;
	struct mm_slab *s = NULL;

	*ret_more = 1;
	if (slices == 1 && (g->idle || stock_up(h)))
		return idle_run(h, bytes, ret_err, ret);
	if (slices > 1 && g->runs < g->most)
		s = fresh_run(h, slices, bytes);
	if (!s && g->quarantined)
		*ret_err = evict(h, ret);
	else
		*ret_more = 0;
	return s;
}

int mm_run_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		 uint64_t *ret_addr)
{
	uint64_t page = page_bytes(h), room, bytes;
	struct mm_guard *g = &h->guard;
	struct mm_slab *s = NULL;
	struct mm_misuse m;

	if (align > page || size > h->vspace.bytes / 2)
		return MM_EINVAL;
	room = rounded(size ? size : 1, align);
	bytes = rounded(room, page);
	for (int more = 1; !s && more;) {
		int err = MM_OK;
		mm_lock_take(&g->lock);
		s = some_run(h, (uint32_t)(rounded(bytes + page, MM_SLICE_BYTES) >> MM_SLICE_SHIFT),
			     bytes, &more, &err, &m);
		if (s)
			settle_in(h, c, s, size, room);
		g->beyond += !s && !more;
		mm_lock_give(&g->lock);
		if (err)
			mm_guard_tell(h, c, &m);
	}
	if (!s)
		return MM_ELIMIT;
	*ret_addr = s->guarded;
	return MM_OK;
}

static int wrong_free(const struct mm_heap *h, const struct mm_slab *s, uint64_t addr,
		      struct mm_misuse *ret)
{
	enum mm_misuse_kind kind = MM_MISUSE_INVALID_FREE;

	if (addr == s->guarded)
		kind = MM_MISUSE_DOUBLE_FREE;
	else if (s->guard_state == MM_RUN_LIVE && addr > s->guarded &&
		 addr < s->guarded + s->requested)
		kind = MM_MISUSE_INTERIOR_FREE;
	tell_of(h, s, kind, addr, ret);
	return MM_EINVAL;
}

static int retire(struct mm_heap *h, const struct mm_context *c, struct mm_slab *s, uint64_t addr,
		  struct mm_misuse *ret)
{
	struct mm_guard *g = &h->guard;
	int err;

	if (s->guard_state != MM_RUN_LIVE || addr != s->guarded)
		return wrong_free(h, s, addr, ret);
	err = mm_run_verify(h, s, ret);
	g->live--;
	g->bytes -= s->bytes;
	g->requested -= s->requested;
	g->cached += s->bytes;
	s->died = c->site;
	if (err)
		mark_run(h, s);
	else
		quarantine(h, s);
	return err;
}

int mm_run_free(struct mm_heap *h, struct mm_context *c, struct mm_slab *s, uint64_t addr)
{
	struct mm_guard *g = &h->guard;
	struct mm_misuse m, late;
	int err, late_err = MM_OK;

	mm_lock_take(&g->lock);
	err = retire(h, c, s, addr, &m);
	if (g->quarantined > g->quarantine_most)
		late_err = evict(h, &late);
	mm_lock_give(&g->lock);
	if (err)
		mm_guard_tell(h, c, &m);
	if (late_err)
		mm_guard_tell(h, c, &late);
	return err;
}

void mm_run_trim(struct mm_heap *h, const struct mm_context *c)
{
	struct mm_guard *g = &h->guard;
	struct mm_misuse m;
	int more = 1;

	while (more) {
		int err = MM_OK;
		mm_lock_take(&g->lock);
		if ((more = g->quarantined != 0))
			err = evict(h, &m);
		mm_lock_give(&g->lock);
		if (err)
			mm_guard_tell(h, c, &m);
	}
	mm_lock_take(&g->lock);
	while (g->idle) {
		struct mm_slab *s = mm_slab_at(&h->slabs, g->idle);
		g->idle = s->next;
		drop_run(h, s);
	}
	mm_lock_give(&g->lock);
}

int mm_run_verify_free(struct mm_heap *h, struct mm_misuse *ret)
{
	struct mm_guard *g = &h->guard;
	int err = MM_OK;

	mm_lock_take(&g->lock);
	for (uint32_t n = g->oldest; n && !err; n = mm_slab_at(&h->slabs, n)->next)
		err = mm_run_verify(h, mm_slab_at(&h->slabs, n), ret);
	for (uint32_t n = g->idle; n && !err; n = mm_slab_at(&h->slabs, n)->next)
		err = mm_run_verify(h, mm_slab_at(&h->slabs, n), ret);
	mm_lock_give(&g->lock);
	return err;
}

/* --- looking ------------------------------------------------------------------------ */

int mm_run_check(struct mm_heap *h)
{
	struct mm_guard *g = &h->guard;
	uint64_t live = 0, quarantined = 0, runs = 0, bytes = 0, cached = 0;

	for (uint32_t n = 1; n < h->slabs.count; n++) {
		const struct mm_slab *s = mm_slab_at(&h->slabs, n);
		if (!s->slices || s->pool || !s->guarded)
			continue;
		runs++;
		live += s->guard_state == MM_RUN_LIVE;
		quarantined += s->guard_state == MM_RUN_QUARANTINED;
		*(s->guard_state == MM_RUN_LIVE ? &bytes : &cached) += s->bytes;
	}
	if (runs != g->runs || live != g->live || quarantined != g->quarantined)
		return 1;
	return bytes != g->bytes || cached != g->cached ? 2 : 0;
}

int mm_heap_fault(const struct mm_heap *h, uint64_t addr, struct mm_misuse *ret)
{
	uint32_t number = mm_vspace_owner(&h->vspace, addr);
	const struct mm_slab *s = number ? mm_slab_at(&h->slabs, number) : NULL;

	if (!s || s->pool || !s->guarded ||
	    addr < (s->shut ? first_page(h, s) : guard_page(h, s)))
		return MM_ENOENT;
	tell_of(h, s, s->guard_state == MM_RUN_LIVE ? MM_MISUSE_OVERRUN
						    : MM_MISUSE_USE_AFTER_FREE, addr, ret);
	return MM_OK;
}
