/* guard.c: the checked levels: every call of the heap by way of what is known of the block
 * (guard.h, guard_parts.h). */
#include "alloc/guard.h"

#include <string.h>

#include "alloc/guard_records.h"
#include "alloc/heap_parts.h"
#include "core/error.h"

enum { EVERY = 20000, WATCHED_MOST = 30000, QUARANTINE_SAMPLED = 64, QUARANTINE_FULL = 8192 };

#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define SEED_STEP UINT64_C(0xd1342543de82ef95)

/* What runs at each allocation and free, and what only misuse comes to. */
#define HOT static inline __attribute__((always_inline))
#define COLD static __attribute__((noinline, cold))

/* --- names -------------------------------------------------------------------------- */

static const char *const level_names[MM_CHECKS] = { "off", "on", "sampled", "full" };
static const char *const misuse_names[MM_MISUSES] = { "double free", "interior free",
	"invalid free", "overrun", "underrun", "use after free", "wrong size" };

const char *mm_check_name(enum mm_check level)
{
	return (unsigned)level < MM_CHECKS ? level_names[level] : NULL;
}

int mm_check_of(const char *name, enum mm_check *ret)
{
	for (int i = 0; i < MM_CHECKS; i++)
		if (strcmp(level_names[i], name) == 0) {
			*ret = (enum mm_check)i;
			return MM_OK;
		}
	return MM_EINVAL;
}

const char *mm_misuse_name(enum mm_misuse_kind kind)
{
	return (unsigned)kind < MM_MISUSES ? misuse_names[kind] : NULL;
}

/* --- telling ------------------------------------------------------------------------ */

void mm_guard_tell(struct mm_heap *h, const struct mm_context *c, struct mm_misuse *m)
{
	struct mm_guard *g = &h->guard;

	m->site = c ? c->site : 0;
	mm_lock_take(&g->told_lock);
	g->kind[m->kind]++;
	g->latest = *m;
	g->has_latest = 1;
	mm_lock_give(&g->told_lock);
	if (h->o.misuse && !g->quiet)
		h->o.misuse(h->o.misuse_arg, m);
}

static int tell(struct mm_heap *h, const struct mm_context *c, enum mm_misuse_kind kind,
		uint64_t addr, uint64_t block, uint64_t size)
{
	struct mm_misuse m = { .kind = kind, .level = h->o.check, .addr = addr, .block = block,
			       .size = size, .offset = block ? (int64_t)(addr - block) : 0 };

	mm_guard_tell(h, c, &m);
	return kind == MM_MISUSE_OVERRUN ? MM_ECORRUPT : MM_EINVAL;
}

int mm_heap_misuse(struct mm_heap *h, struct mm_misuse *ret)
{
	struct mm_guard *g = &h->guard;

	mm_lock_take(&g->told_lock);
	int has = g->has_latest;
	if (has)
		*ret = g->latest;
	mm_lock_give(&g->told_lock);
	return has ? MM_OK : MM_ENOENT;
}

void mm_heap_check_counts(struct mm_heap *h, struct mm_check_counts *ret)
{
	struct mm_guard *g = &h->guard;
	struct mm_check_counts n = { .marked = atomic_load(&g->marked),
				     .marked_bytes = atomic_load(&g->marked_bytes),
				     .canary_bytes = atomic_load(&h->content.canaries),
				     .poisoned_bytes = atomic_load(&h->content.poisoned),
				     .verified_bytes = atomic_load(&h->content.verified) };

	mm_lock_take(&g->told_lock);
	memcpy(n.kind, g->kind, sizeof n.kind);
	mm_lock_give(&g->told_lock);
	mm_lock_take(&g->lock);
	n.watched = g->watched;
	n.beyond = g->beyond;
	n.quarantined = g->quarantined;
	mm_lock_give(&g->lock);
	*ret = n;
}

/* --- which allocations are watched -------------------------------------------------- */

void mm_guard_init(struct mm_heap *h)
{
	struct mm_guard *g = &h->guard;
	int is_full = h->o.check == MM_CHECK_FULL;

	g->every = h->o.sample_every ? h->o.sample_every : EVERY;
	g->most = h->o.watched_most ? h->o.watched_most : WATCHED_MOST;
	g->quarantine_most = is_full ? QUARANTINE_FULL : QUARANTINE_SAMPLED;
	if (g->most > h->vspace.slices / 4) /* others need addresses too */
		g->most = h->vspace.slices / 4;
	if (g->quarantine_most > g->most / 2)
		g->quarantine_most = g->most / 2;
	if (mm_guard_all(h))
		h->o.track = 1;
}

/* From 1 to 2 N - 1, N in the mean: no pattern of the program's falls in with it. */
static uint32_t next_interval(const struct mm_heap *h, struct mm_context *c)
{
	c->draw ^= c->draw << 13;
	c->draw ^= c->draw >> 7;
	c->draw ^= c->draw << 17;
	return 1 + (uint32_t)((c->draw >> 16) % (2 * (uint64_t)h->guard.every - 1));
}

void mm_guard_context(struct mm_heap *h, struct mm_context *c)
{
	c->draw = SEED * (2 * (uint64_t)++h->guard.contexts + 1) ^ h->o.seed * SEED_STEP;
	c->draw += c->draw == 0;
	c->until_drawn = next_interval(h, c);
}

/* --- what is known of a block ------------------------------------------------------- */

COLD int overrun(struct mm_heap *h, const struct mm_context *c, uint64_t addr, uint64_t size, uint64_t granted)
{
	return tell(h, c, MM_MISUSE_OVERRUN, addr + size + mm_content_canary_good(addr, size, granted),
		    addr, size);
}

HOT int verify(struct mm_heap *h, const struct mm_context *c, uint64_t addr, uint64_t size,
	       uint64_t granted)
{
	return __builtin_expect(mm_content_canary_whole(&h->content, addr, size, granted), 1)
		? MM_OK : overrun(h, c, addr, size, granted);
}

/* Large blocks are few: those that a second free is likely to mean are looked through. */
static void note_gone(struct mm_heap *h, uint64_t addr, uint64_t requested)
{
	uint32_t at = atomic_fetch_add(&h->guard.gone_next, 1) % MM_GUARD_GONE;

	atomic_store(&h->guard.gone[at].addr, addr);
	atomic_store(&h->guard.gone[at].requested, requested);
}

COLD int no_slab(struct mm_heap *h, const struct mm_context *c, uint64_t addr)
{
	for (uint32_t i = 0; addr && i < MM_GUARD_GONE; i++)
		if (atomic_load(&h->guard.gone[i].addr) == addr)
			return tell(h, c, MM_MISUSE_DOUBLE_FREE, addr, addr,
				    atomic_load(&h->guard.gone[i].requested));
	return tell(h, c, MM_MISUSE_INVALID_FREE, addr, 0, 0);
}

COLD int not_a_block(struct mm_heap *h, const struct mm_context *c, uint64_t addr,
		     const struct mm_guard_found *f)
{
	uint16_t record = f ? mm_guard_record(f) : 0;

	if (f && addr == f->addr && record)
		return tell(h, c, MM_MISUSE_DOUBLE_FREE, addr, addr, mm_guard_size_of(f, record));
	return mm_guard_is_live(record)
		? tell(h, c, MM_MISUSE_INTERIOR_FREE, addr, f->addr, mm_guard_size_of(f, record))
		: tell(h, c, MM_MISUSE_INVALID_FREE, addr, 0, 0);
}

/* --- allocation --------------------------------------------------------------------- */

static void end_large(struct mm_heap *h, const struct mm_slab *s)
{
	mm_content_canary_behind(&h->content, s->addr, s->requested, s->bytes);
}

static int checked_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
			 uint64_t *ret_addr)
{
	uint32_t n = mm_heap_class(size, align);
	uint64_t addr;
	int err;

	if (n == MM_CLASSES) {
		if ((err = mm_large_alloc(h, size, align, c->node, 0, ret_addr)) == MM_OK)
			end_large(h, mm_heap_slab_at(h, *ret_addr));
		return err;
	}
	struct mm_depot *p = &h->pool[n];
	if (!(addr = mm_cache_take(c, p)))
		return MM_ENOMEM;
	mm_guard_hand_out(h, p, addr, size);
	*ret_addr = addr;
	return MM_OK;
}

static int by_level(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		    uint64_t *ret_addr)
{
	return h->o.check == MM_CHECK_SAMPLED ? mm_plain_alloc(h, c, size, align, ret_addr)
					      : checked_alloc(h, c, size, align, ret_addr);
}

/* When there is no memory, what rests in quarantine is memory. */
static int unwatched_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
			   uint64_t *ret_addr)
{
	int err = by_level(h, c, size, align, ret_addr);

	if (!err || !h->guard.runs || size > h->vspace.bytes)
		return err;
	mm_run_trim(h, c);
	return by_level(h, c, size, align, ret_addr);
}

int mm_guard_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		   uint64_t *ret_addr)
{
	if (h->o.check == MM_CHECK_SAMPLED) {
		c->until_drawn = next_interval(h, c);
		if (mm_run_alloc(h, c, size, align, ret_addr) == MM_OK)
			return MM_OK;
		return unwatched_alloc(h, c, size, align, ret_addr);
	}
	if (h->o.check == MM_CHECK_FULL && mm_run_alloc(h, c, size, align, ret_addr) == MM_OK)
		return MM_OK;
	return unwatched_alloc(h, c, size, align, ret_addr);
}

/* --- free --------------------------------------------------------------------------- */

static inline int free_pooled(struct mm_heap *h, struct mm_context *c, struct mm_slab *s,
			      uint64_t addr)
{
	struct mm_guard_found f;
	uint16_t record;
	int err;

	if (!mm_guard_find(h, s, addr, &f))
		return not_a_block(h, c, addr, NULL);
	if (addr != f.addr)
		return not_a_block(h, c, addr, &f);
	mm_content_canary_soon(&h->content, addr, f.pool->block_bytes);
	if (!mm_guard_take_back(h, &f, &record))
		return not_a_block(h, c, addr, &f);
	err = verify(h, c, addr, mm_guard_size_of(&f, record), f.pool->block_bytes);
	if (__builtin_expect(err, 0)) {
		__atomic_store_n(&s->slack[f.number], MM_SLACK_MARKED, __ATOMIC_RELAXED);
		atomic_fetch_add(&h->guard.marked, 1);
		atomic_fetch_add(&h->guard.marked_bytes, f.pool->block_bytes);
		return err;
	}
	mm_cache_take_back(c, f.pool, f.slab, addr);
	return MM_OK;
}

enum large_state { LARGE_MINE, LARGE_GONE, LARGE_MARKED, LARGE_INSIDE };

/* Whoever gets it here frees it: of two threads that free a block at once one does. Records go under
 * the same lock, so that what is wrong is seen under it, too. */
static enum large_state claim_large(struct mm_heap *h, struct mm_slab *s, uint64_t addr,
				    uint64_t *ret_start, uint64_t *ret_requested)
{
	enum large_state state;

	mm_lock_take(&h->slabs.lock);
	*ret_start = s->addr;
	*ret_requested = s->requested;
	if (mm_vspace_owner(&h->vspace, addr) != s->number ||
	    (addr == s->addr && s->guard_state))
		state = LARGE_GONE;
	else if (s->guard_state)
		state = LARGE_MARKED;
	else
		state = addr == s->addr ? LARGE_MINE : LARGE_INSIDE;
	if (state == LARGE_MINE)
		s->guard_state = MM_RUN_MARKED;
	mm_lock_give(&h->slabs.lock);
	return state;
}

/* A damaged one stays for ever, as what is cached. */
static int free_large(struct mm_heap *h, struct mm_context *c, struct mm_slab *s, uint64_t addr)
{
	uint64_t start, requested;
	enum large_state state = claim_large(h, s, addr, &start, &requested);
	int err;

	if (state == LARGE_GONE)
		return tell(h, c, MM_MISUSE_DOUBLE_FREE, addr, addr, 0);
	if (state == LARGE_INSIDE && addr < start + requested)
		return tell(h, c, MM_MISUSE_INTERIOR_FREE, addr, start, requested);
	if (state != LARGE_MINE)
		return tell(h, c, MM_MISUSE_INVALID_FREE, addr, 0, 0);
	if ((err = verify(h, c, addr, s->requested, s->bytes)) == MM_OK) {
		note_gone(h, addr, s->requested);
		return mm_large_free(h, s, addr);
	}
	atomic_fetch_add(&h->guard.marked, 1);
	atomic_fetch_add(&h->guard.marked_bytes, s->bytes);
	atomic_fetch_sub(&h->large.live, 1);
	atomic_fetch_sub(&h->large.bytes, s->bytes);
	atomic_fetch_sub(&h->large.requested, s->requested);
	return err;
}

int mm_guard_free(struct mm_heap *h, struct mm_context *c, uint64_t addr)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);

	if (!s)
		return no_slab(h, c, addr);
	if (s->pool)
		return free_pooled(h, c, s, addr);
	return s->guarded ? mm_run_free(h, c, s, addr) : free_large(h, c, s, addr);
}

/* Sampled: what the plain way has refused. Of runs it was told. */
int mm_guard_stray(struct mm_heap *h, struct mm_context *c, uint64_t addr)
{
	const struct mm_slab *s = mm_heap_slab_at(h, addr);

	if (s && s->guarded)
		return MM_EINVAL;
	if (s && !s->pool && addr > s->addr && addr < s->addr + s->requested)
		return tell(h, c, MM_MISUSE_INTERIOR_FREE, addr, s->addr, s->requested);
	return tell(h, c, MM_MISUSE_INVALID_FREE, addr, 0, 0);
}

/* --- sizes -------------------------------------------------------------------------- */

int mm_guard_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);
	struct mm_guard_found f;

	if (s && s->guarded) {
		if (s->guard_state != MM_RUN_LIVE || addr != s->guarded)
			return MM_EINVAL;
		*ret_bytes = s->requested;
		return MM_OK;
	}
	if (h->o.check == MM_CHECK_SAMPLED)
		return mm_plain_granted(h, addr, ret_bytes);
	if (!s || (!s->pool && (addr != s->addr || s->guard_state)))
		return MM_EINVAL;
	if (!s->pool) {
		*ret_bytes = s->requested;
		return MM_OK;
	}
	if (!mm_guard_find((struct mm_heap *)(uintptr_t)h, s, addr, &f) || addr != f.addr ||
	    !mm_guard_is_live(mm_guard_record(&f)))
		return MM_EINVAL;
	*ret_bytes = mm_guard_size_of(&f, mm_guard_record(&f));
	return MM_OK;
}

int mm_heap_said_size(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size)
{
	const struct mm_slab *s = h->o.check ? mm_heap_slab_at(h, addr) : NULL;
	uint64_t requested;

	if (!s || (h->o.check == MM_CHECK_SAMPLED && !s->guarded) ||
	    mm_guard_granted(h, addr, &requested) || requested == size)
		return MM_OK;
	struct mm_misuse m = { .kind = MM_MISUSE_WRONG_SIZE, .level = h->o.check, .addr = addr,
			       .block = addr, .size = requested, .said = size };
	if (s->guarded)
		m.born = s->born;
	mm_guard_tell(h, c, &m);
	return MM_EINVAL;
}

/* The block looked at, so that damage is not copied without a word. */
static int inspect(struct mm_heap *h, const struct mm_context *c, struct mm_slab *s,
		   uint64_t addr, uint64_t size)
{
	struct mm_misuse m;

	if (!s->guarded)
		return verify(h, c, addr, size,
			      s->pool ? h->pool[s->pool - 1].block_bytes : s->bytes);
	if (mm_run_verify(h, s, &m) == MM_OK)
		return MM_OK;
	mm_guard_tell(h, c, &m);
	return MM_ECORRUPT;
}

static int resized(struct mm_heap *h, struct mm_slab *s, uint64_t addr, uint64_t size,
		   uint64_t align)
{
	struct mm_guard_found f;

	if (s->guarded || addr & (align - 1))
		return 0;
	if (!s->pool) {
		if (size <= MM_CLASS_MOST || !mm_large_resize(h, s, size, align))
			return 0;
		end_large(h, s);
		return 1;
	}
	mm_guard_find(h, s, addr, &f);
	if (size > MM_CLASS_MOST || mm_class_of(size ? size : 1) != f.pool->index)
		return 0;
	mm_guard_put_out(&f, size);
	mm_content_canary_behind(&h->content, addr, size, f.pool->block_bytes);
	return 1;
}

/* What is wrong with an address that begins no live block is told as for free. */
static int wrong_address(struct mm_heap *h, struct mm_slab *s, struct mm_context *c, uint64_t addr)
{
	struct mm_guard_found f;

	if (!s || s->guarded || !s->pool)
		return mm_guard_free(h, c, addr);
	return not_a_block(h, c, addr, mm_guard_find(h, s, addr, &f) ? &f : NULL);
}

int mm_guard_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		     uint64_t align, uint64_t *ret_addr)
{
	struct mm_slab *s = mm_heap_slab_at(h, addr);
	uint64_t was, fresh;
	int err;

	if (h->o.check == MM_CHECK_SAMPLED && !(s && s->guarded))
		return (err = mm_plain_realloc(h, c, addr, size, align, ret_addr)) == MM_EINVAL
			? mm_guard_stray(h, c, addr) : err;
	if (mm_guard_granted(h, addr, &was))
		return wrong_address(h, s, c, addr);
	if ((err = inspect(h, c, s, addr, was)))
		return err;
	if (resized(h, s, addr, size, align)) {
		*ret_addr = addr;
		return MM_OK;
	}
	if ((err = mm_heap_alloc(h, c, size, align, &fresh)))
		return err;
	if (size > was)
		mm_large_grew(h, fresh);
	mm_content_copy(&h->content, fresh, addr, size < was ? size : was);
	*ret_addr = fresh;
	return mm_guard_free(h, c, addr);
}

/* --- sums ------------------------------------------------------------------------------- */

static void count_slab(const struct mm_depot *p, struct mm_slab *s, struct mm_account *a)
{
	for (uint32_t i = 0; i < s->blocks; i++) {
		struct mm_guard_found f = { .slab = s, .number = i };
		uint16_t record = mm_guard_record(&f);
		if (!mm_guard_is_live(record))
			continue;
		a->live++;
		a->requested += p->block_bytes - (record - 1u);
		a->internal += record - 1u;
	}
}

void mm_guard_count(struct mm_heap *h, struct mm_account *a)
{
	for (uint32_t n = 0; n < MM_CLASSES; n++) {
		struct mm_depot *p = &h->pool[n];
		mm_lock_take(&p->lock);
		for (uint32_t list = 0; list <= MM_DEPOT_FULL; list++)
			for (uint32_t at = p->list[list]; at;) {
				struct mm_slab *s = mm_slab_at(&h->slabs, at);
				count_slab(p, s, a);
				at = s->next;
			}
		mm_lock_give(&p->lock);
	}
}

/* --- everything at once ------------------------------------------------------------- */

static int validate_pooled(struct mm_heap *h, const struct mm_context *c, struct mm_slab *s)
{
	int bad = MM_OK;

	for (uint32_t i = 0; i < s->blocks; i++) {
		struct mm_depot *p = &h->pool[s->pool - 1];
		struct mm_guard_found f = { p, s, i, s->addr + (uint64_t)i * p->block_bytes };
		uint16_t record = mm_guard_record(&f);
		if (mm_guard_is_live(record) &&
		    verify(h, c, f.addr, mm_guard_size_of(&f, record), p->block_bytes))
			bad = MM_ECORRUPT;
	}
	return bad;
}

static int validate(struct mm_heap *h, const struct mm_context *c)
{
	int all = mm_guard_all(h), bad = MM_OK;

	for (uint32_t n = 1; n < h->slabs.count; n++) {
		struct mm_slab *s = mm_slab_at(&h->slabs, n);
		int err = MM_OK;
		if (!s->slices || (!s->guarded && (!all || s->guard_state == MM_RUN_MARKED)))
			continue;
		if (s->pool)
			err = validate_pooled(h, c, s);
		else
			err = inspect(h, c, s, s->addr, s->requested);
		bad = err ? err : bad;
	}
	return bad;
}

int mm_heap_validate(struct mm_heap *h)
{
	return validate(h, NULL);
}

/* Newcomers wait: they would have no context. The sink is called when they need not. */
static int validate_alone(struct mm_heap *h, struct mm_context *c, int *ret_is_alone)
{
	int err = MM_OK;

	mm_lock_take(&h->contexts_lock);
	*ret_is_alone = h->contexts == c && (!c || !c->next);
	h->guard.quiet = *ret_is_alone;
	if (*ret_is_alone)
		err = validate(h, c);
	h->guard.quiet = 0;
	mm_lock_give(&h->contexts_lock);
	if (err && h->o.misuse)
		h->o.misuse(h->o.misuse_arg, &h->guard.latest);
	return err;
}

int mm_heap_validate_last(struct mm_heap *h, struct mm_context *c)
{
	struct mm_misuse m;
	int is_alone, err = validate_alone(h, c, &is_alone);

	if (is_alone || (err = mm_run_verify_free(h, &m)) == MM_OK)
		return err;
	mm_guard_tell(h, c, &m);
	return err;
}
